//! The response to a call, as far as it is there and wanted.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::http::response::Parts;
use pushest_proto::api::HttpAnswer;

/// Maximum size of the answer to a call that was carried out, in bytes: the names of some hundred
/// thousand channels.
const MOST_ANSWER: usize = 16 * 1024 * 1024;

/// Maximum number of bytes of an error page that are read: a few words of it are shown.
const MOST_REFUSAL: usize = 16 * 1024;

/// A response.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Its body is encoded in a way that was not asked for.
    has_strange_body: bool,
    /// How long the server keeps the connection; `None` if this was the last response.
    keeps: Option<Duration>,
}

impl Received {
    /// Takes the head of a response.
    ///
    /// # Errors
    /// Why it is none to a call.
    pub(super) fn begin(head: Parts) -> Result<Self, &'static str> {
        let Parts { status, headers, .. } = head;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err("it changes the protocol without being asked to");
        }
        let strange = strange(&headers);
        if let Some(problem) = strange.filter(|_| status.is_success()) {
            return Err(problem);
        }
        let has_strange_body = strange.is_some();
        Ok(Self { status, headers, body: Vec::new(), has_strange_body, keeps: None })
    }

    /// Returns what the core reads of it.
    pub(super) fn answer(&self) -> HttpAnswer<'_> {
        let headers = [header::DATE, header::RETRY_AFTER, header::LOCATION];
        let given = headers.iter().filter_map(|name| {
            let value = self.headers.get(name)?;
            Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?))
        });
        HttpAnswer::new(self.status.as_u16(), &self.body).headers(given)
    }

    /// Returns whether the status alone says that the call was not carried out.
    pub(super) fn is_refusal(&self) -> bool {
        !self.status.is_success()
    }

    /// Returns whether the body can be read.
    pub(super) fn has_body(&self) -> bool {
        !self.has_strange_body
    }

    /// Returns whether its body is whole where the connection ends (RFC 9112, section 6.3).
    pub(super) fn ends_with_connection(&self) -> bool {
        let names = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
        !names.iter().any(|name| self.headers.contains_key(name))
    }

    /// Takes the next bytes of the body. Returns whether no more are wanted.
    ///
    /// # Errors
    /// It is too large for an answer.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<bool, &'static str> {
        let is_refusal = self.is_refusal();
        let most = if is_refusal { MOST_REFUSAL } else { MOST_ANSWER };
        let room = most - self.body.len();
        if bytes.len() > room && !is_refusal {
            return Err("its answer is larger than 16 MiB");
        }
        self.body.extend_from_slice(&bytes[..room.min(bytes.len())]);
        Ok(bytes.len() > room)
    }

    /// Notes that all of it was read, and that the connection can be used again: for as long as the
    /// server says.
    pub(super) fn keep(&mut self) {
        let timeout = elements(&self.headers, HeaderName::from_static("keep-alive"));
        // Of several parameters, such as `timeout=5, max=100`.
        let timeout = timeout.into_iter().find_map(|element| {
            let (name, value) = std::str::from_utf8(element).ok()?.split_once('=')?;
            name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().parse().ok())?
        });
        self.keeps = Some(timeout.map_or(Duration::MAX, Duration::from_secs));
    }

    /// Returns how long the connection may be kept for another call; `None`: not at all.
    pub(super) fn keeps(&self) -> Option<Duration> {
        self.keeps
    }
}

/// Returns why the body could not be understood. Nothing of the kind was asked for.
fn strange(headers: &HeaderMap) -> Option<&'static str> {
    let is_plain = |element: &&[u8]| element.eq_ignore_ascii_case(b"identity");
    if !elements(headers, header::CONTENT_ENCODING).iter().all(is_plain) {
        return Some("its answer is compressed");
    }
    // hyper reads a body in chunks where that is the last coding, and otherwise until the end of the
    // connection.
    let is_chunked = |element: &[u8]| element.eq_ignore_ascii_case(b"chunked");
    match elements(headers, header::TRANSFER_ENCODING)[..] {
        [] => None,
        [coding] if is_chunked(coding) => None,
        _ => Some("its answer has a transfer coding that was not asked for"),
    }
}

/// Returns the elements of a list, which may stand in several lines; empty ones do not count
/// (RFC 9110, section 5.6.1).
fn elements(headers: &HeaderMap, name: HeaderName) -> Vec<&[u8]> {
    let values = headers.get_all(name).into_iter();
    let elements = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty()).collect()
}
