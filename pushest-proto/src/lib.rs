//! The Pusher Channels protocol as a pure state machine: bytes and time in, actions out.
//!
//! A [`Session`] is the lasting association with an app. It outlives any one connection: it says
//! when to connect, signs, subscribes, keeps the connection alive, knows who is present, and comes
//! back after a loss with everything that the user wants. It does no I/O, has no clock, no thread
//! and no randomness of its own, and needs only `alloc` (and atomics as wide as a pointer).
//!
//! # Driving it
//!
//! Tell it what happened (`handle_…`) and what the user wants ([`Session::subscribe`] and the other
//! commands), as often and in whatever order things come. Then poll [`Session::poll_action`] until
//! it returns `None`, carry the actions out, and sleep until something happens or the time that
//! [`Session::poll_timeout`] names has come; then call [`Session::handle_timeout`]. A session works
//! on WebSocket messages: framing, masking and TLS belong to the driver. The page [driving the core
//! yourself](driving_the_core) has the details, and what is easily got wrong.
//!
//! ```
//! use pushest_proto::{Action, Config, Event, Instant, Session, SubscribeOptions};
//!
//! let config = Config::builder("app-key").host("localhost").port(6001).build()?;
//! let now = Instant::ORIGIN; // microseconds since whatever the driver picks
//! let mut session = Session::new(config, 0x5eed, now);
//! session.subscribe("orders", &SubscribeOptions::default(), now)?;
//! session.connect(now);
//!
//! let mut sent = Vec::new();
//! let mut events = Vec::new();
//! // In a real loop these come from the socket, one after the other.
//! let mut messages = vec![
//!     r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#,
//!     r#"{"event":"pusher_internal:subscription_succeeded","channel":"orders","data":"{}"}"#,
//!     r#"{"event":"shipped","channel":"orders","data":"{\"id\":7}"}"#,
//! ]
//! .into_iter();
//! let mut current = None;
//! loop {
//!     while let Some(action) = session.poll_action() {
//!         match action {
//!             Action::Connect { connection, endpoint } => {
//!                 assert!(endpoint.url("app-key").starts_with("ws://localhost:6001/app/app-key?"));
//!                 session.handle_open(connection, now);
//!                 current = Some(connection);
//!             }
//!             Action::Send(frame) => sent.push(frame.text),
//!             Action::Emit(Event::Channel(event)) => events.push(event),
//!             Action::Emit(_) | Action::UpdatePresence(_) => {}
//!             Action::Close { .. } => current = None,
//!             Action::Authorize(_) | Action::Abandon(_) => {}
//!         }
//!     }
//!     let (Some(connection), Some(message)) = (current, messages.next()) else { break };
//!     session.handle_slice(connection, message.as_bytes(), now);
//! }
//! assert_eq!(sent, [r#"{"event":"pusher:subscribe","data":{"channel":"orders"}}"#]);
//! assert_eq!(events[0].name(), "shipped");
//! assert_eq!(events[0].json::<serde_json::Value>()?, serde_json::json!({"id": 7}));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Sessions can be recorded, for a report of a fault that replays: see [`trace`].
//! The page [`protocol`] has all that goes over the wire; comments cite its sections.
//!
#![cfg_attr(
    feature = "api",
    doc = "What an app's backend does is beside the session: [`api`] publishes and asks over HTTP, \
           [`webhook`] reads what servers tell, and [`Signer`] authorizes for clients ([`AuthReply`])."
)]
//!
//! # What it promises
//!
//! - **C1** Any bytes, and any order of calls: no panic, no overflow, no unbounded recursion.
//! - **C2** Change it as often as you like before polling: actions keep the order of their causes.
//! - **C3** While actions wait, [`Session::poll_timeout`] is the present. After
//!   [`Session::handle_timeout`] at `t`, and polling, it is `None` or later than `t`.
//! - **C4** When polled, a [`Action::Send`] belongs to the connection that is open (established, but
//!   for pongs). At most one [`Action::Connect`] is outstanding.
//! - **C5** Memory is bounded by [`Limits`], whatever kind of event it is; [`Session::memory`] counts
//!   it, and is held to the allocator's count. Hitting a limit is an event, not an allocation.
//! - **C6** A refused command leaves the session as it was.
//! - **C7** The same configuration, seed and inputs lead to the same actions.
//! - **C8** After `State(Disconnected)` has been polled there is nothing more, until
//!   [`Session::connect`].
//! - **C9** Once connected, with answers or timeouts arriving, every wanted channel ends subscribed,
//!   or failed with a reason. None is forgotten.
//! - **C10** Whatever a server does, and however often the network changes, the number of
//!   [`Action::Connect`]s in any window of time is bounded, and the bound does not grow with the number of
//!   endpoints: a failure is followed by 100 ms
//!   at least, whichever endpoint comes next, but for three retries in a row that the protocol wants at
//!   once; and between connections that were stable only one pass over the endpoints goes without
//!   backoff.
//! - **C11** No byte of a secret appears in any `Debug`, status, error or event, and secrets are
//!   zeroed when dropped.
//!
//! # Features
//!
//! All but `serde` are on by default, and all only add:
//!
//! - `encrypted`: encrypted channels and the master key. Without it, subscribing to an encrypted
//!   channel is refused with [`CommandError::EncryptionUnsupported`].
//! - `endpoint`: [`AuthEndpoint`], the HTTP form of an authorization endpoint.
//! - `recording`: [`Session::recorded`] and [`trace`].
//! - `serde`: `Serialize` on events, states, statistics, members and failures, `Deserialize` for a
//!   [`Config`] and a [`ConfigBuilder`]; their forms are on the page [`serialized`].
//!
//! # The states of a connection
//!
//! ```text
//!              connect()                handle_open        connection_established
//! Disconnected ────────► Connecting ───────────────► (opening) ─────────────► Connected
//!      ▲                  │   ▲                          │                        │
//!      │ disconnect(),    │   │ the time has come        │ handle_close,          │
//!      │ from anywhere    ▼   │                          │ an error, a timeout    │
//!      └─────────────── Waiting ◄────────────────────────┴────────────────────────┘
//!                         │ codes 4000–4099 (4000 first switches to TLS) of a close frame, or of an
//!                         │ error instead of connection_established; or a dial that is refused
//!                         │ where the configuration says to stop
//!                         ▼
//!                      Refused ── connect() ──► Connecting
//! ```

#![no_std]
#![forbid(unsafe_code)]
// A smaller build leaves out what uses some of the rest; the full one finds what nothing uses.
#![cfg_attr(not(all(feature = "encrypted", feature = "recording")), allow(dead_code))]

extern crate alloc;

/// Driving the core yourself.
///
#[doc = include_str!("../docs/driving-the-core.md")]
#[cfg(doc)]
pub mod driving_the_core {}

/// What events, states and numbers look like when they are serialized, and a configuration when it is
/// read from a file, both with the feature `serde`. This module has nothing but the page.
///
#[doc = include_str!("../docs/serialized.md")]
// Not only in documentation: that of other crates links to it.
pub mod serialized {}

/// The protocol that the core speaks: its messages, signatures and limits, and what servers do
/// differently. This module has nothing but the page.
///
#[doc = include_str!("../docs/protocol.md")]
// Not only in documentation: that of other crates links to its sections.
pub mod protocol {}

mod action;
mod agenda;
#[cfg(feature = "api")]
pub mod api;
mod attribution;
mod auth;
mod backoff;
mod channel;
mod checks;
mod command;
mod config;
mod connection;
mod context;
mod dial_failure;
mod endpoints;
mod escape;
mod event;
#[cfg(feature = "__fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hash;
mod heartbeat;
mod id;
mod input;
mod loss;
mod masked;
mod memory;
#[cfg(any(feature = "api", feature = "endpoint"))]
mod one_line;
mod order;
mod outgoing;
mod pending;
mod policy;
mod presence;
mod queue;
mod rate;
mod request;
#[cfg(feature = "serde")]
mod serialize;
mod session;
mod setters;
mod silence;
mod statistics;
mod status;
mod text;
mod time;
mod timers;
#[cfg(feature = "recording")]
pub mod trace;
#[cfg(not(feature = "recording"))]
#[path = "untraced.rs"]
mod trace;
mod user;
mod wall_clock;
#[cfg(feature = "api")]
pub mod webhook;
mod wire;

pub use bytes::Bytes;
pub use zeroize::Zeroizing;

pub use action::{Action, Frame};
pub use auth::Signer;
#[cfg(feature = "endpoint")]
pub use auth::answer::EndpointAnswer;
#[cfg(feature = "endpoint")]
pub use auth::endpoint::{AuthEndpoint, EndpointRequest};
#[cfg(feature = "api")]
pub use auth::form::{ChannelForm, FormError, UserForm};
#[cfg(feature = "api")]
pub use auth::grant::{MemberData, SignError, UserData};
#[cfg(feature = "api")]
pub use auth::limits::SignLimits;
#[cfg(feature = "api")]
pub use auth::reply::AuthReply;
pub use auth::request::{
    Authorization, AuthorizationError, AuthorizationRequest, AuthorizationSubject,
};
pub use channel::encrypted::DecryptionFailure;
pub use channel::name::{ChannelKind, ChannelName, NameError, NameRules};
pub use channel::{ChannelState, ChannelView};
pub use command::CommandError;
pub use config::backoff::BackoffConfig;
pub use config::endpoint::Endpoint;
pub use config::error::ConfigError;
pub use config::limits::Limits;
pub use config::timeouts::Timeouts;
pub use config::{Config, ConfigBuilder};
pub use dial_failure::DialFailure;
pub use escape::{Escaped, needs_escape};
pub use event::channel_event::ChannelEvent;
pub use event::decoder::EventDecoder;
pub use event::failure::{InReplyTo, RequestFailure, ServerError};
pub use event::{Event, LimitReached, MalformedReason};
pub use id::{ChannelId, ConnectionId, PingId, SocketId, Ticket};
pub use input::{Applied, Input};
pub use loss::{CloseCode, Loss};
pub use masked::Masked;
pub use presence::{Member, PresenceChange, PresenceUpdate};
#[cfg(feature = "serde")]
#[doc(hidden)]
pub use serialize::ms_up as __ms_up;
pub use session::Session;
pub use session::memory::Memory;
pub use session::options::SubscribeOptions;
pub use statistics::{ChannelStatistics, FailedDials, Statistics};
pub use status::{ConnectionState, SignInState, StateChange, Status};
pub use time::Instant;

/// What the README shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
