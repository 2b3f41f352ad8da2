//! Counters of a session and of one channel: plain numbers that only grow, for operators of a
//! program. Nothing of the protocol depends on them.

use core::time::Duration;

use crate::auth::request::{Authorization, AuthorizationError};
use crate::dial_failure::DialFailure;
use crate::loss::Loss;

/// Counters since the session began, over all connections. They only grow; for a rate, the user
/// subtracts two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Statistics {
    /// Messages received, whatever they were: WebSocket messages, without pings and pongs of the
    /// WebSocket itself.
    pub messages: u64,
    /// Bytes of the received messages, without what frames and TLS add.
    pub bytes: u64,
    /// Messages that were handed to the driver to be sent: commands, client events, pings and pongs
    /// of the protocol.
    pub sent_messages: u64,
    /// Bytes of the sent messages, without what frames and TLS add.
    pub sent_bytes: u64,
    /// Events of wanted channels that were handed on. Those by channel are in
    /// [`ChannelStatistics`].
    pub events: u64,
    /// Events of channels that are not wanted (a former subscription's last ones).
    pub unwanted: u64,
    /// Events that are gone because they were not polled fast enough. A client's
    /// number includes what its receivers were too slow for.
    pub dropped: u64,
    /// Messages that could not be read, in whole or in part
    /// ([`Event::Malformed`](crate::Event::Malformed)), those over the limit included.
    pub malformed: u64,
    /// Events of encrypted channels that no key opened
    /// ([`Event::Undecryptable`](crate::Event::Undecryptable)).
    pub undecryptable: u64,
    /// Client events that were handed to the driver to be sent.
    pub client_events: u64,
    /// Attempts to connect that began. Each ends as one of [`Statistics::connections`], as one of
    /// [`Statistics::failed_dials`], or is given up by the user (`disconnect`, another endpoint).
    pub dials: u64,
    /// Attempts to connect that failed, by what failed.
    pub failed_dials: FailedDials,
    /// Connections that were established.
    pub connections: u64,
    /// Connections that were established after the first.
    pub reconnects: u64,
    /// Established connections that were lost; those that the user closed are not among them.
    pub losses: u64,
    /// Losses and failed attempts that were refusals for good, after which the session stopped
    /// ([`ConnectionState::Refused`](crate::ConnectionState::Refused)).
    pub refusals: u64,
    /// Errors that the server reported ([`Event::ServerError`](crate::Event::ServerError)).
    pub server_errors: u64,
    /// Subscriptions that the server confirmed; on each connection they count anew.
    pub subscriptions: u64,
    /// Subscriptions that failed, and are not tried again on the same connection
    /// ([`Event::SubscriptionFailed`](crate::Event::SubscriptionFailed) without a pause).
    pub failed_subscriptions: u64,
    /// Sign-ins that failed, and are not tried again on the same connection.
    pub failed_sign_ins: u64,
    /// Gaps that were told ([`Event::Gap`](crate::Event::Gap)): one for each channel that may have
    /// missed something.
    pub gaps: u64,
    /// The length of these gaps, added up: two channels that both missed a minute have missed two.
    #[cfg_attr(feature = "serde", serde(rename = "gap_time_ms", serialize_with = "form::ms"))]
    pub gap_time: Duration,
    /// Authorizations that were asked for, of channels and of the user. A session that has the secret
    /// asks for none.
    pub authorizations: u64,
    /// Authorizations that were refused, or granted without what the channel needs.
    pub refused_authorizations: u64,
    /// Authorizations that could not be had, or did not come in time. They are asked for again.
    pub unavailable_authorizations: u64,
    /// The last round trip that was measured, by a ping of the session's or the user's.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "round_trip_us", serialize_with = "form::optional_us")
    )]
    pub round_trip: Option<Duration>,
}

impl Statistics {
    /// An attempt or a connection ended by itself.
    pub(crate) fn count_loss(&mut self, loss: &Loss, was_established: bool) {
        if was_established {
            self.losses += 1;
        } else {
            self.failed_dials.count(loss);
        }
    }

    /// An authorizer answered, and that was waited for.
    pub(crate) fn count_authorization(
        &mut self,
        answer: &Result<Authorization, AuthorizationError>,
    ) {
        match answer {
            Ok(_) => {}
            Err(AuthorizationError::Refused { .. }) => self.refused_authorizations += 1,
            Err(AuthorizationError::Unavailable { .. }) => self.unavailable_authorizations += 1,
        }
    }

    pub(crate) fn count_gap(&mut self, length: Duration) {
        self.gaps += 1;
        self.gap_time = self.gap_time.saturating_add(length);
    }
}

/// Attempts to connect that failed, by what failed. [`DialFailure`] says what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailedDials {
    /// The host's name could not be resolved.
    pub dns: u64,
    /// No address accepted a connection.
    pub connect: u64,
    /// The server's certificate was refused.
    pub certificate: u64,
    /// TLS failed in another way.
    pub tls: u64,
    /// The proxy refused or could not be reached.
    pub proxy: u64,
    /// The user's own connector failed.
    pub connector: u64,
    /// The server answered the upgrade with an HTTP status that is not 101.
    pub http: u64,
    /// The connection was lost before the upgrade was answered.
    pub upgrade: u64,
    /// What answered does not speak WebSocket.
    pub not_websocket: u64,
    /// The dial took longer than its timeout.
    pub timeout: u64,
    /// The headers for the upgrade could not be provided.
    pub headers: u64,
    /// This build cannot make such a connection.
    pub unsupported: u64,
    /// The WebSocket was open, and the server did not establish the connection: it refused, closed,
    /// or said nothing in time.
    pub handshake: u64,
}

impl FailedDials {
    /// Returns all of them together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_kind().iter().map(|(_, count)| count).sum()
    }

    /// Returns each number with its name, for labels of metrics. The names are those of the fields.
    #[must_use]
    pub fn by_kind(&self) -> [(&'static str, u64); 13] {
        [
            ("dns", self.dns),
            ("connect", self.connect),
            ("certificate", self.certificate),
            ("tls", self.tls),
            ("proxy", self.proxy),
            ("connector", self.connector),
            ("http", self.http),
            ("upgrade", self.upgrade),
            ("not_websocket", self.not_websocket),
            ("timeout", self.timeout),
            ("headers", self.headers),
            ("unsupported", self.unsupported),
            ("handshake", self.handshake),
        ]
    }

    fn count(&mut self, loss: &Loss) {
        let counter = match loss {
            Loss::Dial(failure) => match failure {
                DialFailure::Dns(_) => &mut self.dns,
                DialFailure::Connect(_) => &mut self.connect,
                DialFailure::Tls { certificate: true, .. } => &mut self.certificate,
                DialFailure::Tls { certificate: false, .. } => &mut self.tls,
                DialFailure::Proxy(_) => &mut self.proxy,
                DialFailure::Connector(_) => &mut self.connector,
                DialFailure::Http { .. } => &mut self.http,
                DialFailure::Upgrade(_) => &mut self.upgrade,
                DialFailure::NotWebSocket(_) => &mut self.not_websocket,
                DialFailure::Timeout => &mut self.timeout,
                DialFailure::Headers(_) => &mut self.headers,
                DialFailure::Unsupported(_) => &mut self.unsupported,
            },
            _ => &mut self.handshake,
        };
        *counter += 1;
    }
}

/// Counters of one channel since the user began to want it, where they were asked for
/// ([`ConfigBuilder::channel_statistics`](crate::ConfigBuilder::channel_statistics)). They go when
/// the channel is unsubscribed from; what they counted stays in [`Statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ChannelStatistics {
    /// Events that were handed on.
    pub events: u64,
    /// Bytes of their messages, as they came.
    pub bytes: u64,
    /// Gaps that were told of the channel.
    pub gaps: u64,
    /// The length of these gaps, added up.
    #[cfg_attr(feature = "serde", serde(rename = "gap_time_ms", serialize_with = "form::ms"))]
    pub gap_time: Duration,
    /// How long ago the last event came; `None` before the first.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "last_event_ms", serialize_with = "form::optional_ms")
    )]
    pub last_event: Option<Duration>,
}

/// Spans as the page [`serialized`](crate::serialized) has them.
#[cfg(feature = "serde")]
mod form {
    use core::time::Duration;

    use serde::{Serialize, Serializer};

    use crate::serialize::{ms_up, us};

    pub(super) fn ms<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(ms_up(*time))
    }

    pub(super) fn optional_ms<S: Serializer>(
        time: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(ms_up).serialize(to)
    }

    pub(super) fn optional_us<S: Serializer>(
        time: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(us).serialize(to)
    }
}
