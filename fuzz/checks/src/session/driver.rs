//! A driver that does what a plan says, and holds the session to the contract meanwhile.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::Hasher as _;
use std::time::Duration;

use bytes::Bytes;
use pushest_proto::{
    Action, CommandError, ConnectionId, ConnectionState, Event, Input as Told, Instant,
    LimitReached, Limits, Session, Ticket,
};

use super::words::{words_of, write_words};
use crate::plan::{Input, Known, MASTER_KEY, NUMBERED, SECRET, SENTINEL, Setting, Step, Which};

const PONG: &str = r#"{"event":"pusher:pong","data":{}}"#;

/// As far as time goes: any timeout fits behind it.
const END: Instant = Instant::from_micros(u64::MAX / 2);

/// The session's state changes that wait are joined beyond 256, and other outcomes come of what was
/// polled before.
const MOST_KEPT: usize = 400;

pub(super) struct Driver {
    pub(super) session: Session,
    pub(super) limits: Limits,
    /// The time; it never runs backwards, though inputs may come with an older one.
    pub(super) now: Instant,
    known: Known,
    open: Option<ConnectionId>,
    established: Option<ConnectionId>,
    connecting: Option<ConnectionId>,
    /// How often `connect` ended the session's being disconnected, and how many ends of that,
    /// `State(Disconnected)`, were polled: when they are equal, nothing can follow.
    begun: usize,
    ended: usize,
    /// When the session asked for connections since the user last did something about it.
    connects: Vec<Instant>,
    /// How many events were sent, and the last that came out.
    sent: u64,
    received: u64,
    steps: usize,
    /// The steps whose command was refused.
    pub(super) refused: Vec<usize>,
    /// A digest of each action's description.
    pub(super) digests: Vec<u64>,
    pub(super) last_action: String,
}

impl Driver {
    pub(super) fn new(setting: Setting) -> Self {
        let now = Instant::from_micros(1_000_000);
        Self {
            session: Session::new(setting.config(), setting.seed, now),
            limits: setting.limits(),
            now,
            known: Known::new(),
            open: None,
            established: None,
            connecting: None,
            begun: 0,
            ended: 0,
            connects: Vec::new(),
            sent: 0,
            received: 0,
            steps: 0,
            refused: Vec::new(),
            digests: Vec::new(),
            last_action: String::new(),
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
        let now = if step.stale { Instant::ORIGIN } else { self.now };
        if let Err(error) = self.tell(&step.input, now) {
            let words = words_of(&error);
            assert!(!words.contains(SENTINEL), "C11: {words}");
            self.refused.push(self.steps);
        }
        self.after(step);
    }

    /// The server sends a message on the last connection; nothing is polled.
    pub(super) fn hear(&mut self, message: Bytes) {
        if let Some(connection) = self.known.connection(Which::Last) {
            self.session.handle_message(connection, message, self.now);
        }
    }

    /// Returns what the driver itself has allocated.
    pub(super) fn own_bytes(&self) -> usize {
        self.known.connections.capacity() * size_of::<ConnectionId>()
            + self.known.tickets.capacity() * size_of::<Ticket>()
            + self.connects.capacity() * size_of::<Instant>()
            + self.refused.capacity() * size_of::<usize>()
            + self.digests.capacity() * size_of::<u64>()
            + self.last_action.capacity()
    }

    /// A step whose command was refused the first time.
    pub(super) fn skip(&mut self, step: &Step) {
        self.after(step);
    }

    fn after(&mut self, step: &Step) {
        self.steps += 1;
        if step.polls {
            self.drain();
        }
        self.check_bounds();
    }

    fn tell(&mut self, input: &Input, now: Instant) -> Result<(), CommandError> {
        match input {
            Input::Connect => return self.connect_at(now),
            // The user may change it as often as it likes: the bound is for what servers cause.
            Input::SetEndpoint => self.connects.clear(),
            Input::Message(which, _) if self.known.connection(*which).is_some() => self.sent += 1,
            Input::Pass(duration) => self.now = (self.now + *duration).min(END),
            Input::PassToDeadline { early } => {
                if let Some(deadline) = self.session.poll_timeout() {
                    let micros = deadline.as_micros().saturating_sub(u64::from(*early));
                    self.now = self.now.max(Instant::from_micros(micros)).min(END);
                }
            }
            Input::PollOne => drop(self.poll()),
            _ => {}
        }
        let (timeout, state) = (self.session.poll_timeout(), self.session.state());
        if let Some((told, at)) = input.told(&mut self.known, self.sent, now, self.now) {
            self.session.apply(told, at)?;
        }
        if matches!(input, Input::CaughtUp(..)) {
            assert_eq!(self.session.poll_timeout(), timeout, "C3: it is no cause");
            assert_eq!(self.session.state(), state);
        }
        Ok(())
    }

    /// Connects, with a driver that reads and writes.
    pub(super) fn connect(&mut self) {
        self.connect_at(self.now).expect("nothing refuses to connect");
        self.session.handle_reading(true, self.now);
        if let Some(connection) = self.known.connection(Which::Last) {
            self.session.handle_writable(connection, true, self.now);
        }
    }

    fn connect_at(&mut self, now: Instant) -> Result<(), CommandError> {
        self.begun += usize::from(self.session.state() == ConnectionState::Disconnected);
        self.session.apply(Told::Connect, now)?;
        // The user may connect as often as it likes: the bound is for what servers cause.
        self.connects.clear();
        Ok(())
    }

    /// C3: once the session was told the time and everything was polled, there is nothing to do
    /// at this time. C5: of what servers can pile up, no more comes than may be stored.
    pub(super) fn drain(&mut self) {
        self.session.handle_timeout(self.now);
        let mut stored = 0;
        while let Some(action) = self.poll() {
            stored += usize::from(is_droppable(&action));
        }
        assert!(stored <= self.limits.stored_events, "C5: {stored} events were stored");
        if let Some(deadline) = self.session.poll_timeout() {
            assert!(deadline > self.now, "C3: a deadline that is not in the future");
        }
    }

    /// Polls one action.
    pub(super) fn poll(&mut self) -> Option<Action> {
        let deadline = self.session.poll_timeout();
        let action = self.session.poll_action()?;
        assert!(deadline.is_some_and(|time| time <= self.now), "C3: {action:?} waited unseen");
        self.describe(&action);
        assert!(self.begun > self.ended, "C8: {} after State(Disconnected)", self.last_action);
        self.follow(&action);
        Some(action)
    }

    /// C11, and the digest for C7.
    fn describe(&mut self, action: &Action) {
        let text = &mut self.last_action;
        text.clear();
        write!(text, "{action:?}").expect("a text takes everything");
        write_words(text, action);
        // The signature of an authorization does go to the server.
        let hidden = if matches!(action, Action::Send(_)) { SECRET } else { SENTINEL };
        assert!(!text.contains(hidden), "C11: {text}");
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        self.digests.push(hasher.finish());
    }

    fn follow(&mut self, action: &Action) {
        match action {
            Action::Connect { connection, .. } => {
                assert_eq!(self.connecting, None, "C4: two Connects");
                assert!(!self.known.connections.contains(connection), "C4: {connection} again");
                self.known.connections.push(*connection);
                self.connecting = Some(*connection);
                self.open = Some(*connection);
                self.established = None;
                self.connects.push(self.now);
            }
            Action::Send(frame) => {
                assert_eq!(Some(frame.connection), self.open, "C4: not the open connection");
                let is_established = self.established == Some(frame.connection);
                assert!(is_established || frame.text == PONG, "C4: {} is too early", frame.text);
            }
            Action::Close { connection, .. } => {
                assert_eq!(Some(*connection), self.open, "C4: closes what is not open");
                self.open = None;
                self.connecting = None;
            }
            Action::Authorize(request) => self.known.tickets.push(request.ticket),
            Action::Emit(Event::State(change)) => match change.to {
                ConnectionState::Connecting => {}
                ConnectionState::Connected => {
                    self.connecting = None;
                    self.established = self.open;
                }
                ConnectionState::Disconnected => {
                    self.ended += 1;
                    self.connecting = None;
                }
                ConnectionState::Waiting | ConnectionState::Refused => self.connecting = None,
            },
            Action::Emit(Event::Channel(event)) if event.name() == NUMBERED => {
                let number = event.json().expect("it was sent as a number");
                assert!(number > self.received, "C2: event {number} after {}", self.received);
                self.received = number;
            }
            Action::Abandon(_) | Action::Emit(_) | Action::UpdatePresence(_) => {}
        }
    }

    /// C5 and C10.
    fn check_bounds(&self) {
        let (memory, limits) = (self.session.memory(), &self.limits);
        assert!(memory.channels <= limits.channels + 1, "C5: {memory:?}; one is the user's");
        assert!(memory.stored_events <= limits.stored_events + MOST_KEPT, "C5: {memory:?}");
        assert!(memory.stored_bytes <= limits.stored_bytes, "C5: {memory:?}");
        assert!(memory.outgoing_bytes <= limits.outgoing, "C5: {memory:?}");
        let most = limits.member_bytes.saturating_mul(limits.channels);
        assert!(memory.member_bytes <= most, "C5: {memory:?}");
        let minute = Duration::from_secs(60);
        let recent = |time: &&Instant| self.now.saturating_duration_since(**time) < minute;
        // Between stable connections of 10 s: three immediate retries, one pass over the endpoints
        // without backoff, whose pauses have a floor, and the floor of the backoff that doubles on
        // average.
        let recent = self.connects.iter().rev().take_while(recent).count();
        assert!(recent < 120, "C10: {recent} connects within a minute");
    }

    /// C11: what a session shows of itself. Authorizations that wait to be sent are in it, too.
    pub(super) fn described(&self) -> String {
        let text = format!("{:?} {:?}", self.session, self.session.status(self.now));
        assert!(!text.contains(SENTINEL), "C11: {text}");
        let bytes = format!("{:?}", &MASTER_KEY[..4]);
        assert!(!text.contains(&bytes[1..bytes.len() - 1]), "C11: the master key in {text}");
        text
    }
}

/// Returns whether an action tells what servers can cause as often as they like.
fn is_droppable(action: &Action) -> bool {
    match action {
        Action::UpdatePresence(_) => true,
        Action::Emit(event) => matches!(
            event,
            Event::Channel(_)
                | Event::SubscriptionCount { .. }
                | Event::CacheMiss { .. }
                | Event::Watchlist { .. }
                | Event::ServerError(_)
                | Event::Unrouted { .. }
                | Event::Malformed { .. }
                | Event::LimitReached(LimitReached::Members { .. })
        ),
        _ => false,
    }
}
