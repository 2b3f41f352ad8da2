//! What a backend hears (docs/protocol.md#webhooks), read by the core's verifier.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pushest_proto::webhook::{ClientEvent, Webhook, WebhookError, WebhookEvent, Webhooks};
use pushest_testkit::{Server, WebhookTarget};
use serde_json::json;

use crate::client::{Client, PATIENCE};

/// A backend that answers with these statuses, and then with 200 as long as it is asked.
struct Backend {
    url: String,
    heard: Receiver<Request>,
}

struct Request {
    head: String,
    body: Vec<u8>,
}

impl Backend {
    fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/webhooks?app=1", listener.local_addr().unwrap());
        let mut statuses: VecDeque<u16> = statuses.iter().copied().collect();
        let (sender, heard) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut bytes = Vec::new();
                let (head, length) = loop {
                    let mut chunk = [0; 4096];
                    let count = stream.read(&mut chunk).unwrap();
                    bytes.extend_from_slice(&chunk[..count]);
                    if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
                        let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
                        let length = header_of(&head, "content-length").unwrap().parse().unwrap();
                        bytes.drain(..end + 4);
                        break (head, length);
                    }
                };
                while bytes.len() < length {
                    let mut chunk = [0; 4096];
                    let count = stream.read(&mut chunk).unwrap();
                    bytes.extend_from_slice(&chunk[..count]);
                }
                let status = statuses.pop_front().unwrap_or(200);
                if sender.send(Request { head, body: bytes }).is_err() {
                    return;
                }
                // In place of an answer the connection ends.
                if status > 0 {
                    let answer = format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        Self { url, heard }
    }

    fn next(&self) -> Request {
        self.heard.recv_timeout(PATIENCE).unwrap()
    }

    /// The events of as many webhooks as it takes.
    fn events(&self, count: usize) -> Vec<WebhookEvent> {
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(self.next().read().unwrap().events);
        }
        events
    }
}

fn header_of<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

impl Request {
    fn read(&self) -> Result<Webhook, WebhookError> {
        let reader = Webhooks::new("app-key", "app-secret").unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        reader.read(|name| header_of(&self.head, name), &self.body, now)
    }
}

fn authorized(client: &mut Client, server: &Server, channel: &str, data: Option<&str>) {
    let socket_id = &client.socket_id;
    let signer = pushest_proto::Signer::new("app-key", server.app().secret());
    let id = pushest_proto::SocketId::new(socket_id).unwrap();
    let auth = signer.channel(&id, channel, data);
    let data = json!({"channel": channel, "auth": auth, "channel_data": data});
    client.send(&json!({"event": "pusher:subscribe", "data": data}));
}

#[test]
fn a_backend_hears_of_channels_members_client_events_and_cache_misses() {
    let server = Server::start().unwrap();
    let backend = Backend::start(&[]);
    server.webhooks(&backend.url).unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("cache-news");
    let channel = |name: &str| name.to_owned();
    assert_eq!(
        backend.events(2),
        [
            WebhookEvent::ChannelOccupied { channel: channel("cache-news") },
            WebhookEvent::CacheMiss { channel: channel("cache-news") },
        ]
    );
    authorized(&mut client, &server, "presence-room", Some(r#"{"user_id":"7"}"#));
    let user_id = || "7".to_owned();
    assert_eq!(
        backend.events(2),
        [
            WebhookEvent::ChannelOccupied { channel: channel("presence-room") },
            WebhookEvent::MemberAdded { channel: channel("presence-room"), user_id: user_id() },
        ]
    );
    for data in [json!({"text": "hi"}), json!("as text")] {
        let event = json!({"event": "client-x", "channel": "presence-room", "data": data});
        client.send(&event);
        let [WebhookEvent::ClientEvent(ClientEvent { channel, event, data: told, .. })] =
            &backend.events(1)[..]
        else {
            panic!("no client event")
        };
        assert_eq!((&**channel, &**event), ("presence-room", "client-x"));
        let expected = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
        assert_eq!(*told, expected);
    }
    let socket_id = client.socket_id.clone();
    client.send(&json!({"event": "client-y", "channel": "presence-room"}));
    let events = backend.events(1);
    let [WebhookEvent::ClientEvent(sent)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (sent.socket_id.as_deref(), sent.user_id.as_deref()),
        (Some(&*socket_id), Some("7"))
    );
    assert_eq!(sent.data, "");
    drop(client);
    let mut events = backend.events(3);
    events.sort_by_key(|event| (event.channel().map(str::to_owned), event.name().to_owned()));
    assert_eq!(
        events,
        [
            WebhookEvent::ChannelVacated { channel: channel("cache-news") },
            WebhookEvent::ChannelVacated { channel: channel("presence-room") },
            WebhookEvent::MemberRemoved { channel: channel("presence-room"), user_id: user_id() },
        ]
    );
}

#[test]
fn counts_are_told_where_subscribers_are_told() {
    let server = Server::builder().subscription_counts(true).start().unwrap();
    let backend = Backend::start(&[]);
    server.webhooks(&backend.url).unwrap();
    let mut clients = [Client::connect(&server), Client::connect(&server)];
    for (client, expected) in clients.iter_mut().zip(1..) {
        client.subscribe("news");
        let events = backend.events(if expected == 1 { 2 } else { 1 });
        let count = WebhookEvent::SubscriptionCount { channel: "news".to_owned(), count: expected };
        assert_eq!(events.last(), Some(&count), "{events:?}");
    }
}

#[test]
fn what_happens_at_once_is_one_webhook_and_no_webhook_holds_more_than_it_may() {
    let server = Server::start().unwrap();
    let backend = Backend::start(&[]);
    let gathered = WebhookTarget::new(&backend.url).batch(PATIENCE).events(2);
    server.webhooks(gathered).unwrap();
    let mut client = Client::connect(&server);
    for name in ["a", "b", "c", "d"] {
        client.subscribe(name);
    }
    // Two are enough for one, and do not wait.
    assert_eq!(backend.next().read().unwrap().events.len(), 2);
    assert_eq!(backend.next().read().unwrap().events.len(), 2);
    server.wait_for_webhooks(2, PATIENCE).unwrap();
    assert_eq!(server.webhook_attempts().len(), 2);
}

#[test]
fn a_webhook_comes_again_until_it_is_answered_with_2xx() {
    let server = Server::start().unwrap();
    // 0: no answer at all.
    let backend = Backend::start(&[500, 404, 0, 302, 204]);
    let soon = WebhookTarget::new(&backend.url).retry(Duration::from_millis(1));
    server.webhooks(soon).unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    let first = backend.next();
    for _ in 0..4 {
        let again = backend.next();
        assert_eq!((&again.head, &again.body), (&first.head, &first.body), "the same, signed so");
    }
    server.wait_for_webhooks(1, PATIENCE).unwrap();
    let attempts = server.webhook_attempts();
    let statuses: Vec<_> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(500), Some(404), None, Some(302), Some(204)]);
    let numbers: Vec<_> = attempts.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert!(!attempts[2].problem.is_empty());
    assert_eq!(attempts[4].body.as_bytes(), first.body);
}

#[test]
fn what_is_not_taken_in_time_is_given_up_and_holds_nothing_up() {
    let server = Server::start().unwrap();
    let backend = Backend::start(&[503]);
    let impatient = WebhookTarget::new(&backend.url).patience(Duration::ZERO);
    server.webhooks(impatient).unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("lost");
    let lost = backend.next();
    client.subscribe("news");
    let next = backend.next();
    assert_ne!(lost.body, next.body);
    server.wait_for_webhooks(1, PATIENCE).unwrap();
    assert_eq!(server.webhook_attempts().len(), 2);
}

#[test]
fn a_backend_can_be_shown_what_comes_twice_what_is_forged_and_what_is_old() {
    let server = Server::start().unwrap();
    let [twice, forged, old] = [(); 3].map(|()| Backend::start(&[]));
    let soon = Duration::from_millis(1);
    server.webhooks(WebhookTarget::new(&twice.url).twice(true).retry(soon)).unwrap();
    server.webhooks(WebhookTarget::new(&forged.url).secret("guessed".into())).unwrap();
    server.webhooks(WebhookTarget::new(&old.url).age(Duration::from_secs(3600))).unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    let (first, second) = (twice.next().read().unwrap(), twice.next().read().unwrap());
    assert_eq!(first.id(), second.id());
    assert_eq!(forged.next().read().unwrap_err(), WebhookError::Signature);
    assert!(matches!(old.next().read(), Err(WebhookError::TooOld { .. })));
    let named = Backend::start(&[]);
    server.webhooks(WebhookTarget::new(&named.url).key("other".into())).unwrap();
    client.subscribe("others");
    let error = named.next().read().unwrap_err();
    assert_eq!(error, WebhookError::UnknownKey { key: "other".into() });
}

#[test]
fn a_server_ends_though_a_backend_does_not_answer() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = Server::start().unwrap();
    server.webhooks(format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    server.stop();
    // It was cut, not left alone.
    let mut request = Vec::new();
    stream.read_to_end(&mut request).unwrap();
}

#[test]
fn what_is_no_url_of_webhooks_is_an_error_that_names_it() {
    let server = Server::start().unwrap();
    for url in ["", "127.0.0.1:3000", "https://127.0.0.1/", "http://a b/", "http://u:p@h/"] {
        let error = server.webhooks(url).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{url}");
        assert!(error.to_string().starts_with(&format!("{url:?} is no URL")), "{error}");
    }
}

#[test]
fn webhooks_are_waited_for_as_they_are_taken_and_attempts_as_they_are_made() {
    let server = Server::start().unwrap();
    let backend = Backend::start(&[500]);
    let soon = WebhookTarget::new(&backend.url).retry(Duration::from_millis(1));
    let taken = server.until_webhooks(1);
    let refused = server.until_webhook_attempt(|attempt| attempt.status == Some(500));
    let again = server.until_webhook_attempt(|attempt| attempt.attempt == 2);
    server.webhooks(soon).unwrap();
    let error = refused.wait(Duration::ZERO).unwrap_err();
    let text = "waited 0ns for an attempt to deliver a webhook that fits; it has not come to that";
    assert_eq!(error.to_string(), text);
    let mut client = Client::connect(&server);
    client.subscribe("news");
    refused.wait(PATIENCE).unwrap();
    again.wait(PATIENCE).unwrap();
    taken.wait(PATIENCE).unwrap();
    // And what has come to that before.
    server.until_webhooks(0).wait(PATIENCE).unwrap();
    server.until_webhooks(1).wait(PATIENCE).unwrap();
    server.until_webhook_attempt(|attempt| attempt.body.contains("news")).wait(PATIENCE).unwrap();
    server.until_webhooks(2).wait(Duration::ZERO).unwrap_err();
}
