//! Whatever is dropped, and whenever: no task is left waiting, and nothing is left behind.

mod life;
mod parts;

use pushest_driver::{NotConnected, SubscribeError};

use self::life::live;
use self::parts::Part::{self, *};
use super::rig::Rig;

/// Lives through the whole of a client's life again and again, and drops these one step later each
/// time. Returns how many steps there are.
fn walk(parts: &[Part]) -> usize {
    walk_by(1, 0, parts)
}

/// The same, with a stride, from this step on.
fn walk_by(stride: usize, first: usize, parts: &[Part]) -> usize {
    let mut stop = first;
    while live(stop, parts) {
        stop += stride;
    }
    stop
}

#[test]
fn the_life_that_is_walked_through_has_everything_in_it() {
    assert!(!live(usize::MAX, &[Panic]));
}

#[test]
fn each_part_may_be_dropped_at_any_step() {
    for part in parts::ALL {
        let steps = walk(&[part]);
        assert!(steps > 150, "{part:?}: only {steps} steps");
    }
}

#[test]
fn any_two_parts_may_be_dropped_at_any_step_in_any_order() {
    let pairs = parts::ALL.into_iter().flat_map(|first| parts::ALL.map(|second| [first, second]));
    for (at, pair) in pairs.filter(|[first, second]| first != second).enumerate() {
        // All pairs together come to every step.
        walk_by(17, at % 17, &pair);
    }
}

#[test]
fn all_parts_may_be_dropped_at_any_step_in_any_order() {
    walk(&parts::ALL);
    let mut reversed = parts::ALL;
    reversed.reverse();
    walk(&reversed);
    walk(&[Pump, Client, Events, News, Connected, Subscribed, Flushed]);
    walk(&[Client, Events, News, Shutdown, SignedIn, Pump]);
}

#[test]
fn a_runtime_that_panics_at_any_step_leaves_nobody_waiting_and_nothing_behind() {
    let steps = walk(&[Panic]);
    assert!(steps > 200, "only {steps} steps");
}

#[test]
fn a_pump_that_is_gone_keeps_no_waker_whoever_still_holds_the_client() {
    let mut rig = Rig::connected();
    let events = rig.client.events();
    assert!(rig.wakes.held() >= 3, "the hub, the stream and the timer");
    rig.pump = None;
    assert_eq!(rig.wakes.held(), 0);
    rig.client.network_changed();
    assert_eq!(
        rig.client.subscribe("news").unwrap_err(),
        SubscribeError::Closed(NotConnected::Ended)
    );
    assert_eq!(rig.wakes.take(), 0);
    drop(events);
}

#[test]
fn a_pump_that_has_ended_keeps_neither_waker_nor_timer_until_it_is_dropped() {
    let mut rig = Rig::connected();
    let mut pump = rig.pump.take().expect("it runs");
    let client = rig.take_client();
    let commands = client.commands().clone();
    drop(client);
    for _ in 0..10 {
        if rig.wakes.poll(&mut pump).is_ready() {
            break;
        }
        rig.serve();
    }
    assert_eq!((rig.wakes.held(), rig.world.clock().timers()), (0, 0));
    rig.wakes.take();
    commands.connect();
    assert_eq!(rig.wakes.take(), 0);
    drop(pump);
    assert_eq!(rig.world.lives(), 1, "the runtime, which the commands hold");
    drop(commands);
    assert_eq!(rig.world.lives(), 0);
}
