//! What every runtime shares of the Pushest client for Pusher Channels.
//!
//! Users take `pushest-tokio`, or the crate for another runtime, which has a `Client` of its own and
//! re-exports what is used with it. Here are its receivers, options and errors, the way to a connection
//! (addresses, TLS, the WebSocket upgrade), and the pump: one future that carries the protocol's state
//! machine ([`pushest_proto::Session`]) over a socket. There is no runtime in here, and no protocol either.
//!
//! Authors of a driver for another runtime begin with [`unstable`], which is not held to semantic
//! versioning. Everything else is.
#![forbid(unsafe_code)]

mod assembly;
mod authorizations;
mod authorizer;
#[cfg(feature = "api")]
mod backend;
mod byte_stream;
mod client;
mod commands;
mod connector;
#[cfg(unix)]
mod descriptor_stream;
mod dial;
mod drain;
mod draining;
mod error;
#[doc(hidden)]
pub mod face;
mod frame_log;
#[cfg(feature = "__fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guarded;
mod handler;
mod health;
#[cfg(feature = "http")]
mod http;
mod hub;
mod logging;
mod masking;
#[cfg(test)]
#[cfg(pushest_loom)]
mod models;
mod names;
#[cfg(all(feature = "network-watch", target_os = "linux"))]
mod network;
#[cfg(not(all(feature = "network-watch", target_os = "linux")))]
#[path = "unwatched.rs"]
mod network;
mod network_news;
mod news;
mod open_socket;
mod options;
mod own_stream;
mod park;
mod pump;
mod pump_waker;
mod queue;
mod read_bytes;
mod reads;
mod receivers;
#[cfg(feature = "recording")]
mod recording;
#[cfg(not(feature = "recording"))]
#[path = "unrecorded.rs"]
mod recording;
mod refetch;
mod registry;
mod retry_after;
mod settings;
mod snapshot;
mod socket_state;
mod subscription;
mod sync;
mod thread_probe;
mod threads;
mod traffic;
mod trigger;
mod typed;
mod unblocked;
pub mod unstable;
mod user;
mod wait_list;
mod waiting;
mod wall_clock;
mod watch;
mod websocket;

pub use authorizer::Authorizer;
#[cfg(feature = "api")]
pub use backend::error::{ApiError, ApiStage};
#[cfg(feature = "api")]
pub use backend::options::ApiOptions;
pub use connector::{ConnectedStream, ConnectorPurpose, ConnectorTarget};
#[cfg(any(feature = "tls", feature = "native-tls"))]
pub use dial::choices::{Roots, TlsBackend};
pub use drain::Drain;
pub use error::{
    BuildError, FlushError, NotConnected, NotSignedIn, OptionsError, RunError, SignInError,
    StartError, SubscribeError, SubscriptionError,
};
pub use futures_util::future::BoxFuture;
pub use health::{Health, HealthReason, HealthRules, HealthState};
pub use options::{Options, Overflow};
#[cfg(feature = "http")]
pub use pushest_proto::AuthEndpoint;
/// The calls of the HTTP API, and their answers.
#[cfg(feature = "api")]
pub use pushest_proto::api;
pub use pushest_proto::{
    self as proto, Authorization, AuthorizationError, AuthorizationRequest, AuthorizationSubject,
    BackoffConfig, ChannelEvent, ChannelId, ChannelKind, ChannelName, ChannelState,
    ChannelStatistics, CommandError, Config, ConfigBuilder, ConfigError, ConnectionState,
    DecryptionFailure, DialFailure, Endpoint, Escaped, Event, EventDecoder, FailedDials, InReplyTo,
    LimitReached, Limits, Loss, MalformedReason, Member, NameError, NameRules, PingId,
    PresenceChange, PresenceUpdate, RequestFailure, ServerError, SocketId, StateChange, Statistics,
    Status, SubscribeOptions, Ticket, Timeouts,
};
pub use refetch::Refetch;
/// The TLS library, in the version whose configuration [`Options::tls_config`] takes.
#[cfg(feature = "tls")]
pub use rustls;
#[cfg(feature = "api")]
#[doc(hidden)]
pub use settings::__of_environment;
pub use snapshot::{
    ChannelCounts, ChannelFailure, ChannelSnapshot, Ending, QueueDepths, Snapshot,
    UnconfirmedChannel,
};
pub use subscription::{Events, Subscription};
pub use traffic::Traffic;
pub use trigger::TriggerWhenAllowed;
pub use typed::{DecodeError, Received, TypedEvents};
pub use user::SignedIn;
pub use waiting::{Connected, Flush, Shutdown, Subscribed};

/// Returns the configuration that the environment describes: `PUSHER_URL`, `PUSHER_APP_KEY` and the
/// others that [`ConfigBuilder::variables`] names.
///
/// # Errors
/// As [`Config::from_variables`]; without a key the variables that were looked for are named
/// ([`ConfigError::NoVariable`]), and one of them that is not UTF-8 is a [`ConfigError::Variable`].
pub fn config_from_env() -> Result<Config, ConfigError> {
    settings::from_environment(|lookup| Config::from_variables(lookup))
}
