//! Connections: how they begin, live and end, and the order of what they cause.

use std::time::Duration;

use super::signed_in;
use crate::harness::{Harness, PONG, asking, established, message, object, signing, succeeded};
use pushest_proto::{
    Authorization, BackoffConfig, DialFailure, Endpoint, Instant, Limits, Loss, SubscribeOptions,
    Timeouts,
};
use serde_json::json;

const PING: &str = r#"{"event":"pusher:ping","data":"{}"}"#;

/// Everything that can become of a dial, up to the switch to TLS.
pub(super) fn dialling() -> Harness {
    let backoff = BackoffConfig::schedule([1, 2, 4].map(Duration::from_secs))
        .retry_after_limit(Duration::from_secs(30));
    let mut harness = Harness::new(asking().backoff(backoff));
    harness.want("news");
    harness.session.connect(harness.now);
    harness.session.connect(harness.now);
    harness.drain();
    let http = |status, retry_after: Option<u64>, location: Option<&str>| DialFailure::Http {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        location: location.map(Into::into),
        body: "<h1>no\n</h1>".into(),
    };
    let failures = [
        DialFailure::Dns("no such host".into()),
        DialFailure::Connect("refused".into()),
        DialFailure::Tls { certificate: true, detail: "expired".into() },
        DialFailure::Tls { certificate: false, detail: "reset".into() },
        DialFailure::Proxy("no".into()),
        http(503, Some(7), None),
        http(429, Some(4_000), None),
        http(302, Some(5), Some("https://elsewhere.example/")),
        DialFailure::Upgrade("reset".into()),
        DialFailure::NotWebSocket("SMTP".into()),
        DialFailure::Timeout,
        DialFailure::Headers("no token".into()),
    ];
    for failure in failures {
        harness.lose(Loss::Dial(failure));
        harness.wait_for_retry();
    }
    // Nothing is dialled or established; what is late is about a former connection.
    let former = harness.current();
    harness.pass_seconds(31);
    harness.wait_for_retry();
    harness.session.handle_open(former, harness.now);
    harness.open();
    harness.session.handle_slice(former, established("9.9", 1).as_bytes(), harness.now);
    harness.pass_seconds(11);
    harness.wait_for_retry();
    // Errors instead of the handshake: without a code, with a status, with a code.
    harness.open();
    harness.receive(&object("pusher:error", None, json!("words")));
    harness.receive(&object("pusher:error", None, json!({"status": 500, "error": "oops"})));
    harness.receive(&object("pusher:connection_established", None, json!({"socket_id": "x"})));
    harness.receive(PING);
    harness.error(4100, "over capacity");
    harness.wait_for_retry();
    harness.open();
    harness.close(4200);
    harness.wait_for_retry();
    // The user and the network while it waits: at once, or not before the server allows it.
    harness.lose(Loss::Dial(http(503, Some(20), None)));
    harness.session.handle_network_change(harness.now);
    harness.drain();
    harness.pass_seconds(1);
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::reset("before it was open"));
    harness.session.handle_network_change(harness.now);
    harness.wait_for_retry();
    // Another endpoint in each phase.
    let endpoint = |path: &str| Endpoint::new("localhost").unwrap().with_path(path).unwrap();
    harness.session.set_endpoint(endpoint("/dialling"), harness.now);
    harness.drain();
    harness.open();
    harness.session.set_endpoint(endpoint("/opening"), harness.now);
    harness.drain();
    harness.open();
    harness.receive(&established("1.2", 120));
    harness.session.set_endpoint(endpoint("/established"), harness.now);
    harness.session.set_endpoint(endpoint("/twice"), harness.now);
    harness.drain();
    harness.close(4199);
    harness.session.set_endpoint(endpoint("/waiting"), harness.now);
    harness.drain();
    harness.open();
    harness.close(4000);
    harness.wait_for_retry();
    harness.open();
    let timeout = json!({"socket_id": "3.4", "activity_timeout": "soon"});
    harness.receive(&object("pusher:connection_established", None, timeout));
    harness.pass_seconds(60);
    // Established as it was, it cannot have lacked TLS.
    harness.close(4000);
    harness.disconnect()
}

/// A connector of the user's that fails, and then does not.
pub(super) fn connector() -> Harness {
    let mut harness = Harness::new(signing());
    harness.want("news");
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::Dial(DialFailure::Connector("no tunnel".into())));
    harness.wait_for_retry();
    harness.open();
    harness.receive(&established("1.2", 120));
    harness.disconnect()
}

/// Refusals that the same again cannot change, and ends by the user in each phase.
pub(super) fn refused_for_good() -> Harness {
    let mut harness = Harness::new(signing().stop_on_refusal(true));
    harness.want("private-a");
    harness.sign_in(r#"{"id":"me"}"#);
    harness.connect_and_keep();
    harness.close(4001);
    harness.want("private-b");
    harness.session.handle_network_change(harness.now);
    harness.session.set_endpoint(Endpoint::new("elsewhere").unwrap(), harness.now);
    harness.drain();
    harness.pass_seconds(100);
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    harness.error(4004, "no such app");
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::Dial(DialFailure::Unsupported("no TLS".into())));
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::Dial(DialFailure::Dns("no such host".into())));
    // Ends in each phase; a dial that was not polled is forgotten.
    harness.session.connect(harness.now);
    harness.session.disconnect(harness.now);
    harness.session.connect(harness.now);
    harness.drain();
    harness.session.disconnect(harness.now);
    harness.session.disconnect(harness.now);
    harness.drain();
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    harness.session.disconnect(harness.now);
    harness.drain();
    harness.session.handle_close(harness.current(), Loss::reset("late"), harness.now);
    harness.session.connect(harness.now);
    harness.drain();
    harness.establish();
    // The last frames go out, also of a connection that is made again at once.
    harness.succeed("private-a");
    harness.trigger("private-a", "client-last", &json!(1));
    harness.unsubscribe("private-b");
    harness.session.disconnect(harness.now);
    harness.session.connect(harness.now);
    harness.drain();
    harness.establish();
    harness.receive(&signed_in("me"));
    harness.succeed("private-a");
    // The connection is gone before its close could be polled.
    harness.trigger("private-a", "client-lost", &json!(1));
    harness.session.disconnect(harness.now);
    harness.session.handle_close(harness.current(), Loss::reset("gone"), harness.now);
    harness.drain();
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::reset("gone"));
    harness.disconnect()
}

/// Pings of both sides, silence, and what counts as a sign of life.
pub(super) fn heartbeat() -> Harness {
    let timeouts = Timeouts::default()
        .activity(Duration::from_secs(30))
        .pong(Duration::from_secs(10))
        .pong_after_change(Duration::from_secs(10));
    let mut harness = Harness::new(signing().timeouts(timeouts));
    harness.connect_and_keep();
    harness.subscribe("news");
    harness.succeed("news");
    harness.pass_seconds(30);
    harness.pass_seconds(1);
    harness.receive(PONG);
    harness.pass_seconds(29);
    harness.session.handle_activity(harness.current(), harness.now);
    harness.pass_seconds(30);
    harness.receive(&message("e", Some("news"), "as good as a pong"));
    harness.hear(PING);
    harness.hear(PING);
    harness.drain();
    // The user's pings: answered, lost to the timeout, too many, lost with the connection.
    harness.ping();
    harness.drain();
    harness.pass_millis(40);
    harness.ping();
    harness.drain();
    harness.receive(PONG);
    harness.receive(PONG);
    harness.receive(PONG);
    harness.ping();
    harness.drain();
    harness.pass_seconds(5);
    harness.receive(&message("e", Some("news"), "but no pong"));
    harness.pass_seconds(6);
    harness.receive(PONG);
    // While the driver does not read, no pong is missed.
    harness.ping();
    harness.drain();
    harness.session.handle_reading(false, harness.now);
    harness.pass_seconds(65);
    harness.session.handle_reading(true, harness.now);
    harness.session.handle_reading(true, harness.now);
    harness.pass_seconds(9);
    harness.receive(PONG);
    harness.session.handle_network_change(harness.now);
    harness.session.handle_network_change(harness.now);
    harness.drain();
    harness.ping();
    harness.drain();
    harness.ping();
    harness.drain();
    // Silence: the connection is given up, and made again at once.
    harness.pass_seconds(11);
    harness.wait_for_retry();
    harness.open();
    harness.receive(PING);
    harness.receive(&established("77.1", 10));
    harness.pass_seconds(10);
    harness.receive(PING);
    harness.succeed("news");
    harness.pass_seconds(10);
    harness.writable(false);
    harness.pass_seconds(11);
    harness.wait_for_retry();
    harness.disconnect()
}

/// Many causes before the next poll: what they lead to leaves in their order.
pub(super) fn order_of_causes() -> Harness {
    let mut harness = Harness::new(asking());
    harness.connect_and_keep();
    // Commands and messages, one after the other.
    harness.want("private-a");
    harness.ping();
    harness.hear(PING);
    harness.want("news");
    harness.sign_in(r#"{"id":"me"}"#);
    harness.hear(&message("unrouted", None, "1"));
    harness.want("private-b");
    harness.session.handle_network_change(harness.now);
    harness.want("weather");
    harness.drain();
    let asked = harness.requests();
    harness.hear(&message("e", Some("news"), "1"));
    harness.session.handle_authorization(
        asked[2].ticket,
        Ok(Authorization::new("key:02")),
        harness.now,
    );
    harness.hear(&succeeded("news", "{}"));
    harness.ping();
    harness.session.handle_authorization(
        asked[0].ticket,
        Ok(Authorization::new("key:00")),
        harness.now,
    );
    harness.hear(PING);
    harness.hear(&message("e", Some("news"), "2"));
    let user = Ok(Authorization::new("key:01").user_data(r#"{"id":"me"}"#));
    harness.session.handle_authorization(asked[1].ticket, user, harness.now);
    harness.unsubscribe("weather");
    harness.drain();
    harness.hear(&signed_in("me"));
    harness.hear(&succeeded("private-b", "{}"));
    harness.hear(&succeeded("private-a", "{}"));
    harness.drain();
    // Nothing can be sent: what is told flows past the frames, and they keep their order.
    harness.writable(false);
    harness.trigger("private-a", "client-1", &json!(1));
    harness.want("private-c");
    harness.unsubscribe("private-b");
    harness.hear(PING);
    harness.trigger("private-a", "client-2", &json!(2));
    harness.want("private-b");
    harness.ping();
    harness.sign_in(r#"{"id":"you"}"#);
    harness.hear(&message("e", Some("news"), "3"));
    harness.drain();
    harness.writable(true);
    harness.hear(&message("e", Some("news"), "4"));
    harness.drain();
    // The end and the beginning at once: requests that run are given up.
    harness.want("private-d");
    harness.hear(&message("e", Some("news"), "5"));
    harness.trigger("private-a", "client-3", &json!(3));
    harness.session.set_endpoint(Endpoint::new("elsewhere").unwrap(), harness.now);
    harness.want("private-e");
    harness.unsubscribe("private-c");
    harness.drain();
    // All that was wanted, in the order in which it was, and then what comes in its middle.
    harness.open();
    harness.hear(&established("5.6", 120));
    for _ in 0..3 {
        let _ = harness.session.poll_action();
    }
    harness.want("last");
    harness.hear(PING);
    harness.unsubscribe("news");
    harness.drain();
    harness.disconnect()
}

/// A driver that polls late: the oldest events go, and what must not be lost stays.
pub(super) fn slow_driver() -> Harness {
    let limits = Limits::default().stored_events(4).channels(3);
    let mut harness = Harness::new(signing().limits(limits));
    for name in ["news", "private-a", "presence-b"] {
        harness.want(name);
    }
    harness
        .session
        .subscribe("one-too-many", &SubscribeOptions::default(), harness.now)
        .unwrap_err();
    harness.connect_and_keep();
    harness.hear(&succeeded("news", "{}"));
    for number in 0..9 {
        harness.hear(&message("e", Some("news"), &number.to_string()));
    }
    harness.hear(&succeeded("private-a", "{}"));
    harness.hear(PING);
    harness.hear("junk");
    harness.drain();
    // Some are polled between them, and the notice is told in the place of the first that is gone.
    for number in 0..12 {
        harness.hear(&message("e", Some("private-a"), &number.to_string()));
        if number % 4 == 1 {
            let _ = harness.session.poll_action();
        }
    }
    harness.drain();
    // The clock runs backwards, and stands; the driver is told late of both ends.
    let now = harness.now;
    harness.now = Instant::from_micros(now.as_micros() - 500_000);
    harness.receive(&message("e", Some("news"), "earlier"));
    harness.now = now;
    for number in 0..6 {
        harness.hear(&message("e", Some("news"), &number.to_string()));
    }
    harness.session.handle_close(harness.current(), Loss::reset("gone"), harness.now);
    harness.session.handle_timeout(harness.now + Duration::from_secs(2));
    harness.unsubscribe("private-a");
    harness.session.disconnect(harness.now);
    harness.session.connect(harness.now);
    harness.drain();
    harness.establish();
    harness.disconnect()
}
