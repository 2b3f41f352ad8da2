//! The device: a session that is driven once a tick. But for the socket, nothing here needs more than `alloc`.
//!
//! A tick has a fixed order: read, time, carry out what the session wants, write. So the answer to
//! what came leaves within the same tick.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};

use pushest_proto::{
    Action, Authorization, AuthorizationError, AuthorizationRequest, CommandError, Config,
    ConnectionId, ConnectionState, Event, Instant, Limits, Loss, PresenceChange, Session,
    SubscribeOptions, Ticket,
};

use super::network::Socket;
use super::websocket::{INCOMING, Incoming, LARGEST_TEXT, WebSocket};

pub(crate) const NEWS: &str = "news";
pub(crate) const ROOM: &str = "presence-room";

/// How often a tick reads at most; what has not been read then waits for the next one.
const READS: usize = 4;

/// Maximum number of ticks for the closing handshake, after which the socket is dropped.
const CLOSE_TIMEOUT: u32 = 200;

/// What a device with some hundred kilobytes can afford. Each is a ceiling, and reaching it is an
/// event.
pub(crate) fn limits() -> Limits {
    Limits::default()
        .message(INCOMING)
        .channels(4)
        .members(8)
        .member_bytes(2_048)
        .stored_events(16)
        .stored_bytes(2 * INCOMING)
        .outgoing(LARGEST_TEXT)
        .event_name(64)
        // As member data it stands in a frame as a JSON string, its quotes escaped.
        .event_data(256)
}

/// What a device has seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) subscribed: usize,
    pub(crate) requests: usize,
    pub(crate) readings: usize,
    pub(crate) gaps: usize,
    /// Members that came, this device among them.
    pub(crate) joined: usize,
    pub(crate) losses: usize,
    /// What must not happen.
    pub(crate) failure: Option<String>,
}

pub(crate) struct Device {
    name: &'static str,
    session: Session,
    open: Option<OpenConnection>,
    /// What the app's own server is to be asked; the session has at most eight of them unanswered.
    requests: VecDeque<AuthorizationRequest>,
    /// For the frames' masks and the upgrade's nonce. A device has a hardware generator.
    random: fastrand::Rng,
    pub(crate) seen: Seen,
}

struct OpenConnection {
    connection: ConnectionId,
    socket: Socket,
    websocket: WebSocket,
    /// What the session was told of its room.
    is_writable: bool,
    /// It is being closed: the ticks that are left until it is dropped in any case.
    closing: Option<u32>,
}

impl Device {
    pub(crate) fn new(
        name: &'static str,
        config: Config,
        seed: u64,
        now: Instant,
    ) -> Result<Self, CommandError> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut session = Session::new(config, random.u64(..), now);
        session.subscribe(NEWS, &SubscribeOptions::default(), now)?;
        session.subscribe(ROOM, &SubscribeOptions::member(name), now)?;
        session.connect(now);
        let (requests, seen) = (VecDeque::new(), Seen::default());
        Ok(Self { name, session, open: None, requests, random, seen })
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        self.read(now);
        // With a fixed tick this is all that the session's deadlines are for.
        if self.is_due(now) {
            self.session.handle_timeout(now);
        }
        self.drain(now);
        self.write(now);
        // Frames that found no room before: as long as the network takes them.
        while self.is_due(now) {
            self.drain(now);
            self.write(now);
        }
        self.count_down();
    }

    /// While actions wait, and can be carried out, the session is due at once.
    fn is_due(&self, now: Instant) -> bool {
        self.session.poll_timeout().is_some_and(|due| due <= now)
    }

    pub(crate) fn members(&self) -> usize {
        self.session.channel(ROOM).map_or(0, |channel| channel.member_count())
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn disconnect(&mut self, now: Instant) {
        self.session.disconnect(now);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.session.state() == ConnectionState::Disconnected && self.open.is_none()
    }

    /// What the app's own server is to be asked next.
    pub(crate) fn next_request(&mut self) -> Option<AuthorizationRequest> {
        self.requests.pop_front()
    }

    /// What it answered.
    pub(crate) fn answer(
        &mut self,
        ticket: Ticket,
        answer: Result<Authorization, AuthorizationError>,
        now: Instant,
    ) {
        self.session.handle_authorization(ticket, answer, now);
    }

    fn read(&mut self, now: Instant) {
        for _ in 0..READS {
            let Some(OpenConnection { socket, websocket, connection, .. }) = &mut self.open else {
                return;
            };
            let room = websocket.room();
            let is_full = room.is_empty();
            match socket.read(room) {
                Ok(0) => {
                    // Nothing that had come at the beginning of this tick is left.
                    if !is_full {
                        self.session.handle_caught_up(*connection, now);
                    }
                    return;
                }
                Ok(count) => websocket.received(count),
                Err(loss) => return self.lose(loss, now),
            }
            while self.take_message(now) {
                // After each message, so that few events have to be stored.
                self.drain(now);
            }
        }
    }

    fn take_message(&mut self, now: Instant) -> bool {
        let Some(open) = &mut self.open else { return false };
        // Whatever comes of a connection that is being closed, the session ignores.
        let (session, connection) = (&mut self.session, open.connection);
        match open.websocket.next(self.random.u32(..)) {
            Ok(None) => return false,
            Ok(Some(Incoming::Opened)) => session.handle_open(connection, now),
            Ok(Some(Incoming::Text(text))) => session.handle_slice(connection, text, now),
            Ok(Some(Incoming::Activity)) => session.handle_activity(connection, now),
            Ok(Some(Incoming::Closed(loss))) => {
                session.handle_close(connection, loss, now);
                self.close(1000);
            }
            Err(loss) => self.lose(loss, now),
        }
        self.tell_room(now);
        true
    }

    fn drain(&mut self, now: Instant) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Connect { connection, endpoint } => {
                    let key = self.session.config().key();
                    match OpenConnection::dial(connection, &endpoint, key, self.random.u128(..)) {
                        Ok(open) => self.open = Some(open),
                        Err(loss) => self.session.handle_close(connection, loss, now),
                    }
                }
                Action::Send(frame) => {
                    let mask = self.random.u32(..);
                    if let Some(open) = &mut self.open
                        && open.connection == frame.connection
                        && let Err(loss) = open.websocket.send_text(&frame.text, mask)
                    {
                        self.lose(loss, now);
                    }
                    self.tell_room(now);
                }
                Action::Close { connection, code } => {
                    if self.open.as_ref().is_some_and(|open| open.connection == connection) {
                        self.close(code.into());
                    }
                }
                Action::Authorize(request) => self.requests.push_back(request),
                Action::Abandon(ticket) => self.requests.retain(|one| one.ticket != ticket),
                Action::Emit(event) => self.handle(&event, now),
                Action::UpdatePresence(update) => {
                    self.seen.joined += match &update.change {
                        PresenceChange::Reset { joined, .. } => joined.len(),
                        PresenceChange::Joined(_) => 1,
                        PresenceChange::Left(_) => 0,
                    };
                }
            }
        }
    }

    /// What the device is there for.
    fn handle(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Channel(event) => match (event.channel().as_str(), event.name()) {
                (NEWS, "measure") => {
                    self.seen.requests += 1;
                    if self.name == "sensor"
                        && let Err(error) = self.session.trigger(ROOM, "client-reading", &21.5, now)
                    {
                        self.seen.failure = Some(error.to_string());
                    }
                }
                (ROOM, "client-reading") if event.user_id().as_deref() == Some("sensor") => {
                    self.seen.readings += usize::from(event.text() == "21.5");
                }
                _ => self.seen.failure = Some(format!("an unexpected event: {event:?}")),
            },
            Event::Subscribed { .. } => self.seen.subscribed += 1,
            Event::Gap { .. } => self.seen.gaps += 1,
            Event::State(change) => match change.to {
                ConnectionState::Waiting => self.seen.losses += 1,
                ConnectionState::Refused => self.seen.failure = Some(change.to_string()),
                _ => {}
            },
            other => self.seen.failure = Some(format!("unexpected: {other:?}")),
        }
    }

    fn write(&mut self, now: Instant) {
        while let Some(OpenConnection { socket, websocket, .. }) = &mut self.open
            && !websocket.unsent().is_empty()
        {
            match socket.write(websocket.unsent()) {
                Ok(0) => break,
                Ok(count) => websocket.sent(count),
                Err(loss) => self.lose(loss, now),
            }
        }
        self.tell_room(now);
    }

    /// While the buffer is not empty, the session keeps its frames.
    fn tell_room(&mut self, now: Instant) {
        if let Some(open) = &mut self.open
            && open.websocket.has_room() != open.is_writable
        {
            open.is_writable = open.websocket.has_room();
            self.session.handle_writable(open.connection, open.is_writable, now);
        }
    }

    /// The socket is gone.
    fn lose(&mut self, loss: Loss, now: Instant) {
        if let Some(open) = self.open.take() {
            self.session.handle_close(open.connection, loss, now);
        }
    }

    /// Sends the close frame and waits for the server to close the socket.
    fn close(&mut self, code: u16) {
        let mask = self.random.u32(..);
        let is_on_its_way = self.open.as_mut().is_some_and(|open| {
            open.closing.get_or_insert(CLOSE_TIMEOUT);
            open.websocket.close(code, mask).unwrap_or(false)
        });
        if !is_on_its_way {
            self.open = None;
        }
    }

    fn count_down(&mut self) {
        let is_over = |open: &mut OpenConnection| match &mut open.closing {
            Some(ticks) => {
                *ticks -= 1;
                *ticks == 0
            }
            None => false,
        };
        self.open.take_if(is_over);
    }
}

impl OpenConnection {
    fn dial(
        connection: ConnectionId,
        endpoint: &pushest_proto::Endpoint,
        key: &str,
        nonce: u128,
    ) -> Result<Self, Loss> {
        let socket = Socket::dial(endpoint)?;
        let (authority, target) = (endpoint.authority(), endpoint.request_target(key));
        let websocket = WebSocket::new(&authority, &target, nonce.to_be_bytes())?;
        Ok(Self { connection, socket, websocket, is_writable: true, closing: None })
    }
}
