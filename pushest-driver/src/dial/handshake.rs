//! The WebSocket upgrade: what is asked, and what the answers mean.

use std::time::Duration;

use pushest_proto::{DialFailure, Loss};
use tungstenite::client::IntoClientRequest;
use tungstenite::error::{CapacityError, Error, ProtocolError};
use tungstenite::handshake::client::Request;
use tungstenite::http::header::{LOCATION, RETRY_AFTER};
use tungstenite::http::{HeaderMap, HeaderName, HeaderValue, Response};
use tungstenite::protocol::WebSocketConfig;

/// How much is gathered before it is written out; a flush writes it in any case.
const WRITE_BUFFER: usize = 4 * 1024;

/// What may pile up in the write buffer beside one frame: answers to pings of a server that reads
/// none of them.
const SPARE: usize = 4 * 1024;

pub(super) fn request(
    url: &str,
    headers: &[(HeaderName, HeaderValue)],
) -> Result<Request, DialFailure> {
    let mut request = url
        .into_client_request()
        .map_err(|error| DialFailure::Unsupported(error.to_string().into()))?;
    for (name, value) in headers {
        request.headers_mut().append(name, value.clone());
    }
    Ok(request)
}

/// Frames are as large as the largest message, so that a message over the limit is noticed before
/// memory is given to it.
pub(super) fn config(message: usize, outgoing: usize, read_buffer: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(message))
        .max_frame_size(Some(message))
        .read_buffer_size(read_buffer)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER + SPARE + outgoing.max(message))
}

/// Why an upgrade failed.
pub(crate) fn failure(error: Error) -> DialFailure {
    match error {
        Error::Http(response) => refusal(&response),
        Error::Io(_) | Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            let text = format!("the connection was lost during the upgrade: {error}");
            DialFailure::Connect(text.into())
        }
        Error::Url(error) => DialFailure::Unsupported(error.to_string().into()),
        other => DialFailure::NotWebSocket(other.to_string().into()),
    }
}

fn refusal<T>(response: &Response<T>) -> DialFailure {
    let location = text(response.headers(), &LOCATION);
    let retry_after = text(response.headers(), &RETRY_AFTER);
    DialFailure::Http {
        status: response.status().as_u16(),
        // The other form, a date, needs a clock that can be trusted; backoff does without.
        retry_after: retry_after
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs),
        location: location.map(|url| url.chars().take(512).collect()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// How an open connection was lost.
pub(crate) fn loss(error: &Error) -> Loss {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            Loss::TooLarge { limit: *max_size }
        }
        Error::Io(error) => Loss::reset(&error.to_string()),
        other => Loss::reset(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&str, &str)]) -> DialFailure {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        failure(Error::Http(Box::new(response.body(None).unwrap())))
    }

    #[test]
    fn a_refusal_tells_its_status_the_pause_and_where_it_points_to() {
        let pause = |seconds| Some(Duration::from_secs(seconds));
        let http = |status, retry_after, location: Option<&str>| DialFailure::Http {
            status,
            retry_after,
            location: location.map(Into::into),
        };
        assert_eq!(refused(404, &[]), http(404, None, None));
        assert_eq!(refused(429, &[("Retry-After", "7")]), http(429, pause(7), None));
        assert_eq!(refused(503, &[("Retry-After", "Mon, 1 Jan 2040")]), http(503, None, None));
        let location = [("Location", "https://example.com/")];
        assert_eq!(refused(301, &location), http(301, None, Some("https://example.com/")));
    }

    #[test]
    fn the_host_header_has_the_port_and_the_brackets() {
        let request = request("ws://[::1]:6001/app/key?protocol=7", &[]).unwrap();
        assert_eq!(request.headers()["host"], "[::1]:6001");
        assert_eq!(request.uri().path_and_query().unwrap(), "/app/key?protocol=7");
    }

    #[test]
    fn a_message_over_the_limit_is_told_from_other_losses() {
        let error = Error::Capacity(CapacityError::MessageTooLong { size: 11, max_size: 10 });
        assert_eq!(loss(&error), Loss::TooLarge { limit: 10 });
        assert!(matches!(loss(&Error::AttackAttempt), Loss::Reset(_)));
    }
}
