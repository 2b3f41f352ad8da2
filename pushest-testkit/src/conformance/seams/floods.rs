//! Floods of every kind to a receiver that sleeps.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use pushest_proto::{Config, Event, SubscribeOptions};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::super::driver::{Driver, DriverClient, Settings};
use super::super::encrypted;
use super::super::patience::{Expect, PATIENCE, started_with};
use super::frame;

/// What the receiver may leave, in bytes; the number of events is not what bounds it.
const LIMIT: usize = 1024 * 1024;

/// What is sent, in bytes.
const FLOOD: usize = 12 * LIMIT;

/// What a client needs beside what its receiver leaves: what it has read at one go, and its own
/// tables and buffers.
const BESIDE: usize = LIMIT;

/// One kind of flood.
struct Flood {
    name: &'static str,
    channel: &'static str,
    /// Makes the message of this number.
    message: fn(usize) -> String,
}

const FLOODS: &[Flood] = &[
    Flood { name: "small events", channel: "news", message: |n| event(n, 100) },
    Flood { name: "events of a kilobyte", channel: "news", message: |n| event(n, 1_000) },
    Flood { name: "events of half a buffer", channel: "news", message: |n| event(n, 2_100) },
    Flood { name: "large events", channel: "news", message: |n| event(n, 150_000) },
    Flood {
        name: "large and small events",
        channel: "news",
        message: |n| event(n, if n % 40 == 0 { 50_000 } else { 20 }),
    },
    Flood {
        name: "names that are ever new",
        channel: "news",
        message: |n| on("news", &format!("App\\Events\\{n}{}", "x".repeat(300)), &json!({})),
    },
    Flood {
        name: "encrypted events",
        channel: encrypted::CHANNEL,
        message: |_| on(encrypted::CHANNEL, "order", &json!(encrypted::SEALED)),
    },
    Flood {
        name: "events that no key opens",
        channel: encrypted::CHANNEL,
        message: |n| {
            let sealed = encrypted::SEALED.replace("4OmrV7D", &format!("{:0>7}", n % 10_000_000));
            on(encrypted::CHANNEL, &"order".repeat(80), &json!(sealed))
        },
    },
    Flood {
        name: "members that come and go",
        channel: "presence-room",
        message: |n| {
            let change = ["pusher_internal:member_added", "pusher_internal:member_removed"][n % 2];
            let member = json!({"user_id": (n / 2).to_string(), "user_info": "i".repeat(900)});
            on("presence-room", change, &json!(member.to_string()))
        },
    },
    Flood {
        name: "lists of members",
        channel: "presence-room",
        message: |n| {
            let ids: Vec<_> = (0..500).map(|member| (n * 500 + member).to_string()).collect();
            let data = json!({"presence": {"count": ids.len(), "ids": ids, "hash": {}}});
            on("presence-room", SUCCEEDED, &json!(data.to_string()))
        },
    },
    Flood {
        name: "counts of subscriptions",
        channel: "news",
        message: |n| {
            let data = json!({ "subscription_count": n }).to_string();
            on("news", "pusher_internal:subscription_count", &json!(data))
        },
    },
    Flood {
        name: "misses of a cache",
        channel: "cache-news",
        message: |_| on("cache-news", "pusher:cache_miss", &Value::Null),
    },
    Flood {
        name: "errors",
        channel: "news",
        message: |n| {
            let data = json!({"code": null, "message": format!("{n} {}", "e".repeat(500))});
            json!({"event": "pusher:error", "data": data}).to_string()
        },
    },
    Flood {
        name: "junk",
        channel: "news",
        message: |n| format!("{n} is no object, but {}", "j".repeat(600)),
    },
    Flood {
        name: "messages that belong to nobody",
        channel: "news",
        message: |n| json!({"event": "unknown", "data": "u".repeat(n % 3_000)}).to_string(),
    },
    Flood {
        name: "who is online",
        channel: "news",
        message: |n| {
            let ids: Vec<_> = (0..100).map(|id| (n + id).to_string()).collect();
            json!({"event": "online", "data": {"user_ids": ids}}).to_string()
        },
    },
    Flood {
        name: "who of nobody is online",
        channel: "news",
        message: |_| json!({"event": "online", "data": {"user_ids": vec![""; 30_000]}}).to_string(),
    },
];

const SUCCEEDED: &str = "pusher_internal:subscription_succeeded";

fn on(channel: &str, event: &str, data: &Value) -> String {
    json!({ "event": event, "channel": channel, "data": data }).to_string()
}

fn event(number: usize, bytes: usize) -> String {
    on("news", "number", &json!(format!("{number} {}", "x".repeat(bytes))))
}

/// Whatever a server floods a client with while its receiver sleeps, no more memory is in use than
/// the receiver may leave, at no moment; what is received then makes up at least half of what was in
/// use; and afterwards nothing of it is. `live` returns the bytes that are in use in this process:
/// the test of a driver's crate has an allocator that counts them.
///
/// # Panics
/// If more is in use, and then it says of which flood.
pub fn a_receiver_that_sleeps_holds_no_more_than_it_may<D: Driver>(live: fn() -> usize) {
    for signs_in in [false, true] {
        for flood in FLOODS {
            // Where it makes a difference.
            if !signs_in || flood.name.starts_with("who ") {
                sleep_through::<D>(flood, signs_in, live);
            }
        }
    }
}

fn sleep_through<D: Driver>(flood: &'static Flood, signs_in: bool, live: fn() -> usize) {
    let name = flood.name;
    let highest = Arc::new(AtomicUsize::new(0));
    let (port, serving) = serve(flood, highest.clone(), live);
    let config = Config::builder("app-key").secret("app-secret").host("127.0.0.1").port(port);
    let config = config.master_key(encrypted::MASTER_KEY).build().expect("valid");
    let settings = Settings::default().queue_events(1_000_000).queue_bytes(LIMIT);
    let mut client = started_with::<D>(config, settings);
    let options = match flood.channel {
        "presence-room" => SubscribeOptions::member("me"),
        _ => SubscribeOptions::default(),
    };
    client.must_subscribe_as(flood.channel, &options);
    if signs_in {
        client.sign_in(Some(r#"{"id":"ann","watchlist":["bob"]}"#)).expect("good user data");
        client.signed_in(PATIENCE).expect("signed in");
    }
    while client.recv(std::time::Duration::ZERO).is_some() {}
    let before = live();
    highest.store(before, Ordering::SeqCst);

    // Nothing is received, though the client is carried; it ends with the flood.
    client.must_flush();
    let used = live().saturating_sub(before);
    let highest = highest.load(Ordering::SeqCst).saturating_sub(before);
    assert!(highest < LIMIT + BESIDE, "{name}: at some moment {highest} bytes were in use");
    assert!(used < LIMIT + BESIDE, "{name}: {used} bytes are in use");

    let (mut events, mut counted) = (0, 0);
    while let Some(event) = client.recv(std::time::Duration::ZERO) {
        events += 1;
        counted += event.memory();
        drop::<Event>(event);
    }
    println!("{name}: {used} in use, {highest} at most; {events} events count {counted}");
    assert!(used < 2 * counted + BESIDE / 4, "{name}: {used} bytes, of which {counted} counted");
    assert!(counted < 2 * used, "{name}: {counted} bytes counted, of which {used} are in use");
    let used = live().saturating_sub(before);
    assert!(used < BESIDE / 4, "{name}: {used} bytes are in use for nothing, {events} events");
    drop(client);
    serving.join().expect("it served");
}

/// Returns a server for one client, that floods it when it is pinged. It tells the highest use of
/// memory. (What the testkit's own server buffers would be counted, too.)
fn serve(
    flood: &'static Flood,
    highest: Arc<AtomicUsize>,
    live: fn() -> usize,
) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut socket = tungstenite::accept(stream).expect("a WebSocket");
        let hello = json!({"socket_id": "1.1", "activity_timeout": 120}).to_string();
        send(&mut socket, &json!({"event": "pusher:connection_established", "data": hello}));
        while let Ok(message) = socket.read() {
            let Ok(text) = message.to_text() else { return };
            let Ok(message) = serde_json::from_str::<Value>(text) else { return };
            let data = &message["data"];
            match message["event"].as_str() {
                Some("pusher:subscribe") => {
                    let members = json!({"presence": {"count": 0, "ids": [], "hash": {}}});
                    let answer = json!({
                        "event": SUCCEEDED, "channel": data["channel"], "data": members.to_string()
                    });
                    send(&mut socket, &answer);
                }
                Some("pusher:signin") => {
                    let data = json!({ "user_data": data["user_data"] });
                    send(&mut socket, &json!({"event": "pusher:signin_success", "data": data}));
                }
                Some("pusher:ping") => {
                    pour(socket.get_mut(), flood, || {
                        highest.fetch_max(live(), Ordering::SeqCst);
                    });
                    send(&mut socket, &json!({"event": "pusher:pong", "data": {}}));
                }
                other => panic!("{other:?}"),
            }
        }
    });
    (port, serving)
}

fn send<S: Read + Write>(socket: &mut WebSocket<S>, message: &Value) {
    socket.send(Message::text(message.to_string())).expect("sent");
}

fn pour(stream: &mut TcpStream, flood: &Flood, mut poured: impl FnMut()) {
    let (mut sent, mut frames) = (0, Vec::with_capacity(256 * 1024));
    for number in 0.. {
        frames.extend(frame(&(flood.message)(number)));
        if frames.len() > 16 * 1024 {
            stream.write_all(&frames).expect("written");
            sent += frames.len();
            frames.clear();
            poured();
        }
        if sent > FLOOD {
            return;
        }
    }
}
