//! The recordings in `tests/recordings` that are named here are made by these scenarios: together
//! they hold every kind of line, action and event, and they pin the order of actions where it is
//! delicate. [`crate::traces`] replays them, so that a change of what a session does shows.
//!
//! Where a change is meant, or the format has another version, this makes them anew:
//!
//! ```text
//! PUSHEST_RECORDINGS=write cargo test -p pushest-proto --test behaviour recorded
//! ```
//!
//! The other two, `restart` and `stopped`, are of a program at work, and are made by
//! `pushest listen --record`.

mod authorizing;
mod connecting;
mod encrypted;
mod errors;
mod events;
mod networks;
mod signing_in;
mod subscribing;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::harness::{Harness, object};
use pushest_proto::{Authorization, AuthorizationError, AuthorizationRequest, SubscribeOptions};
use serde_json::json;

type Scenario = fn() -> Harness;

const SCENARIOS: [(&str, Scenario); 23] = [
    ("authorizations-in-turn", authorizing::in_turn),
    ("authorizations-unavailable", authorizing::unavailable_for_now),
    ("authorizations-unusable", authorizing::unusable),
    ("cache-and-counts", events::cache_and_counts),
    ("client-events", events::client_events),
    ("closed-for-size", errors::closed_for_size),
    ("connector", connecting::connector),
    ("dialling", connecting::dialling),
    ("encrypted-asking", encrypted::asking_for_keys),
    ("encrypted-signing", encrypted::with_the_master_key),
    ("errors-that-name-nothing", errors::that_name_nothing),
    ("gaps", subscribing::gaps),
    ("heartbeat", connecting::heartbeat),
    ("networks", networks::that_change),
    ("order-of-causes", connecting::order_of_causes),
    ("other-member-data", subscribing::other_member_data),
    ("presence", events::presence),
    ("refused-for-good", connecting::refused_for_good),
    ("sign-in-asking", signing_in::asking_first),
    ("sign-in-signing", signing_in::with_the_secret),
    ("slow-driver", connecting::slow_driver),
    ("subscriptions-refused", subscribing::refused),
    ("subscriptions-unanswered", subscribing::unanswered),
];

/// At most this many bytes are worth a file that people look at.
const MOST_BYTES: usize = 60_000;

#[test]
fn each_scenario_records_what_its_file_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let writes = std::env::var_os("PUSHEST_RECORDINGS").is_some_and(|value| value == "write");
    for (name, scenario) in SCENARIOS {
        let path = folder.join(name).with_extension("jsonl");
        let recording = scenario().recording();
        assert!(recording.len() <= MOST_BYTES, "{name} has {} bytes", recording.len());
        if writes {
            fs::write(&path, &recording).unwrap();
            continue;
        }
        let held = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The header names the version of the library, which may have been an earlier one.
        let lines = |text: &str| text.lines().skip(1).map(String::from).collect::<Vec<_>>();
        for (place, (made, held)) in lines(&recording).iter().zip(lines(&held)).enumerate() {
            assert_eq!(*made, held, "line {} of {name}", place + 2);
        }
        assert_eq!(recording.lines().count(), held.lines().count(), "lines of {name}");
    }
}

/// What these scenarios do more than once.
impl Harness {
    fn answer_request(
        &mut self,
        request: &AuthorizationRequest,
        answer: Result<Authorization, AuthorizationError>,
    ) {
        self.session.handle_authorization(request.ticket, answer, self.now);
        self.drain();
    }

    fn grant(&mut self, request: &AuthorizationRequest) {
        self.answer_request(request, Ok(Authorization::new("key:5f00")));
    }

    /// The last request for an authorization, once there is one.
    fn next_request(&mut self) -> AuthorizationRequest {
        for _ in 0..20 {
            if let Some(request) = self.requests().pop() {
                return request;
            }
            self.next_deadline();
        }
        panic!("no authorization is asked for");
    }

    /// Subscribes without polling what comes of it.
    fn want(&mut self, channel: &str) {
        let options = match channel.starts_with("presence-") {
            true => SubscribeOptions::member("me"),
            false => SubscribeOptions::default(),
        };
        self.session.subscribe(channel, &options, self.now).unwrap();
    }

    /// As [`Harness::receive`], without polling what comes of it.
    fn hear(&mut self, message: &str) {
        self.session.handle_slice(self.current(), message.as_bytes(), self.now);
    }

    fn unsubscribe(&mut self, channel: &str) {
        self.session.unsubscribe(channel, self.now).unwrap();
    }

    fn retry(&mut self, channel: &str) {
        self.session.retry(channel, self.now).unwrap();
        self.drain();
    }

    fn sign_in(&mut self, user_data: &str) {
        self.session.sign_in(Some(user_data), self.now).unwrap();
    }

    fn trigger(&mut self, channel: &str, event: &str, data: &serde_json::Value) {
        self.session.trigger(channel, event, data, self.now).unwrap();
    }

    fn ping(&mut self) {
        self.session.ping(self.now).unwrap();
    }

    fn error(&mut self, code: u16, text: &str) {
        self.receive(&object("pusher:error", None, json!({"code": code, "message": text})));
    }

    fn writable(&mut self, writable: bool) {
        self.session.handle_writable(self.current(), writable, self.now);
    }

    fn pass_millis(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    /// Loses the connection, waits as long as the session does, and is connected again.
    fn come_back(&mut self, code: u16) {
        self.close(code);
        self.establish();
    }

    fn disconnect(mut self) -> Self {
        self.session.disconnect(self.now);
        self.drain();
        self
    }
}

fn unavailable(
    message: &str,
    retry_after: Option<u64>,
) -> Result<Authorization, AuthorizationError> {
    let denied = AuthorizationError::unavailable(Some(503), message);
    Err(match denied {
        AuthorizationError::Unavailable { status, message, .. } => {
            AuthorizationError::Unavailable {
                status,
                message,
                retry_after: retry_after.map(Duration::from_secs),
            }
        }
        other => other,
    })
}

fn signed_in(id: &str) -> String {
    object("pusher:signin_success", None, json!({"user_data": {"id": id}}))
}
