//! Client events: from one subscriber to the others ([protocol, client
//! events](pushest_proto::protocol#client-events)).

use serde_json::value::RawValue;

use super::channel::Kind;
use super::encode::{self, Data, Message};
use super::happening::Happening;
use super::profile::ClientEventRefusal;
use super::webhook::WebhookEvent;
use super::{Broker, PeerId};

impl Broker {
    pub(super) fn client_event(
        &mut self,
        peer: PeerId,
        event: &str,
        channel: &str,
        data: Option<&RawValue>,
    ) {
        if let Err(message) = self.check_client_event(peer, event, channel, data) {
            self.note(peer, |socket_id| {
                let [channel, event] = [channel, event].map(str::to_owned);
                Happening::ClientEventRefused { socket_id, channel, event, reason: message.clone() }
            });
            self.refuse_client_event(peer, channel, &message);
            return;
        }
        let member = self.channels.get(channel).and_then(|channel| channel.members.of_peer(peer));
        let member_id = member.map(|member| member.id.clone());
        let user_id = member_id.as_deref().filter(|_| self.dialect().client_event_user_id);
        let token = data.map_or(Data::Absent, Data::Token);
        let text = Message::new(event, Some(channel), token).with_user_id(user_id).encode();
        let receivers = self.broadcast(channel, Some(peer), &text);
        let socket_id = self.socket_id(peer).unwrap_or_default().to_owned();
        let as_text: Option<String> = data.and_then(|data| serde_json::from_str(data.get()).ok());
        self.tell_backend(&WebhookEvent::ClientEvent {
            channel,
            event,
            data: as_text.as_deref().or_else(|| data.map(RawValue::get)).unwrap_or_default(),
            socket_id: &socket_id,
            user_id: member_id.as_deref(),
        });
        self.note(peer, |socket_id| {
            let [channel, event] = [channel, event].map(str::to_owned);
            let data = data.map(|data| data.get().to_owned());
            Happening::ClientEvent { socket_id, channel, event, data, receivers }
        });
    }

    fn check_client_event(
        &mut self,
        peer: PeerId,
        event: &str,
        channel: &str,
        data: Option<&RawValue>,
    ) -> Result<(), String> {
        let limits = &self.config.limits;
        if !self.config.client_events {
            return Err("Client events are not enabled for this app".to_owned());
        }
        if !matches!(Kind::of(channel), Kind::Private | Kind::Presence) {
            return Err(format!(
                "Client event rejected: only private and presence channels carry them, not {channel}"
            ));
        }
        if event.chars().count() > limits.event_name {
            return Err(format!("Event name is longer than {} characters", limits.event_name));
        }
        if data.is_some_and(|data| data.get().len() > limits.data) {
            return Err(format!("Event data is larger than {} bytes", limits.data));
        }
        let per_second = limits.client_events_per_second;
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&peer) else {
            return Ok(());
        };
        if !connection.subscriptions.contains(channel) {
            return Err(format!("Client event rejected: not subscribed to {channel}"));
        }
        if !connection.may_send_client_event(per_second, now) {
            return Err("The rate limit for client events was exceeded".to_owned());
        }
        Ok(())
    }

    fn refuse_client_event(&mut self, peer: PeerId, channel: &str, message: &str) {
        let dialect = self.dialect();
        let channel = match dialect.client_event_refusal {
            ClientEventRefusal::Silent => return,
            ClientEventRefusal::NamesChannel => Some(channel),
            ClientEventRefusal::Bare => None,
        };
        self.send(peer, encode::error(&dialect, channel, Some(4301), message));
    }
}
