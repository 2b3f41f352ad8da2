//! Channels whose authorizations an endpoint has: at most eight requests run at once, the others
//! wait for their turn.

use std::time::Duration;

use super::unavailable;
use crate::harness::{Harness, asking, established};
use pushest_proto::{Authorization, AuthorizationError, Loss, SubscribeOptions, Timeouts};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("private-{number}")).collect()
}

/// Thirteen channels; answers out of order, and none; channels that are left in each phase; losses.
pub(super) fn in_turn() -> Harness {
    let mut harness = Harness::new(asking());
    for name in &names(13) {
        harness.want(name);
    }
    harness.want("news");
    harness.want("presence-room");
    harness.connect_and_keep();
    let requests = harness.requests();
    assert_eq!(requests.len(), 8);
    harness.grant(&requests[5]);
    harness.answer_request(&requests[2], Err(AuthorizationError::refused(Some(403), "not you")));
    harness.answer_request(&requests[0], unavailable("later", Some(3)));
    // One of those that are asked for, one that is granted, one that waits for its turn.
    harness.unsubscribe("private-1");
    harness.unsubscribe("private-5");
    harness.unsubscribe("private-12");
    harness.drain();
    harness.grant(&requests[1]);
    // Several answers before the next poll, and a subscription between them.
    let more = harness.requests();
    for request in more.iter().rev() {
        let granted = Ok(Authorization::new("key:01").channel_data(r#"{"user_id":"me"}"#));
        harness.session.handle_authorization(request.ticket, granted, harness.now);
        harness.want("private-late");
    }
    harness.session.handle_authorization(requests[3].ticket, unavailable("no", None), harness.now);
    harness.unsubscribe("private-late");
    harness.want("private-late");
    harness.drain();
    harness.succeed("private-8");
    harness.succeed("private-5");
    harness.pass_seconds(4);
    // No answer within the timeout: those that wait have their turn.
    harness.pass_seconds(7);
    harness.close(4200);
    harness.wait_for_retry();
    harness.grant(&requests[4]);
    harness.open();
    harness.actions.clear();
    harness.receive(&established("99.1", 60));
    let again = harness.requests();
    for request in &again {
        harness.grant(request);
    }
    // While the driver cannot take frames, nothing is asked for that leads to them.
    harness.writable(false);
    let waiting = harness.requests();
    for request in &waiting {
        harness.grant(request);
    }
    harness.want("private-new");
    harness.drain();
    harness.unsubscribe("private-6");
    harness.writable(true);
    harness.drain();
    harness.lose(Loss::reset("gone"));
    harness.disconnect()
}

/// Authorizations that are not to be had for now, in the same and in other words.
pub(super) fn unavailable_for_now() -> Harness {
    let timeouts = Timeouts::default().authorization(Duration::from_secs(4));
    let mut harness = Harness::new(asking().timeouts(timeouts));
    harness.connect_and_keep();
    harness.want("private-a");
    harness.drain();
    // The same words but for their numbers are no news; others are, and so is another status.
    let answers = [
        unavailable("out of order at 12:00, request 7", None),
        unavailable("out of order at 12:07, request 8", None),
        unavailable("moving", Some(20)),
        Err(AuthorizationError::unavailable(None, "moving")),
        unavailable("busy", Some(1_000)),
    ];
    for answer in answers {
        let request = harness.next_request();
        harness.answer_request(&request, answer);
    }
    // The user does not want to wait. Then there is no answer, and one that comes too late.
    harness.retry("private-a");
    harness.subscribe("private-a");
    harness.subscribe("private-b");
    let late = harness.next_request();
    harness.pass_seconds(5);
    harness.grant(&late);
    harness.unsubscribe("private-b");
    harness.drain();
    // A pause ends with the connection.
    for _ in 0..2 {
        harness.come_back(4201);
        let request = harness.next_request();
        harness.answer_request(&request, unavailable("busy", Some(1_000)));
    }
    harness.come_back(4201);
    let request = harness.next_request();
    harness.grant(&request);
    harness.succeed("private-a");
    harness.disconnect()
}

/// Refusals, and answers that lack what their channel needs. They outlast the connection.
pub(super) fn unusable() -> Harness {
    let mut harness = Harness::new(asking());
    harness.connect_and_keep();
    let granted = || Authorization::new("key:5f00");
    let answers = [
        ("private-refused", Err(AuthorizationError::refused(Some(403), "not you"))),
        ("private-empty", Ok(Authorization::new(""))),
        ("private-long", Ok(Authorization::new("k".repeat(1_025)))),
        ("presence-bare", Ok(granted())),
        ("presence-nobody", Ok(granted().channel_data(r#"{"user_info":{}}"#))),
        ("presence-odd", Ok(granted().channel_data(r#"{"user_id":7.0,"user_info":[1]}"#))),
        ("private-encrypted-bare", Ok(granted())),
        ("private-encrypted-odd", Ok(granted().shared_secret("not a key"))),
    ];
    for (name, _) in &answers {
        let options = match *name {
            "presence-bare" => SubscribeOptions::member("me").info(r#"{"name":"me"}"#),
            _ => SubscribeOptions::default(),
        };
        harness.session.subscribe(name, &options, harness.now).unwrap();
    }
    harness.drain();
    let requests = harness.requests();
    for (request, (_, answer)) in requests.iter().zip(answers) {
        harness.answer_request(request, answer);
    }
    harness.succeed("presence-odd");
    // A second answer to the same request, and one for a channel that is left.
    harness.grant(&requests[0]);
    harness.unsubscribe("presence-nobody");
    harness.come_back(4200);
    harness.retry("private-refused");
    harness.subscribe("private-empty");
    // It did not fail: nothing is tried again.
    harness.retry("presence-odd");
    let requests = harness.requests();
    for request in requests {
        harness.grant(&request);
    }
    harness.succeed("private-refused");
    harness.disconnect()
}
