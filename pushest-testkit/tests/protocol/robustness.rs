//! Whatever clients send: no panic, and the same again gives the same again.

use std::time::Duration;

use pushest_testkit::Profile;
use pushest_testkit::protocol::{Action, HttpRequest, PeerId};
use serde_json::json;

use crate::harness::{Harness, signed_target};

/// Pieces that messages are put together from, sensible and not.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-1e999",
    "\\u0000",
    "\\ud800",
    "é",
    "\u{7f}",
    "\"event\":",
    "\"data\":",
    "\"channel\":",
    "\"pusher:subscribe\"",
    "\"pusher:unsubscribe\"",
    "\"pusher:signin\"",
    "\"pusher:ping\"",
    "\"client-x\"",
    "\"private-x\"",
    "\"presence-x\"",
    "\"auth\":",
    "\"channel_data\":",
    "\"user_data\":",
    "\"app-key:00\"",
    "{}",
    "\"\"",
    " ",
];

const MESSAGES: &[&str] = &[
    r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#,
    r#"{"event":"pusher:subscribe","data":{"channel":"cache-x"}}"#,
    r#"{"event":"pusher:unsubscribe","data":{"channel":"news"}}"#,
    r#"{"event":"pusher:subscribe","data":{"channel":"presence-x","auth":"a","channel_data":"{}"}}"#,
    r#"{"event":"pusher:signin","data":{"auth":"app-key:00","user_data":"{\"id\":\"1\"}"}}"#,
    r#"{"event":"client-x","channel":"private-x","data":{}}"#,
    r#"{"event":"pusher:ping","data":{}}"#,
];

fn run(profile: Profile, seed: u64) -> Vec<Action> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut server = Harness::with(profile, |config| {
        config.seed = seed;
        config.subscription_counts = random.bool();
        config.limits.connections = Some(8);
    });
    let mut peers: Vec<PeerId> = Vec::new();
    let mut actions = Vec::new();
    for _ in 0..200 {
        let peer = (!peers.is_empty()).then(|| peers[random.usize(..peers.len())]);
        match (random.u8(..12), peer) {
            (0, _) | (_, None) => peers.push(server.broker.connect("app-key", server.now)),
            (1, Some(peer)) => server.broker.disconnected(peer, server.now),
            (2, _) => server.pass(Duration::from_secs(random.u64(..200))),
            (3, _) => server.publish("news", "x", "y"),
            (4, Some(peer)) if server.broker.socket_id(peer).is_some() => {
                let user = json!({ "user_id": random.u8(..3) });
                server.join(peer, "presence-x", &user);
            }
            (5, Some(peer)) if server.broker.socket_id(peer).is_some() => {
                let id = random.u8(..3).to_string();
                server.sign_in(peer, &json!({ "id": id, "watchlist": ["0", "1"] }));
            }
            (6 | 7, Some(peer)) => {
                let text: String = (0..random.usize(..20))
                    .map(|_| random.choice(PIECES).unwrap())
                    .copied()
                    .collect();
                server.broker.receive(peer, &text, server.now);
            }
            (8, Some(peer)) => {
                // A true message with one byte changed.
                let mut bytes = random.choice(MESSAGES).unwrap().as_bytes().to_vec();
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..128);
                server.broker.receive(peer, &String::from_utf8(bytes).unwrap(), server.now);
            }
            (_, Some(peer)) => {
                server.broker.receive(peer, random.choice(MESSAGES).unwrap(), server.now);
            }
        }
        actions.extend(server.actions());
    }
    for peer in peers {
        server.broker.disconnected(peer, server.now);
    }
    assert_eq!(server.broker.channels().count(), 0);
    assert_eq!(server.broker.users().count(), 0);
    assert_eq!(server.broker.peers().count(), 0);
    server.actions();
    assert_eq!(server.broker.poll_timeout(), None);
    actions
}

#[test]
fn no_message_breaks_it_and_nothing_is_left_when_all_are_gone() {
    for profile in Profile::ALL {
        for seed in 0..60 {
            run(profile, seed);
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_actions() {
    for seed in 0..10 {
        assert_eq!(run(Profile::Standard, seed), run(Profile::Standard, seed), "seed {seed}");
    }
}

#[test]
fn no_request_breaks_it() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut server = Harness::new();
    for round in 0..2000 {
        let body: String =
            (0..random.usize(..12)).map(|_| random.choice(PIECES).unwrap()).copied().collect();
        let paths = ["/apps/1/events", "/apps/1/batch_events", "/apps/1/channels/%"];
        let path = paths[random.usize(..paths.len())];
        let method = if random.bool() { "POST" } else { "GET" };
        let mut target = signed_target(
            method,
            path,
            &[("info", "user_count")],
            &body,
            crate::harness::UNIX_TIME,
        );
        if round % 2 == 0 {
            let mut bytes = target.into_bytes();
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(32..127);
            target = String::from_utf8(bytes).unwrap();
        }
        let request =
            HttpRequest::new(method, target, crate::harness::UNIX_TIME).body(body.into_bytes());
        let answer = server.broker.http(&request, server.now);
        assert!([200, 400, 401, 404, 405, 413].contains(&answer.status));
    }
}
