//! What channels take in a session.

use pushest_proto::SubscribeOptions;

use super::session::{Established, drained};

/// Subscribes to `count` public channels, and confirms each. Returns what is allocated before that and
/// after it, in bytes.
pub fn many_channels(count: u64, live: fn() -> usize) -> (usize, usize) {
    let mut established = Established::new(false, |_| {});
    let before = live();
    for number in 0..count {
        let now = established.now();
        let name = format!("channel-{number}");
        let options = SubscribeOptions::default();
        established.session.subscribe(&name, &options, now).expect("there is room");
        assert_eq!(drained(&mut established.session).sent, 1);
    }
    for number in 0..count {
        assert_eq!(established.confirm(&format!("channel-{number}"), r#""{}""#).emitted, 1);
    }
    (before, live())
}
