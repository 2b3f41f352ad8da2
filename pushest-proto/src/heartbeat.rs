//! Signs of life in both directions: activity, pings, pongs, and flush.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::backoff::Hints;
use crate::id::PingId;
use crate::order::Order;
use crate::time::Instant;

/// A shorter activity timeout from a server is taken as this one: it must not be able to ask for
/// endless pings.
const SHORTEST_ACTIVITY: Duration = Duration::from_secs(1);

/// The time in seconds after which changes of the network may ask for one more ping, after a few in a row: a
/// route that flaps must not turn into endless pings.
const CHANGE_EVERY: u64 = 1;

/// Maximum number of the user's pings that may be unanswered at once.
pub(crate) const MOST_UNANSWERED: usize = 1024;

/// A ping that was sent and not answered, or several of the session's own in a row.
#[derive(Debug)]
struct SentPing {
    /// The ping, while its user waits for it.
    ping: Option<PingId>,
    /// When it, or the first of several, was sent.
    first: Instant,
    /// When it, or the last of several, was sent.
    at: Instant,
    /// How many pongs it keeps the place of.
    pongs: u32,
}

/// How long a pong took.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RoundTrip {
    Measured(Duration),
    /// An upper bound: the pings in a row were not kept apart.
    Within(Duration),
}

/// The heartbeat of one connection at a time.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    /// When the last message or WebSocket ping or pong came.
    pub(crate) last_heard: Instant,
    /// When the driver stopped reading last.
    pub(crate) paused: Instant,
    /// When the driver began to read again: no silence before this counts.
    pub(crate) resumed: Instant,
    /// The effective activity timeout.
    activity: Duration,
    /// Whether the driver reads; while it does not, silence means nothing.
    pub(crate) reading: bool,
    /// The network changed while the driver did not read: once it reads, it finds out what that means.
    pub(crate) is_in_doubt: bool,
    /// The pings that changes of the network may ask for.
    checks: Hints<CHANGE_EVERY>,
    /// The network has changed, and a ping follows once there may be one.
    is_check_due: bool,
    /// A pong that is owed to the server, by its cause; [`Order::NEVER`] if none is.
    pub(crate) pong_owed: Order,
    /// A ping of the session's own that waits to be polled; [`Order::NEVER`] if none does.
    pub(crate) ping_due: Order,
    /// Pings that were sent and not answered, oldest first.
    sent: VecDeque<SentPing>,
    last_ping: u64,
    /// The last round trip that was measured.
    pub(crate) round_trip: Option<Duration>,
}

impl Heartbeat {
    pub(crate) fn new(now: Instant, activity: Duration) -> Self {
        Self {
            last_heard: now,
            paused: now,
            resumed: now,
            activity,
            reading: true,
            is_in_doubt: false,
            checks: Hints::new(),
            is_check_due: false,
            pong_owed: Order::NEVER,
            ping_due: Order::NEVER,
            sent: VecDeque::new(),
            last_ping: 0,
            round_trip: None,
        }
    }

    /// Begins with a new connection: the shorter activity timeout counts ([protocol,
    /// heartbeat](crate::protocol#heartbeat)).
    pub(crate) fn begin(&mut self, own: Duration, servers: Option<Duration>) {
        self.activity = servers.map_or(own, |servers| servers.max(SHORTEST_ACTIVITY).min(own));
    }

    /// Ends with the connection. Returns the user's pings that are lost with it.
    pub(crate) fn end(&mut self) -> impl Iterator<Item = PingId> + use<> {
        self.reading = true;
        self.is_in_doubt = false;
        self.checks = Hints::new();
        self.is_check_due = false;
        self.pong_owed = Order::NEVER;
        self.ping_due = Order::NEVER;
        core::mem::take(&mut self.sent).into_iter().filter_map(|sent| sent.ping)
    }

    /// The network has changed. Returns whether a ping is to be sent now; if not, it follows.
    pub(crate) fn change(&mut self, now: Instant) -> bool {
        self.is_check_due = !self.checks.take(now);
        !self.is_check_due
    }

    /// Returns whether the ping of a change is due that had to wait, and takes it.
    pub(crate) fn take_check(&mut self, now: Instant) -> bool {
        self.is_check_due && self.change(now)
    }

    /// The driver stopped or resumed reading: what has not been looked into by then is in doubt.
    pub(crate) fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
        self.is_in_doubt |= core::mem::take(&mut self.is_check_due);
    }

    /// Returns when there is something to be done if nothing is heard until then.
    pub(crate) fn next_check(&self) -> Instant {
        let silent_at = self.silent_at();
        if self.is_check_due { silent_at.min(self.checks.next()) } else { silent_at }
    }

    pub(crate) fn next_id(&mut self) -> PingId {
        self.last_ping += 1;
        PingId(self.last_ping)
    }

    /// Returns how many pings of the user are unanswered.
    pub(crate) fn unanswered(&self) -> usize {
        self.sent.iter().filter(|sent| sent.ping.is_some()).count()
    }

    /// Notes that a ping was sent.
    pub(crate) fn sent(&mut self, ping: Option<PingId>, now: Instant) {
        match self.sent.back_mut() {
            // No user waits for either: one entry keeps both places.
            Some(last) if last.ping.is_none() && ping.is_none() => {
                last.pongs = last.pongs.saturating_add(1);
                last.at = now;
            }
            _ => self.sent.push_back(SentPing { ping, first: now, at: now, pongs: 1 }),
        }
    }

    /// Takes a pong, which answers the oldest ping. Returns that ping and the round trip.
    pub(crate) fn answered(&mut self, now: Instant) -> Option<(Option<PingId>, RoundTrip)> {
        let oldest = self.sent.front_mut()?;
        oldest.pongs -= 1;
        let ping = oldest.ping;
        if oldest.pongs > 0 {
            let most = now.saturating_duration_since(oldest.first);
            return Some((ping, RoundTrip::Within(most)));
        }
        let round_trip = now.saturating_duration_since(oldest.at);
        self.sent.pop_front();
        self.round_trip = Some(round_trip);
        Some((ping, RoundTrip::Measured(round_trip)))
    }

    /// Takes the oldest ping of the user that was sent at or before `until`. It keeps its place,
    /// so that a late pong is not taken for that of a later ping.
    pub(crate) fn take_overdue(&mut self, until: Instant) -> Option<PingId> {
        let oldest = self.sent.iter_mut().find(|sent| sent.ping.is_some())?;
        if oldest.at <= until { oldest.ping.take() } else { None }
    }

    /// Returns when the oldest unanswered ping of the user was sent.
    pub(crate) fn oldest_of_user(&self) -> Option<Instant> {
        self.sent.iter().find(|sent| sent.ping.is_some()).map(|sent| sent.at)
    }

    /// Returns when the oldest unanswered ping was sent, or one before it.
    pub(crate) fn oldest_unanswered(&self) -> Option<Instant> {
        self.sent.front().map(|sent| sent.first)
    }

    /// Returns what is remembered of pings, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.sent.capacity() * size_of::<SentPing>()
    }

    /// Returns when the server will have been silent for the activity timeout.
    pub(crate) fn silent_at(&self) -> Instant {
        self.last_heard.max(self.resumed) + self.activity
    }

    pub(crate) fn activity(&self) -> Duration {
        self.activity
    }
}
