use pushest_testkit::Profile;
use pushest_testkit::protocol::{App, Broker, HttpRequest, ServerConfig};
use serde_json::{Value, json};

use crate::harness::{Harness, UNIX_TIME, signed_target};

const EVENTS: &str = "/apps/1/events";

fn body(answer: &pushest_testkit::protocol::HttpResponse) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// docs/protocol.md#test-vectors.
#[test]
fn the_published_vector_is_accepted() {
    let app = App::new("3", "278d425bdf160c739803", "7ad3773142a6692b25b8");
    let mut broker = Broker::new(ServerConfig::default().app(app));
    let target = "/apps/3/events?body_md5=ec365a775a4cd0599faeb73354201b6f&auth_version=1.0\
                  &auth_key=278d425bdf160c739803&auth_timestamp=1353088179\
                  &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";
    let body = br#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
    let mut request = HttpRequest::new("POST", target, 1_353_088_179 + 600).body(body.to_vec());
    let now = pushest_proto::Instant::ORIGIN;
    assert_eq!(broker.http(&request, now).status, 200);
    request.unix_time += 1;
    let answer = broker.http(&request, now);
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("Timestamp expired"), "{}", answer.body);
}

#[test]
fn an_event_goes_to_all_channels_but_not_to_its_sender() {
    let mut server = Harness::new();
    let (first, second) = (server.connect(), server.connect());
    for peer in [first, second] {
        server.subscribe(peer, "a");
        server.subscribe(peer, "b");
    }
    server.actions();
    let answer = server.post(
        EVENTS,
        &json!({
            "name": "x", "data": "y", "channels": ["a", "b"], "socket_id": server.socket_id(first),
            "info": "subscription_count",
        }),
    );
    assert_eq!(
        body(&answer),
        json!({ "channels": { "a": { "subscription_count": 2 }, "b": { "subscription_count": 2 } } })
    );
    let channels: Vec<_> = server
        .messages_by_peer()
        .into_iter()
        .map(|(peer, message)| (peer, message["channel"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(channels, [(second, "a".to_owned()), (second, "b".to_owned())]);
    let answer = server.post(EVENTS, &json!({ "name": "x", "data": "y", "channel": "a" }));
    assert_eq!(body(&answer), json!({}));
}

#[test]
fn a_batch_is_published_in_order_or_not_at_all() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.subscribe(peer, "a");
    server.actions();
    let path = "/apps/1/batch_events";
    let event = |name: &str, data: &str| json!({ "name": name, "data": data, "channel": "a" });
    let answer = server.post(path, &json!({ "batch": [event("one", ""), event("two", "")] }));
    assert_eq!(body(&answer), json!({}));
    assert_eq!(server.events(peer), ["one", "two"]);

    let large = "x".repeat(10 * 1024 + 1);
    let answer = server.post(path, &json!({ "batch": [event("one", ""), event("two", &large)] }));
    assert_eq!(answer.status, 413);
    let eleven: Vec<_> = (0..11).map(|_| event("x", "")).collect();
    assert_eq!(server.post(path, &json!({ "batch": eleven })).status, 400);
    assert!(server.actions().is_empty());

    let mut with_info = event("three", "");
    with_info["info"] = json!("subscription_count");
    let answer = server.post(path, &json!({ "batch": [with_info, event("four", "")] }));
    assert_eq!(body(&answer), json!({ "batch": [{ "subscription_count": 1 }, {}] }));
}

#[test]
fn events_that_break_the_rules_are_refused() {
    let mut server = Harness::new();
    let channels: Vec<_> = (0..101).map(|number| format!("channel-{number}")).collect();
    for (event, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (json!({ "name": "x", "data": "y" }), 400),
        (json!({ "name": "x", "data": {}, "channel": "a" }), 400),
        (json!({ "name": "x", "data": "y", "channels": [] }), 400),
        (json!({ "name": "x", "data": "y", "channels": channels }), 400),
        (json!({ "name": "x", "data": "y", "channel": "with space" }), 400),
        (json!({ "name": "", "data": "y", "channel": "a" }), 400),
        (json!({ "name": "x".repeat(201), "data": "y", "channel": "a" }), 400),
        (json!({ "name": "x", "data": "y".repeat(10 * 1024 + 1), "channel": "a" }), 413),
        (json!({ "name": "x", "data": "y".repeat(10 * 1024), "channel": "a" }), 200),
        (json!({ "name": "x", "data": "y", "channel": "a", "socket_id": "" }), 400),
        (json!({ "name": "x", "data": "y", "channel": "a", "socket_id": "1:2" }), 400),
        (json!({ "name": "x", "data": "y", "channel": "a", "socket_id": "1.2 " }), 400),
        (json!({ "name": "x", "data": "y", "channel": "a", "socket_id": "1".repeat(101) }), 400),
        (json!({ "name": "x", "data": "y", "channel": "a", "socket_id": "1.2" }), 200),
        (json!({ "name": "x", "data": "y", "channels": ["a", "private-encrypted-b"] }), 400),
        (json!({ "name": "x", "data": "y", "channels": ["private-encrypted-b"] }), 200),
    ] {
        let answer = server.post(EVENTS, &event);
        assert_eq!(answer.status, status, "{:.60}: {}", event.to_string(), answer.body);
    }
    assert_eq!(server.request("POST", EVENTS, &[], "{").status, 400);
}

#[test]
fn an_event_of_a_batch_has_one_channel() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.subscribe(peer, "a");
    server.actions();
    let path = "/apps/1/batch_events";
    let good = json!({ "name": "x", "data": "y", "channel": "a" });
    for bad in [
        json!({ "name": "x", "data": "y", "channels": ["a", "b"] }),
        json!({ "name": "x", "data": "y", "channel": "a", "channels": ["a"] }),
        json!({ "name": "x", "data": "y", "channel": "a", "socket_id": "1:2" }),
        json!({ "name": "x", "data": "y", "channels": [] }),
    ] {
        let answer = server.post(path, &json!({ "batch": [good, bad] }));
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    assert!(server.actions().is_empty());
    assert_eq!(server.post(path, &json!({ "batch": [good] })).status, 200);
}

#[test]
fn what_a_cache_channel_keeps_is_told_to_who_asks() {
    let mut server = Harness::new();
    let path = "/apps/1/channels/cache-x";
    let query = [("info", "cache")];
    assert_eq!(body(&server.get(path, &query)), json!({ "occupied": false }));
    for channel in ["cache-x", "plain"] {
        let event = json!({ "name": "x", "data": "{\"a\":1}", "channel": channel });
        assert_eq!(body(&server.post(EVENTS, &event)), json!({}));
    }
    let kept = json!({ "data": "{\"a\":1}", "ttl": 1800 });
    assert_eq!(body(&server.get(path, &query)), json!({ "occupied": false, "cache": kept }));
    assert_eq!(body(&server.get(path, &[])), json!({ "occupied": false }));
    assert_eq!(body(&server.get("/apps/1/channels/plain", &query)), json!({ "occupied": false }));
    server.pass(std::time::Duration::from_secs(1799));
    assert_eq!(body(&server.get(path, &query))["cache"]["ttl"], 1);
    server.pass(std::time::Duration::from_secs(1));
    assert_eq!(body(&server.get(path, &query)), json!({ "occupied": false }));
}

#[test]
fn channels_and_users_are_listed() {
    let mut server = Harness::new();
    let (first, second) = (server.connect(), server.connect());
    server.subscribe(first, "news");
    server.join(first, "presence-a", &json!({ "user_id": "1" }));
    server.join(second, "presence-a", &json!({ "user_id": 2 }));
    server.join(second, "presence-b", &json!({ "user_id": "2" }));

    let path = "/apps/1/channels";
    let all = json!({ "channels": { "news": {}, "presence-a": {}, "presence-b": {} } });
    assert_eq!(body(&server.get(path, &[])), all);
    let query = [("filter_by_prefix", "presence-"), ("info", "user_count,subscription_count")];
    assert_eq!(
        body(&server.get(path, &query))["channels"]["presence-a"],
        json!({ "user_count": 2, "subscription_count": 2 })
    );
    assert_eq!(server.get(path, &[("info", "user_count")]).status, 400);

    let one = server.get("/apps/1/channels/presence-b", &[("info", "user_count")]);
    assert_eq!(body(&one), json!({ "occupied": true, "user_count": 1 }));
    let one = server.get("/apps/1/channels/nobody", &[]);
    assert_eq!(body(&one), json!({ "occupied": false }));
    let news = "/apps/1/channels/news";
    assert_eq!(server.get(news, &[("info", "user_count")]).status, 400);

    let users = server.get("/apps/1/channels/presence-a/users", &[]);
    assert_eq!(body(&users), json!({ "users": [{ "id": "1" }, { "id": "2" }] }));
    assert_eq!(server.get("/apps/1/channels/news/users", &[]).status, 400);
}

#[test]
fn who_does_not_sign_rightly_is_refused_and_told_why() {
    let mut server = Harness::new();
    let event = json!({ "name": "x", "data": "y", "channel": "a" }).to_string();
    let good = signed_target("POST", EVENTS, &[], &event, UNIX_TIME);
    assert_eq!(server.request_raw("POST", &good, &event).status, 200);
    let late = signed_target("POST", EVENTS, &[], &event, UNIX_TIME - 601);
    let early = signed_target("POST", EVENTS, &[], &event, UNIX_TIME + 601);
    let no_digest = signed_target("POST", EVENTS, &[], "", UNIX_TIME);
    for (target, reason) in [
        (late, "Timestamp expired"),
        (early, "Timestamp expired"),
        (no_digest, "body_md5"),
        (good.replace("auth_version=1.0", "auth_version=2.0"), "auth_version"),
        (good.replace("app-key", "other-key"), "auth_key"),
        (good.replace("auth_timestamp=", "auth_timestamp=x"), "auth_timestamp"),
        (good.replace("auth_signature=", "other="), "auth_signature"),
        (good.replace("&body_md5=", "&info=&body_md5="), "Invalid signature"),
        (EVENTS.to_owned(), "auth_key"),
    ] {
        let answer = server.request_raw("POST", &target, &event);
        assert_eq!(answer.status, 401, "{target}");
        assert!(answer.body.contains(reason), "{reason}: {}", answer.body);
        assert!(!answer.body.contains("app-secret"));
    }
    let answer = server.request_raw("POST", &good, &event.replace('y', "z"));
    assert!(answer.body.contains("body_md5"), "{}", answer.body);
    assert_eq!(server.request_raw("GET", &good, &event).status, 401);
}

#[test]
fn there_is_nothing_at_other_places() {
    let mut server = Harness::with(Profile::Standard, |_| {});
    assert_eq!(server.get("/apps/other/channels", &[]).status, 404);
    assert_eq!(server.get("/apps/1/nothing", &[]).status, 404);
    assert_eq!(server.get("/apps/1", &[]).status, 404);
    assert_eq!(server.get("/elsewhere", &[]).status, 404);
    assert_eq!(server.get("/apps/%ff/channels", &[]).status, 400);
    assert_eq!(server.get(EVENTS, &[]).status, 405);
    assert_eq!(server.request("PUT", "/apps/1/channels", &[], "").status, 405);
    assert_eq!(server.request_raw("GET", "/", "").status, 200);
}
