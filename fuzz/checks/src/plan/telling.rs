//! From the inputs of a plan to what a session is told: which connection, ticket and time it is about
//! depends on what has come so far.

use std::borrow::Cow;
use std::time::Duration;

use pushest_proto::{
    Authorization, AuthorizationError, ConnectionId, Endpoint, EndpointAnswer, Input as Told,
    Instant, Ticket,
};
use serde_json::value::to_raw_value;

use super::{Answer, Input, ReadAt, SENTINEL, SHARED_SECRET, WallStep, Which};

/// What a driver has met, in the order in which it came.
#[derive(Debug)]
pub(crate) struct Known {
    /// Every connection that was asked for.
    pub(crate) connections: Vec<ConnectionId>,
    /// Every request for an authorization.
    pub(crate) tickets: Vec<Ticket>,
    wall: Wall,
}

impl Known {
    pub(crate) fn new() -> Self {
        Self { connections: Vec::new(), tickets: Vec::new(), wall: Wall::new() }
    }

    pub(crate) fn connection(&self, which: Which) -> Option<ConnectionId> {
        match which {
            Which::Last => self.connections.last().copied(),
            Which::Former(index) => {
                self.connections.get(usize::from(index) % self.connections.len().max(1)).copied()
            }
        }
    }

    /// Returns whether this is the connection that was asked for last.
    pub(crate) fn is_last(&self, which: Which) -> bool {
        self.connection(which) == self.connection(Which::Last)
    }

    /// Returns what the wall clock shows.
    pub(crate) fn wall_clock(&self, now: Instant) -> Duration {
        self.wall.shows(now)
    }

    /// Returns the place of one of the requests so far, counted from the last.
    pub(crate) fn request(&self, back: u8) -> Option<usize> {
        let back = usize::from(back) % self.tickets.len().max(1);
        self.tickets.len().checked_sub(back + 1)
    }
}

impl Input {
    /// Returns what the session is told, and the time that is told with it, be that `now`, which
    /// may lie in the past; `present` is the driver's time, and `number` the number in the message.
    /// `None` for what is the driver's own, and for what there has been nothing of.
    pub(crate) fn told(
        &self,
        known: &mut Known,
        number: u64,
        now: Instant,
        present: Instant,
    ) -> Option<(Told<'_>, Instant)> {
        let told = match self {
            Self::Connect => Told::Connect,
            Self::Disconnect => Told::Disconnect,
            Self::SetEndpoint => {
                Told::SetEndpoint { endpoint: Endpoint::new("elsewhere").expect("it is a host") }
            }
            Self::Open(which) => Told::Open { connection: known.connection(*which)? },
            Self::Message(which, message) => {
                let connection = known.connection(*which)?;
                Told::Message { connection, message: message.written(number).into() }
            }
            Self::Activity => Told::Activity { connection: known.connection(Which::Last)? },
            Self::Close(which, loss) => {
                Told::Close { connection: known.connection(*which)?, loss: loss.clone() }
            }
            Self::Authorization { back, answer } => {
                let ticket = known.tickets[known.request(*back)?];
                Told::Authorization { ticket, answer: authorization(*answer) }
            }
            Self::CaughtUp(which, read_at) => {
                let connection = known.connection(*which)?;
                return Some((Told::CaughtUp { connection }, read_at.at(present)));
            }
            Self::Reading(reading) => Told::Reading { reading: *reading },
            Self::Writable(writable) => {
                let connection = known.connection(Which::Last)?;
                Told::Writable { connection, writable: *writable }
            }
            Self::NetworkChange => Told::NetworkChange,
            Self::WallClock(step) => Told::WallClock { unix: known.wall.step(*step, now) },
            Self::Timeout => Told::Timeout,
            Self::Subscribe(channel, options) => {
                Told::Subscribe { channel: (*channel).into(), options: Cow::Borrowed(options) }
            }
            Self::Unsubscribe(channel) => Told::Unsubscribe { channel: (*channel).into() },
            Self::Retry(channel) => Told::Retry { channel: (*channel).into() },
            Self::Trigger(channel, event) => {
                let data = Cow::Owned(to_raw_value(&1).expect("a number is JSON"));
                Told::Trigger { channel: (*channel).into(), event: (*event).into(), data }
            }
            Self::SignIn(data) => Told::SignIn { user_data: data.map(Into::into) },
            Self::Ping => Told::Ping,
            Self::Pass(_) | Self::PassToDeadline { .. } | Self::PollOne => return None,
        };
        Some((told, now))
    }
}

/// Returns what an authorizer answers.
pub(crate) fn authorization(answer: Answer) -> Result<Authorization, AuthorizationError> {
    let granted = Authorization::new(format!("app-key:{SENTINEL}"));
    let full = granted.clone().channel_data(r#"{"user_id":"me"}"#).user_data(r#"{"id":"me"}"#);
    match answer {
        Answer::Granted => Ok(full.shared_secret(SHARED_SECRET)),
        Answer::Bare => Ok(granted),
        Answer::WrongKey => Ok(full.shared_secret(format!("{SENTINEL}B{}=", "A".repeat(34)))),
        Answer::TooLarge => Ok(Authorization::new(SENTINEL.repeat(200))),
        Answer::Refused => Err(AuthorizationError::refused(Some(403), "no")),
        Answer::Unavailable => Err(AuthorizationError::unavailable(None, "later")),
        Answer::RetryAfter => {
            let retry_after = Some(Duration::from_secs(7));
            EndpointAnswer::new(503, b"later").retry_after(retry_after).read()
        }
    }
}

/// A driver's wall clock, and what it has read.
#[derive(Debug)]
struct Wall {
    /// How far it is ahead of the other clock.
    ahead: Duration,
}

impl Wall {
    fn new() -> Self {
        // Some day in 2026.
        Self { ahead: Duration::from_secs(1_795_680_000) }
    }

    /// What it shows at this time, after a step.
    fn step(&mut self, step: WallStep, now: Instant) -> Duration {
        match step {
            WallStep::Forward(by) => self.ahead = self.ahead.saturating_add(by),
            WallStep::Back(by) => self.ahead = self.ahead.saturating_sub(by),
            WallStep::Absolute(unix) => self.ahead = unix.saturating_sub(awake(now)),
        }
        self.shows(now)
    }

    fn shows(&self, now: Instant) -> Duration {
        self.ahead.saturating_add(awake(now))
    }
}

fn awake(now: Instant) -> Duration {
    Duration::from_micros(now.as_micros())
}

impl ReadAt {
    /// That time, if this is the present.
    fn at(self, now: Instant) -> Instant {
        match self {
            Self::Past(by) => {
                let by = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
                Instant::from_micros(now.as_micros().saturating_sub(by))
            }
            Self::Future(by) => now + by,
        }
    }
}
