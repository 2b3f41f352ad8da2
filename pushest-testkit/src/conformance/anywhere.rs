//! What needs nothing but a server of the protocol: the same scenarios run against the server in
//! the process and against real ones.

use std::time::Duration;

use pushest_proto::{
    ChannelState, CommandError, ConnectionState, Event, Loss, PresenceChange, SubscribeOptions,
};
use serde_json::json;

use super::driver::{Driver, DriverClient, Unmet};
use super::encrypted::{CHANNEL, MASTER_KEY, SEALED};
use super::patience::{Expect, PATIENCE, connected, started, unique};
use super::remote::Remote;

pub fn connects_and_names_its_socket<D: Driver>(remote: &Remote) {
    let mut client = started::<D>(remote.config());
    let socket_id = client.must_connect();
    let status = client.status();
    assert_eq!(status.state, ConnectionState::Connected);
    assert_eq!(status.socket_id, Some(socket_id));
    assert_eq!(status.attempt, 1);
}

pub fn receives_what_the_app_publishes_on_a_public_channel<D: Driver>(remote: &Remote) {
    let mut client = connected::<D>(remote.config());
    let channel = unique("news");
    client.must_subscribe(&channel);
    remote.publish(&channel, "headline", r#"{"text":"Überall Regen \"heute\""}"#);
    assert_eq!(client.next_text("headline"), r#"{"text":"Überall Regen \"heute\""}"#);
    remote.publish(&channel, r"App\Events\OrderShipped", "7");
    assert_eq!(client.next_text(r"App\Events\OrderShipped"), "7");
}

pub fn empty_data_arrives<D: Driver>(remote: &Remote) {
    let mut client = connected::<D>(remote.config());
    let channel = unique("nothing");
    client.must_subscribe(&channel);
    remote.publish(&channel, "empty", "");
    assert_eq!(client.next_text("empty"), "");
}

pub fn gets_nothing_of_a_channel_that_it_left<D: Driver>(remote: &Remote) {
    let mut client = connected::<D>(remote.config());
    let (left, kept) = (unique("left"), unique("kept"));
    client.must_subscribe(&left);
    client.must_subscribe(&kept);
    client.unsubscribe(&left).expect("it is wanted");
    assert_eq!(client.channel_state(&left), None);
    client.must_flush();
    remote.publish(&left, "lost", "7");
    remote.publish(&kept, "found", "7");
    let name = client.wait_for(|event| match event {
        Event::Channel(event) => Some(event.name().to_owned()),
        _ => None,
    });
    assert_eq!(name, "found");
}

pub fn client_events_go_to_the_others_on_a_private_channel<D: Driver>(remote: &Remote) {
    let [mut ann, mut bob] = [(); 2].map(|()| connected::<D>(remote.config()));
    let channel = unique("private-chat");
    ann.must_subscribe(&channel);
    bob.must_subscribe(&channel);
    ann.trigger(&channel, "client-hello", &json!({ "from": "Ann" })).expect("sent");
    ann.must_flush();
    let data: serde_json::Value = bob.next_of(&channel).json().expect("JSON");
    assert_eq!(data["from"], "Ann");
    // The sender does not get its own: the next that Ann hears is Bob's answer.
    bob.trigger(&channel, "client-answer", &json!(["hello", "Ann"])).expect("sent");
    bob.must_flush();
    assert_eq!(ann.next_of(&channel).name(), "client-answer");
}

pub fn members_come_and_go<D: Driver>(remote: &Remote) {
    let channel = unique("presence-room");
    let member = |id: &str, name: &str| {
        SubscribeOptions::member(id).info(&format!(r#"{{"name":"{name}"}}"#))
    };
    let mut ann = connected::<D>(remote.config());
    ann.must_subscribe_as(&channel, &member("1", "Ann"));
    assert_eq!(ann.me(&channel).map(|me| me.id().to_owned()).as_deref(), Some("1"));
    assert_eq!(ann.members(&channel).len(), 1);

    let mut bob = connected::<D>(remote.config());
    bob.must_subscribe_as(&channel, &member("2", "Bob"));
    let joined = ann.wait_for(|event| match event {
        Event::Presence(update) => match &update.change {
            PresenceChange::Joined(member) => Some(member.clone()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(joined.id(), "2");
    assert_eq!(joined.info::<serde_json::Value>().expect("JSON")["name"], "Bob");
    for client in [&ann, &bob] {
        let members = client.members(&channel);
        let mut ids: Vec<_> = members.iter().map(|member| member.id()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["1", "2"]);
    }

    bob.shutdown(PATIENCE).expect("closed");
    let left = ann.wait_for(|event| match event {
        Event::Presence(update) => match &update.change {
            PresenceChange::Left(member) => Some(member.id().to_owned()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(left, "2");
    assert_eq!(ann.members(&channel).len(), 1);
}

pub fn a_wrong_secret_fails_visibly_and_other_channels_go_on<D: Driver>(remote: &Remote) {
    let config = remote.builder().secret("not-the-secret").build().expect("valid");
    let mut client = connected::<D>(config);
    let (public, private) = (unique("news"), unique("private-orders"));
    client.must_subscribe(&public);
    client.want(&private);
    let Err(Unmet::Failed(error)) = client.subscribed(&private, PATIENCE) else {
        panic!("it is refused")
    };
    assert!(error.contains(&private) && error.contains("the server refused"), "{error}");
    assert_eq!(client.channel_state(&private), Some(ChannelState::Failed));
    remote.publish(&public, "headline", "still here");
    assert_eq!(client.next_text("headline"), "still here");
}

pub fn flush_tells_when_the_server_has_read_everything<D: Driver>(remote: &Remote) {
    let [mut ann, mut bob] = [(); 2].map(|()| connected::<D>(remote.config()));
    let channel = unique("private-chat");
    bob.must_subscribe(&channel);
    ann.must_subscribe(&channel);
    for number in 0..5 {
        ann.trigger(&channel, "client-number", &json!(number)).expect("sent");
    }
    assert!(ann.must_flush() > Duration::ZERO);
    for number in 0..5 {
        assert_eq!(bob.next_text("client-number"), number.to_string());
    }
}

pub fn what_cannot_be_triggered_is_refused_and_nothing_sent<D: Driver>(remote: &Remote) {
    let mut client = connected::<D>(remote.config());
    let (public, private) = (unique("news"), unique("private-chat"));
    client.must_subscribe(&public);
    let refused = client.trigger(&private, "client-x", &json!(1)).expect_err("not subscribed");
    assert!(matches!(refused, CommandError::NotSubscribed { .. }), "{refused}");
    client.must_subscribe(&private);
    let refused = client.trigger(&public, "client-x", &json!(1)).expect_err("a public channel");
    assert!(matches!(refused, CommandError::NoClientEvents { .. }), "{refused}");
    let refused = client.trigger(&private, "x", &json!(1)).expect_err("not a client event");
    assert!(matches!(refused, CommandError::EventName { .. }), "{refused}");
    let large = json!("x".repeat(20_000));
    let refused = client.trigger(&private, "client-x", &large).expect_err("too large");
    assert!(matches!(refused, CommandError::TooLarge { limit: 10_240, .. }), "{refused}");
    // The connection is as it was.
    client.must_flush();
}

pub fn disconnect_stays_so_until_connect_and_then_everything_is_back<D: Driver>(remote: &Remote) {
    let mut client = connected::<D>(remote.config());
    let (public, room) = (unique("news"), unique("presence-room"));
    client.must_subscribe(&public);
    client.must_subscribe_as(&room, &SubscribeOptions::member("1"));
    let first = client.status().socket_id;

    client.disconnect();
    client.next_state(ConnectionState::Disconnected);
    assert!(matches!(client.connected(PATIENCE), Err(Unmet::Failed(_))), "disconnected sticks");
    let refused = client.trigger(&room, "client-x", &json!(1)).expect_err("no connection");
    let state = ConnectionState::Disconnected;
    assert_eq!(refused, CommandError::NotConnected { state });

    client.connect();
    client.must_connect();
    client.must_be_subscribed(&public);
    client.must_be_subscribed(&room);
    assert_ne!(client.status().socket_id, first);
    assert_eq!(client.next_gap(&public), Loss::Disconnected);
    remote.publish(&public, "headline", "again");
    assert_eq!(client.next_text("headline"), "again");
    assert_eq!(client.members(&room).len(), 1);
}

pub fn another_endpoint_takes_the_channels_along<D: Driver>(remote: &Remote) {
    // The same server under its name instead of its address.
    let mut client = connected::<D>(remote.config());
    let channel = unique("private-orders");
    client.must_subscribe(&channel);
    let endpoint = remote.builder().host("localhost").build();
    client.set_endpoint(endpoint.expect("valid").endpoint().clone());
    assert_eq!(client.next_gap(&channel), Loss::EndpointChanged);
    remote.publish(&channel, "order", "1");
    assert_eq!(client.next_text("order"), "1");
}

pub fn subscriptions_made_before_and_while_connecting_come_about<D: Driver>(remote: &Remote) {
    let mut client = D::client(remote.config(), super::Settings::default());
    let (first, second) = (unique("news"), unique("private-orders"));
    client.want(&first);
    assert_eq!(client.status().state, ConnectionState::Disconnected);
    client.connect();
    client.want(&second);
    client.must_be_subscribed(&first);
    client.must_be_subscribed(&second);
    // Again from scratch, while one is on its way out.
    client.unsubscribe(&first).expect("it is wanted");
    client.must_subscribe(&first);
    remote.publish(&first, "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
}

pub fn the_master_key_opens_what_was_sealed<D: Driver>(remote: &Remote) {
    let config = remote.signing().master_key(MASTER_KEY).build().expect("valid");
    let mut client = connected::<D>(config);
    client.must_subscribe(CHANNEL);
    remote.publish(CHANNEL, "order", SEALED);
    let event = client.next_of(CHANNEL);
    assert!(event.was_encrypted());
    assert_eq!(event.text(), r#"{"id":7}"#);
    let refused = client.trigger(CHANNEL, "client-order", &json!(1)).expect_err("encrypted");
    assert!(matches!(refused, CommandError::NoClientEvents { .. }), "{refused}");
    client.unsubscribe(CHANNEL).expect("it is wanted");
    client.must_flush();
}
