//! A session, a server played by the test, and a clock that only the test moves.

use std::time::Duration;

use crate::recording::Recording;
use pushest_proto::{
    Action, AuthorizationRequest, CloseCode, Config, ConfigBuilder, ConnectionId, ConnectionState,
    Endpoint, Event, Instant, Loss, PresenceChange, Session, StateChange, SubscribeOptions, Ticket,
};

pub(crate) const KEY: &str = "278d425bdf160c739803";
pub(crate) const SECRET: &str = "7ad3773142a6692b25b8";
pub(crate) const SOCKET: &str = "1234.1234";

pub(crate) struct Harness {
    pub(crate) session: Session,
    pub(crate) now: Instant,
    /// Everything polled since it was last looked at, in order.
    pub(crate) actions: Vec<Action>,
    /// The connection of the last `Connect`.
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) endpoint: Option<Endpoint>,
    /// A test's session is recorded, and its recording replayed when the test is over.
    recording: Option<Recording>,
}

/// The configuration of a trusted program: it has the secret.
pub(crate) fn signing() -> ConfigBuilder {
    Config::builder(KEY).secret(SECRET).host("localhost").port(6001)
}

/// The configuration of a program that asks for authorizations.
pub(crate) fn asking() -> ConfigBuilder {
    Config::builder(KEY).host("localhost").port(6001)
}

impl Harness {
    pub(crate) fn new(config: ConfigBuilder) -> Self {
        Self::with_seed(config, 7)
    }

    pub(crate) fn with_seed(config: ConfigBuilder, seed: u64) -> Self {
        let now = Instant::from_micros(1_000_000);
        let (session, recording) = Recording::of(config.build().unwrap(), seed, now);
        let recording = Some(recording);
        Self { session, now, actions: Vec::new(), connection: None, endpoint: None, recording }
    }

    /// For tests of many sessions, or long ones, that recording them takes too long.
    pub(crate) fn unrecorded(config: ConfigBuilder) -> Self {
        let now = Instant::from_micros(1_000_000);
        let session = Session::new(config.build().unwrap(), 7, now);
        let recording = None;
        Self { session, now, actions: Vec::new(), connection: None, endpoint: None, recording }
    }

    /// What was recorded so far.
    pub(crate) fn recording(&self) -> String {
        self.recording.as_ref().expect("the session is recorded").text()
    }

    /// A session that signs and is connected, its first events looked at.
    pub(crate) fn connected() -> Self {
        let mut harness = Self::new(signing());
        harness.connect();
        harness
    }

    /// A session that has signed in as a user with a watchlist, its first events looked at.
    pub(crate) fn watching(config: ConfigBuilder) -> Self {
        let mut harness = Self::new(config);
        harness.connect();
        let user = r#"{"id":"me","watchlist":["1"]}"#;
        harness.session.sign_in(Some(user), harness.now).expect("good user data");
        harness.drain();
        let confirmed = serde_json::json!({"user_data": {"id": "me"}});
        harness.receive(&object("pusher:signin_success", None, confirmed));
        harness.succeed("#server-to-user-me");
        harness.actions.clear();
        harness
    }

    /// Connects up to `connection_established`, and forgets how.
    pub(crate) fn connect(&mut self) {
        self.connect_and_keep();
        self.actions.clear();
    }

    /// Connects up to `connection_established`.
    pub(crate) fn connect_and_keep(&mut self) {
        self.session.connect(self.now);
        self.drain();
        self.establish();
    }

    /// Connects, with a handshake of the test's own.
    pub(crate) fn connect_with(&mut self, handshake: &str) {
        self.session.connect(self.now);
        self.drain();
        self.open();
        self.receive(handshake);
        self.actions.clear();
    }

    /// The server opens the WebSocket and establishes the connection; before that, what is left
    /// of the pause after a loss passes.
    pub(crate) fn establish(&mut self) {
        self.wait_for_retry();
        self.open();
        self.receive(&established(SOCKET, 120));
    }

    /// Lets the pause until the next attempt pass, if there is one, and returns how long it took.
    pub(crate) fn wait_for_retry(&mut self) -> Duration {
        let begun = self.now;
        while let Some(retry) = self.session.status(self.now).next_retry {
            self.pass(retry);
        }
        self.now.saturating_duration_since(begun)
    }

    pub(crate) fn open(&mut self) {
        self.session.handle_open(self.current(), self.now);
        self.drain();
    }

    pub(crate) fn current(&self) -> ConnectionId {
        self.connection.expect("a Connect was polled")
    }

    pub(crate) fn receive(&mut self, message: &str) {
        self.session.handle_slice(self.current(), message.as_bytes(), self.now);
        self.drain();
    }

    pub(crate) fn lose(&mut self, loss: Loss) {
        self.session.handle_close(self.current(), loss, self.now);
        self.drain();
    }

    pub(crate) fn close(&mut self, code: u16) {
        self.lose(Loss::closed(Some(code), "for a test"));
    }

    /// Lets time pass, stopping at each deadline on the way.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(deadline) = self.session.poll_timeout().filter(|time| *time <= end) {
            assert!(deadline > self.now, "a deadline that is not in the future after a drain");
            self.now = deadline;
            self.session.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
        self.session.handle_timeout(self.now);
        self.drain();
    }

    pub(crate) fn pass_seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Goes to the next deadline, whatever it is.
    pub(crate) fn next_deadline(&mut self) -> Duration {
        let deadline = self.session.poll_timeout().expect("a deadline");
        let duration = deadline.saturating_duration_since(self.now);
        self.pass(duration);
        duration
    }

    pub(crate) fn drain(&mut self) {
        while let Some(action) = self.session.poll_action() {
            if let Action::Connect { connection, endpoint } = &action {
                self.connection = Some(*connection);
                self.endpoint = Some(endpoint.clone());
            }
            self.actions.push(action);
        }
        let timeout = self.session.poll_timeout();
        self.session.handle_timeout(self.now);
        assert!(self.session.poll_action().is_none(), "a drained session has nothing at once");
        assert_eq!(self.session.poll_timeout(), timeout);
    }

    /// Takes the texts of all frames.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        let connection = self.connection;
        self.take(|action| match action {
            Action::Send(frame) => {
                assert_eq!(Some(frame.connection), connection);
                Some(frame.text.clone())
            }
            _ => None,
        })
    }

    /// Takes all events, but for changes of state.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        self.take(|action| match action {
            Action::Emit(Event::State(_)) => None,
            Action::Emit(event) => Some(event.clone()),
            _ => None,
        })
    }

    pub(crate) fn state_changes(&mut self) -> Vec<StateChange> {
        self.take(|action| match action {
            Action::Emit(Event::State(change)) => Some(change.clone()),
            _ => None,
        })
    }

    pub(crate) fn states(&mut self) -> Vec<ConnectionState> {
        self.state_changes().into_iter().map(|change| change.to).collect()
    }

    pub(crate) fn presence(&mut self) -> Vec<PresenceChange> {
        self.take(|action| match action {
            Action::UpdatePresence(update) => Some(update.change.clone()),
            _ => None,
        })
    }

    pub(crate) fn requests(&mut self) -> Vec<AuthorizationRequest> {
        self.take(|action| match action {
            Action::Authorize(request) => Some(request.clone()),
            _ => None,
        })
    }

    pub(crate) fn abandoned(&mut self) -> Vec<Ticket> {
        self.take(|action| match action {
            Action::Abandon(ticket) => Some(*ticket),
            _ => None,
        })
    }

    pub(crate) fn closes(&mut self) -> Vec<(ConnectionId, CloseCode)> {
        self.take(|action| match action {
            Action::Close { connection, code } => Some((*connection, *code)),
            _ => None,
        })
    }

    pub(crate) fn connects(&mut self) -> usize {
        self.take(|action| matches!(action, Action::Connect { .. }).then_some(())).len()
    }

    fn take<T>(&mut self, wanted: impl Fn(&Action) -> Option<T>) -> Vec<T> {
        let mut taken = Vec::new();
        self.actions.retain(|action| match wanted(action) {
            Some(value) => {
                taken.push(value);
                false
            }
            None => true,
        });
        taken
    }

    pub(crate) fn subscribe(&mut self, channel: &str) {
        self.session.subscribe(channel, &SubscribeOptions::default(), self.now).unwrap();
        self.drain();
    }

    pub(crate) fn subscribe_as(&mut self, channel: &str, user_id: &str) {
        self.session.subscribe(channel, &SubscribeOptions::member(user_id), self.now).unwrap();
        self.drain();
    }

    /// The server confirms a subscription.
    pub(crate) fn succeed(&mut self, channel: &str) {
        self.receive(&succeeded(channel, "{}"));
    }

    /// Subscribes, is confirmed, and forgets how.
    pub(crate) fn subscribed(&mut self, channel: &str) {
        if channel.starts_with("presence-") {
            self.subscribe_as(channel, "me");
        } else {
            self.subscribe(channel);
        }
        self.succeed(channel);
        self.actions.clear();
    }
}

pub(crate) fn established(socket_id: &str, activity_timeout: u64) -> String {
    let data = serde_json::json!({"socket_id": socket_id, "activity_timeout": activity_timeout});
    message("pusher:connection_established", None, &data.to_string())
}

pub(crate) fn succeeded(channel: &str, data: &str) -> String {
    message("pusher_internal:subscription_succeeded", Some(channel), data)
}

/// A message whose data is a string, as most servers send it.
pub(crate) fn message(event: &str, channel: Option<&str>, data: &str) -> String {
    match channel {
        Some(channel) => {
            serde_json::json!({"event": event, "channel": channel, "data": data}).to_string()
        }
        None => serde_json::json!({"event": event, "data": data}).to_string(),
    }
}

/// A message whose data is JSON of its own.
pub(crate) fn object(event: &str, channel: Option<&str>, data: serde_json::Value) -> String {
    match channel {
        Some(channel) => {
            serde_json::json!({"event": event, "channel": channel, "data": data}).to_string()
        }
        None => serde_json::json!({"event": event, "data": data}).to_string(),
    }
}

pub(crate) fn subscribe_frame(channel: &str) -> String {
    format!(r#"{{"event":"pusher:subscribe","data":{{"channel":"{channel}"}}}}"#)
}

pub(crate) fn unsubscribe_frame(channel: &str) -> String {
    format!(r#"{{"event":"pusher:unsubscribe","data":{{"channel":"{channel}"}}}}"#)
}

pub(crate) const PING: &str = r#"{"event":"pusher:ping","data":{}}"#;
pub(crate) const PONG: &str = r#"{"event":"pusher:pong","data":{}}"#;
