//! The texts of a flood, and the bytes that they are on the wire.

use std::fmt::Write;

use crate::flood::{FRAMES, Flood, Kind};

/// [`EVENT`](crate::flood::EVENT) as it stands in JSON.
const LARAVEL: &str = r"App\\Events\\OrderShipped";

/// Frames of a server, encoded one behind the other.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
}

impl Frames {
    /// Encodes texts as unmasked WebSocket frames.
    pub fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let mut frames = Self::default();
        for text in texts {
            frames.bytes.push(0x81); // final, text
            match text.len() {
                length @ 0..=125 => frames.bytes.push(length as u8),
                length @ 126..=0xffff => {
                    frames.bytes.push(126);
                    frames.bytes.extend((length as u16).to_be_bytes());
                }
                length => {
                    frames.bytes.push(127);
                    frames.bytes.extend((length as u64).to_be_bytes());
                }
            }
            frames.bytes.extend(text.as_bytes());
            frames.ends.push(frames.bytes.len());
        }
        frames
    }

    /// Returns the number of frames.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the bytes of `count` frames from the one at `first` on; both must lie within.
    pub fn bytes(&self, first: usize, count: usize) -> &[u8] {
        let begin = if first == 0 { 0 } else { self.ends[first - 1] };
        let end = if first + count == 0 { 0 } else { self.ends[first + count - 1] };
        &self.bytes[begin..end]
    }
}

/// Returns the text of the flood's frame with this number.
pub fn text(flood: Flood, number: u64) -> String {
    let channel = flood.channel(number);
    let number = number % FRAMES;
    match flood.kind {
        Kind::Good => event(&channel, number, flood.size),
        Kind::Unwanted => event("unwanted", number, flood.size),
        Kind::Junk => junk(number, flood.size),
        Kind::Cut => {
            let mut text = event(&channel, number, flood.size + 1);
            text.pop();
            text
        }
        Kind::Malformed => {
            let head = format!(r#"{{"event":{{"name":"e"}},"channel":"{channel}","data":""#);
            padded(&head, number, flood.size)
        }
        Kind::Unrouted => padded(r#"{"event":"vendor:notice","data":""#, number, flood.size),
        Kind::Error => {
            let head = r#"{"event":"pusher:error","data":{"code":4399,"message":""#;
            closed(&format!("{head}{number} "), flood.size, r#""}}"#)
        }
    }
}

/// Returns an event of `size` bytes as Laravel sends it: a name with escapes, and as data a string
/// that holds the JSON of a number and a text.
pub fn event(channel: &str, number: u64, size: usize) -> String {
    padded(&format!(r#"{{"event":"{LARAVEL}","channel":"{channel}","data":""#), number, size)
}

/// The same with a name that has no escapes.
pub fn plain_event(channel: &str, number: u64, size: usize) -> String {
    padded(&format!(r#"{{"event":"order-shipped","channel":"{channel}","data":""#), number, size)
}

/// The same with a list of short texts, each of which has escaped quotes.
pub fn dense_event(channel: &str, number: u64, size: usize) -> String {
    let head = format!(
        r#"{{"event":"{LARAVEL}","channel":"{channel}","data":"{{\"n\":{number},\"text\":["#
    );
    listed(&head, r#"\"two words\""#, size, r#"]}"}"#)
}

/// The same list in an object as data, which is no string.
pub fn object_event(channel: &str, number: u64, size: usize) -> String {
    let head =
        format!(r#"{{"event":"{LARAVEL}","channel":"{channel}","data":{{"n":{number},"text":["#);
    listed(&head, r#""two words""#, size, "]}}")
}

/// `head`, which ends in the quote of a string, then an order with its number and a text as the
/// string's JSON, of `size` bytes together.
fn padded(head: &str, number: u64, size: usize) -> String {
    closed(&format!(r#"{head}{{\"n\":{number},\"text\":\""#), size, r#"\"}"}"#)
}

/// `head`, words up to `size`, and `tail`.
fn closed(head: &str, size: usize, tail: &str) -> String {
    let mut text = head.to_owned();
    let words = "some words of a text as people write them, ".chars().cycle();
    text.extend(words.take(size.saturating_sub(head.len() + tail.len())));
    text.push_str(tail);
    text
}

/// `head`, a list of as many `item`s as have room, spaces up to `size`, and `tail`.
fn listed(head: &str, item: &str, size: usize, tail: &str) -> String {
    let mut text = format!("{head}{item}");
    let room = size.saturating_sub(tail.len());
    while text.len() + 1 + item.len() <= room {
        text.push(',');
        text.push_str(item);
    }
    text.extend(std::iter::repeat_n(' ', room.saturating_sub(text.len())));
    text.push_str(tail);
    text
}

/// Words, brackets, quotes, backslashes and letters of more than one byte that are no JSON.
fn junk(number: u64, size: usize) -> String {
    let mut text = String::new();
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    write!(text, "<{number}").expect("a String takes everything");
    while text.len() < size {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let letters = ["a", "{", "\"", "\\", ":", "é", "0", "]"];
        let letter = letters[(state >> 61) as usize];
        text.push_str(if text.len() + letter.len() <= size { letter } else { "." });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flood::EVENT;

    #[test]
    fn each_frame_has_the_size_that_was_asked_for() {
        for kind in std::iter::once(Kind::Good).chain(Kind::BAD) {
            for size in [208, 1_024, 8_192] {
                let flood = Flood::new(kind, size, 1_000_000);
                for number in 0..FRAMES {
                    let text = text(flood, number);
                    assert_eq!(text.len(), size, "{text}");
                }
            }
        }
        for number in [0, 99, 255] {
            assert_eq!(plain_event("flood-good-208-1000-0", number, 208).len(), 208);
            assert_eq!(dense_event("flood-good-208-1000-0", number, 208).len(), 208);
            assert_eq!(object_event("flood-good-208-1000-0", number, 208).len(), 208);
        }
    }

    #[test]
    fn good_events_are_events_and_the_rest_is_what_it_is_called() {
        let json = |kind| {
            let text = text(Flood::new(kind, 208, 1_000_000), 7);
            serde_json::from_str::<serde_json::Value>(&text)
        };
        let good = json(Kind::Good).expect("it is JSON");
        assert_eq!(good["event"], EVENT);
        let data = good["data"].as_str().expect("the data is a string");
        let data: serde_json::Value = serde_json::from_str(data).expect("the string is JSON");
        assert_eq!(data["n"], 7);
        assert!(json(Kind::Junk).is_err() && json(Kind::Cut).is_err());
        assert!(json(Kind::Malformed).expect("it is JSON")["event"].is_object());
        assert!(json(Kind::Unrouted).expect("it is JSON")["channel"].is_null());
        assert_eq!(json(Kind::Unwanted).expect("it is JSON")["channel"], "unwanted");
        assert_eq!(json(Kind::Error).expect("it is JSON")["event"], "pusher:error");
        let object = object_event("news", 7, 208);
        let object: serde_json::Value = serde_json::from_str(&object).expect("it is JSON");
        assert_eq!(object["data"]["n"], 7);
        let dense = dense_event("news", 7, 208);
        let dense: serde_json::Value = serde_json::from_str(&dense).expect("it is JSON");
        let dense = dense["data"].as_str().expect("the data is a string");
        let dense: serde_json::Value = serde_json::from_str(dense).expect("the string is JSON");
        assert_eq!(dense["n"], 7);
    }

    #[test]
    fn frames_are_read_back_by_a_websocket() {
        use std::io::Cursor;
        use tungstenite::protocol::Role;
        let sizes = [1, 125, 126, 300, 0xffff, 0x1_0000];
        let frames = Frames::of(sizes.map(|size| "x".repeat(size)));
        assert_eq!(frames.len(), sizes.len());
        let stream = Cursor::new(frames.bytes(0, frames.len()).to_vec());
        let mut socket = tungstenite::WebSocket::from_raw_socket(stream, Role::Client, None);
        for size in sizes {
            assert_eq!(socket.read().expect("it is a frame").len(), size);
        }
        let third = frames.bytes(2, 1).len();
        assert_eq!(third, 4 + 126);
        assert_eq!(frames.bytes(0, 2).len(), 2 + 1 + 2 + 125);
    }
}
