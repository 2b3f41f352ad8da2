//! A bare WebSocket to one node, subscribed to every channel: what this node sent, seen without any of the
//! clients under test.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::publisher;
use crate::app;
use crate::channels::{ChannelSpec, Kind};
use crate::http;

/// How often it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(500);
/// How long the answer to a handshake may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Watches a node, again and again, until it is dropped.
#[derive(Debug)]
pub(super) struct Witness {
    state: Arc<Mutex<State>>,
    ends: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct State {
    /// When all channels were confirmed on a connection, and when it ended.
    sessions: Vec<(Duration, Option<Duration>)>,
    /// How often the node sent each number of each channel.
    seen: HashMap<(usize, u64), u32>,
}

impl Witness {
    pub(super) fn start(node: SocketAddr, channels: &[ChannelSpec]) -> Self {
        let (state, ends) = (Arc::<Mutex<State>>::default(), Arc::<AtomicBool>::default());
        let witness = Self { state: state.clone(), ends: ends.clone() };
        let channels = channels.to_vec();
        thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                // The node is down, or is stopped, or has closed the connection.
                let _ = watch(node, &channels, &state, &ends);
                let ended = app::now();
                if let Some((_, until)) = lock(&state).sessions.last_mut() {
                    until.get_or_insert(ended);
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        witness
    }

    /// Waits until it is subscribed to every channel on a connection that was made since then.
    pub(super) fn wait(&self, since: Duration, limit: Duration) -> Result<(), String> {
        let deadline = Instant::now() + limit;
        let is_on = |state: &State| {
            state.sessions.last().is_some_and(|(from, until)| *from >= since && until.is_none())
        };
        while !is_on(&lock(&self.state)) {
            if Instant::now() > deadline {
                return Err("a bare WebSocket is not subscribed in time".to_string());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Returns whether it was subscribed all this time, and still is, or was for a second more.
    pub(super) fn covers(&self, from: Duration, until: Duration) -> bool {
        let until = until + Duration::from_secs(1);
        let holds = |(begun, ended): &(Duration, Option<Duration>)| {
            *begun <= from && ended.is_none_or(|ended| ended > until)
        };
        lock(&self.state).sessions.iter().any(holds)
    }

    /// Returns whether the node has sent it two events in a row of a channel that were published after this one:
    /// each goes through another node, and so one of them came from another.
    pub(super) fn has_two_after(&self, channel: usize, number: u64) -> bool {
        let state = lock(&self.state);
        let has = |number: u64| state.seen.contains_key(&(channel, number));
        let mut later = state.seen.keys().filter(|(of, later)| *of == channel && *later > number);
        later.any(|(_, later)| has(later + 1))
    }

    /// Returns how often the node sent it an event.
    pub(super) fn times(&self, channel: usize, number: u64) -> u32 {
        lock(&self.state).seen.get(&(channel, number)).copied().unwrap_or_default()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches the node over one connection.
fn watch(
    node: SocketAddr,
    channels: &[ChannelSpec],
    state: &Mutex<State>,
    ends: &AtomicBool,
) -> io::Result<()> {
    let mut socket = open(node)?;
    let places: HashMap<&str, usize> =
        channels.iter().enumerate().map(|(index, it)| (it.name.as_str(), index)).collect();
    let mut confirmed = 0;
    while !ends.load(Ordering::Relaxed) {
        let Some(message) = next(&mut socket)? else { continue };
        let name = message["event"].as_str().unwrap_or_default();
        match name {
            "pusher:connection_established" => subscribe(&mut socket, &message, channels)?,
            "pusher:ping" => send(&mut socket, &json!({ "event": "pusher:pong", "data": {} }))?,
            "pusher_internal:subscription_succeeded" => {
                confirmed += 1;
                if confirmed == channels.len() {
                    lock(state).sessions.push((app::now(), None));
                }
            }
            "pusher:error" | "pusher:subscription_error" => {
                return Err(io::Error::other(message.to_string()));
            }
            _ => {
                let channel = message["channel"].as_str().and_then(|name| places.get(name));
                if let (Some(number), Some(channel)) = (publisher::number_of(name), channel) {
                    *lock(state).seen.entry((*channel, number)).or_default() += 1;
                }
            }
        }
    }
    Ok(())
}

/// Connects, and asks for a WebSocket.
fn open(node: SocketAddr) -> io::Result<WebSocket<TcpStream>> {
    let mut stream = TcpStream::connect_timeout(&node, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_nodelay(true)?;
    let path = format!("/app/{}?protocol=7&client=witness&version=1", app::KEY);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {node}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    // Byte by byte: what follows the head belongs to the WebSocket.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    stream.set_read_timeout(Some(LOOK))?;
    Ok(WebSocket::from_raw_socket(stream, Role::Client, None))
}

/// Reads the next message, if there is one in time.
fn next(socket: &mut WebSocket<TcpStream>) -> io::Result<Option<Value>> {
    match socket.read() {
        Ok(Message::Text(text)) => Ok(Some(serde_json::from_str(&text)?)),
        Ok(_) => Ok(None),
        Err(tungstenite::Error::Io(error)) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(None),
            _ => Err(error),
        },
        Err(error) => Err(io::Error::other(error)),
    }
}

fn send(socket: &mut WebSocket<TcpStream>, message: &Value) -> io::Result<()> {
    socket.send(Message::text(message.to_string())).map_err(io::Error::other)
}

/// Subscribes to every channel ([protocol, subscribing](pushest_proto::protocol#subscribing)).
fn subscribe(
    socket: &mut WebSocket<TcpStream>,
    established: &Value,
    channels: &[ChannelSpec],
) -> io::Result<()> {
    let data: Value = serde_json::from_str(established["data"].as_str().unwrap_or_default())?;
    let id = data["socket_id"].as_str().unwrap_or_default();
    for channel in channels {
        let name = &channel.name;
        let mut request = json!({ "channel": name });
        if channel.kind == Kind::Presence {
            let member = json!({ "user_id": "witness" }).to_string();
            request["auth"] = auth(&format!("{id}:{name}:{member}"));
            request["channel_data"] = member.into();
        } else if name.starts_with("private-") {
            request["auth"] = auth(&format!("{id}:{name}"));
        }
        send(socket, &json!({ "event": "pusher:subscribe", "data": request }))?;
    }
    Ok(())
}

fn auth(text: &str) -> Value {
    format!("{}:{}", app::KEY, http::sign(text)).into()
}
