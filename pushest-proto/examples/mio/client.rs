//! One client: a session, and the connection that it asked for. Its turn has a fixed order: time,
//! carry out what the session wants, flush, read.

use std::time::Duration;

use mio::{Registry, Token};
use pushest_proto::{
    Action, Authorization, CommandError, Config, ConnectionId, ConnectionState, Event, Instant,
    Loss, Session, Signer, SubscribeOptions,
};
use tungstenite::Message;

use super::server::{PRIVATE, PUBLIC};
use super::socket::Socket;

/// Messages that are read before the session is polled: fewer than the events that it stores.
const BATCH: usize = 64;

/// Batches that one client may have before others have their turn.
const BATCHES: usize = 8;

/// Maximum time for the closing handshake, after which the socket is dropped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// RFC 6455, section 7.4.1.
const NORMAL: u16 = 1000;
const TOO_BIG: u16 = 1009;

/// What a client wants.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) wants_private: bool,
    pub(crate) knows_secret: bool,
}

/// What a client has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) subscribed: usize,
    pub(crate) events: usize,
    pub(crate) gaps: usize,
    pub(crate) losses: usize,
    /// What must not happen.
    pub(crate) failure: Option<String>,
}

/// What a turn needs of the loop.
pub(crate) struct Turn<'a> {
    pub(crate) registry: &'a Registry,
    /// Plays the app's own server, which has the secret.
    pub(crate) signer: &'a Signer,
    pub(crate) now: Instant,
}

pub(crate) struct Client {
    plan: Plan,
    token: Token,
    session: Session,
    socket: Option<(ConnectionId, Socket)>,
    /// A connection on its way to an orderly end, and when it is dropped in any case.
    closing: Option<(Socket, Instant)>,
    /// What the session was told of the socket's room.
    is_writable: bool,
    pub(crate) seen: Seen,
}

impl Client {
    pub(crate) fn new(
        plan: Plan,
        token: Token,
        config: Config,
        seed: u64,
        now: Instant,
    ) -> Result<Self, CommandError> {
        let mut session = Session::new(config, seed, now);
        session.subscribe(PUBLIC, &SubscribeOptions::default(), now)?;
        if plan.wants_private {
            session.subscribe(PRIVATE, &SubscribeOptions::default(), now)?;
        }
        session.connect(now);
        let seen = Seen::default();
        Ok(Self { plan, token, session, socket: None, closing: None, is_writable: true, seen })
    }

    pub(crate) fn channels(&self) -> usize {
        1 + usize::from(self.plan.wants_private)
    }

    /// The last round trip of a ping.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.session.statistics().round_trip
    }

    pub(crate) fn disconnect(&mut self, now: Instant) {
        self.session.disconnect(now);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.session.state() == ConnectionState::Disconnected
            && self.socket.is_none()
            && self.closing.is_none()
    }

    /// When it needs a turn without any news.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let closing = self.closing.as_ref().map(|(_, deadline)| *deadline);
        [self.session.poll_timeout(), closing].into_iter().flatten().min()
    }

    /// Does all that can be done now. Returns whether there may be more to read, which the poll
    /// will not say again.
    pub(crate) fn turn(&mut self, turn: &Turn<'_>) -> bool {
        if self.session.poll_timeout().is_some_and(|due| due <= turn.now) {
            self.session.handle_timeout(turn.now);
        }
        self.poll_closing(turn.now);
        for _ in 0..BATCHES {
            self.make_room(turn.now);
            self.drain(turn);
            if let Some((_, socket)) = &mut self.socket {
                socket.flush();
            }
            if !self.read(turn.now) {
                return false;
            }
        }
        true
    }

    fn drain(&mut self, turn: &Turn<'_>) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Connect { connection, endpoint } => {
                    // Whatever there was before is given up.
                    self.socket = None;
                    self.is_writable = true;
                    match Socket::dial(
                        &endpoint,
                        self.session.config().key(),
                        turn.registry,
                        self.token,
                    ) {
                        Ok(socket) => self.socket = Some((connection, socket)),
                        Err(loss) => self.session.handle_close(connection, loss, turn.now),
                    }
                }
                Action::Send(frame) => {
                    if let Some((connection, socket)) = &mut self.socket
                        && *connection == frame.connection
                    {
                        socket.send(Message::text(frame.text));
                    }
                    self.tell_room(turn.now);
                }
                Action::Close { connection, code } => {
                    if let Some((_, socket)) = self.socket.take_if(|(open, _)| *open == connection)
                    {
                        self.close(socket, code.into(), turn.now);
                    }
                }
                Action::Authorize(request) => {
                    // A driver asks the app's own server for it, and tells the answer when it has
                    // come; the session goes on meanwhile.
                    let Some(channel) = request.subject.channel() else { continue };
                    let data = request.subject.data();
                    let auth = turn.signer.channel(&request.socket_id, channel.as_str(), data);
                    let answer = Ok(Authorization::new(auth));
                    self.session.handle_authorization(request.ticket, answer, turn.now);
                }
                // Every request was answered at once.
                Action::Abandon(_) => {}
                Action::Emit(event) => self.seen.note(&event),
                // No presence channel is wanted.
                Action::UpdatePresence(_) => {}
            }
        }
    }

    /// Whether there may be more to read.
    fn read(&mut self, now: Instant) -> bool {
        let Some((connection, socket)) = &mut self.socket else { return false };
        let connection = *connection;
        if !socket.is_open() {
            match socket.advance() {
                Ok(()) if socket.is_open() => {
                    self.session.handle_open(connection, now);
                    return true;
                }
                Ok(()) => {}
                Err(loss) => self.lose(connection, loss, now),
            }
            return false;
        }
        for _ in 0..BATCH {
            match socket.read() {
                Ok(None) => {
                    // Nothing that had come at the beginning of this turn is left.
                    self.session.handle_caught_up(connection, now);
                    // What came may want to be answered.
                    return self.session.poll_timeout().is_some_and(|due| due <= now);
                }
                Ok(Some(Message::Text(text))) => {
                    self.session.handle_message(connection, text.into(), now);
                }
                Ok(Some(Message::Close(frame))) => {
                    let loss = match &frame {
                        Some(frame) => Loss::closed(Some(frame.code.into()), &frame.reason),
                        None => Loss::closed(None, ""),
                    };
                    self.lose(connection, loss, now);
                    return true;
                }
                Ok(Some(Message::Binary(bytes))) => {
                    self.session.handle_message(connection, bytes, now);
                }
                Ok(Some(_)) => self.session.handle_activity(connection, now),
                Err(loss) => {
                    self.lose(connection, loss, now);
                    return true;
                }
            }
        }
        true
    }

    fn lose(&mut self, connection: ConnectionId, loss: Loss, now: Instant) {
        if let Some((_, socket)) = self.socket.take() {
            match &loss {
                Loss::TooLarge { .. } => self.close(socket, TOO_BIG, now),
                // The server's close frame is answered with the same.
                Loss::Closed { .. } => self.close(socket, NORMAL, now),
                _ => {}
            }
        }
        self.session.handle_close(connection, loss, now);
    }

    fn close(&mut self, mut socket: Socket, code: u16, now: Instant) {
        if socket.is_open() {
            socket.close(code);
            self.closing = Some((socket, now + CLOSE_TIMEOUT));
        }
    }

    fn poll_closing(&mut self, now: Instant) {
        if let Some((socket, deadline)) = &mut self.closing {
            socket.flush();
            loop {
                match socket.read() {
                    Ok(Some(_)) => {}
                    Ok(None) if now < *deadline => return,
                    Ok(None) | Err(_) => break,
                }
            }
            self.closing = None;
        }
    }

    /// Writes out what had no room, and tells the session if it has now.
    fn make_room(&mut self, now: Instant) {
        if let Some((_, socket)) = &mut self.socket
            && !socket.has_room()
        {
            socket.flush();
        }
        self.tell_room(now);
    }

    /// While the socket has no room, the session keeps its frames.
    fn tell_room(&mut self, now: Instant) {
        if let Some((connection, socket)) = &self.socket
            && socket.has_room() != self.is_writable
        {
            self.is_writable = socket.has_room();
            self.session.handle_writable(*connection, self.is_writable, now);
        }
    }
}

impl Seen {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Channel(event) => {
                let is_expected = match (event.channel().as_str(), event.name()) {
                    (PUBLIC, "headline") => event.text() == r#"{"text":"rain"}"#,
                    (PRIVATE, "App\\Events\\OrderShipped") => event.text() == r#"{"order":7}"#,
                    _ => false,
                };
                if is_expected {
                    self.events += 1;
                } else {
                    self.failure = Some(format!("an unexpected event: {event:?}"));
                }
            }
            Event::Subscribed { .. } => self.subscribed += 1,
            Event::Gap { .. } => self.gaps += 1,
            Event::State(change) => match change.to {
                ConnectionState::Waiting => self.losses += 1,
                ConnectionState::Refused => self.failure = Some(change.to_string()),
                _ => {}
            },
            other => self.failure = Some(format!("unexpected: {other:?}")),
        }
    }
}
