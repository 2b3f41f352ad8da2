//! Events that come on standard input, one JSON object a line, published in batches: what has come
//! goes out, up to ten events at once.

use std::fmt::Display;
use std::io::{self, BufRead as _, Read as _};
use std::thread;
use std::time::Duration;

use pushest_proto::api::App;
use pushest_tokio::Api;
use pushest_tokio::api::{Batch, Call as _, Publish};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::Instant;

use super::pace::Pace;
use super::progress::{Progress, after};
use super::{check_encrypted, ms};
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

/// The event of a line, and the line's number, counted from 1.
struct Numbered {
    number: u64,
    event: Publish,
}

/// A line, or why there is none.
type Read = Result<Numbered, String>;

pub(super) async fn run(
    api: &Api,
    mut pace: Pace,
    only_encrypted: bool,
    progress: &Progress,
    output: &Output,
) -> Result<(), Failure> {
    let (begun, mut requests) = (Instant::now(), 0);
    let mut events = events()?;
    let most = api.app().limits().batch;
    while let Some(first) = events.recv().await {
        let mut batch = vec![first];
        while batch.len() < most
            && let Ok(next) = events.try_recv()
        {
            batch.push(next);
        }
        // What comes before a line that cannot be published is published.
        let (mut whole, mut problem) = (Vec::new(), None);
        for read in batch {
            match read.and_then(|line| line.checked(api.app(), only_encrypted)) {
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
            progress.call(api, Batch::new(whole), count as u64).await?;
            requests += 1;
        }
        if let Some(text) = problem {
            return Err(after(progress.published(), Failure::input(text)));
        }
    }
    let (events, elapsed_ms) = (progress.published(), ms(begun));
    output.line(&Line::Backend(Backend::Batched { events, requests, elapsed_ms }))?;
    Ok(())
}

impl Numbered {
    /// Checks all that breaks a rule without the server: the batch that it becomes a part of could name
    /// its place only, which depends on how fast the lines come, and would go out as a whole or not at
    /// all.
    fn checked(self, app: &App, only_encrypted: bool) -> Result<Publish, String> {
        let Self { number, event } = self;
        let named = |problem: &dyn Display| format!("line {number}: {problem}");
        if only_encrypted {
            let checked = event.channels().try_for_each(check_encrypted);
            checked.map_err(|failure| named(&failure.text().unwrap_or_default()))?;
        }
        // Signed and not sent: the batch draws nonces of its own.
        let mut trial = event.clone();
        trial.draw_nonces(&mut || [0; 24]);
        app.request(&trial, Duration::ZERO).map_err(|error| named(&error))?;
        Ok(event)
    }
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
                Ok(_) => match event(without_mark(&line, number)) {
                    Ok(event) => Ok(Numbered { number, event }),
                    Err(problem) => Err(format!("line {number}: {problem}")),
                },
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

/// Returns a line without the byte order mark that some programs write before the first one.
fn without_mark(line: &[u8], number: u64) -> &[u8] {
    match line.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) if number == 1 => rest,
        _ => line,
    }
}

/// An event: data that is a string goes out as it is, and any other value as the JSON that stands
/// there.
fn event(line: &[u8]) -> Result<Publish, String> {
    const FORM: &str = "an event is {\"channel\":…,\"name\":…,\"data\":…,\"socket_id\"?:…}";
    // Of a list serde would take the values in the order of the fields.
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Err(format!("it is no object; {FORM}"));
    }
    let problem = |error: serde_json::Error| format!("{}; {FORM}", in_line(&error));
    let event: Event = serde_json::from_slice(line).map_err(problem)?;
    let given = event.data.get();
    let data = if given.starts_with('"') {
        serde_json::from_str(given).map_err(|error| format!("its data: {}", in_line(&error)))?
    } else {
        given.to_owned()
    };
    let publish = Publish::new(event.channel, event.name, data);
    Ok(match event.socket_id {
        Some(socket_id) => publish.exclude(socket_id),
        None => publish,
    })
}

/// Returns the text of an error with its place in the line: there is one line only, whose number is
/// another.
fn in_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}
