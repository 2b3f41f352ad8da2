//! The link of one client: its session, and what lies between it and the server.

use std::time::Duration;

use bytes::Bytes;
use pushest_proto::{Action, ConnectionId, ConnectionState, Event, Instant, Loss, Session};

use super::authorizer::{Authorizer, Requests};
use super::clock::Clock;
use super::connection::{Connection, Cut};
use super::nodes::{Found, Nodes, nothing_listens};
use super::process::Process;
use super::troubles::Troubles;
use crate::protocol::{Action as ServerAction, Broker, NO_CLOSE_FRAME, NO_CODE, PeerId};

/// A session, its connection, its clock and its authorizer.
#[derive(Debug)]
pub struct Link {
    session: Session,
    random: fastrand::Rng,
    clock: Clock,
    /// The latest time that the session was told, by the client's clock.
    told: Instant,
    /// Up to when the session has handled its deadlines.
    handled: Instant,
    slowest: Duration,
    dial: Option<Dial>,
    /// The host that was dialled last.
    dialled: String,
    connection: Option<Connection>,
    /// Connections that the client has given up and the server has not noticed yet.
    abandoned: Vec<Connection>,
    requests: Requests,
    process: Process,
    /// The session is told when everything was read.
    tells: bool,
    /// The share of the ends of connections that are reported once more, of 256.
    repeats: u8,
    repeated: Vec<(Instant, ConnectionId, Loss)>,
    /// What is sent now had to wait for the link.
    catches_up: bool,
    events: Vec<(Instant, Event)>,
    troubles: Troubles,
}

/// A dial that is under way.
#[derive(Debug)]
struct Dial {
    /// When it ends; `None`: it never does.
    at: Option<Instant>,
    connection: ConnectionId,
}

impl Link {
    pub(super) fn new(session: Session, random: fastrand::Rng) -> Self {
        Self {
            session,
            random,
            clock: Clock::default(),
            told: Instant::ORIGIN,
            handled: Instant::ORIGIN,
            slowest: Duration::from_millis(50),
            dial: None,
            dialled: String::new(),
            connection: None,
            abandoned: Vec::new(),
            requests: Requests::default(),
            process: Process::new(),
            tells: true,
            repeats: 0,
            repeated: Vec::new(),
            catches_up: false,
            events: Vec::new(),
            troubles: Troubles::default(),
        }
    }

    /// Returns the session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the session, to give it commands; see [`World::command`](super::World::command) for
    /// the time to give them at.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Sets the maximum delay: each message is delayed by a random time up to it.
    pub fn set_delay(&mut self, slowest: Duration) {
        self.slowest = slowest;
    }

    /// Sets the authorizer, which answers each request after up to four times the delay.
    pub fn set_authorizer(&mut self, authorizer: Authorizer) {
        self.requests.set_authorizer(authorizer);
    }

    /// Sets how many of 256 ends of connections are reported to the session once more, at once or
    /// later.
    pub fn set_repeated_closes(&mut self, share: u8) {
        self.repeats = share;
    }

    /// Sets the client's clock forward: what the session waits for is over so much earlier.
    pub fn set_clock_forward(&mut self, by: Duration) {
        self.clock.set_forward(by);
        self.troubles.clocks_set_forward += 1;
    }

    /// Sets the client's clock back: the session stands still until its time has come again.
    pub fn set_clock_back(&mut self, by: Duration) {
        self.clock.set_back(by);
    }

    /// Sets how long the client is busy with each message that it hands to its session: its only
    /// thread is blocked, and what was read along with that message waits.
    pub fn set_handling_time(&mut self, time: Duration) {
        self.process.set_handling(time);
    }

    /// Sets whether the session is told when everything was read
    /// ([`Session::handle_caught_up`]), as it is by default.
    pub fn set_tells_caught_up(&mut self, tells: bool) {
        self.tells = tells;
    }

    /// Returns whether the client's process runs: it is not stopped, and not busy with a message.
    #[must_use]
    pub fn runs(&self, now: Instant) -> bool {
        self.process.runs(now)
    }

    /// What the session has told since this was called last.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.take_events_with_times().into_iter().map(|(_, event)| event).collect()
    }

    /// The same, each with the world's time at which it was told.
    pub fn take_events_with_times(&mut self) -> Vec<(Instant, Event)> {
        core::mem::take(&mut self.events)
    }

    /// Returns the number of troubles of each kind so far.
    #[must_use]
    pub fn troubles(&self) -> Troubles {
        self.troubles
    }

    /// Returns the connection's number at the server, while there is one.
    #[must_use]
    pub fn peer(&self) -> Option<PeerId> {
        self.connection.as_ref().and_then(|connection| connection.peer)
    }

    /// Returns how many messages are on their way, to the server and to the client.
    #[must_use]
    pub fn on_their_way(&self) -> (usize, usize) {
        let connection = self.connection.as_ref();
        connection.map_or((0, 0), |it| (it.to_server.len(), it.to_client.len()))
    }

    /// Gives the session a command, at the time that its clock shows.
    pub(super) fn command<T>(
        &mut self,
        command: impl FnOnce(&mut Session, Instant) -> T,
        now: Instant,
    ) -> T {
        let now = self.tell(now);
        command(&mut self.session, now)
    }

    pub(super) fn stop(&mut self, suspended: bool, now: Instant) {
        self.process.stop(suspended, now);
        self.troubles.stops += u64::from(!suspended);
        self.troubles.suspensions += u64::from(suspended);
    }

    pub(super) fn resume(&mut self, now: Instant) {
        if let Some(stood_still) = self.process.resume(now) {
            self.clock.set_back(stood_still);
        }
    }

    pub(super) fn cut(&mut self, cut: Cut, now: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.cut(cut, now, &mut self.troubles);
        }
    }

    pub(super) fn server_stopped(&mut self, now: Instant) {
        self.abandoned.clear();
        if let Some(connection) = &mut self.connection {
            connection.server_stopped(now, &mut self.troubles);
            self.troubles.stopped_servers += 1;
        }
    }

    /// The node at this host is gone, and with it what was connected to it.
    pub(super) fn node_stopped(&mut self, host: &str, broker: Option<&mut Broker>, now: Instant) {
        if self.dialled != host {
            return;
        }
        let Some(connection) = &mut self.connection else { return };
        if let (Some(peer), Some(broker)) = (connection.peer, broker) {
            connection.server_stopped(now, &mut self.troubles);
            self.troubles.stopped_nodes += 1;
            broker.disconnected(peer, now);
        }
    }

    /// As a driver does, while the session is connected: a new connection is read.
    pub(super) fn set_reading(&mut self, reading: bool, now: Instant) {
        let now = self.tell(now);
        if let Some(connection) = &mut self.connection
            && self.session.state() == ConnectionState::Connected
        {
            connection.is_read = reading;
            self.session.handle_reading(reading, now);
        }
    }

    pub(super) fn set_writable(&mut self, writable: bool, now: Instant) {
        let now = self.tell(now);
        if let Some(connection) = &mut self.connection {
            self.catches_up = writable && !connection.is_writable;
            connection.is_writable = writable;
            self.session.handle_writable(connection.id, writable, now);
        }
    }

    /// Carries out the session's actions. Returns whether there were any.
    #[track_caller]
    pub(super) fn carry_out(&mut self, now: Instant) -> bool {
        if self.process.is_stopped() {
            return false;
        }
        let mut busy = false;
        while let Some(action) = self.session.poll_action() {
            busy = true;
            self.act(action, now);
        }
        self.catches_up = false;
        busy
    }

    #[track_caller]
    fn act(&mut self, action: Action, now: Instant) {
        match action {
            Action::Connect { connection, endpoint } => {
                self.leave(now);
                let host = endpoint.host();
                let is_other = !self.dialled.is_empty() && self.dialled != host;
                self.troubles.moves += u64::from(is_other);
                self.dialled = host.to_owned();
                self.dial = Some(Dial { at: Some(now + self.delay()), connection });
            }
            Action::Send(frame) => {
                let delay = self.delay();
                let open = self.connection.as_mut().expect("a frame has a connection");
                assert_eq!(open.id, frame.connection, "a frame for another connection");
                let is_last = self.session.state() != ConnectionState::Connected;
                let takes = open.is_writable || is_last;
                assert!(takes, "a frame although the link takes none: {}", frame.text);
                self.troubles.unwritten += u64::from(self.catches_up);
                self.troubles.delayed += u64::from(!delay.is_zero());
                open.to_server.send(frame.text, now, delay);
            }
            Action::Close { connection, .. } => {
                let open = self.connection.as_ref().map(|open| open.id);
                let dialling = self.dial.as_ref().map(|dial| dial.connection);
                assert_eq!(open.or(dialling), Some(connection), "closes another connection");
                self.dial = None;
                self.leave(now);
                self.repeat(connection, &Loss::reset("closed by the client"), now);
            }
            Action::Authorize(request) => {
                let delay = self.delay() * 4;
                self.requests.begin(request, now, delay, &mut self.random);
            }
            Action::Abandon(ticket) => {
                self.requests.abandon(ticket, &mut self.random, &mut self.troubles);
            }
            Action::Emit(event) => {
                if let Event::State(change) = &event {
                    let is_refused = matches!(change.loss.as_deref(), Some(Loss::Refused { .. }));
                    self.troubles.refused_handshakes += u64::from(is_refused);
                }
                self.events.push((now, event));
            }
            Action::UpdatePresence(update) => self.events.push((now, Event::Presence(update))),
        }
    }

    /// Takes what the server does about this link's peer.
    pub(super) fn send_or_close(&mut self, action: ServerAction, now: Instant) {
        let delay = self.delay();
        let Some(connection) = &mut self.connection else { return };
        match action {
            ServerAction::Send { text, .. } => {
                self.troubles.delayed += u64::from(!delay.is_zero());
                connection.to_client.send(text.to_string(), now, delay);
            }
            ServerAction::Close { code, reason, .. } => {
                let code = (![NO_CLOSE_FRAME, NO_CODE].contains(&code)).then_some(code);
                connection.server_closes(Loss::closed(code, &reason), now, delay);
            }
            ServerAction::Reset { .. } => {
                connection.server_closes(Loss::reset("reset by the server"), now, delay);
            }
        }
    }

    /// Returns the next time at which something happens here.
    pub(super) fn next_time(&self) -> Option<Instant> {
        let connection = self.connection.as_ref();
        let timeout = self.session.poll_timeout().map(|deadline| self.clock.world_time(deadline));
        let dial = self.dial.as_ref().and_then(|dial| dial.at);
        let client = connection.and_then(Connection::next_at_client);
        let repeated = self.repeated.iter().map(|(at, ..)| *at);
        let client = [timeout, dial, client, self.requests.next_time()].into_iter().flatten();
        let free = self.process.free_from();
        let client = free.and_then(|free| Some(client.chain(repeated).min()?.max(free)));
        let all = connection.into_iter().chain(&self.abandoned);
        client.into_iter().chain(all.filter_map(Connection::next_at_server)).min()
    }

    /// Everything that has arrived or fallen due by now.
    pub(super) fn deliver(&mut self, mut broker: Option<&mut Broker>, nodes: &Nodes, now: Instant) {
        if !self.process.runs(now) {
            return self.deliver_to_server(broker, now);
        }
        let client_now = self.tell(now);
        self.finish_dial(broker.as_deref_mut(), nodes, now);
        self.deliver_to_server(broker, now);
        self.deliver_to_client(now);
        if !self.process.runs(now) {
            return;
        }
        let (random, troubles) = (&mut self.random, &mut self.troubles);
        while let Some((ticket, answer)) = self.requests.next_answer(now, random, troubles) {
            self.session.handle_authorization(ticket, answer, client_now);
        }
        while let Some(place) = self.repeated.iter().position(|(at, ..)| *at <= now) {
            let (_, id, loss) = self.repeated.remove(place);
            self.troubles.repeated_closes += 1;
            self.session.handle_close(id, loss, client_now);
        }
        self.session.handle_timeout(client_now);
        self.handled = self.told;
    }

    /// Once everything is carried out, the session waits for a time that is still to come.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub(super) fn check_deadline(&self, now: Instant) {
        if !self.process.runs(now) {
            return;
        }
        let (deadline, handled) = (self.session.poll_timeout(), self.handled);
        assert!(deadline.is_none_or(|at| at > handled), "{deadline:?} is over at {handled:?}");
    }

    fn finish_dial(&mut self, broker: Option<&mut Broker>, nodes: &Nodes, now: Instant) {
        let is_over = |dial: &mut Dial| dial.at.is_some_and(|at| at <= now);
        let Some(Dial { connection: id, .. }) = self.dial.take_if(is_over) else { return };
        let client_now = self.clock.of(now);
        let found = match &broker {
            Some(_) => nodes.find(&self.dialled),
            None => Found::Failure(nothing_listens()),
        };
        self.troubles.failed_nodes += u64::from(broker.is_some() && !matches!(found, Found::Node));
        let peer = match (found, broker) {
            (Found::Node, Some(broker)) => broker.connect(self.session.config().key(), now),
            (Found::Refusal(refusal), Some(broker)) => broker.connect_to_refusal(refusal, now),
            (Found::Silence, _) => {
                self.dial = Some(Dial { at: None, connection: id });
                return;
            }
            (Found::Failure(loss), _) => {
                self.troubles.refused_dials += 1;
                return self.session.handle_close(id, loss, client_now);
            }
            (Found::Node | Found::Refusal(_), None) => return,
        };
        self.connection = Some(Connection::new(id, peer));
        self.session.handle_open(id, client_now);
    }

    fn deliver_to_server(&mut self, mut broker: Option<&mut Broker>, now: Instant) {
        for connection in self.abandoned.iter_mut().chain(&mut self.connection) {
            let Some(peer) = connection.peer else { continue };
            while let Some(text) = connection.to_server.receive(now) {
                // A server that is down hears nothing.
                let Some(broker) = &mut broker else { continue };
                if text.len() > broker.config().limits.message {
                    self.troubles.too_large += 1;
                    broker.close(&peer.into(), 1009, "Message is too large");
                } else {
                    broker.receive(peer, &text, now);
                }
            }
            let is_over = |end: &mut Instant| *end <= now;
            if let (Some(_), Some(broker)) = (connection.server_end.take_if(is_over), &mut broker) {
                broker.disconnected(peer, now);
            }
        }
        self.abandoned.retain(|it| it.next_at_server().is_some());
    }

    fn deliver_to_client(&mut self, now: Instant) {
        let client_now = self.clock.of(now);
        let Some(connection) = &mut self.connection else { return };
        if !connection.is_read {
            return;
        }
        let mut is_empty = false;
        loop {
            while let Some(text) = connection.unhanded.pop_front() {
                let message = Bytes::from(text.into_bytes());
                self.troubles.handed_late += u64::from(connection.read_at < Some(client_now));
                self.session.handle_message(connection.id, message, client_now);
                self.process.handled_message(now);
                if !self.process.runs(now) {
                    return;
                }
            }
            // Of what had arrived when it was read, nothing is left.
            if let Some(read_at) = connection.read_at.take()
                && self.tells
            {
                self.session.handle_caught_up(connection.id, read_at);
            }
            if is_empty {
                break;
            }
            self.troubles.unread += connection.read(now, client_now);
            is_empty = connection.unhanded.is_empty();
        }
        if let Some((_, loss)) = connection.client_end.take_if(|(end, _)| *end <= now) {
            let id = connection.id;
            self.leave(now);
            self.repeat(id, &loss, now);
            self.troubles.closes += 1;
            self.session.handle_close(id, loss, client_now);
        }
    }

    /// The client gives its connection up.
    fn leave(&mut self, now: Instant) {
        let delay = self.delay();
        if let Some(mut connection) = self.connection.take() {
            connection.client_leaves(now, delay);
            if connection.peer.is_some() {
                self.abandoned.push(connection);
            }
        }
    }

    /// Reports an end once more, perhaps: after the first time, since that happens at once.
    fn repeat(&mut self, id: ConnectionId, loss: &Loss, now: Instant) {
        if self.random.u8(..) < self.repeats {
            let delay = if self.random.bool() { Duration::ZERO } else { self.delay() };
            self.repeated.push((now + delay, id, loss.clone()));
        }
    }

    /// The client's time, as the session is told it, after the wall clock.
    fn tell(&mut self, now: Instant) -> Instant {
        let unix = unix_time(now);
        let now = self.clock.of(now);
        self.session.handle_wall_clock(unix, now);
        self.troubles.inputs_from_the_past += u64::from(now < self.told);
        self.told = self.told.max(now);
        now
    }

    fn delay(&mut self) -> Duration {
        let micros = u64::try_from(self.slowest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.random.u64(0..=micros))
    }
}

/// Returns the time on every wall clock.
pub(super) fn unix_time(now: Instant) -> Duration {
    // A day in 2026.
    Duration::from_secs(1_795_680_000) + now.saturating_duration_since(Instant::ORIGIN)
}
