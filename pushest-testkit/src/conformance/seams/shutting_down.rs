//! A pause, a shutdown, a refusal for good and a drain, as a receiver of everything sees them.

use std::time::{Duration, Instant};

use pushest_proto::{ConnectionState, Event, Loss, StateChange};
use serde_json::json;

use super::super::driver::{Driver, DriverClient, Unmet};
use super::super::patience::{Expect, PATIENCE, connected, started};
use super::super::{Remote, in_process};
use crate::{Server, Target};

/// Long enough for what is not to come.
const MOMENT: Duration = Duration::from_millis(200);

/// Returns everything that the receiver has, up to its end, and the change of state that is the
/// last.
fn rest(client: &mut impl DriverClient) -> (Vec<Event>, StateChange) {
    let mut events = Vec::new();
    while let Some(event) = client.recv_or_end(PATIENCE).expect("an event or the end in time") {
        events.push(event);
    }
    match events.pop() {
        Some(Event::State(change)) => (events, change),
        last => panic!("the last event says why it ended; {last:?} after {events:#?}"),
    }
}

/// Returns the texts of the events that the channel carried.
fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| match event {
        Event::Channel(event) => Some(event.text().into_owned()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// It has ended, wants nothing, and says so; and it begins without a channel when it is connected.
fn begins_anew(client: &mut impl DriverClient, server: &Server) {
    assert!(matches!(client.recv_or_end(MOMENT), Ok(None)), "the end stays");
    assert_eq!(client.channel_state("news"), None);
    let refused = client.subscribe("news", &Default::default()).expect_err("it is closed");
    assert!(refused.contains("closed until `connect`"), "{refused}");
    client.connect();
    client.must_connect();
    client.must_flush();
    assert_eq!((client.channel_state("news"), server.subscribers("news")), (None, 0));
    client.must_subscribe("news");
    assert_eq!(server.subscribers("news"), 1);
}

pub fn a_shutdown_ends_receiving_after_it_was_told_and_connect_begins_without_a_channel<
    D: Driver,
>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    client.must_subscribe("private-orders");
    server.publish("news", "headline", "before");
    client.must_flush();
    client.shutdown(PATIENCE).expect("closed");
    let (events, last) = rest(&mut client);
    assert_eq!(texts(&events), ["before"]);
    assert_eq!((last.from, last.to), (ConnectionState::Connected, ConnectionState::Disconnected));
    assert_eq!(client.channel_state("private-orders"), None);
    begins_anew(&mut client, &server);
}

pub fn a_refusal_for_good_ends_receiving_after_its_words_and_connect_begins_without_a_channel<
    D: Driver,
>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    server.close(Target::All, 4003, "disabled");
    let (_, last) = rest(&mut client);
    assert_eq!(last.to, ConnectionState::Refused);
    assert_eq!(last.loss.as_deref(), Some(&Loss::closed(Some(4003), "disabled")));
    begins_anew(&mut client, &server);
}

pub fn a_refusal_of_the_first_dial_ends_receiving_too<D: Driver>() {
    let (remote, server) = in_process();
    server.refuse_connections(Some((4001, "unknown key")));
    let mut client = D::client(remote.config(), Default::default());
    client.want("news");
    client.connect();
    let (_, last) = rest(&mut client);
    assert_eq!(last.loss.as_ref().and_then(|loss| loss.close_code()), Some(4001));
    let refused = client.subscribe("other", &Default::default()).expect_err("it is closed");
    assert!(refused.contains("4001") && refused.contains("unknown key"), "{refused}");
    server.refuse_connections(None);
    begins_anew(&mut client, &server);
}

pub fn a_disconnect_pauses_receiving_and_channels_until_connect<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    client.disconnect();
    client.next_state(ConnectionState::Disconnected);
    let paused = client.recv_or_end(MOMENT);
    assert!(matches!(paused, Err(Unmet::TimedOut)), "it has not ended: {paused:?}");
    assert!(client.channel_state("news").is_some());
    client.want("later");
    client.connect();
    client.must_be_subscribed("news");
    client.must_be_subscribed("later");
    server.publish("news", "headline", "after");
    assert_eq!(client.next_text("headline"), "after");
}

pub fn a_shutdown_of_a_client_that_is_paused_ends_receiving<D: Driver>() {
    let (remote, _server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.want("news");
    client.disconnect();
    client.shutdown(PATIENCE).expect("closed");
    let (_, last) = rest(&mut client);
    assert_eq!(last.to, ConnectionState::Disconnected);
    assert_eq!(client.channel_state("news"), None);
}

pub fn a_shutdown_before_any_connection_ends_receiving<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = D::client(remote.config(), Default::default());
    client.want("news");
    client.shutdown(PATIENCE).expect("closed");
    let ended = client.recv_or_end(PATIENCE);
    assert!(matches!(ended, Ok(None)), "{ended:?}");
    begins_anew(&mut client, &server);
}

pub fn a_connect_right_after_a_shutdown_begins_without_a_channel<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    let _ = client.shutdown(Duration::ZERO);
    client.connect();
    client.want("other");
    client.must_connect();
    client.must_be_subscribed("other");
    assert_eq!((client.channel_state("news"), server.subscribers("news")), (None, 0));
}

pub fn a_drain_flushes_what_was_triggered_and_gives_receivers_nothing_new<D: Driver>() {
    let server = Server::builder().record(true).start().expect("a server on a free port");
    let mut client = connected::<D>(Remote::of(&server).signing().build().expect("valid"));
    client.must_subscribe("private-chat");
    for number in 0..3 {
        server.publish("private-chat", "number", &number.to_string());
    }
    client.must_flush();
    client.trigger("private-chat", "client-last", &json!("words")).expect("it is taken");
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Where there is a thread, the client reads while it drains.
            std::thread::sleep(MOMENT / 2);
            server.publish("private-chat", "number", "late");
        });
        let left = client.drain(MOMENT);
        let (events, last) = rest(&mut client);
        assert_eq!(texts(&events), ["0", "1", "2"]);
        assert_eq!(left, events.len(), "all were left, and can still be received");
        assert_eq!(last.to, ConnectionState::Disconnected);
    });
    assert!(begun.elapsed() < PATIENCE);
    let triggered = server.received().iter().any(|message| message.contains("client-last"));
    assert!(triggered, "what was triggered has arrived");
    assert_eq!(client.channel_state("private-chat"), None);
}

pub fn a_drain_with_nothing_left_to_receive_ends_as_soon_as_all_has_arrived<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    server.publish("news", "headline", "last");
    assert_eq!(client.next_text("headline"), "last");
    let begun = Instant::now();
    assert_eq!(client.drain(10 * PATIENCE), 0);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert_eq!(client.status().state, ConnectionState::Disconnected);
    rest(&mut client);
    assert_eq!(client.drain(10 * PATIENCE), 0, "there is nothing to drain");
}

pub fn a_drain_ends_after_its_limit_though_the_server_answers_nothing<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    while client.recv_or_end(MOMENT).is_ok() {}
    server.stop_reading(Target::All);
    server.stop_answering(Target::All);
    let begun = Instant::now();
    assert_eq!(client.drain(2 * MOMENT), 0);
    let waited = begun.elapsed();
    assert!(waited >= 2 * MOMENT && waited < PATIENCE, "{waited:?}");
    assert_eq!(client.status().state, ConnectionState::Disconnected);
}

pub fn a_drain_does_not_wait_for_a_connection_that_is_away<D: Driver>() {
    let (remote, server) = in_process();
    server.refuse_connections(Some((4100, "Over capacity")));
    let mut client = started::<D>(remote.config());
    client.next_state(ConnectionState::Waiting);
    let begun = Instant::now();
    assert_eq!(client.drain(10 * PATIENCE), 0);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let (_, last) = rest(&mut client);
    assert_eq!(last.to, ConnectionState::Disconnected);
}
