//! Errors that do not say what they are about.

use super::signed_in;
use crate::harness::{Harness, PONG, message, object, signing};
use pushest_proto::{Endpoint, Loss, SubscribeOptions};
use serde_json::json;

/// By what is unanswered, and by the words of the message.
pub(super) fn that_name_nothing() -> Harness {
    let mut harness = Harness::new(signing());
    for name in ["private-a", "private-b", "presence-c", "news"] {
        harness.want(name);
    }
    harness.connect_and_keep();
    // Three could be meant; then one is named, as a word and in other ways, or one that waits for
    // no answer.
    harness.error(4009, "no");
    harness.error(4009, "signature of private-b: no");
    harness.error(4009, "channel=private-b, again");
    harness.error(4009, "(presence-c).");
    harness.error(4009, "no");
    harness.error(4009, "no");
    // A code that is of the connection, whatever is unanswered.
    harness.retry("private-a");
    for code in [4000, 4100, 4201, 4302] {
        harness.error(code, "private-a");
    }
    // The sign-in, if the words are about it or nothing else is unanswered.
    harness.sign_in(r#"{"id":"me"}"#);
    harness.drain();
    harness.error(4009, "no");
    harness.error(4009, "Signin: no");
    harness.sign_in(r#"{"id":"me"}"#);
    harness.drain();
    harness.succeed("private-a");
    harness.error(4009, "private-a and the sign-in");
    harness.error(401, "no");
    harness.sign_in(r#"{"id":"me"}"#);
    harness.drain();
    harness.receive(&signed_in("me"));
    // Poxa's form: without a channel.
    let nameless =
        || object("pusher:subscription_error", None, json!({"message": "no", "status": 401}));
    harness.receive(&nameless());
    harness.error(4009, "the user's own channel was it: #server-to-user-me");
    harness.retry("private-b");
    harness.receive(&nameless());
    // Client events: the one that is named, the only one, one that was read.
    for event in ["client-a", "client-b", "client-c"] {
        harness.trigger("private-a", event, &json!(1));
    }
    harness.drain();
    harness.error(4301, "client-b is over the rate");
    harness.error(4301, "over the rate");
    harness.error(4301, "client-c is over the rate");
    harness.error(4301, "over the rate");
    harness.ping();
    harness.trigger("private-a", "client-d", &json!(1));
    harness.drain();
    harness.error(4301, "over the rate");
    harness.trigger("private-a", "client-e", &json!(1));
    harness.ping();
    harness.drain();
    harness.receive(PONG);
    harness.receive(PONG);
    harness.error(4301, "client-e is over the rate");
    // Of any shape.
    harness.receive(&message("pusher:error", None, "only words"));
    harness.receive(&object("pusher:error", None, json!(null)));
    harness.receive(&object("pusher:error", Some("private-a"), json!({"code": 4301})));
    harness.receive(r#"{"event":"pusher:error","channel":7,"data":{}}"#);
    harness.disconnect()
}

/// A server closes for one frame that it finds too large: 1009 twice, and that one fails.
pub(super) fn closed_for_size() -> Harness {
    const TOO_BIG: u16 = 1009;
    let info =
        |bytes: usize| SubscribeOptions::member("me").info(&format!("\"{}\"", "x".repeat(bytes)));
    let mut harness = Harness::new(signing());
    let now = harness.now;
    harness.want("private-a");
    harness.session.subscribe("presence-large", &info(300), now).unwrap();
    harness.session.subscribe("presence-larger", &info(400), now).unwrap();
    harness.connect_and_keep();
    harness.come_back(TOO_BIG);
    harness.lose(Loss::bad_close(Some(TOO_BIG), "a reason of 200 bytes"));
    harness.establish();
    harness.come_back(TOO_BIG);
    harness.succeed("private-a");
    // A failure that is final outlasts connections, until the user asks.
    harness.come_back(4200);
    harness.retry("presence-large");
    harness.succeed("private-a");
    harness.succeed("presence-large");
    // A client event is not sent again, and neither is the subscribe of what is left.
    harness.subscribe("private-b");
    harness.trigger("private-a", "client-large", &json!("x".repeat(600)));
    harness.drain();
    harness.come_back(TOO_BIG);
    harness.session.subscribe("presence-left", &info(500), harness.now).unwrap();
    harness.drain();
    harness.unsubscribe("presence-left");
    harness.drain();
    harness.come_back(TOO_BIG);
    // Another end in between, a dial that fails, another server.
    harness.come_back(4200);
    harness.come_back(TOO_BIG);
    harness.lose(Loss::TooLarge { limit: 1_000 });
    harness.establish();
    harness.session.set_endpoint(Endpoint::new("elsewhere").unwrap(), harness.now);
    harness.drain();
    harness.establish();
    harness.come_back(TOO_BIG);
    // The sign-in.
    let ids: Vec<String> = (0..50).map(|number| format!("user-{number}")).collect();
    harness.sign_in(&json!({"id": "me", "watchlist": ids}).to_string());
    harness.drain();
    harness.come_back(TOO_BIG);
    harness.come_back(TOO_BIG);
    harness.receive(&signed_in("me"));
    harness.sign_in(r#"{"id":"me"}"#);
    harness.drain();
    harness.receive(&signed_in("me"));
    harness.disconnect()
}
