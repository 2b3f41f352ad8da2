//! How a connection ended or failed to begin, and what follows from that.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use crate::dial_failure::DialFailure;
use crate::memory;
use crate::policy::Policy;
use crate::text::clip;

/// What was learned when a connection ended, or could not be made.
///
/// Drivers report the first five and [`Loss::AddressGone`]; the others come from the session itself. The
/// last one ends no connection: it is the cause of an [`Event::Gap`](crate::Event::Gap) only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// The server closed the connection with a close frame.
    Closed {
        /// The frame's code, if it had one.
        code: Option<u16>,
        /// The frame's reason; empty if it had none.
        reason: Box<str>,
    },
    /// The server closed the connection with a close frame that breaks RFC 6455 (sections 5.5 and
    /// 7.4): a reason longer than a control frame holds, or not UTF-8; a code that must not be sent.
    /// The code decides what comes next, as that of a whole frame does.
    BadClose {
        /// The frame's code, if two bytes of payload could be read.
        code: Option<u16>,
        /// What is wrong with the frame, and its reason with invalid UTF-8 replaced; at most 512
        /// bytes.
        problem: Box<str>,
    },
    /// The connection ended without a close frame; the text says how.
    Reset(Box<str>),
    /// The server sent a message beyond the driver's transport limit, and the driver closed the
    /// connection with 1009. A message within it and over [`Limits::message`](crate::Limits) costs
    /// only itself: [`MalformedReason::TooLarge`](crate::MalformedReason::TooLarge).
    TooLarge {
        /// The transport limit in bytes.
        limit: usize,
    },
    /// The connection could not be made.
    Dial(DialFailure),
    /// Instead of establishing the connection, the server sent a `pusher:error` with a code. It
    /// counts like a close frame with that code, whatever the server did after it ([protocol, close
    /// codes](crate::protocol#close-codes)).
    Refused {
        /// The error's code.
        code: u16,
        /// The error's message; empty if it had none.
        message: Box<str>,
    },
    /// The server did not establish the connection within the handshake timeout.
    HandshakeTimeout,
    /// Nothing came within the pong timeout after a ping.
    PongTimeout,
    /// The local address that the connection was made from is no longer the machine's, so that nothing
    /// can arrive on it: for drivers that are told of the system's networks. The session connects again
    /// as after a missed pong.
    AddressGone,
    /// The user gave the session another endpoint.
    EndpointChanged,
    /// The user disconnected.
    Disconnected,
    /// The connection was kept, and the user subscribed to the channel again with other member
    /// data: between the end of the former subscription and the new one nothing comes.
    Resubscribed,
}

impl Loss {
    /// Creates [`Loss::Closed`]. The reason is cut to 512 bytes.
    #[must_use]
    pub fn closed(code: Option<u16>, reason: &str) -> Self {
        Self::Closed { code, reason: clip(reason) }
    }

    /// Creates [`Loss::BadClose`]. The text is cut to 512 bytes.
    #[must_use]
    pub fn bad_close(code: Option<u16>, problem: &str) -> Self {
        Self::BadClose { code, problem: clip(problem) }
    }

    /// Creates [`Loss::Reset`]. The text is cut to 512 bytes.
    #[must_use]
    pub fn reset(text: &str) -> Self {
        Self::Reset(clip(text))
    }

    /// Cuts the texts to what is kept.
    pub(crate) fn clipped(self) -> Self {
        match self {
            Self::Closed { code, reason } => Self::closed(code, &reason),
            Self::BadClose { code, problem } => Self::bad_close(code, &problem),
            Self::Reset(text) => Self::reset(&text),
            Self::Dial(failure) => Self::Dial(failure.clipped()),
            Self::Refused { code, message } => Self::Refused { code, message: clip(&message) },
            other => other,
        }
    }

    /// Returns what it keeps alive beside itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Closed { reason: text, code: _ }
            | Self::BadClose { problem: text, code: _ }
            | Self::Reset(text)
            | Self::Refused { message: text, code: _ } => memory::text(text),
            Self::Dial(failure) => failure.heap_bytes(),
            Self::TooLarge { limit: _ }
            | Self::HandshakeTimeout
            | Self::PongTimeout
            | Self::AddressGone
            | Self::EndpointChanged
            | Self::Disconnected
            | Self::Resubscribed => 0,
        }
    }

    /// Cuts a pause that was asked for to `limit`, so that one broken answer cannot switch a client
    /// off.
    pub(crate) fn with_retry_after_up_to(mut self, limit: Duration) -> Self {
        if let Self::Dial(DialFailure::Http { retry_after: Some(pause), .. }) = &mut self {
            *pause = limit.min(*pause);
        }
        self
    }

    /// Returns the code that decided what happens next: that of the close frame, be it whole or
    /// broken, or of the error that the server sent instead of establishing the connection. `None`
    /// where there was none.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        match self {
            Self::Closed { code, .. } | Self::BadClose { code, .. } => *code,
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Returns what the server said in its close frame.
    pub(crate) fn close_reason(&self) -> Option<&str> {
        match self {
            Self::Closed { reason: text, .. } | Self::BadClose { problem: text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns whether this is a refusal: the same connection attempted again cannot succeed, and a
    /// session whose configuration has
    /// [`stop_on_refusal`](crate::ConfigBuilder::stop_on_refusal) stops at it before it was ever
    /// established ([protocol, refused before
    /// established](crate::protocol#refused-before-established)).
    ///
    /// ```
    /// # use pushest_proto::Loss;
    /// assert!(Loss::closed(Some(4001), "no such app").is_refusal());
    /// assert!(!Loss::closed(Some(4200), "connect again").is_refusal());
    /// ```
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        // With TLS, as the answer to "TLS only" is to switch to it and to ask again.
        self.policy(true, false, true) == Policy::Stop
    }

    /// Returns what to do next ([protocol, close codes](crate::protocol#close-codes)).
    /// `established` says whether the server had established the connection.
    pub(crate) fn policy(&self, tls: bool, established: bool, stop_on_refusal: bool) -> Policy {
        match self {
            Self::Closed { code: Some(code), .. }
            | Self::BadClose { code: Some(code), .. }
            | Self::Refused { code, .. } => Policy::of_code(*code, tls, established),
            Self::Dial(failure) => failure.policy(stop_on_refusal),
            // Not the server ended the connection: it need not be spared.
            Self::PongTimeout | Self::AddressGone | Self::EndpointChanged => Policy::Immediately,
            Self::Closed { code: None, .. }
            | Self::BadClose { code: None, .. }
            | Self::Reset(_)
            | Self::TooLarge { .. }
            | Self::HandshakeTimeout
            | Self::Disconnected
            | Self::Resubscribed => Policy::BackOff(Duration::ZERO),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code: Some(code), reason } if reason.is_empty() => {
                write!(f, "the server closed the connection with code {code}")
            }
            Self::Closed { code: Some(code), reason } => {
                write!(f, "the server closed the connection with code {code}: {reason}")
            }
            Self::Closed { code: None, .. } => {
                f.write_str("the server closed the connection without a code")
            }
            Self::BadClose { code: Some(code), problem } => {
                write!(
                    f,
                    "the server closed the connection with code {code}, in a broken frame: {problem}"
                )
            }
            Self::BadClose { code: None, problem } => {
                write!(f, "the server closed the connection with a broken close frame: {problem}")
            }
            Self::Reset(text) => write!(f, "the connection was lost: {text}"),
            Self::TooLarge { limit } => write!(
                f,
                "the server sent a message over the transport limit of {limit} bytes; where such \
                 messages are meant, raise the option `transport_limit`"
            ),
            Self::Dial(failure) => failure.fmt(f),
            Self::Refused { code, message } if message.is_empty() => {
                write!(f, "the server refused the connection with code {code}")
            }
            Self::Refused { code, message } => {
                write!(f, "the server refused the connection with code {code}: {message}")
            }
            Self::HandshakeTimeout => {
                f.write_str("the server did not establish the connection in time")
            }
            Self::PongTimeout => f.write_str("the server did not answer a ping in time"),
            Self::AddressGone => {
                f.write_str("the address that the connection was made from is gone")
            }
            Self::EndpointChanged => f.write_str("the endpoint was changed"),
            Self::Disconnected => f.write_str("disconnected by the user"),
            Self::Resubscribed => f.write_str("subscribed again with other member data"),
        }
    }
}

impl core::error::Error for Loss {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Dial(failure) => Some(failure),
            _ => None,
        }
    }
}

/// The code that a session closes a connection with (RFC 6455, section 7.4.1). Any code converts into its
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCode {
    /// 1000: the user disconnected.
    Normal,
    /// 1001: the session goes on elsewhere, or the peer is gone.
    Away,
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        match code {
            CloseCode::Normal => 1000,
            CloseCode::Away => 1001,
        }
    }
}

/// Returns the part of a loss's memory that counts for the others that share it.
pub(crate) fn others_share(loss: &Arc<Loss>) -> usize {
    let all = self::loss(loss);
    all - all / Arc::strong_count(loss)
}

/// Returns a loss, and the texts in it.
pub(crate) fn loss(loss: &Arc<Loss>) -> usize {
    memory::shared(size_of::<Loss>()) + loss.heap_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::OVER_CAPACITY_PAUSE;

    #[test]
    fn close_codes_decide() {
        let policy = |code: Option<u16>, tls| {
            let policy = Loss::closed(code, "").policy(tls, false, false);
            if let Some(code) = code {
                let refused = Loss::Refused { code, message: "".into() };
                assert_eq!(refused.policy(tls, false, false), policy, "an error decides alike");
            }
            policy
        };
        assert_eq!(policy(Some(4000), false), Policy::SwitchToTls);
        assert_eq!(policy(Some(4000), true), Policy::Stop);
        for tls in [false, true] {
            let later = Loss::closed(Some(4000), "").policy(tls, true, false);
            assert_eq!(later, Policy::BackOff(Duration::ZERO));
        }
        for code in [4001, 4003, 4004, 4005, 4006, 4007, 4008, 4009] {
            assert_eq!(policy(Some(code), false), Policy::Stop, "{code}");
        }
        for code in [4100, 4199] {
            assert_eq!(policy(Some(code), false), Policy::BackOff(OVER_CAPACITY_PAUSE));
        }
        for code in [4200, 4201, 4202, 4299] {
            assert_eq!(policy(Some(code), false), Policy::Immediately);
        }
        for code in [1000, 1001, 1006, 1011, 3999, 4300, 4301, 4999] {
            assert_eq!(policy(Some(code), false), Policy::BackOff(Duration::ZERO), "{code}");
        }
        assert_eq!(policy(None, false), Policy::BackOff(Duration::ZERO));
    }

    #[test]
    fn the_code_of_a_broken_close_frame_decides_as_that_of_a_whole_one() {
        for code in [None, Some(0), Some(1005), Some(4000), Some(4001), Some(4100), Some(4200)] {
            for tls in [false, true] {
                for established in [false, true] {
                    let policy = |loss: Loss| loss.policy(tls, established, false);
                    let whole = policy(Loss::closed(code, ""));
                    assert_eq!(policy(Loss::bad_close(code, "cut off")), whole, "{code:?}");
                }
            }
        }
    }

    #[test]
    fn http_answers_decide() {
        let http = |status, retry_after: Option<u64>| {
            let retry_after = retry_after.map(Duration::from_secs);
            let body = "".into();
            Loss::Dial(DialFailure::Http { status, retry_after, location: None, body })
        };
        let wait = |seconds| Policy::BackOff(Duration::from_secs(seconds));
        assert_eq!(http(429, Some(7)).policy(true, false, true), wait(7));
        assert_eq!(http(503, Some(7)).policy(true, false, true), wait(7));
        assert_eq!(http(503, None).policy(true, false, true), Policy::BackOff(Duration::ZERO));
        let hour = Duration::from_secs(3_600);
        let limited = |seconds| http(503, Some(seconds)).with_retry_after_up_to(hour);
        assert_eq!(limited(u64::MAX).policy(true, false, false), wait(3_600));
        assert_eq!(limited(3_599).policy(true, false, false), wait(3_599));
        for status in [301, 401, 403, 404, 418] {
            assert_eq!(
                http(status, None).policy(true, false, false),
                Policy::BackOff(Duration::ZERO)
            );
            assert_eq!(http(status, None).policy(true, false, true), Policy::Stop);
        }
        assert_eq!(http(500, None).policy(true, false, true), Policy::BackOff(Duration::ZERO));
    }

    #[test]
    fn only_refusals_stop_a_client_that_was_told_to_stop_on_them() {
        let stops =
            |failure: DialFailure| Loss::Dial(failure).policy(true, false, true) == Policy::Stop;
        assert!(stops(DialFailure::Dns("no such host".into())));
        assert!(stops(DialFailure::Tls { certificate: true, detail: "expired".into() }));
        assert!(stops(DialFailure::Unsupported("no TLS".into())));
        assert!(!stops(DialFailure::Tls { certificate: false, detail: "reset".into() }));
        assert!(!stops(DialFailure::Connect("refused".into())));
        assert!(!stops(DialFailure::Proxy("407".into())));
        assert!(!stops(DialFailure::Connector("no tunnel".into())));
        assert!(!stops(DialFailure::Upgrade("reset".into())));
        assert!(!stops(DialFailure::Headers("no token".into())));
        assert!(!stops(DialFailure::Timeout));
    }
}
