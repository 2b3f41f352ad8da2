//! The wanted set: the channels that the user wants, and how far each one is.
//!
//! A subscription is an intent that outlives connections. Each connection derives its frames from
//! the set, when polled, from what each channel still needs:
//!
//! ```text
//!                    ┌───────────────── a loss, from anywhere ─────────────────┐
//!                    ▼                                                         │
//!  subscribe ──► Idle ──► (Authorizing) ──► Subscribing ──► Subscribed ────────┤
//!                 ▲             │                │                             │
//!                 └── Pausing ◄─┴────────────────┴──► Failed ──────────────────┘
//! ```

mod answers;
pub(crate) mod encrypted;
#[cfg(feature = "encrypted")]
mod key;
#[cfg(not(feature = "encrypted"))]
#[path = "unencrypted/key.rs"]
mod key;
mod members;
mod memory;
pub(crate) mod name;
mod near_miss;
mod needs;
#[cfg(feature = "encrypted")]
mod rekey;
#[cfg(not(feature = "encrypted"))]
#[path = "unencrypted/rekey.rs"]
mod rekey;
#[cfg(feature = "encrypted")]
pub(crate) mod secret;
#[cfg(not(feature = "encrypted"))]
#[path = "unencrypted/secret.rs"]
pub(crate) mod secret;
mod suspects;

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::HashMap;
use slab::Slab;

use crate::auth::request::Authorization;
use crate::event::failure::RequestFailure;
use crate::hash::Seeded;
use crate::id::Ticket;
use crate::loss::Loss;
use crate::order::Order;
use crate::pending::Pending;
use crate::presence::Member;
use crate::time::Instant;
use crate::wall_clock::Moment;
use key::Encryption;
use members::Members;
use name::{ChannelKind, ChannelName};

/// Where a channel is in the table.
pub(crate) type Key = usize;

/// How far a channel is on the present connection.
#[derive(Debug)]
enum Phase {
    /// Nothing has been sent; with a connection, the channel is due.
    Idle,
    /// It waits for the answer to this ticket.
    Authorizing(Ticket),
    /// The authorization is there, the subscribe waits to be polled.
    Authorized(Box<Authorization>),
    /// The subscribe was polled, and the server has not answered.
    Subscribing,
    /// The last try failed; the next one has its time.
    Pausing,
    Subscribed,
    /// Nothing more is tried on this connection; `Channel::failure` says why.
    Failed,
}

/// How far a subscription is, as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelState {
    /// There is no connection, or the channel's turn has not come.
    Waiting,
    /// An authorization was asked for.
    Authorizing,
    /// The server has been asked.
    Subscribing,
    /// The server has confirmed.
    Subscribed,
    /// It failed; see [`ChannelView::failure`].
    Failed,
}

/// One channel.
#[derive(Debug)]
struct Channel {
    name: ChannelName,
    kind: ChannelKind,
    /// Where the user last left it. A channel that is not wanted stays only until the server was
    /// told.
    wanted: bool,
    /// When the user began to want it: channels are subscribed in this order.
    since: Order,
    /// The server has to be told that a former subscription ended, before anything else.
    leaving: bool,
    /// A subscribe was polled on this connection, and no unsubscribe since.
    told: bool,
    phase: Phase,
    /// The channel's place among what is due, while it is.
    due: Option<Order>,
    /// The channel's place among those that wait for an authorization to end, while it is.
    turn: Option<Order>,
    /// When the phase ends by itself.
    deadline: Option<Instant>,
    /// Subscribes on this connection without an answer.
    tries: u32,
    /// Authorizations asked for on this connection.
    authorizations: u32,
    /// The size of the subscribe that was polled last.
    frame_bytes: usize,
    /// The subscribe was unanswered when the server last closed a connection with 1009.
    is_suspect: bool,
    /// The member data that the user gave (JSON).
    channel_data: Option<Box<str>>,
    /// Who is present. Only presence channels have it.
    members: Option<Box<Members>>,
    /// The user id under which the channel was subscribed to.
    me: Option<Arc<str>>,
    count: Option<u64>,
    failure: Option<Box<RequestFailure>>,
    /// When the first subscribe was polled since the server was last told nothing of the channel.
    asked: Instant,
    /// Of what the present connection may have lost, nothing was sent before this: the server did
    /// not know then that the channel is wanted.
    told_since: Option<Moment>,
    /// The subscription was lost: since when events may be missing, and why.
    gap: Option<(Moment, Arc<Loss>)>,
    /// Something of the channel was told since it was wanted, or since the last gap: a loss leaves
    /// a gap.
    was_told_of: bool,
    /// The key of an encrypted channel, and what is done when it does not fit.
    encryption: Option<Box<Encryption>>,
    /// The server lets only the signed-in user subscribe.
    needs_sign_in: bool,
}

impl Channel {
    fn state(&self) -> ChannelState {
        match &self.phase {
            Phase::Idle => match self.failure {
                // A refused authorization outlasts the connection.
                Some(_) => ChannelState::Failed,
                None => ChannelState::Waiting,
            },
            Phase::Pausing => ChannelState::Waiting,
            Phase::Authorizing(_) | Phase::Authorized(_) => ChannelState::Authorizing,
            Phase::Subscribing => ChannelState::Subscribing,
            Phase::Subscribed => ChannelState::Subscribed,
            Phase::Failed => ChannelState::Failed,
        }
    }
}

/// All channels, and what is due for them.
#[derive(Debug)]
pub(crate) struct Channels {
    slab: Slab<Channel>,
    by_name: HashMap<ChannelName, Key, Seeded>,
    hash: Seeded,
    /// Channels for which there is something to do on the established connection.
    due: BTreeSet<(Order, Key)>,
    /// Channels that wait for an authorization to end, in turn.
    turns: BTreeSet<(Order, Key)>,
    deadlines: BTreeSet<(Instant, Key)>,
    /// Signed channels whose subscribe is unanswered.
    unanswered: BTreeSet<Key>,
    in_flight: Vec<(Ticket, Key)>,
    /// Tickets whose answers nobody needs anymore.
    abandoned: Vec<(Order, Ticket)>,
    wanted: usize,
    /// How many of the wanted ones are the signed-in user's own: none or one.
    of_user: usize,
    member_bytes: usize,
}

impl Channels {
    pub(crate) fn new(hash: Seeded) -> Self {
        Self {
            slab: Slab::new(),
            by_name: HashMap::with_hasher(hash),
            hash,
            due: BTreeSet::new(),
            turns: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            in_flight: Vec::new(),
            abandoned: Vec::new(),
            wanted: 0,
            of_user: 0,
            member_bytes: 0,
        }
    }

    /// The number of wanted channels.
    pub(crate) fn wanted(&self) -> usize {
        self.wanted
    }

    /// The same without that of the signed-in user.
    pub(crate) fn wanted_by_name(&self) -> usize {
        self.wanted - self.of_user
    }

    /// A wanted channel, and the key to speak of it.
    pub(crate) fn wanted_key(&self, name: &str) -> Option<Key> {
        self.by_name.get(name).copied().filter(|key| self.slab[*key].wanted)
    }

    /// Whether the table has this very name, not one that is spelled alike.
    pub(crate) fn shares(&self, name: &ChannelName) -> bool {
        self.by_name.get_key_value(name.as_str()).is_some_and(|(own, _)| own.is_same(name))
    }

    /// Bytes of all members of all channels.
    pub(crate) fn member_bytes(&self) -> usize {
        self.member_bytes
    }

    pub(crate) fn view(&self, name: &str) -> Option<ChannelView<'_>> {
        Some(ChannelView(&self.slab[self.wanted_key(name)?]))
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = ChannelView<'_>> {
        self.in_order().into_iter().map(|key| ChannelView(&self.slab[key]))
    }

    /// The wanted channels, in the order in which they began to be.
    fn in_order(&self) -> Vec<Key> {
        let wanted = self.slab.iter().filter(|(_, channel)| channel.wanted);
        let mut keys: Vec<(Order, Key)> =
            wanted.map(|(key, channel)| (channel.since, key)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// The user wants the channel, as the member with this data (JSON) and user id. `connected`
    /// says whether it can be asked for at once.
    pub(crate) fn want(
        &mut self,
        name: ChannelName,
        member: Option<(String, &str)>,
        connected: bool,
        pending: &mut Pending,
    ) {
        let (channel_data, me) = member.unzip();
        let channel_data = channel_data.map(String::into_boxed_str);
        let key = match self.by_name.get(name.as_str()) {
            Some(key) => *key,
            None => self.insert(name),
        };
        let channel = &mut self.slab[key];
        let unchanged = channel.channel_data == channel_data;
        let running = !matches!(channel.phase, Phase::Failed | Phase::Idle | Phase::Pausing);
        if channel.wanted && unchanged && running {
            return;
        }
        if !channel.wanted {
            channel.wanted = true;
            channel.since = pending.next_order();
            self.wanted += 1;
        }
        self.rest(key, pending);
        let channel = &mut self.slab[key];
        channel.leaving |= channel.told && !unchanged;
        channel.channel_data = channel_data;
        channel.me = me.map(Arc::from);
        channel.failure = None;
        channel.is_suspect = false;
        channel.tries = 0;
        channel.authorizations = 0;
        if connected {
            self.make_due(key, pending);
        }
    }

    /// The user no longer wants the channel.
    pub(crate) fn unwant(&mut self, key: Key, connected: bool, pending: &mut Pending) {
        self.wanted -= 1;
        self.rest(key, pending);
        let channel = &mut self.slab[key];
        self.of_user -= usize::from(channel.needs_sign_in);
        channel.wanted = false;
        channel.leaving = channel.told;
        channel.told_since = None;
        channel.gap = None;
        channel.was_told_of = false;
        channel.count = None;
        channel.failure = None;
        channel.encryption = None;
        if let Some(members) = channel.members.take() {
            self.member_bytes -= members.bytes();
        }
        if !connected || !self.slab[key].leaving {
            self.remove(key);
        } else {
            self.make_due(key, pending);
        }
    }

    /// A failed channel is tried again.
    pub(crate) fn retry(&mut self, key: Key, connected: bool, pending: &mut Pending) {
        let channel = &mut self.slab[key];
        if channel.state() == ChannelState::Failed || matches!(channel.phase, Phase::Pausing) {
            self.rest(key, pending);
            let channel = &mut self.slab[key];
            channel.failure = None;
            channel.is_suspect = false;
            channel.tries = 0;
            channel.authorizations = 0;
            if connected {
                self.make_due(key, pending);
            }
        }
    }

    /// The connection was established: everything wanted is due, unless its authorization was
    /// refused.
    pub(crate) fn connected(&mut self, pending: &mut Pending) {
        for key in self.in_order() {
            let channel = &self.slab[key];
            if channel.failure.is_none() && !channel.needs_sign_in {
                self.make_due(key, pending);
            }
        }
    }

    /// The user is signed in: its own channel is due.
    pub(crate) fn signed_in(&mut self, user_id: &str, pending: &mut Pending) {
        let name = ChannelName::of_user(user_id);
        let is_former =
            |channel: &Channel| channel.needs_sign_in && channel.wanted && channel.name != name;
        let former = self.slab.iter().find(|(_, channel)| is_former(channel));
        if let Some((former, _)) = former {
            self.unwant(former, true, pending);
        }
        let key = match self.by_name.get(name.as_str()) {
            Some(key) => *key,
            None => self.insert(name),
        };
        let channel = &mut self.slab[key];
        channel.needs_sign_in = true;
        if !channel.wanted {
            channel.wanted = true;
            channel.since = pending.next_order();
            self.wanted += 1;
            self.of_user += 1;
        }
        if matches!(channel.phase, Phase::Idle) && channel.failure.is_none() {
            self.make_due(key, pending);
        }
    }

    /// The connection is gone, and with it all that was on its way, and what was sent after
    /// `since`.
    pub(crate) fn lost(&mut self, since: Moment, loss: &Arc<Loss>, pending: &mut Pending) {
        for (ticket, _) in core::mem::take(&mut self.in_flight) {
            self.abandoned.push((pending.next_order(), ticket));
        }
        self.due.clear();
        self.turns.clear();
        self.deadlines.clear();
        self.unanswered.clear();
        for (_, channel) in &mut self.slab {
            channel.forget_key(pending);
            let told_since = channel.told_since.take();
            if core::mem::take(&mut channel.was_told_of) && channel.gap.is_none() {
                let began = told_since.map_or(since, |asked| asked.max(since));
                channel.gap = Some((began, loss.clone()));
            }
            channel.failure.take_if(|failure| !failure.is_final());
            channel.phase = Phase::Idle;
            channel.due = None;
            channel.turn = None;
            channel.deadline = None;
            channel.told = false;
            channel.leaving = false;
            channel.tries = 0;
            channel.authorizations = 0;
        }
        self.by_name.retain(|_, key| {
            let wanted = self.slab[*key].wanted;
            if !wanted {
                self.slab.remove(*key);
            }
            wanted
        });
    }

    fn insert(&mut self, name: ChannelName) -> Key {
        let kind = name.kind();
        let key = self.slab.insert(Channel {
            name: name.clone(),
            kind,
            wanted: false,
            leaving: false,
            told: false,
            phase: Phase::Idle,
            due: None,
            turn: None,
            deadline: None,
            tries: 0,
            authorizations: 0,
            frame_bytes: 0,
            is_suspect: false,
            channel_data: None,
            members: None,
            me: None,
            count: None,
            failure: None,
            asked: Instant::ORIGIN,
            told_since: None,
            gap: None,
            was_told_of: false,
            since: Order::default(),
            encryption: None,
            needs_sign_in: false,
        });
        self.by_name.insert(name, key);
        key
    }

    fn remove(&mut self, key: Key) {
        let channel = self.slab.remove(key);
        self.by_name.remove(channel.name.as_str());
    }
}

/// What is known of a wanted channel.
#[derive(Debug, Clone, Copy)]
pub struct ChannelView<'a>(&'a Channel);

impl<'a> ChannelView<'a> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &'a ChannelName {
        &self.0.name
    }

    /// How far the subscription is.
    #[must_use]
    pub fn state(&self) -> ChannelState {
        self.0.state()
    }

    /// Why it failed, or why the last try failed.
    #[must_use]
    pub fn failure(&self) -> Option<&'a RequestFailure> {
        self.0.failure.as_deref()
    }

    /// How many connections subscribe to the channel, where the server tells.
    #[must_use]
    pub fn subscription_count(&self) -> Option<u64> {
        self.0.count
    }

    /// Returns who is present, on presence channels. While the channel is not subscribed this is
    /// what was known last. See [`ChannelView::members_known`].
    pub fn members(&self) -> impl Iterator<Item = &'a Member> + use<'a> {
        self.0.members.as_deref().into_iter().flat_map(Members::iter)
    }

    /// Returns whether the server's list of members could be read, at the last subscription to the
    /// presence channel. While it is false, [`ChannelView::members`] holds only those who joined
    /// since: before the first list, and after one of which nothing could be read (an
    /// [`Event::Malformed`](crate::Event::Malformed) told so). It is false on other channels.
    #[must_use]
    pub fn members_known(&self) -> bool {
        self.0.members.as_deref().is_some_and(Members::is_known)
    }

    /// How many members are present.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.0.members.as_deref().map_or(0, Members::len)
    }

    /// The member with this id.
    #[must_use]
    pub fn member(&self, id: &str) -> Option<&'a Member> {
        self.0.members.as_deref()?.get(id)
    }

    /// The user id under which this session subscribed to the presence channel.
    #[must_use]
    pub fn my_id(&self) -> Option<&'a str> {
        self.0.me.as_deref()
    }

    /// The member that this session is, once the server has listed it.
    #[must_use]
    pub fn me(&self) -> Option<&'a Member> {
        self.member(self.my_id()?)
    }
}
