//! A way between one client and the server that is made hostile on demand.

mod relay;

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use relay::Relay;

/// How often a pump looks whether something else is asked of it.
const LOOK: Duration = Duration::from_millis(20);

/// What the proxy does from now on, with every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Forwards everything.
    Clear,
    /// Forwards a few bytes at a time to the client.
    Trickle,
    /// Holds everything, in both directions, for this long.
    Delay(Duration),
    /// Takes connections, and forwards nothing to the client, to the server, or to both.
    Dark { to_client: bool, to_server: bool },
    /// Replies to upgrades by itself.
    Answer(Answer),
}

/// What an upgrade is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What is not HTTP.
    Junk,
    /// A refusal.
    Status(u16),
    /// Nothing.
    Never,
    /// The end of the connection.
    Close,
}

/// What is done to a connection once, in the middle of what the server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It ends as that of a process that ends in order.
    End,
    /// It is reset.
    Reset,
    /// Bytes that belong to no frame follow.
    Garbage,
    /// The client is told the end, and what it sends is taken still.
    HalfClose,
}

/// A proxy on a port of its own, until the process ends.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    way: Mutex<Way>,
    /// The last cut, and how many there were.
    cut: Mutex<(u64, Cut)>,
}

impl Proxy {
    pub(crate) fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (way, cut) = (Mutex::new(Way::Clear), Mutex::new((0, Cut::End)));
        let shared = Arc::new(Shared { server, way, cut });
        let proxy = Self { address, shared: shared.clone() };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = shared.clone();
                // Connections that fail are what clients must live with.
                thread::spawn(move || serve(client, &shared));
            }
        });
        Ok(proxy)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, way: Way) {
        *lock(&self.shared.way) = way;
    }

    /// Cuts every connection that is open now, at the next bytes for the client.
    pub(crate) fn cut(&self, cut: Cut) {
        let mut last = lock(&self.shared.cut);
        *last = (last.0 + 1, cut);
    }
}

impl Shared {
    fn way(&self) -> Way {
        *lock(&self.way)
    }

    fn cut(&self) -> (u64, Cut) {
        *lock(&self.cut)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(client: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    client.set_nodelay(true)?;
    if let Way::Answer(answer) = shared.way() {
        return refuse(client, answer);
    }
    // While the server is down the client sees its connection end at once.
    let server = TcpStream::connect_timeout(&shared.server, Duration::from_secs(2))?;
    server.set_nodelay(true)?;
    let relay = Arc::new(Relay::new(client, server, shared.clone())?);
    let other = relay.clone();
    thread::spawn(move || other.to_server());
    relay.to_client();
    Ok(())
}

/// Replies to an upgrade by itself.
fn refuse(mut client: TcpStream, answer: Answer) -> io::Result<()> {
    if answer == Answer::Close {
        return Ok(());
    }
    client.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
    }
    match answer {
        Answer::Junk => client.write_all(&junk(200))?,
        Answer::Status(status) => {
            let head = format!("HTTP/1.1 {status} No\r\nContent-Length: 4\r\n\r\nno.\n");
            client.write_all(head.as_bytes())?;
        }
        Answer::Never => {
            // Until the client has had enough.
            let until = Instant::now() + Duration::from_secs(10);
            while Instant::now() < until && client.read(&mut buffer).is_ok_and(|read| read > 0) {}
        }
        Answer::Close => {}
    }
    Ok(())
}

fn junk(length: usize) -> Vec<u8> {
    std::iter::repeat_with(|| fastrand::u8(..)).take(length).collect()
}
