//! A server of the HTTP API that does what a scenario says, and counts what it is asked.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pushest_proto::api::{ListChannels, Publish};
use pushest_proto::{Config, ConfigBuilder};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::conformance::api_driver::{ApiDriver, ApiSettings};
use crate::shell::{Certificate, Identity};

/// The secret of the app that it serves.
pub(super) const SECRET: &str = "secret-sentinel";

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Which request this is, counted from 1.
    pub(super) number: usize,
    /// Over which connection it came, counted from 1.
    pub(super) connection: usize,
    /// The whole request.
    pub(super) text: String,
}

impl Asked {
    /// The last parameter of the request line.
    pub(super) fn signature(&self) -> &str {
        let (_, rest) = self.text.split_once("auth_signature=").expect("it is signed");
        rest.split(' ').next().expect("there is a first part")
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// These bytes, and the connection stays.
    Answer(String),
    /// These bytes, and then the connection is closed.
    Last(String),
    /// The connection is closed without a word, or with a reset.
    Close,
    Reset,
    /// Nothing, until the server is gone.
    Silence,
    /// These pieces, with a pause before each but the first, and the connection stays.
    Slowly(Vec<String>, Duration),
    /// The first text, and the second again and again, each after a pause, for as long as it is read.
    Endless(String, String, Duration),
}

/// Returns an answer with this status, headers (each with its line's end) and body.
pub(super) fn answer(status: u16, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Answer(format!("HTTP/1.1 {status} -\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
}

/// The answer to everything that was carried out and asks for nothing.
pub(super) fn done() -> Act {
    answer(200, "Content-Type: application/json\r\n", r#"{"channels":{}}"#)
}

/// An event for `orders`.
pub(super) fn event() -> Publish {
    Publish::new("orders", "shipped", r#"{"id":7}"#)
}

/// What only asks.
pub(super) fn query() -> ListChannels {
    ListChannels::new()
}

type Script = dyn Fn(&Asked) -> Act + Send + Sync;

/// The server. It is gone, with its connections, when it is dropped.
pub(super) struct Double {
    address: SocketAddr,
    /// The authority of its certificate, if it speaks TLS.
    authority_pem: Option<String>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    tls: Option<Arc<ServerConfig>>,
    asked: Mutex<Vec<Asked>>,
    streams: Mutex<Vec<Arc<TcpStream>>>,
    connections: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    is_over: AtomicBool,
}

impl Double {
    pub(super) fn start(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        Self::on(listener, script)
    }

    /// The same over TLS.
    pub(super) fn start_tls(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let identity = Identity::new(Certificate::Valid, Ipv4Addr::LOCALHOST.into());
        let identity = identity.expect("a certificate");
        let mut server = Self::with(listener, Some(identity.config), Box::new(script));
        server.authority_pem = Some(identity.authority_pem);
        server
    }

    pub(super) fn on(
        listener: TcpListener,
        script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::with(listener, None, Box::new(script))
    }

    fn with(listener: TcpListener, tls: Option<Arc<ServerConfig>>, script: Box<Script>) -> Self {
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            script,
            tls,
            asked: Mutex::default(),
            streams: Mutex::default(),
            connections: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        let thread = thread::spawn(move || accept(&listener, &accepting));
        Self { address, authority_pem: None, shared, thread: Some(thread) }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns an `Api` for it.
    pub(super) fn api<D: ApiDriver>(&self, settings: ApiSettings) -> D::Api {
        let settings = settings.authority_pem(self.authority_pem.clone());
        let tls = self.authority_pem.is_some();
        let config = builder(self.address).tls(tls).build().expect("valid");
        D::api(&config, settings).expect("a whole configuration")
    }

    /// The same, for the name of its host.
    pub(super) fn api_at<D: ApiDriver>(&self, host: &str, settings: ApiSettings) -> D::Api {
        let config = builder(self.address).host(host).build().expect("valid");
        D::api(&config, settings).expect("a whole configuration")
    }

    /// Returns the requests so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the number of requests so far.
    pub(super) fn count(&self) -> usize {
        self.asked().len()
    }

    /// Returns the number of connections so far.
    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Returns the largest number of requests that were under way at once.
    pub(super) fn most_under_way(&self) -> usize {
        self.shared.most_under_way.load(Ordering::SeqCst)
    }

    /// Returns the number of connections that are open.
    pub(super) fn open(&self) -> usize {
        self.shared.streams.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Closes all connections, as a server does that has kept them long enough.
    pub(super) fn close_connections(&self) {
        self.shared.close_all();
    }
}

/// The configuration of the app, at this address.
pub(super) fn config(address: SocketAddr) -> Config {
    builder(address).build().expect("valid")
}

fn builder(address: SocketAddr) -> ConfigBuilder {
    let config = Config::builder("app-key").app_id("7").secret(SECRET).master_key(&[7; 32]);
    config.host("127.0.0.1").port(address.port())
}

impl Shared {
    fn close_all(&self) {
        for stream in self.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // It fails where the connection is closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        self.shared.close_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let stream = Arc::new(stream);
        shared.streams.lock().unwrap_or_else(PoisonError::into_inner).push(stream.clone());
        let shared = shared.clone();
        thread::spawn(move || serve(&stream, number, &shared));
    }
}

fn serve(stream: &TcpStream, number: usize, shared: &Shared) {
    // The other end may be gone at any time.
    let _ = match shared.tls.clone() {
        None => exchange(&mut BufReader::new(stream), stream, number, shared),
        Some(config) => {
            ServerConnection::new(config).map_err(io::Error::other).and_then(|session| {
                let mut reader = BufReader::new(StreamOwned::new(session, stream));
                exchange(&mut reader, stream, number, shared)
            })
        }
    };
    // The other handles of it go, too.
    let mut streams = shared.streams.lock().unwrap_or_else(PoisonError::into_inner);
    streams.retain(|other| !std::ptr::eq(&**other, stream));
}

/// Answers requests, until the connection or the script ends.
fn exchange<S: Read + Write>(
    reader: &mut BufReader<S>,
    stream: &TcpStream,
    connection: usize,
    shared: &Shared,
) -> io::Result<()> {
    while let Some(text) = request(reader) {
        let now = shared.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_under_way.fetch_max(now, Ordering::SeqCst);
        let asked = {
            let mut all = shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let asked = Asked { number: all.len() + 1, connection, text };
            all.push(asked.clone());
            asked
        };
        let act = (shared.script)(&asked);
        shared.under_way.fetch_sub(1, Ordering::SeqCst);
        let (bytes, is_last) = match act {
            Act::Answer(bytes) => (bytes, false),
            Act::Last(bytes) => (bytes, true),
            Act::Close => (String::new(), true),
            Act::Reset => {
                return socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
            }
            Act::Silence => {
                // Until the other end, or the server, goes.
                return reader.read(&mut [0]).map(drop);
            }
            Act::Slowly(pieces, pause) => {
                for (index, piece) in pieces.iter().enumerate() {
                    if index > 0 {
                        thread::sleep(pause);
                    }
                    reader.get_mut().write_all(piece.as_bytes())?;
                    reader.get_mut().flush()?;
                }
                continue;
            }
            Act::Endless(begin, more, pause) => {
                reader.get_mut().write_all(begin.as_bytes())?;
                // It fails once the other end, or the server, is gone.
                loop {
                    reader.get_mut().write_all(more.as_bytes())?;
                    reader.get_mut().flush()?;
                    thread::sleep(pause);
                }
            }
        };
        reader.get_mut().write_all(bytes.as_bytes())?;
        reader.get_mut().flush()?;
        if is_last {
            return stream.shutdown(Shutdown::Both);
        }
    }
    Ok(())
}

/// Reads a request; `None` at the end of the connection.
fn request(reader: &mut BufReader<impl Read>) -> Option<String> {
    let mut text = String::new();
    loop {
        let begin = text.len();
        if reader.read_line(&mut text).ok()? == 0 {
            return None;
        }
        if text[begin..].trim_end().is_empty() {
            break;
        }
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(text + &String::from_utf8_lossy(&body))
}
