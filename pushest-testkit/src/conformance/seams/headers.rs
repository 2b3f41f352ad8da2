//! Headers of the upgrade that are provided anew for each dial.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use pushest_proto::{ConnectionState, DialFailure, Loss};

use super::super::driver::{Driver, DriverClient, Settings};
use super::super::in_process;
use super::super::patience::{Expect, started_with};
use crate::Target;

const SENTINEL: &str = "s3ntin3l";

pub fn headers_are_provided_anew_for_each_dial<D: Driver>() {
    let (remote, server) = in_process();
    let dials = Arc::new(AtomicU32::new(0));
    let count = dials.clone();
    let provider = move || {
        let dial = count.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(vec![("X-Dial".to_owned(), dial.to_string())])
    };
    let settings = Settings::default().header_provider(Some(Arc::new(provider)));
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe("news");
    assert_eq!(dials.load(Ordering::SeqCst), 1);
    server.drop_connections(Target::All);
    client.next_gap("news");
    assert_eq!(dials.load(Ordering::SeqCst), 2);
}

pub fn headers_that_are_provided_take_the_place_of_fixed_ones_of_the_same_name<D: Driver>() {
    let (remote, server) = in_process();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let provided = vec![header("x-token", "fresh"), header("X-List", "a"), header("X-List", "b")];
    let settings = Settings::default()
        .headers(vec![header("X-Token", "stale"), header("X-TOKEN", "stale"), header("X-Fix", "1")])
        .header_provider(Some(Arc::new(move || Ok(provided.clone()))));
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_connect();
    let heads = server.upgrade_heads();
    let [head] = &heads[..] else { panic!("{heads:?}") };
    for line in ["x-token: fresh", "X-List: a", "X-List: b", "X-Fix: 1"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{head}");
    }
    assert!(!head.contains("stale"), "{head}");
}

pub fn headers_that_are_missing_or_none_fail_the_dial_visibly_and_it_is_tried_again<D: Driver>() {
    type Provided = Result<Vec<(String, String)>, String>;
    let (remote, server) = in_process();
    let header = |name: &str, value: &str| Ok(vec![(name.to_owned(), value.to_owned())]);
    let plan: Vec<Provided> = vec![
        header("X-Tenant", "blue"),
        header("Sec-WebSocket-Key", SENTINEL),
        header("X-Token", &format!("{SENTINEL}\r\nX-More: 1")),
        Err("the token's file cannot be read".to_owned()),
    ];
    let plan = Mutex::new(plan);
    // A panic comes first, and costs the dial, too.
    let panics = AtomicU32::new(1);
    let provider = move || {
        if panics.swap(0, Ordering::SeqCst) == 1 {
            std::panic::resume_unwind(Box::new("nothing is printed of it"));
        }
        plan.lock().expect("nobody panicked").pop().expect("the last one connects")
    };
    let settings = Settings::default().header_provider(Some(Arc::new(provider)));
    let mut client = started_with::<D>(remote.config(), settings);
    for text in ["panicked", "the token's file cannot be read", "visible ASCII", "upgrade itself"] {
        let loss = client.next_state(ConnectionState::Waiting).loss.expect("why");
        let Loss::Dial(DialFailure::Headers(reason)) = &*loss else { panic!("{loss:?}") };
        assert!(reason.contains(text), "{reason}");
        assert!(!format!("{loss:?}").contains(SENTINEL), "{loss:?}");
        // The pause is not waited for.
        client.connect();
    }
    client.must_connect();
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}
