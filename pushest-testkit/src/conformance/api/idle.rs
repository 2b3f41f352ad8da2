//! Connections that are kept, and no call comes.

use std::thread;
use std::time::{Duration, Instant};

use super::double::{Double, answer, done, event};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::patience::eventually;

/// A server that takes a while for each of its first requests, so that each has a connection.
fn slow_at_first(count: usize) -> Double {
    Double::start(move |asked| {
        if asked.number <= count {
            thread::sleep(Duration::from_millis(100));
        }
        done()
    })
}

pub fn what_a_burst_leaves_is_closed_after_its_time_although_no_call_is_made<D: ApiDriver>() {
    let server = slow_at_first(16);
    let time = Duration::from_millis(500);
    let api = server.api::<D>(ApiSettings::default().keep_alive(time));
    for _ in 0..2 {
        let begun = Instant::now();
        let outcomes = api.publish_all(vec![event(); 16]);
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        eventually("the end of what was kept", || server.open() == 0);
        assert!(begun.elapsed() >= time, "{:?}", begun.elapsed());
    }
    api.call(event()).expect("published over a new one");
    assert_eq!((server.count(), server.open()), (33, 1));
}

pub fn what_is_used_again_is_kept_and_the_rest_is_closed<D: ApiDriver>() {
    let server = slow_at_first(8);
    let time = Duration::from_secs(2);
    let api = server.api::<D>(ApiSettings::default().keep_alive(time));
    let outcomes = api.publish_all(vec![event(); 8]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let connections = server.connections();
    // One call after the other: the connection that was left last is taken first.
    eventually("the end of all but one", || {
        api.call(event()).expect("published");
        server.open() == 1
    });
    assert_eq!(server.connections(), connections, "one of them was kept all the time");
    eventually("its end", || server.open() == 0);
}

pub fn the_servers_own_time_is_kept_to_although_no_call_is_made<D: ApiDriver>() {
    // A second before it, nothing more is begun over it.
    let server = Double::start(|_| answer(200, "Keep-Alive: timeout=3, max=100\r\n", "{}"));
    let api = server.api::<D>(ApiSettings::default().keep_alive(Duration::from_secs(3600)));
    api.call(event()).expect("published");
    api.call(event()).expect("published");
    assert_eq!(server.connections(), 1);
    eventually("its end", || server.open() == 0);
    drop(api);
}

pub fn the_last_handle_that_is_dropped_closes_all_that_is_kept<D: ApiDriver>() {
    let server = slow_at_first(16);
    let api = server.api::<D>(ApiSettings::default().keep_alive(Duration::from_secs(3600)));
    let outcomes = api.publish_all(vec![event(); 16]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert!(server.open() > 1, "{}", server.open());
    drop(api);
    eventually("the end of all", || server.open() == 0);
}
