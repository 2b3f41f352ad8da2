//! The handshake with a proxy, on a thread that may block.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use pushest_proto::DialFailure;
use ureq::Error;
use zeroize::Zeroizing;

use super::socket::retry;
use crate::dial::proxy::handshake::Handshake;
use crate::dial::proxy::target::Target;
use crate::dial::proxy::url::Proxy;

/// How long the body of a refusal is waited for, from the end of its head on.
const REFUSAL: Duration = Duration::from_secs(1);

/// Has the proxy at the other end of the stream connect to the target, until then at most. What follows is
/// still in the stream.
pub(super) fn open(
    stream: &TcpStream,
    proxy: &Proxy,
    target: &Target,
    until: Instant,
) -> Result<(), Error> {
    let mut handshake = Handshake::new(proxy, target).map_err(|why| failed(proxy, &why))?;
    talk(stream, &mut handshake, until).map_err(|why| {
        let (failure, pause) = (failure(proxy, &why), handshake.pause());
        Error::Other(ProxyFailed { failure, pause }.into())
    })
}

/// A proxy that failed, as ureq carries it.
#[derive(Debug, thiserror::Error)]
#[error("{failure}")]
pub(super) struct ProxyFailed {
    failure: DialFailure,
    /// The pause that it asks for.
    pub(super) pause: Option<Duration>,
}

/// Returns the error for a failure of the proxy.
pub(super) fn failed(proxy: &Proxy, why: &str) -> Error {
    Error::Other(ProxyFailed { failure: failure(proxy, why), pause: None }.into())
}

fn failure(proxy: &Proxy, why: &str) -> DialFailure {
    DialFailure::Proxy(proxy.failed(why).into())
}

fn talk(
    mut stream: &TcpStream,
    handshake: &mut Handshake,
    mut until: Instant,
) -> Result<(), String> {
    let mut refused = false;
    let mut broken: Option<io::Error> = None;
    loop {
        let unsent = Zeroizing::new(handshake.take_unsent());
        if let Err(error) = send(stream, &unsent, until) {
            // What the proxy said before it went may still be there to be read.
            broken = Some(error);
        }
        if handshake.is_refusal() && !refused {
            refused = true;
            until = until.min(Instant::now() + REFUSAL);
        }
        let Some(left) = left(until) else {
            return Err(handshake.end("it did not answer in time"));
        };
        let mut buffer = vec![0; handshake.most()];
        let read = stream.set_read_timeout(Some(left)).and_then(|()| stream.read(&mut buffer));
        match read {
            Ok(0) => {
                let why = broken.map(|error| error.to_string());
                return Err(handshake.end(why.as_deref().unwrap_or("it closed the connection")));
            }
            Ok(length) => {
                let has_agreed = handshake.read(&buffer[..length], SystemTime::now())?;
                match broken {
                    // The rest of the request would be taken for what goes through the tunnel.
                    Some(_) if has_agreed => {
                        return Err("it agreed before it had been asked".to_string());
                    }
                    _ if has_agreed => return Ok(()),
                    _ => {}
                }
            }
            Err(error) => retry(error).map_err(|error| handshake.end(&error.to_string()))?,
        }
    }
}

fn send(mut stream: &TcpStream, mut bytes: &[u8], until: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        let left = left(until).ok_or(io::ErrorKind::TimedOut)?;
        stream.set_write_timeout(Some(left))?;
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(error) => retry(error)?,
        }
    }
    Ok(())
}

fn left(until: Instant) -> Option<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

#[cfg(test)]
mod tests {
    use std::net::{Shutdown, TcpListener};
    use std::thread;

    use super::*;

    /// Returns what comes of a handshake with a proxy that says this at once, and stays silent or
    /// closes; and what is still in the stream then, if it opened.
    fn opened(url: &str, says: &'static [u8], closes: bool) -> Result<Vec<u8>, String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        let proxy = thread::spawn(move || {
            let (mut peer, _) = listener.accept().expect("it has connected");
            peer.write_all(says).expect("sent");
            if closes {
                peer.shutdown(Shutdown::Write).expect("open");
            }
            let mut heard = Vec::new();
            peer.read_to_end(&mut heard).expect("it closes in order");
            heard
        });
        let handshake = Handshake::new(&Proxy::parse(url).expect("a proxy"), &Target::new("h", 1));
        let until = Instant::now() + Duration::from_millis(if closes { 20_000 } else { 300 });
        let outcome = talk(&stream, &mut handshake.expect("a short name"), until);
        let mut rest = vec![0; 16];
        let outcome = outcome.map(|()| {
            let length = (&stream).read(&mut rest).expect("what follows");
            rest.truncate(length);
            rest
        });
        drop(stream);
        assert!(!proxy.join().expect("no panic").is_empty());
        outcome
    }

    #[test]
    fn what_follows_the_handshake_is_left_in_the_stream() {
        for (url, says) in [
            ("http://ann:x@p", &b"HTTP/1.0 200 OK\r\nVia: x\r\n\r\nhello"[..]),
            ("socks5://ann:x@p", b"\x05\x02\x01\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00hello"),
        ] {
            assert_eq!(opened(url, says, false).as_deref(), Ok(&b"hello"[..]), "{url}");
        }
    }

    #[test]
    fn a_proxy_that_is_silent_or_closes_or_refuses_has_failed() {
        for url in ["http://p", "socks5://p"] {
            assert_eq!(opened(url, b"", false), Err("it did not answer in time".to_string()));
            assert_eq!(opened(url, b"", true), Err("it closed the connection".to_string()));
        }
        let endless = opened("http://p", b"HTTP/1.1 403 No\r\n\r\nsorry, but", false);
        assert_eq!(endless, Err("it answered with HTTP status 403: sorry, but".to_string()));
    }
}
