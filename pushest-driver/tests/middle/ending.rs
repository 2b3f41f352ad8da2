//! How receivers end, step by step: what they are told, what is lost, and what a drain waits for.

use std::task::Poll;
use std::time::Duration;

use futures_util::stream::FusedStream;
use futures_util::{FutureExt, StreamExt};
use pushest_driver::{ConnectionState, Event, Options, Overflow, Received};

use super::frames;
use super::rig::{Rig, config, received, words};
use super::wakes::Hand;

const LIMIT: Duration = Duration::from_secs(3600);

/// What a receiver returns up to its end, which has come.
fn rest(mut next: impl FnMut() -> Option<Option<Event>>) -> Vec<String> {
    std::iter::from_fn(|| next().expect("it has ended")).map(|event| words(&event)).collect()
}

macro_rules! rest {
    ($receiver:expr) => {
        rest(|| $receiver.recv().now_or_never())
    };
}

#[test]
fn who_listens_since_the_pause_is_told_why_a_shutdown_ends_it() {
    let mut rig = Rig::connected();
    let mut former = rig.client.events();
    rig.client.disconnect();
    rig.settle();
    let (mut events, mut user) = (rig.client.events(), rig.client.user_events());
    let mut later = rig.client.events();
    rig.settle();
    rig.client.shutdown().now_or_never().expect("it is closed");
    assert_eq!(rest!(events), ["Disconnected"]);
    assert_eq!(rest!(user), ["Disconnected"]);
    assert_eq!(rest!(former), ["Disconnected"], "once, at the pause");
    rig.client.connect();
    rig.settle();
    assert_eq!(rest!(later), ["Disconnected"], "and nothing of the new connection");
}

#[test]
fn the_reason_of_the_end_costs_a_full_receiver_no_event() {
    for (events, overflow) in [
        (1, Overflow::DropOldest),
        (4, Overflow::DropOldest),
        (1, Overflow::Wait),
        (4, Overflow::Wait),
    ] {
        let options = Options::default().queue(events, usize::MAX).overflow(overflow);
        let mut rig = Rig::connected_with(config(), options);
        let mut news = rig.client.subscribe("news").expect("a good name");
        rig.settle();
        received(&mut news);
        rig.server().says(&frames::events("news", 0..events));
        rig.settle();
        let shutdown = Hand::new(rig.client.shutdown());
        rig.settle();
        drop(shutdown);
        let mut all: Vec<_> = (0..events).map(|number| format!("news: number {number}")).collect();
        all.push("Disconnected".to_string());
        assert_eq!(rest!(news), all, "{events}, {overflow:?}");
        assert_eq!(rig.client.statistics().dropped, 0);
    }
}

#[test]
fn a_shutdown_and_a_drain_end_a_client_that_reads_nothing_for_a_full_receiver() {
    for drains in [false, true] {
        let options = Options::default().queue(2, usize::MAX).overflow(Overflow::Wait);
        let mut rig = Rig::connected_with(config(), options);
        let mut news = rig.client.subscribe("news").expect("a good name");
        rig.settle();
        received(&mut news);
        rig.server().says(&frames::events("news", 0..3_000));
        rig.settle();
        let held = rig.client.statistics().events as usize;
        assert!(held < 3_000, "reading has stopped");
        if drains {
            let mut drain = Hand::new(rig.client.drain(LIMIT));
            rig.settle();
            assert!(drain.poll().is_pending(), "it waits for the receiver");
            assert_eq!(received(&mut news).len(), held);
            rig.settle();
            assert_eq!(drain.done(), 0);
            assert_eq!(rest!(news), ["Disconnected"]);
        } else {
            let mut shutdown = Hand::new(rig.client.shutdown());
            rig.settle();
            shutdown.done();
            assert_eq!(rest!(news).len(), held + 1);
        }
    }
}

#[test]
fn a_drain_with_no_time_and_two_at_once_and_one_with_a_shutdown_tell_the_same() {
    let begin = || {
        let mut rig = Rig::connected();
        let news = rig.client.subscribe("news").expect("a good name");
        rig.settle();
        (rig, news)
    };
    // Without any time.
    let (mut rig, mut news) = begin();
    let mut drain = Hand::new(rig.client.drain(Duration::ZERO));
    rig.settle();
    assert_eq!(drain.done(), 1);
    assert_eq!(rest!(news), ["news: subscribed", "Disconnected"]);
    // Two: the earlier limit holds.
    let (mut rig, _news) = begin();
    let mut drains =
        [LIMIT, Duration::from_secs(1)].map(|limit| Hand::new(rig.client.drain(limit)));
    rig.settle();
    assert!(drains.iter_mut().all(|drain| drain.poll().is_pending()));
    rig.pass(Duration::from_secs(1));
    assert_eq!(drains.map(|mut drain| drain.done()), [1, 1]);
    // With a shutdown, with the drop of the last client, and for as long as can be said.
    for drops in [false, true] {
        let (mut rig, _news) = begin();
        let mut drain = Hand::new(rig.client.drain(Duration::MAX));
        rig.settle();
        assert!(drain.poll().is_pending());
        if drops {
            drop(rig.take_client());
        } else {
            drop(rig.client.shutdown());
        }
        rig.settle();
        assert_eq!(drain.done(), 1);
    }
}

#[test]
fn a_drain_goes_on_when_a_receiver_wants_nothing_of_what_it_has() {
    let mut rig = Rig::connected();
    let mut news = rig.client.subscribe("news").expect("a good name");
    rig.settle();
    assert_eq!(received(&mut news), ["news: subscribed"]);
    rig.server().says(&frames::event("news", "headline", "rain"));
    rig.settle();
    let mut drain = Hand::new(rig.client.drain(LIMIT));
    rig.settle();
    assert!(drain.poll().is_pending());
    let mut typed = news.on::<u64>("number");
    rig.settle();
    assert_eq!(drain.done(), 0);
    let last = typed.recv().now_or_never().flatten();
    let ended = |to| matches!(&last, Some(Received::Ended(change)) if change.to == to);
    assert!(ended(ConnectionState::Disconnected), "{last:?}");
    assert!(!typed.is_terminated(), "the end was not told yet");
    assert!(matches!(typed.recv().now_or_never(), Some(None)));
    assert!(typed.is_terminated());
}

#[test]
fn a_stream_is_terminated_right_after_its_end_and_not_before() {
    let mut rig = Rig::connected();
    let mut news = rig.client.subscribe("news").expect("a good name");
    let (mut events, mut user_events) = (rig.client.events(), rig.client.user_events());
    let mut typed = rig.client.subscribe("news").expect("a good name").messages::<u64>();
    rig.settle();
    drop(rig.client.shutdown());
    rig.settle();
    macro_rules! terminates {
        ($($stream:ident)*) => {$(
            while !$stream.is_terminated() {
                $stream.next().now_or_never().expect("it has ended");
            }
            assert!($stream.next().now_or_never().expect("the end stays").is_none());
            assert!($stream.is_terminated());
        )*};
    }
    assert!(!news.is_terminated() && !events.is_terminated() && !typed.is_terminated());
    terminates!(news events user_events typed);
    // By its own method, too.
    let mut late = rig.client.events();
    while late.recv().now_or_never().expect("it has ended").is_some() {}
    assert!(late.is_terminated());
}

#[test]
fn who_waits_for_a_confirmation_is_told_of_the_refusal_for_good() {
    let mut rig = Rig::connected();
    rig.server().habits.confirms = false;
    let news = rig.client.subscribe("news").expect("a good name");
    rig.settle();
    let mut subscribed = Hand::new(news.subscribed());
    assert!(matches!(subscribed.poll(), Poll::Pending));
    rig.server().says(&frames::close(4003, "disabled"));
    rig.settle();
    let error = subscribed.done().expect_err("refused").to_string();
    assert!(error.contains("disabled"), "{error}");
}

#[test]
fn a_former_subscription_that_is_dropped_late_takes_nothing_along() {
    // Before and after the pump's turn.
    for settles in [false, true] {
        let mut rig = Rig::connected();
        let mut former = rig.client.subscribe("private-chat").expect("a good name");
        rig.settle();
        drop(rig.client.shutdown());
        if settles {
            rig.settle();
        }
        rig.client.connect();
        let mut present = rig.client.subscribe("private-chat").expect("it is open again");
        drop(received(&mut former));
        assert!(former.members().is_empty() && former.state().is_none());
        drop(former);
        rig.settle();
        assert_eq!(received(&mut present), ["private-chat: subscribed"]);
        rig.server().says(&frames::event("private-chat", "headline", "rain"));
        rig.settle();
        assert_eq!(received(&mut present), ["private-chat: headline rain"]);
    }
}
