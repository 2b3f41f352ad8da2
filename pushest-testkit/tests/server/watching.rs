//! What happens at the server is told to those who watch it, who hold nothing up.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, sync_channel};

use pushest_testkit::{Builder, Happening, Server, Target, UpgradeFault};
use serde_json::json;

use crate::client::{Client, PATIENCE, open, tcp};

fn watched(change: impl FnOnce(Builder) -> Builder) -> (Server, Receiver<Happening>) {
    let (sender, happenings) = sync_channel(100);
    let server = change(Server::builder().observe(sender)).start().unwrap();
    (server, happenings)
}

fn next(happenings: &Receiver<Happening>) -> Happening {
    happenings.recv_timeout(PATIENCE).unwrap()
}

fn upgraded(status: Option<u16>, reason: &str) -> Happening {
    let [method, path, reason] = ["GET", "/app/app-key", reason].map(str::to_owned);
    Happening::Request { method, path, status, reason }
}

#[test]
fn connections_subscriptions_and_events_are_told_in_their_order_and_without_frames() {
    let (server, happenings) = watched(|builder| builder);
    let mut client = Client::connect(&server);
    let socket_id = client.socket_id.clone();
    assert_eq!(next(&happenings), upgraded(Some(101), ""));
    assert_eq!(next(&happenings), Happening::Connected { socket_id: socket_id.clone() });
    client.subscribe("news");
    let [channel, event, data] = ["news", "headline", "rain"].map(str::to_owned);
    let subscribed = Happening::Subscribed {
        socket_id: socket_id.clone(),
        channel: channel.clone(),
        user_id: None,
    };
    assert_eq!(next(&happenings), subscribed);
    server.publish("news", "headline", "rain");
    let published = Happening::Published { channel, event, data, receivers: 1 };
    assert_eq!(next(&happenings), published);
    client.send(&json!({"event": "pusher:subscribe", "data": {"channel": "private-a"}}));
    let refused = next(&happenings);
    let Happening::SubscriptionRefused { channel, reason, .. } = &refused else {
        panic!("{refused:?}")
    };
    assert!(channel == "private-a" && reason.contains("auth is missing"), "{refused:?}");
    client.send(&json!({"event": "client-x", "channel": "news", "data": 1}));
    let refused = next(&happenings);
    assert!(matches!(&refused, Happening::ClientEventRefused { event, .. } if event == "client-x"));
    client.send(&json!({"event": "pusher:unsubscribe", "data": {"channel": "news"}}));
    assert!(matches!(next(&happenings), Happening::Unsubscribed { .. }));
    server.close(Target::All, 4200, "restart");
    let gone = Happening::Disconnected { socket_id, code: Some(4200), reason: "restart".into() };
    assert_eq!(next(&happenings), gone);
    server.stop();
    assert!(happenings.recv_timeout(PATIENCE).is_err(), "nothing comes after the end");
}

#[test]
fn requests_and_refusals_are_told_without_what_is_signed() {
    let (server, happenings) = watched(|builder| builder);
    let mut stream = tcp(&server);
    let request = "GET /apps/1/channels?auth_signature=5f0c HTTP/1.1\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let request = next(&happenings);
    let Happening::Request { method, path, status, reason } = &request else {
        panic!("{request:?}")
    };
    assert_eq!((&**method, &**path, *status), ("GET", "/apps/1/channels", Some(401)));
    assert!(reason.contains("auth_key") && !format!("{request:?}").contains("5f0c"));

    let mut stream = tcp(&server);
    stream.write_all(b"\x00no HTTP\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let request = next(&happenings);
    assert!(
        matches!(&request, Happening::Request { method, status: Some(400), .. } if method.is_empty())
    );

    server.fault_upgrades(1, UpgradeFault::status(503, &[]));
    assert!(open(tcp(&server)).is_err());
    assert_eq!(next(&happenings), upgraded(Some(503), "a fault, as told"));
    server.refuse_connections(Some((4004, "no more")));
    let mut socket = open(tcp(&server)).unwrap();
    while socket.read().is_ok() {}
    assert_eq!(next(&happenings), upgraded(Some(101), ""));
    let refused = Happening::Refused { code: Some(4004), reason: "no more".into() };
    assert_eq!(next(&happenings), refused);
}

#[test]
fn frames_are_told_where_they_are_asked_for() {
    let (server, happenings) = watched(|builder| builder.observe_frames(true));
    let mut client = Client::connect(&server);
    client.subscribe("news");
    server.stop();
    let frames: Vec<String> = happenings
        .into_iter()
        .filter_map(|happening| match happening {
            Happening::Received { text, .. } => Some(format!("received {text}")),
            Happening::Sent { text, .. } => Some(format!("sent {text}")),
            _ => None,
        })
        .collect();
    assert_eq!(frames.len(), 3, "{frames:?}");
    assert!(frames[0].contains(r#"sent {"event":"pusher:connection_established""#), "{frames:?}");
    assert!(frames[1].contains(r#"received {"data":{"channel":"news"}"#), "{frames:?}");
    assert!(frames[2].contains("subscription_succeeded"), "{frames:?}");
}

#[test]
fn who_does_not_take_it_holds_nothing_up_and_is_told_how_much_is_gone() {
    let (sender, happenings) = sync_channel(10);
    let server = Server::builder().observe(sender).start().unwrap();
    for _ in 0..1_000 {
        server.publish("news", "headline", "rain");
    }
    // No more than those: as soon as there is room it is told what was missed.
    let seen: Vec<Happening> = happenings.try_iter().take(10).collect();
    assert_eq!(seen.len(), 10);
    assert!(seen.iter().all(|it| matches!(it, Happening::Published { .. })), "{seen:?}");
    server.publish("news", "headline", "rain");
    assert_eq!(next(&happenings), Happening::Missed { count: 990 });
    assert!(matches!(next(&happenings), Happening::Published { .. }));
    // Nor is a watcher that has gone away.
    drop(happenings);
    server.publish("news", "headline", "rain");
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_is_gone_is_told_though_nothing_follows_it_and_at_the_end_of_the_server() {
    let (sender, happenings) = sync_channel(10);
    let server = Server::builder().observe(sender).start().unwrap();
    let burst = || (0..100).for_each(|_| server.publish("news", "headline", "rain"));
    burst();
    for _ in 0..10 {
        assert!(matches!(next(&happenings), Happening::Published { .. }));
    }
    assert_eq!(next(&happenings), Happening::Missed { count: 90 });
    burst();
    server.stop();
    for _ in 0..10 {
        assert!(matches!(next(&happenings), Happening::Published { .. }));
    }
    assert_eq!(next(&happenings), Happening::Missed { count: 90 });
    assert!(happenings.recv_timeout(PATIENCE).is_err(), "nothing comes after the end");
}

#[test]
fn the_status_of_an_answer_of_ones_own_is_that_of_its_last_status_line() {
    let (server, happenings) = watched(|builder| builder);
    for (answer, status) in [
        (
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
            Some(101),
        ),
        ("HTTP/1.1 426\r\nConnection: close\r\n\r\n", Some(426)),
        ("no HTTP\r\n\r\n", None),
    ] {
        server.fault_upgrades(1, UpgradeFault::rewrite(answer));
        let mut stream = tcp(&server);
        let request = "GET /app/app-key HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        // What becomes of the WebSocket is told between them.
        let told = loop {
            if let request @ Happening::Request { .. } = next(&happenings) {
                break request;
            }
        };
        assert_eq!(told, upgraded(status, "a fault, as told"), "{answer}");
    }
}

#[test]
fn a_certificate_of_ones_own_is_checked_when_it_is_given() {
    let error = |chain: &[u8], key: &[u8]| {
        Server::builder().identity(chain, key).expect_err("not usable").to_string()
    };
    assert!(error(b"", b"").contains("no certificate"));
    assert!(error(b"no PEM", b"").contains("no certificate"));
    let server = Server::start_tls().unwrap();
    let authority = server.authority_pem().unwrap();
    assert!(server.is_tls() && server.url().starts_with("pushers://"));
    let error = error(authority.as_bytes(), b"s3cret");
    assert!(error.contains("no private key") && !error.contains("s3cret"), "{error}");
}
