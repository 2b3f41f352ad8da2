//! What a client writes to the log (`tracing`, target `pushest`): what fails, as warnings, and how
//! the connection does, as information; the rest is for debugging. Of each kind of these there is at
//! most one line a second, which says how many were kept silent since the last one; those are lines
//! for debugging, too.
//!
//! A line is noted under the hub's lock and written without it: the log's subscriber is the user's
//! code, and may call the client.

mod limiter;
mod recovery;

use std::fmt::{self, Display};
use std::sync::Arc;

use pushest_proto::{
    ChannelName, ConnectionId, ConnectionState, Endpoint, Escaped, Event, InReplyTo, Instant,
    Masked, RequestFailure, StateChange,
};
use tracing::Span;
use tracing::field::display;

use crate::hub::State;
use limiter::Limiter;
use recovery::{Recovered, Recovery};

/// The log of one client.
pub(crate) struct Log {
    client: Arc<str>,
    /// Shows the client and its connection in all that is logged meanwhile.
    span: Span,
    /// The kinds of which there was a line: most clients have few.
    limited: Vec<Limited>,
    /// Lines that wait for the hub's lock to be free.
    records: Vec<Record>,
    recovery: Recovery,
    /// Lines for debugging are wanted, or were when this was last asked: the answer is the subscriber's,
    /// which must not be asked under the hub's lock.
    is_debugging: bool,
    is_connected: bool,
    /// Events that receivers were too slow for, as far as they were noted.
    dropped: u64,
}

/// What is limited together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Connected,
    Recovered,
    Disconnected,
    Lost,
    AttemptFailed,
    Refused,
    NotSubscribed,
    AuthorizationRefused,
    AuthorizationUnavailable,
    NotSignedIn,
    ServerError,
    Undecryptable,
    Malformed,
    LimitReached,
    Lagging,
}

/// The lines of one kind.
struct Limited {
    kind: Kind,
    limiter: Limiter,
    /// The last line that was kept silent.
    silent: Option<Box<What>>,
}

struct Record {
    level: Level,
    what: What,
    silence: Silence,
}

#[derive(Clone, Copy)]
enum Level {
    Warn,
    Info,
    Debug,
}

/// The note in a line on those of its kind that were not written.
#[derive(Clone, Copy)]
enum Silence {
    /// The number of lines that were kept silent before this one.
    Before(u64),
    /// The number of lines that were kept silent, of which this is the last.
    Sum(u64),
}

#[derive(Clone)]
enum What {
    Event(Event),
    Recovered(Recovered),
    Lagging { receiver: Receiver, events: u64 },
}

/// The receiver whose queue was full.
#[derive(Clone)]
enum Receiver {
    Channel(ChannelName),
    /// Of all events, or of the user's.
    Other,
}

impl Log {
    /// Creates the log of a client with this name.
    pub(crate) fn new(client: Arc<str>) -> Self {
        Self {
            span: span_without_connection(&client),
            client,
            limited: Vec::new(),
            records: Vec::new(),
            recovery: Recovery::default(),
            is_debugging: true,
            is_connected: false,
            dropped: 0,
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// A connection is dialled: from here on lines are about it. Not under the hub's lock.
    pub(crate) fn dialling(&mut self, connection: ConnectionId, endpoint: &Endpoint) {
        self.span = tracing::error_span!(
            target: "pushest",
            parent: None,
            "connection",
            client = %self.client,
            id = %connection,
            host = %Escaped(endpoint.host()),
            port = endpoint.port(),
            tls = endpoint.is_tls(),
            socket_id = tracing::field::Empty,
        );
        tracing::debug!(target: "pushest", parent: &self.span, "dialling");
    }

    /// Notes an event, if it is one for the log; what channels carry is not.
    #[inline]
    pub(crate) fn note(&mut self, event: &Event, now: Instant) {
        if !matches!(event, Event::Channel(_)) {
            self.note_other(event, now);
        }
    }

    fn note_other(&mut self, event: &Event, now: Instant) {
        self.recovery.note(event, now);
        if let Event::State(change) = event {
            self.is_connected = change.to == ConnectionState::Connected;
        }
        match self.kind(event) {
            Some(kind) => self.limited(kind, || What::Event(event.clone()), now),
            None if is_detail(event) && (self.is_debugging || is_state(event)) => {
                self.push(Level::Debug, What::Event(event.clone()));
            }
            None => {}
        }
    }

    /// Notes what no event tells: that all channels are back, that receivers are too slow, and what
    /// was kept silent. `dropped` is how many events receivers were too slow for by now.
    pub(crate) fn look(&mut self, state: &State, dropped: u64, now: Instant) {
        if let Some(recovered) = self.recovery.look(&state.session, now) {
            self.limited(Kind::Recovered, || What::Recovered(recovered), now);
        }
        let events = dropped - self.dropped;
        // Lines that were kept silent need no number of their own: their events are in this one's.
        if events > 0 && self.of(Kind::Lagging).limiter.admit(now).is_some() {
            let receiver = state.lagging().map_or(Receiver::Other, Receiver::Channel);
            self.dropped = dropped;
            self.push(Level::Warn, What::Lagging { receiver, events });
        }
        for limited in &mut self.limited {
            // What is lagging counts itself, above.
            if limited.kind != Kind::Lagging
                && let Some(silent) = limited.limiter.settle(now)
                && let Some(what) = limited.silent.take()
            {
                let silence = Silence::Sum(silent);
                let level = Level::of(limited.kind);
                self.records.push(Record { level, what: *what, silence });
            }
        }
    }

    /// Returns when [`Log::look`] has something to note, though nothing happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.limited.iter().filter_map(|limited| limited.limiter.due()).min()
    }

    fn of(&mut self, kind: Kind) -> &mut Limited {
        let at = self.limited.iter().position(|limited| limited.kind == kind);
        let at = at.unwrap_or_else(|| {
            // One place more: doubling would make a few, which most clients never need.
            self.limited.reserve_exact(1);
            self.limited.push(Limited { kind, limiter: Limiter::default(), silent: None });
            self.limited.len() - 1
        });
        &mut self.limited[at]
    }

    fn limited(&mut self, kind: Kind, what: impl Fn() -> What, now: Instant) {
        let limited = self.of(kind);
        match limited.limiter.admit(now) {
            Some(silent) => {
                limited.silent = None;
                let silence = Silence::Before(silent);
                let level = Level::of(kind);
                self.records.push(Record { level, what: what(), silence });
            }
            None => {
                // Of a flood nearly all come here.
                let last = what();
                let is_state = matches!(&last, What::Event(event) if is_state(event));
                match &mut limited.silent {
                    Some(silent) => **silent = last,
                    silent => *silent = Some(Box::new(last)),
                }
                if self.is_debugging || is_state {
                    self.push(Level::Debug, what());
                }
            }
        }
    }

    fn push(&mut self, level: Level, what: What) {
        self.records.push(Record { level, what, silence: Silence::Before(0) });
    }

    /// Returns what kind of line an event is, if it is one that people should see.
    fn kind(&self, event: &Event) -> Option<Kind> {
        Some(match event {
            Event::State(change) => match (change.from, change.to) {
                (_, ConnectionState::Connected) => Kind::Connected,
                (_, ConnectionState::Disconnected) => Kind::Disconnected,
                (_, ConnectionState::Refused) => Kind::Refused,
                (ConnectionState::Connected, _) => Kind::Lost,
                _ if change.loss.is_some() => Kind::AttemptFailed,
                _ => return None,
            },
            Event::SubscriptionFailed { reason, .. } => match reason {
                RequestFailure::AuthorizationRefused(_) => Kind::AuthorizationRefused,
                RequestFailure::AuthorizationUnavailable(_) => Kind::AuthorizationUnavailable,
                _ => Kind::NotSubscribed,
            },
            Event::SignInFailed { .. } => Kind::NotSignedIn,
            // Of others, what they lead to is told.
            Event::ServerError(error) => match error.in_reply_to {
                Some(InReplyTo::Subscribe | InReplyTo::SignIn) => return None,
                _ if !self.is_connected => return None,
                _ => Kind::ServerError,
            },
            Event::Undecryptable { .. } => Kind::Undecryptable,
            Event::Malformed { .. } => Kind::Malformed,
            Event::LimitReached(_) => Kind::LimitReached,
            _ => return None,
        })
    }

    /// Writes what was noted. Not under the hub's lock.
    pub(crate) fn write(&mut self) {
        self.is_debugging = tracing::enabled!(target: "pushest", tracing::Level::DEBUG);
        // Lines are rare: their places are given back.
        for record in std::mem::take(&mut self.records) {
            if let What::Event(Event::State(StateChange { socket_id: Some(id), .. })) = &record.what
            {
                self.span.record(stringify!(socket_id), display(Escaped(id)));
            }
            record.write(&self.span);
        }
    }
}

/// Returns the span of lines that are about no connection.
pub(crate) fn span_without_connection(client: &str) -> Span {
    // At the level of errors, so that it is shown with a warning whatever the filter: a span has a
    // level for that alone.
    tracing::error_span!(target: "pushest", parent: None, "connection", client = %client)
}

/// Returns whether an event is noted in any case: with it the span learns of the socket id.
fn is_state(event: &Event) -> bool {
    matches!(event, Event::State(_))
}

/// Returns whether an event is written for debugging.
fn is_detail(event: &Event) -> bool {
    matches!(event, Event::State(_) | Event::ServerError(_))
}

impl Level {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Connected | Kind::Recovered | Kind::Disconnected => Self::Info,
            _ => Self::Warn,
        }
    }
}

/// Writes a line of any level, for which `tracing` has a macro each.
macro_rules! line {
    ($level:expr, $span:expr, $($line:tt)*) => {
        match $level {
            Level::Warn => tracing::warn!(target: "pushest", parent: $span, $($line)*),
            Level::Info => tracing::info!(target: "pushest", parent: $span, $($line)*),
            Level::Debug => tracing::debug!(target: "pushest", parent: $span, $($line)*),
        }
    };
}

impl Record {
    fn write(&self, span: &Span) {
        let level = self.level;
        let suppressed = match self.silence {
            Silence::Before(0) => None,
            Silence::Before(count) | Silence::Sum(count) => Some(count),
        };
        let text = Shown(self);
        let channel = self.channel().map(|channel| display(Escaped(channel)));
        match &self.what {
            What::Recovered(Recovered { channels, gap, failed }) => {
                line!(level, span, channels, ?gap, failed, suppressed, "{text}");
            }
            What::Lagging { events, .. } => line!(level, span, channel, events, "{text}"),
            What::Event(_) => line!(level, span, channel, suppressed, "{text}"),
        }
    }

    fn channel(&self) -> Option<&ChannelName> {
        match &self.what {
            What::Event(event) => event.channel(),
            What::Lagging { receiver: Receiver::Channel(channel), .. } => Some(channel),
            What::Lagging { receiver: Receiver::Other, .. } | What::Recovered(_) => None,
        }
    }
}

/// A record as it is written. What the server said is escaped, so that it neither commands the
/// reader's terminal nor begins a line of its own; where it repeats a signature, that is hidden.
struct Shown<'a>(&'a Record);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Masked(&self.0.to_string()).fmt(f)
    }
}

impl Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Silence::Sum(count) = self.silence {
            write!(f, "{count} more within a second, the last: ")?;
        }
        match &self.what {
            What::Event(event) => write_event(event, f),
            What::Recovered(Recovered { channels, gap, failed: 0 }) => {
                write!(f, "recovered: {channels} channels subscribed again, after a gap of {gap:?}")
            }
            What::Recovered(Recovered { channels, gap, failed }) => write!(
                f,
                "recovered: {channels} channels subscribed again, after a gap of {gap:?}; {failed} \
                 failed"
            ),
            What::Lagging { receiver, events } => {
                write!(f, "too slow: {events} events were dropped unreceived, the last of ")?;
                match receiver {
                    Receiver::Channel(channel) => write!(f, "a receiver of {channel}"),
                    Receiver::Other => f.write_str("a receiver of no single channel"),
                }
            }
        }
    }
}

fn write_event(event: &Event, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let retry_in = match event {
        Event::State(change) => {
            let loss = change.loss.as_deref();
            match (change.from, change.to, loss) {
                (_, ConnectionState::Refused, Some(loss)) => write!(f, "refused for good: {loss}")?,
                (ConnectionState::Connected, ConnectionState::Waiting, Some(loss)) => {
                    write!(f, "lost: {loss}")?;
                }
                (_, ConnectionState::Waiting, Some(loss)) => write!(f, "not connected: {loss}")?,
                _ => return change.fmt(f),
            }
            change.retry_in
        }
        Event::SubscriptionFailed { reason, retry_in, .. } => {
            write!(f, "not subscribed: {reason}")?;
            *retry_in
        }
        Event::SignInFailed { reason, retry_in } => {
            write!(f, "not signed in: {reason}")?;
            *retry_in
        }
        Event::ServerError(error) => return write!(f, "the server reports an error: {error}"),
        Event::Undecryptable { name, reason, .. } => {
            return write!(f, "the event {name} could not be decrypted: {reason}");
        }
        Event::Malformed { problem, .. } => return write!(f, "a malformed message: {problem}"),
        Event::LimitReached(limit) => return write!(f, "a limit was reached: {limit}"),
        _ => None,
    };
    match retry_in {
        Some(pause) => write!(f, "; next attempt in {:.1} s", pause.as_secs_f64()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use pushest_proto::AuthorizationError;

    use super::*;

    #[test]
    fn a_signature_that_a_server_repeats_is_not_written() {
        let signature = "5f".repeat(32);
        let error = AuthorizationError::refused(None, &format!("got key:{signature}\n"));
        let event = Event::SubscriptionFailed {
            channel: ChannelName::new("private-a").unwrap(),
            reason: RequestFailure::AuthorizationRefused(error),
            retry_in: None,
        };
        let (level, silence) = (Level::Warn, Silence::Before(0));
        let record = Record { level, what: What::Event(event), silence };
        let shown = Shown(&record).to_string();
        assert!(shown.contains(r"got key:***\n") && !shown.contains("5f5f"), "{shown}");
    }
}
