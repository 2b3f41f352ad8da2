//! What the pump does each time it is polled, and in which order.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use pushest_driver::proto::Limits;
use pushest_driver::{ConnectionState, Options, SubscribeOptions};

use super::frames;
use super::rig::{Rig, config, received};
use super::stream::End;
use super::world::{Call, Outcome};

/// What is read at most before the session is told.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;

/// The most batches of one poll: one before its turns, and one in each of them.
const BATCHES: usize = 33;

#[test]
fn a_turn_drains_flushes_reads_and_looks_at_the_time_in_this_order() {
    let mut rig = Rig::connected();
    let _orders = rig.client.subscribe("orders").unwrap();
    let _news = rig.client.subscribe("news").unwrap();
    assert!(rig.poll().is_pending());
    let calls = rig.world.take_calls();
    let [.., Call::Write(Outcome::Done(written)), _, _, _, _] = calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!(rig.server().take_received(), ["pusher:subscribe orders", "pusher:subscribe news"]);
    let expected = [
        // The commands, and what was read before the turn.
        Call::Now,
        Call::Now,
        Call::Read(Outcome::Pending),
        Call::Now,
        Call::Write(Outcome::Done(written)),
        Call::Flush(Outcome::Done(0)),
        Call::Read(Outcome::Pending),
        Call::Now,
        Call::Sleep,
    ];
    assert_eq!(calls, expected);
}

#[test]
fn what_arrives_is_told_and_answered_within_the_same_poll() {
    let mut rig = Rig::connected();
    let mut news = rig.client.subscribe("news").unwrap();
    rig.settle();
    received(&mut news);
    rig.server().take_received();
    rig.world.take_calls();
    let bytes = [frames::event("news", "headline", "rain"), frames::frame(frames::PING, b"there?")];
    rig.server().says(&bytes.concat());
    assert!(rig.poll().is_pending());
    assert_eq!(received(&mut news), ["news: headline rain"]);
    let io = rig.world.take_io();
    let written = io.iter().position(|call| matches!(call, Call::Write(_))).expect("a pong");
    assert_eq!(io[written + 1], Call::Flush(Outcome::Done(0)));
    assert_eq!(rig.server().take_received(), ["pong"]);
}

#[test]
fn what_arrived_while_the_task_was_away_counts_before_a_deadline_that_passed_meanwhile() {
    let mut rig = Rig::connected();
    let mut events = rig.client.events();
    // Silence: it pings, and the pong is there in time. The task sleeps on for an hour.
    rig.habits.pongs = false;
    rig.server().habits.pongs = false;
    rig.pass(Duration::from_secs(120));
    assert_eq!(rig.server().take_received(), ["pusher:ping"]);
    rig.server().says(&frames::text(r#"{"event":"pusher:pong","data":{}}"#));
    rig.world.clock().advance(Duration::from_secs(3_600));
    rig.run();
    assert_eq!(rig.state(), ConnectionState::Connected);
    assert_eq!(received(&mut events), [""; 0]);
}

#[test]
fn a_deadline_that_passed_without_news_is_kept_by_the_first_turn() {
    let mut rig = Rig::connected();
    rig.server().habits.pongs = false;
    rig.pass(Duration::from_secs(120));
    rig.world.clock().advance(Duration::from_secs(3_600));
    assert!(rig.poll().is_pending());
    assert_ne!(rig.state(), ConnectionState::Connected);
}

/// Says this many numbered events of a channel that is subscribed to.
fn flooded(numbers: usize) -> Rig {
    let mut rig = Rig::connected();
    rig.want("news");
    rig.settle();
    rig.server().take_received();
    rig.server().says(&frames::events("news", 0..numbers));
    rig.world.take_calls();
    rig
}

#[test]
fn after_its_budget_a_flood_lets_others_run_and_wakes_the_pump_exactly_once() {
    let mut rig = flooded(50_000);
    let mut told = 0;
    for _ in 0..20 {
        assert_eq!(rig.poll(), Poll::Pending);
        assert_eq!(rig.count_wakes(), 1);
        let now_told = usize::try_from(rig.client.statistics().events).unwrap();
        let batches = (now_told - told).div_ceil(BATCH);
        assert!((1..=BATCHES).contains(&batches), "{batches} batches");
        told = now_told;
    }
    // The rest, to the last one, and no wake without a reason.
    rig.settle();
    assert_eq!(rig.client.statistics().events, 50_000);
    assert_eq!(rig.count_wakes(), 0);
    assert!(rig.poll().is_pending());
    assert_eq!(rig.count_wakes(), 0);
}

#[test]
fn a_poll_is_over_after_a_millisecond_however_few_batches_it_had() {
    let mut rig = flooded(20_000);
    let clock = rig.world.clock().clone();
    // Each turn ends with a look at it.
    rig.world.at_each_call(move |call| {
        if matches!(call, Call::Now) {
            clock.advance(Duration::from_micros(400));
        }
    });
    assert_eq!((rig.poll(), rig.count_wakes()), (Poll::Pending, 1));
    assert_eq!(rig.client.statistics().events, 3 * BATCH as u64);
}

#[test]
fn a_command_in_a_flood_is_carried_out_by_the_next_turn_and_not_after_the_flood() {
    let mut rig = flooded(20_000);
    for name in ["a", "b", "c"] {
        rig.want(name);
        let unread = rig.socket().unread();
        let seen = Arc::new(Mutex::new(None));
        let (kept, socket) = (seen.clone(), rig.socket());
        rig.world.at_each_call(move |call| {
            if matches!(call, Call::Write(_)) {
                kept.lock().unwrap().get_or_insert(unread - socket.unread());
            }
        });
        assert!(rig.poll().is_pending());
        rig.world.forget_hook();
        let read = seen.lock().unwrap().expect("it was written");
        // One batch, and what the buffer took beyond it.
        assert!(read <= (BATCH + 1) * 70 + 4 * 1024, "{read} bytes were read before");
        assert_eq!(rig.server().take_received(), [format!("pusher:subscribe {name}")]);
    }
}

#[test]
fn timers_are_kept_in_a_flood_that_never_ends() {
    let mut rig = flooded(1_000);
    rig.server().habits.confirms = false;
    rig.want("unanswered");
    let mut subscribes = Vec::new();
    for second in 0..60 {
        rig.server().says(&frames::events("news", 0..3_000));
        rig.world.clock().advance(Duration::from_secs(1));
        // It never sleeps: no timer wakes it.
        assert!(rig.poll().is_pending());
        assert_eq!(rig.count_wakes(), 1);
        if !rig.server().take_received().is_empty() {
            subscribes.push(second);
        }
    }
    let [first, second, third] = subscribes[..] else { panic!("{subscribes:?}") };
    assert_eq!(first, 0);
    assert!((10..=16).contains(&(second - first)), "{subscribes:?}");
    assert!(third > second, "{subscribes:?}");
}

#[test]
fn a_batch_is_bounded_in_bytes_too() {
    let mut rig = flooded(0);
    let large = frames::event("news", "large", &"x".repeat(100 * 1024));
    rig.server().says(&large.repeat(200));
    assert!(rig.poll().is_pending());
    assert_eq!(rig.count_wakes(), 1);
    let told = usize::try_from(rig.client.statistics().bytes).unwrap();
    assert!(told <= BATCHES * (BATCH_BYTES + large.len()), "{told} bytes");
    rig.settle();
    assert_eq!(rig.client.statistics().events, 200);
}

#[test]
fn a_batch_never_holds_more_than_the_session_stores() {
    for stored_events in [1, 2, 3, 4, 7, 100] {
        let limits = Limits::default().stored_events(stored_events);
        let options = Options::default().queue(100_000, usize::MAX);
        let mut rig = Rig::connected_with(config().limits(limits), options);
        rig.habits.confirms = false;
        rig.server().habits.confirms = false;
        let mut events = rig.client.events();
        let names: Vec<_> = (0..200).map(|number| format!("presence-{number}")).collect();
        let me = SubscribeOptions::member("1");
        for name in &names {
            rig.client.subscribe_with(name, &me).unwrap().detach();
            // Commands are told of, too.
            rig.settle();
        }
        received(&mut events);
        // Two events each, and the third once it is back: all at once.
        let confirmation = |name: &String| {
            let data = r#"{"presence":{"ids":["1"],"hash":{"1":{}},"count":1}}"#;
            frames::event(name, "pusher_internal:subscription_succeeded", data)
        };
        let confirmations: Vec<u8> = names.iter().flat_map(confirmation).collect();
        rig.server().says(&confirmations);
        rig.settle();
        let told = received(&mut events);
        assert_eq!(told.len(), 400, "{stored_events} stored: {told:?}");
        rig.socket().ends(End::Reset);
        rig.pass_until(|rig| rig.client.statistics().reconnects == 1);
        received(&mut events);
        rig.server().says(&confirmations);
        rig.settle();
        let told = received(&mut events);
        let lost = told.iter().find(|words| words.contains("Limit"));
        assert_eq!((told.len(), lost), (600, None), "{stored_events} stored");
    }
}

#[test]
fn messages_that_fit_the_sessions_store_one_by_one_are_not_handed_over_together() {
    let limits = Limits::default().stored_bytes(1024 * 1024);
    let options = Options::default().queue(100, usize::MAX);
    let mut rig = Rig::connected_with(config().limits(limits), options);
    let mut news = rig.client.subscribe("news").unwrap();
    rig.settle();
    received(&mut news);
    let large = frames::event("news", "large", &"x".repeat(600 * 1024));
    rig.server().says(&large.repeat(20));
    rig.settle();
    assert_eq!((received(&mut news).len(), rig.client.statistics().dropped), (20, 0));
}

#[test]
fn a_closing_connection_that_is_flooded_holds_nobody_up_and_ends_in_time() {
    let mut rig = flooded(0);
    rig.server().habits.closes = false;
    rig.client.disconnect();
    rig.settle();
    assert_eq!(rig.server().take_received().last().unwrap(), "close Some(1000)");
    let old = rig.socket();
    old.arrives(&frames::events("news", 0..100_000));
    rig.client.connect();
    for _ in 0..10 {
        assert!(rig.poll().is_pending());
        assert!(rig.count_wakes() > 0, "there is more to be thrown away");
        rig.serve();
    }
    assert_eq!(rig.state(), ConnectionState::Connected);
    assert!(old.is_open() && old.unread() > 0);
    rig.world.clock().advance(Duration::from_secs(2));
    rig.settle();
    assert!(!old.is_open() && old.unread() > 0);
    assert_eq!(rig.state(), ConnectionState::Connected);
}

#[test]
fn a_pump_that_moves_to_another_task_is_woken_there() {
    let mut rig = Rig::connected();
    rig.want("news");
    rig.settle();
    for cause in ["a command", "a message", "a timer", "room to write"] {
        if cause == "room to write" {
            rig.socket().set_room(0);
            rig.want("waits");
            rig.run();
        }
        let former = std::mem::take(&mut rig.wakes);
        assert!(rig.poll().is_pending());
        assert_eq!(former.held(), 0, "{cause}: the former task's waker is kept");
        match cause {
            "a command" => rig.want("orders"),
            "a message" => rig.server().says(&frames::event("news", "headline", "rain")),
            "a timer" => rig.world.clock().advance(Duration::from_secs(120)),
            _ => rig.socket().set_room(usize::MAX),
        }
        assert_eq!((rig.count_wakes(), former.take()), (1, 0), "{cause}");
        assert!(rig.poll().is_pending());
        rig.settle();
    }
}
