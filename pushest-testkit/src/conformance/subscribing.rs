//! Channels: wanted, refused, left, and waited for.

use std::time::Duration;

use pushest_proto::{ChannelState, Event, RequestFailure, SubscribeOptions};

use super::driver::{Driver, DriverClient, Unmet};
use super::in_process;
use super::patience::{Expect, PATIENCE, connected, started};
use crate::Target;

pub fn a_refused_channel_says_why_and_others_are_untouched<D: Driver>() {
    let (remote, server) = in_process();
    server.deny("private-orders", "orders are closed");
    let mut client = connected::<D>(remote.config());
    client.want("private-orders");
    let Err(Unmet::Failed(error)) = client.subscribed("private-orders", PATIENCE) else {
        panic!("it is refused")
    };
    assert!(error.contains("orders are closed"), "{error}");
    let reason = client.wait_for(|event| match event {
        Event::SubscriptionFailed { channel, reason, retry_in: None } => {
            assert_eq!(channel, &"private-orders");
            Some(reason.clone())
        }
        _ => None,
    });
    let RequestFailure::Refused(error) = reason else { panic!("the server refuses: {reason:?}") };
    assert_eq!(&*error.message, "orders are closed");
    client.must_subscribe("news");

    server.allow("private-orders");
    client.retry("private-orders").expect("it is wanted");
    client.must_be_subscribed("private-orders");
    server.publish("news", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
}

pub fn subscribing_twice_is_one_subscription<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    client.must_subscribe("news");
    server.publish("news", "headline", "rain");
    server.publish("news", "end", "");
    assert_eq!(client.next_of("news").text(), "rain");
    assert_eq!(client.next_of("news").name(), "end");
    client.unsubscribe("news").expect("it is wanted");
    client.must_flush();
    assert_eq!(server.subscribers("news"), 0);
}

pub fn a_channel_that_is_left_before_it_is_confirmed_stays_left<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    server.set_delay(Duration::from_millis(100));
    client.want("news");
    client.until("the server to have it", |_| server.subscribers("news") == 1);
    client.unsubscribe("news").expect("it is wanted");
    server.set_delay(Duration::ZERO);
    client.must_flush();
    assert_eq!(server.subscribers("news"), 0);
    assert_eq!(client.channel_state("news"), None);
    server.publish("news", "headline", "rain");
    client.must_subscribe("news");
    server.publish("news", "headline", "sun");
    assert_eq!(client.next_text("headline"), "sun");
}

pub fn waiting_can_be_given_up_and_begun_again<D: Driver>() {
    let (remote, server) = in_process();
    server.withhold_handshake(true);
    let mut client = started::<D>(remote.config());
    client.want("news");
    for _ in 0..10 {
        let short = Duration::from_millis(2);
        assert_eq!(client.subscribed("news", short), Err(Unmet::TimedOut));
        assert_eq!(client.connected(short), Err(Unmet::TimedOut));
    }
    assert_ne!(client.channel_state("news"), Some(ChannelState::Subscribed));
    server.withhold_handshake(false);
    server.drop_connections(Target::All);
    client.must_be_subscribed("news");
    client.must_connect();
}

pub fn receiving_can_be_given_up_and_nothing_is_lost<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    client.wait_for(|event| matches!(event, Event::Subscribed { .. }).then_some(()));
    for number in 0..20 {
        assert!(client.recv(Duration::from_millis(1)).is_none());
        server.publish("news", "number", &number.to_string());
        assert_eq!(client.next_text("number"), number.to_string());
    }
}

pub fn what_the_user_gives_wrongly_names_the_value_and_changes_nothing<D: Driver>() {
    let (remote, _server) = in_process();
    let mut client = connected::<D>(remote.config());
    let plain = SubscribeOptions::default();
    let mut refused = |channel: &str, options: &SubscribeOptions| {
        client.subscribe(channel, options).expect_err("it is wrong")
    };
    assert!(refused("no spaces", &plain).contains("no spaces"));
    assert!(refused("presence-room", &plain).contains("presence-room"));
    let bad_info = SubscribeOptions::member("1").info("{name}");
    assert!(refused("presence-room", &bad_info).contains("{name}"));
    assert!(refused("presence-room", &SubscribeOptions::member("")).contains("\"\""));
    assert!(refused("private-encrypted-orders", &plain).contains("master key"));
    assert_eq!(client.channel_state("presence-room"), None);

    let mut keyless = started::<D>(remote.builder().build().expect("valid"));
    let error = keyless.subscribe("private-orders", &plain).expect_err("nobody authorizes");
    assert!(error.contains("private-orders"), "{error}");
    assert_eq!(keyless.channel_state("private-orders"), None);
    let error = client.unsubscribe("nowhere").expect_err("it is not wanted");
    assert!(error.to_string().contains("nowhere"), "{error}");
    let error = client.retry("nowhere").expect_err("it is not wanted");
    assert!(error.to_string().contains("nowhere"), "{error}");
    client.must_flush();
}

pub fn a_cache_channel_tells_what_it_has_or_that_it_has_nothing<D: Driver>() {
    let (remote, server) = in_process();
    let [mut early, mut late] = [(); 2].map(|()| connected::<D>(remote.config()));
    for channel in ["cache-weather", "private-cache-weather"] {
        early.want(channel);
        early.wait_for(|event| match event {
            Event::CacheMiss { channel: missed } => (*missed == *channel).then_some(()),
            Event::Channel(event) => panic!("there is nothing yet: {event:?}"),
            _ => None,
        });
        server.publish(channel, "weather", "rain");
        assert_eq!(early.next_of(channel).text(), "rain");
        late.want(channel);
        let text = late.wait_for(|event| match event {
            Event::Channel(event) => Some(event.text().into_owned()),
            Event::CacheMiss { .. } => panic!("it is cached"),
            _ => None,
        });
        assert_eq!(text, "rain");
    }
}
