//! What is kept of receivers, and what all of them come down to.

use pushest_proto::ChannelName;

use super::*;
use crate::options::Options;

#[test]
fn of_receivers_that_are_gone_nothing_stays_and_none_is_counted_twice() {
    let options = Options::default().all_queues(64 * 1024).expect("valid");
    let congestion = Arc::new(Congestion::new(&options));
    let mut receivers = Receivers::new(congestion.clone(), 0);
    let new = |receivers: &mut Receivers| {
        receivers.insert(Arc::new(Queue::new(&options, congestion.clone())))
    };
    let channel = ChannelName::new("news").expect("a good name");
    let mut keys = Vec::new();
    for round in 0..100 {
        keys.push(new(&mut receivers));
        for key in &keys {
            receivers.stage(*key, Event::Subscribed { channel: channel.clone() });
        }
        receivers.deliver(&mut Vec::new());
        if round >= 3 {
            receivers.remove(keys.remove(round % keys.len()));
        }
        let mut holding = receivers.holding.clone();
        holding.sort_unstable();
        holding.dedup();
        assert_eq!(holding.len(), keys.len(), "{round}");
        for (place, key) in receivers.holding.iter().enumerate() {
            assert_eq!(receivers.slab[*key].holding_at, Some(place), "{round}");
        }
        assert_eq!(receivers.holding.len(), keys.len(), "{round}");
        assert!(receivers.fresh.len() <= keys.len(), "{round}");
        for (place, key) in receivers.fresh.iter().enumerate() {
            assert_eq!(receivers.slab[*key].fresh_at, Some(place), "{round}");
        }
    }
}

#[test]
fn receivers_that_come_and_go_leave_nothing_behind_though_nothing_is_copied() {
    let congestion = Arc::<Congestion>::default();
    let mut receivers = Receivers::new(congestion.clone(), 0);
    let channel = ChannelName::new("news").expect("a good name");
    for _ in 0..100 {
        let queue = Queue::new(&Options::default(), congestion.clone());
        let key = receivers.insert(Arc::new(queue));
        receivers.stage(key, Event::Subscribed { channel: channel.clone() });
        receivers.deliver(&mut Vec::new());
        assert_eq!(receivers.fresh, [key]);
        receivers.remove(key);
        assert!(receivers.fresh.is_empty(), "{:?}", receivers.fresh);
    }
}

#[test]
fn a_backlog_is_not_looked_at_for_each_message() {
    let congestion = Arc::<Congestion>::default();
    let mut receivers = Receivers::new(congestion.clone(), 0);
    let key = receivers.insert(Arc::new(Queue::new(&Options::default(), congestion)));
    let channel = ChannelName::new("news").expect("a good name");
    let (mut read, mut copied) = (0, 0);
    for _ in 0..20_000 {
        let before = receivers.read;
        receivers.settle_left();
        copied += usize::from(before > 0 && receivers.read == 0);
        // Less than the event counts, so that what waits is most of what was read.
        receivers.note_read(100);
        read += 100;
        receivers.stage(key, Event::Subscribed { channel: channel.clone() });
        receivers.deliver(&mut Vec::new());
    }
    let looks = receivers.looks.get();
    assert!(looks <= read / SPAN, "{looks} looks for {read} bytes");
    assert!(copied >= 2, "{copied}");
}

fn level_of(held: &[usize], most: usize) -> usize {
    let holders: Vec<_> = held.iter().map(|bytes| (*bytes, 0)).collect();
    level(&holders, most)
}

#[test]
fn the_largest_come_down_to_a_common_level_and_others_keep_what_they_have() {
    assert_eq!(level_of(&[100, 10, 10], 60), 40);
    assert_eq!(level_of(&[100, 80, 10], 100), 45);
    assert_eq!(level_of(&[100, 80, 10], 190), 100, "nobody needs to");
    assert_eq!(level_of(&[7, 7, 7], 10), 3);
    assert_eq!(level_of(&[7, 7, 7], 0), 0);
    assert_eq!(level_of(&[], 5), 0);
}

#[test]
fn what_is_left_fits_whoever_holds_it() {
    for most in 0..60 {
        let held = [20, 13, 13, 5, 5, 1, 1];
        let level = level_of(&held, most);
        let left: usize = held.iter().map(|bytes| bytes.min(&level)).sum();
        assert!(left <= most, "{left} of {most}");
        let higher: usize = held.iter().map(|bytes| (*bytes).min(level + 1)).sum();
        assert!(level == 20 || higher > most, "no more than must: {higher} of {most}");
    }
}
