//! A server for one client, that floods its channels in turn when it is told to. What the testkit's
//! server buffers would be counted, too.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tungstenite::{Message, accept};

/// Events of each channel.
pub(crate) const EVENTS: usize = 1_500;

pub(crate) struct Flood {
    port: u16,
    begin: Sender<()>,
    serving: Option<JoinHandle<()>>,
}

impl Flood {
    /// Events `number` with data of that many bytes in each channel, and one named `end` at last.
    pub(crate) fn of(channels: usize, bytes: usize) -> Self {
        let data = "x".repeat(bytes);
        let rounds = (0..EVENTS).map(move |_| round(0..channels, "number", &data));
        Self::pours(channels, rounds.chain([round(0..channels, "end", "")]))
    }

    /// One event in each channel but the first, in which a hundred come before the next.
    pub(crate) fn of_one_and_single_ones(channels: usize, bytes: usize) -> Self {
        let data = "x".repeat(bytes);
        let rounds = (1..channels)
            .map(move |channel| round([channel].into_iter().chain([0; 100]), "number", &data));
        Self::pours(channels, rounds.chain([round([0], "end", "")]))
    }

    fn pours(channels: usize, rounds: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (begin, told_to_begin) = mpsc::channel();
        let serving = std::thread::spawn(move || {
            let mut socket = accept(listener.accept().unwrap().0).unwrap();
            let hello = json!({"socket_id": "1.1", "activity_timeout": 120}).to_string();
            let hello = json!({"event": "pusher:connection_established", "data": hello});
            socket.send(Message::text(hello.to_string())).unwrap();
            let (mut left, mut rounds) = (channels, Some(rounds));
            while let Ok(message) = socket.read() {
                let Ok(message) = serde_json::from_str::<Value>(&message.to_string()) else {
                    continue;
                };
                if message["event"] == "pusher:ping" {
                    socket.send(Message::text(r#"{"event":"pusher:pong"}"#)).unwrap();
                    continue;
                }
                if message["event"] != "pusher:subscribe" {
                    continue;
                }
                let channel = &message["data"]["channel"];
                let event = "pusher_internal:subscription_succeeded";
                let answer = json!({"event": event, "channel": channel, "data": "{}"});
                socket.send(Message::text(answer.to_string())).unwrap();
                left -= 1;
                if left == 0 {
                    told_to_begin.recv().unwrap();
                    for round in rounds.take().into_iter().flatten() {
                        socket.get_mut().write_all(&round).unwrap();
                    }
                }
            }
        });
        Self { port, begin, serving: Some(serving) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn begin(&self) {
        self.begin.send(()).unwrap();
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        let serving = self.serving.take().expect("it is dropped once");
        if !std::thread::panicking() {
            serving.join().expect("it served");
        }
    }
}

/// One event for each of these channels; a server's frames are not masked.
fn round(channels: impl IntoIterator<Item = usize>, name: &str, data: &str) -> Vec<u8> {
    let mut frames = Vec::new();
    for number in channels {
        let channel = format!("channel-{number}");
        let text = json!({"event": name, "channel": channel, "data": data}).to_string();
        frames.extend([0x81, 127]);
        frames.extend((text.len() as u64).to_be_bytes());
        frames.extend(text.as_bytes());
    }
    frames
}
