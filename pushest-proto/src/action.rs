//! What a session asks its driver to do.

use alloc::string::String;
use core::fmt;

use crate::auth::request::AuthorizationRequest;
use crate::config::endpoint::Endpoint;
use crate::event::Event;
use crate::id::{ConnectionId, Ticket};
use crate::loss::CloseCode;
use crate::presence::PresenceUpdate;

/// One thing to do. Exhaustive on purpose: a driver that does not know an action must not compile.
#[derive(Debug, Clone)]
pub enum Action {
    /// Dial the endpoint ([`Endpoint::url`] with the key), give up the former connection, if any,
    /// and report with the session's `handle_open` or `handle_close`.
    Connect {
        /// Goes into every input about this connection.
        connection: ConnectionId,
        /// Where to connect to.
        endpoint: Endpoint,
    },
    /// Send a text message on the open connection.
    Send(Frame),
    /// Close this connection, or give its dial up. Nothing about it needs to be reported anymore.
    Close {
        /// The connection, as its `Connect` named it.
        connection: ConnectionId,
        /// The code for the close frame.
        code: CloseCode,
    },
    /// Get an authorization, beside everything else, and report it with `handle_authorization`.
    Authorize(AuthorizationRequest),
    /// The answer to this request is no longer needed.
    Abandon(Ticket),
    /// Hand the event to the user.
    Emit(Event),
    /// Tell the user which members joined and left.
    UpdatePresence(PresenceUpdate),
}

/// A text message for a connection. Its `Debug` shows the message without the signature.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The connection that it belongs to.
    pub connection: ConnectionId,
    /// The message (JSON).
    pub text: String,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Frame");
        debug.field("connection", &self.connection);
        match signature(&self.text) {
            None => debug.field("text", &self.text),
            Some((before, after)) => debug.field("text", &format_args!("{before:?}…{after:?}")),
        };
        debug.finish()
    }
}

/// Returns what stands before and after the signature of a subscription or a sign-in; `None` in any
/// other message, whose data is the user's own.
fn signature(message: &str) -> Option<(&str, &str)> {
    const START: &str = r#""auth":""#;
    let is_signed = ["pusher:subscribe", "pusher:signin"]
        .iter()
        .any(|event| message.strip_prefix(r#"{"event":""#).is_some_and(|m| m.starts_with(event)));
    // Inside of a string each quote is escaped, so that this can only be the member itself.
    let start = message.find(START).filter(|_| is_signed)? + START.len();
    let mut is_escaped = false;
    let end = message[start..].find(|character| {
        let is_end = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        is_end
    })?;
    Some((&message[..start], &message[start + end..]))
}
