//! Redis, through which the nodes hand on to each other what is published, and a subscriber that sees all
//! of that.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::publisher;
use crate::channels::ChannelSpec;
use crate::process::Process;
use crate::server::Place;

/// What Sockudo hands on events on.
const BROADCAST: &str = "sockudo_adapter::#broadcast";

/// A Redis that keeps nothing, running or between two runs.
#[derive(Debug)]
pub(super) struct Redis {
    program: PathBuf,
    place: Place,
    process: Option<Process>,
}

impl Redis {
    pub(super) fn start(program: &Path, place: Place) -> Result<Self, String> {
        let mut redis = Self { program: program.to_path_buf(), place, process: None };
        redis.restart()?;
        Ok(redis)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.place.address
    }

    pub(super) fn kill(&mut self) {
        self.process = None;
    }

    /// Runs it anew, and waits until it takes connections.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        let words = self.program.display();
        let address = self.place.address;
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut command = self.place.command(&self.program);
        command.args(["--bind", &host, "--port", &port, "--protected-mode", "no"]);
        command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = Process::start(&mut command);
        let process = process.map_err(|error| format!("{words} does not start: {error}"))?;
        let process = self.process.insert(process);
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if process.ended().is_some() || Instant::now() > deadline {
                return Err(format!("{words} does not listen"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Waits until this many nodes are subscribed.
    pub(super) fn wait(&self, nodes: usize, limit: Duration) -> Result<(), String> {
        let deadline = Instant::now() + limit;
        while self.subscribers().map_err(|error| error.to_string())? < nodes {
            if Instant::now() > deadline {
                return Err("a node is not subscribed in Redis in time".to_string());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn subscribers(&self) -> io::Result<usize> {
        let mut stream = TcpStream::connect(self.place.address)?;
        stream.write_all(format!("PUBSUB NUMSUB {BROADCAST}\r\n").as_bytes())?;
        let answer = read(&mut BufReader::new(stream))?;
        let count = answer.last().and_then(|count| str::from_utf8(count).ok()?.parse().ok());
        count.ok_or_else(|| ErrorKind::InvalidData.into())
    }
}

/// Sees everything that nodes tell each other of events.
#[derive(Debug, Clone, Default)]
pub(super) struct Observer {
    /// How often each number of each channel was published in Redis.
    seen: Arc<Mutex<HashMap<(usize, u64), u32>>>,
}

impl Observer {
    /// Subscribes, and reads from then on, also from a Redis that is started again.
    pub(super) fn start(redis: SocketAddr, channels: &[ChannelSpec]) -> io::Result<Self> {
        let observer = Self::default();
        let places: HashMap<String, usize> =
            channels.iter().enumerate().map(|(index, it)| (it.name.clone(), index)).collect();
        let seen = observer.seen.clone();
        let mut stream = subscribed(redis)?;
        thread::spawn(move || {
            loop {
                while let Ok(message) = read(&mut stream) {
                    let told = message.last().and_then(|payload| event_of(payload));
                    if let Some((channel, number)) = told
                        && let Some(place) = places.get(&channel)
                    {
                        *lock(&seen).entry((*place, number)).or_default() += 1;
                    }
                }
                while subscribed(redis).map(|again| stream = again).is_err() {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
        Ok(observer)
    }

    /// Returns how often an event was published in Redis.
    pub(super) fn times(&self, channel: usize, number: u64) -> u32 {
        lock(&self.seen).get(&(channel, number)).copied().unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.seen).is_empty()
    }
}

fn subscribed(redis: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(redis)?;
    stream.write_all(format!("SUBSCRIBE {BROADCAST}\r\n").as_bytes())?;
    let mut stream = BufReader::new(stream);
    read(&mut stream)?;
    Ok(stream)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the channel and the number of the event that a node tells the others of: an object whose
/// `message` is that of the protocol, as text.
fn event_of(payload: &[u8]) -> Option<(String, u64)> {
    let told: Value = serde_json::from_slice(payload).ok()?;
    let message: Value = serde_json::from_str(told.get("message")?.as_str()?).ok()?;
    let number = publisher::number_of(message.get("event")?.as_str()?)?;
    Some((told.get("channel")?.as_str()?.to_string(), number))
}

/// Reads one array of strings, or of strings and a number.
fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<Vec<u8>>> {
    let broken = || io::Error::from(ErrorKind::InvalidData);
    let head = |kind: char, stream: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if let Some(number) = line.strip_prefix(':') {
            return Ok((true, number.trim().parse::<usize>().map_err(|_| broken())?));
        }
        let length = line.strip_prefix(kind).ok_or_else(broken)?;
        Ok::<_, io::Error>((false, length.trim().parse().map_err(|_| broken())?))
    };
    let (_, count) = head('*', stream)?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let (is_number, value) = head('$', stream)?;
        let mut part = value.to_string().into_bytes();
        if !is_number {
            part = vec![0; value + 2];
            stream.read_exact(&mut part)?;
            part.truncate(value);
        }
        parts.push(part);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_in_what_a_node_tells_the_others_is_found() {
        let told = r##"{"node_id":"a","app_id":"1","channel":"chaos-0","message":"{\"event\":\"number-17\",\"channel\":\"chaos-0\",\"data\":\"17\"}"}"##;
        assert_eq!(event_of(told.as_bytes()), Some(("chaos-0".to_string(), 17)));
        for other in ["", "{}", r#"{"channel":"chaos-0","message":"{\"event\":\"x\"}"}"#] {
            assert_eq!(event_of(other.as_bytes()), None);
        }
    }
}
