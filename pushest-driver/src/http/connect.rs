//! Connecting to an endpoint: the same race of addresses as the WebSocket's, here on one thread that
//! may block.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use pushest_proto::Instant;
use ureq::Error;
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, ShutdownHandle,
};

use super::addresses::Addresses;
use super::pipe::{self, Piped};
use super::socket::{Interrupt, Socket, remaining};
use super::tunnel;
use crate::dial::Dialer;
use crate::dial::proxy::target::Target;
use crate::dial::proxy::url::Proxy;
use crate::dial::race::Race;

/// One token for all: after any event everything is looked at.
const ANY: Token = Token(0);

/// Maximum number of events of one wait; each of them means the same.
const EVENTS: usize = 16;

/// Connects to whichever address of the endpoint, or of the proxy before it, accepts first.
#[derive(Debug)]
pub(super) struct RaceConnector {
    addresses: Arc<Addresses>,
    dialer: Arc<Dialer>,
}

impl RaceConnector {
    pub(super) fn new(addresses: Arc<Addresses>, dialer: Arc<Dialer>) -> Self {
        Self { addresses, dialer }
    }
}

impl Connector<()> for RaceConnector {
    type Out = Either<Socket, Piped>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(piped) = pipe::taken(details) {
            return Ok(Some(Either::B(piped)));
        }
        let Some(authority) = details.uri.authority() else { return Err(Error::HostNotFound) };
        let mut poll = Poll::new()?;
        let interrupt = Arc::new(Interrupt::new(Waker::new(poll.registry(), ANY)?));
        let handle: Weak<dyn ShutdownHandle> = Arc::<Interrupt>::downgrade(&interrupt);
        (details.register_shutdown)(handle)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let usual_port = if details.needs_tls() { 443 } else { 80 };
        let target = Target::new(host, authority.port_u16().unwrap_or(usual_port));
        let proxy = self.dialer.proxies().of_target(details.needs_tls(), &target);
        let addresses = self.addresses.of(authority);
        let raced = race(&mut poll, addresses, &interrupt, &details.timeout);
        let (address, stream) = raced.map_err(|error| unreached(error, proxy))?;
        self.addresses.answered(authority, address);
        let stream = std::net::TcpStream::from(stream);
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        let socket = Socket::new(stream, buffers, interrupt);
        if let Some(proxy) = proxy {
            tunnel::open(socket.stream(), proxy, &target, &details.timeout)?;
        }
        Ok(Some(Either::A(socket)))
    }
}

/// Returns the error of a race that was for the addresses of the proxy, if there is one.
fn unreached(error: Error, proxy: Option<&Proxy>) -> Error {
    match (error, proxy) {
        (Error::Other(why), Some(proxy)) => {
            tunnel::failed(proxy, &format!("it cannot be reached: {why}"))
        }
        (error, _) => error,
    }
}

fn race(
    poll: &mut Poll,
    addresses: Vec<SocketAddr>,
    interrupt: &Interrupt,
    timeout: &NextTimeout,
) -> Result<(SocketAddr, TcpStream), Error> {
    let origin = std::time::Instant::now();
    let now = || Instant::ORIGIN + origin.elapsed();
    let mut events = Events::with_capacity(EVENTS);
    let mut race = Race::new(addresses);
    let mut running: Vec<(SocketAddr, TcpStream)> = Vec::new();
    loop {
        if interrupt.is_over() {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        }
        let mut index = 0;
        while let Some((address, stream)) = running.get(index) {
            match is_connected(stream) {
                Ok(true) => return Ok(running.swap_remove(index)),
                Ok(false) => index += 1,
                Err(error) => {
                    race.failed(*address, &error);
                    running.swap_remove(index);
                }
            }
        }
        if let Some(address) = race.next(now()) {
            match begin(poll, address) {
                Ok(stream) => running.push((address, stream)),
                Err(error) => race.failed(address, &error),
            }
            continue;
        }
        if let Some(reason) = race.lost() {
            return Err(Error::Other(reason.into()));
        }
        let mut limit = remaining(timeout)?;
        if let Some(next) = race.next_at() {
            limit = limit.min(next.saturating_duration_since(now()));
        }
        // It fails where a signal interrupts it, and has then waited long enough.
        let _ = poll.poll(&mut events, Some(limit));
    }
}

fn begin(poll: &Poll, address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    poll.registry().register(&mut stream, ANY, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}

fn is_connected(stream: &TcpStream) -> io::Result<bool> {
    match (stream.take_error()?, stream.peer_addr()) {
        (Some(error), _) => Err(error),
        (None, Ok(_)) => Ok(true),
        (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        (None, Err(error)) => Err(error),
    }
}
