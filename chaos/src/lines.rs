//! What a client under test tells, one line for each thing that its receivers were handed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What was told, and when (since 1970).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: Duration,
    pub(crate) told: Told,
}

/// One thing that was told. A channel is its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// The receivers wait for events.
    Ready,
    Subscribed {
        channel: usize,
    },
    Gap {
        channel: usize,
        silent_for: Duration,
        since: Duration,
    },
    Event {
        channel: usize,
        number: u64,
    },
    /// A receiver dropped this many events; a receiver of everything names no channel.
    Lagged {
        channel: Option<usize>,
        count: u64,
    },
    /// How many connections were established until now, and how things stand.
    Status {
        connections: u64,
        text: String,
    },
    /// What none of this should bring about.
    Odd {
        text: String,
    },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.at.as_micros())?;
        match &self.told {
            Told::Ready => f.write_str("ready"),
            Told::Subscribed { channel } => write!(f, "subscribed {channel}"),
            Told::Gap { channel, silent_for, since } => {
                write!(f, "gap {channel} {} {}", silent_for.as_micros(), since.as_micros())
            }
            Told::Event { channel, number } => write!(f, "event {channel} {number}"),
            Told::Lagged { channel: Some(channel), count } => write!(f, "lagged {count} {channel}"),
            Told::Lagged { channel: None, count } => write!(f, "lagged {count}"),
            Told::Status { connections, text } => write!(f, "status {connections} {text}"),
            Told::Odd { text } => write!(f, "odd {text}"),
        }
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let broken = || format!("not a line of a client: {line:?}");
        let micros = |text: &str| text.parse().map(Duration::from_micros).map_err(|_| broken());
        let number = |text: &str| text.parse::<u64>().map_err(|_| broken());
        let place = |text: &str| text.parse::<usize>().map_err(|_| broken());
        let (at, rest) = line.split_once(' ').ok_or_else(broken)?;
        let (what, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        let told = match (what, &words[..]) {
            ("ready", _) => Told::Ready,
            ("subscribed", [channel]) => Told::Subscribed { channel: place(channel)? },
            ("gap", [channel, silent_for, since]) => Told::Gap {
                channel: place(channel)?,
                silent_for: micros(silent_for)?,
                since: micros(since)?,
            },
            ("event", [channel, event]) => {
                Told::Event { channel: place(channel)?, number: number(event)? }
            }
            ("lagged", [count, channel @ ..]) => Told::Lagged {
                channel: channel.first().map(|channel| place(channel)).transpose()?,
                count: number(count)?,
            },
            ("status", [connections, ..]) => Told::Status {
                connections: number(connections)?,
                text: rest.split_once(' ').map_or("", |(_, text)| text).to_string(),
            },
            ("odd", _) => Told::Odd { text: rest.to_string() },
            _ => return Err(broken()),
        };
        Ok(Self { at: micros(at)?, told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_written() {
        let told = [
            Told::Ready,
            Told::Subscribed { channel: 3 },
            Told::Gap {
                channel: 4,
                silent_for: Duration::from_micros(5),
                since: Duration::from_secs(9),
            },
            Told::Event { channel: 49, number: 12_345 },
            Told::Lagged { channel: None, count: 7 },
            Told::Lagged { channel: Some(1), count: 7 },
            Told::Status { connections: 2, text: "waiting: it was reset".to_string() },
            Told::Odd { text: "a b  c".to_string() },
        ];
        for told in told {
            let line = Line { at: Duration::from_micros(1_234_567), told };
            assert_eq!(line.to_string().parse(), Ok(line));
        }
    }
}
