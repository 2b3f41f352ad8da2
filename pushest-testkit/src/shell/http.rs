//! HTTP/1.1, as much of it as the API and the upgrade need.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use tungstenite::handshake::derive_accept_key;

use crate::protocol::{HttpRequest, HttpResponse};

/// The longest head of a request, and the longest body.
const LONGEST_HEAD: usize = 64 * 1024;
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// What stands at the beginning of the input.
#[derive(Debug)]
pub(super) enum Parsed {
    /// Not all of it is there yet; `expects_continue`: the client waits to be asked for the body.
    Incomplete { expects_continue: bool },
    /// A request for a WebSocket at `/app/KEY`.
    Upgrade(Upgrade),
    /// Any other request; `length` bytes of input are used up.
    Request { request: HttpRequest, keep_alive: bool, length: usize },
    /// Nothing that can be answered otherwise than so, and then closed.
    Bad(HttpResponse),
}

/// A client that wants a WebSocket.
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) target: String,
    pub(super) app_key: String,
    /// Where the client says that it comes from.
    pub(super) origin: Option<String>,
    websocket_key: String,
    /// The request as it came, up to the blank line.
    pub(super) head: String,
    /// How much of the input the request's head is; WebSocket frames follow.
    pub(super) length: usize,
}

impl Upgrade {
    /// Returns the answer that accepts it.
    pub(super) fn accept(&self) -> String {
        self.answer(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n",
        )
    }

    /// Returns an answer with the value that fits the request.
    pub(super) fn answer(&self, text: &str) -> String {
        text.replace("{accept}", &derive_accept_key(self.websocket_key.as_bytes()))
    }
}

/// The headers that matter here.
#[derive(Debug, Default)]
struct Head {
    content_length: Option<usize>,
    has_coding: bool,
    /// What makes it unclear where the body ends, and so where the next request begins.
    fault: Option<&'static str>,
    expects_continue: bool,
    is_websocket: bool,
    websocket_key: Option<String>,
    origin: Option<String>,
    connection: String,
}

impl Head {
    fn of(headers: &[httparse::Header<'_>]) -> Self {
        let mut head = Self::default();
        for header in headers {
            let value = String::from_utf8_lossy(header.value);
            let value = value.trim();
            match header.name.to_ascii_lowercase().as_str() {
                "content-length" => head.content_length(value),
                "transfer-encoding" if head.has_coding => {
                    head.fault = Some("Transfer-Encoding is there twice");
                }
                "transfer-encoding" => head.has_coding = true,
                "expect" => head.expects_continue = value.eq_ignore_ascii_case("100-continue"),
                "upgrade" => head.is_websocket = value.eq_ignore_ascii_case("websocket"),
                "sec-websocket-key" => head.websocket_key = Some(value.to_owned()),
                "origin" => head.origin = Some(value.to_owned()),
                "connection" => head.connection = value.to_ascii_lowercase(),
                _ => {}
            }
        }
        if head.has_coding && head.content_length.is_some() {
            head.fault = Some("Content-Length and Transfer-Encoding contradict each other");
        }
        head
    }

    fn content_length(&mut self, value: &str) {
        if self.content_length.is_some() {
            self.fault = Some("Content-Length is there twice");
        } else if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            self.fault = Some("Content-Length is not a number");
        }
        // More digits than fit are too many bytes, too.
        self.content_length = Some(value.parse().unwrap_or(usize::MAX));
    }
}

/// Reads one request from the start of `input`.
pub(super) fn parse(input: &[u8]) -> Parsed {
    let bad = |status, reason: &str| Parsed::Bad(response(status, reason));
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if input.len() > LONGEST_HEAD => {
            return bad(431, "The head of this request is too long");
        }
        Ok(httparse::Status::Partial) => {
            return Parsed::Incomplete { expects_continue: false };
        }
        Err(error) => return bad(400, &format!("Not an HTTP request: {error}")),
    };
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return bad(400, "Not an HTTP request");
    };
    let head = Head::of(request.headers);
    if let Some(fault) = head.fault {
        return bad(400, fault);
    }
    if let Some(app_key) = app_key(target) {
        return match head.websocket_key {
            Some(websocket_key) if head.is_websocket => {
                let (target, origin) = (target.to_owned(), head.origin);
                let head = String::from_utf8_lossy(&input[..length]).into_owned();
                Parsed::Upgrade(Upgrade { target, app_key, origin, websocket_key, head, length })
            }
            _ => bad(426, "This is the place for WebSockets: Upgrade: websocket is missing"),
        };
    }
    if head.has_coding {
        return bad(411, "Content-Length is missing");
    }
    let body_length = head.content_length.unwrap_or(0);
    if body_length > LONGEST_BODY {
        return bad(413, "The body is too large");
    }
    let Some(body) = input[length..].get(..body_length) else {
        return Parsed::Incomplete { expects_continue: head.expects_continue };
    };
    let keep_alive = match version {
        0 => head.connection.contains("keep-alive"),
        _ => !head.connection.contains("close"),
    };
    let unix_time =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let request = HttpRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        body: body.to_vec(),
        unix_time,
    };
    Parsed::Request { request, keep_alive, length: length + body_length }
}

/// Returns the key in `[PREFIX]/app/KEY[?QUERY]` ([protocol,
/// endpoint](pushest_proto::protocol#endpoint)).
fn app_key(target: &str) -> Option<String> {
    let path = target.split(['?', '#']).next()?;
    let (_, key) = path.rsplit_once("/app/")?;
    let key = percent_encoding::percent_decode_str(key.trim_end_matches('/')).decode_utf8().ok()?;
    (!key.is_empty()).then(|| key.into_owned())
}

fn response(status: u16, reason: &str) -> HttpResponse {
    HttpResponse { status, body: reason.to_owned() }
}

/// Returns an answer as it goes over the wire.
pub(super) fn encode(response: &HttpResponse, keep_alive: bool) -> String {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    // Clients tell by it how far their clock is away.
    let date = httpdate::fmt_http_date(SystemTime::now());
    encode_with(
        response.status,
        &[("Date", &date), ("Content-Type", response.content_type()), ("Connection", connection)],
        &response.body,
    )
}

/// Returns an answer with these headers and `Content-Length`.
pub(super) fn encode_with(status: u16, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status));
    for (name, value) in headers {
        // Writing to a String cannot fail.
        let _ = write!(text, "{name}: {value}\r\n");
    }
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
    text
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stands_behind_any_prefix() {
        assert_eq!(app_key("/app/KEY?protocol=7").as_deref(), Some("KEY"));
        assert_eq!(app_key("/a/b/app/K%20Y/").as_deref(), Some("K Y"));
        assert_eq!(app_key("/app/"), None);
        assert_eq!(app_key("/apps/7/events"), None);
    }

    #[test]
    fn a_request_is_read_however_it_is_cut() {
        let whole =
            b"POST /apps/1/events?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET";
        for end in 0..whole.len() - 3 {
            assert!(matches!(parse(&whole[..end]), Parsed::Incomplete { .. }), "{end}");
        }
        let Parsed::Request { request, keep_alive, length } = parse(whole) else {
            panic!("a request")
        };
        assert_eq!(request.target, "/apps/1/events?a=b");
        assert_eq!(request.body, b"abc");
        assert!(keep_alive);
        assert_eq!(&whole[length..], b"GET");
    }

    #[test]
    fn a_request_whose_end_is_unclear_is_refused() {
        for (headers, expected) in [
            ("Content-Length: abc", 400),
            ("Content-Length: -1", 400),
            ("Content-Length: +3", 400),
            ("Content-Length:", 400),
            ("Content-Length: 3, 3", 400),
            ("Content-Length: 0x3", 400),
            ("Content-Length: 3\r\nContent-Length: 4", 400),
            ("Content-Length: 3\r\ncontent-length: 3", 400),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400),
            ("Transfer-Encoding: chunked\r\nContent-Length: 3", 400),
            ("Content-Length: 3\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: chunked", 411),
            ("Transfer-Encoding: identity", 411),
            ("Content-Length: 99999999999999999999999", 413),
        ] {
            for target in ["/apps/1/events", "/app/KEY"] {
                let text = format!("POST {target} HTTP/1.1\r\n{headers}\r\n\r\nabc");
                let Parsed::Bad(response) = parse(text.as_bytes()) else { panic!("{headers}") };
                // What is at the place for WebSockets is none all the same.
                let is_upgrade = target == "/app/KEY" && expected != 400;
                assert_eq!(response.status, if is_upgrade { 426 } else { expected }, "{headers}");
            }
        }
    }

    #[test]
    fn what_is_not_http_is_refused() {
        assert!(matches!(parse(b"\x16\x03\x01\x02\x00\x01"), Parsed::Bad(_)));
        assert!(matches!(parse(b"\x00\x00\x00"), Parsed::Bad(_)));
        assert!(matches!(parse(b"GET /app/KEY HTTP/1.1\r\n\r\n"), Parsed::Bad(_)));
    }
}
