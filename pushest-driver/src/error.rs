//! What can go wrong, by what the caller asked for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{
    ChannelName, CommandError, ConfigError, ConnectionState, Loss, RequestFailure,
};

/// The client could not be made: the operating system, or the runtime, has not given what it runs
/// on, and a later attempt may succeed; or its settings do not go together. Nothing is left of it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system gave no event queue, without which no socket can be waited for: usually
    /// because the process has no file descriptor left.
    #[error("no event queue for the connection: {0}")]
    EventQueue(#[source] Arc<io::Error>),
    /// The operating system gave no thread: usually because the user or the container has reached its
    /// limit, or for want of memory.
    #[error("no thread for the connection: {0}")]
    Thread(#[source] Arc<io::Error>),
    /// This was called outside of the runtime, or in one that lacks I/O or time, in its words.
    #[error("no runtime for the connection: {0}")]
    Runtime(Arc<str>),
    /// The networks of the machine, which were to be watched
    /// ([`Options::watch_network`](struct.Options.html#method.watch_network), with the feature
    /// `network-watch`), cannot be: this is not Linux, or the system gives no netlink socket, no file
    /// descriptor or no thread.
    #[error("the network cannot be watched: {0}")]
    NetworkWatch(#[source] Arc<io::Error>),
    /// The configuration breaks a rule that only names of hosts in their ASCII form can break: a name of the
    /// list of endpoints is none, or two are the same.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Options that are good each by itself do not go together.
    #[error("{0}")]
    Options(#[from] OptionsError),
}

/// Two are equal if they say the same: the system's errors have no other equality.
impl PartialEq for StartError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for StartError {}

/// A client that could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The configuration breaks a rule, or something that it needs is missing.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// An option breaks a rule.
    #[error("{0}")]
    Options(#[from] OptionsError),
    /// The operating system, or the runtime, gave nothing to run the client on.
    #[error("{0}")]
    Start(#[from] StartError),
}

/// Why a handler is no longer run, other than by its own `disconnect`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The client could not be made.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// One of the handler's initial channels cannot be subscribed to.
    #[error("{0}")]
    Subscribe(#[from] SubscribeError),
    /// The server, or what stands before it, refused for good; how the last connection or attempt ended,
    /// where that is known.
    #[error("refused{}", after_colon(.0))]
    Refused(#[source] Option<Arc<Loss>>),
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        Self::Build(error.into())
    }
}

fn after_colon(loss: &Option<Arc<Loss>>) -> String {
    loss.as_ref().map_or_else(String::new, |loss| format!(": {loss}"))
}

/// There is no connection, and [`Client::connected`](struct.Client.html#method.connected) waits no longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotConnected {
    /// The server, or what stands before it, refused for good; `connect` tries anew.
    #[error("refused: {0}")]
    Refused(#[source] Arc<Loss>),
    /// The attempt failed for now, or the connection was lost; the client goes on trying. Only
    /// [`Client::attempted`](struct.Client.html#method.attempted) returns it.
    #[error("{0}")]
    Failed(#[source] Arc<Loss>),
    /// The user disconnected, or has not connected yet.
    #[error("disconnected")]
    Disconnected,
    /// There was no connection in time. The client goes on trying.
    #[error("not connected within {waited:?} ({state}{})", because(.last_loss))]
    TimedOut {
        /// The timeout.
        waited: Duration,
        /// The state at the end.
        state: ConnectionState,
        /// How the last connection or attempt ended.
        #[source]
        last_loss: Option<Arc<Loss>>,
    },
    /// The client has ended, or the runtime that it ran on.
    #[error("the client has ended")]
    Ended,
    /// It was waited for on the thread that carries the client, such as in its recording's sink:
    /// nothing comes before that has returned.
    #[error("{OWN_THREAD}")]
    OwnThread,
}

const OWN_THREAD: &str = "the client cannot be waited for on the thread that carries it";

impl NotConnected {
    /// Returns how the last connection or attempt ended, where that is known.
    #[must_use]
    pub fn loss(&self) -> Option<&Loss> {
        match self {
            Self::Refused(loss) | Self::Failed(loss) => Some(loss),
            Self::TimedOut { last_loss, .. } => last_loss.as_deref(),
            Self::Disconnected | Self::Ended | Self::OwnThread => None,
        }
    }
}

fn because(loss: &Option<Arc<Loss>>) -> String {
    loss.as_ref().map_or_else(String::new, |loss| format!("; {loss}"))
}

/// The subscription was not begun. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The session refused: a bad name, missing member data, a limit.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The client was shut down or refused for good: nothing is wanted until
    /// [`Client::connect`](struct.Client.html#method.connect).
    #[error("closed until `connect`: {0}")]
    Closed(#[source] NotConnected),
    /// The channel needs an authorization, and there is neither a secret nor an authorizer.
    #[error(
        "{channel} needs an authorization: give the configuration a secret, or the options an \
         authorizer"
    )]
    NoAuthorizer {
        /// The channel.
        channel: ChannelName,
    },
}

/// The subscription was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// It failed, and is not tried again on this connection.
    #[error("{channel}: {reason}")]
    Failed {
        /// The channel.
        channel: ChannelName,
        /// The reason.
        #[source]
        reason: RequestFailure,
    },
    /// There is no connection: none will come by itself, or none came in time.
    #[error(transparent)]
    NotConnected(#[from] NotConnected),
    /// The server did not confirm the subscription in time, although there is a connection. It stays
    /// wanted.
    #[error("the subscription to {channel} was not confirmed within {waited:?}")]
    TimedOut {
        /// The channel.
        channel: ChannelName,
        /// The timeout.
        waited: Duration,
    },
    /// This subscription has ended: the channel was unsubscribed from, or the client was shut down or
    /// refused for good, and then connected again.
    #[error("the subscription to {channel} has ended")]
    Closed {
        /// The channel.
        channel: ChannelName,
    },
}

/// The sign-in was not begun. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The session refused: the user data breaks a rule, or is missing.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Signing in needs an authorization, and there is neither a secret nor an authorizer.
    #[error(
        "signing in needs an authorization: give the configuration a secret, or the options an \
         authorizer"
    )]
    NoAuthorizer,
}

/// The sign-in was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSignedIn {
    /// It failed, and is not tried again on this connection.
    #[error("not signed in: {0}")]
    Failed(#[source] RequestFailure),
    /// There is no connection: none will come by itself, or none came in time.
    #[error(transparent)]
    NotConnected(#[from] NotConnected),
    /// The server did not confirm the sign-in in time, although there is a connection. The client
    /// goes on with it.
    #[error("the sign-in was not confirmed within {waited:?}")]
    TimedOut {
        /// The timeout.
        waited: Duration,
    },
    /// [`Client::sign_in`](struct.Client.html#method.sign_in) was not called.
    #[error("nobody has asked to be signed in")]
    NotAsked,
}

/// The flush was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// It could not be sent: no connection, or too much waits already.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The connection was lost, or the server did not answer within the pong timeout. What was
    /// sent before may or may not have arrived.
    #[error("the connection was lost before the server had read everything")]
    Lost,
    /// The pong did not come in time. The ping is on its way.
    #[error("no pong within {waited:?}")]
    TimedOut {
        /// The timeout.
        waited: Duration,
    },
    /// The client has ended, or the runtime that it ran on.
    #[error("the client has ended")]
    Ended,
    /// It was waited for on the thread that carries the client: see [`NotConnected::OwnThread`]. The
    /// ping is on its way.
    #[error("{OWN_THREAD}")]
    OwnThread,
}

/// An option that breaks a rule. Its text names the value and the rule; a header's value, which
/// may be a secret, is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The header cannot be sent with the upgrade.
    #[error("{name:?} cannot be sent as a header: {rule}")]
    Header {
        /// The header's name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The bound for all receivers together is too small.
    #[error("all_queues: {bytes} bytes are too few for all receivers together: at least {LEAST}")]
    AllQueues {
        /// The bound that was given, in bytes.
        bytes: usize,
    },
    /// The text holds no certificates in PEM form.
    #[error("not certificates in PEM form: {problem}")]
    Authority {
        /// What is wrong.
        problem: String,
    },
    /// The file holds no certificates in PEM form, or cannot be read.
    #[error("{path:?} cannot be used as certificate authority: {problem}")]
    AuthorityFile {
        /// The path that was given.
        path: std::path::PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The text holds no client identity that can be used: a chain of certificates and their private key.
    #[error("the client identity cannot be used: {problem}")]
    ClientIdentity {
        /// What is wrong. Nothing of the key is part of it.
        problem: String,
    },
    /// The file cannot be read, or does not hold its part of a client identity.
    #[error("{path:?} cannot be used as client identity: {problem}")]
    ClientIdentityFile {
        /// The path that was given.
        path: std::path::PathBuf,
        /// What is wrong. Nothing of the key is part of it.
        problem: String,
    },
    /// An option about TLS does not go together with another one, or with the library that speaks TLS.
    #[error("{option}: {rule}")]
    Tls {
        /// The option.
        option: &'static str,
        /// The rule that it breaks.
        rule: String,
    },
    /// The text is not the URL of a proxy that can be used.
    #[error("{}{value:?} cannot be used as a proxy: {rule}", before_colon(.variable))]
    Proxy {
        /// The environment variable that holds it; `None` if it was given as an option.
        variable: Option<&'static str>,
        /// The text, with `***` in the place of user, password and what may be a part of them.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// An entry of the list of hosts that are reached without a proxy names none.
    #[error("{variable}: {entry:?} names no hosts: {rule}")]
    NoProxy {
        /// The environment variable that holds the list.
        variable: &'static str,
        /// The entry.
        entry: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// An environment variable that names a proxy, or hosts that are reached without one, is not UTF-8.
    #[error("{variable} is not UTF-8")]
    ProxyVariable {
        /// The variable.
        variable: &'static str,
    },
}

fn before_colon(variable: &Option<&'static str>) -> String {
    variable.map_or_else(String::new, |variable| format!("{variable}: "))
}

/// The smallest bound for all receivers together, in bytes.
pub(crate) const LEAST: usize = 64 * 1024;
