//! `pushest publish`: events by the HTTP API.

mod batch;
mod pace;
mod progress;

use std::fs::File;
use std::io::{self, Read};

use pushest_proto::ChannelKind;
use pushest_tokio::Api;
use pushest_tokio::api::{ApiLimits, Publish};
use tokio::time::Instant;

use self::pace::Pace;
use self::progress::Progress;
use super::api;
use crate::arguments::PublishArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::interruption;
use crate::output::{Backend, Line, Output};
use crate::until_told;

/// Maximum size of data that is read, in bytes: far more than any server takes.
const DATA: u64 = 64 * 1024 * 1024;

/// What is sent where no data was given. Some servers refuse an empty text.
const NO_DATA: &str = "{}";

pub(crate) async fn run(arguments: &PublishArguments, output: &Output) -> Result<(), Failure> {
    let progress = Progress::default();
    let result = publish(arguments, &progress, output).await;
    if let Err(failure) = &result {
        progress.report(failure, output);
    }
    result
}

async fn publish(
    arguments: &PublishArguments,
    progress: &Progress,
    output: &Output,
) -> Result<(), Failure> {
    let connection = Connection::new(&arguments.api.connection, None)?;
    let has_master_key = connection.config.has_master_key();
    if arguments.encrypted && !has_master_key {
        return Err(Failure::input(
            "--encrypted needs the master key: --master-key or PUSHER_ENCRYPTION_MASTER_KEY_BASE64",
        ));
    }
    let limits = ApiLimits::default().event_data(arguments.max_data);
    let api = api::of(connection, &arguments.api, limits)?;
    let pace = Pace::new(arguments.rate);
    if arguments.batch {
        interruption::watch()?;
        let batches = batch::run(&api, pace, arguments.encrypted, progress, output);
        return until_told(output, batches).await;
    }
    if arguments.rate.is_some() && arguments.count.is_none() {
        return Err(Failure::input("--rate is for --count and --batch, and neither is given"));
    }
    let Words { channels, event, data } = Words::of(arguments)?;
    super::warn_of_near_misses(channels, output);
    if arguments.encrypted {
        channels.iter().try_for_each(|channel| check_encrypted(channel))?;
    }
    let data = data.map_or_else(|| Ok(NO_DATA.to_owned()), read)?;
    let mut call = match &arguments.to_user {
        Some(user) => Publish::to_user(user, event, data),
        None => Publish::new(channels, event, data),
    };
    if let Some(socket_id) = &arguments.socket_id {
        call = call.exclude(socket_id);
    }
    // Not earlier: while standard input is read, a signal ends the process by itself.
    interruption::watch()?;
    let count = arguments.count.unwrap_or(1);
    let user = arguments.to_user.as_deref();
    until_told(output, repeat(&api, &call, user, count, pace, progress, output)).await
}

/// Publishes an event a number of times.
async fn repeat(
    api: &Api,
    event: &Publish,
    user_id: Option<&str>,
    count: u64,
    mut pace: Pace,
    progress: &Progress,
    output: &Output,
) -> Result<(), Failure> {
    let begun = Instant::now();
    for _ in 0..count {
        pace.next(1).await;
        progress.call(api, event.clone(), 1).await?;
    }
    output.line(&Line::Backend(Backend::Accepted {
        channels: event.channels().collect(),
        user_id,
        event: event.name(),
        count,
        elapsed_ms: ms(begun),
    }))?;
    Ok(())
}

/// The time since then, in milliseconds with three digits behind the point.
fn ms(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

fn check_encrypted(channel: &str) -> Result<(), Failure> {
    if ChannelKind::of(channel) == ChannelKind::Encrypted {
        return Ok(());
    }
    Err(Failure::input(format_args!(
        "{channel} is no encrypted channel: the names of those begin with private-encrypted-"
    )))
}

/// What the words of the command line are.
struct Words<'a> {
    channels: &'a [String],
    event: &'a str,
    data: Option<&'a str>,
}

impl<'a> Words<'a> {
    /// With a channel and a name there is no data; with more words, the last is the data. To a user
    /// there is no channel among them.
    fn of(arguments: &'a PublishArguments) -> Result<Self, Failure> {
        let words = &*arguments.words;
        let problem = match (&arguments.to_user, words) {
            (None, [channels @ .., event, data]) if !channels.is_empty() => {
                return Ok(Self { channels, event, data: Some(data) });
            }
            (None, [_, event]) => return Ok(Self { channels: &words[..1], event, data: None }),
            (Some(_), [event]) => return Ok(Self { channels: &[], event, data: None }),
            (Some(_), [event, data]) => {
                return Ok(Self { channels: &[], event, data: Some(data) });
            }
            (None, _) => "give a channel and the event's name",
            (Some(_), _) => "with --to-user give the event's name and its data, and no channel",
        };
        Err(Failure::input(problem))
    }
}

/// The data itself, or what is read where it says so, without the end of its last line.
fn read(data: &str) -> Result<String, Failure> {
    let text = match data.strip_prefix('@') {
        _ if data == "-" => text("standard input", io::stdin().lock())?,
        Some("") => {
            return Err(Failure::input(
                "@ names no file: it is for @FILE; text that begins with it is for standard input, with \
                 - as the data",
            ));
        }
        Some(file) => {
            let opened = File::open(file)
                .map_err(|error| {
                Failure::input(format_args!(
                    "{file} cannot be read: {error}; @ names a file: give text that begins with it on \
                     standard input, with - as the data"
                ))
            })?;
            text(file, opened)?
        }
        None => return Ok(data.to_owned()),
    };
    let text =
        text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(text.to_owned())
}

fn text(what: &str, from: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(DATA + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::input(format_args!("{what} cannot be read: {error}")))?;
    if bytes.len() as u64 > DATA {
        return Err(Failure::input(format_args!("{what} has more than {DATA} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::input(format_args!("{what} is not UTF-8")))
}
