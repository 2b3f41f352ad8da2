//! Losses, and what comes after them.

use std::time::Duration;

use pushest_proto::{Config, ConnectionState, Event, Loss, PresenceChange, SubscribeOptions};

use super::driver::{Driver, DriverClient, Settings, Unmet};
use super::in_process;
use super::patience::{Expect, PATIENCE, connected, eventually, started_with};
use crate::{Target, UpgradeFault};

pub fn after_each_kind_of_loss_it_is_back_and_says_that_there_was_a_gap<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    client.must_subscribe_as("presence-room", &SubscribeOptions::member("1"));
    let mut lose = |lose: &dyn Fn()| {
        lose();
        let cause = client.next_gap("news");
        assert_eq!(client.next_gap("presence-room"), cause);
        client.must_be_subscribed("presence-room");
        cause
    };
    let cause = lose(&|| server.close(Target::All, 4200, "generic"));
    assert_eq!(cause, Loss::closed(Some(4200), "generic"));
    let cause = lose(&|| server.drop_connections(Target::All));
    assert!(matches!(cause, Loss::Reset(_)), "{cause:?}");
    let cause = lose(&|| server.reset_connections(Target::All));
    assert!(matches!(cause, Loss::Reset(_)), "{cause:?}");
    let cause = lose(&|| server.close(Target::All, 1001, ""));
    assert_eq!(cause, Loss::closed(Some(1001), ""));

    server.publish("news", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
    assert_eq!(server.members("presence-room"), ["1"]);
    assert_eq!(client.statistics().reconnects, 4);
}

pub fn a_gap_stands_between_its_subscribed_and_all_else_of_the_channel<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    client.must_subscribe_as("presence-room", &SubscribeOptions::member("1"));
    // The first time there is no gap.
    let what_comes = |client: &mut D::Client, channel: &str| {
        let mut told = Vec::new();
        while told.last() != Some(&"end") {
            let of_channel = |event: &Event| event.channel().is_some_and(|name| name == channel);
            told.push(match client.next() {
                event if !of_channel(&event) => continue,
                Event::Subscribed { .. } => "subscribed",
                Event::Gap { cause, silent_for, .. } => {
                    assert!(matches!(*cause, Loss::Reset(_)), "{cause:?}");
                    assert!(silent_for > Duration::ZERO);
                    "gap"
                }
                Event::Presence(update) => match update.change {
                    PresenceChange::Reset { .. } => "reset",
                    other => panic!("{other:?}"),
                },
                Event::Channel(event) if event.name() == "end" => "end",
                Event::Channel(_) => "event",
                other => panic!("{other:?}"),
            });
        }
        told
    };
    server.publish("presence-room", "end", "");
    assert_eq!(what_comes(&mut client, "presence-room"), ["subscribed", "reset", "end"]);
    server.publish("news", "end", "");
    assert_eq!(what_comes(&mut client, "news"), ["end"]);
    server.drop_connections(Target::All);
    client.until("both", |_| {
        server.subscribers("news") == 1 && server.subscribers("presence-room") == 1
    });
    server.publish("presence-room", "topic", "");
    server.publish("presence-room", "end", "");
    let told = what_comes(&mut client, "presence-room");
    assert_eq!(told, ["subscribed", "gap", "reset", "event", "end"]);
    server.drop_connections(Target::All);
    client.until("the channel", |_| server.subscribers("news") == 1);
    server.publish("news", "headline", "");
    server.publish("news", "end", "");
    // The gap of the first loss was passed over above.
    assert_eq!(what_comes(&mut client, "news"), ["subscribed", "gap", "event", "end"]);
}

pub fn a_thousand_channels_are_back_after_a_loss<D: Driver>() {
    let (remote, server) = in_process();
    let settings = Settings::default().queue_events(10_000);
    let mut client = started_with::<D>(remote.config(), settings);
    let names: Vec<String> = (0..1_000).map(|number| format!("private-{number}")).collect();
    for name in &names {
        client.want(name);
    }
    for name in &names {
        client.must_be_subscribed(name);
    }
    server.drop_connections(Target::All);
    let mut gone: std::collections::BTreeSet<&str> = names.iter().map(String::as_str).collect();
    while !gone.is_empty() {
        let name = client.wait_for(|event| match event {
            Event::Gap { channel, .. } => Some(channel.to_string()),
            Event::Lagged { dropped: events } => panic!("{events} events are gone"),
            _ => None,
        });
        assert!(gone.remove(name.as_str()), "{name} had its gap before");
    }
    assert!(names.iter().all(|name| server.subscribers(name) == 1));
}

pub fn what_is_changed_while_it_is_away_holds_when_it_is_back<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("left");
    client.must_subscribe("kept");
    server.fault_upgrades(usize::MAX, UpgradeFault::status(503, &[]));
    server.drop_connections(Target::All);
    client.next_state(ConnectionState::Waiting);
    client.unsubscribe("left").expect("it is wanted");
    client.want("new");
    server.heal_upgrades();
    client.connect();
    client.must_be_subscribed("kept");
    client.must_be_subscribed("new");
    client.must_flush();
    let subscribers = ["left", "kept", "new"].map(|channel| server.subscribers(channel));
    assert_eq!(subscribers, [0, 1, 1]);
}

pub fn another_server_takes_over_channels_and_sign_in<D: Driver>() {
    let (remote, first) = in_process();
    let second = super::server();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("private-orders");
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    client.signed_in(PATIENCE).expect("signed in");
    let endpoint = Config::builder("app-key").host("127.0.0.1").port(second.port());
    client.set_endpoint(endpoint.build().expect("valid").endpoint().clone());
    assert_eq!(client.next_gap("private-orders"), Loss::EndpointChanged);
    assert_eq!(client.signed_in(PATIENCE).as_deref(), Ok("ann"));
    second.publish("private-orders", "order", "1");
    assert_eq!(client.next_text("order"), "1");
    client.until("the first to be left", |_| first.connections() == 0);
    // Disconnecting sticks, there as well.
    client.shutdown(PATIENCE).expect("closed");
    client.set_endpoint(remote.config().endpoint().clone());
    assert_eq!(client.status().state, ConnectionState::Disconnected);
    assert!(matches!(client.connected(PATIENCE), Err(Unmet::Failed(_))));
    eventually("nobody to be there", || first.connections() + second.connections() == 0);
}

pub fn disconnecting_in_any_state_sticks<D: Driver>() {
    let (remote, server) = in_process();
    // While it dials, while it waits for the handshake, and while it waits for the next attempt.
    let faults: [&dyn Fn(); 3] = [
        &|| server.fault_upgrades(1, UpgradeFault::Ignore),
        &|| server.withhold_handshake(true),
        &|| server.fault_upgrades(1, UpgradeFault::status(503, &[("Retry-After", "60")])),
    ];
    let mut client = D::client(remote.config(), Settings::default());
    for fault in faults {
        fault();
        let before = server.inspect(|view| view.upgrades);
        client.connect();
        client.until("an attempt", |_| server.inspect(|view| view.upgrades) > before);
        client.sleep(Duration::from_millis(20));
        client.disconnect();
        assert_eq!(client.status().state, ConnectionState::Disconnected);
        client.sleep(Duration::from_millis(200));
        assert_eq!(server.inspect(|view| view.upgrades), before + 1);
        assert_eq!(client.status().state, ConnectionState::Disconnected);
        server.heal_upgrades();
        server.withhold_handshake(false);
    }
    client.connect();
    client.must_connect();
}
