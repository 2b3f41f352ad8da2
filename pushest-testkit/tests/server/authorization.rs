//! The app's authorization endpoint, asked as clients ask it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use pushest_proto::{Signer, SocketId};
use pushest_testkit::protocol::App;
use pushest_testkit::{AuthorizationEndpoint, Certificate, MasterKey, Reply, Server};
use serde_json::{Value, json};

use crate::client::{Client, PATIENCE};
use crate::tls::trusting;

const SOCKET_ID: &str = "1234.5678";

fn endpoint() -> AuthorizationEndpoint {
    AuthorizationEndpoint::start(&App::default()).unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn post(target: &str, form: &str) -> String {
    let length = form.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: app\r\nX-Token: first\r\nx-token: second\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    )
}

/// Status, head and body of what is answered to these bytes.
fn exchange(mut stream: impl Read + Write, request: &[u8]) -> (u16, String, String) {
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

fn ask(endpoint: &AuthorizationEndpoint, form: &str) -> (u16, String, String) {
    exchange(connect(endpoint.addr()), post("/auth", form).as_bytes())
}

fn granted(endpoint: &AuthorizationEndpoint, channel: Option<&str>) -> Value {
    let channel = channel.map(|name| format!("&channel_name={name}")).unwrap_or_default();
    let (status, _, body) = ask(endpoint, &format!("socket_id={SOCKET_ID}{channel}"));
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn it_grants_what_the_apps_server_would_for_every_kind_of_channel_and_the_sign_in() {
    let key = MasterKey::new(*b"another key of exactly 32 bytes.");
    let app = App::new("id", "key", "secret").with_master_key(key.clone());
    let endpoint = AuthorizationEndpoint::start(&app).unwrap();
    let (signer, socket_id) = (Signer::new("key", "secret"), SocketId::new(SOCKET_ID).unwrap());
    let auth = |channel: &str, data| signer.channel(&socket_id, channel, data);

    let orders = "private-orders";
    assert_eq!(granted(&endpoint, Some(orders)), json!({ "auth": auth(orders, None) }));
    let (room, member) = ("presence-room", r#"{"user_id":"ann"}"#);
    let expected = json!({ "auth": auth(room, Some(member)), "channel_data": member });
    assert_eq!(granted(&endpoint, Some(room)), expected);
    let (diary, secret) = ("private-encrypted-diary", key.shared_secret("private-encrypted-diary"));
    let expected = json!({ "auth": auth(diary, None), "shared_secret": secret });
    assert_eq!(granted(&endpoint, Some(diary)), expected);
    let user = r#"{"id":"ann"}"#;
    let expected = json!({ "auth": signer.user(&socket_id, user), "user_data": user });
    assert_eq!(granted(&endpoint, None), expected);

    endpoint.respond_with(|request| request.grant_with("ada", &json!({ "name": "Ada" })));
    let member = r#"{"user_id":"ada","user_info":{"name":"Ada"}}"#;
    assert_eq!(granted(&endpoint, Some(room))["channel_data"], member);
    assert_eq!(granted(&endpoint, None)["user_data"], r#"{"id":"ada","user_info":{"name":"Ada"}}"#);
}

#[test]
fn what_it_signs_the_server_accepts_and_what_is_published_encrypted_arrives_sealed() {
    let server = Server::start().unwrap();
    let endpoint = AuthorizationEndpoint::start(server.app()).unwrap();
    let channel = "private-encrypted-diary";
    let mut client = Client::connect(&server);
    let form = format!("socket_id={}&channel_name={channel}", client.socket_id);
    let (_, _, body) = ask(&endpoint, &form);
    let auth = serde_json::from_str::<Value>(&body).unwrap()["auth"].clone();
    client.send(
        &json!({ "event": "pusher:subscribe", "data": { "channel": channel, "auth": auth } }),
    );
    assert_eq!(client.read()["event"], "pusher_internal:subscription_succeeded");
    let mut read = || {
        server.publish_encrypted(channel, "entry", "dear diary");
        let event = client.read();
        assert_eq!((&event["channel"], &event["event"]), (&json!(channel), &json!("entry")));
        event["data"].as_str().unwrap().to_owned()
    };
    let (first, second) = (read(), read());
    // The same text under two nonces.
    assert_ne!(first, second);
    for data in [first, second] {
        assert!(!data.contains("diary"), "{data}");
        let data: Value = serde_json::from_str(&data).unwrap();
        assert!(data["nonce"].is_string() && data["ciphertext"].is_string(), "{data}");
    }
}

#[test]
#[should_panic(expected = "is not an encrypted channel")]
fn nothing_is_published_encrypted_to_those_who_could_not_tell() {
    Server::start().unwrap().publish_encrypted("private-diary", "entry", "dear diary");
}

#[test]
fn what_is_no_socket_id_is_not_signed() {
    let endpoint = endpoint();
    let long = "1".repeat(101);
    for socket_id in ["", "1.1:private-a", "1.1%3A", "1.1%20", "1.1%00", "%C3%BC", &long] {
        let (status, _, body) =
            ask(&endpoint, &format!("socket_id={socket_id}&channel_name=private-orders"));
        assert_eq!((status, body.contains("socket_id")), (400, true), "{socket_id:?}: {body}");
        assert!(!body.contains("app-key"), "{socket_id:?}: {body}");
    }
    assert_eq!(ask(&endpoint, "channel_name=private-orders").0, 400);
    assert_eq!(ask(&endpoint, &format!("socket_id={SOCKET_ID}&channel_name=")).0, 400);
}

#[test]
fn it_refuses_fails_so_often_asks_to_come_back_and_delays_as_it_is_told() {
    let endpoint = endpoint();
    let form = format!("socket_id={SOCKET_ID}&channel_name=private-orders");
    endpoint.refuse(403, "members only");
    endpoint.reply_next(2, Reply::new(503, "later").retry_after(7));
    endpoint.reply_next(0, Reply::new(500, "never"));
    endpoint.reply_next(1, Reply::new(302, "").header("Location", "/login"));
    for _ in 0..2 {
        let (status, head, body) = ask(&endpoint, &form);
        assert_eq!((status, &*body), (503, "later"));
        assert!(head.contains("\r\nRetry-After: 7"), "{head}");
    }
    let (status, head, _) = ask(&endpoint, &form);
    assert!(status == 302 && head.contains("\r\nLocation: /login"), "{head}");
    let (status, _, body) = ask(&endpoint, &form);
    assert_eq!((status, &*body), (403, "members only"));

    endpoint.grant("ada");
    endpoint.delay(Duration::from_millis(60));
    endpoint.reply_next(1, Reply::new(200, "slow").after(Duration::from_millis(60)));
    for (least, is_slow) in [(120, true), (60, false)] {
        let begun = Instant::now();
        let (status, _, body) = ask(&endpoint, &form);
        assert_eq!((status, body == "slow"), (200, is_slow), "{body}");
        assert!(begun.elapsed() >= Duration::from_millis(least), "{:?}", begun.elapsed());
    }
}

#[test]
fn requests_are_kept_as_they_came() {
    let endpoint = endpoint();
    assert_eq!(endpoint.url("/auth"), format!("http://127.0.0.1:{}/auth", endpoint.port()));
    let form = "socket_id=1.2&channel_name=private-a%26b+c&tenant=7&tenant=8&empty=";
    let request = post("/auth?page=2", form);
    let (status, ..) = exchange(connect(endpoint.addr()), request.as_bytes());
    assert_eq!(status, 200);
    endpoint.wait_for_requests(1, PATIENCE).unwrap();
    let kept = endpoint.requests();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].method(), kept[0].target()), ("POST", "/auth?page=2"));
    assert_eq!(kept[0].header_values("X-Token"), ["first", "second"]);
    assert_eq!((kept[0].header("HOST"), kept[0].header("cookie")), (Some("app"), None));
    assert_eq!((kept[0].socket_id(), kept[0].channel()), (Some("1.2"), Some("private-a&b c")));
    assert_eq!((kept[0].field("tenant"), kept[0].field("empty")), (Some("7"), Some("")));
    assert_eq!((kept[0].field("none"), kept[0].form().len()), (None, 5));
    assert_eq!(kept[0].text(), request);
    assert!(!format!("{kept:?} {endpoint:?}").contains("app-secret"));
    let error = endpoint.wait_for_requests(2, Duration::from_millis(1)).unwrap_err();
    assert!(error.to_string().contains("there were 1"), "{error}");
}

#[test]
fn what_is_no_request_is_told_so_and_is_not_kept() {
    let endpoint = endpoint();
    let head = "POST / HTTP/1.1\r\n";
    let many: String = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect();
    for request in [
        "hello\r\n\r\n".to_owned(),
        format!("{head}Content-Length: many\r\n\r\n"),
        format!("{head}Content-Length: -1\r\n\r\n"),
        format!("{head}Content-Length: 99999999999\r\n\r\n"),
        format!("{head}{many}\r\n"),
    ] {
        let (status, _, body) = exchange(connect(endpoint.addr()), request.as_bytes());
        assert_eq!(status, 400, "{request:?}: {body}");
    }
    let bytes = [head.as_bytes(), b"Content-Length: 1\r\n\r\n\xff"].concat();
    assert_eq!(exchange(connect(endpoint.addr()), &bytes).0, 400);
    // Without a body it is a request, and grants nothing.
    let get = b"GET /auth HTTP/1.1\r\n\r\n";
    assert_eq!(exchange(connect(endpoint.addr()), get).0, 400);
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn a_reply_that_waits_or_panics_holds_up_no_other() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let endpoint = AuthorizationEndpoint::start_with(&App::default(), move |request| {
        match request.channel() {
            Some("private-slow") => {
                let _ = released.lock().unwrap().recv();
            }
            Some("private-broken") => panic!("expected: the test panics here"),
            _ => {}
        }
        request.grant("ann")
    })
    .unwrap();
    let form = |channel: &str| format!("socket_id={SOCKET_ID}&channel_name={channel}");
    let mut slow = connect(endpoint.addr());
    slow.write_all(post("/", &form("private-slow")).as_bytes()).unwrap();
    endpoint.wait_for_requests(1, PATIENCE).unwrap();
    let mut broken = connect(endpoint.addr());
    broken.write_all(post("/", &form("private-broken")).as_bytes()).unwrap();
    assert_eq!(broken.read(&mut [0]).unwrap(), 0);
    assert_eq!(ask(&endpoint, &form("private-orders")).0, 200);
    drop(release);
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn replies_that_never_end_end_with_the_endpoint() {
    let endpoint = endpoint();
    let hour = Duration::from_secs(60 * 60);
    let replies =
        [Reply::silence(), Reply::endless(403, "members"), Reply::new(200, "").after(hour)];
    let mut streams = Vec::new();
    for (reply, number) in replies.into_iter().zip(1..) {
        endpoint.reply_next(1, reply);
        let mut stream = connect(endpoint.addr());
        stream.write_all(post("/", "socket_id=1.2").as_bytes()).unwrap();
        endpoint.wait_for_requests(number, PATIENCE).unwrap();
        streams.push(stream);
    }
    let mut raw = connect(endpoint.addr());
    endpoint.reply_next(1, Reply::raw("220 mail\r\n"));
    raw.write_all(post("/", "").as_bytes()).unwrap();
    let mut answer = String::new();
    raw.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "220 mail\r\n");
    // The body that never ends has begun.
    let mut begin = [0; 60];
    streams[1].read_exact(&mut begin).unwrap();
    drop(endpoint);
    for mut stream in streams {
        let mut rest = Vec::new();
        // An end, or a reset; not the limit of the test's patience.
        let begun = Instant::now();
        let _ = stream.read_to_end(&mut rest);
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    }
}

#[test]
fn it_speaks_tls_with_a_certificate_of_its_own_authority() {
    let endpoint = AuthorizationEndpoint::start_tls(&App::default(), Certificate::Valid).unwrap();
    assert!(endpoint.url("/auth").starts_with("https://127.0.0.1:"));
    let authority = endpoint.authority_pem().unwrap();
    let mut stream = trusting(connect(endpoint.addr()), authority, "127.0.0.1");
    let form = format!("socket_id={SOCKET_ID}&channel_name=private-orders");
    stream.write_all(post("/auth", &form).as_bytes()).unwrap();
    let mut answer = [0; 13];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 ");
}
