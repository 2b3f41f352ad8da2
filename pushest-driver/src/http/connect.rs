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
use super::route::Route;
use super::socket::{Interrupt, Socket, remaining};
use super::tunnel;
use crate::dial::proxy::url::Proxy;
use crate::dial::race::Race;
use crate::dial::within::share;

/// One token for all: after any event everything is looked at.
const ANY: Token = Token(0);

/// Maximum number of events of one wait; each of them means the same.
const EVENTS: usize = 16;

/// Connects to whichever address of the endpoint, or of the proxy before it, accepts first.
#[derive(Debug)]
pub(super) struct RaceConnector {
    addresses: Addresses,
}

impl RaceConnector {
    pub(super) fn new() -> Self {
        Self { addresses: Addresses::default() }
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
        let Some(route) = Route::of_this_thread() else { return Err(Error::HostNotFound) };
        let mut poll = Poll::new()?;
        let interrupt = Arc::new(Interrupt::new(Waker::new(poll.registry(), ANY)?));
        let handle: Weak<dyn ShutdownHandle> = Arc::<Interrupt>::downgrade(&interrupt);
        (details.register_shutdown)(handle)?;
        let proxy = route.proxy.as_ref();
        let addresses = self.addresses.sorted(route.addresses.clone());
        let mut limit = remaining(&details.timeout)?;
        if proxy.is_some() {
            // The rest of the request's time is left for saying why.
            limit = share(limit);
        }
        let until = std::time::Instant::now() + limit;
        let raced = race(&mut poll, addresses, &interrupt, until);
        let (address, stream) = raced.map_err(|lost| lost.into_error(proxy, &details.timeout))?;
        self.addresses.answered(address);
        let stream = std::net::TcpStream::from(stream);
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        let socket = Socket::new(stream, buffers, interrupt);
        if let Some(proxy) = proxy {
            tunnel::open(socket.stream(), proxy, &route.target, until)?;
        }
        Ok(Some(Either::A(socket)))
    }
}

/// Why no address has accepted a connection.
enum Lost {
    /// All of them have failed.
    Failed(String),
    /// The time is over.
    Late,
    /// Waiting for them has failed, or the client has gone.
    Broken(io::Error),
}

impl Lost {
    /// Returns the error of a race that was for the addresses of the proxy, if there is one.
    fn into_error(self, proxy: Option<&Proxy>, timeout: &NextTimeout) -> Error {
        match (self, proxy) {
            (Self::Failed(why), None) => Error::Other(why.into()),
            (Self::Failed(why), Some(proxy)) => {
                tunnel::failed(proxy, &format!("it cannot be reached: {why}"))
            }
            (Self::Late, None) => Error::Timeout(timeout.reason),
            (Self::Late, Some(proxy)) => tunnel::failed(proxy, "it cannot be reached in time"),
            (Self::Broken(error), _) => error.into(),
        }
    }
}

fn race(
    poll: &mut Poll,
    addresses: Vec<SocketAddr>,
    interrupt: &Interrupt,
    until: std::time::Instant,
) -> Result<(SocketAddr, TcpStream), Lost> {
    let origin = std::time::Instant::now();
    let now = || Instant::ORIGIN + origin.elapsed();
    let mut events = Events::with_capacity(EVENTS);
    let mut race = Race::new(addresses);
    let mut running: Vec<(SocketAddr, TcpStream)> = Vec::new();
    loop {
        if interrupt.is_over() {
            return Err(Lost::Broken(io::ErrorKind::NotConnected.into()));
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
            return Err(Lost::Failed(reason));
        }
        let mut limit = until.saturating_duration_since(std::time::Instant::now());
        if limit.is_zero() {
            return Err(Lost::Late);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_race_for_a_proxy_that_is_lost_or_late_is_the_proxys_failure() {
        let proxy = Proxy::parse("http://ann:s3cret@proxy.example:1").expect("a proxy");
        let timeout = || NextTimeout {
            after: std::time::Duration::from_secs(1).into(),
            reason: ureq::Timeout::Global,
            per_read: None,
            per_write: None,
        };
        // As where an address swallows what it is sent.
        let late = || Lost::Late;
        let text = late().into_error(Some(&proxy), &timeout()).to_string();
        assert!(
            text.contains("http://***@proxy.example:1: it cannot be reached in time"),
            "{text}"
        );
        assert!(matches!(late().into_error(None, &timeout()), Error::Timeout(_)));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let gone = listener.local_addr().expect("bound");
        drop(listener);
        let mut poll = Poll::new().expect("an event queue");
        let waker = Waker::new(poll.registry(), ANY).expect("an event queue");
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let lost = race(&mut poll, vec![gone], &Interrupt::new(waker), until);
        let text =
            lost.expect_err("nothing accepts").into_error(Some(&proxy), &timeout()).to_string();
        assert!(text.contains(&format!("it cannot be reached: {gone}: ")), "{text}");
    }
}
