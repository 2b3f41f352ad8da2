//! The link of one client: its session, and what lies between it and the server.

use std::time::Duration;

use bytes::Bytes;
use pushest_proto::{
    Action, Authorization, AuthorizationRequest, ConnectionId, Denied, DialFailure, Event, Instant,
    Loss, Session, Signer, Ticket,
};

use super::wire::Wire;
use crate::protocol::{Action as ServerAction, Broker, NO_CLOSE_FRAME, PeerId};

/// How a connection breaks: between any two messages of either direction.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// How many of the messages on their way to the server still arrive.
    pub to_server: usize,
    /// How many of the messages on their way to the client still arrive.
    pub to_client: usize,
    /// When the server notices, after the last message has arrived; `None` if only its own
    /// timeouts tell it.
    pub server_notices: Option<Duration>,
    /// When the client notices, after the last message has arrived; `None` if only its own
    /// timeouts tell it.
    pub client_notices: Option<Duration>,
}

/// A session and its connection.
#[derive(Debug)]
pub struct Link {
    session: Session,
    random: fastrand::Rng,
    slowest: Duration,
    dial: Option<(Instant, ConnectionId)>,
    connection: Option<Connection>,
    /// Connections that the client has given up and the server has not noticed yet.
    abandoned: Vec<Connection>,
    authorizer: Option<Signer>,
    /// Share of authorizations that fail for now, of 256.
    unavailable: u8,
    authorizations: Vec<(Instant, AuthorizationRequest)>,
    events: Vec<Event>,
}

/// One connection, as the network sees it.
#[derive(Debug)]
struct Connection {
    id: ConnectionId,
    peer: PeerId,
    to_server: Wire<String>,
    to_client: Wire<String>,
    /// When the server learns of the end.
    server_end: Option<Instant>,
    /// When the client learns of the end, and what it learns.
    client_end: Option<(Instant, Loss)>,
}

impl Link {
    pub(super) fn new(session: Session, random: fastrand::Rng) -> Self {
        Self {
            session,
            random,
            slowest: Duration::from_millis(50),
            dial: None,
            connection: None,
            abandoned: Vec::new(),
            authorizer: None,
            unavailable: 0,
            authorizations: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session, to give it commands.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Each message is delayed by a random time up to this.
    pub fn set_delay(&mut self, slowest: Duration) {
        self.slowest = slowest;
    }

    /// Answers authorization requests with this signer, after a delay. Of 256 requests,
    /// `unavailable` are answered with a failure that is worth a retry.
    pub fn set_authorizer(&mut self, signer: Signer, unavailable: u8) {
        self.authorizer = Some(signer);
        self.unavailable = unavailable;
    }

    /// What the session has told since this was called last.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// The connection's number at the server, while there is one.
    #[must_use]
    pub fn peer(&self) -> Option<PeerId> {
        self.connection.as_ref().map(|connection| connection.peer)
    }

    /// How many messages are on their way, to the server and to the client.
    #[must_use]
    pub fn on_their_way(&self) -> (usize, usize) {
        let connection = self.connection.as_ref();
        connection.map_or((0, 0), |it| (it.to_server.len(), it.to_client.len()))
    }

    pub(super) fn cut(&mut self, cut: Cut, now: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.to_server.cut(cut.to_server);
            connection.to_client.cut(cut.to_client);
            let server_last = connection.to_server.last_arrival().unwrap_or(now);
            connection.server_end = cut.server_notices.map(|after| server_last + after);
            let client_last = connection.to_client.last_arrival().unwrap_or(now);
            let loss = Loss::reset("the link broke");
            connection.client_end = cut.client_notices.map(|after| (client_last + after, loss));
        }
    }

    /// The server is gone: what it has sent arrives, then the connection ends.
    pub(super) fn server_stopped(&mut self, now: Instant) {
        self.abandoned.clear();
        let everything = usize::MAX;
        self.cut(
            Cut {
                to_server: 0,
                to_client: everything,
                server_notices: None,
                client_notices: Some(Duration::ZERO),
            },
            now,
        );
    }

    /// Carries out what the session wants. Answers whether there was anything.
    pub(super) fn carry_out(&mut self, now: Instant) -> bool {
        let mut busy = false;
        while let Some(action) = self.session.poll_action() {
            busy = true;
            match action {
                Action::Connect { connection, .. } => {
                    self.leave(now);
                    self.dial = Some((now + self.delay(), connection));
                }
                Action::Send(frame) => {
                    let delay = self.delay();
                    let open = self.connection.as_mut().expect("a frame has a connection");
                    assert_eq!(open.id, frame.connection, "a frame for another connection");
                    open.to_server.send(frame.text, now, delay);
                }
                Action::Close { connection, .. } => {
                    let open = self.connection.as_ref().map(|open| open.id);
                    let dialling = self.dial.map(|(_, id)| id);
                    assert_eq!(open.or(dialling), Some(connection), "closes another connection");
                    self.dial = None;
                    self.leave(now);
                }
                Action::Authorize(request) => {
                    let delay = self.delay() * 4;
                    self.authorizations.push((now + delay, request));
                }
                Action::Abandon(ticket) => self.abandon(ticket),
                Action::Emit(event) => self.events.push(event),
                Action::UpdatePresence(update) => self.events.push(Event::Presence(update)),
            }
        }
        busy
    }

    /// What the server does about this link's peer.
    pub(super) fn send_or_close(&mut self, action: ServerAction, now: Instant) {
        let delay = self.delay();
        let Some(connection) = &mut self.connection else { return };
        match action {
            ServerAction::Send { text, .. } => {
                connection.to_client.send(text.to_string(), now, delay);
            }
            ServerAction::Close { code, reason, .. } => {
                let code = (code != NO_CLOSE_FRAME).then_some(code);
                let end = connection.to_client.last_arrival().unwrap_or(now) + delay;
                // A link that is broken already does not carry the close either.
                if connection.client_end.is_none() {
                    connection.client_end = Some((end, Loss::closed(code, &reason)));
                }
            }
        }
    }

    /// The next time at which something happens here.
    pub(super) fn next_time(&self) -> Option<Instant> {
        let connection = self.connection.as_ref();
        let wires = connection.into_iter().flat_map(|it| {
            let client_end = it.client_end.as_ref().map(|(end, _)| *end);
            [it.to_client.next_arrival(), client_end]
        });
        let all = connection.into_iter().chain(&self.abandoned);
        let server = all.flat_map(|it| [it.to_server.next_arrival(), it.server_end]);
        let dial = self.dial.map(|(at, _)| at);
        let answers = self.authorizations.iter().map(|(at, _)| Some(*at));
        [self.session.poll_timeout(), dial]
            .into_iter()
            .chain(wires)
            .chain(server)
            .chain(answers)
            .flatten()
            .min()
    }

    /// Everything that has arrived or fallen due by now.
    pub(super) fn deliver(&mut self, mut broker: Option<&mut Broker>, now: Instant) {
        self.finish_dial(broker.as_deref_mut(), now);
        self.deliver_to_server(broker, now);
        self.deliver_to_client(now);
        while let Some(at) = self.authorizations.iter().position(|(at, _)| *at <= now) {
            let (_, request) = self.authorizations.remove(at);
            let answer = self.answer(&request);
            self.session.handle_authorization(request.ticket, answer, now);
        }
        self.session.handle_timeout(now);
    }

    fn finish_dial(&mut self, broker: Option<&mut Broker>, now: Instant) {
        let Some((_, id)) = self.dial.filter(|(at, _)| *at <= now) else { return };
        self.dial = None;
        let Some(broker) = broker else {
            let refused = DialFailure::Connect("connection refused".into());
            return self.session.handle_close(id, Loss::Dial(refused), now);
        };
        let key = self.session.config().key().to_string();
        self.connection = Some(Connection {
            id,
            peer: broker.connect(&key, now),
            to_server: Wire::new(),
            to_client: Wire::new(),
            server_end: None,
            client_end: None,
        });
        self.session.handle_open(id, now);
    }

    fn deliver_to_server(&mut self, mut broker: Option<&mut Broker>, now: Instant) {
        for connection in self.abandoned.iter_mut().chain(&mut self.connection) {
            while let Some(text) = connection.to_server.receive(now) {
                // A server that is down hears nothing.
                if let Some(broker) = &mut broker {
                    broker.receive(connection.peer, &text, now);
                }
            }
            let is_over = |end: &mut Instant| *end <= now;
            if let (Some(_), Some(broker)) = (connection.server_end.take_if(is_over), &mut broker) {
                broker.disconnected(connection.peer, now);
            }
        }
        self.abandoned.retain(|it| it.server_end.is_some() || it.to_server.len() > 0);
    }

    fn deliver_to_client(&mut self, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        while let Some(text) = connection.to_client.receive(now) {
            self.session.handle_message(connection.id, Bytes::from(text.into_bytes()), now);
        }
        if let Some((_, loss)) = connection.client_end.take_if(|(end, _)| *end <= now) {
            let id = connection.id;
            self.leave(now);
            self.session.handle_close(id, loss, now);
        }
    }

    /// The client gives its connection up: what it has sent still arrives, unless the link broke.
    fn leave(&mut self, now: Instant) {
        let delay = self.delay();
        if let Some(mut connection) = self.connection.take() {
            let last = connection.to_server.last_arrival().unwrap_or(now);
            connection.server_end.get_or_insert(last + delay);
            connection.to_server.cut(usize::MAX);
            self.abandoned.push(connection);
        }
    }

    fn abandon(&mut self, ticket: Ticket) {
        self.authorizations.retain(|(_, request)| request.ticket != ticket);
    }

    fn answer(&mut self, request: &AuthorizationRequest) -> Result<Authorization, Denied> {
        let Some(signer) = &self.authorizer else {
            return Err(Denied::refused(Some(403), "nobody signs here"));
        };
        if self.random.u8(..) < self.unavailable {
            return Err(Denied::unavailable(Some(503), "try again"));
        }
        let data = request.subject.data();
        let Some(channel) = request.subject.channel() else {
            let data = data.unwrap_or(r#"{"id":"nobody in particular"}"#);
            let auth = signer.user(&request.socket_id, data);
            return Ok(Authorization::new(auth).user_data(data));
        };
        let auth = signer.channel(&request.socket_id, channel.as_str(), data);
        let granted = Authorization::new(auth);
        Ok(match data {
            Some(data) => granted.channel_data(data),
            None => granted,
        })
    }

    fn delay(&mut self) -> Duration {
        let micros = u64::try_from(self.slowest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.random.u64(0..=micros))
    }
}
