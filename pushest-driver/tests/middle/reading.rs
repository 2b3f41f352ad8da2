//! How often the stream is read, and that cuts, fragments and large messages change nothing.

use std::task::Poll;

use pushest_driver::{ConnectionState, Loss, Options};

use super::frames;
use super::rig::{Rig, config, received};
use super::stream::{Cut, End};
use super::world::{Call, Outcome};

/// A client that is subscribed to `news`, asleep.
fn listening() -> (Rig, pushest_driver::Subscription) {
    let mut rig = Rig::connected();
    let mut news = rig.client.subscribe("news").expect("a good name");
    rig.settle();
    received(&mut news);
    rig.world.take_calls();
    (rig, news)
}

/// The calls of one poll, by turns: the first are those before any turn. A turn begins where the
/// session is told, with a look at the clock, and ends with another one.
fn turns(calls: &[Call]) -> Vec<Vec<Call>> {
    let (mut turns, mut is_first) = (vec![Vec::new()], true);
    for call in calls {
        match call {
            Call::Now if is_first => turns.push(Vec::new()),
            Call::Now | Call::Sleep => {}
            call => turns.last_mut().expect("there is a first").push(*call),
        }
        // A turn that was idle looks at the clock again; one with news begins the next one.
        is_first = true;
    }
    turns
}

fn reads(calls: &[Call]) -> Vec<Outcome> {
    let read = |call: &Call| if let Call::Read(outcome) = call { Some(*outcome) } else { None };
    calls.iter().filter_map(read).collect()
}

#[test]
fn after_pending_the_stream_is_read_at_most_once_a_turn() {
    let (mut rig, _news) = listening();
    let message = frames::event("news", "headline", "rain");
    let ping = frames::frame(frames::PING, b"");
    for arrived in [vec![], message.clone(), ping, message.repeat(10), message.repeat(1_000)] {
        rig.server().says(&arrived);
        loop {
            let polled = rig.poll();
            assert_eq!(polled, Poll::Pending);
            let calls = rig.world.take_calls();
            for turn in turns(&calls) {
                let reads = reads(&turn);
                let pending = reads.iter().position(|read| *read == Outcome::Pending);
                assert!(pending.is_none_or(|at| at + 1 == reads.len()), "{turn:?}");
            }
            if rig.count_wakes() == 0 {
                break;
            }
        }
        assert_eq!(rig.socket().unread(), 0);
    }
}

#[test]
fn a_wake_without_news_costs_two_reads() {
    let (mut rig, _news) = listening();
    for _ in 0..3 {
        rig.client.network_changed();
        rig.run();
        rig.settle();
        rig.world.take_calls();
        // The first could have brought what counts before a deadline; the second follows the turn.
        assert!(rig.poll().is_pending());
        assert_eq!(reads(&rig.world.take_calls()), [Outcome::Pending; 2]);
    }
}

#[test]
fn a_message_that_has_come_in_part_is_told_once_its_rest_is_there() {
    let (mut rig, mut news) = listening();
    let bytes = [
        frames::event("news", "first", "1"),
        frames::fragmented(&frames::message("news", "second", "2")),
        frames::event("news", "third", &"3".repeat(300)),
    ];
    for (at, byte) in bytes.concat().iter().enumerate() {
        rig.server().says(&[*byte]);
        rig.settle();
        let ended: Vec<usize> = bytes
            .iter()
            .scan(0, |sum, bytes| {
                Some({
                    *sum += bytes.len();
                    *sum
                })
            })
            .collect();
        let told = received(&mut news).len();
        assert_eq!(told, usize::from(ended.contains(&(at + 1))), "at {at}");
    }
    assert_eq!(rig.server().take_received().last().unwrap(), "pong");
}

#[test]
fn a_pause_within_a_large_message_loses_nothing_and_the_next_one_is_read() {
    let (mut rig, mut news) = listening();
    let large = frames::event("news", "large", &"x".repeat(300 * 1024));
    let cuts = [Cut::AtMost(1), Cut::Pending, Cut::AtMost(5), Cut::AtMost(70_000), Cut::Pending];
    rig.socket().cut_reads(cuts.into_iter().cycle().take(1_000));
    rig.server().says(&[large, frames::event("news", "small", "1")].concat());
    rig.settle();
    let told = received(&mut news);
    assert!(told.len() == 2 && told[0].len() > 300 * 1024 && told[1] == "news: small 1");
}

#[test]
fn what_came_before_an_end_is_told_before_it() {
    for end in [End::InOrder, End::Reset] {
        let (mut rig, mut news) = listening();
        let mut events = rig.client.events();
        rig.server().says(&frames::events("news", 0..1_000));
        rig.socket().ends(end);
        rig.run();
        let told = received(&mut events);
        assert_eq!((told.len(), &*told[1_000]), (1_001, "Waiting"));
        assert_eq!(received(&mut news).len(), 1_000);
        assert!(!rig.socket().is_open());
        let loss = rig.client.status().last_loss.expect("it was lost");
        assert!(matches!(*loss, Loss::Reset(_)), "{loss:?}");
    }
}

#[test]
fn a_close_frame_is_answered_and_what_follows_it_is_not_read_as_messages() {
    let (mut rig, mut news) = listening();
    let mut events = rig.client.events();
    let bytes = [
        frames::event("news", "last", "1"),
        frames::close(4001, "no such app"),
        frames::events("news", 0..10),
    ];
    rig.server().says(&bytes.concat());
    rig.socket().ends(End::InOrder);
    rig.run();
    assert_eq!(received(&mut events), ["news: last 1", "Refused"]);
    assert_eq!(received(&mut news), ["news: last 1", "Refused"], "and then it ends");
    assert_eq!(rig.server().take_received(), ["pusher:subscribe news", "close Some(4001)"]);
    assert!(!rig.socket().is_open());
}

#[test]
fn a_message_over_the_transports_limit_costs_the_connection_and_says_so_to_the_server() {
    let limits = pushest_driver::proto::Limits::default().message(1_000);
    let options = Options::default().transport_limit(2_000);
    let mut rig = Rig::connected_with(config().limits(limits), options);
    let mut events = rig.client.events();
    rig.want("news");
    rig.settle();
    received(&mut events);
    rig.server().take_received();
    rig.server().says(&frames::event("news", "large", &"x".repeat(1_500)));
    rig.run();
    assert_eq!(rig.state(), ConnectionState::Connected);
    let first = rig.socket();
    rig.server().says(&frames::event("news", "larger", &"x".repeat(2_500)));
    rig.run();
    let loss = rig.client.status().last_loss.expect("it was lost");
    assert!(matches!(*loss, Loss::TooLarge { limit: 2_000 }), "{loss:?}");
    assert_eq!(rig.server().take_received(), ["close Some(1009)"]);
    rig.pass_until(|rig| rig.state() == ConnectionState::Connected);
    assert!(!first.is_open());
}
