//! The session: the lasting association with an app, which outlives any one connection.

mod actions;
mod apply;
mod commands;
mod errors;
mod gaps;
mod inputs;
mod lifecycle;
pub(crate) mod memory;
pub(crate) mod options;
#[cfg(feature = "recording")]
mod recorded;
mod routing;
mod too_large;

use alloc::boxed::Box;
use alloc::sync::Arc;

use bytes::Bytes;

use crate::auth::request::{Authorization, AuthorizationError};
use crate::backoff::{Backoff, Hints};
use crate::channel::ChannelView;
use crate::channel::table::Channels;
use crate::config::endpoint::Endpoint;
use crate::config::{Config, Settings};
use crate::connection::{Connection, Phase};
use crate::context::{Context, Established};
use crate::endpoints::Endpoints;
use crate::event::names::EventNames;
use crate::hash::Seeded;
use crate::heartbeat::Heartbeat;
use crate::id::{ConnectionId, SocketId, Ticket};
use crate::input::Input;
use crate::loss::Loss;
use crate::outgoing::{Outgoing, SentClientEvents};
use crate::pending::Pending;
use crate::rate::Rate;
use crate::silence::Silence;
use crate::statistics::Statistics;
use crate::status::{ConnectionState, SignInState, Status};
use crate::time::Instant;
use crate::timers::{Timer, Timers};
use crate::trace::mode::Trace;
use crate::user::User;
use crate::wall_clock::WallClock;

/// The protocol's state machine. See the [crate's documentation](crate) for how to drive it and
/// for what it promises.
#[derive(Debug)]
pub struct Session {
    /// As it was given; what is in it is `config`.
    given: Config,
    config: Arc<Settings>,
    /// The latest time that any input named; a clock that runs backwards is held here.
    now: Instant,
    connection: Connection,
    heartbeat: Heartbeat,
    wall_clock: WallClock,
    silence: Silence,
    channels: Channels,
    timers: Timers,
    backoff: Backoff,
    /// The network changed during this attempt.
    is_changed: bool,
    /// Changes of the network that cut a pause short, and those that do so to an attempt.
    hints_to_dial: Hints,
    hints_to_give_up: Hints,
    pending: Pending,
    outgoing: Outgoing,
    sent: SentClientEvents,
    rate: Rate,
    user: User,
    last_ticket: u64,
    names: EventNames,
    statistics: Statistics,
    /// Nothing has come to be due since all sources of actions had nothing, but what `pending` stores:
    /// the others need not be asked.
    quiet: bool,
    trace: Option<Box<Trace>>,
}

/// What happened. These inputs cannot fail, whatever a server sends; one about a former connection
/// is ignored.
impl Session {
    /// Creates a session that is not connected. Everything random (jitter, the keys of hash tables)
    /// comes from `seed`: take it from a good source, since servers and members should not be able
    /// to guess it.
    #[must_use]
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        Self::traced(config, seed, now, None)
    }

    /// Ends the recording, if there is one, and drops the sink.
    pub fn stop_recording(&mut self) {
        self.trace.take_if(|trace| matches!(**trace, Trace::Recording(_)));
    }

    pub(crate) fn traced(config: Config, seed: u64, now: Instant, trace: Option<Trace>) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let hash = Seeded::new(random.u64(..), random.u64(..));
        let (given, config) = (config.clone(), config.settings);
        let (limits, timeouts) = (&config.limits, &config.timeouts);
        let wall_clock = WallClock::default();
        let endpoints = Endpoints::new(config.endpoints.clone(), &mut random);
        Self {
            now,
            connection: Connection::new(endpoints, now),
            heartbeat: Heartbeat::new(now, timeouts.activity),
            silence: Silence::new(wall_clock.moment(now)),
            wall_clock,
            channels: Channels::new(hash),
            timers: Timers::default(),
            backoff: Backoff::new(config.backoff.clone(), random),
            is_changed: false,
            hints_to_dial: Hints::new(),
            hints_to_give_up: Hints::new(),
            pending: Pending::new(limits.stored_events, limits.stored_bytes),
            outgoing: Outgoing::new(limits.outgoing),
            sent: SentClientEvents::default(),
            rate: Rate::new(config.client_events_per_second),
            user: User::default(),
            last_ticket: 0,
            names: EventNames::new(hash),
            statistics: Statistics::default(),
            quiet: false,
            trace: trace.map(Box::new),
            given,
            config,
        }
    }

    /// Tells the session that the WebSocket of an [`Action::Connect`](crate::Action::Connect) is
    /// open.
    pub fn handle_open(&mut self, connection: ConnectionId, now: Instant) {
        self.tell(Input::Open { connection }, now);
    }

    /// Tells the session that a text message arrived. The events that come of it keep the message,
    /// and do not copy it: if it is a slice of a larger buffer, an event keeps that buffer alive,
    /// and only its own message is counted. One over [`Limits::message`](crate::Limits) is dropped
    /// at once, and told as [`MalformedReason::TooLarge`](crate::MalformedReason).
    pub fn handle_message(&mut self, connection: ConnectionId, message: Bytes, now: Instant) {
        if self.is_traced() {
            self.tell(Input::Message { connection, message }, now);
        } else {
            // Most of what a session is told are messages: they need not be moved into an input
            // that is looked at once.
            self.on_message(connection, message, now);
        }
    }

    /// Tells the session that a text message arrived, and copies it, for drivers whose buffer is
    /// not reference counted. One over [`Limits::message`](crate::Limits) is not copied, and
    /// dropped as by [`Session::handle_message`].
    pub fn handle_slice(&mut self, connection: ConnectionId, message: &[u8], now: Instant) {
        if message.len() > self.config.limits.message {
            let (size, beginning) = (message.len(), message.into());
            return self.tell(Input::Oversized { connection, size, beginning }, now);
        }
        self.handle_message(connection, Bytes::copy_from_slice(message), now);
    }

    /// Tells the session of a sign of life that is not a message: a WebSocket ping or pong.
    pub fn handle_activity(&mut self, connection: ConnectionId, now: Instant) {
        self.tell(Input::Activity { connection }, now);
    }

    /// Tells the session that the connection ended, or could not be made.
    pub fn handle_close(&mut self, connection: ConnectionId, loss: Loss, now: Instant) {
        self.tell(Input::Close { connection, loss }, now);
    }

    /// Gives the session the answer to an [`Action::Authorize`](crate::Action::Authorize). One that
    /// is larger than an [`Authorization`] may be is a final refusal.
    pub fn handle_authorization(
        &mut self,
        ticket: Ticket,
        answer: Result<Authorization, AuthorizationError>,
        now: Instant,
    ) {
        self.tell(Input::Authorization { ticket, answer }, now);
    }

    /// Tells the session that the driver stopped reading the established connection, or resumed
    /// (backpressure). While it does not read, silence says nothing about the server: pings are
    /// still sent, and no pong is missed. A new connection is taken to be read.
    pub fn handle_reading(&mut self, reading: bool, now: Instant) {
        self.tell(Input::Reading { reading }, now);
    }

    /// Tells the session that the driver cannot take frames for now, or can again. While it cannot,
    /// frames stay in the session, and so do the requests for authorizations that lead to them;
    /// everything else flows past them. The last frames of a connection, before the `Close` of a
    /// [`Session::disconnect`], are polled in any case.
    pub fn handle_writable(&mut self, connection: ConnectionId, writable: bool, now: Instant) {
        self.tell(Input::Writable { connection, writable }, now);
    }

    /// Tells the session that the network changed (another interface, back from sleep): what is
    /// known of the connection may be stale.
    ///
    /// - A connected session sends a ping, and gives the connection up unless anything arrives within
    ///   [`Timeouts::pong_after_change`](crate::Timeouts::pong_after_change). While the driver does not
    ///   read ([`Session::handle_reading`]), this time begins once it reads again.
    /// - A waiting one tries again in 100 ms, or when a server that asked for a pause allows it, and up
    ///   to 500 ms of jitter later. A dial or handshake that is under way has as much time left as the
    ///   ping, at most, and if it fails, the next one follows as soon. Three pauses and three attempts in a
    ///   row are cut short so, and then one every 30 s: a network that changes all the time defeats neither
    ///   backoff nor a slow dial.
    ///
    /// If the driver knows that the local address of the connection is gone, it reports the end of the
    /// connection instead: [`Session::handle_close`] with [`Loss::AddressGone`].
    pub fn handle_network_change(&mut self, now: Instant) {
        self.tell(Input::NetworkChange, now);
    }

    /// Tells the session that time has passed. Calling it early changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tell(Input::Timeout, now);
    }
}

/// What the session knows.
impl Session {
    /// Returns when [`Session::handle_timeout`] must be called next. While actions wait it is the
    /// present.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.next_source().is_some() {
            return Some(self.now);
        }
        let parts = [self.timers.next(), self.channels.next_deadline(), self.user.next_deadline()];
        parts.into_iter().flatten().min()
    }

    /// Returns why the session is or is not connected. `now` is the present time on the session's
    /// clock, from which [`Status::next_retry`] counts.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        let next_retry = self.timers.deadline(Timer::Retry);
        Status {
            state: self.state(),
            endpoint: self.endpoint().clone(),
            socket_id: self.connection.socket_id.clone(),
            attempt: self.connection.attempt,
            next_retry: next_retry.map(|at| at.saturating_duration_since(now.max(self.now))),
            last_loss: self.connection.last_loss.clone(),
            last_error: self.connection.last_error.as_deref().cloned(),
        }
    }

    /// Returns the connection's state.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.connection.phase.state()
    }

    /// Returns since when the session is in its [`state`](Session::state).
    #[must_use]
    pub fn state_since(&self) -> Instant {
        self.connection.state_since
    }

    /// Returns since when there is no connection although one is wanted, over all attempts that have failed
    /// since; `None` while connected, after a `disconnect` and after a refusal for good.
    #[must_use]
    pub fn away_since(&self) -> Option<Instant> {
        self.connection.away_since
    }

    /// Returns the endpoint that is connected or dialled, or that the next attempt goes to.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        self.connection.endpoints.current()
    }

    /// Returns whether the session is waiting for an attempt at an endpoint that it has not tried yet,
    /// right after one at another has failed. What is not known before the last of them has been tried
    /// is whether the server can be reached at all. Never so with one endpoint.
    #[must_use]
    pub fn is_moving_on(&self) -> bool {
        self.connection.phase == Phase::Waiting && self.connection.endpoints.moves_on()
    }

    /// Returns the socket id that the server gave; `None` unless connected.
    #[must_use]
    pub fn socket_id(&self) -> Option<&SocketId> {
        self.connection.socket_id.as_ref()
    }

    /// Returns how the last connection or attempt ended; `None` before the first loss. It is kept
    /// until the next one.
    #[must_use]
    pub fn last_loss(&self) -> Option<&Arc<Loss>> {
        self.connection.last_loss.as_ref()
    }

    /// Returns the wanted channel with this name; `None` if it is not wanted.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<ChannelView<'_>> {
        self.channels.view(name)
    }

    /// Returns all wanted channels, in the order in which they began to be.
    pub fn wanted_channels(&self) -> impl Iterator<Item = ChannelView<'_>> {
        self.channels.views()
    }

    /// Returns the state of the sign-in.
    #[must_use]
    pub fn sign_in_state(&self) -> SignInState<'_> {
        self.user.state()
    }

    /// Returns the id of the user that is signed in on the present connection; `None` if none is.
    #[must_use]
    pub fn signed_in_user(&self) -> Option<&str> {
        self.user.signed_in()
    }

    /// Returns when the next client event is allowed, where their rate is limited; `None` if it is
    /// now.
    #[must_use]
    pub fn next_client_event(&self, now: Instant) -> Option<core::time::Duration> {
        self.rate.wait(now.max(self.now)).map(|(wait, _)| wait)
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.given
    }

    /// Returns the activity timeout in force: the server's, where it is shorter than the configured
    /// one.
    #[must_use]
    pub fn activity_timeout(&self) -> core::time::Duration {
        self.heartbeat.activity()
    }

    /// Returns the last round trip that was measured, by a ping of the session or of the user;
    /// `None` before the first.
    #[must_use]
    pub fn round_trip(&self) -> Option<core::time::Duration> {
        self.heartbeat.round_trip
    }

    /// Counters since the session began.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics {
            dropped: self.pending.ever_dropped(),
            undecryptable: self.pending.ever_unopened(),
            reconnects: self.statistics.connections.saturating_sub(1),
            round_trip: self.heartbeat.round_trip,
            ..self.statistics
        }
    }
}

/// The latest present: any timeout still fits behind it.
const LATEST: Instant = Instant::from_micros(u64::MAX / 2);

impl Session {
    pub(crate) fn trace(&mut self) -> Option<&mut Trace> {
        self.trace.as_deref_mut()
    }

    fn advance(&mut self, now: Instant) {
        // The end of time is kept out of reach, so that a deadline can lie after any present.
        self.now = self.now.max(now.min(LATEST));
    }

    /// Returns whether messages of this connection count.
    fn is_open(&self, connection: ConnectionId) -> bool {
        matches!(self.connection.phase, Phase::Opening(id) | Phase::Established(id) if id == connection)
    }

    /// The channels, and what they need to know of the rest.
    fn channels(&mut self) -> (&mut Channels, Context<'_>) {
        let (channels, _, context) = self.parts();
        (channels, context)
    }

    /// The sign-in, and what it needs to know of the rest.
    fn user(&mut self) -> (&mut User, Context<'_>) {
        let (_, user, context) = self.parts();
        (user, context)
    }

    fn parts(&mut self) -> (&mut Channels, &mut User, Context<'_>) {
        let (connection, socket_id) = (&self.connection, self.connection.socket_id.as_ref());
        let established = connection.established().zip(socket_id);
        let context = Context {
            hash: self.channels.hash(),
            established: established
                .map(|(connection, socket_id)| Established { connection, socket_id }),
            now: self.now,
            wall_clock: &self.wall_clock,
            config: &self.config,
            pending: &mut self.pending,
            statistics: &mut self.statistics,
            backoff: &mut self.backoff,
            last_ticket: &mut self.last_ticket,
            trace: self.trace.as_deref_mut(),
        };
        (&mut self.channels, &mut self.user, context)
    }
}
