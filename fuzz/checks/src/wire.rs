//! Target `wire`: what the testkit's server encodes, the core decodes, and the other way round, all
//! of it unchanged: names, data, ids and infos of members, users, watchlists.
//!
//! Two sessions and a server talk, in the words of any profile. Each knows the protocol by its own
//! code, so that a mistake in one does not hide behind the same mistake in the other.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use pushest_proto::{Action, Config, ConnectionId, Event, Instant, Session, SubscribeOptions};
use pushest_testkit::Profile;
use pushest_testkit::protocol::{self, Broker, PeerId, ServerConfig};
use serde_json::{Value, json};

const NOW: Instant = Instant::from_micros(1_000_000);

/// Checks one input.
///
/// # Panics
/// If something does not arrive as it was sent.
pub fn check(bytes: &[u8]) {
    // Texts are taken in turn, since the first decides how much is left for the others.
    if let Ok(talk) = Talk::read(&mut Unstructured::new(bytes)) {
        talk.check();
    }
}

/// What is said.
struct Talk {
    topic: Topic,
    profile: Profile,
    channel: String,
    /// Who subscribes, and what the app tells about them.
    users: [(String, Option<Value>); 2],
    event: String,
    data: String,
    value: Value,
}

/// What the talk is about, besides subscribing.
#[derive(Debug, Clone, Copy)]
enum Topic {
    /// Members, events, and leaving.
    Events,
    ClientEvents,
    Users,
}

impl Talk {
    fn read(bytes: &mut Unstructured<'_>) -> Result<Self> {
        let topic = *bytes.choose(&[Topic::Events, Topic::ClientEvents, Topic::Users])?;
        let profile = *bytes.choose(&Profile::ALL)?;
        let prefix = *bytes.choose(&["", "private-", "presence-", "presence-"])?;
        let name: String = text(bytes, 20)?.bytes().map(name_character).collect();
        let users = [user(bytes, "0")?, user(bytes, "1")?];
        let event = text(bytes, 60)?;
        let data = text(bytes, 100)?;
        let value = value(bytes)?;
        Ok(Self { topic, profile, channel: format!("{prefix}a{name}"), users, event, data, value })
    }

    fn check(&self) {
        let mut world = World::new(self.profile);
        match self.topic {
            Topic::Events => {
                self.both_subscribe(&mut world);
                self.members_are_known(&world);
                self.an_event_arrives(&mut world);
                self.one_leaves(&mut world);
            }
            Topic::ClientEvents => {
                self.both_subscribe(&mut world);
                self.a_client_event_arrives(&mut world);
            }
            Topic::Users if self.profile.signs_in() => self.users_sign_in(&mut world),
            Topic::Users => {}
        }
    }

    fn both_subscribe(&self, world: &mut World) {
        for (client, (id, info)) in self.users.iter().enumerate() {
            let mut options = SubscribeOptions::member(id);
            if let Some(info) = info {
                options = options.info(&info.to_string());
            }
            let subscribed = world.clients[client].session.subscribe(&self.channel, &options, NOW);
            subscribed.expect("the name and the member keep the rules");
            world.talk();
        }
        assert_eq!(world.broker.subscribers(&self.channel).count(), 2, "subscribed");
    }

    fn one_leaves(&self, world: &mut World) {
        let session = &mut world.clients[0].session;
        session.unsubscribe(&self.channel, NOW).expect("it is subscribed to");
        world.talk();
        assert_eq!(world.broker.subscribers(&self.channel).count(), 1, "unsubscribed");
    }

    fn members_are_known(&self, world: &World) {
        if !self.channel.starts_with("presence-") {
            return;
        }
        let mut expected = BTreeMap::new();
        for (id, info) in &self.users {
            // Of a user with two connections the first one's info counts; some servers make up an
            // empty object for those who have none.
            expected.entry(id.clone()).or_insert_with(|| info.clone());
        }
        for client in &world.clients {
            let view = client.session.channel(&self.channel).expect("it is wanted");
            let known: BTreeMap<_, _> = view
                .members()
                .map(|member| {
                    let info: Option<Value> = member.info().expect("the info is JSON");
                    let made_up = info == Some(json!({}))
                        && expected.get(member.id()).is_some_and(Option::is_none);
                    (member.id().to_owned(), info.filter(|_| !made_up))
                })
                .collect();
            assert_eq!(known, expected, "members with {:?}", self.profile);
        }
    }

    fn an_event_arrives(&self, world: &mut World) {
        if self.event.starts_with("pusher") {
            return;
        }
        world.broker.publish(&self.channel, &self.event, &self.data, None, NOW);
        world.talk();
        for client in &mut world.clients {
            let events = std::mem::take(&mut client.events);
            let Some(Event::Channel(event)) = events.last() else { panic!("{events:?}") };
            assert_eq!(event.name(), self.event, "event");
            assert_eq!(event.channel().as_str(), self.channel, "channel");
            assert_eq!(event.text(), self.data, "data");
            assert_eq!(event.user_id(), None, "nobody's event");
            let value: Value = event.json().expect("a string always has a value");
            let expected = serde_json::from_str(&self.data);
            assert_eq!(value, expected.unwrap_or_else(|_| json!(self.data)), "data as a value");
        }
    }

    fn a_client_event_arrives(&self, world: &mut World) {
        let name: String = format!("client-{}a", self.event);
        let sent = world.clients[0].session.trigger(&self.channel, &name, &self.value, NOW);
        let has_client_events =
            self.channel.starts_with("private-") || self.channel.starts_with("presence-");
        assert_eq!(sent.is_ok(), has_client_events && name.len() <= 200, "{sent:?}");
        world.talk();
        if sent.is_err() {
            return;
        }
        let events = std::mem::take(&mut world.clients[1].events);
        let Some(Event::Channel(event)) = events.last() else { panic!("{events:?}") };
        assert!(event.is_client_event());
        assert_eq!(event.name(), name, "client event");
        assert_eq!(event.raw(), self.value.to_string(), "data of a client event");
        if let Some(user_id) = event.user_id() {
            assert!(self.channel.starts_with("presence-"), "only members have ids");
            assert_eq!(user_id, self.users[0].0, "who sent it");
        }
    }

    fn users_sign_in(&self, world: &mut World) {
        let ids = [&self.users[0].0, &self.users[1].0];
        for (client, own) in ids.into_iter().enumerate() {
            let other = ids[1 - client];
            let data =
                json!({"id": own, "user_info": self.value, "watchlist": [other]}).to_string();
            let session = &mut world.clients[client].session;
            session.sign_in(Some(&data), NOW).expect("the user's data keeps the rules");
            world.talk();
            let session = &world.clients[client].session;
            assert_eq!(session.signed_in_user(), Some(&**own), "signed in");
            let confirmed = world.clients[client].events.iter().find_map(|event| match event {
                Event::SignedIn { user_data, .. } => Some(&**user_data),
                _ => None,
            });
            assert_eq!(confirmed, Some(&*data), "the user's data");
        }
        if self.profile.has_watchlists() && ids[0] != ids[1] {
            let is_told = world.clients[0].events.iter().any(|event| {
                matches!(event, Event::Watchlist { online: true, user_ids } if user_ids.iter().eq([ids[1]]))
            });
            assert!(is_told, "the watchlist: {:?}", world.clients[0].events);
        }
        self.an_event_to_a_user_arrives(world);
    }

    fn an_event_to_a_user_arrives(&self, world: &mut World) {
        let id = &self.users[0].0;
        if self.event.starts_with("pusher") {
            return;
        }
        world.broker.publish_to_user(id, &self.event, &self.data, NOW);
        world.talk();
        let events = &world.clients[0].events;
        let Some(Event::Channel(event)) = events.last() else { panic!("{events:?}") };
        assert_eq!(event.channel().as_str(), format!("#server-to-user-{id}"), "the user's channel");
        assert_eq!(event.text(), self.data, "data to a user");
    }
}

/// A server and two clients, without anything in between.
struct World {
    broker: Broker,
    clients: [Client; 2],
}

struct Client {
    session: Session,
    connection: Option<ConnectionId>,
    peer: Option<PeerId>,
    events: Vec<Event>,
}

impl World {
    fn new(profile: Profile) -> Self {
        let mut config = ServerConfig::new(profile);
        config.subscription_counts = true;
        let client = |seed| {
            let config = Config::builder("app-key").secret("app-secret").host("localhost");
            let config = config.build().expect("these settings keep the rules");
            let mut session = Session::new(config, seed, NOW);
            session.connect(NOW);
            Client { session, connection: None, peer: None, events: Vec::new() }
        };
        let mut world = Self { broker: Broker::new(config), clients: [client(1), client(2)] };
        world.talk();
        world
    }

    /// Carries messages until there are none.
    fn talk(&mut self) {
        loop {
            let mut is_quiet = true;
            for client in &mut self.clients {
                while let Some(action) = client.session.poll_action() {
                    is_quiet = false;
                    client.follow(action, &mut self.broker);
                }
            }
            while let Some(action) = self.broker.poll_action() {
                is_quiet = false;
                let protocol::Action::Send { peer, text } = action else {
                    panic!("closed: {action:?}")
                };
                let client = self.clients.iter_mut().find(|client| client.peer == Some(peer));
                let client = client.expect("one of the two");
                let connection = client.connection.expect("it is connected");
                client.session.handle_message(connection, text.into_bytes(), NOW);
            }
            if is_quiet {
                return;
            }
        }
    }
}

impl Client {
    fn follow(&mut self, action: Action, broker: &mut Broker) {
        match action {
            Action::Connect { connection, .. } => {
                self.connection = Some(connection);
                self.session.handle_open(connection, NOW);
                self.peer = Some(broker.connect("app-key", NOW));
            }
            Action::Send(frame) => {
                let peer = self.peer.expect("it is connected");
                broker.receive(peer, &frame.text, NOW);
            }
            Action::Emit(
                event @ (Event::Malformed { .. }
                | Event::ServerError(_)
                | Event::SubscriptionFailed { .. }
                | Event::SignInFailed { .. }),
            ) => panic!("misunderstood: {event:?}"),
            Action::Emit(event) => self.events.push(event),
            Action::UpdatePresence(_) => {}
            Action::Close { .. } | Action::Authorize(_) | Action::Abandon(_) => {
                panic!("nothing leads to {action:?}")
            }
        }
    }
}

/// At most this many characters, of any kind.
fn text(bytes: &mut Unstructured<'_>, most: usize) -> Result<String> {
    let length = bytes.int_in_range(0..=most)?.min(bytes.len());
    Ok(String::from_utf8_lossy(bytes.bytes(length)?).into_owned())
}

/// Returns an id with at least one character and at most 128 bytes, and perhaps something about the
/// user. Control characters are no part of a channel's name, and so not of the user's own.
fn user(bytes: &mut Unstructured<'_>, otherwise: &str) -> Result<(String, Option<Value>)> {
    let mut id = text(bytes, 30)?;
    id.retain(|character| !character.is_control());
    if id.is_empty() {
        otherwise.clone_into(&mut id);
    }
    let info = value(bytes)?;
    // To servers, `null` and nothing are the same.
    Ok((id, Some(info).filter(|info| !info.is_null())))
}

fn value(bytes: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match bytes.int_in_range(0..=7_u8)? {
        0 | 1 => Value::Null,
        2 => json!({ text(bytes, 20)?: text(bytes, 30)? }),
        3 => json!([text(bytes, 20)?, null, true]),
        4 => json!(bytes.arbitrary::<i64>()?),
        5 => json!(bytes.arbitrary::<u64>()?),
        6 => json!({}),
        _ => json!(text(bytes, 40)?),
    })
}

/// Returns a character of a channel's name.
fn name_character(byte: u8) -> char {
    const ALLOWED: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=@,.;";
    ALLOWED[usize::from(byte) % ALLOWED.len()].into()
}
