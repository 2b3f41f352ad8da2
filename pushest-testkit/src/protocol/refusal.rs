//! Connections that are refused before they are established, in the forms that servers give it
//! ([protocol, refused before established](pushest_proto::protocol#refused-before-established)).

use super::happening::Happening;
use super::profile::{Dialect, RefusedConnection};
use super::{Action, Broker, NO_CLOSE_FRAME, NO_CODE, PeerId, encode};

/// A refusal of new connections: an error or none, and what follows it.
///
/// ```
/// use pushest_testkit::{Refusal, RefusalEnd, Server};
///
/// let server = Server::start()?;
/// // As Reverb treats a client from a foreign origin: an error, and a socket that stays open.
/// server.refuse_connections_with(Some(Refusal::error(4009, "Origin not allowed")));
/// // The same, and the socket is closed without a code.
/// let refusal = Refusal::error(4001, "Application does not exist");
/// server.refuse_connections_with(Some(refusal.then(RefusalEnd::CloseWithoutCode)));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code and the message of a `pusher:error`, which is sent in the profile's words.
    error: Option<(Option<u16>, String)>,
    end: RefusalEnd,
}

/// What follows the error of a [`Refusal`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalEnd {
    /// Nothing: the socket stays open, and a close frame is answered.
    Open,
    /// Nothing, not even an answer to a close frame.
    Silence,
    /// A close frame with a code and a reason.
    Close(u16, String),
    /// A close frame without a code.
    CloseWithoutCode,
    /// The end of the TCP connection, without a close frame.
    Drop,
    /// A TCP reset.
    Reset,
}

impl Refusal {
    /// Creates a refusal by an error with this code and message, after which nothing comes.
    #[must_use]
    pub fn error(code: impl Into<Option<u16>>, message: &str) -> Self {
        Self { error: Some((code.into(), message.to_owned())), end: RefusalEnd::Open }
    }

    /// Creates a refusal without an error.
    #[must_use]
    pub fn without_error(end: RefusalEnd) -> Self {
        Self { error: None, end }
    }

    /// The same with another end.
    #[must_use]
    pub fn then(mut self, end: RefusalEnd) -> Self {
        self.end = end;
        self
    }

    /// The code and the reason that a client is told.
    fn told(&self) -> (Option<u16>, String) {
        match (&self.error, &self.end) {
            (Some((code, message)), _) => (*code, message.clone()),
            (None, RefusalEnd::Close(code, reason)) => (Some(*code), reason.clone()),
            (None, _) => (None, String::new()),
        }
    }

    /// The same code and reason in the form that a server gives it.
    pub(super) fn in_form(form: RefusedConnection, code: u16, reason: &str) -> Self {
        let error = Self::error(code, reason);
        let close = RefusalEnd::Close(code, reason.to_owned());
        match form {
            RefusedConnection::ErrorAndClose => error.then(close),
            RefusedConnection::ErrorAndCloseWithoutCode => error.then(RefusalEnd::CloseWithoutCode),
            RefusedConnection::ErrorOnly => error,
            RefusedConnection::CloseOnly => Self::without_error(close),
            RefusedConnection::Drop => Self::without_error(RefusalEnd::Drop),
        }
    }
}

/// Why a connection is refused, as each server says it.
pub(super) enum Reason<'a> {
    UnknownKey(&'a str),
    /// There are as many connections as there may be.
    Full,
    /// The client named no origin that is allowed.
    Origin,
}

impl Reason<'_> {
    pub(super) fn refusal(&self, dialect: &Dialect) -> Refusal {
        let form = dialect.refused_connection;
        match self {
            Self::UnknownKey(key) => {
                let reason = dialect.unknown_key.map_or_else(
                    || format!("App key {key} does not exist in this cluster"),
                    str::to_owned,
                );
                Refusal::in_form(dialect.refused_key, 4001, &reason)
            }
            Self::Full => Refusal::in_form(form, dialect.full.0, dialect.full.1),
            Self::Origin => Refusal::in_form(form, 4009, "Origin not allowed"),
        }
    }
}

impl Broker {
    pub(super) fn refuse_connection(&mut self, peer: PeerId, refusal: Refusal) {
        self.note_other(|| {
            let (code, reason) = refusal.told();
            Happening::Refused { code, reason }
        });
        if let Some((code, message)) = &refusal.error {
            self.send(peer, encode::error(&self.dialect(), None, *code, message));
        }
        match refusal.end {
            RefusalEnd::Open => {}
            RefusalEnd::Silence => {
                if let Some(connection) = self.connections.get_mut(&peer) {
                    connection.silenced = true;
                }
            }
            RefusalEnd::Close(code, reason) => self.close_peer(peer, code, &reason),
            RefusalEnd::CloseWithoutCode => self.close_peer(peer, NO_CODE, ""),
            RefusalEnd::Drop => self.close_peer(peer, NO_CLOSE_FRAME, ""),
            RefusalEnd::Reset => {
                self.push(Action::Reset { peer });
                self.forget(peer);
            }
        }
    }

    /// Returns whether nothing is sent to this connection anymore.
    pub(crate) fn is_silenced(&self, peer: PeerId) -> bool {
        self.connections.get(&peer).is_some_and(|connection| connection.silenced)
    }

    /// Returns whether a client from this origin may connect, as Reverb's `allowed_origins` say:
    /// patterns for the origin's host, in which `*` stands for any text. Without patterns anyone
    /// may.
    pub(super) fn is_allowed(&self, origin: Option<&str>) -> bool {
        let patterns = &self.config.allowed_origins;
        let host = origin.map(host_of).unwrap_or_default();
        patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, host))
    }
}

/// Returns the host of `SCHEME://HOST[:PORT]`; of anything else nothing.
fn host_of(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_by_their_host() {
        let is_match = |pattern, origin| matches(pattern, host_of(origin));
        assert!(is_match("*", "https://example.org") && is_match("*", ""));
        assert!(is_match("example.org", "https://example.org:8443/path"));
        assert!(is_match("*.example.org", "http://www.example.org"));
        assert!(is_match("www.*.org", "http://www.example.org"));
        for origin in ["", "example.org", "https://example.org.evil.com", "https://xexample.org"] {
            assert!(!is_match("example.org", origin), "{origin}");
        }
        assert!(!is_match("*.example.org", "https://example.org"));
    }
}
