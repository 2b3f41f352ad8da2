//! What people are told beside the results, on standard error. For programs it is a line like any
//! other.

use std::io;
use std::time::Duration;

use anstyle::Style;
use pushest_proto::{ConnectionState, Event, InReplyTo, LimitReached, ServerError, StateChange};

use super::Output;
use super::line::Line;
use super::text::{QUIET, WARNING};
use crate::route::Route;

impl<'a> Line<'a> {
    /// What there is to say about an event that is no result; `None` where nothing is.
    pub(crate) fn beside(event: &'a Event) -> Option<Self> {
        Some(match event {
            Event::State(change) => Self::state(change, None),
            Event::Subscribed { channel } => Self::Subscribed { channel: channel.as_str() },
            Event::SubscriptionFailed { channel, reason, retry_in } => Self::SubscriptionFailed {
                channel: channel.as_str(),
                reason: reason.to_string(),
                retry_ms: retry_in.map(ms_up),
            },
            Event::SignInFailed { reason, retry_in } => {
                Self::SignInFailed { reason: reason.to_string(), retry_ms: retry_in.map(ms_up) }
            }
            // What failed follows as an event of its own, and says it all.
            Event::ServerError(ServerError { in_reply_to: Some(InReplyTo::SignIn), .. }) => {
                return None;
            }
            Event::ServerError(error) => Self::ServerError {
                channel: error.channel.as_ref().map(|channel| channel.as_str()),
                code: error.code,
                message: &error.message,
                text: error.to_string(),
            },
            Event::Malformed { problem, channel, message } => Self::Malformed {
                channel: channel.as_ref().map(|channel| channel.as_str()),
                reason: problem.to_string(),
                message,
            },
            Event::LimitReached(LimitReached::Members { channel, dropped }) => Self::LimitReached {
                channel: Some(channel.as_str()),
                dropped: *dropped,
                text: format!("{channel} has more members than are kept: {dropped} are left out"),
            },
            Event::LimitReached(LimitReached::Watchlist { dropped }) => Self::LimitReached {
                channel: None,
                dropped: *dropped,
                text: format!(
                    "the server tells of more users than a watchlist can have: {dropped} are left \
                     out"
                ),
            },
            // Pings, and what later versions know.
            _ => return None,
        })
    }

    /// A change of the connection's state; while it connects, where to, and through what.
    pub(crate) fn state(change: &'a StateChange, route: Option<&'a Route>) -> Self {
        let route = route.filter(|_| change.to == ConnectionState::Connecting);
        Self::State {
            state: change.to.to_string(),
            attempt: change.attempt,
            address: route.map(|route| &*route.address),
            proxy: route.and_then(|route| route.proxy.as_deref()),
            unix_socket: route.and_then(|route| route.unix_socket.as_deref()),
            socket_id: change.socket_id.as_ref().map(|id| id.as_str()),
            reason: change.loss.as_ref().map(ToString::to_string),
            retry_ms: change.retry_in.map(ms_up),
            text: match route {
                Some(route) => format!("connecting to {route}"),
                None => change.to_string(),
            },
        }
    }

    /// What is said about it on standard error, and how; `None` for a result.
    pub(super) fn aside(&self) -> Option<(Style, String)> {
        Some(match self {
            Self::State { state, text, .. } if state == "waiting" => warning(text),
            Self::State { text, .. } | Self::Note { text } => (QUIET, text.clone()),
            Self::Subscribed { channel } => (QUIET, format!("subscribed to {channel}")),
            Self::SubscriptionFailed { channel, reason, retry_ms } => {
                warning(&format!("{channel}: {reason}{}", again(*retry_ms)))
            }
            Self::SignInFailed { reason, retry_ms } => {
                warning(&format!("not signed in: {reason}{}", again(*retry_ms)))
            }
            Self::ServerError { text, .. } => warning(&format!("the server reports: {text}")),
            Self::Malformed { channel: Some(channel), reason, message } => {
                warning(&format!("a malformed message on {channel} ({reason}): {message}"))
            }
            Self::Malformed { channel: None, reason, message } => {
                warning(&format!("a malformed message ({reason}): {message}"))
            }
            Self::LimitReached { text, .. } | Self::Warning { text } => warning(text),
            Self::Unrouted { .. } => warning(&self.unrouted()?),
            Self::Error { text } => (Style::new(), format!("error: {text}")),
            Self::Served(served) => (QUIET, served.to_string()),
            _ => return None,
        })
    }
}

impl Output {
    /// Says what happened on standard error, where it is nothing for standard output.
    pub(crate) fn report(&self, event: &Event) {
        if let Some(line) = Line::beside(event) {
            self.say_aside(&line);
        }
    }

    /// Says what is no result: on standard error, and for programs as a line. Waits while too many
    /// lines are not read.
    pub(crate) async fn tell(&self, event: &Event) -> io::Result<()> {
        match Line::beside(event) {
            Some(line) => self.next_line(&line).await,
            None => Ok(()),
        }
    }
}

fn warning(text: &str) -> (Style, String) {
    (WARNING, format!("warning: {text}"))
}

fn again(retry_ms: Option<u64>) -> String {
    let pause = retry_ms.map(|pause| Duration::from_millis(pause).as_secs_f64());
    pause.map(|pause| format!("; again in {pause:.1} s")).unwrap_or_default()
}

/// Returns a pause or a span in milliseconds, rounded up: a program that waits for it, or looks back for
/// it, must not be early.
pub(crate) fn ms_up(duration: Duration) -> u64 {
    duration.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX)
}
