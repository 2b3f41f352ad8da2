//! What the server tells the app's backend ([protocol,
//! webhooks](pushest_proto::protocol#webhooks)).

use std::collections::VecDeque;

use serde::Serialize;

use super::Broker;
use super::channel::Kind;

/// One event of a webhook, as it is written.
#[derive(Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub(super) enum WebhookEvent<'a> {
    ChannelOccupied {
        channel: &'a str,
    },
    ChannelVacated {
        channel: &'a str,
    },
    MemberAdded {
        channel: &'a str,
        user_id: &'a str,
    },
    MemberRemoved {
        channel: &'a str,
        user_id: &'a str,
    },
    ClientEvent {
        channel: &'a str,
        event: &'a str,
        /// A string, whatever the client sent.
        data: &'a str,
        socket_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<&'a str>,
    },
    CacheMiss {
        channel: &'a str,
    },
    SubscriptionCount {
        channel: &'a str,
        subscription_count: usize,
    },
}

impl WebhookEvent<'_> {
    fn channel(&self) -> &str {
        match self {
            Self::ChannelOccupied { channel }
            | Self::ChannelVacated { channel }
            | Self::MemberAdded { channel, .. }
            | Self::MemberRemoved { channel, .. }
            | Self::ClientEvent { channel, .. }
            | Self::CacheMiss { channel }
            | Self::SubscriptionCount { channel, .. } => channel,
        }
    }
}

/// The events that no webhook has been made of yet, as JSON; `None` while there are no webhooks.
#[derive(Debug, Default)]
pub(super) struct Backend(Option<VecDeque<String>>);

impl Broker {
    /// Keeps the events of webhooks from here on, for [`Broker::poll_webhook_event`].
    pub(crate) fn start_webhooks(&mut self) {
        self.backend.0.get_or_insert_default();
    }

    /// Returns the next event of a webhook (JSON) that was not taken yet.
    pub(crate) fn poll_webhook_event(&mut self) -> Option<String> {
        self.backend.0.as_mut()?.pop_front()
    }

    /// Keeps an event for a webhook. Channels of users are the server's own, and not told of.
    pub(super) fn tell_backend(&mut self, event: &WebhookEvent<'_>) {
        if let Some(events) = &mut self.backend.0
            && Kind::of(event.channel()) != Kind::User
        {
            let json = serde_json::to_string(event).expect("strings and numbers only");
            events.push_back(json);
        }
    }
}
