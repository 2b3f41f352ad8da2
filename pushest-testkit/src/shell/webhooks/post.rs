//! One POST over HTTP/1.1, of which only the answer's status counts.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::sent::Sent;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Maximum size of an answer's head in bytes.
const HEAD: usize = 64 * 1024;

/// Where to.
pub(super) struct Url {
    /// Host, and the port if it was given: what `Host` says.
    authority: String,
    /// The same with a port.
    address: String,
    /// Path and query.
    target: String,
}

impl Url {
    /// Reads a URL; the error says what is wrong with it.
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has characters that are not visible ASCII");
        }
        let scheme = url.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
        let rest = scheme.map(|scheme| &url[scheme.len()..]).ok_or("it must begin with http://")?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("it has a user");
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colon is one of an IPv6 address.
            Some((_, after)) if after.ends_with(']') => (authority, None),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        if host.is_empty() {
            return Err("it has no host");
        }
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err("its port is not one");
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Self {
            authority: authority.to_owned(),
            address: format!("{host}:{}", port.unwrap_or("80")),
            target: format!("{slash}{target}"),
        })
    }
}

/// Sends a JSON body, and returns the status of the answer.
pub(super) fn post(
    url: &Url,
    headers: &[(&str, &str)],
    body: &str,
    sent: &Sent,
) -> io::Result<u16> {
    let deadline = Instant::now() + LIMIT;
    let mut stream = connect(url, deadline)?;
    if !sent.opened(&stream) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let result = exchange(&mut stream, url, headers, body, deadline);
    sent.closed(&stream);
    result
}

fn connect(url: &Url, deadline: Instant) -> io::Result<TcpStream> {
    let mut problem = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in url.address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

fn exchange(
    stream: &mut TcpStream,
    url: &Url,
    headers: &[(&str, &str)],
    body: &str,
    deadline: Instant,
) -> io::Result<u16> {
    let mut request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n",
        url.target,
        url.authority,
        body.len()
    );
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += "\r\n";
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(&[request.as_bytes(), body.as_bytes()].concat())?;
    let mut answer = Vec::new();
    loop {
        if let Some(status) = status(&mut answer)? {
            return Ok(status);
        }
        stream.set_read_timeout(Some(left(deadline)?))?;
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if answer.len() > HEAD {
            return Err(invalid("the answer's head is too large"));
        }
    }
}

/// Returns the status, once there is a whole head that is no interim one.
fn status(answer: &mut Vec<u8>) -> io::Result<Option<u16>> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 128];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(answer).map_err(|_| invalid("the answer is not HTTP"))?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        let code = head.code;
        if !matches!(code, Some(100..=199)) {
            return Ok(code);
        }
        answer.drain(..length);
    }
}

/// Returns the time that is left, which is not zero.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_into_address_and_target() {
        let parts = |url: &str| {
            let url = Url::parse(url).map_err(str::to_owned)?;
            Ok::<_, String>([url.authority, url.address, url.target])
        };
        let expect = |url: &str, expected: [&str; 3]| {
            assert_eq!(parts(url), Ok(expected.map(str::to_owned)), "{url}");
        };
        expect("http://a:3000/w?x=1#y", ["a:3000", "a:3000", "/w?x=1"]);
        expect("HTTP://a", ["a", "a:80", "/"]);
        expect("http://[::1]:3000?x", ["[::1]:3000", "[::1]:3000", "/?x"]);
        expect("http://[::1]/", ["[::1]", "[::1]:80", "/"]);
        for url in [
            "",
            "https://a/",
            "ftp://a",
            "http://",
            "http:///w",
            "http://a:x/",
            "http://a:70000/",
            "http://u:p@a/",
            "http://a/\r\nX: y",
            "http://ä/",
        ] {
            assert!(parts(url).is_err(), "{url}");
        }
    }

    #[test]
    fn interim_answers_are_passed_over() {
        let read = |text: &str| status(&mut text.as_bytes().to_vec());
        assert_eq!(read("HTTP/1.1 204 No Content\r\n\r\n").unwrap(), Some(204));
        assert_eq!(
            read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 x\r\n\r\nx").unwrap(),
            Some(500)
        );
        assert_eq!(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 50").unwrap(), None);
        assert!(read("SSH-2.0-x\r\n\r\n").is_err());
    }
}
