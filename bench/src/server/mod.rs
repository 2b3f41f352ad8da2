//! A server that speaks as much of the protocol as it takes to be subscribed to, and then writes
//! frames that it has encoded before. A thread serves each connection.

pub mod answering;
pub mod crowd;
mod tls;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tungstenite::{Message, WebSocket};

pub use self::tls::Identity;
use crate::Problem;
use crate::clocks::Clocks;
use crate::flood::{Flood, Kind};
use crate::frames::{Frames, text};

/// What was written to one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The channel, which names the flood.
    pub channel: String,
    /// The number of frames, handshake apart.
    pub frames: u64,
    /// The number of them that are events of the channel.
    pub events: u64,
    /// The bytes of all frames' texts.
    pub text_bytes: u64,
    /// The bytes of the events' data, as the tokens stand in the JSON.
    pub data_bytes: u64,
    /// When writing began, by the wall's clock, which all processes of a machine share.
    pub began_ns: u64,
    /// The processor time that writing took in nanoseconds; that of the whole process.
    pub cpu_ns: u64,
}

/// A server on a free loopback port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

impl Server {
    /// Listens; with TLS if there is an identity to show.
    pub fn bind(identity: Option<&Identity>) -> Result<Self, Problem> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self { listener, tls: identity.map(Identity::config) })
    }

    /// Returns where it listens.
    pub fn address(&self) -> Result<SocketAddr, Problem> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves all connections, and reports the result of each.
    pub fn serve(
        self,
        tell: impl Fn(Result<Written, Problem>) + Send + Clone + 'static,
    ) -> Result<(), Problem> {
        loop {
            let (stream, _) = self.listener.accept()?;
            let (tls, tell) = (self.tls.clone(), tell.clone());
            std::thread::spawn(move || {
                let tell_written = tell.clone();
                if let Err(problem) = connection(stream, tls, |_| {}, |it| tell_written(Ok(it))) {
                    tell(Err(problem));
                }
            });
        }
    }

    /// Serves the first that comes until it goes. `writing` is called just before each write with the
    /// number of events that it consists of.
    pub fn serve_one(&self, writing: impl FnMut(u64)) -> Result<Written, Problem> {
        let (stream, _) = self.listener.accept()?;
        let mut written = None;
        connection(stream, self.tls.clone(), writing, |it| written = Some(it))?;
        written.ok_or_else(|| "nothing was subscribed to".into())
    }
}

/// One connection: handshake, flood, and waiting for the client's end.
fn connection(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    writing: impl FnMut(u64),
    tell: impl FnOnce(Written),
) -> Result<(), Problem> {
    stream.set_nodelay(true)?;
    match tls {
        None => talk(stream, writing, tell),
        Some(config) => {
            talk(StreamOwned::new(ServerConnection::new(config)?, stream), writing, tell)
        }
    }
}

fn talk<S: Read + Write>(
    stream: S,
    mut writing: impl FnMut(u64),
    tell: impl FnOnce(Written),
) -> Result<(), Problem> {
    let mut socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
    socket.send(Message::text(ESTABLISHED))?;
    let first = subscription(&mut socket)?;
    let flood: Flood = match first.parse() {
        Ok(flood) => flood,
        // One of many channels has its number behind the flood's name.
        Err(_) => first.rsplit_once('-').ok_or("a channel without a flood")?.0.parse()?,
    };
    let prepared = Prepared::new(flood)?;
    socket.send(Message::text(succeeded(&first)))?;
    for _ in 1..flood.channels {
        let channel = subscription(&mut socket)?;
        socket.send(Message::text(succeeded(&channel)))?;
    }
    tell(prepared.write(socket.get_mut(), &mut writing)?);
    // The client ends it, in order or not; whether it has everything is for its own books.
    while let Ok(message) = socket.read() {
        answer_ping(&mut socket, &message)?;
    }
    Ok(())
}

/// What the server says first.
pub(crate) const ESTABLISHED: &str = r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"4711.1147\",\"activity_timeout\":120}"}"#;

/// Returns the confirmation of a subscription.
pub(crate) fn succeeded(channel: &str) -> String {
    format!(
        r#"{{"event":"pusher_internal:subscription_succeeded","channel":"{channel}","data":"{{}}"}}"#
    )
}

#[derive(Deserialize)]
struct Request<'a> {
    event: &'a str,
    #[serde(default)]
    data: Subscribe,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Subscribe {
    To {
        channel: String,
    },
    #[default]
    Nothing,
    Other(serde::de::IgnoredAny),
}

/// Reads up to the next subscription, and answers pings. Returns the channel's name.
fn subscription<S: Read + Write>(socket: &mut WebSocket<S>) -> Result<String, Problem> {
    loop {
        let message = socket.read()?;
        answer_ping(socket, &message)?;
        let Message::Text(text) = message else { continue };
        if let Some(channel) = subscribed(&text)? {
            return Ok(channel);
        }
    }
}

/// Returns the channel's name, if this is what subscribes to one.
pub(crate) fn subscribed(text: &str) -> Result<Option<String>, Problem> {
    let request: Request<'_> = serde_json::from_str(text)?;
    Ok(match (request.event, request.data) {
        ("pusher:subscribe", Subscribe::To { channel }) => Some(channel),
        _ => None,
    })
}

fn answer_ping<S: Read + Write>(
    socket: &mut WebSocket<S>,
    message: &Message,
) -> Result<(), Problem> {
    if let Message::Text(text) = message
        && text.contains(r#""pusher:ping""#)
    {
        socket.send(Message::text(r#"{"event":"pusher:pong","data":"{}"}"#))?;
    }
    Ok(())
}

/// The most frames in one system call.
const AT_ONCE: u64 = 256;

/// A flood, encoded.
struct Prepared {
    flood: Flood,
    /// The different frames, again and again.
    frames: Frames,
    /// For a bad flood: one good event, which stands before and behind it.
    mark: Frames,
    data: Vec<u64>,
}

impl Prepared {
    fn new(flood: Flood) -> Result<Self, Problem> {
        let texts: Vec<String> = (0..flood.different()).map(|number| text(flood, number)).collect();
        let good = |number| {
            // The channel's name is that of the flood, whatever the flood consists of.
            crate::frames::event(&flood.to_string(), number, flood.size)
        };
        let (mark, data) = match flood.kind {
            Kind::Good => (Frames::default(), texts.iter().map(|text| data_of(text)).collect()),
            _ => {
                let marks = [good(0), good(1)];
                let data: Vec<_> = marks.iter().map(|text| data_of(text)).collect();
                (Frames::of(marks), data)
            }
        };
        let data = data.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { flood, frames: Frames::of(texts), mark, data })
    }

    fn write(
        &self,
        stream: &mut impl Write,
        writing: &mut impl FnMut(u64),
    ) -> Result<Written, Problem> {
        let flood = self.flood;
        let different = self.frames.len() as u64;
        let started = Clocks::now();
        if !self.mark.is_empty() {
            stream.write_all(self.mark.bytes(0, 1))?;
        }
        let mut written = 0;
        let mut next = Instant::now();
        while written < flood.frames {
            let first = written % different;
            let mut count = (different - first).min(flood.frames - written).min(AT_ONCE);
            if flood.burst > 0 {
                count = count.min(flood.burst);
                next += flood.pause();
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            writing(count);
            stream.write_all(self.frames.bytes(first as usize, count as usize))?;
            written += count;
        }
        if !self.mark.is_empty() {
            stream.write_all(self.mark.bytes(1, 1))?;
        }
        stream.flush()?;
        Ok(self.account(started))
    }

    fn account(&self, started: Clocks) -> Written {
        let flood = self.flood;
        let marks = self.mark.len() as u64;
        let (events, data_bytes) = match flood.kind {
            Kind::Good => {
                let different = self.frames.len() as u64;
                let whole: u64 = self.data.iter().sum();
                let rest: u64 = self.data.iter().take((flood.frames % different) as usize).sum();
                (flood.frames, flood.frames / different * whole + rest)
            }
            _ => (marks, self.data.iter().sum()),
        };
        Written {
            channel: flood.to_string(),
            frames: flood.frames + marks,
            events,
            text_bytes: (flood.frames + marks) * flood.size as u64,
            data_bytes,
            began_ns: started.wall_ns,
            cpu_ns: started.elapsed().cpu_ns,
        }
    }
}

/// Returns the size of an event's data, as its token stands in the JSON.
pub(crate) fn data_of(text: &str) -> Result<u64, Problem> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let event: Event<'_> = serde_json::from_str(text)?;
    Ok(event.data.get().len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is written, and the account of it.
    fn written(flood: Flood) -> (Vec<String>, Written) {
        let mut bytes = Vec::new();
        let prepared = Prepared::new(flood).expect("it is a flood");
        let account = prepared.write(&mut bytes, &mut |_| {}).expect("a Vec takes everything");
        let stream = std::io::Cursor::new(bytes);
        let role = tungstenite::protocol::Role::Client;
        let mut socket = WebSocket::from_raw_socket(stream, role, None);
        let texts = std::iter::from_fn(|| socket.read().ok()?.into_text().ok());
        (texts.map(|text| text.to_string()).collect(), account)
    }

    #[test]
    fn the_server_says_exactly_what_it_wrote() {
        for kind in std::iter::once(Kind::Good).chain(Kind::BAD) {
            for (frames, channels) in
                [(2, 1), (255, 1), (256, 1), (257, 1), (1_000, 1), (1_000, 3), (1_000, 300)]
            {
                let flood = Flood { channels, ..Flood::new(kind, 300, frames) };
                let (texts, account) = written(flood);
                let of_channel = |text: &&String| {
                    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|message| {
                        let channel = message["channel"].as_str().unwrap_or_default();
                        channel.starts_with(&flood.to_string()) && message["event"].is_string()
                    })
                };
                let events: Vec<_> = texts.iter().filter(of_channel).collect();
                let data: Result<Vec<_>, _> = events.iter().map(|text| data_of(text)).collect();
                assert_eq!(account.frames, texts.len() as u64);
                assert_eq!(account.text_bytes, texts.iter().map(String::len).sum::<usize>() as u64);
                assert_eq!(account.events, events.len() as u64);
                assert_eq!(account.data_bytes, data.expect("they are events").iter().sum::<u64>());
                assert_eq!(account.events, flood.events().end);
                assert_eq!(account.frames, flood.frames_seen().end);
            }
        }
    }
}
