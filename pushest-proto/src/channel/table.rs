//! The wanted set: the channels that the user wants, by name, and what is to be done for them.
//!
//! What happens to a channel goes to its [`Request`], and what follows from that is carried out
//! here, in one place ([`Channels::tell`]).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use slab::Slab;

use super::index::{Found, Index};
use super::name::ChannelName;
use super::{Channel, ChannelView};
use crate::action::{Action, Frame};
use crate::agenda::{Agenda, Key};
use crate::auth::request::{Authorization, AuthorizationError};
use crate::context::Context;
use crate::event::Event;
use crate::event::failure::ServerError;
use crate::hash::Seeded;
use crate::id::{ChannelId, Ticket};
use crate::loss::Loss;
use crate::order::Order;
use crate::request::{Next, Request, Said, Step};
use crate::time::Instant;
use crate::wall_clock::Moment;
use crate::wire::encode;
use crate::wire::lists::MemberList;

/// All wanted channels, and the work that is due for them.
#[derive(Debug)]
pub(crate) struct Channels {
    pub(super) slab: Slab<Channel>,
    pub(super) by_name: Index,
    /// Of the subscription that began last ([`ChannelId`]).
    generation: NonZeroU32,
    pub(super) agenda: Agenda,
    /// Signed channels whose subscribe is unanswered.
    pub(super) unanswered: BTreeSet<Key>,
    wanted: usize,
    /// How many of the wanted ones are the signed-in user's own: none or one.
    of_user: usize,
}

/// What is known.
impl Channels {
    pub(crate) fn new(hash: Seeded) -> Self {
        Self {
            slab: Slab::new(),
            by_name: Index::new(hash),
            generation: NonZeroU32::MIN,
            agenda: Agenda::default(),
            unanswered: BTreeSet::new(),
            wanted: 0,
            of_user: 0,
        }
    }

    pub(crate) fn hash(&self) -> Seeded {
        self.by_name.hash()
    }

    /// Returns the number of wanted channels.
    pub(crate) fn wanted(&self) -> usize {
        self.wanted
    }

    /// Returns the number of wanted channels, not counting that of the signed-in user.
    pub(crate) fn wanted_by_name(&self) -> usize {
        self.wanted - self.of_user
    }

    /// Returns a wanted channel, and the key to speak of it.
    pub(crate) fn wanted_key(&self, name: &str) -> Option<Key> {
        self.find(name.as_bytes()).map(|found| found.key).filter(|key| self.slab[*key].wanted)
    }

    /// Looks up a channel, wanted or not.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<Found<'_>> {
        self.by_name.find(name)
    }

    pub(crate) fn get(&self, key: Key) -> &Channel {
        &self.slab[key]
    }

    /// Returns a channel for a message of the server: what that changes keeps no event from being
    /// passed on.
    pub(crate) fn get_mut(&mut self, key: Key) -> &mut Channel {
        &mut self.slab[key]
    }

    /// Returns whether the table has this very name, not one that is spelled alike.
    pub(crate) fn shares(&self, name: &ChannelName) -> bool {
        self.by_name.shares(name)
    }

    pub(crate) fn view(&self, name: &str) -> Option<ChannelView<'_>> {
        Some(ChannelView(&self.slab[self.wanted_key(name)?]))
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = ChannelView<'_>> {
        self.in_order().into_iter().map(|key| ChannelView(&self.slab[key]))
    }

    /// Returns the place of the channel that is due first.
    pub(crate) fn due_front(&self) -> Option<Order> {
        self.agenda.front()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.agenda.next_deadline()
    }

    /// Returns the signed channels whose subscribe is unanswered, in the order of their keys.
    pub(crate) fn unanswered(&self) -> &BTreeSet<Key> {
        &self.unanswered
    }

    /// Wanted channels with what an answer, or the end of the connection, is about.
    pub(crate) fn requests(&self) -> impl Iterator<Item = (Key, Order, &Request)> {
        self.slab.iter().map(|(key, channel)| (key, channel.since, &channel.request))
    }

    pub(crate) fn requests_mut(&mut self) -> impl Iterator<Item = &mut Request> {
        self.slab.iter_mut().map(|(_, channel)| &mut channel.request)
    }

    /// Returns the wanted channels, in the order in which they began to be.
    fn in_order(&self) -> Vec<Key> {
        let wanted = self.slab.iter().filter(|(_, channel)| channel.wanted);
        let mut keys: Vec<(Order, Key)> =
            wanted.map(|(key, channel)| (channel.since, key)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// What the user wants.
impl Channels {
    /// Makes the channel wanted, as the member with this data (JSON) and user id. Returns its key.
    pub(crate) fn want(
        &mut self,
        name: ChannelName,
        member: Option<(String, &str)>,
        context: &mut Context<'_>,
    ) -> Key {
        let (channel_data, me) = member.unzip();
        let channel_data = channel_data.map(String::into_boxed_str);
        let key = self.find_or_insert(name);
        let channel = &mut self.slab[key];
        let is_same = channel.channel_data == channel_data;
        // A second subscribe would be an error on some servers (docs/protocol.md#subscribing).
        if is_same && channel.request.is_running() {
            return key;
        }
        // What comes between the unsubscribe and the new confirmation is missing to the user.
        if channel.wanted && channel.is_heard() && !is_same {
            channel.gaps.renew();
        }
        // Servers take member data with a first subscribe only, so that other data needs an
        // unsubscribe before it; one that was told nothing on this connection needs none.
        channel.leaving |= channel.told && !is_same;
        channel.channel_data = channel_data;
        channel.me = me.map(Arc::from);
        self.begin(key, context);
        self.tell(key, if is_same { Said::Wanted } else { Said::Changed }, context);
        key
    }

    /// Makes the channel unwanted. It stays in the table until the server was told.
    pub(crate) fn unwant(&mut self, key: Key, context: &mut Context<'_>) {
        self.tell(key, Said::Unwanted, context);
        let channel = &mut self.slab[key];
        channel.end();
        self.wanted -= 1;
        self.of_user -= usize::from(channel.needs_sign_in);
        if channel.leaving {
            // The server knows of the channel: there is a connection.
            self.agenda.queue(key, context.pending.next_order());
        } else {
            self.remove(key);
        }
    }

    /// Tries a failed channel again.
    pub(crate) fn retry(&mut self, key: Key, context: &mut Context<'_>) {
        self.tell(key, Said::Retried, context);
    }

    /// Makes the channel of the user that has just signed in due.
    pub(crate) fn signed_in(&mut self, user_id: &str, context: &mut Context<'_>) {
        let name = ChannelName::of_user(user_id);
        let is_former =
            |channel: &Channel| channel.needs_sign_in && channel.wanted && channel.name != name;
        let former = self.slab.iter().find(|(_, channel)| is_former(channel));
        if let Some((former, _)) = former {
            self.unwant(former, context);
        }
        let key = self.find_or_insert(name);
        self.slab[key].needs_sign_in = true;
        self.of_user += usize::from(self.begin(key, context));
        // A second confirmation takes no place from a channel that is due already.
        if !self.agenda.has(key) {
            self.tell(key, Said::Connected, context);
        }
    }

    /// Begins a subscription, with a new id. Returns whether the channel was not wanted before. The
    /// server may not know of the end of the former one, so that the two have the same place in the
    /// table: only the id tells them apart.
    fn begin(&mut self, key: Key, context: &mut Context<'_>) -> bool {
        let channel = &mut self.slab[key];
        let is_new = !channel.wanted;
        if is_new {
            self.by_name.changed();
            self.generation = self.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
            channel.begin(context);
            // Clones stay as they are: what is stored of the former subscription is still about
            // that.
            channel.name.set_id(ChannelId::new(key, self.generation));
            self.wanted += 1;
        }
        is_new
    }

    fn find_or_insert(&mut self, name: ChannelName) -> Key {
        if let Some(found) = self.find(name.as_bytes()) {
            return found.key;
        }
        let key = self.slab.insert(Channel::new(name.clone()));
        self.by_name.insert(name, key);
        key
    }

    fn remove(&mut self, key: Key) {
        let channel = self.slab.remove(key);
        self.by_name.remove(&channel.name);
    }
}

/// What happens to the channels.
impl Channels {
    /// Makes everything wanted due on a new connection, unless its authorization was refused for
    /// good.
    pub(crate) fn connected(&mut self, context: &mut Context<'_>) {
        for key in self.in_order() {
            // The server lets only the signed-in user subscribe: that channel waits for the sign-in
            // (docs/protocol.md#sign-in).
            if !self.slab[key].needs_sign_in {
                self.tell(key, Said::Connected, context);
            }
        }
    }

    /// Resets every channel to what outlives a connection: nothing that was in flight is answered
    /// anymore, and what was sent after `since` may be missing.
    pub(crate) fn lost(&mut self, since: Moment, loss: &Arc<Loss>, context: &mut Context<'_>) {
        // All requests at once, in the order in which they were made.
        // What they would bring is signed for a socket id that no longer is
        // (docs/protocol.md#signing).
        for ticket in self.agenda.clear() {
            context.pending.abandon(ticket);
        }
        self.unanswered.clear();
        self.by_name.changed();
        for (_, channel) in &mut self.slab {
            channel.lost(since, loss, context);
        }
        // A new connection begins without subscriptions (docs/protocol.md#subscribing): the
        // unsubscribe that an unwanted channel has waited for is not needed anymore.
        self.by_name.retain(|key| {
            let wanted = self.slab[key].wanted;
            if !wanted {
                self.slab.remove(key);
            }
            wanted
        });
    }

    /// Takes the first due channel and returns the action that it needs; `None` if it needs none
    /// after all.
    pub(crate) fn pop_due(&mut self, context: &mut Context<'_>) -> Option<Action> {
        let (order, key) = self.agenda.pop()?;
        let channel = &mut self.slab[key];
        // An unsubscribe that is due goes before a subscribe: the server would take that for a
        // second one.
        if !channel.leaving {
            let has_room = self.agenda.has_room();
            return self.tell(key, Said::Turn { order, has_room }, context);
        }
        self.by_name.changed();
        channel.leaving = false;
        channel.told = false;
        let text = encode::unsubscribe(channel.name.as_str());
        if channel.wanted {
            // Subscribed to again meanwhile: that comes right after.
            channel.gaps.unsubscribed(context.moment());
            self.agenda.queue(key, order);
        } else {
            self.remove(key);
        }
        Some(Action::Send(Frame { connection: context.established?.connection, text }))
    }

    /// Ends requests and pauses whose deadline has come.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>) {
        // A key that is taken is in no place of the agenda: `tell` puts it into the next one, or
        // ends the request (contract, C9).
        while let Some(key) = self.agenda.pop_overdue(context.now) {
            if self.slab[key].request.is_authorizing() {
                context.statistics.unavailable_authorizations += 1;
            }
            self.tell(key, Said::TimeUp, context);
        }
    }

    /// Takes an authorizer's answer. One that is no longer waited for is dropped.
    pub(crate) fn authorized(
        &mut self,
        ticket: Ticket,
        answer: Result<Authorization, AuthorizationError>,
        context: &mut Context<'_>,
    ) {
        let Some(key) = self.agenda.landed(ticket) else { return };
        let channel = &mut self.slab[key];
        let answer = match channel.request.step() {
            // The subscription stands, whatever becomes of the key.
            Step::Rekeying => answer,
            _ => answer.and_then(|granted| channel.usable(granted)),
        };
        context.statistics.count_authorization(&answer);
        self.tell(key, answer.into(), context);
    }

    /// Takes a confirmation, which replaces the members of a presence channel. Without a list that
    /// could be read they are unknown: those from before belong to another subscription.
    pub(crate) fn succeeded(
        &mut self,
        key: Key,
        members: Option<MemberList>,
        context: &mut Context<'_>,
    ) {
        let channel = &mut self.slab[key];
        let is_renewal = channel.gaps.confirmed(context.moment());
        let is_new = !channel.request.is_done();
        self.tell(key, Said::Confirmed, context);
        let channel = &mut self.slab[key];
        if is_new || is_renewal {
            context.pending.keep(Event::Subscribed { channel: channel.name.clone() });
            context.statistics.subscriptions += 1;
            channel.end_gap(context);
        }
        if channel.is_presence() {
            channel.members(context).reset(members, context);
        }
    }

    /// Takes a refusal of the server.
    pub(crate) fn refused(&mut self, key: Key, error: ServerError, context: &mut Context<'_>) {
        self.slab[key].gaps.answered();
        self.tell(key, Said::Refused(error), context);
    }

    /// Reports the gap, if there is one, before something else of the channel is reported. Returns
    /// the channel's name.
    pub(crate) fn tell_gap(&mut self, key: Key, context: &mut Context<'_>) -> ChannelName {
        let channel = &mut self.slab[key];
        channel.tell_gap(context);
        channel.name.clone()
    }

    /// Lets later events of the channel pass without it, if they may.
    pub(crate) fn note_passing(&mut self, key: Key) {
        let channel = &self.slab[key];
        if channel.passes_events_on() {
            self.by_name.note(&channel.name);
        }
    }

    /// Tells the channel's request what happened, and does what it makes of that. Returns what a
    /// turn leads to.
    pub(crate) fn tell(
        &mut self,
        key: Key,
        said: Said,
        context: &mut Context<'_>,
    ) -> Option<Action> {
        self.by_name.changed();
        let channel = &mut self.slab[key];
        let next = channel.on(said, context);
        if let Next::Fail(_) = next {
            context.statistics.failed_subscriptions += 1;
        }
        let action = next.carry_out(channel, key, &mut self.agenda, context);
        if channel.kind.is_signed() && channel.request.is_unanswered() {
            self.unanswered.insert(key);
        } else {
            self.unanswered.remove(&key);
        }
        action
    }
}
