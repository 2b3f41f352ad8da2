//! What can go wrong with a call of the HTTP API, and whether it may have been carried out all the
//! same. Nothing of it shows a secret or a signature.

use std::fmt;
use std::time::Duration;

use pushest_proto::DialFailure;
use pushest_proto::api::{AnswerError, RequestError};

use crate::error::StartError;

/// Why a call of the HTTP API has no answer.
///
/// What publishes, or ends connections, is never sent twice by itself where it may have arrived the
/// first time: [`may_have_arrived`](Self::may_have_arrived) tells, and the program decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiError {
    /// The call breaks a rule. Nothing was sent.
    Request(RequestError),
    /// The server has refused it, or its answer does not say that it was carried out.
    Answer(AnswerError),
    /// There is no connection to the server. Nothing was sent.
    Connect {
        /// The server's host and port.
        server: Box<str>,
        /// What the last attempt came to.
        failure: DialFailure,
    },
    /// The connection ended before the whole answer was there.
    Lost {
        /// The server's host and port.
        server: Box<str>,
        /// How it ended.
        problem: Box<str>,
        /// Whether the call may have been carried out. `false` for queries.
        may_have_arrived: bool,
    },
    /// What came back is not HTTP, or too large to be an answer of the HTTP API.
    NotHttp {
        /// The server's host and port.
        server: Box<str>,
        /// What is wrong with it.
        problem: Box<str>,
        /// Whether the call may have been carried out. `false` for queries.
        may_have_arrived: bool,
    },
    /// The call's time was over ([`ApiOptions::timeout`](crate::ApiOptions::timeout)).
    TimedOut {
        /// The server's host and port.
        server: Box<str>,
        /// How long it was waited for.
        waited: Duration,
        /// What was waited for when the time was over.
        stage: ApiStage,
        /// Whether the call may have been carried out. `false` for queries.
        may_have_arrived: bool,
    },
    /// The operating system or the runtime gave nothing to send it with. Nothing was sent.
    Start(StartError),
    /// The operating system gave no random bytes, without which nothing can be encrypted. Nothing
    /// was sent.
    Random(Box<str>),
}

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiStage {
    /// Its turn: as many calls as may be are in flight
    /// ([`ApiOptions::in_flight`](crate::ApiOptions::in_flight)).
    Turn,
    /// A connection to the server.
    Connection,
    /// The server's answer.
    Answer,
}

impl ApiError {
    /// Returns whether what was published may have arrived all the same, or the connections may
    /// have been ended. `false` for queries, and for all that was refused or never sent.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Answer(error) => error.may_have_arrived,
            Self::Lost { may_have_arrived, .. }
            | Self::NotHttp { may_have_arrived, .. }
            | Self::TimedOut { may_have_arrived, .. } => *may_have_arrived,
            Self::Request(_) | Self::Connect { .. } | Self::Start(_) | Self::Random(_) => false,
        }
    }

    /// Returns whether the same call may succeed later, and sending it again can publish nothing
    /// twice: after [`retry_after`](Self::retry_after), or a pause that grows.
    #[must_use]
    pub fn may_repeat(&self) -> bool {
        match self {
            Self::Answer(error) => error.may_repeat(),
            Self::Connect { failure, .. } => is_passing(failure),
            Self::Lost { .. } | Self::TimedOut { .. } => !self.may_have_arrived(),
            Self::Start(_) | Self::Random(_) => true,
            Self::Request(_) | Self::NotHttp { .. } => false,
        }
    }

    /// Returns the pause that the server asks for; `None` if it asks for none.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answer(error) => error.retry_after,
            _ => None,
        }
    }

    /// Returns the HTTP status of the server's answer; `None` if there was none.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(error) => Some(error.status),
            _ => None,
        }
    }
}

/// Returns whether another attempt may come to something else. A certificate and this build's
/// features stay as they are.
pub(super) fn is_passing(failure: &DialFailure) -> bool {
    match failure {
        DialFailure::Dns(_)
        | DialFailure::Connect(_)
        | DialFailure::Proxy(_)
        | DialFailure::Connector(_) => true,
        DialFailure::Tls { certificate, .. } => !certificate,
        _ => false,
    }
}

/// Returns whether what answered the beginning of a handshake seems to be no TLS, by the words that
/// rustls and OpenSSL have for it.
fn is_answered_without_tls(failure: &DialFailure) -> bool {
    let words = ["corrupt message", "wrong version number", "packet length too long"];
    match failure {
        DialFailure::Tls { certificate: false, detail } => {
            words.iter().any(|words| detail.contains(words))
        }
        _ => false,
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => return error.fmt(f),
            Self::Answer(error) => return error.fmt(f),
            Self::Connect { server, failure } => {
                write!(f, "no connection to {server}: {failure}")?;
                if is_answered_without_tls(failure) {
                    f.write_str(" (does it speak TLS on this port?)")?;
                }
            }
            Self::Lost { server, problem, .. } => {
                write!(f, "the connection to {server} was lost: {problem}")?;
            }
            Self::NotHttp { server, problem, .. } => {
                write!(f, "{server} is no HTTP API: {problem}")?;
            }
            Self::TimedOut { server, waited, stage, .. } => match stage {
                ApiStage::Turn => write!(
                    f,
                    "the call to {server} had no turn within {waited:?}: as many as may be are in \
                     flight"
                )?,
                ApiStage::Connection => write!(f, "no connection to {server} within {waited:?}")?,
                ApiStage::Answer => write!(f, "no answer from {server} within {waited:?}")?,
            },
            Self::Start(error) => return error.fmt(f),
            Self::Random(problem) => write!(f, "there are no random bytes: {problem}")?,
        }
        if self.may_have_arrived() {
            f.write_str("; the call may have been carried out")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request(error) => error.source(),
            Self::Answer(error) => error.source(),
            Self::Start(error) => error.source(),
            Self::Connect { failure, .. } => Some(failure),
            _ => None,
        }
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<AnswerError> for ApiError {
    fn from(error: AnswerError) -> Self {
        Self::Answer(error)
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reached_with_tls_and_seems_to_have_none_is_asked_for_it() {
        let told = |detail: &str| {
            let failure = DialFailure::Tls { certificate: false, detail: detail.into() };
            ApiError::Connect { server: "a:80".into(), failure }.to_string()
        };
        for detail in [
            "received corrupt message of type InvalidContentType",
            "error:0A00010B:SSL routines:ssl3_get_record:wrong version number",
        ] {
            assert!(told(detail).ends_with("(does it speak TLS on this port?)"), "{detail}");
        }
        let refused = told("received fatal alert: CertificateRequired");
        assert!(!refused.contains("does it speak TLS"), "{refused}");
    }
}
