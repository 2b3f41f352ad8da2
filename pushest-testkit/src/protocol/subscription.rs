//! Subscribing and unsubscribing: who may, and which members are told.

use serde_json::value::RawValue;

use super::channel::{self, Kind, USER_CHANNEL};
use super::decode::{ChannelData, Subscribe, user_id_text};
use super::happening::Happening;
use super::presence::Member;
use super::profile::{Empty, Refusal, SubscriptionError};
use super::webhook::WebhookEvent;
use super::{Broker, PeerId, encode, signature};

/// Why a subscription is refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) message: String,
    /// The HTTP-like status that some servers add: 401 for a signature, 400 for the rest.
    pub(super) status: u16,
}

impl Refused {
    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 401 }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 400 }
    }
}

impl Broker {
    pub(super) fn subscribe(&mut self, peer: PeerId, wanted: &Subscribe<'_>) {
        let name = &*wanted.channel;
        match self.admit(peer, wanted) {
            Ok(member) => self.join(peer, name, member),
            Err(refused) => self.refuse_subscription(peer, name, &refused),
        }
    }

    pub(super) fn unsubscribe(&mut self, peer: PeerId, name: &str) {
        let Some(connection) = self.connections.get_mut(&peer) else {
            return;
        };
        if connection.subscriptions.remove(name) {
            let channel = name.to_owned();
            self.note(peer, |socket_id| Happening::Unsubscribed { socket_id, channel });
            self.leave(peer, name);
        }
    }

    /// Takes a connection off a channel and tells the others.
    pub(super) fn leave(&mut self, peer: PeerId, name: &str) {
        let dialect = self.dialect();
        let Some(channel) = self.channels.get_mut(name) else {
            return;
        };
        channel.subscribers.remove(&peer);
        let left = channel.members.leave(peer);
        let is_empty = channel.subscribers.is_empty();
        if let Some(member) = &left {
            self.tell_backend(&WebhookEvent::MemberRemoved { channel: name, user_id: &member.id });
        }
        if is_empty {
            self.channels.remove(name);
            self.tell_backend(&WebhookEvent::ChannelVacated { channel: name });
        } else if let Some(member) = left {
            let text = encode::member_removed(&dialect, name, &member);
            self.broadcast(name, None, &text);
        } else {
            self.tell_subscription_count(name);
        }
    }

    /// Refuses in the words of the profile.
    pub(super) fn refuse_subscription(&mut self, peer: PeerId, name: &str, refused: &Refused) {
        self.note(peer, |socket_id| {
            let (channel, reason) = (name.to_owned(), refused.message.clone());
            Happening::SubscriptionRefused { socket_id, channel, reason }
        });
        let dialect = self.dialect();
        let text = match dialect.refusal {
            Refusal::Error { code, otherwise, names_channel } => {
                let code = if refused.status == 401 { code } else { otherwise };
                let channel = names_channel.then_some(name);
                encode::error(&dialect, channel, code, &refused.message)
            }
            Refusal::SubscriptionError(SubscriptionError::Described) => {
                encode::described_subscription_error(name, &refused.message, refused.status)
            }
            Refusal::SubscriptionError(SubscriptionError::Bare) => {
                encode::bare("pusher:subscription_error", None, Empty::Object)
            }
            Refusal::SubscriptionError(SubscriptionError::Internal) => {
                encode::bare("pusher_internal:subscription_error", Some(name), Empty::Object)
            }
        };
        self.send(peer, text);
    }

    /// Returns whether the connection may have the channel; on a presence channel, as which member.
    fn admit(&self, peer: PeerId, wanted: &Subscribe<'_>) -> Result<Option<Member>, Refused> {
        let name = &*wanted.channel;
        let limits = &self.config.limits;
        let extra = self.dialect().channel_characters;
        if let Some(fault) = channel::name_fault(name, limits.channel_name, extra) {
            return Err(Refused::invalid(fault));
        }
        if let Some(reason) = self.faults.denied.get(name) {
            return Err(Refused::unauthorized(reason));
        }
        let Some(connection) = self.connections.get(&peer) else {
            return Err(Refused::invalid("Connection is closed"));
        };
        if connection.subscriptions.contains(name) && self.dialect().second_subscription_is_error {
            return Err(Refused::invalid(format!("Existing subscription to channel {name}")));
        }
        match Kind::of(name) {
            Kind::Public => Ok(None),
            Kind::User => {
                let is_own = connection.user.as_deref() == name.strip_prefix(USER_CHANNEL);
                if is_own && connection.user.is_some() {
                    Ok(None)
                } else {
                    Err(Refused::unauthorized(format!("Not signed in as the user of {name}")))
                }
            }
            Kind::Private | Kind::Encrypted => {
                self.check_signature(&connection.socket_id, wanted, None)?;
                Ok(None)
            }
            Kind::Presence => {
                let Some(data) = wanted.channel_data.as_deref() else {
                    let message = format!("{name} is a presence channel: channel_data is missing");
                    return Err(Refused::invalid(message));
                };
                self.check_signature(&connection.socket_id, wanted, Some(data))?;
                self.member(name, data).map(Some)
            }
        }
    }

    /// Checks `auth` ([protocol, signing](pushest_proto::protocol#signing)). What is expected stays
    /// secret: the message names only what the client sent.
    fn check_signature(
        &self,
        socket_id: &str,
        wanted: &Subscribe<'_>,
        channel_data: Option<&str>,
    ) -> Result<(), Refused> {
        let name = &*wanted.channel;
        let app = &self.config.app;
        let Some(auth) = wanted.auth.as_deref() else {
            if self.dialect().vague_refusals {
                return Err(Refused::unauthorized("A signature is missing"));
            }
            let message = format!("Subscription to {name} must be signed: auth is missing");
            return Err(Refused::unauthorized(message));
        };
        let mut parts = vec![socket_id, ":", name];
        parts.extend(channel_data.iter().flat_map(|data| [":", data]));
        if signature::verify_auth(&app.key, &app.secret, &parts, auth) {
            return Ok(());
        }
        if self.dialect().vague_refusals {
            return Err(Refused::unauthorized("The signature does not fit"));
        }
        Err(Refused::unauthorized(format!(
            "Invalid signature: Expected HMAC SHA256 hex digest of {}",
            parts.concat()
        )))
    }

    fn member(&self, name: &str, data: &str) -> Result<Member, Refused> {
        let limits = &self.config.limits;
        let data: ChannelData<'_> = serde_json::from_str(data)
            .map_err(|error| Refused::invalid(format!("channel_data of {name}: {error}")))?;
        let Some(id) = user_id_text(data.user_id).filter(|id| !id.is_empty()) else {
            let message = format!("channel_data of {name}: user_id must be a string or a number");
            return Err(Refused::invalid(message));
        };
        if !self.dialect().numeric_ids && !data.user_id.get().starts_with('"') {
            let message = format!("channel_data of {name}: user_id must be a string");
            return Err(Refused::invalid(message));
        }
        if id.len() > limits.user_id {
            let message = format!("user_id is longer than {} bytes", limits.user_id);
            return Err(Refused::invalid(message));
        }
        if data.user_info.is_some_and(|info| info.get().len() > limits.user_info) {
            let message = format!("user_info is larger than {} bytes", limits.user_info);
            return Err(Refused::invalid(message));
        }
        if let Some(channel) = self.channels.get(name)
            && channel.members.len() >= limits.presence_members
            && !channel.members.contains(&id)
        {
            let message = format!("{name} has {} members already", limits.presence_members);
            return Err(Refused::invalid(message));
        }
        let id_token = data.user_id.to_owned();
        Ok(Member { id, id_token, info: data.user_info.map(RawValue::to_owned) })
    }

    /// Puts a connection on a channel. One that is there already just hears so again.
    fn join(&mut self, peer: PeerId, name: &str, member: Option<Member>) {
        let dialect = self.dialect();
        let Some(connection) = self.connections.get_mut(&peer) else {
            return;
        };
        let is_new = connection.subscriptions.insert(name.to_owned());
        let user_id = member.as_ref().map(|member| member.id.clone());
        let channel = name.to_owned();
        self.note(peer, |socket_id| Happening::Subscribed { socket_id, channel, user_id });
        let channel = self.channels.entry(name.to_owned()).or_default();
        let was_empty = channel.subscribers.is_empty();
        channel.subscribers.insert(peer);
        let mut added = None;
        let mut added_id = None;
        let succeeded = if let Some(member) = member {
            if is_new && channel.members.join(peer, member.clone()) {
                added = Some(encode::member_added(&dialect, name, &member));
                added_id = Some(member.id);
            }
            let by_socket = self.config.presence_ids_by_socket.then_some(&self.connections);
            match &self.faults.presence_data {
                Some(data) => encode::text("pusher_internal:subscription_succeeded", name, data),
                None => encode::presence_succeeded(&dialect, name, &channel.members, by_socket),
            }
        } else {
            encode::bare("pusher_internal:subscription_succeeded", Some(name), dialect.succeeded)
        };
        self.send(peer, succeeded);
        if was_empty {
            self.tell_backend(&WebhookEvent::ChannelOccupied { channel: name });
        }
        if let Some(user_id) = &added_id {
            self.tell_backend(&WebhookEvent::MemberAdded { channel: name, user_id });
        }
        if channel::is_cache(name) {
            self.send_cached(peer, name);
        }
        if let Some(text) = added {
            self.broadcast(name, Some(peer), &text);
        }
        if is_new {
            self.tell_subscription_count(name);
        }
    }
}
