//! One request over HTTP/1.1, and the connection is closed.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use super::ReceivedRequest;
use super::reply::{Content, Reply};
use super::shared::Shared;

/// How long a client may take for a part of its request, or of the answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Maximum size of a request in bytes, with its body.
const MOST_BYTES: u64 = 1024 * 1024;

/// Between two pieces of a body without end.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn serve(stream: TcpStream, shared: &Shared) {
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set(&stream, Some(LIMIT)).expect("it is not zero");
    }
    // The other end may be gone at any time.
    let _ = match shared.tls.clone() {
        None => exchange(stream, shared),
        Some(config) => ServerConnection::new(config)
            .map_err(io::Error::other)
            .and_then(|session| exchange(StreamOwned::new(session, stream), shared)),
    };
}

fn exchange(mut stream: impl Read + Write, shared: &Shared) -> io::Result<()> {
    let reply = match read(&mut stream, shared)? {
        Ok(request) => {
            let (reply, delay) = shared.reply(&request);
            shared.wait(delay.saturating_add(reply.delay));
            reply
        }
        Err(problem) => Reply::new(400, problem),
    };
    if shared.is_over() {
        return Ok(());
    }
    write(&mut stream, &reply, shared)?;
    stream.flush()
}

fn write(stream: &mut (impl Read + Write), reply: &Reply, shared: &Shared) -> io::Result<()> {
    match &reply.content {
        Content::Http { status, headers, body, is_endless } => {
            let mut head = format!("HTTP/1.1 {status} -\r\nConnection: close\r\n");
            if !is_endless {
                head += &format!("Content-Length: {}\r\n", body.len());
            }
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            stream.write_all(&[head.as_bytes(), b"\r\n", body].concat())?;
            while *is_endless && !shared.is_over() {
                shared.wait(PAUSE);
                stream.write_all(b" ")?;
                stream.flush()?;
            }
            Ok(())
        }
        Content::Raw(bytes) => stream.write_all(bytes),
        Content::Silence => loop {
            match stream.read(&mut [0]) {
                Ok(0) => return Ok(()),
                // Whatever else it sends, and however long that takes.
                Ok(_) => {}
                Err(error) if is_late(&error) => {}
                Err(error) => return Err(error),
            }
            if shared.is_over() {
                return Ok(());
            }
        },
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Reads a request; the inner error says what is wrong with it.
fn read(
    stream: &mut impl Read,
    shared: &Shared,
) -> io::Result<Result<ReceivedRequest, &'static str>> {
    let mut lines = BufReader::new(stream).take(MOST_BYTES);
    let mut bytes = Vec::new();
    let mut head_ends = false;
    while !head_ends {
        let begin = bytes.len();
        if lines.read_until(b'\n', &mut bytes)? == 0 {
            return match lines.limit() {
                0 => Ok(Err("the request is too large")),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        head_ends = bytes[begin..].trim_ascii_end().is_empty();
    }
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut head = httparse::Request::new(&mut headers);
    if !matches!(head.parse(&bytes), Ok(httparse::Status::Complete(_))) {
        return Ok(Err("this is no HTTP request"));
    }
    let (Some(method), Some(target)) = (head.method, head.path) else {
        return Ok(Err("this is no HTTP request"));
    };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut headers = Vec::new();
    for header in head.headers.iter() {
        let Ok(value) = std::str::from_utf8(header.value) else {
            return Ok(Err("a header is not UTF-8"));
        };
        headers.push((header.name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(Some(0), |(_, value)| value.parse::<u64>().ok());
    let Some(length) = length.filter(|length| *length <= lines.limit()) else {
        return Ok(Err("the length of the request's body is not a number, or too large"));
    };
    let head_bytes = bytes.len();
    lines.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() - head_bytes) as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let form = form_urlencoded::parse(&bytes[head_bytes..]).into_owned().collect();
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(Err("the request is not UTF-8"));
    };
    Ok(Ok(ReceivedRequest { app: shared.app.clone(), method, target, headers, form, text }))
}
