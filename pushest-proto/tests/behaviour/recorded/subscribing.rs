//! Subscriptions: what is not answered, what is refused, what is left and wanted again, and the gaps
//! that losses leave.

use std::time::Duration;

use crate::harness::{Harness, PONG, message, object, signing, succeeded};
use pushest_proto::{Loss, Timeouts};
use serde_json::json;

/// Three tries, answers that come late, and channels that are left in between.
pub(super) fn unanswered() -> Harness {
    let timeouts = Timeouts::default().subscribe(Duration::from_secs(5));
    let mut harness = Harness::new(signing().timeouts(timeouts));
    for name in ["news", "private-a", "presence-a", "private-b", "private-c"] {
        harness.want(name);
    }
    harness.connect_and_keep();
    harness.pass_seconds(5);
    // While it pauses: a late answer, a user that does not want to wait, one that wants no more.
    harness.succeed("news");
    harness.retry("private-b");
    harness.unsubscribe("private-c");
    harness.drain();
    harness.succeed("private-c");
    // Left and wanted again before either could be polled, and the other way round.
    harness.unsubscribe("news");
    harness.want("news");
    harness.want("weather");
    harness.unsubscribe("weather");
    harness.want("sports");
    harness.drain();
    harness.receive(&message("late", Some("news"), "of the former subscription"));
    harness.succeed("news");
    harness.succeed("news");
    harness.subscribe("news");
    // The third one is the last.
    harness.pass_seconds(40);
    harness.succeed("presence-a");
    harness.retry("private-a");
    harness.subscribe("private-b");
    harness.pass_seconds(60);
    // A failure that is not final ends with the connection.
    harness.come_back(4200);
    for name in ["private-a", "presence-a", "private-b", "news", "sports"] {
        harness.succeed(name);
    }
    harness.receive(&message("e", Some("weather"), "never wanted for long"));
    // All are left at once, one of them before the unsubscribe can go out.
    harness.writable(false);
    harness.unsubscribe("private-a");
    harness.unsubscribe("news");
    harness.want("private-a");
    harness.drain();
    harness.close(4200);
    harness.wait_for_retry();
    harness.unsubscribe("sports");
    harness.establish();
    harness.disconnect()
}

/// What a server says no to, by an error of the channel or by its status.
pub(super) fn refused() -> Harness {
    let mut harness = Harness::new(signing());
    for name in ["private-a", "private-b", "presence-c", "news", "private-d"] {
        harness.want(name);
    }
    harness.connect_and_keep();
    let refusal = |name: &str, data| object("pusher:subscription_error", Some(name), data);
    harness
        .receive(&refusal("private-a", json!({"type": "AuthError", "error": "no", "status": 401})));
    harness.hear(&refusal("presence-c", json!({"code": 4302, "message": "too many members"})));
    harness.want("private-a");
    harness.hear(&refusal("news", json!("words")));
    harness.drain();
    harness.succeed("private-b");
    // A subscription that stands does not fall by a second answer.
    harness.receive(&refusal("private-b", json!({"status": 500})));
    let of_channel =
        |name: &str| object("pusher:error", Some(name), json!({"code": null, "message": "no"}));
    harness.receive(&of_channel("private-d"));
    harness.receive(&of_channel("private-b"));
    harness.receive(&of_channel("unwanted"));
    harness.receive(&refusal("private-d", json!({"status": 403})));
    harness.receive(&refusal("unwanted", json!({"status": 403})));
    harness.retry("private-d");
    harness.succeed("private-d");
    // A confirmation after a refusal.
    harness.succeed("news");
    harness.come_back(4200);
    harness.receive(&refusal("private-a", json!({"status": 401})));
    harness.unsubscribe("private-a");
    harness.subscribe("private-a");
    // Commands that are refused leave no trace but their line.
    let now = harness.now;
    let none = pushest_proto::SubscribeOptions::default();
    harness.session.subscribe("bad name", &none, now).unwrap_err();
    harness.session.subscribe("presence-nobody", &none, now).unwrap_err();
    harness.session.subscribe("private-encrypted-a", &none, now).unwrap_err();
    harness.session.unsubscribe("unwanted", now).unwrap_err();
    harness.session.retry("unwanted", now).unwrap_err();
    harness.session.sign_in(Some("{}"), now).unwrap_err();
    harness.session.trigger("private-a", "client-x", &1, now).unwrap_err();
    harness.session.trigger("news", "client-x", &1, now).unwrap_err();
    harness.disconnect()
}

/// Since when a channel may have missed something, and when that is told.
pub(super) fn gaps() -> Harness {
    let mut harness = Harness::new(signing());
    for name in ["news", "private-a", "presence-a", "quiet", "cache-a"] {
        harness.want(name);
    }
    harness.connect_and_keep();
    for name in ["news", "private-a", "presence-a"] {
        harness.succeed(name);
    }
    // The wall clock is not known yet. Two channels were never told of.
    harness.pass_seconds(20);
    harness.lose(Loss::reset("gone"));
    harness.establish();
    harness.succeed("quiet");
    harness.succeed("news");
    let unix = Duration::from_millis(1_795_680_000_123);
    harness.session.handle_wall_clock(unix, harness.now);
    // An event before the confirmation, a count, a miss: the gap goes first.
    harness.receive(&message("early", Some("private-a"), "1"));
    harness.succeed("private-a");
    let count = json!({"subscription_count": 3});
    harness.receive(&object("pusher_internal:subscription_count", Some("presence-a"), count));
    harness.receive(&object("pusher:cache_miss", Some("cache-a"), json!({})));
    harness.session.handle_caught_up(harness.current(), harness.now);
    harness.pass_seconds(2);
    harness.ping();
    harness.drain();
    harness.pass_millis(1_500);
    harness.receive(PONG);
    harness.session.handle_caught_up(harness.current(), harness.now);
    // Not read for a while, then suspended: the clock on the wall tells.
    harness.session.handle_reading(false, harness.now);
    harness.pass_seconds(9);
    harness.session.handle_reading(true, harness.now);
    harness.receive(&message("held back", Some("news"), "1"));
    let unix = unix + Duration::from_secs(4_000);
    harness.session.handle_wall_clock(unix, harness.now);
    harness.session.handle_network_change(harness.now);
    harness.drain();
    harness.receive(PONG);
    harness.pass_seconds(5);
    // Two losses before anything is told: the first one's gap stays. One channel is left, one new.
    harness.close(4200);
    harness.wait_for_retry();
    harness.lose(Loss::bad_close(Some(1007), "its reason is not UTF-8: \u{fffd}"));
    harness.unsubscribe("quiet");
    harness.want("quiet");
    harness.establish();
    harness.lose(Loss::closed(None, ""));
    harness.establish();
    for name in ["cache-a", "news", "quiet", "private-a", "presence-a"] {
        harness.succeed(name);
    }
    harness.disconnect()
}

/// The same channel with other member data on the same connection, and what can come between.
pub(super) fn other_member_data() -> Harness {
    let mut harness = Harness::new(signing());
    harness.want("presence-a");
    harness.connect_and_keep();
    let list = r#"{"presence":{"ids":["me","x"],"hash":{"me":null,"x":null},"count":2}}"#;
    harness.receive(&succeeded("presence-a", list));
    harness.pass_seconds(3);
    // An event on its way, then the confirmation.
    harness.subscribe_as("presence-a", "another");
    harness.receive(&message("meanwhile", Some("presence-a"), "1"));
    harness.pass_seconds(2);
    harness.succeed("presence-a");
    harness.receive(&message("e", Some("presence-a"), "2"));
    // Twice before either is answered; then the loss takes the answer.
    harness.subscribe_as("presence-a", "a third");
    harness.subscribe_as("presence-a", "a fourth");
    harness.succeed("presence-a");
    harness.pass_seconds(1);
    harness.come_back(4200);
    harness.succeed("presence-a");
    // Back to the former data before the unsubscribe goes out.
    harness.writable(false);
    harness.subscribe_as("presence-a", "a fifth");
    harness.subscribe_as("presence-a", "a fourth");
    harness.writable(true);
    harness.succeed("presence-a");
    harness.disconnect()
}
