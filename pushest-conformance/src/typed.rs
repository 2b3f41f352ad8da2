//! Receivers of values: of one name's events, and of a whole channel. Nothing is lost without being
//! told, whatever a server sends.

use std::fmt::Debug;

use pushest_driver::proto::{
    Config, ConnectionState, Event, Loss, PresenceChange, SubscribeOptions,
};
use pushest_driver::{ChannelEvent, Options, Received};
use pushest_testkit::{Server, Target};
use serde::Deserialize;
use serde_json::Value;

use crate::Waits;
use crate::receivers::{PATIENCE, ReceiveTyped, Receives, config, connected};

#[derive(Debug, PartialEq, Deserialize)]
struct Order {
    id: u64,
}

#[derive(Debug, PartialEq, Deserialize)]
enum News {
    #[serde(rename = r"App\Events\OrderShipped")]
    Shipped { id: u64 },
    #[serde(rename = "headline")]
    Headline(String),
    #[serde(rename = "number")]
    Number(u64),
    #[serde(rename = "size")]
    Size(u8, u8),
    #[serde(rename = "sale-begins")]
    SaleBegins,
}

use News::{Headline, Number, SaleBegins, Shipped, Size};

#[track_caller]
fn next<T>(receive: &mut ReceiveTyped<T>) -> Received<T> {
    receive(PATIENCE).expect("an item in time").expect("it has not ended")
}

#[track_caller]
fn value<T: Debug>(receive: &mut ReceiveTyped<T>) -> (T, ChannelEvent) {
    match next(receive) {
        Received::Value { value, event } => (value, event),
        other => panic!("a value; {other:?}"),
    }
}

/// The confirmation, which every receiver of a channel is told.
#[track_caller]
fn confirmed<T: Debug>(receive: &mut ReceiveTyped<T>) {
    match next(receive) {
        Received::Other(Event::Subscribed { .. }) => {}
        other => panic!("the confirmation; {other:?}"),
    }
}

#[track_caller]
fn ends<T: Debug>(receive: &mut ReceiveTyped<T>, state: ConnectionState) {
    match next(receive) {
        Received::Ended(change) => assert_eq!(change.to, state),
        other => panic!("the end; {other:?}"),
    }
    for _ in 0..2 {
        assert!(matches!(receive(PATIENCE), Ok(None)), "the end stays");
    }
}

/// A client that does not connect before all of its receivers are there: one that comes when the channel is
/// confirmed already hears nothing of that.
fn disconnected<W: Receives>(server: &Server) -> W {
    W::start(config(server), Options::default().start_disconnected())
}

/// A client, and a receiver that is subscribed to `news`.
fn subscribed<W: Receives, T: Debug>(
    server: &Server,
    receiver: impl FnOnce(&W) -> ReceiveTyped<T>,
) -> (W, ReceiveTyped<T>) {
    let client = connected::<W>(server);
    let mut receive = receiver(&client);
    confirmed(&mut receive);
    (client, receive)
}

#[doc(hidden)]
pub fn values_of_one_name_come_with_their_events_and_others_do_not<W: Receives>() {
    let server = Server::start().expect("a server");
    let name = r"App\Events\OrderShipped";
    let (_client, mut shipped) = subscribed::<W, Order>(&server, |client| client.on("news", name));
    server.publish("news", "OrderShipped", r#"{"id":1}"#);
    server.publish("news", name, r#"{"id":2}"#);
    let (order, event) = value(&mut shipped);
    assert_eq!(order, Order { id: 2 });
    assert_eq!((event.name(), event.channel().as_str()), (name, "news"));
    assert_eq!(event.text(), r#"{"id":2}"#);
    // An object that is no string inside, as some servers send it.
    let object = r#"{"event":"App\\Events\\OrderShipped","channel":"news","data":{"id":3}}"#;
    server.send_raw(Target::All, object);
    assert_eq!(value(&mut shipped).0, Order { id: 3 });
}

#[doc(hidden)]
pub fn text_is_a_string_and_no_data_is_nothing<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = disconnected::<W>(&server);
    let mut texts: ReceiveTyped<String> = client.on("news", "headline");
    let mut options: ReceiveTyped<Option<u8>> = client.on("news", "maybe");
    client.commands().connect();
    client.subscribed("news", PATIENCE).expect("subscribed");
    confirmed(&mut texts);
    confirmed(&mut options);
    for text in ["rain at 8", "12", "", "{\"id\":7}"] {
        server.publish("news", "headline", text);
        assert_eq!(value(&mut texts).0, text);
    }
    server.send_raw(Target::All, r#"{"event":"maybe","channel":"news"}"#);
    assert_eq!(value(&mut options).0, None);
    server.publish("news", "maybe", "7");
    assert_eq!(value(&mut options).0, Some(7));
}

#[doc(hidden)]
pub fn data_that_does_not_fit_is_told_with_its_event_and_costs_no_other<W: Receives>() {
    let server = Server::start().expect("a server");
    let (_client, mut shipped) =
        subscribed::<W, Order>(&server, |client| client.on("news", "shipped"));
    let long = format!("\u{1b}[31m{}", "x".repeat(5_000));
    for data in ["no order", r#"{"id":-1}"#, r#"{"id":1e400}"#, &long] {
        server.publish("news", "shipped", data);
        server.publish("news", "shipped", r#"{"id":7}"#);
        let Received::Undecodable(error) = next(&mut shipped) else { panic!("{data:.20}") };
        assert_eq!(error.event().text(), data);
        let text = error.to_string();
        assert!(text.starts_with("the data of shipped on news "), "{text}");
        assert!(text.len() < 1_000 && !text.contains('\u{1b}'), "{text}");
        let source = std::error::Error::source(&error).expect("what serde said");
        assert!(source.is::<serde_json::Error>());
        assert_eq!(error.into_event().name(), "shipped");
        assert_eq!(value(&mut shipped).0.id, 7);
    }
}

#[doc(hidden)]
pub fn a_channel_is_an_enum_by_the_names_of_its_events_and_unknown_ones_stand_apart<W: Receives>() {
    let server = Server::start().expect("a server");
    let (_client, mut news) = subscribed::<W, News>(&server, |client| client.messages("news"));
    for (name, data, expected) in [
        (r"App\Events\OrderShipped", r#"{"id":7}"#, Shipped { id: 7 }),
        ("headline", "rain", Headline("rain".into())),
        ("number", "12", Number(12)),
        ("size", "[3,4]", Size(3, 4)),
        ("sale-begins", "", SaleBegins),
        ("sale-begins", "{}", SaleBegins),
    ] {
        server.publish("news", name, data);
        let (variant, event) = value(&mut news);
        assert_eq!((variant, event.name()), (expected, name));
    }
    for name in ["Headline", "pusher:something_new", "client-moved", "\u{7}"] {
        let name_json = Value::from(name);
        let message = format!(r#"{{"event":{name_json},"channel":"news","data":"7"}}"#);
        server.send_raw(Target::All, &message);
        let Received::Unknown(event) = next(&mut news) else { panic!("{name}") };
        assert_eq!((event.name(), &*event.text()), (name, "7"));
    }
    server.publish("news", "number", "many");
    let Received::Undecodable(error) = next(&mut news) else { panic!("many is no number") };
    assert_eq!((error.event().name(), &*error.event().text()), ("number", "many"));
}

#[doc(hidden)]
pub fn whatever_is_sent_is_one_item_in_its_place_and_the_connection_lives<W: Receives>() {
    let server = Server::start().expect("a server");
    let (client, mut news) = subscribed::<W, News>(&server, |client| client.messages("news"));
    let socket_id = client.commands().status().socket_id;
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep_text = Value::from(&*deep).to_string();
    for (number, data) in [
        "null",
        "7.5",
        "1e999",
        "-0",
        "[]",
        "{}",
        r#""\ud800""#,
        r#""\q""#,
        "\"a\tb\"",
        r#""[1,}""#,
        r#"{"a":}"#,
        &deep,
        &deep_text,
        "99999999999999999999999999",
    ]
    .into_iter()
    .enumerate()
    {
        let message = format!(r#"{{"event":"number","channel":"news","data":{data}}}"#);
        server.send_raw(Target::All, &message);
        server.publish("news", "headline", &number.to_string());
        let item = next(&mut news);
        let Received::Undecodable(error) = item else { panic!("{data:.40}: {item:.200?}") };
        assert_eq!(error.event().raw(), data);
        assert_eq!(value(&mut news).0, Headline(number.to_string()));
    }
    // What is no message at all, and still names the channel.
    server.send_raw(
        Target::All,
        r#"{"event":"pusher_internal:subscription_count","channel":"news","data":[]}"#,
    );
    let item = next(&mut news);
    assert!(matches!(item, Received::Unreadable(Event::Malformed { .. })), "{item:?}");
    assert_eq!(client.commands().status().socket_id, socket_id);
}

#[doc(hidden)]
pub fn a_gap_stands_between_values_where_the_connection_was_lost<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = disconnected::<W>(&server);
    let mut number: ReceiveTyped<u64> = client.on("news", "number");
    let mut news: ReceiveTyped<News> = client.messages("news");
    client.commands().connect();
    client.subscribed("news", PATIENCE).expect("subscribed");
    confirmed(&mut number);
    confirmed(&mut news);
    server.publish("news", "number", "1");
    value(&mut number);
    value(&mut news);
    server.close(Target::All, 4200, "restart");
    let is_restart = |cause: &Loss| cause == &Loss::closed(Some(4200), "restart");
    confirmed(&mut number);
    confirmed(&mut news);
    let item = next(&mut number);
    let Received::Gap { cause, since, .. } = item else { panic!("{item:?}") };
    assert!(is_restart(&cause) && since.is_some(), "{cause:?} {since:?}");
    let item = next(&mut news);
    assert!(matches!(&item, Received::Gap { cause, .. } if is_restart(cause)), "{item:?}");
    server.publish("news", "number", "2");
    assert_eq!((value(&mut number).0, value(&mut news).0), (2, Number(2)));
}

#[doc(hidden)]
pub fn who_is_slow_is_told_how_many_are_gone<W: Receives>() {
    let server = Server::start().expect("a server");
    let options = Options::default().queue(5, 1024 * 1024).start_disconnected();
    let mut client = W::start(config(&server), options);
    client.commands().connect();
    let mut number: ReceiveTyped<u64> = client.on("news", "number");
    client.subscribed("news", PATIENCE).expect("subscribed");
    confirmed(&mut number);
    for count in 0..20 {
        server.publish("news", "number", &count.to_string());
        // What is not wanted costs nothing that is.
        server.publish("news", "other", "");
    }
    client.flush(PATIENCE).expect("flushed");
    let item = next(&mut number);
    assert!(matches!(item, Received::Lagged { dropped: 15 }), "{item:?}");
    for count in 15..20 {
        assert_eq!(value(&mut number).0, count);
    }
}

#[doc(hidden)]
pub fn a_refused_subscription_is_told_as_a_failure<W: Receives>() {
    let server = Server::start().expect("a server");
    let wrong = Config::builder(&server.app().key).secret("a wrong secret");
    let wrong = wrong.host("127.0.0.1").port(server.port()).build().expect("valid");
    let mut client = W::start(wrong, Options::default().start_disconnected());
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    let mut number: ReceiveTyped<u64> = client.on("private-orders", "number");
    let mut news: ReceiveTyped<News> = client.messages("private-orders");
    client.subscribed("private-orders", PATIENCE).expect_err("it is refused");
    is_refused(&mut number);
    is_refused(&mut news);
}

/// First what the server said, and then what that means for the subscription.
fn is_refused<T: Debug>(receive: &mut ReceiveTyped<T>) {
    let item = next(receive);
    assert!(matches!(&item, Received::Other(Event::ServerError(_))), "{item:?}");
    match next(receive) {
        Received::Failed { reason, retry_in: None } => {
            assert!(reason.to_string().contains("4009"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[doc(hidden)]
pub fn they_end_and_tell_why<W: Receives>() {
    for refused in [false, true] {
        let server = Server::start().expect("a server");
        let mut client = disconnected::<W>(&server);
        let mut number: ReceiveTyped<u64> = client.on("news", "number");
        let mut news: ReceiveTyped<News> = client.messages("news");
        client.commands().connect();
        client.subscribed("news", PATIENCE).expect("subscribed");
        confirmed(&mut number);
        confirmed(&mut news);
        let state = if refused {
            server.close(Target::All, 4003, "disabled");
            ConnectionState::Refused
        } else {
            client.shutdown(PATIENCE).expect("closed");
            ConnectionState::Disconnected
        };
        ends(&mut number, state);
        ends(&mut news, state);
    }
}

#[doc(hidden)]
pub fn members_come_with_a_channels_messages_and_not_with_values_of_one_name<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = disconnected::<W>(&server);
    let mut typing: ReceiveTyped<u64> = client.on("presence-room", "client-typing");
    let mut room: ReceiveTyped<News> = client.messages("presence-room");
    client.commands().connect();
    client.subscribed("presence-room", PATIENCE).expect("subscribed");
    let mut other = connected::<W>(&server);
    let bob = SubscribeOptions::member("bob");
    Waits::subscribe(&mut other, "presence-room", &bob).expect("a good name");
    other.subscribed("presence-room", PATIENCE).expect("subscribed");
    other.commands().trigger("presence-room", "client-typing", &7).expect("subscribed");
    let mut joined = || loop {
        match next(&mut room) {
            Received::Other(Event::Presence(update)) => break update.change,
            Received::Other(_) => {}
            other => panic!("{other:?}"),
        }
    };
    let first = joined();
    assert!(matches!(first, PresenceChange::Reset { .. }), "{first:?}");
    let second = joined();
    let is_bob = matches!(&second, PresenceChange::Joined(member) if member.id() == "bob");
    assert!(is_bob, "{second:?}");
    // The sender is known, too.
    confirmed(&mut typing);
    let (number, event) = value(&mut typing);
    assert_eq!((number, event.user_id().as_deref()), (7, Some("bob")));
}

#[doc(hidden)]
pub fn a_cache_without_an_event_is_told<W: Receives>() {
    let server = Server::start().expect("a server");
    let client = connected::<W>(&server);
    let mut price: ReceiveTyped<u64> = client.on("cache-prices", "price");
    confirmed(&mut price);
    let item = next(&mut price);
    assert!(matches!(item, Received::Other(Event::CacheMiss { .. })), "{item:?}");
}

/// Makes a test of each of these, for a client that [`Receives`](trait@crate::receivers::Receives).
#[macro_export]
macro_rules! typed_events {
    ($waits:ty) => {
        $crate::typed_events! { $waits,
            values_of_one_name_come_with_their_events_and_others_do_not
            text_is_a_string_and_no_data_is_nothing
            data_that_does_not_fit_is_told_with_its_event_and_costs_no_other
            a_channel_is_an_enum_by_the_names_of_its_events_and_unknown_ones_stand_apart
            whatever_is_sent_is_one_item_in_its_place_and_the_connection_lives
            a_gap_stands_between_values_where_the_connection_was_lost
            who_is_slow_is_told_how_many_are_gone
            a_refused_subscription_is_told_as_a_failure
            they_end_and_tell_why
            members_come_with_a_channels_messages_and_not_with_values_of_one_name
            a_cache_without_an_event_is_told
        }
    };
    ($waits:ty, $($name:ident)*) => {$(
        #[test]
        fn $name() {
            $crate::typed::$name::<$waits>();
        }
    )*};
}
