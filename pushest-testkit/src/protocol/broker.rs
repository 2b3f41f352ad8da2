//! The broker's public API; it routes inputs to the parts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytestring::ByteString;
use pushest_proto::Instant;

use super::channel::{self, Kind, ServerChannel};
use super::config::ServerConfig;
use super::connection::{Connection, Due};
use super::decode::ClientMessage;
use super::encode::{self, Data, Message};
use super::faults::Faults;
use super::happening::{Happening, Notes};
use super::profile::{Dialect, UnknownMessage};
use super::refusal::{Reason, Refusal};
use super::user::User;
use super::webhook::{Backend, WebhookEvent};
use super::{Action, NO_CLOSE_FRAME, PeerId};

/// How long the last event of a cache channel is kept ([protocol, cache
/// channels](pushest_proto::protocol#cache-channels)).
const CACHED_FOR: Duration = Duration::from_secs(30 * 60);

/// The last event of a cache channel.
#[derive(Debug)]
pub(super) struct Cached {
    since: Instant,
    text: ByteString,
    pub(super) data: String,
}

impl Cached {
    /// Returns how long it is still kept.
    fn left(&self, now: Instant) -> Option<Duration> {
        let left = CACHED_FOR.saturating_sub(now.saturating_duration_since(self.since));
        (!left.is_zero()).then_some(left)
    }
}

/// A close frame's reason holds 125 bytes less the code.
const LONGEST_REASON: usize = 123;

/// A Pusher server's protocol as a state machine; see the [module](super) for how to drive it.
#[derive(Debug)]
pub struct Broker {
    pub(super) config: ServerConfig,
    pub(super) faults: Faults,
    /// The latest time that any input brought.
    pub(super) now: Instant,
    random: fastrand::Rng,
    last_peer: u64,
    pub(super) connections: BTreeMap<PeerId, Connection>,
    pub(super) by_socket_id: BTreeMap<String, PeerId>,
    /// Only channels with subscribers.
    pub(super) channels: BTreeMap<String, ServerChannel>,
    /// Only signed-in users.
    pub(super) users: BTreeMap<String, User>,
    /// The last event of each cache channel.
    cached: BTreeMap<String, Cached>,
    /// When to look at which connection again: each has at most one entry, `Connection::armed`.
    alarms: BTreeSet<(Instant, PeerId)>,
    ready: VecDeque<Action>,
    /// Actions held back by a delay, in order, each with the time that it becomes ready.
    delayed: VecDeque<(Instant, Action)>,
    pub(super) notes: Notes,
    pub(super) backend: Backend,
}

impl Broker {
    /// A server without connections.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            random: fastrand::Rng::with_seed(config.seed),
            config,
            faults: Faults::default(),
            now: Instant::ORIGIN,
            last_peer: 0,
            connections: BTreeMap::new(),
            by_socket_id: BTreeMap::new(),
            channels: BTreeMap::new(),
            users: BTreeMap::new(),
            cached: BTreeMap::new(),
            alarms: BTreeSet::new(),
            ready: VecDeque::new(),
            delayed: VecDeque::new(),
            notes: Notes::default(),
            backend: Backend::default(),
        }
    }

    /// Returns the configuration it was made with.
    #[must_use]
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Takes a WebSocket that was opened at `/app/KEY`: replies with
    /// `pusher:connection_established`, or refuses in the form that the profile gives it (4001 for
    /// another key, 4100 when full).
    pub fn connect(&mut self, app_key: &str, now: Instant) -> PeerId {
        self.connect_from(app_key, None, now)
    }

    /// Takes a WebSocket as [`Broker::connect`] does, from a client that named this `Origin` at the
    /// upgrade ([`ServerConfig::allowed_origins`]).
    pub fn connect_from(&mut self, app_key: &str, origin: Option<&str>, now: Instant) -> PeerId {
        self.clock(now);
        let (peer, socket_id) = self.add_connection();
        let full = self.config.limits.connections.is_some_and(|most| self.connections.len() > most);
        if self.faults.withhold_handshake {
            // The fault: it is connected and hears nothing.
        } else if let Some(refusal) = self.faults.refuse_connections.clone() {
            self.refuse_connection(peer, refusal);
        } else if app_key != self.config.app.key {
            self.refuse_for(peer, &Reason::UnknownKey(app_key));
        } else if full {
            self.refuse_for(peer, &Reason::Full);
        } else if !self.is_allowed(origin) {
            self.refuse_for(peer, &Reason::Origin);
        } else {
            // Clients count in whole seconds, and zero would mean to ping without end.
            let seconds = self.config.activity_timeout.as_millis().div_ceil(1000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            self.send(peer, encode::connection_established(&socket_id, seconds));
            if let Some(connection) = self.connections.get_mut(&peer) {
                connection.established = true;
            }
            self.note(peer, |socket_id| Happening::Connected { socket_id });
            self.watch(peer);
        }
        peer
    }

    /// Refuses a connection whatever its key, as a TLS-only app does with 4000.
    pub fn connect_refused(&mut self, code: u16, reason: &str, now: Instant) -> PeerId {
        self.clock(now);
        let (peer, _) = self.add_connection();
        let refusal = Refusal::in_form(self.dialect().refused_connection, code, reason);
        self.refuse_connection(peer, refusal);
        peer
    }

    /// Takes a WebSocket and refuses it in this form, whatever its key.
    pub(crate) fn connect_to_refusal(&mut self, refusal: Refusal, now: Instant) -> PeerId {
        self.clock(now);
        let (peer, _) = self.add_connection();
        self.refuse_connection(peer, refusal);
        peer
    }

    /// Takes a text message of a client. Messages of a closed connection are ignored.
    pub fn receive(&mut self, peer: PeerId, text: &str, now: Instant) {
        self.heard(peer, now);
        let received = |socket_id| Happening::Received { socket_id, text: text.to_owned() };
        self.note_frame(peer, received);
        if !self.connections.get(&peer).is_some_and(|connection| connection.established) {
            return;
        }
        match ClientMessage::decode(text) {
            ClientMessage::Ping => {
                let data = self.dialect().heartbeat_data;
                self.send(peer, encode::bare("pusher:pong", None, data));
            }
            ClientMessage::Pong => {}
            ClientMessage::Subscribe(wanted) => self.subscribe(peer, &wanted),
            ClientMessage::Unsubscribe { channel } => self.unsubscribe(peer, &channel),
            ClientMessage::SignIn(wanted) => self.sign_in(peer, &wanted),
            ClientMessage::ClientEvent { event, channel, data } => {
                self.client_event(peer, &event, &channel, data);
            }
            ClientMessage::Unknown(why) => {
                self.misunderstood(peer, self.dialect().unknown_message, &why);
            }
            ClientMessage::UnknownEvent => self.unknown_event(peer),
        }
    }

    /// Takes a sign of life that is no message: a WebSocket ping or pong.
    pub fn heard(&mut self, peer: PeerId, now: Instant) {
        self.clock(now);
        // Who has answered a ping is to be looked at earlier than who has not.
        if let Some(connection) = self.connections.get_mut(&peer)
            && connection.heard(self.now)
            && let Some(at) = connection.armed.take()
        {
            self.alarms.remove(&(at, peer));
            self.watch(peer);
        }
    }

    /// Forgets a client's connection that is gone, however it ended.
    pub fn disconnected(&mut self, peer: PeerId, now: Instant) {
        self.clock(now);
        self.note_end(peer, NO_CLOSE_FRAME, "");
        self.forget(peer);
    }

    /// Sends an event to every subscriber of `channel`, but not to the one with the socket id
    /// `exclude`. `data` goes out as a JSON string. Nothing is checked: a test may send anything.
    pub fn publish(
        &mut self,
        channel: &str,
        event: &str,
        data: &str,
        exclude: Option<&str>,
        now: Instant,
    ) {
        self.clock(now);
        let text = Message::new(event, Some(channel), Data::Text(data)).encode();
        if channel::is_cache(channel) {
            let now = self.now;
            self.cached.retain(|_, cached| cached.left(now).is_some());
            let cached = Cached { since: now, text: text.clone(), data: data.to_owned() };
            self.cached.insert(channel.to_owned(), cached);
        }
        let exclude = exclude.and_then(|socket_id| self.peer(socket_id));
        let receivers = self.broadcast(channel, exclude, &text);
        self.note_other(|| {
            let [channel, event, data] = [channel, event, data].map(str::to_owned);
            Happening::Published { channel, event, data, receivers }
        });
    }

    /// Returns the next action, in the order of the causes.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.ready.pop_front()
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout) next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let alarm = self.alarms.first().map(|&(at, _)| at);
        let delayed = self.delayed.front().map(|&(at, _)| at);
        alarm.into_iter().chain(delayed).min()
    }

    /// Pings silent clients, closes dead ones and releases delayed messages, as time has passed.
    /// Early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        while let Some(&(at, peer)) = self.alarms.first()
            && at <= self.now
        {
            self.alarms.pop_first();
            if let Some(connection) = self.connections.get_mut(&peer) {
                connection.armed = None;
                self.watch(peer);
            }
        }
        while let Some(&(at, _)) = self.delayed.front()
            && at <= self.now
        {
            self.ready.extend(self.delayed.pop_front().map(|(_, action)| action));
        }
    }

    pub(super) fn clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.config.profile.dialect()
    }

    pub(super) fn send(&mut self, peer: PeerId, text: ByteString) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&peer) else {
            return;
        };
        if connection.silenced {
            return;
        }
        connection.sent(now);
        self.note_frame(peer, |socket_id| Happening::Sent { socket_id, text: text.to_string() });
        self.push(Action::Send { peer, text });
    }

    /// Sends to every subscriber but one. Returns how many they are.
    pub(super) fn broadcast(
        &mut self,
        channel: &str,
        exclude: Option<PeerId>,
        text: &ByteString,
    ) -> usize {
        let peers: Vec<_> =
            self.subscribers(channel).filter(|&peer| Some(peer) != exclude).collect();
        let count = peers.len();
        for peer in peers {
            self.send(peer, text.clone());
        }
        count
    }

    /// Closes a connection and forgets it.
    pub(super) fn close_peer(&mut self, peer: PeerId, code: u16, reason: &str) {
        if self.connections.contains_key(&peer) {
            self.push(Action::Close { peer, code, reason: cut(reason, LONGEST_REASON).to_owned() });
            self.note_end(peer, code, reason);
            self.forget(peer);
        }
    }

    /// Returns what a channel keeps, and for how long from now.
    pub(super) fn cached(&self, channel: &str) -> Option<(&Cached, Duration)> {
        let cached = self.cached.get(channel)?;
        Some((cached, cached.left(self.now)?))
    }

    /// What a new subscriber of a cache channel gets.
    pub(super) fn send_cached(&mut self, peer: PeerId, channel: &str) {
        let text = match self.cached(channel) {
            Some((cached, _)) => cached.text.clone(),
            None => {
                self.tell_backend(&WebhookEvent::CacheMiss { channel });
                encode::bare("pusher:cache_miss", Some(channel), self.dialect().cache_miss)
            }
        };
        self.send(peer, text);
    }

    pub(super) fn tell_subscription_count(&mut self, channel: &str) {
        if !self.config.subscription_counts || Kind::of(channel) == Kind::Presence {
            return;
        }
        let count = self.subscribers(channel).count();
        let text = encode::subscription_count(channel, count);
        self.broadcast(channel, None, &text);
        self.tell_backend(&WebhookEvent::SubscriptionCount { channel, subscription_count: count });
    }

    fn add_connection(&mut self) -> (PeerId, String) {
        self.last_peer += 1;
        let peer = PeerId(self.last_peer);
        let socket_id = self.new_socket_id();
        self.by_socket_id.insert(socket_id.clone(), peer);
        self.connections.insert(peer, Connection::new(socket_id.clone(), self.now));
        (peer, socket_id)
    }

    fn new_socket_id(&mut self) -> String {
        // Either half may be larger than 32 bits hold: clients must take it as text.
        loop {
            let mut half = || self.random.u64(1..10_000_000_000);
            let socket_id = format!("{}.{}", half(), half());
            if !self.by_socket_id.contains_key(&socket_id) {
                return socket_id;
            }
        }
    }

    fn refuse_for(&mut self, peer: PeerId, reason: &Reason<'_>) {
        let refusal = reason.refusal(&self.dialect());
        self.refuse_connection(peer, refusal);
    }

    pub(super) fn unknown_event(&mut self, peer: PeerId) {
        self.misunderstood(peer, self.dialect().unknown_event, "no such event from a client");
    }

    fn misunderstood(&mut self, peer: PeerId, style: UnknownMessage, why: &str) {
        if let UnknownMessage::Error { code } = style {
            let message = format!("Invalid message format: {why}");
            self.send(peer, encode::error(&self.dialect(), None, code, &message));
        }
    }

    /// Removes every trace of a connection; tells those who shared channels with it.
    pub(super) fn forget(&mut self, peer: PeerId) {
        let Some(connection) = self.connections.remove(&peer) else {
            return;
        };
        self.by_socket_id.remove(&connection.socket_id);
        if let Some(at) = connection.armed {
            self.alarms.remove(&(at, peer));
        }
        for channel in &connection.subscriptions {
            self.leave(peer, channel);
        }
        if let Some(user) = &connection.user {
            self.signed_out(peer, user);
        }
    }

    /// Does what a connection's silence calls for and sets its next alarm.
    fn watch(&mut self, peer: PeerId) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&peer) else {
            return;
        };
        let mut due = connection.due(&self.config, now);
        if due == Due::Ping {
            connection.pinged(now);
            due = connection.due(&self.config, now);
            let data = self.config.profile.dialect().heartbeat_data;
            self.send(peer, encode::bare("pusher:ping", None, data));
        }
        match due {
            Due::Later(at) => {
                if let Some(connection) = self.connections.get_mut(&peer) {
                    connection.armed = Some(at);
                    self.alarms.insert((at, peer));
                }
            }
            Due::Never => {}
            // A silenced server does not close either: that is the fault.
            Due::Close if self.connections.get(&peer).is_some_and(|peer| peer.silenced) => {}
            // Ping again only happens with a pong timeout of zero, which no client can meet.
            Due::Close | Due::Ping => {
                self.close_peer(peer, 4201, "Pong reply not received");
            }
        }
    }

    pub(super) fn push(&mut self, action: Action) {
        if self.faults.delay.is_zero() && self.delayed.is_empty() {
            self.ready.push_back(action);
        } else {
            // Whatever the delay is by now, nothing overtakes what waits already.
            let earliest = self.delayed.back().map_or(self.now, |&(at, _)| at);
            self.delayed.push_back((earliest.max(self.now + self.faults.delay), action));
        }
    }
}

/// Returns the longest start of `text` that fits into `bytes`.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
