//! The server's side of the protocol, without a socket, a clock or a thread.
//!
//! A [`Broker`] takes what happened (a connection, a message, a request, the time) and says what
//! to do ([`Action`]). Same configuration and inputs: same actions. Nothing that a client sends
//! can make it fail.
//!
//! How to drive it: after every input take actions with [`Broker::poll_action`] until it answers
//! `None`; call [`Broker::handle_timeout`] when [`Broker::poll_timeout`] has come. Time may stand
//! still between inputs but is taken not to run backwards.
//!
//! ```
//! use pushest_proto::Instant;
//! use pushest_testkit::protocol::{Action, Broker, ServerConfig};
//!
//! let mut broker = Broker::new(ServerConfig::default());
//! let now = Instant::ORIGIN;
//! let peer = broker.connect("app-key", now);
//! broker.receive(peer, r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#, now);
//! broker.publish("news", "headline", "rain", None, now);
//!
//! let mut heard = Vec::new();
//! while let Some(action) = broker.poll_action() {
//!     if let Action::Send { text, .. } = action {
//!         heard.push(text);
//!     }
//! }
//! assert!(heard[0].contains("pusher:connection_established"));
//! assert!(heard[1].contains("pusher_internal:subscription_succeeded"));
//! assert_eq!(heard[2], r#"{"event":"headline","channel":"news","data":"rain"}"#);
//! ```

mod broker;
mod channel;
mod client_event;
mod config;
mod connection;
mod decode;
mod encode;
mod encrypted;
mod faults;
mod happening;
mod http_api;
mod http_events;
mod inspect;
mod presence;
mod profile;
mod refusal;
mod signature;
mod subscription;
mod user;
mod webhook;

use core::fmt;

pub use broker::Broker;
pub use bytestring::ByteString;
pub use config::{App, Limits, ServerConfig};
pub use encrypted::MasterKey;
pub use faults::Target;
pub use happening::Happening;
pub use http_api::{HttpRequest, HttpResponse};
pub use profile::Profile;
pub use refusal::{Refusal, RefusalEnd};
pub(crate) use signature::sign;

/// A connection of a client, numbered from 1 in the order of connecting; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(u64);

impl PeerId {
    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// The code that stands for "no close frame": it must never go over the wire (RFC 6455, 7.4.1).
pub const NO_CLOSE_FRAME: u16 = 1006;

/// The code that stands for "a close frame without a code": it must never go over the wire, either.
pub const NO_CODE: u16 = 1005;

/// What is to be done. Exhaustive on purpose: the driver of the broker must carry out each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send one text message.
    Send {
        /// The receiver.
        peer: PeerId,
        /// The message.
        text: ByteString,
    },
    /// Close the connection. The broker has forgotten it already: nothing more comes for it.
    Close {
        /// Whose.
        peer: PeerId,
        /// The close frame's code; with 1006 ([`NO_CLOSE_FRAME`]) the connection just ends, and with
        /// 1005 ([`NO_CODE`]) the close frame has none.
        code: u16,
        /// The close frame's reason: at most 123 bytes.
        reason: String,
    },
    /// Reset the connection. The broker has forgotten it already.
    Reset {
        /// Whose.
        peer: PeerId,
    },
}
