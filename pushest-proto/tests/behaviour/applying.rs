//! What a session is told as values: the same as what its methods tell.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::harness::{Harness, asking, established, message, object, signing};
use bytes::Bytes;
use pushest_proto::{
    Action, Applied, Authorization, AuthorizationError, CommandError, ConfigBuilder, ConnectionId,
    Endpoint, Event, Input, Instant, Limits, Loss, MalformedReason, Session, SubscribeOptions,
    Ticket,
};
use serde_json::json;
use serde_json::value::RawValue;

/// Two sessions, of which one is told by its methods and the other by inputs.
struct Twins {
    told: Harness,
    applied: Harness,
}

impl Twins {
    fn new(config: fn() -> ConfigBuilder) -> Self {
        Self { told: Harness::unrecorded(config()), applied: Harness::unrecorded(config()) }
    }

    fn both<R>(&mut self, tell: impl FnOnce(&mut Session, Instant) -> R, input: Input<'_>) -> R {
        let now = self.told.now;
        let kind = format!("{input:?}");
        let told = tell(&mut self.told.session, now);
        drop(self.applied.session.apply(input, now));
        let hash = |harness: &Harness| harness.session.state_hash();
        assert_eq!(hash(&self.told), hash(&self.applied), "after {kind}");
        for twin in [&mut self.told, &mut self.applied] {
            twin.drain();
        }
        let actions = |harness: &mut Harness| format!("{:?}", harness.actions);
        assert_eq!(actions(&mut self.told), actions(&mut self.applied), "after {kind}");
        told
    }

    fn connection(&self) -> ConnectionId {
        self.told.current()
    }

    /// The last request of both.
    fn ticket(&mut self) -> Ticket {
        self.applied.requests();
        self.told.requests().last().unwrap().ticket
    }

    fn receive(&mut self, text: &str) {
        let (connection, message) = (self.connection(), Bytes::copy_from_slice(text.as_bytes()));
        let input = Input::Message { connection, message };
        self.both(|session, now| session.handle_slice(connection, text.as_bytes(), now), input);
    }

    fn pass_seconds(&mut self, seconds: u64) {
        self.told.now += Duration::from_secs(seconds);
        self.applied.now = self.told.now;
        self.both(Session::handle_timeout, Input::Timeout);
    }
}

#[test]
fn what_every_method_tells_can_be_told_as_a_value() {
    let mut twins = Twins::new(|| asking().limits(Limits::default().message(4_096)));
    twins.both(Session::connect, Input::Connect);
    let connection = twins.connection();
    twins.both(|it, now| it.handle_open(connection, now), Input::Open { connection });
    twins.receive(&established("1234.1234", 120));
    let options = SubscribeOptions::member("me");
    let (channel, borrowed) = ("presence-a".into(), Cow::Borrowed(&options));
    let subscribe = Input::Subscribe { channel, options: borrowed };
    twins.both(|it, now| drop(it.subscribe("presence-a", &options, now)), subscribe);
    let ticket = twins.ticket();
    for answer in [
        Err(AuthorizationError::unavailable(None, "later")),
        Ok(Authorization::new("x".repeat(2_000))),
    ] {
        let input = Input::Authorization { ticket, answer: answer.clone() };
        twins.both(|it, now| it.handle_authorization(ticket, answer, now), input);
    }
    let channel = || "presence-a".into();
    twins.both(|it, now| it.retry("presence-a", now).unwrap(), Input::Retry { channel: channel() });
    let ticket = twins.ticket();
    let answer = || Ok(Authorization::new("k:5f00").channel_data(r#"{"user_id":"me"}"#));
    let input = Input::Authorization { ticket, answer: answer() };
    twins.both(|it, now| it.handle_authorization(ticket, answer(), now), input);
    let list = json!({"presence": {"ids": ["me"], "hash": {"me": null}, "count": 1}});
    twins.receive(&object("pusher_internal:subscription_succeeded", Some("presence-a"), list));
    let data = RawValue::from_string("[1]".into()).unwrap();
    let trigger = Input::Trigger {
        channel: channel(),
        event: "client-e".into(),
        data: Cow::Borrowed(&*data),
    };
    twins.both(|it, now| it.trigger("presence-a", "client-e", &[1], now).unwrap(), trigger);
    let user_data = Some(r#"{"id":"me"}"#);
    let sign_in = Input::SignIn { user_data: user_data.map(Into::into) };
    twins.both(|it, now| it.sign_in(user_data, now).unwrap(), sign_in);
    twins.both(|it, now| it.ping(now).unwrap(), Input::Ping);
    twins.both(|it, now| it.handle_activity(connection, now), Input::Activity { connection });
    twins.both(|it, now| it.handle_caught_up(connection, now), Input::CaughtUp { connection });
    let unix = Duration::from_secs(1_795_680_000);
    for unix in [unix, unix + Duration::from_secs(60)] {
        twins.both(|it, now| it.handle_wall_clock(unix, now), Input::WallClock { unix });
    }
    for on in [false, true] {
        twins.both(|it, now| it.handle_reading(on, now), Input::Reading { reading: on });
        let input = Input::Writable { connection, writable: on };
        twins.both(|it, now| it.handle_writable(connection, on, now), input);
    }
    twins.both(Session::handle_network_change, Input::NetworkChange);
    twins.receive(&message("large", Some("presence-a"), &"x".repeat(5_000)));
    twins.receive(&message("shipped", Some("presence-a"), "{}"));
    let unsubscribe = Input::Unsubscribe { channel: channel() };
    twins.both(|it, now| it.unsubscribe("presence-a", now).unwrap(), unsubscribe);
    let endpoint = || Endpoint::new("elsewhere").unwrap();
    let input = Input::SetEndpoint { endpoint: endpoint() };
    twins.both(|it, now| it.set_endpoint(endpoint(), now), input);
    let (connection, loss) = (twins.connection(), Loss::reset("gone"));
    let input = Input::Close { connection, loss: loss.clone() };
    twins.both(|it, now| it.handle_close(connection, loss, now), input);
    twins.pass_seconds(30);
    twins.both(Session::disconnect, Input::Disconnect);
    assert!(twins.told.actions.len() > 20, "{:?}", twins.told.actions);
}

#[test]
fn a_message_over_the_limit_is_told_by_either_way_alike() {
    let limits = || signing().limits(Limits::default().message(4_096));
    let mut twins = Twins::new(limits);
    twins.both(Session::connect, Input::Connect);
    let connection = twins.connection();
    twins.both(|it, now| it.handle_open(connection, now), Input::Open { connection });
    twins.receive(&established("1234.1234", 120));
    let large = Bytes::from(message("large", None, &"x".repeat(5_000)));
    let oversized =
        Input::Oversized { connection, size: large.len(), beginning: large[..512].to_vec().into() };
    twins.both(|it, now| it.handle_message(connection, large.clone(), now), oversized);
    let message = Input::Message { connection, message: large.clone() };
    twins.both(|it, now| it.handle_slice(connection, &large, now), message);
}

#[test]
fn a_command_returns_what_its_method_returns() {
    let mut harness = Harness::connected();
    let now = harness.now;
    let subscribe =
        |name: &'static str| Input::Subscribe { channel: name.into(), options: Default::default() };
    let name = match harness.session.apply(subscribe("private-a"), now) {
        Ok(Applied::Channel(name)) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(name.as_str(), "private-a");
    let ping = match harness.session.apply(Input::Ping, now) {
        Ok(Applied::Ping(ping)) => ping,
        other => panic!("{other:?}"),
    };
    harness.drain();
    harness.receive(&message("pusher:pong", None, "{}"));
    let is_answer = |event: &Event| matches!(event, Event::Pong { ping: of, .. } if *of == ping);
    assert!(harness.events().iter().any(is_answer));
    for input in [Input::Retry { channel: "private-a".into() }, Input::Connect, Input::Timeout] {
        assert_eq!(harness.session.apply(input, now), Ok(Applied::Done));
    }

    let before = harness.session.state_hash();
    let bad = harness.session.apply(subscribe("private a"), now + Duration::from_secs(9));
    assert!(matches!(bad, Err(CommandError::ChannelName(_))), "{bad:?}");
    let unknown = Input::Unsubscribe { channel: "private-b".into() };
    let unknown = harness.session.apply(unknown, now + Duration::from_secs(9));
    assert_eq!(unknown, Err(CommandError::NotSubscribed { channel: "private-b".into() }));
    assert_eq!(harness.session.state_hash(), before, "a refused command changes nothing");
}

#[test]
fn an_input_that_owns_its_names_can_come_from_another_thread() {
    let (sender, receiver) = std::sync::mpsc::channel::<Input<'static>>();
    let user = std::thread::spawn(move || {
        let name = String::from("orders");
        let options = Cow::Owned(SubscribeOptions::default());
        sender.send(Input::Subscribe { channel: name.into(), options }).unwrap();
        sender.send(Input::Connect).unwrap();
    });
    user.join().unwrap();
    let mut harness = Harness::new(signing());
    for input in receiver {
        harness.session.apply(input, harness.now).unwrap();
    }
    harness.drain();
    assert!(harness.session.channel("orders").is_some());
    assert!(matches!(harness.actions.last(), Some(Action::Connect { .. })));
}

#[test]
fn an_input_shows_no_key_and_no_signature() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("private-encrypted-a");
    let ticket = harness.requests()[0].ticket;
    let answer = Ok(Authorization::new("key:5ent1nel").shared_secret("5ent1nel"));
    let shown = format!("{:?}", Input::Authorization { ticket, answer });
    assert!(shown.contains("Authorization") && !shown.contains("5ent1nel"), "{shown}");
}

#[test]
fn a_message_that_the_driver_has_no_room_for_is_told_by_size_and_channel_whatever_its_size() {
    let mut harness = Harness::connected();
    harness.subscribed("orders");
    let beginning = message("large", Some("orders"), &"x".repeat(5_000));
    for size in [0, 5_000, usize::MAX, usize::MAX] {
        let (connection, beginning) = (harness.current(), beginning.as_bytes().into());
        let input = Input::Oversized { connection, size, beginning };
        assert_eq!(harness.session.apply(input, harness.now), Ok(Applied::Done));
        harness.drain();
        let events = harness.events();
        let [Event::Malformed { problem, channel: Some(channel), message, .. }] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert!(matches!(problem, MalformedReason::TooLarge { size: told, .. } if *told == size));
        assert_eq!((channel.as_str(), message.len()), ("orders", 512));
    }
    assert_eq!(harness.session.statistics().bytes, u64::MAX);
}

#[test]
fn a_name_that_is_wrong_is_told_before_data_that_is() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let data = BTreeMap::from([((1, 2), 3)]);
    let now = harness.now;
    let mut refused =
        |channel, event| harness.session.trigger(channel, event, &data, now).unwrap_err();
    assert!(matches!(refused("private-x", "e"), CommandError::EventName { .. }));
    assert!(matches!(refused("private-y", "client-e"), CommandError::NotSubscribed { .. }));
    assert!(matches!(refused("private-x", "client-e"), CommandError::Data { .. }));
}
