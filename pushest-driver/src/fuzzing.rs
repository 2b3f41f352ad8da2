//! For the fuzzer and tests, in builds with the feature `__fuzzing` only, and no part of the public API:
//! reading the responses to an upgrade, without sockets; what proxies answer; networks that a test makes up.

#[cfg(all(feature = "network-watch", target_os = "linux"))]
pub mod networks;
pub mod proxy;
#[cfg(all(feature = "network-watch", target_os = "linux"))]
mod watched;

use std::time::{Duration, SystemTime};

use pushest_proto::{DialFailure, Endpoint};

use crate::dial::upgrade::answer::{Answer, Step};
use crate::dial::upgrade::request::Request;

/// The result of an upgrade.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A WebSocket; these bytes came behind the response.
    Open(Vec<u8>),
    /// No WebSocket.
    Failed(DialFailure),
}

/// A request for a WebSocket.
#[expect(missing_debug_implementations, reason = "it holds what must not be shown")]
pub struct Asked(Request);

impl Asked {
    /// Creates the request with these headers and this nonce.
    #[must_use]
    pub fn new(
        endpoint: &Endpoint,
        key: &str,
        headers: &[(String, String)],
        nonce: [u8; 16],
    ) -> Self {
        Self(Request::new(endpoint, key, headers, nonce))
    }

    /// The same request, of whose values nothing is hidden: hiding takes most of the time, and how
    /// an answer is cut can be tried without it.
    #[must_use]
    pub fn unmasked(&self) -> Self {
        Self(self.0.unmasked())
    }

    /// Returns what is sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// Returns the value of `Sec-WebSocket-Accept` that fits.
    #[must_use]
    pub fn accept(&self) -> &str {
        self.0.accept()
    }

    /// Reads an answer that comes in these pieces, and then ends.
    pub fn read<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let mut answer = Answer::new(&self.0);
        let mut pieces = pieces.into_iter();
        while let Some(piece) = pieces.next() {
            match answer.read(piece, now) {
                Step::More => {}
                Step::Open(rest) => {
                    return Outcome::Open(pieces.fold(rest, |mut rest, piece| {
                        rest.extend_from_slice(piece);
                        rest
                    }));
                }
                Step::Failed(failure) => return Outcome::Failed(failure),
            }
        }
        Outcome::Failed(answer.end("the server ended it"))
    }
}
