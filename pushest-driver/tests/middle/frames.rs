//! Frames of a WebSocket: a server's to be sent, and a client's as they were written.

use serde_json::{Value, json};

pub(super) const TEXT: u8 = 0x1;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xa;
const FINAL: u8 = 0x80;

/// One frame of a server.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    fragment(FINAL | opcode, payload)
}

/// A frame with this first byte.
fn fragment(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(length as u8),
        length @ 126..=65_535 => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

pub(super) fn text(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

/// A text in three frames, with a ping before the last of them.
pub(super) fn fragmented(text: &str) -> Vec<u8> {
    let (first, rest) = text.as_bytes().split_at(text.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    let mut bytes = fragment(TEXT, first);
    bytes.extend(fragment(0, second));
    bytes.extend(frame(PING, b"between"));
    bytes.extend(fragment(FINAL, third));
    bytes
}

pub(super) fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// An event of a channel.
pub(super) fn event(channel: &str, name: &str, data: &str) -> Vec<u8> {
    text(&message(channel, name, data))
}

pub(super) fn message(channel: &str, name: &str, data: &str) -> String {
    json!({ "event": name, "channel": channel, "data": data }).to_string()
}

/// Events of a channel, numbered from the first number on.
pub(super) fn events(channel: &str, numbers: std::ops::Range<usize>) -> Vec<u8> {
    numbers.flat_map(|number| event(channel, "number", &number.to_string())).collect()
}

/// What a client wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    Text(String),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

impl Written {
    /// The event's name and channel.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Text(text) => {
                let message: Value = serde_json::from_str(text).expect("a client writes JSON");
                let channel = message.get("channel").or_else(|| message["data"].get("channel"));
                let name = message["event"].as_str().expect("each has a name");
                match channel.and_then(Value::as_str) {
                    Some(channel) => format!("{name} {channel}"),
                    None => name.to_string(),
                }
            }
            Self::Pong(_) => "pong".to_string(),
            Self::Close(code) => format!("close {code:?}"),
        }
    }
}

/// Takes the first whole frame of a client from these bytes: it, and how long it was.
pub(super) fn first_written(bytes: &[u8]) -> Option<(Written, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert!(first & 0x70 == 0 && first & FINAL != 0, "a client sends whole messages");
    assert!(second & 0x80 != 0, "a client's frames are masked");
    let (length, at) = match second & 0x7f {
        126 => (u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize, 4),
        127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize, 10),
        length => (length as usize, 2),
    };
    let mask = bytes.get(at..at + 4)?;
    let payload = bytes.get(at + 4..at + 4 + length)?;
    let payload: Vec<u8> =
        payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]).collect();
    let written = match first & 0x0f {
        TEXT => Written::Text(String::from_utf8(payload).expect("a text is UTF-8")),
        PONG => Written::Pong(payload),
        CLOSE => Written::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
        other => panic!("a client sends no frame {other:#x}"),
    };
    Some((written, at + 4 + length))
}
