//! Receivers that are too slow: nothing is lost under one policy, and what is lost is told under the
//! other.

use std::time::Duration;

use pushest_driver::unstable::Client;
use pushest_driver::{ConnectionState, Options, Overflow, Subscription};

use super::frames;
use super::rig::{Rig, config, next, received};
use super::stream::End;
use super::world::Call;

fn options(events: usize, overflow: Overflow) -> Options {
    Options::default().queue(events, usize::MAX).overflow(overflow)
}

/// A client whose receivers hold this many events, subscribed to `news` and asleep.
fn slow(events: usize, overflow: Overflow) -> (Rig, Subscription) {
    let mut rig = Rig::connected_with(config(), options(events, overflow));
    let mut news = rig.client.subscribe("news").expect("a good name");
    rig.settle();
    received(&mut news);
    rig.settle();
    rig.server().take_received();
    rig.world.take_calls();
    (rig, news)
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("news: number {number}")).collect()
}

fn has_read(rig: &Rig) -> bool {
    rig.world.take_calls().iter().any(|call| matches!(call, Call::Read(_)))
}

#[test]
fn nothing_is_read_while_a_receiver_is_full_and_reading_goes_on_exactly_when_half_is_free() {
    for events in [1, 2, 7, 10] {
        let (mut rig, mut news) = slow(events, Overflow::Wait);
        let total = 3_000;
        rig.server().says(&frames::events("news", 0..total));
        let mut told = Vec::new();
        let mut rounds = 0..10_000;
        while told.len() < total {
            rounds.next().expect("it comes to an end");
            rig.run();
            rig.world.take_calls();
            let held = rig.client.statistics().events as usize - told.len();
            assert!(held >= events.min(total - told.len()), "{held} of {events}");
            // Whatever wakes it, it does not read, until there is room.
            for left in (0..held).rev() {
                rig.client.network_changed();
                rig.run();
                let is_full = left + 1 > events / 2 && rig.socket().unread() > 0;
                if is_full {
                    assert!(!has_read(&rig), "{left} and one of {events}");
                }
                rig.count_wakes();
                told.extend(next(&mut news));
                let wakes = rig.count_wakes();
                // The last one that has to go wakes the pump, once; those before do not.
                if rig.socket().unread() > 0 {
                    assert_eq!(wakes, usize::from(left == events / 2), "{left} of {events}");
                }
                if left == events / 2 {
                    break;
                }
            }
            rig.run();
        }
        assert_eq!(told, numbers(0..total));
        assert_eq!(rig.client.statistics().dropped, 0);
    }
}

#[test]
fn a_full_receiver_holds_up_reading_but_neither_commands_nor_pings() {
    let (mut rig, mut news) = slow(4, Overflow::Wait);
    rig.server().says(&frames::events("news", 0..10));
    rig.run();
    rig.want("orders");
    rig.run();
    assert_eq!(rig.server().take_received(), ["pusher:subscribe orders"]);
    rig.world.take_calls();
    rig.pass(Duration::from_secs(3_600));
    assert!(!has_read(&rig));
    let sent = rig.server().take_received();
    assert!(sent.len() >= 2 && sent.contains(&"pusher:ping".to_string()), "{sent:?}");
    assert_eq!(rig.state(), ConnectionState::Connected);
    assert_eq!(received(&mut news), numbers(0..10));
    rig.settle();
    assert_eq!(rig.client.channel_state("orders"), Some(pushest_driver::ChannelState::Subscribed));
    assert_eq!(rig.client.statistics().connections, 1);
}

#[test]
fn a_ping_that_was_read_before_reading_stopped_is_answered_also_where_it_ended_the_batch() {
    for events in 1..64 {
        let (mut rig, _news) = slow(1, Overflow::Wait);
        let ping = frames::frame(frames::PING, b"there?");
        let behind = frames::events("news", events..1_000);
        rig.server().says(&[frames::events("news", 0..events), ping, behind].concat());
        rig.run();
        assert!(rig.socket().unread() > 0, "it does not stop");
        assert_eq!(rig.server().take_received(), ["pong"], "behind {events}");
    }
}

#[test]
fn of_two_full_receivers_the_last_one_lets_reading_go_on() {
    let (mut rig, mut news) = slow(4, Overflow::Wait);
    let mut other = rig.client.subscribe("news").unwrap();
    rig.settle();
    rig.server().says(&frames::events("news", 0..5));
    rig.run();
    rig.server().says(&frames::events("news", 5..10));
    rig.run();
    rig.world.take_calls();
    assert_eq!(received(&mut news), numbers(0..5));
    rig.run();
    assert!(!has_read(&rig));
    let first = [next(&mut other), next(&mut other), next(&mut other)];
    assert_eq!(rig.count_wakes(), 1);
    rig.run();
    assert!(has_read(&rig));
    let rest = received(&mut other);
    assert_eq!(first.into_iter().flatten().chain(rest).collect::<Vec<_>>(), numbers(0..10));
    assert_eq!(received(&mut news), numbers(5..10));
}

type GiveUp = fn(&Client, Subscription);

#[test]
fn a_full_receiver_that_is_given_up_holds_nobody_up() {
    let ways: [(&str, GiveUp); 4] = [
        ("dropped", |_, full| drop(full)),
        ("detached", |_, full| full.detach()),
        ("narrowed", |_, full| std::mem::forget(full.on::<u32>("other"))),
        ("unsubscribed", |client, full| {
            client.unsubscribe("full").unwrap();
            std::mem::forget(full);
        }),
    ];
    for (way, give_up) in ways {
        let (mut rig, mut news) = slow(4, Overflow::Wait);
        let full = rig.client.subscribe("full").unwrap();
        rig.settle();
        let bytes = [frames::events("full", 0..5), frames::events("news", 0..3)].concat();
        let (now, later) = bytes.split_at(bytes.len() - 10);
        rig.server().says(now);
        rig.run();
        rig.server().says(later);
        rig.run();
        assert_eq!(rig.socket().unread(), 10, "{way}");
        give_up(&rig.client, full);
        assert!(rig.count_wakes() > 0, "{way}");
        rig.run();
        assert_eq!(rig.socket().unread(), 0, "{way}");
        assert_eq!(received(&mut news), numbers(0..3), "{way}");
    }
}

#[test]
fn an_end_behind_a_full_receiver_is_told_after_all_that_came_before_it() {
    let (mut rig, mut news) = slow(4, Overflow::Wait);
    rig.server().says(&frames::events("news", 0..500));
    rig.socket().ends(End::Reset);
    rig.pass(Duration::from_secs(600));
    assert_eq!(rig.state(), ConnectionState::Connected);
    let mut told = Vec::new();
    let mut rounds = 0..10_000;
    while rig.state() == ConnectionState::Connected {
        rounds.next().expect("it comes to an end");
        told.extend(received(&mut news));
        rig.run();
    }
    told.extend(received(&mut news));
    assert_eq!(told, numbers(0..500));
    rig.pass_until(|rig| rig.client.statistics().reconnects == 1);
    rig.settle();
    assert_eq!(received(&mut news), ["news: subscribed", "news: gap"]);
}

#[test]
fn the_end_of_the_client_does_not_wait_for_a_full_receiver() {
    let (mut rig, mut news) = slow(4, Overflow::Wait);
    rig.server().says(&frames::events("news", 0..500));
    rig.run();
    rig.client.disconnect();
    rig.settle();
    assert!(!rig.socket().is_open());
    rig.client.connect();
    rig.pass_until(|rig| rig.client.statistics().connections == 2);
    let told = received(&mut news);
    assert_eq!(told[..4], numbers(0..4));
}

#[test]
fn a_receiver_that_lost_events_is_told_exactly_how_many() {
    for (events, total, taken) in [(1, 2, 0), (10, 14, 3), (10, 1_000, 5), (64, 5_000, 64)] {
        let (mut rig, mut news) = slow(events, Overflow::DropOldest);
        let mut quick = rig.client.subscribe("news").unwrap();
        rig.settle();
        rig.server().says(&frames::events("news", 0..events.min(total)));
        rig.settle();
        let first: Vec<_> = (0..taken).map_while(|_| next(&mut news)).collect();
        assert_eq!(first, numbers(0..taken));
        let mut quick_told = received(&mut quick);
        for start in (events..total).step_by(events) {
            rig.server().says(&frames::events("news", start..(start + events).min(total)));
            rig.settle();
            quick_told.extend(received(&mut quick));
        }
        let lost = total - taken - events;
        let mut expected = vec![format!("{lost} lost")];
        expected.extend(numbers(total - events..total));
        assert_eq!(received(&mut news), expected, "{events} of {total}");
        // The other one was quick enough.
        assert_eq!(quick_told, numbers(0..total));
        assert_eq!(rig.client.statistics().dropped, lost as u64);
    }
}

#[test]
fn a_loss_is_told_where_it_was_and_the_next_one_anew() {
    let (mut rig, mut news) = slow(3, Overflow::DropOldest);
    let say = |rig: &mut Rig, range| {
        rig.server().says(&frames::events("news", range));
        rig.settle();
    };
    say(&mut rig, 0..5);
    assert_eq!(next(&mut news).unwrap(), "2 lost");
    say(&mut rig, 5..7);
    assert_eq!(received(&mut news)[0], "2 lost");
    say(&mut rig, 7..9);
    assert_eq!(received(&mut news), numbers(7..9));
    assert_eq!(rig.client.statistics().dropped, 4);
}

#[test]
fn bytes_are_counted_as_events_are() {
    for overflow in [Overflow::DropOldest, Overflow::Wait] {
        let options = Options::default().queue(1_000, 100 * 1024).overflow(overflow);
        let mut rig = Rig::connected_with(config(), options);
        let mut news = rig.client.subscribe("news").unwrap();
        rig.settle();
        received(&mut news);
        rig.settle();
        let large = frames::event("news", "large", &"x".repeat(40 * 1024));
        let mut told = 0;
        for _ in 0..10 {
            rig.server().says(&large);
            rig.run();
        }
        if overflow == Overflow::Wait {
            assert!(rig.socket().unread() > 0);
            let mut rounds = 0..10_000;
            while told < 10 {
                rounds.next().expect("it comes to an end");
                told += received(&mut news).len();
                rig.run();
            }
        } else {
            let words = received(&mut news);
            assert_eq!((words.len(), &*words[0]), (3, "8 lost"));
        }
        assert_eq!(rig.client.statistics().events, 10);
    }
}
