//! What the commands of an app's backend print.

use std::net::{IpAddr, SocketAddr};

use anstyle::{AnsiColor, Style};
use pushest_proto::webhook::{ClientEvent, Webhook, WebhookEvent};
use serde::Serialize;
use serde_json::value::RawValue;

use super::line::decoded;
use super::painter::Painter;
use super::text::{CHANNEL, Id, NAME, QUIET, WARNING};

const GRANTED: Style = AnsiColor::Green.on_default();

/// One line of it. The names of its fields are an interface: scripts read them.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Backend<'a> {
    /// An authorization that was asked for by hand. It is what an endpoint answers.
    Signed {
        auth: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        channel_data: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        shared_secret: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user_data: Option<&'a str>,
    },
    /// An endpoint listens.
    Serving {
        host: IpAddr,
        port: u16,
        key: &'a str,
        /// The user for whom it signs.
        user_id: Option<&'a str>,
        urls: Vec<String>,
    },
    /// An authorization was asked for.
    Authorization {
        /// Absent for a sign-in.
        channel: Option<&'a str>,
        socket_id: &'a str,
        user_id: Option<&'a str>,
        status: u16,
        /// Why it was refused.
        reason: Option<&'a str>,
    },
    /// The server has accepted an event, as often as it was to be published.
    Accepted {
        channels: Vec<&'a str>,
        /// The user whose connections it goes to, in place of channels by name.
        user_id: Option<&'a str>,
        event: &'a str,
        count: u64,
        elapsed_ms: f64,
    },
    /// The server has accepted all events that came.
    Batched { events: u64, requests: u64, elapsed_ms: f64 },
    /// Not all events were published.
    Failed {
        /// How many the server has accepted.
        published: u64,
        /// Whether events of the last call may have arrived all the same.
        may_have_arrived: bool,
        /// The HTTP status of the last call, if it failed with one.
        status: Option<u16>,
        reason: &'a str,
    },
    /// A channel, as the server tells of it.
    Channel {
        channel: &'a str,
        occupied: bool,
        user_count: Option<u64>,
        subscription_count: Option<u64>,
        cache: Option<Box<RawValue>>,
        /// The cached event as it reads for people.
        #[serde(skip)]
        text: &'a str,
    },
    /// A user who is on a presence channel.
    User { channel: &'a str, user_id: &'a str },
    /// All connections of a user were ended.
    Terminated { user_id: &'a str },
    /// A webhook tells of something.
    Webhook {
        name: &'a str,
        channel: Option<&'a str>,
        user_id: Option<&'a str>,
        /// Of a client event: its name, its data and its sender.
        event: Option<&'a str>,
        data: Option<Box<RawValue>>,
        socket_id: Option<&'a str>,
        count: Option<u64>,
        /// The whole event, where it is not known here.
        json: Option<Box<RawValue>>,
        /// When the webhook was made.
        time_ms: Option<u64>,
        /// Whether the webhook has come before.
        again: bool,
        /// The data, or the whole event, as it reads for people.
        #[serde(skip)]
        text: &'a str,
    },
}

impl<'a> Backend<'a> {
    /// What there is to say about an event of a webhook.
    pub(crate) fn webhook(event: &'a WebhookEvent, webhook: &Webhook, again: bool) -> Self {
        let (mut user_id, mut name, mut data, mut socket_id) = (None, None, None, None);
        let (mut count, mut json, mut text) = (None, None, "");
        match event {
            WebhookEvent::MemberAdded { user_id: id, .. }
            | WebhookEvent::MemberRemoved { user_id: id, .. } => user_id = Some(&**id),
            WebhookEvent::ClientEvent(ClientEvent { event, data: sent, .. }) => {
                (name, data, text) = (Some(&**event), Some(decoded(sent)), &**sent);
            }
            WebhookEvent::SubscriptionCount { count: number, .. } => count = Some(*number),
            WebhookEvent::Other { json: whole, .. } => {
                (json, text) = (Some(decoded(whole)), &**whole);
            }
            _ => {}
        }
        if let WebhookEvent::ClientEvent(sent) = event {
            (user_id, socket_id) = (sent.user_id.as_deref(), sent.socket_id.as_deref());
        }
        let time_ms = webhook.time.map(|time| time.as_millis().try_into().unwrap_or(u64::MAX));
        Self::Webhook {
            name: event.name(),
            channel: event.channel(),
            user_id,
            event: name,
            data,
            socket_id,
            count,
            json,
            time_ms,
            again,
            text,
        }
    }

    /// What a server says of a channel.
    pub(crate) fn channel(
        channel: &'a str,
        occupied: bool,
        user_count: Option<u64>,
        subscription_count: Option<u64>,
        cache: Option<&'a str>,
    ) -> Self {
        let text = cache.unwrap_or_default();
        let cache = cache.map(decoded);
        Self::Channel { channel, occupied, user_count, subscription_count, cache, text }
    }

    /// The line for people.
    pub(super) fn paint(&self, p: &mut Painter) {
        match self {
            Self::Signed { auth, shared_secret, .. } => {
                p.text(auth);
                if let Some(secret) = shared_secret {
                    p.new_line().text(secret);
                }
            }
            Self::Serving { host, port, key, user_id, urls } => {
                let address = SocketAddr::new(*host, *port);
                p.text(format_args!("listening on {address} (key {key}"));
                if let Some(id) = user_id {
                    p.text(format_args!(", for the user {}", Id(id)));
                }
                p.text(")");
                for url in urls {
                    p.new_line().text("  ").text(url);
                }
            }
            Self::Authorization { channel, socket_id, user_id, status, reason } => {
                p.styled(CHANNEL, channel.unwrap_or("sign-in")).text("  ").text(socket_id);
                match reason {
                    Some(reason) => {
                        p.text("  ").styled(WARNING, format_args!("refused  {status}  {reason}"));
                    }
                    None => {
                        p.text("  ").styled(GRANTED, "granted");
                    }
                }
                if let Some(id) = user_id {
                    p.text("  ").styled(QUIET, format_args!("to {}", Id(id)));
                }
            }
            Self::Accepted { channels, user_id, event, count, elapsed_ms } => {
                match user_id {
                    Some(id) => p.text("to the user ").styled(CHANNEL, Id(id)),
                    None => p.styled(CHANNEL, channels.join(" ")),
                };
                p.text("  ").styled(NAME, event);
                let times = if *count == 1 { String::new() } else { format!(" {count} times") };
                p.text(format_args!("  published{times}; {elapsed_ms:.1} ms"));
            }
            Self::Batched { events, requests, elapsed_ms } => {
                p.text(format_args!(
                    "published {events} events in {requests} requests; {elapsed_ms:.1} ms"
                ));
            }
            // For programs; people find the reason on standard error.
            Self::Failed { reason, .. } => {
                p.text(reason);
            }
            Self::Channel { channel, occupied, user_count, subscription_count, text, .. } => {
                p.styled(CHANNEL, channel).text(if *occupied { "  occupied" } else { "  vacant" });
                for (count, what) in [(user_count, "users"), (subscription_count, "subscriptions")]
                {
                    if let Some(count) = count {
                        p.text(format_args!("  {count} {what}"));
                    }
                }
                if !text.is_empty() {
                    p.text("  cached  ").text(text);
                }
            }
            Self::User { user_id, .. } => {
                p.text(Id(user_id));
            }
            Self::Terminated { user_id } => {
                p.text("terminated  ").styled(NAME, Id(user_id));
            }
            Self::Webhook {
                name, channel, user_id, event, socket_id, count, again, text, ..
            } => {
                if let Some(channel) = channel {
                    p.styled(CHANNEL, channel).text("  ");
                }
                p.styled(NAME, name);
                if let Some(event) = event {
                    p.text("  ").styled(NAME, event);
                }
                if let Some(count) = count {
                    p.text("  ").text(count);
                }
                if !text.is_empty() {
                    p.text("  ").text(text);
                }
                match (event, user_id, socket_id) {
                    (None, Some(id), _) => {
                        p.text("  ").text(Id(id));
                    }
                    (_, Some(id), _) | (_, None, Some(id)) => {
                        p.text("  ").styled(QUIET, format_args!("from {}", Id(id)));
                    }
                    _ => {}
                }
                if *again {
                    p.text("  ").styled(WARNING, "again");
                }
            }
        }
    }
}
