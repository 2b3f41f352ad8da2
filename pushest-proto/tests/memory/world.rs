//! A session, and the messages that a server could send it.

use bytes::Bytes;
use pushest_proto::{
    Action, Authorization, Config, ConfigBuilder, ConnectionId, Event, Instant, Limits, Session,
    SubscribeOptions,
};
use serde_json::{Value, json};

pub(crate) const PRESENCE: &str = "presence-room";
pub(crate) const ENCRYPTED: &str = "private-encrypted-a";

/// The protocol's vector: what this key opens, as the data of an event.
pub(crate) const SHARED_SECRET: &str = "iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=";
pub(crate) const SEALED: &str = r#"{"nonce":"4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9","ciphertext":"/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A="}"#;
/// The same with another key.
pub(crate) const FOREIGN: &str = r#"{"nonce":"4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9","ciphertext":"AGMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A="}"#;

pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) now: Instant,
    pub(crate) connection: ConnectionId,
}

/// A configuration that signs by itself.
pub(crate) fn signing() -> ConfigBuilder {
    Config::builder("key").secret("secret").host("localhost")
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(signing())
    }

    pub(crate) fn limited(limits: Limits) -> Self {
        Self::with(signing().limits(limits))
    }

    /// A connected session.
    pub(crate) fn with(config: ConfigBuilder) -> Self {
        let now = Instant::ORIGIN;
        let mut session = Session::new(config.build().unwrap(), 7, now);
        session.connect(now);
        let mut connection = None;
        while let Some(action) = session.poll_action() {
            if let Action::Connect { connection: id, .. } = action {
                connection = Some(id);
            }
        }
        let connection = connection.unwrap();
        session.handle_open(connection, now);
        let mut world = Self { session, now, connection };
        world.hear(&established());
        world.drain();
        world
    }

    /// Hears a message.
    pub(crate) fn hear(&mut self, message: &str) {
        self.hear_bytes(message.as_bytes());
    }

    pub(crate) fn hear_bytes(&mut self, message: &[u8]) {
        let message = Bytes::copy_from_slice(message);
        self.session.handle_message(self.connection, message, self.now);
    }

    /// Polls everything. Every request for an authorization is granted.
    pub(crate) fn drain(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(action) = self.session.poll_action() {
            if let Action::Authorize(request) = &action {
                let granted = Authorization::new("key:5f00")
                    .channel_data(r#"{"user_id":"me"}"#)
                    .user_data(r#"{"id":"me","watchlist":["1"]}"#)
                    .shared_secret(SHARED_SECRET);
                self.session.handle_authorization(request.ticket, Ok(granted), self.now);
            }
            actions.push(action);
        }
        actions
    }

    /// The pause after a loss passes, and the server establishes the next connection.
    pub(crate) fn reconnect(&mut self) {
        self.drain();
        self.now += self.session.status(self.now).next_retry.unwrap();
        self.session.handle_timeout(self.now);
        for action in self.drain() {
            if let Action::Connect { connection, .. } = action {
                self.connection = connection;
            }
        }
        self.session.handle_open(self.connection, self.now);
        self.hear(&established());
        self.drain();
    }

    /// The events since the last look, changes of presence among them.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let event = |action| match action {
            Action::Emit(event) => Some(event),
            Action::UpdatePresence(update) => Some(Event::Presence(update)),
            _ => None,
        };
        self.drain().into_iter().filter_map(event).collect()
    }

    pub(crate) fn ask_for(&mut self, channel: &str) {
        let options = SubscribeOptions::member("me");
        self.session.subscribe(channel, &options, self.now).unwrap();
        self.drain();
    }

    pub(crate) fn subscribed(mut self, channel: &str) -> Self {
        self.ask_for(channel);
        self.hear(&text("pusher_internal:subscription_succeeded", Some(channel), &json!({})));
        self.drain();
        self
    }

    /// The session has signed in as a user with a watchlist.
    pub(crate) fn watching(mut self) -> Self {
        self.session.sign_in(Some(r#"{"id":"me","watchlist":["1"]}"#), self.now).unwrap();
        self.drain();
        self.hear(&object("pusher:signin_success", None, &json!({"user_data": {"id": "me"}})));
        self.drain();
        assert!(self.session.signed_in_user().is_some());
        self
    }
}

pub(crate) fn established() -> String {
    text("pusher:connection_established", None, &json!({"socket_id": "1.2"}))
}

/// A message whose data is a string that holds JSON.
pub(crate) fn text(event: &str, channel: Option<&str>, data: &Value) -> String {
    object(event, channel, &json!(data.to_string()))
}

/// A message with this data.
pub(crate) fn object(event: &str, channel: Option<&str>, data: &Value) -> String {
    match channel {
        Some(channel) => json!({"event": event, "channel": channel, "data": data}).to_string(),
        None => json!({"event": event, "data": data}).to_string(),
    }
}

/// A list of members, each with this info.
pub(crate) fn members(ids: impl Iterator<Item = String>, info: &str) -> String {
    let hash: serde_json::Map<String, Value> = ids.map(|id| (id, json!({"n": info}))).collect();
    let data = json!({"presence": {"count": hash.len(), "hash": hash}});
    text("pusher_internal:subscription_succeeded", Some(PRESENCE), &data)
}

pub(crate) fn joined(id: &str, info: &str) -> String {
    let data = json!({"user_id": id, "user_info": {"n": info}});
    text("pusher_internal:member_added", Some(PRESENCE), &data)
}

pub(crate) fn left(id: &str) -> String {
    text("pusher_internal:member_removed", Some(PRESENCE), &json!({"user_id": id}))
}
