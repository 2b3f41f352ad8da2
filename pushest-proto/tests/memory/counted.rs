//! What each channel's own numbers take, and that they go with it.

use pushest_proto::SubscribeOptions;

use crate::world::{World, signing};
use crate::{alone, live};

const CHANNELS: usize = 5_000;

fn name(number: usize) -> String {
    format!("channel-{number}")
}

/// What a session with many channels takes, by the allocator and by its own word, in bytes.
fn held(is_counted: bool) -> (usize, usize) {
    let before = live();
    let mut world = World::with(signing().channel_statistics(is_counted));
    for number in 0..CHANNELS {
        let options = SubscribeOptions::default();
        world.session.subscribe(&name(number), &options, world.now).unwrap();
    }
    world.drain();
    let held = (live() - before, world.session.memory().channel_bytes);
    for number in 0..CHANNELS {
        world.session.unsubscribe(&name(number), world.now).unwrap();
    }
    world.drain();
    assert_eq!(world.session.memory().channels, 0);
    held
}

#[test]
fn numbers_of_each_channel_take_about_a_hundred_bytes_which_are_told() {
    let _alone = alone();
    let (plain, plain_told) = held(false);
    let (counted, counted_told) = held(true);
    let (more, more_told) = (counted - plain, counted_told - plain_told);
    assert!((40 * CHANNELS..=120 * CHANNELS).contains(&more), "{more}");
    assert!(more / 2 <= more_told && more_told <= 2 * more, "{more_told} of {more}");
}
