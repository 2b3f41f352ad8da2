//! A server whose presence channels are full of people that nobody has seen.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use serde_json::{Map, Value, json};
use tungstenite::Message;

/// It says what it likes, for as long as the test's process runs.
pub(crate) struct Crowd {
    address: SocketAddr,
}

impl Crowd {
    /// With so many members, of which the first is whoever asks.
    pub(crate) fn start(members: usize) -> Self {
        Self::of((0..members).map(|id| (format!("member-{id:04}"), json!({ "n": "x".repeat(40) }))))
    }

    pub(crate) fn of(members: impl IntoIterator<Item = (String, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let hash: Map<String, Value> = members.into_iter().collect();
        let ids: Vec<&String> = hash.keys().collect();
        let presence = json!({ "presence": { "ids": ids, "hash": hash, "count": hash.len() } });
        let data = presence.to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let data = data.clone();
                thread::spawn(move || serve(stream.unwrap(), &data));
            }
        });
        Self { address }
    }

    /// The options that lead to it.
    pub(crate) fn options(&self) -> Vec<String> {
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        let options = [("--host", host), ("--port", port), ("--key", "k".into())];
        let secret = ("--secret", "s".to_owned());
        options
            .into_iter()
            .chain([secret])
            .flat_map(|(name, value)| [name.to_owned(), value])
            .collect()
    }
}

fn serve(stream: TcpStream, presence: &str) {
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    let established = json!({ "socket_id": "1.2", "activity_timeout": 120 }).to_string();
    let mut answer = json!({ "event": "pusher:connection_established", "data": established });
    loop {
        if socket.send(Message::text(answer.to_string())).is_err() {
            return;
        }
        answer = loop {
            let Ok(message) = socket.read() else { return };
            let Ok(text) = message.to_text() else { continue };
            let Ok(asked) = serde_json::from_str::<Value>(text) else { continue };
            match asked["event"].as_str() {
                Some("pusher:ping") => break json!({ "event": "pusher:pong", "data": {} }),
                Some("pusher:subscribe") => {
                    break json!({
                        "event": "pusher_internal:subscription_succeeded",
                        "channel": asked["data"]["channel"], "data": presence,
                    });
                }
                _ => {}
            }
        };
    }
}
