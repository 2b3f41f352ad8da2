//! What is too large costs itself, and neither the connection nor the other channels.

use std::time::Duration;

use pushest_proto::{
    Authorization, AuthorizationError, ChannelState, ConnectionState, Event, Limits, Loss,
    MalformedReason, RequestFailure, SubscribeOptions,
};

use super::super::driver::{Driver, DriverClient, Settings};
use super::super::patience::{Expect, connected, started_with};
use super::super::{Remote, Scheme, in_process};
use crate::{Server, Target};

const MIB: usize = 1024 * 1024;

/// Returns the channel and the size of the next message that was over the limit.
fn next_too_large<C: DriverClient>(client: &mut C) -> (Option<String>, usize) {
    client.wait_for(|event| match event {
        Event::Malformed { problem: MalformedReason::TooLarge { size, .. }, channel, message } => {
            assert!(message.len() <= 512);
            assert_eq!(event.channel(), channel.as_ref());
            Some((channel.as_ref().map(ToString::to_string), *size))
        }
        _ => None,
    })
}

pub fn a_kept_event_of_more_than_a_megabyte_costs_itself_only<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let size = MIB + 100_000;
    server.publish("cache-map", "map", &"x".repeat(size));
    let mut client = started_with::<D>(remote.config(), remote.settings());
    let socket_id = client.must_connect();
    client.must_subscribe("news");
    client.want("private-orders");
    client.want("cache-map");
    let (channel, told) = next_too_large(&mut client);
    assert_eq!(channel.as_deref(), Some("cache-map"));
    assert!((size..size + 500).contains(&told), "{told}");
    for channel in ["news", "private-orders", "cache-map"] {
        client.must_be_subscribed(channel);
        server.publish(channel, "small", channel);
        assert_eq!(client.next_of(channel).text(), channel);
    }
    // So are those of every size up to what the transport takes, between others.
    for size in [MIB + 1, 2 * MIB, 15 * MIB] {
        server.publish("news", "large", &"x".repeat(size));
        server.publish("news", "next", &size.to_string());
        assert_eq!(next_too_large(&mut client).0.as_deref(), Some("news"));
        assert_eq!(client.next_text("next"), size.to_string());
    }
    assert_eq!(client.status().socket_id, Some(socket_id));
    assert_eq!(client.statistics().reconnects, 0);
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

pub fn a_message_over_the_limit_in_many_frames_costs_itself_only<D: Driver>() {
    let (remote, server) = in_process();
    let limits = Limits::default().message(100_000);
    let mut client = connected::<D>(remote.signing().limits(limits).build().expect("valid"));
    client.must_subscribe("news");
    let part = |head: u8, payload: &[u8]| {
        let length = (payload.len() as u64).to_be_bytes();
        [&[head, 127][..], &length, payload].concat()
    };
    let begin = br#"{"event":"e","channel":"news","data":""#;
    let mut bytes = part(0x01, begin);
    for _ in 0..8 {
        bytes.extend(part(0x00, &[b'x'; 70_000]));
        bytes.extend([0x89, 0]);
    }
    bytes.extend(part(0x80, br#""}"#));
    server.send_bytes(Target::All, &bytes);
    server.publish("news", "next", "");
    let size = begin.len() + 8 * 70_000 + 2;
    assert_eq!(next_too_large(&mut client), (Some("news".to_string()), size));
    assert_eq!(client.next_of("news").name(), "next");
    assert_eq!(client.statistics().reconnects, 0);
}

pub fn a_message_beyond_the_transport_limit_costs_the_connection_and_says_what_to_raise<
    D: Driver,
>(
    scheme: Scheme,
) {
    let (remote, server) = scheme.in_process();
    let (message, transport_limit) = (64 * 1024, 2 * MIB);
    let limits = Limits::default().message(message);
    let config = remote.signing().limits(limits).build().expect("valid");
    let settings = remote.settings().transport_limit(Some(transport_limit));
    let mut client = started_with::<D>(config, settings);
    client.must_subscribe("news");
    client.must_subscribe("private-orders");
    let of_size = |size: usize| {
        let around = r#"{"event":"large","channel":"news","data":""}"#.len();
        format!(r#"{{"event":"large","channel":"news","data":"{}"}}"#, "x".repeat(size - around))
    };
    server.send_raw(Target::All, &of_size(message));
    assert_eq!(client.next_of("news").name(), "large");
    for size in [message + 1, transport_limit] {
        server.send_raw(Target::All, &of_size(size));
        assert_eq!(next_too_large(&mut client), (Some("news".to_string()), size));
    }
    server.send_raw(Target::All, &of_size(transport_limit + 1));
    let change = client.next_state(ConnectionState::Waiting);
    assert!(change.to_string().contains("transport_limit"), "{change}");
    let loss = Loss::TooLarge { limit: transport_limit };
    assert_eq!(client.status().last_loss.as_deref(), Some(&loss));
    for channel in ["news", "private-orders"] {
        assert_eq!(client.next_gap(channel), loss);
    }
    server.publish("news", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
}

pub fn a_transport_limit_under_that_of_a_message_is_the_same_as_it<D: Driver>() {
    let (remote, server) = in_process();
    let settings = Settings::default().transport_limit(Some(1));
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe("news");
    server.publish("news", "large", &"x".repeat(MIB - 1_000));
    assert_eq!(client.next_of("news").text().len(), MIB - 1_000);
    server.publish("news", "large", &"x".repeat(MIB));
    assert_eq!(client.next_gap("news"), Loss::TooLarge { limit: MIB });
}

pub fn an_authorization_of_a_megabyte_fails_its_channel_and_no_other<D: Driver>() {
    let (remote, server) = in_process();
    let signer = pushest_proto::Signer::new(remote.key(), server.app().secret());
    let authorizer = move |request: pushest_proto::AuthorizationRequest| {
        let signer = signer.clone();
        let answer: super::super::Authorizing = Box::pin(async move {
            let channel = request.subject.channel().expect("nobody signs in");
            let auth = signer.channel(&request.socket_id, channel.as_str(), None);
            let padding =
                if channel == "private-large" { "5ecret".repeat(200_000) } else { String::new() };
            Ok(Authorization::new(auth + &padding))
        });
        answer
    };
    let settings = Settings::default().authorizer(Some(std::sync::Arc::new(authorizer)));
    let config = remote.builder().build().expect("valid");
    let mut client = started_with::<D>(config, settings);
    for channel in ["private-a", "private-large", "private-b"] {
        client.want(channel);
    }
    let reason = client.wait_for(|event| match event {
        Event::SubscriptionFailed { channel, reason, retry_in: None } => {
            assert_eq!(channel, &"private-large");
            Some(reason.clone())
        }
        _ => None,
    });
    assert!(
        matches!(reason, RequestFailure::AuthorizationRefused(AuthorizationError::Refused { .. })),
        "{reason:?}"
    );
    let words = reason.to_string();
    assert!(words.contains("limit is 1024") && !words.contains("5ecret"), "{words}");
    for channel in ["private-a", "private-b"] {
        client.must_be_subscribed(channel);
    }
    client.must_flush();
    assert_eq!(client.statistics().reconnects, 0);
}

/// Ten channels on a server that reads no message over 2,000 bytes; the subscribe of the one at
/// this place has more.
fn ten_channels<D: Driver>(guilty: usize) {
    let server = Server::builder().limits(|limits| {
        limits.message = 2_000;
        limits.user_info = 10_000;
    });
    let server = server.start().expect("a server on a free port");
    let remote = Remote::of(&server);
    let mut client = D::client(remote.config(), Settings::default());
    let names: Vec<_> = (0..10).map(|number| format!("presence-{number}")).collect();
    for (place, name) in names.iter().enumerate() {
        let mut options = SubscribeOptions::member("me");
        if place == guilty {
            options = options.info(&format!("\"{}\"", "x".repeat(3_000)));
        }
        client.subscribe(name, &options).expect("a good channel");
    }
    client.connect();
    let (failed, bytes) = client.wait_for(|event| match event {
        Event::SubscriptionFailed { channel, reason, retry_in: None } => match reason {
            RequestFailure::TooLarge { bytes } => Some((channel.to_string(), *bytes)),
            other => panic!("{channel}: {other:?}"),
        },
        _ => None,
    });
    assert_eq!(failed, names[guilty]);
    assert!(bytes > 3_000);
    for name in names.iter().filter(|name| **name != failed) {
        client.must_be_subscribed(name);
    }
    assert_eq!(client.channel_state(&failed), Some(ChannelState::Failed));
    client.must_flush();
    client.sleep(Duration::from_millis(100));
    assert_eq!(server.inspect(|view| view.upgrades), 3, "two closes, and then it stays");
}

pub fn of_ten_channels_the_first_is_too_large_for_the_server_and_fails_alone<D: Driver>() {
    ten_channels::<D>(0);
}

pub fn of_ten_channels_one_in_the_middle_is_too_large_for_the_server_and_fails_alone<D: Driver>() {
    ten_channels::<D>(5);
}

pub fn of_ten_channels_the_last_is_too_large_for_the_server_and_fails_alone<D: Driver>() {
    ten_channels::<D>(9);
}
