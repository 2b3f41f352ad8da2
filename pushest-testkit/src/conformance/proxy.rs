//! A small proxy for tests: CONNECT and SOCKS5 on one port of the loopback interface, with what it was
//! asked and what went through it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How much of what goes through is kept.
const MOST_KEPT: usize = 64 * 1024;

/// How long a stream is waited for, so that no thread stays.
const PATIENCE: Duration = Duration::from_secs(60);

/// The proxy, gone with the value, with all that goes through it.
#[derive(Debug)]
pub struct TestProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// One connection that asked for something.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// All that was said before the tunnel.
    pub request: Vec<u8>,
    /// The target, as it was named: `HOST:PORT`.
    pub target: String,
    /// The beginning of what the client sent through the tunnel.
    pub sent: Vec<u8>,
}

/// What one connection meets instead of a proxy.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// It is answered with these bytes, and closed.
    Closes(Vec<u8>),
    /// It is answered with these bytes, and nothing more.
    Stalls(Vec<u8>),
}

#[derive(Debug, Default)]
struct Shared {
    login: Option<(String, String)>,
    troubles: Mutex<VecDeque<Trouble>>,
    asked: Mutex<Vec<Asked>>,
    /// Ended with the proxy.
    streams: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
}

impl TestProxy {
    /// Starts a proxy for everybody.
    ///
    /// # Panics
    /// If there is no port for it.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Shared::default())
    }

    /// Starts a proxy for those who know this user and password.
    ///
    /// # Panics
    /// If there is no port for it.
    #[must_use]
    pub fn start_for(user: &str, password: &str) -> Self {
        let login = Some((user.to_owned(), password.to_owned()));
        Self::start_with(Shared { login, ..Shared::default() })
    }

    fn start_with(shared: Shared) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(shared);
        let of_thread = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if of_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = of_thread.clone();
                // What goes wrong is for the client to notice.
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its URL, with what stands before its address, such as `socks5://ann:secret@`.
    #[must_use]
    pub fn url(&self, beginning: &str) -> String {
        format!("{beginning}{}", self.address)
    }

    /// The next connections meet these, one each.
    pub fn trouble(&self, troubles: impl IntoIterator<Item = Trouble>) {
        lock(&self.shared.troubles).extend(troubles);
    }

    /// Returns what was asked for so far, in the order in which it was.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }

    /// Ends all that goes through it; it goes on listening.
    pub fn drop_connections(&self) {
        for stream in lock(&self.shared.streams).drain(..) {
            // It fails where the stream has ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // The thread that listens looks up.
        let _ = TcpStream::connect(self.address);
        self.drop_connections();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind it is whole at all times.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    lock(&shared.streams).push(stream.try_clone()?);
    let trouble = lock(&shared.troubles).pop_front();
    if let Some(trouble) = trouble {
        return disturb(stream, &trouble);
    }
    let mut first = [0];
    stream.read_exact(&mut first)?;
    let mut asked = Asked { request: first.to_vec(), ..Asked::default() };
    let agrees = if first == [5] {
        socks(&mut stream, &mut asked, shared)?
    } else {
        connect(&mut stream, &mut asked, shared)?
    };
    let target = agrees.then(|| TcpStream::connect(&*asked.target));
    let index = {
        let mut all = lock(&shared.asked);
        all.push(asked.clone());
        all.len() - 1
    };
    let is_socks = first == [5];
    let Some(target) = target else { return Ok(()) };
    let target = match target {
        Ok(target) => target,
        Err(_) if is_socks => return stream.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]),
        Err(_) => return stream.write_all(b"HTTP/1.1 502 No server\r\n\r\n"),
    };
    stream.set_nodelay(true)?;
    target.set_nodelay(true)?;
    stream.write_all(if is_socks {
        &[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]
    } else {
        b"HTTP/1.0 200 Connection established\r\nProxy-agent: test\r\n\r\n"
    })?;
    lock(&shared.streams).push(target.try_clone()?);
    relay(stream, target, index, shared)
}

/// Reads a request, so that the answer is not lost with it, and gives the answer.
fn disturb(mut stream: TcpStream, trouble: &Trouble) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let _ = stream.read(&mut buffer)?;
    match trouble {
        Trouble::Closes(bytes) => {
            stream.write_all(bytes)?;
            stream.shutdown(Shutdown::Write)?;
        }
        Trouble::Stalls(bytes) => stream.write_all(bytes)?,
    }
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Returns whether the request is one that is granted; else it has been answered.
fn connect(stream: &mut TcpStream, asked: &mut Asked, shared: &Shared) -> io::Result<bool> {
    while !asked.request.ends_with(b"\r\n\r\n") {
        read_more(stream, asked, 1)?;
    }
    let head = String::from_utf8_lossy(&asked.request).into_owned();
    let line = head.split("\r\n").next().unwrap_or_default();
    let target = line.strip_prefix("CONNECT ").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    let Some(target) = target else {
        stream.write_all(b"HTTP/1.1 405 CONNECT only\r\nContent-Length: 0\r\n\r\n")?;
        return Ok(false);
    };
    asked.target = target.to_owned();
    if let Some((user, password)) = &shared.login {
        let wanted = STANDARD.encode(format!("{user}:{password}"));
        if !head.contains(&format!("\r\nProxy-Authorization: Basic {wanted}\r\n")) {
            stream.write_all(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n\
                  Proxy-Authenticate: Basic realm=\"the office\"\r\nContent-Length: 0\r\n\r\n",
            )?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// The same of SOCKS5.
fn socks(stream: &mut TcpStream, asked: &mut Asked, shared: &Shared) -> io::Result<bool> {
    let count = read_more(stream, asked, 1)?[0];
    let methods = read_more(stream, asked, count.into())?;
    let wanted = if shared.login.is_some() { 2 } else { 0 };
    if !methods.contains(&wanted) {
        stream.write_all(&[5, 0xff])?;
        return Ok(false);
    }
    stream.write_all(&[5, wanted])?;
    if let Some((user, password)) = &shared.login {
        let length = read_more(stream, asked, 2)?[1];
        let given_user = read_more(stream, asked, length.into())?;
        let length = read_more(stream, asked, 1)?[0];
        let given = read_more(stream, asked, length.into())?;
        let is_right = given_user == user.as_bytes() && given == password.as_bytes();
        stream.write_all(&[1, u8::from(!is_right)])?;
        if !is_right {
            return Ok(false);
        }
    }
    let kind = read_more(stream, asked, 4)?[3];
    let host = match kind {
        1 => {
            let octets = read_more(stream, asked, 4)?;
            Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).to_string()
        }
        _ => {
            let length = read_more(stream, asked, 1)?[0];
            String::from_utf8_lossy(&read_more(stream, asked, length.into())?).into_owned()
        }
    };
    let port = read_more(stream, asked, 2)?;
    asked.target = format!("{host}:{}", u16::from_be_bytes([port[0], port[1]]));
    Ok(true)
}

fn read_more(stream: &mut TcpStream, asked: &mut Asked, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    asked.request.extend_from_slice(&bytes);
    Ok(bytes)
}

fn relay(
    client: TcpStream,
    server: TcpStream,
    index: usize,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    client.set_read_timeout(None)?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        // Either end may go first.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (client, server);
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut asked = lock(&shared.asked);
        let sent = &mut asked[index].sent;
        let room = MOST_KEPT.saturating_sub(sent.len()).min(length);
        sent.extend_from_slice(&buffer[..room]);
        drop(asked);
        to.write_all(&buffer[..length])?;
    }
    to.shutdown(Shutdown::Write)
}
