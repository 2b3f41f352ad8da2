//! What happens at the embedded server, for people and for programs.

use std::fmt::{self, Display};

use pushest_proto::Masked;
use pushest_testkit::Happening;
use serde::{Serialize, Serializer};

/// One thing that happened. The names of its fields are an interface: scripts read them.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Served<'a> {
    Connected {
        socket_id: &'a str,
    },
    Refused {
        code: Option<u16>,
        reason: &'a str,
    },
    Disconnected {
        socket_id: &'a str,
        code: Option<u16>,
        reason: &'a str,
    },
    Subscribed {
        socket_id: &'a str,
        channel: &'a str,
        user_id: Option<&'a str>,
    },
    SubscriptionRefused {
        socket_id: &'a str,
        channel: &'a str,
        reason: &'a str,
    },
    Unsubscribed {
        socket_id: &'a str,
        channel: &'a str,
    },
    SignedIn {
        socket_id: &'a str,
        user_id: &'a str,
    },
    SignInRefused {
        socket_id: &'a str,
        reason: &'a str,
    },
    ClientEvent {
        socket_id: &'a str,
        channel: &'a str,
        event: &'a str,
        data: Option<&'a str>,
        receivers: usize,
    },
    ClientEventRefused {
        socket_id: &'a str,
        channel: &'a str,
        event: &'a str,
        reason: &'a str,
    },
    Published {
        channel: &'a str,
        event: &'a str,
        data: &'a str,
        receivers: usize,
    },
    Request {
        method: &'a str,
        path: &'a str,
        status: Option<u16>,
        reason: &'a str,
    },
    Received {
        socket_id: &'a str,
        #[serde(serialize_with = "masked")]
        text: &'a str,
    },
    Sent {
        socket_id: &'a str,
        #[serde(serialize_with = "masked")]
        text: &'a str,
    },
    /// A fault that was asked for struck every connection there was.
    Fault {
        fault: &'a str,
    },
    WebhookSent {
        url: &'a str,
        attempt: u32,
        status: Option<u16>,
        reason: &'a str,
    },
    Missed {
        count: u64,
    },
}

impl<'a> Served<'a> {
    /// What is to be said; `None` for what later versions of the server know.
    pub(crate) fn of(happening: &'a Happening) -> Option<Self> {
        Some(match happening {
            Happening::Connected { socket_id } => Self::Connected { socket_id },
            Happening::Refused { code, reason } => Self::Refused { code: *code, reason },
            Happening::Disconnected { socket_id, code, reason } => {
                Self::Disconnected { socket_id, code: *code, reason }
            }
            Happening::Subscribed { socket_id, channel, user_id } => {
                Self::Subscribed { socket_id, channel, user_id: user_id.as_deref() }
            }
            Happening::SubscriptionRefused { socket_id, channel, reason } => {
                Self::SubscriptionRefused { socket_id, channel, reason }
            }
            Happening::Unsubscribed { socket_id, channel } => {
                Self::Unsubscribed { socket_id, channel }
            }
            Happening::SignedIn { socket_id, user_id } => Self::SignedIn { socket_id, user_id },
            Happening::SignInRefused { socket_id, reason } => {
                Self::SignInRefused { socket_id, reason }
            }
            Happening::ClientEvent { socket_id, channel, event, data, receivers } => {
                let (data, receivers) = (data.as_deref(), *receivers);
                Self::ClientEvent { socket_id, channel, event, data, receivers }
            }
            Happening::ClientEventRefused { socket_id, channel, event, reason } => {
                Self::ClientEventRefused { socket_id, channel, event, reason }
            }
            Happening::Published { channel, event, data, receivers } => {
                Self::Published { channel, event, data, receivers: *receivers }
            }
            Happening::Request { method, path, status, reason } => {
                Self::Request { method, path, status: *status, reason }
            }
            Happening::Received { socket_id, text } => Self::Received { socket_id, text },
            Happening::Sent { socket_id, text } => Self::Sent { socket_id, text },
            Happening::Webhook { url, attempt, status, reason } => {
                // A token of the backend's may stand in the query.
                let url = url.split(['?', '#']).next().unwrap_or_default();
                Self::WebhookSent { url, attempt: *attempt, status: *status, reason }
            }
            Happening::Missed { count } => Self::Missed { count: *count },
            _ => return None,
        })
    }
}

impl Display for Served<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { socket_id } => write!(f, "{socket_id}  connected"),
            Self::Refused { code, reason } => {
                write!(f, "a connection was refused{}", Why { code: *code, reason })
            }
            Self::Disconnected { socket_id, code, reason } => {
                write!(f, "{socket_id}  disconnected{}", Why { code: *code, reason })
            }
            Self::Subscribed { socket_id, channel, user_id: Some(user_id) } => {
                write!(f, "{socket_id}  subscribed to {channel} as {user_id}")
            }
            Self::Subscribed { socket_id, channel, user_id: None } => {
                write!(f, "{socket_id}  subscribed to {channel}")
            }
            Self::SubscriptionRefused { socket_id, channel, reason } => {
                write!(f, "{socket_id}  refused {channel}: {reason}")
            }
            Self::Unsubscribed { socket_id, channel } => {
                write!(f, "{socket_id}  unsubscribed from {channel}")
            }
            Self::SignedIn { socket_id, user_id } => {
                write!(f, "{socket_id}  signed in as {user_id}")
            }
            Self::SignInRefused { socket_id, reason } => {
                write!(f, "{socket_id}  refused to sign in: {reason}")
            }
            Self::ClientEvent { socket_id, channel, event, data, receivers } => {
                let data = data.unwrap_or_default();
                write!(f, "{socket_id}  {channel}  {event}  {data}  to {receivers}")
            }
            Self::ClientEventRefused { socket_id, channel, event, reason } => {
                write!(f, "{socket_id}  refused {event} on {channel}: {reason}")
            }
            Self::Published { channel, event, data, receivers } => {
                write!(f, "published  {channel}  {event}  {data}  to {receivers}")
            }
            Self::Request { method, path, status, reason } => {
                let method = if method.is_empty() { "no HTTP request" } else { method };
                write!(f, "{method} {path}  ")?;
                match status {
                    Some(status) => write!(f, "{status}")?,
                    None => f.write_str("no HTTP answer")?,
                }
                if reason.is_empty() { Ok(()) } else { write!(f, "  {reason}") }
            }
            Self::Received { socket_id, text } => {
                write!(f, "{socket_id}  received {}", Masked(text))
            }
            Self::Sent { socket_id, text } => write!(f, "{socket_id}  sent {}", Masked(text)),
            Self::Fault { fault } => write!(f, "fault  {fault}"),
            Self::WebhookSent { url, attempt, status, reason } => {
                write!(f, "webhook to {url}  ")?;
                match status {
                    Some(status) => write!(f, "{status}")?,
                    None => write!(f, "no answer  {reason}")?,
                }
                if *attempt > 1 { write!(f, "  at attempt {attempt}") } else { Ok(()) }
            }
            Self::Missed { count } => {
                write!(f, "{count} more happened than could be written here")
            }
        }
    }
}

/// A code and a reason, as far as there are any.
struct Why<'a> {
    code: Option<u16>,
    reason: &'a str,
}

impl Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.code {
            write!(f, "  {code}")?;
        }
        if self.reason.is_empty() { Ok(()) } else { write!(f, "  {}", self.reason) }
    }
}

fn masked<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&Masked(text).unescaped())
}
