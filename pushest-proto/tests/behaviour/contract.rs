//! Lines of the contract of the crate's documentation that need a certain situation. All of them
//! are checked after every step of random walks by the fuzzer's target `session`, and by the tests
//! that replay it (`fuzz/checks`).

use std::time::Duration;

use crate::harness::{Harness, asking, message, signing};
use pushest_proto::{Authorization, ChannelState, SubscribeOptions, Ticket};

/// Good for a channel of any kind, and for a sign-in.
fn any_authorization() -> Authorization {
    Authorization::new("k:s")
        .channel_data(r#"{"user_id":"me"}"#)
        .user_data(r#"{"id":"me"}"#)
        .shared_secret("iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=")
}

#[test]
fn the_hash_of_the_state_sees_into_each_channel() {
    let hash = |user_id: &str| {
        let mut harness = Harness::new(signing());
        harness.subscribe_as("presence-x", user_id);
        harness.session.state_hash()
    };
    assert_eq!(hash("a"), hash("a"));
    assert_ne!(hash("a"), hash("b"));
}

/// C9 on the connection where things went wrong: many channels wait for few authorizations, and
/// some are left or change their minds at any moment.
#[test]
fn of_many_channels_that_wait_for_authorizations_none_is_forgotten() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut harness = Harness::new(asking());
        harness.connect();
        let mut tickets: Vec<Ticket> = Vec::new();
        for _ in 0..200 {
            let channel = format!("private-{}", random.u8(0..30));
            let now = harness.now;
            match random.u8(0..6) {
                0..=2 => {
                    let plain = SubscribeOptions::default();
                    harness.session.subscribe(&channel, &plain, now).unwrap();
                }
                3 => {
                    let _ = harness.session.unsubscribe(&channel, now);
                }
                4 if !tickets.is_empty() => {
                    let ticket = tickets.swap_remove(random.usize(0..tickets.len()));
                    let answer = any_authorization();
                    harness.session.handle_authorization(ticket, Ok(answer), now);
                }
                _ => {
                    harness.drain();
                    tickets.extend(harness.requests().iter().map(|request| request.ticket));
                }
            }
        }
        loop {
            harness.drain();
            tickets.extend(harness.requests().iter().map(|request| request.ticket));
            let Some(ticket) = tickets.pop() else { break };
            harness.session.handle_authorization(ticket, Ok(any_authorization()), harness.now);
        }
        for view in harness.session.wanted_channels() {
            assert_eq!(view.state(), ChannelState::Subscribing, "seed {seed}: {}", view.name());
        }
    }
}

/// C6: of a refused command not even its time counts.
#[test]
fn a_refused_command_leaves_even_the_time_as_it_was() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let refused = |harness: &mut Harness| {
        let later = harness.now + Duration::from_secs(1);
        let (session, plain) = (&mut harness.session, SubscribeOptions::default());
        let before = session.state_hash();
        assert!(session.subscribe("no name", &plain, later).is_err());
        assert!(session.unsubscribe("unknown", later).is_err());
        assert!(session.retry("unknown", later).is_err());
        assert!(session.trigger("private-y", "client-x", "", later).is_err());
        assert!(session.trigger("private-x", "x", "", later).is_err());
        assert!(session.sign_in(Some("{}"), later).is_err());
        assert_eq!(session.state_hash(), before);
    };
    refused(&mut harness);
    harness.session.disconnect(harness.now);
    harness.drain();
    refused(&mut harness);
    let (later, before) = (harness.now + Duration::from_secs(1), harness.session.state_hash());
    assert!(harness.session.trigger("private-x", "client-x", "", later).is_err());
    assert!(harness.session.ping(later).is_err());
    assert_eq!(harness.session.state_hash(), before);
}

/// C2: what several causes lead to comes in their order, polled at once or not.
#[test]
fn actions_come_in_the_order_of_their_causes() {
    let run = |drain_between: bool| {
        let mut harness = crate::harness::Harness::connected();
        harness.subscribed("private-x");
        let (connection, now) = (harness.current(), harness.now);
        let drain = |harness: &mut crate::harness::Harness| {
            if drain_between {
                harness.drain();
            }
        };
        harness.session.trigger("private-x", "client-1", &1, now).unwrap();
        drain(&mut harness);
        let ping = br#"{"event":"pusher:ping"}"#;
        harness.session.handle_slice(connection, ping, now);
        drain(&mut harness);
        harness.session.subscribe("late", &SubscribeOptions::default(), now).unwrap();
        drain(&mut harness);
        let event = message("e", Some("private-x"), "1");
        harness.session.handle_slice(connection, event.as_bytes(), now);
        drain(&mut harness);
        harness.session.ping(now).unwrap();
        drain(&mut harness);
        harness.session.unsubscribe("private-x", now).unwrap();
        drain(&mut harness);
        harness.session.disconnect(now);
        harness.drain();
        harness.actions.iter().map(|action| format!("{action:?}")).collect::<Vec<_>>()
    };
    let (at_once, one_by_one) = (run(false), run(true));
    // What the end of the connection makes pointless is not sent when it was not polled before.
    let kept: Vec<_> = one_by_one.iter().filter(|line| at_once.contains(line)).collect();
    assert_eq!(kept, at_once.iter().collect::<Vec<_>>());
    assert!(at_once[0].contains("client-1"));
    assert!(at_once.last().unwrap().contains("to: Disconnected"));
}
