//! A server that confirms subscriptions, counts client events and answers pings, fast: it looks at the
//! few bytes of a frame that it needs, and writes all answers to what one read has brought at once.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde::{Deserialize, Serialize};
use tungstenite::Message;

use super::{ESTABLISHED, subscribed, succeeded};
use crate::Problem;
use crate::clocks::Clocks;

/// What came over one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    /// The number of subscriptions.
    pub subscribes: u64,
    /// The bytes of their frames' texts.
    pub subscribe_bytes: u64,
    /// The number of client events.
    pub client_events: u64,
    /// The bytes of their frames' texts.
    pub client_event_bytes: u64,
    /// The processor time that serving it took, in nanoseconds: that of the whole process.
    pub cpu_ns: u64,
}

/// Serves all connections, each in a thread, and reports each at its end.
pub fn serve(
    listener: &TcpListener,
    tell: impl Fn(Result<Came, Problem>) + Send + Clone + 'static,
) -> Result<(), Problem> {
    loop {
        let (stream, _) = listener.accept()?;
        let tell = tell.clone();
        std::thread::spawn(move || tell(connection(stream)));
    }
}

fn connection(stream: TcpStream) -> Result<Came, Problem> {
    stream.set_nodelay(true)?;
    let mut socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
    socket.send(Message::text(ESTABLISHED))?;
    // Before it knows that, a client sends nothing: tungstenite holds no byte of what comes now.
    talk(socket.get_mut())
}

fn talk(stream: &mut (impl Read + Write)) -> Result<Came, Problem> {
    let started = Clocks::now();
    let (mut came, mut answers) = (Came::default(), Vec::new());
    let mut buffer = vec![0; 256 * 1024];
    let mut filled = 0;
    loop {
        let length = stream.read(&mut buffer[filled..])?;
        if length == 0 {
            return Err("the client went without a farewell".into());
        }
        filled += length;
        let (mut at, mut is_over) = (0, false);
        while let Some((frame, length)) = Frame::read(&mut buffer[at..filled]) {
            is_over |= frame.answer(&mut came, &mut answers)?;
            at += length;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
        if filled == buffer.len() {
            return Err("a frame that is larger than any should be".into());
        }
        stream.write_all(&answers)?;
        answers.clear();
        if is_over {
            came.cpu_ns = started.elapsed().cpu_ns;
            return Ok(came);
        }
    }
}

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// A client's frame, its payload unmasked.
struct Frame<'a> {
    opcode: u8,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Returns the frame at the beginning, and how long it is with its header, if it is whole.
    fn read(bytes: &'a mut [u8]) -> Option<(Self, usize)> {
        let [first, second, ..] = *bytes else { return None };
        let (length, at) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes(*bytes[2..].first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?) as usize, 10),
            length => (usize::from(length), 2),
        };
        let mask: [u8; 4] = *bytes.get(at..)?.first_chunk()?;
        let end = at + 4 + length;
        let payload = bytes.get_mut(at + 4..end)?;
        let mut words = payload.chunks_exact_mut(4);
        for word in &mut words {
            for (byte, mask) in word.iter_mut().zip(mask) {
                *byte ^= mask;
            }
        }
        for (byte, mask) in words.into_remainder().iter_mut().zip(mask) {
            *byte ^= mask;
        }
        Some((Self { opcode: first & 0x0f, payload }, end))
    }

    /// Counts and answers it. Returns whether it is the last.
    fn answer(&self, came: &mut Came, answers: &mut Vec<u8>) -> Result<bool, Problem> {
        let bytes = self.payload.len() as u64;
        match self.opcode {
            TEXT => {}
            PING => write(answers, 0x8a, self.payload),
            CLOSE => {
                write(answers, 0x88, self.payload);
                return Ok(true);
            }
            _ => return Ok(false),
        }
        if self.payload.starts_with(br#"{"event":"client-"#) {
            came.client_events += 1;
            came.client_event_bytes += bytes;
            return Ok(false);
        }
        let text = std::str::from_utf8(self.payload)?;
        if text.starts_with(r#"{"event":"pusher:ping""#) {
            write(answers, 0x81, br#"{"event":"pusher:pong","data":"{}"}"#);
            return Ok(false);
        }
        let name = text
            .strip_prefix(r#"{"event":"pusher:subscribe","data":{"channel":""#)
            .and_then(|rest| rest.split_once('"'));
        let name = match name {
            Some((name, _)) => Some(name.to_owned()),
            None => subscribed(text)?,
        };
        if let Some(name) = name {
            came.subscribes += 1;
            came.subscribe_bytes += bytes;
            write(answers, 0x81, succeeded(&name).as_bytes());
        }
        Ok(false)
    }
}

/// Writes a frame of less than 64 KiB.
fn write(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    out.push(first);
    match u16::try_from(payload.len()).expect("answers are short") {
        length @ 0..=125 => out.push(length as u8),
        length => {
            out.push(126);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend(payload);
}

#[cfg(test)]
mod tests {
    use tungstenite::WebSocket;
    use tungstenite::protocol::Role;

    use super::*;

    /// What one side sends, and what it gets.
    #[derive(Default)]
    struct Both {
        from: std::io::Cursor<Vec<u8>>,
        to: Vec<u8>,
    }

    impl Read for Both {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            // In small pieces, so that frames are cut.
            let most = buffer.len().min(7);
            self.from.read(&mut buffer[..most])
        }
    }

    impl Write for Both {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.to.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_is_counted_and_what_needs_an_answer_has_one() {
        let mut client = WebSocket::from_raw_socket(Both::default(), Role::Client, None);
        let subscribe = r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#;
        let other = r#"{"data":{"auth":"k:s","channel":"private-a"},"event":"pusher:subscribe"}"#;
        let event = format!(r#"{{"event":"client-a","data":"{}"}}"#, "x".repeat(300));
        let ping = r#"{"event":"pusher:ping","data":{}}"#;
        for text in [subscribe, other, &event, ping] {
            client.send(Message::text(text)).expect("a Vec takes everything");
        }
        client.close(None).expect("a Vec takes everything");
        client.flush().expect("a Vec takes everything");
        let sent = std::mem::take(&mut client.get_mut().to);
        let mut server = Both { from: std::io::Cursor::new(sent), to: Vec::new() };
        let came = talk(&mut server).expect("it ends in order");
        assert_eq!((came.subscribes, came.client_events), (2, 1));
        assert_eq!(came.subscribe_bytes, (subscribe.len() + other.len()) as u64);
        assert_eq!(came.client_event_bytes, event.len() as u64);
        let stream = Both { from: std::io::Cursor::new(server.to), to: Vec::new() };
        let mut answers = WebSocket::from_raw_socket(stream, Role::Client, None);
        for expected in [succeeded("news"), succeeded("private-a")] {
            assert_eq!(answers.read().expect("an answer"), Message::text(expected));
        }
        assert!(answers.read().expect("an answer").to_string().contains("pusher:pong"));
        assert!(answers.read().expect("an answer").is_close());
    }
}
