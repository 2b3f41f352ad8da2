//! The request for the upgrade, and what its response is checked against.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pushest_proto::Endpoint;
use sha1::{Digest, Sha1};

use crate::masking::Mask;

/// RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The request for a WebSocket.
pub(crate) struct Request {
    bytes: Vec<u8>,
    accept: String,
    mask: Mask,
}

impl Request {
    /// Creates a request to the app with this key. The headers must have passed
    /// [`Options::header`](crate::Options::header); the nonce is sixteen random bytes.
    pub(crate) fn new(
        endpoint: &Endpoint,
        key: &str,
        headers: &[(String, String)],
        nonce: [u8; 16],
    ) -> Self {
        let (host, target) = (endpoint.authority(), endpoint.request_target(key));
        let nonce = STANDARD.encode(nonce);
        let mut text = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {nonce}\r\n"
        );
        let mut mask = Mask::default();
        for (name, value) in headers {
            for part in [name, ": ", value, "\r\n"] {
                text.push_str(part);
            }
            mask.hide_header(value);
        }
        text.push_str("\r\n");
        // The query's values are constants of this crate; the host stands wherever a client is
        // described.
        mask.hide(&target);
        mask.hide(key);
        mask.hide(&nonce);
        mask.hide(endpoint.path());
        // Shorter ones are words of any page.
        let segments = endpoint.path().split('/').filter(|segment| segment.len() > 3);
        segments.for_each(|segment| mask.hide(segment));
        Self { bytes: text.into_bytes(), accept: accept(&nonce), mask }
    }

    /// Returns the same request without a mask, so that nothing of its values is hidden.
    #[cfg(feature = "__fuzzing")]
    pub(crate) fn unmasked(&self) -> Self {
        let Self { bytes, accept, .. } = self;
        Self { bytes: bytes.clone(), accept: accept.clone(), mask: Mask::default() }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the value of `Sec-WebSocket-Accept` that fits the request.
    pub(crate) fn accept(&self) -> &str {
        &self.accept
    }

    /// Returns the mask of everything that was sent, except for what is public.
    pub(super) fn mask(&self) -> &Mask {
        &self.mask
    }
}

/// RFC 6455, section 4.2.2.
fn accept(nonce: &str) -> String {
    let digest = Sha1::new().chain_update(nonce).chain_update(GUID).finalize();
    STANDARD.encode(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(endpoint: &Endpoint, headers: &[(&str, &str)]) -> String {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let request = Request::new(endpoint, "key", &headers, *b"the sample nonce");
        String::from_utf8(request.bytes().to_vec()).unwrap()
    }

    /// RFC 6455, section 1.3.
    #[test]
    fn the_accept_value_is_that_of_the_rfc() {
        let endpoint = Endpoint::new("h").unwrap();
        let request = Request::new(&endpoint, "key", &[], *b"the sample nonce");
        assert_eq!(request.accept(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn the_request_is_whole() {
        let endpoint =
            Endpoint::new("::1").unwrap().with_port(6001).unwrap().with_path("/a/").unwrap();
        let text = text(&endpoint, &[("Origin", "https://a.example"), ("X-Two", "2")]);
        let (line, rest) = text.split_once("\r\n").unwrap();
        assert_eq!(line, format!("GET {} HTTP/1.1", endpoint.request_target("key")));
        assert_eq!(
            rest,
            "Host: [::1]:6001\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Origin: https://a.example\r\nX-Two: 2\r\n\r\n"
        );
    }

    #[test]
    fn a_default_port_does_not_stand_in_the_host() {
        for (endpoint, host) in [
            (Endpoint::new("a.example").unwrap(), "a.example"),
            (Endpoint::new("a.example").unwrap().with_tls(true), "a.example"),
            (
                Endpoint::new("a.example").unwrap().with_port(443).unwrap().with_tls(false),
                "a.example:443",
            ),
        ] {
            let text = text(&endpoint, &[]);
            assert!(text.contains(&format!("\r\nHost: {host}\r\n")), "{text}");
        }
    }
}
