//! One channel that the user wants: the state of its subscription, what the server was told, and
//! what it told.
//!
//! A subscription is an intent that outlives connections. On each connection it is a
//! [`Request`], from which the frames are derived when polled. All of them are in the [`table`].

pub(crate) mod encrypted;
mod gaps;
pub(crate) mod index;
#[cfg(feature = "encrypted")]
mod key;
#[cfg(not(feature = "encrypted"))]
#[path = "unencrypted/key.rs"]
mod key;
mod members;
mod memory;
pub(crate) mod name;
mod name_text;
mod near_miss;
mod numbers;
#[cfg(feature = "encrypted")]
pub(crate) mod secret;
#[cfg(not(feature = "encrypted"))]
#[path = "unencrypted/secret.rs"]
pub(crate) mod secret;
pub(crate) mod table;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::time::Duration;

use crate::action::Action;
use crate::auth::request::{Authorization, AuthorizationError, AuthorizationSubject};
use crate::context::Context;
use crate::event::Event;
use crate::event::channel_event::ChannelEvent;
use crate::event::failure::RequestFailure;
use crate::loss::Loss;
use crate::order::Order;
use crate::presence::Member;
use crate::request::{Next, Request, Rules, Said, Step, Subject};
use crate::statistics::ChannelStatistics;
use crate::time::Instant;
use crate::wall_clock::Moment;
use crate::wire::decode::{self, Control};
use crate::wire::{encode, lists};
use gaps::Gaps;
use key::Encryption;
use members::{Members, Present};
use name::{ChannelKind, ChannelName};
use numbers::Numbers;
use secret::SharedSecret;

/// Maximum number of subscribes without an answer, after which the subscription fails.
const MOST_TRIES: u32 = 3;

/// The state of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
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

/// One channel of the wanted set.
#[derive(Debug)]
pub(crate) struct Channel {
    name: ChannelName,
    kind: ChannelKind,
    /// Whether the user wants it. A channel that is not wanted stays only until the server was
    /// told.
    wanted: bool,
    /// The cause of the first `subscribe`: channels are subscribed to in this order.
    since: Order,
    /// The member data that the user gave (JSON).
    channel_data: Option<Box<str>>,
    /// The user id that this session subscribed with, on presence channels.
    me: Option<Arc<str>>,
    /// The server lets only the signed-in user subscribe.
    needs_sign_in: bool,
    /// The state of the subscription.
    request: Request,
    /// A subscribe was polled on this connection, and no unsubscribe since.
    told: bool,
    /// An unsubscribe of a former subscription is due, and goes before anything else.
    leaving: bool,
    /// When the first subscribe was polled since the server was last told nothing of the channel.
    asked: Instant,
    gaps: Gaps,
    /// Who is present. Only presence channels have it.
    members: Option<Box<Members>>,
    count: Option<u64>,
    /// The key of an encrypted channel, and what is done when it does not fit.
    encryption: Option<Box<Encryption>>,
    /// When the subscription was confirmed or ceased to be; before, when the channel began to be
    /// wanted.
    state_since: Instant,
    /// What is counted of it, where the user asked for that.
    numbers: Option<Box<Numbers>>,
}

/// What the server says of the channel.
impl Channel {
    pub(crate) fn name(&self) -> &ChannelName {
        &self.name
    }

    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    pub(crate) fn is_presence(&self) -> bool {
        self.kind == ChannelKind::Presence
    }

    /// Returns whether the server may speak of the channel: it was asked for, and what still comes
    /// of a subscription that was ended is not meant.
    pub(crate) fn is_heard(&self) -> bool {
        self.told && !self.leaving
    }

    /// Returns whether a wanted channel that is not heard had a subscription with other member
    /// data, whose events still come.
    pub(crate) fn is_renewed(&self) -> bool {
        self.gaps.is_renewed()
    }

    /// Notes an answer to a subscribe of a former subscription.
    pub(crate) fn answered_former(&mut self) {
        self.gaps.answered();
    }

    /// Returns how long the server took to answer, when it answers a subscribe now: counted from
    /// the first one, which it may not have read before now.
    pub(crate) fn round_trip(&self, now: Instant) -> Option<Duration> {
        let is_answer = matches!(self.request.step(), Step::Sent | Step::Pausing);
        let is_ours = is_answer && self.gaps.is_answer_ours();
        is_ours.then(|| now.saturating_duration_since(self.asked))
    }

    /// Reports the gap, if there is one, before something else of the channel is reported.
    pub(crate) fn tell_gap(&mut self, context: &mut Context<'_>) {
        let told = self.gaps.tell(&self.name, context);
        self.count_gap(told);
    }

    /// What comes from now on is not missing: tells the gap, if there is one.
    fn end_gap(&mut self, context: &mut Context<'_>) {
        let told = self.gaps.end(&self.name, context);
        self.count_gap(told);
    }

    fn count_gap(&mut self, told: Option<Duration>) {
        if let (Some(numbers), Some(length)) = (self.numbers.as_deref_mut(), told) {
            numbers.count_gap(length);
        }
    }

    /// Returns whether nothing happens to the channel's events, nor to the channel by them.
    pub(crate) fn passes_events_on(&self) -> bool {
        self.wanted
            && self.is_heard()
            && self.gaps.is_told()
            && self.encryption.is_none()
            && self.numbers.is_none()
    }

    /// Takes an event of the channel. Returns whether the key has to be asked for anew.
    pub(crate) fn receive(&mut self, event: ChannelEvent, context: &mut Context<'_>) -> bool {
        self.tell_gap(context);
        if let Some(numbers) = self.numbers.as_deref_mut() {
            numbers.count_event(event.message().len(), context.now);
        }
        match self.encryption.as_deref_mut() {
            Some(encryption) if !event.name().starts_with("pusher") => {
                // With the master key, deriving the key again would give the same. Before the
                // server confirms, the key has just been granted, and the subscription needs its
                // own deadline.
                let may_ask = self.request.is_done() && context.config.signer.is_none();
                encryption.receive(event, may_ask, context)
            }
            _ => {
                context.pending.push(Action::Emit(Event::Channel(event)));
                false
            }
        }
    }

    /// Takes a message of the protocol about the channel that answers no request. Returns how many
    /// of its parts could be read, and how many could not; `None` if nothing could be.
    pub(crate) fn hear(
        &mut self,
        control: Control,
        payload: &str,
        context: &mut Context<'_>,
    ) -> Option<(u64, u64)> {
        match control {
            Control::MemberAdded => {
                let (member, lost) = lists::member(payload)?;
                if self.has_members() {
                    self.members(context).joined(member, context);
                }
                Some((1, lost))
            }
            Control::MemberRemoved => {
                let id = decode::user_id(payload)?;
                if self.has_members() {
                    self.members(context).left(&id, context);
                }
                Some((1, 0))
            }
            Control::SubscriptionCount => {
                let (count, lost) = decode::subscription_count(payload)?;
                self.count = Some(count);
                self.tell(Event::SubscriptionCount { channel: self.name.clone(), count }, context);
                Some((1, lost))
            }
            _ => {
                debug_assert_eq!(control, Control::CacheMiss, "the others answer something");
                self.tell(Event::CacheMiss { channel: self.name.clone() }, context);
                Some((1, 0))
            }
        }
    }

    fn tell(&mut self, event: Event, context: &mut Context<'_>) {
        self.tell_gap(context);
        context.pending.push(Action::Emit(event));
    }

    /// Returns whether members may come and go: what a server says of them elsewhere means nothing.
    fn has_members(&self) -> bool {
        self.is_presence() && self.request.is_done()
    }

    fn members(&mut self, context: &Context<'_>) -> Present<'_> {
        let members = self.members.get_or_insert_with(|| Box::new(Members::new(context.hash)));
        Present { channel: &self.name, members }
    }
}

/// What becomes of it.
impl Channel {
    fn new(name: ChannelName) -> Self {
        Self {
            kind: name.kind(),
            name,
            wanted: false,
            since: Order::default(),
            channel_data: None,
            me: None,
            needs_sign_in: false,
            request: Request::default(),
            told: false,
            leaving: false,
            asked: Instant::ORIGIN,
            gaps: Gaps::default(),
            members: None,
            count: None,
            encryption: None,
            state_since: Instant::ORIGIN,
            numbers: None,
        }
    }

    /// The user wants it from now on.
    fn begin(&mut self, context: &mut Context<'_>) {
        self.wanted = true;
        self.since = context.pending.next_order();
        self.state_since = context.now;
        self.numbers = context.config.channel_statistics.then(Default::default);
    }

    fn state(&self) -> ChannelState {
        match self.request.step() {
            // A refused authorization outlasts the connection.
            Step::Idle if self.request.failure().is_some() => ChannelState::Failed,
            Step::Idle | Step::Pausing => ChannelState::Waiting,
            Step::Authorizing | Step::Ready(_) => ChannelState::Authorizing,
            Step::Sent => ChannelState::Subscribing,
            Step::Done | Step::Rekeying => ChannelState::Subscribed,
            Step::Failed => ChannelState::Failed,
        }
    }

    /// Ends the subscription, as the user no longer wants it.
    fn end(&mut self) {
        self.wanted = false;
        self.leaving = self.told;
        self.gaps.forget();
        self.members = None;
        self.count = None;
        self.encryption = None;
        self.numbers = None;
    }

    /// Resets the channel to what outlives a connection, and opens a gap from `since`.
    fn lost(&mut self, since: Moment, loss: &Arc<Loss>, context: &mut Context<'_>) {
        self.on(Said::Lost, context);
        self.gaps.lost(since, loss);
        // The next connection begins without subscriptions (docs/protocol.md#subscribing). Members
        // and the key stay: the next confirmation tells what of them has changed.
        self.told = false;
        self.leaving = false;
    }

    /// Tells the request what happened. Events that wait for a key go on when it is there, or is no
    /// longer asked for.
    fn on(&mut self, said: Said, context: &mut Context<'_>) -> Next {
        let asks = self.kind.is_signed() && context.config.signer.is_none();
        let was_done = self.request.is_done();
        let next = self.request.on(said, Rules { asks, tries: MOST_TRIES }, context.backoff);
        if self.request.is_done() != was_done {
            self.state_since = context.now;
        }
        if let Some(encryption) = self.encryption.as_deref_mut() {
            if let Next::Rekeyed(granted) = &next {
                encryption.rekeyed(granted.as_deref(), context);
            } else if !matches!(self.request.step(), Step::Rekeying) {
                encryption.forget_held(context.pending);
            }
        }
        next
    }

    /// Checks that an authorization has what its channel needs. The signed data decides which
    /// member this session is.
    fn usable(&mut self, granted: Authorization) -> Result<Authorization, AuthorizationError> {
        let refused = |problem| Err(AuthorizationError::refused(None, problem));
        if granted.auth.is_empty() {
            return refused("the answer's `auth` is empty");
        }
        if self.is_presence() {
            let Some(data) = granted.channel_data.as_deref() else {
                return refused("the answer has no `channel_data` that is a string");
            };
            let Some(user_id) = decode::user_id(data) else {
                return refused("the answer's `channel_data` has no user id");
            };
            self.me = Some(Arc::from(user_id));
        }
        if self.kind == ChannelKind::Encrypted {
            let Some(text) = granted.shared_secret.as_deref() else {
                return refused("the answer has no `shared_secret` that is a string");
            };
            let Some(secret) = SharedSecret::from_base64(text) else {
                return refused("the answer's `shared_secret` is not base64 of 32 bytes");
            };
            self.encryption = Some(Box::new(Encryption::new(secret)));
        }
        Ok(granted)
    }
}

impl Subject for Channel {
    fn request(&mut self) -> &mut Request {
        &mut self.request
    }

    fn authorization_subject(&self) -> AuthorizationSubject {
        AuthorizationSubject::Channel {
            name: self.name.clone(),
            channel_data: self.channel_data.as_deref().map(ToString::to_string),
        }
    }

    fn frame(&mut self, granted: Option<Box<Authorization>>, context: &mut Context<'_>) -> String {
        if !self.told {
            self.asked = context.now;
        }
        self.told = true;
        self.gaps.subscribing(context.moment());
        let name = self.name.as_str();
        if let Some(granted) = granted {
            let data = granted.channel_data.as_deref();
            return encode::subscribe(name, Some(&granted.auth), data);
        }
        let data = self.channel_data.as_deref();
        let auth = match self.kind.is_signed() {
            true => context.signed(|signer, socket_id| signer.channel(socket_id, name, data)),
            false => None,
        };
        if let Some(master_key) = &context.config.master_key
            && self.kind == ChannelKind::Encrypted
        {
            self.encryption = Some(Box::new(Encryption::new(master_key.shared_secret(name))));
        }
        encode::subscribe(name, auth.as_deref(), data)
    }

    fn failed(&self, reason: RequestFailure, retry_in: Option<Duration>) -> Event {
        Event::SubscriptionFailed { channel: self.name.clone(), reason, retry_in }
    }
}

/// A view of a wanted channel: name, state, members.
#[derive(Debug, Clone, Copy)]
pub struct ChannelView<'a>(&'a Channel);

impl<'a> ChannelView<'a> {
    /// Returns the channel's name, with the id of its subscription.
    #[must_use]
    pub fn name(&self) -> &'a ChannelName {
        &self.0.name
    }

    /// Returns the state of the subscription.
    #[must_use]
    pub fn state(&self) -> ChannelState {
        self.0.state()
    }

    /// Returns why the subscription failed, or its last try did; `None` if none has failed since it
    /// was begun.
    #[must_use]
    pub fn failure(&self) -> Option<&'a RequestFailure> {
        self.0.request.failure()
    }

    /// Since when the channel is subscribed, if it is; otherwise since when it is not, on this
    /// connection and former ones: since the subscription was lost, or since the user wants it.
    #[must_use]
    pub fn state_since(&self) -> Instant {
        self.0.state_since
    }

    /// Returns what was counted of the channel since the user wants it, at the time `now`; `None`
    /// unless [`ConfigBuilder::channel_statistics`](crate::ConfigBuilder::channel_statistics) asked
    /// for that.
    #[must_use]
    pub fn statistics(&self, now: Instant) -> Option<ChannelStatistics> {
        self.0.numbers.as_deref().map(|numbers| numbers.at(now))
    }

    /// Returns how many connections subscribe to the channel; `None` until the server tells, which
    /// not every one does.
    #[must_use]
    pub fn subscription_count(&self) -> Option<u64> {
        self.0.count
    }

    /// Returns the members that are present, on presence channels. While the channel is not
    /// subscribed this is what was known last. See [`ChannelView::members_known`].
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

    /// Returns how many members are present.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.0.members.as_deref().map_or(0, Members::len)
    }

    /// Returns the member with this id, if it is present.
    #[must_use]
    pub fn member(&self, id: &str) -> Option<&'a Member> {
        self.0.members.as_deref()?.get(id)
    }

    /// Returns the user id under which this session subscribed to the presence channel.
    #[must_use]
    pub fn my_id(&self) -> Option<&'a str> {
        self.0.me.as_deref()
    }

    /// Returns the member that this session is, once the server has listed it.
    #[must_use]
    pub fn me(&self) -> Option<&'a Member> {
        self.member(self.my_id()?)
    }
}
