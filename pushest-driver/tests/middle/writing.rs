//! What is handed to the sink, and when.

use std::time::Duration;

use pushest_driver::{CommandError, ConnectionState, Loss, Options};

use super::frames;
use super::rig::{Rig, config, received};
use super::stream::{Cut, End};
use super::world::{Call, Outcome};

fn chatting() -> Rig {
    let config = config().client_events_per_second(None);
    let mut rig = Rig::connected_with(config, Options::default());
    rig.want("private-chat");
    rig.settle();
    rig.server().take_received();
    rig.world.take_calls();
    rig
}

#[test]
fn many_frames_are_one_write_and_one_flush() {
    let mut rig = chatting();
    for number in 0..20 {
        rig.client.trigger("private-chat", "client-number", &number).unwrap();
    }
    rig.run();
    let io = rig.world.take_io();
    assert_eq!(io.iter().filter(|call| matches!(call, Call::Write(_))).count(), 1, "{io:?}");
    assert_eq!(io.iter().filter(|call| matches!(call, Call::Flush(_))).count(), 1, "{io:?}");
    assert_eq!(rig.server().take_received().len(), 20);
}

#[test]
fn a_thousand_frames_are_few_writes_and_one_flush() {
    let mut rig = chatting();
    for number in 0..1_000 {
        rig.client.trigger("private-chat", "client-number", &number).unwrap();
    }
    rig.run();
    let io = rig.world.take_io();
    let written: usize = io
        .iter()
        .map(|call| if let Call::Write(Outcome::Done(bytes)) = call { *bytes } else { 0 })
        .sum();
    let writes = io.iter().filter(|call| matches!(call, Call::Write(_))).count();
    assert!(writes <= written / (4 * 1024) + 1, "{writes} writes for {written} bytes");
    assert_eq!(io.iter().filter(|call| matches!(call, Call::Flush(_))).count(), 1);
    assert_eq!(rig.server().take_received().len(), 1_000);
}

#[test]
fn nothing_more_is_handed_over_than_one_turn_brings_while_the_sink_takes_none() {
    let mut rig = Rig::connected();
    rig.socket().set_room(100);
    for number in 0..5_000 {
        rig.want(&format!("channel-{number}"));
    }
    rig.run();
    rig.world.take_calls();
    // What was unsubscribed from before it had been handed over is never sent.
    for number in 1_500..5_000 {
        rig.client.unsubscribe(&format!("channel-{number}")).unwrap();
    }
    rig.run();
    // It neither writes on and on nor spins.
    let mut writes = rig.world.take_io().into_iter().filter(|call| matches!(call, Call::Write(_)));
    assert!(writes.all(|call| call == Call::Write(Outcome::Pending)));
    assert_eq!(rig.count_wakes(), 0);
    rig.socket().set_room(usize::MAX);
    rig.run();
    let expected: Vec<_> =
        (0..1_500).map(|number| format!("pusher:subscribe channel-{number}")).collect();
    assert!(rig.server().take_received() == expected);
}

#[test]
fn a_sink_that_takes_a_little_at_a_time_is_given_everything_once_and_in_order() {
    let mut rig = chatting();
    rig.socket().set_room(0);
    for number in 0..200 {
        rig.client.trigger("private-chat", "client-number", &format!("<{number}>")).unwrap();
    }
    rig.run();
    // It waits for room until everything is out.
    loop {
        rig.socket().set_room(7);
        if rig.run() == 0 {
            break;
        }
    }
    let written = rig.server().take_texts();
    assert_eq!(written.len(), 200);
    for (number, text) in written.iter().enumerate() {
        assert!(text.contains(&format!("<{number}>")), "{number}: {text}");
    }
}

#[test]
fn what_waits_for_the_sink_is_bounded_and_the_user_is_told() {
    let mut rig = chatting();
    rig.socket().set_room(0);
    let data = "x".repeat(1_000);
    let mut accepted = 0;
    let error = loop {
        match rig.client.trigger("private-chat", "client-large", &data) {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        rig.run();
        assert!(accepted < 1_000, "there is no end");
    };
    assert!(matches!(error, CommandError::OutgoingFull { .. }), "{error:?}");
    let before = rig.socket().written();
    rig.socket().set_room(usize::MAX);
    rig.run();
    // What the session keeps, and the sink's buffer with one frame more. The session counts the place
    // of each frame and the event's name, too: less than 150 bytes beside a frame of 1 KB.
    let kept = (rig.socket().written() - before) / 1_024;
    assert!((220..=262).contains(&kept), "{kept} KiB");
    assert_eq!(rig.server().take_received().len(), accepted);
    rig.client.trigger("private-chat", "client-large", &data).unwrap();
}

#[test]
fn a_flush_that_has_to_wait_is_taken_up_again_and_not_repeated_after_that() {
    let mut rig = chatting();
    rig.socket().cut_flushes([Cut::Pending, Cut::Pending]);
    rig.client.trigger("private-chat", "client-a", "1").unwrap();
    rig.settle();
    let flushes: Vec<_> =
        rig.world.take_io().into_iter().filter(|call| matches!(call, Call::Flush(_))).collect();
    assert_eq!(flushes.last(), Some(&Call::Flush(Outcome::Done(0))));
    rig.server().says(&frames::event("private-chat", "headline", "rain"));
    rig.settle();
    let io = rig.world.take_io();
    assert!(io.iter().all(|call| matches!(call, Call::Read(_))), "{io:?}");
}

#[test]
fn a_close_frame_that_can_be_read_says_more_than_the_write_that_failed() {
    // Before it is written, or in the very moment in which that fails.
    for is_late in [false, true] {
        let mut rig = chatting();
        let mut events = rig.client.events();
        let socket = rig.socket();
        let say = move || {
            let last = frames::event("private-chat", "last", "1");
            socket.arrives(&[last, frames::close(4100, "over capacity")].concat());
            socket.ends(End::Reset);
        };
        rig.client.trigger("private-chat", "client-a", "1").unwrap();
        rig.socket().break_writing();
        if is_late {
            rig.world.at_each_call(move |call| {
                if call == Call::Write(Outcome::Failed) {
                    say();
                }
            });
        } else {
            say();
        }
        rig.run();
        rig.world.forget_hook();
        let loss = rig.client.status().last_loss.expect("it was lost");
        assert_eq!(*loss, Loss::closed(Some(4100), "over capacity"));
        assert_eq!(received(&mut events), ["private-chat: last 1", "Waiting"]);
    }
}

#[test]
fn a_write_that_failed_with_nothing_to_read_is_a_loss_at_once() {
    let mut rig = chatting();
    rig.client.trigger("private-chat", "client-a", "1").unwrap();
    rig.socket().break_writing();
    rig.run();
    assert_eq!(rig.state(), ConnectionState::Waiting);
    let loss = rig.client.status().last_loss.expect("it was lost");
    assert!(matches!(*loss, Loss::Reset(_)), "{loss:?}");
    assert!(!rig.socket().is_open());
    rig.pass_until(|rig| rig.state() == ConnectionState::Connected);
}

#[test]
fn before_the_close_frame_goes_out_all_that_was_accepted() {
    for room in [usize::MAX, 0] {
        let mut rig = chatting();
        rig.socket().set_room(room);
        let data = "x".repeat(1_000);
        for _ in 0..200 {
            rig.client.trigger("private-chat", "client-a", &data).unwrap();
        }
        if room == 0 {
            rig.run();
        }
        rig.client.disconnect();
        rig.run();
        assert_eq!(rig.state(), ConnectionState::Disconnected);
        let mut rounds = 0..10_000;
        while rig.socket().is_open() {
            rounds.next().expect("it comes to an end");
            rig.socket().set_room(10_000);
            rig.settle();
        }
        let mut sent = rig.server().take_received();
        assert_eq!(sent.pop().unwrap(), "close Some(1000)");
        assert_eq!(sent.len(), 200);
    }
}

#[test]
fn a_sink_that_takes_nothing_keeps_a_closing_connection_two_seconds_and_no_longer() {
    let mut rig = chatting();
    rig.socket().set_room(0);
    rig.client.trigger("private-chat", "client-a", "1").unwrap();
    rig.client.disconnect();
    rig.pass(Duration::from_millis(1_999));
    assert!(rig.socket().is_open());
    rig.pass(Duration::from_millis(1));
    assert!(!rig.socket().is_open());
    assert_eq!(rig.world.clock().timers(), 0);
}
