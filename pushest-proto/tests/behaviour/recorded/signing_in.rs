//! Signing in, once on each connection.

use super::{signed_in, unavailable};
use crate::harness::{Harness, asking, message, object, signing};
use pushest_proto::{Authorization, AuthorizationError, Loss};
use serde_json::json;

/// An endpoint has the authorization.
pub(super) fn asking_first() -> Harness {
    let mut harness = Harness::new(asking());
    harness.sign_in(r#"{"id":"first"}"#);
    harness.connect_and_keep();
    let asked = harness.requests();
    // As another user while the request runs, and with a channel that was wanted before.
    harness.want("private-a");
    harness.sign_in(r#"{"id":"ada","watchlist":["bob"]}"#);
    harness.sign_in(r#"{"id":"ada","watchlist":["bob"]}"#);
    harness.drain();
    harness.grant(&asked[0]);
    let asked = harness.requests();
    harness.answer_request(&asked[1], unavailable("later", Some(2)));
    harness.pass_seconds(3);
    let asked = harness.requests();
    harness.answer_request(&asked[0], unavailable("later", None));
    harness.pass_seconds(5);
    // No answer within the timeout, and one too late.
    let late = harness.requests();
    harness.pass_seconds(11);
    harness.grant(&late[0]);
    harness.pass_seconds(10);
    // What the answer must hold.
    for data in [None, Some("{}"), Some("{"), Some(r#"{"id":""}"#)] {
        harness.session.sign_in(None, harness.now).unwrap();
        harness.drain();
        let mut granted = Authorization::new("key:77");
        if let Some(data) = data {
            granted = granted.user_data(data);
        }
        let asked = harness.requests();
        harness.answer_request(asked.last().unwrap(), Ok(granted));
    }
    // A refusal outlasts the connection.
    harness.come_back(4200);
    harness.receive(&signed_in("nobody"));
    harness.session.sign_in(None, harness.now).unwrap();
    harness.drain();
    let user = r#"{"id":"ada","watchlist":["bob"]}"#;
    let granted = || Ok(Authorization::new("key:78").user_data(user));
    let asked = harness.requests();
    harness.answer_request(asked.last().unwrap(), granted());
    harness.receive(&signed_in("ada"));
    harness.succeed("#server-to-user-ada");
    harness.receive(&message("notice", Some("#server-to-user-ada"), "\"you\""));
    harness.receive(&object("online", None, json!({"user_ids": ["bob"]})));
    harness.lose(Loss::reset("while it is signed in"));
    harness.establish();
    // Lost while it asks, then while the answer waits to be sent.
    harness.come_back(4200);
    let asked = harness.requests();
    harness.writable(false);
    harness.answer_request(asked.last().unwrap(), granted());
    harness.come_back(4200);
    let asked = harness.requests();
    harness.answer_request(
        asked.last().unwrap(),
        Err(AuthorizationError::refused(Some(401), "no longer")),
    );
    harness.disconnect()
}

/// The secret is there: the user's own channel, watchlists, refusals.
pub(super) fn with_the_secret() -> Harness {
    const WATCHING: &str = r#"{"id":"ada","watchlist":["bob","eve"]}"#;
    let news = |online, ids: &[&str]| {
        let name = if online { "online" } else { "offline" };
        let events = json!({"events": [{"name": name, "user_ids": ids}]});
        message("pusher_internal:watchlist_events", None, &events.to_string())
    };
    let mut harness = Harness::new(signing());
    harness.want("private-a");
    harness.connect_and_keep();
    harness.receive(&news(true, &["bob"]));
    harness.sign_in(WATCHING);
    harness.want("private-b");
    harness.drain();
    harness.receive(&news(true, &["bob"]));
    harness.receive(&object("pusher:signin_success", None, json!({"user_data": 7})));
    harness.hear(&signed_in("ada"));
    harness.hear(&news(false, &["bob"]));
    harness.drain();
    harness.succeed("#server-to-user-ada");
    harness.receive(&signed_in("ada"));
    harness.receive(&object("offline", None, json!({"user_ids": ["eve", null, 7]})));
    let many: Vec<String> = (0..103).map(|number| format!("{number}")).collect();
    harness.receive(&object("online", None, json!({"user_ids": many})));
    harness.receive(&object("pusher_internal:watchlist_events", None, json!({"events": 7})));
    // As another user: the former user's channel is left.
    harness.sign_in(r#"{"id":"bob"}"#);
    harness.drain();
    harness.receive(&signed_in("bob"));
    harness.receive(&message("late", Some("#server-to-user-ada"), "1"));
    harness.succeed("#server-to-user-bob");
    harness.receive(&message("notice", Some("#server-to-user-bob"), "1"));
    // Again after a loss, and its channel after the confirmation.
    harness.come_back(4200);
    harness.receive(&signed_in("bob"));
    harness.succeed("#server-to-user-bob");
    harness.come_back(4200);
    harness.error(4301, "signin: nobody knows you");
    harness.sign_in(r#"{"id":"bob"}"#);
    harness.drain();
    harness.error(4009, "user_data: it has no id that is known");
    // A confirmation after the failure, and one that is asked for and never comes.
    harness.receive(&signed_in("bob"));
    harness.come_back(4200);
    harness.pass_seconds(11);
    harness.receive(&signed_in("bob"));
    // What closes the connection may be about the sign-in.
    harness.come_back(4200);
    harness.close(4009);
    harness.connect_and_keep();
    harness.unsubscribe("private-a");
    harness.disconnect()
}
