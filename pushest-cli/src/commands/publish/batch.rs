//! Events that come on standard input, one JSON object a line, published in batches: what has come
//! goes out, up to ten events at once.

use std::io::{self, BufRead as _, Read as _};
use std::thread;

use pushest_tokio::Api;
use pushest_tokio::api::{Batch, Publish};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::Instant;

use super::pace::Pace;
use super::{after, check_encrypted, ms};
use crate::failure::Failure;
use crate::output::{Backend, Line, Output};

/// Maximum size of a line in bytes.
const LINE: u64 = 16 * 1024 * 1024;

/// Maximum number of lines that wait.
const WAITING: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    channel: String,
    #[serde(alias = "event")]
    name: String,
    data: Box<RawValue>,
    #[serde(default)]
    socket_id: Option<String>,
}

/// A line, or why there is none.
type Read = Result<Publish, String>;

pub(super) async fn run(
    api: &Api,
    mut pace: Pace,
    only_encrypted: bool,
    output: &Output,
) -> Result<(), Failure> {
    let (begun, mut published, mut requests) = (Instant::now(), 0, 0);
    let mut events = events()?;
    let most = api.app().limits().batch;
    while let Some(first) = events.recv().await {
        let mut batch = vec![first];
        while batch.len() < most
            && let Ok(next) = events.try_recv()
        {
            batch.push(next);
        }
        // What comes before a line that cannot be read is published.
        let (mut whole, mut problem) = (Vec::new(), None);
        for read in batch {
            match read.and_then(|event| checked(event, only_encrypted)) {
                Ok(event) => whole.push(event),
                Err(text) => {
                    problem = Some(text);
                    break;
                }
            }
        }
        if !whole.is_empty() {
            let count = whole.len();
            pace.next(u32::try_from(count).unwrap_or(u32::MAX)).await;
            let sent = api.call(Batch::new(whole)).await;
            sent.map_err(|error| after(published, error.into()))?;
            published += count as u64;
            requests += 1;
        }
        if let Some(text) = problem {
            return Err(after(published, Failure::input(text)));
        }
    }
    let elapsed_ms = ms(begun);
    output.line(&Line::Backend(Backend::Batched { events: published, requests, elapsed_ms }))?;
    Ok(())
}

fn checked(event: Publish, only_encrypted: bool) -> Read {
    if only_encrypted {
        let checked = event.channels().try_for_each(check_encrypted);
        checked.map_err(|failure| failure.text().unwrap_or_default().to_owned())?;
    }
    Ok(event)
}

/// Reads standard input on a thread of its own, which ends with the process: nothing else can end a
/// read of a terminal.
fn events() -> Result<Receiver<Read>, Failure> {
    let (sender, receiver) = channel(WAITING);
    let read = move || {
        let mut input = io::stdin().lock();
        for number in 1_u64.. {
            let mut line = Vec::new();
            let event = match input.by_ref().take(LINE + 1).read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(length) if length as u64 > LINE => {
                    Err(format!("line {number} has more than {LINE} bytes"))
                }
                Ok(_) if line.trim_ascii().is_empty() => continue,
                Ok(_) => event(&line).map_err(|problem| format!("line {number}: {problem}")),
                Err(error) => Err(format!("standard input cannot be read: {error}")),
            };
            let is_last = event.is_err();
            if sender.blocking_send(event).is_err() || is_last {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("batch".to_owned()).spawn(read);
    thread.map_err(|error| Failure::failed(format_args!("no thread: {error}")))?;
    Ok(receiver)
}

/// An event: data that is a string goes out as it is, and any other value as the JSON that stands
/// there.
fn event(line: &[u8]) -> Read {
    let event: Event = serde_json::from_slice(line).map_err(|error| {
        // The place in the line, as it is one line.
        format!("{error}; an event is {{\"channel\":…,\"name\":…,\"data\":…,\"socket_id\"?:…}}")
    })?;
    let data = match serde_json::from_str::<String>(event.data.get()) {
        Ok(text) => text,
        Err(_) => event.data.get().to_owned(),
    };
    let publish = Publish::new(event.channel, event.name, data);
    Ok(match event.socket_id {
        Some(socket_id) => publish.exclude(socket_id),
        None => publish,
    })
}
