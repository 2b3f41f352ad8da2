//! What servers and authorizers say about channels.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use super::members::Members;
use super::name::{ChannelKind, ChannelName};
use super::secret::SharedSecret;
use super::{Channel, Channels, Key, Phase};
use crate::action::Action;
use crate::auth::request::{Authorization, Denied};
use crate::context::Context;
use crate::event::failure::{RequestFailure, ServerError};
use crate::event::{Event, LimitReached};
use crate::id::Ticket;
use crate::pending::Pending;
use crate::presence::{Member, PresenceChange, PresenceUpdate};
use crate::time::Instant;
use crate::wire::decode;
use crate::wire::lists::MemberList;

impl Channels {
    /// Whether the server may speak of the channel: it was asked for, and what still comes of a
    /// subscription that was ended is not meant.
    pub(crate) fn is_heard(&self, key: Key) -> bool {
        let channel = &self.slab[key];
        channel.told && !channel.leaving
    }

    pub(crate) fn name(&self, key: Key) -> &ChannelName {
        &self.slab[key].name
    }

    pub(crate) fn is_subscribed(&self, key: Key) -> bool {
        matches!(self.slab[key].phase, Phase::Subscribed)
    }

    pub(crate) fn is_presence(&self, key: Key) -> bool {
        self.slab[key].kind == ChannelKind::Presence
    }

    /// Whether the answer to a subscribe is waited for.
    pub(crate) fn is_unanswered(&self, key: Key) -> bool {
        matches!(self.slab[key].phase, Phase::Subscribing)
    }

    /// Something of the channel is about to be told: the gap, if there is one, goes first.
    pub(crate) fn tell_gap(&mut self, key: Key, context: &mut Context<'_>) {
        let channel = &mut self.slab[key];
        channel.was_told_of = true;
        if let Some((began, cause)) = channel.gap.take() {
            let silent_for = context.wall_clock.moment(context.now).since(began);
            let since = context.wall_clock.unix_of(began, context.now);
            let channel = channel.name.clone();
            context.pending.keep(Event::Gap { channel, silent_for, since, cause });
        }
    }

    /// How long the server took to answer, when it answers a subscribe now: counted from the first
    /// one, which it may not have read before now.
    pub(crate) fn round_trip(&self, key: Key, now: Instant) -> Option<Duration> {
        let channel = &self.slab[key];
        let is_answer = matches!(channel.phase, Phase::Subscribing | Phase::Pausing);
        is_answer.then(|| now.saturating_duration_since(channel.asked))
    }

    /// The server confirmed. A presence channel's members are replaced. Without a list that could
    /// be read they are unknown: those from before belong to another subscription.
    pub(crate) fn succeeded(
        &mut self,
        key: Key,
        members: Option<MemberList>,
        context: &mut Context<'_>,
    ) {
        if !matches!(self.slab[key].phase, Phase::Subscribed) {
            self.rest(key, context.pending);
            let channel = &mut self.slab[key];
            channel.phase = Phase::Subscribed;
            channel.tries = 0;
            channel.failure = None;
            channel.is_suspect = false;
            let channel = channel.name.clone();
            context.pending.keep(Event::Subscribed { channel });
            self.tell_gap(key, context);
        }
        if self.is_presence(key) {
            self.reset_members(key, members, context);
        }
    }

    /// The server refused.
    pub(crate) fn refused(&mut self, key: Key, error: ServerError, pending: &mut Pending) {
        self.rest(key, pending);
        self.fail(key, RequestFailure::Refused(error), pending);
    }

    /// The wanted channel that is named in an error's message.
    pub(crate) fn named_in(&self, message: &str) -> Option<Key> {
        let in_a_name =
            |character: char| character.is_ascii_alphanumeric() || "_-=@,.;:#".contains(character);
        let mut words = message.split(|character| !in_a_name(character));
        words.find_map(|word| {
            // A sentence may end right behind the name, and `channel=NAME` stand before it.
            let bare = word.trim_end_matches(['.', ',', ';', ':']);
            let value = bare.rsplit(['=', ':', '#']).next().unwrap_or(bare);
            [word, bare, value].into_iter().find_map(|name| self.wanted_key(name))
        })
    }

    /// The unanswered signed channel, if there is just one.
    pub(crate) fn only_unanswered(&self) -> Option<Key> {
        self.unanswered.first().copied().filter(|_| self.unanswered.len() == 1)
    }

    /// The unanswered presence channel, if there is just one.
    pub(crate) fn only_unanswered_presence(&self) -> Option<Key> {
        let mut keys = self.unanswered.iter().copied().filter(|key| self.is_presence(*key));
        keys.next().filter(|_| keys.next().is_none())
    }

    /// How many signed channels are unanswered.
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// An authorizer answered. An answer that is no longer waited for is dropped.
    pub(crate) fn authorized(
        &mut self,
        ticket: Ticket,
        answer: Result<Authorization, Denied>,
        context: &mut Context<'_>,
    ) {
        let Some(&(_, key)) = self.in_flight.iter().find(|(other, _)| *other == ticket) else {
            return;
        };
        self.end_flight(ticket);
        if self.asked_for_key(key, ticket) {
            return self.key_answered(key, answer, context);
        }
        self.slab[key].phase = Phase::Idle;
        self.rest(key, context.pending);
        match answer.and_then(|granted| self.usable(key, granted)) {
            Ok(granted) => {
                self.slab[key].phase = Phase::Authorized(Box::new(granted));
                self.make_due(key, context.pending);
            }
            Err(denied @ Denied::Refused { .. }) => {
                self.fail(key, RequestFailure::Denied(denied), context.pending);
            }
            Err(denied @ Denied::Unavailable { .. }) => {
                self.authorization_unavailable(key, denied, context);
            }
        }
    }

    /// A member came.
    pub(crate) fn joined(&mut self, key: Key, member: Member, context: &mut Context<'_>) {
        if !self.has_members(key) {
            return;
        }
        self.change_members(key, |members, name| {
            match members.join(member, &context.config.limits) {
                Ok(Some(member)) => {
                    let change = PresenceChange::Joined(member);
                    context.pending.push(presence_action(name, change));
                }
                Ok(None) => {}
                Err(_) => context.pending.push(members_limit(name, 1)),
            }
        });
    }

    /// A member went.
    pub(crate) fn left(&mut self, key: Key, id: &str, context: &mut Context<'_>) {
        if !self.has_members(key) {
            return;
        }
        self.change_members(key, |members, name| {
            if let Some(member) = members.leave(id) {
                let change = PresenceChange::Left(member);
                context.pending.push(presence_action(name, change));
            }
        });
    }

    /// Whether members may come and go: what a server says of them elsewhere means nothing.
    fn has_members(&self, key: Key) -> bool {
        self.is_presence(key) && self.is_subscribed(key)
    }

    pub(crate) fn set_count(&mut self, key: Key, count: u64) {
        self.slab[key].count = Some(count);
    }

    /// Nothing more is tried on this connection.
    pub(crate) fn fail(&mut self, key: Key, reason: RequestFailure, pending: &mut Pending) {
        let channel = &mut self.slab[key];
        channel.phase = Phase::Failed;
        channel.failure = Some(Box::new(reason.clone()));
        let channel = channel.name.clone();
        pending.keep(Event::SubscriptionFailed { channel, reason, retry_in: None });
    }

    /// Whether an authorization has what its channel needs. What was signed is what counts for who
    /// we are.
    fn usable(&mut self, key: Key, granted: Authorization) -> Result<Authorization, Denied> {
        let channel = &mut self.slab[key];
        if granted.auth.is_empty() {
            return Err(Denied::refused(None, "the answer's `auth` is empty"));
        }
        if channel.kind == ChannelKind::Presence {
            let Some(data) = granted.channel_data.as_deref() else {
                return Err(Denied::refused(
                    None,
                    "the answer has no `channel_data` that is a string",
                ));
            };
            let Some(user_id) = decode::user_id(data) else {
                return Err(Denied::refused(None, "the answer's `channel_data` has no user id"));
            };
            channel.me = Some(Arc::from(user_id));
        }
        if channel.kind == ChannelKind::Encrypted {
            let Some(text) = granted.shared_secret.as_deref() else {
                return Err(Denied::refused(
                    None,
                    "the answer has no `shared_secret` that is a string",
                ));
            };
            let Some(secret) = SharedSecret::from_base64(text) else {
                let problem = "the answer's `shared_secret` is not base64 of 32 bytes";
                return Err(Denied::refused(None, problem));
            };
            self.set_key(key, secret);
        }
        Ok(granted)
    }

    fn reset_members(&mut self, key: Key, list: Option<MemberList>, context: &mut Context<'_>) {
        let listed_without_room = list.as_ref().map_or(0, |list| list.dropped);
        let members = list.map(|list| list.members);
        self.change_members(key, |table, name| {
            let (change, dropped) = table.reset(members, &context.config.limits);
            let dropped = dropped + listed_without_room;
            context.pending.push(presence_action(name, change));
            if dropped > 0 {
                context.pending.push(members_limit(name, dropped));
            }
        });
    }

    /// Changes a channel's members and keeps the count of all members' bytes right.
    fn change_members(&mut self, key: Key, change: impl FnOnce(&mut Members, &ChannelName)) {
        let hash = self.hash;
        let Channel { name, members, .. } = &mut self.slab[key];
        let members = members.get_or_insert_with(|| Box::new(Members::new(hash)));
        let before = members.bytes();
        change(members, name);
        self.member_bytes = self.member_bytes - before + members.bytes();
    }
}

fn presence_action(channel: &ChannelName, change: PresenceChange) -> Action {
    Action::UpdatePresence(PresenceUpdate { channel: channel.clone(), change })
}

fn members_limit(channel: &ChannelName, dropped: u64) -> Action {
    let channel = channel.clone();
    Action::Emit(Event::LimitReached(LimitReached::Members { channel, dropped }))
}
