//! The server behind a socket. It says nothing before it is told to go on, so that the driver's
//! calls and the server's are never mixed.

use serde_json::{Value, json};
use tungstenite::handshake::derive_accept_key;

use super::frames::{self, Written};
use super::stream::{End, Socket};

/// What a server answers by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// The upgrade, and `pusher:connection_established` with it.
    pub(super) upgrades: bool,
    pub(super) confirms: bool,
    pub(super) pongs: bool,
    /// A close frame, with its own and the end.
    pub(super) closes: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { upgrades: true, confirms: true, pongs: true, closes: true }
    }
}

/// The server's end of one connection.
pub(super) struct Server {
    pub(super) socket: Socket,
    pub(super) habits: Habits,
    /// How many of the written bytes it has read.
    read: usize,
    is_upgraded: bool,
    received: Vec<Written>,
}

impl Server {
    pub(super) fn new(socket: Socket, habits: Habits) -> Self {
        Self { socket, habits, read: 0, is_upgraded: false, received: Vec::new() }
    }

    /// Reads what was written, and answers it. Returns whether it said anything.
    pub(super) fn go_on(&mut self) -> bool {
        let mut written = &*self.socket.sent_behind(self.read);
        if !self.is_upgraded {
            let request = String::from_utf8_lossy(written);
            if !self.habits.upgrades || !request.ends_with("\r\n\r\n") {
                return false;
            }
            self.read = written.len();
            self.is_upgraded = true;
            self.socket.arrives(agreement(&request).as_bytes());
            self.socket.arrives(&established());
            return true;
        }
        let mut has_spoken = false;
        while let Some((frame, length)) = frames::first_written(written) {
            self.read += length;
            written = &written[length..];
            has_spoken |= self.answer(&frame);
            self.received.push(frame);
        }
        has_spoken
    }

    /// What the client wrote since the last time, in words.
    pub(super) fn take_received(&mut self) -> Vec<String> {
        self.go_on();
        self.received.drain(..).map(|frame| frame.words()).collect()
    }

    /// The texts among it, as they were written.
    pub(super) fn take_texts(&mut self) -> Vec<String> {
        self.go_on();
        let text = |frame| if let Written::Text(text) = frame { Some(text) } else { None };
        self.received.drain(..).filter_map(text).collect()
    }

    pub(super) fn says(&self, bytes: &[u8]) {
        self.socket.arrives(bytes);
    }

    fn answer(&self, frame: &Written) -> bool {
        let answer = match frame {
            Written::Text(text) => self.answer_to(text),
            Written::Close(code) if self.habits.closes => {
                self.says(&frames::close(code.unwrap_or(1000), ""));
                self.socket.ends(End::InOrder);
                return true;
            }
            _ => None,
        };
        if let Some(answer) = &answer {
            self.says(&frames::text(answer));
        }
        answer.is_some()
    }

    fn answer_to(&self, text: &str) -> Option<String> {
        let message: Value = serde_json::from_str(text).expect("a client writes JSON");
        let channel = message["data"]["channel"].as_str();
        match (message["event"].as_str()?, channel) {
            ("pusher:ping", _) if self.habits.pongs => {
                Some(json!({ "event": "pusher:pong", "data": {} }).to_string())
            }
            ("pusher:subscribe", Some(channel)) if self.habits.confirms => {
                let data = if channel.starts_with("presence-") {
                    r#"{"presence":{"ids":["1"],"hash":{"1":{}},"count":1}}"#
                } else {
                    "{}"
                };
                let name = "pusher_internal:subscription_succeeded";
                Some(frames::message(channel, name, data))
            }
            ("pusher:signin", _) if self.habits.confirms => {
                let data = json!({ "user_data": message["data"]["user_data"] }).to_string();
                Some(json!({ "event": "pusher:signin_success", "data": data }).to_string())
            }
            _ => None,
        }
    }
}

/// The answer to the upgrade.
pub(super) fn agreement(request: &str) -> String {
    let mut fields = request.lines().filter_map(|line| line.split_once(": "));
    let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let accept = derive_accept_key(key.expect("a request has one").1.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

pub(super) fn established() -> Vec<u8> {
    frames::text(
        r#"{"event":"pusher:connection_established",
            "data":"{\"socket_id\":\"1.1\",\"activity_timeout\":120}"}"#,
    )
}
