//! What channels need from the driver: frames and authorizations, derived when polled.

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use super::key::Encryption;
use super::name::ChannelKind;
use super::{Channels, Key, Phase};
use crate::action::{Action, Frame};
use crate::auth::request::{AuthorizationRequest, AuthorizationSubject, Denied};
use crate::context::{Context, Wire};
use crate::event::Event;
use crate::event::failure::RequestFailure;
use crate::id::Ticket;
use crate::order::Order;
use crate::pending::Pending;
use crate::time::Instant;
use crate::wire::encode;

/// So many authorizations run at once.
const MOST_IN_FLIGHT: usize = 8;

/// So many subscribes go unanswered before the subscription fails.
const MOST_TRIES: u32 = 3;

impl Channels {
    /// The place of the oldest ticket that must be given up.
    pub(crate) fn abandoned_front(&self) -> Option<Order> {
        self.abandoned.first().map(|(order, _)| *order)
    }

    pub(crate) fn pop_abandoned(&mut self) -> Option<Ticket> {
        (!self.abandoned.is_empty()).then(|| self.abandoned.remove(0).1)
    }

    /// The place of the channel that is due first. One that waits for its turn is due as soon as
    /// an authorization may run.
    pub(crate) fn due_front(&self) -> Option<Order> {
        let turn = self.turns.first().filter(|_| self.has_flight());
        self.due.first().into_iter().chain(turn).map(|(order, _)| *order).min()
    }

    /// What the first due channel needs; `None` if that turned out to be nothing.
    pub(crate) fn pop_due(&mut self, wire: Wire<'_>, context: &mut Context<'_>) -> Option<Action> {
        let front = self.due_front()?;
        let is_turn = self.turns.first().is_some_and(|(order, _)| *order == front);
        let (order, key) = if is_turn { self.turns.pop_first()? } else { self.due.pop_first()? };
        let channel = &mut self.slab[key];
        channel.due = None;
        channel.turn = None;
        if channel.leaving {
            channel.leaving = false;
            channel.told = false;
            let text = encode::unsubscribe(channel.name.as_str());
            if channel.wanted {
                // Subscribed to again meanwhile: that comes right after.
                channel.gaps.unsubscribed(context.moment());
                channel.due = Some(order);
                self.due.insert((order, key));
            } else {
                self.remove(key);
            }
            return Some(Action::Send(Frame { connection: wire.connection, text }));
        }
        match core::mem::replace(&mut channel.phase, Phase::Idle) {
            Phase::Idle if !channel.kind.is_signed() => {
                let text = encode::subscribe(channel.name.as_str(), None, None);
                Some(self.subscribing(key, wire, text, context))
            }
            Phase::Idle => self.authorize(key, order, wire, context),
            Phase::Authorized(granted) => {
                let data = granted.channel_data.as_deref();
                let text = encode::subscribe(channel.name.as_str(), Some(&granted.auth), data);
                Some(self.subscribing(key, wire, text, context))
            }
            other => {
                channel.phase = other;
                self.ask_for_key(key, order, wire, context)
            }
        }
    }

    /// The earliest deadline of any channel.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Ends the phases whose time is over.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>) {
        while let Some((deadline, key)) = self.deadlines.first().copied() {
            if deadline > context.now {
                return;
            }
            self.deadlines.pop_first();
            let channel = &mut self.slab[key];
            channel.deadline = None;
            match &channel.phase {
                Phase::Authorizing(_) => {
                    let denied = Denied::unavailable(None, "no answer within the timeout");
                    self.rest(key, context.pending);
                    self.authorization_unavailable(key, denied, context);
                }
                Phase::Subscribing => self.was_not_answered(key, context),
                Phase::Pausing => {
                    channel.phase = Phase::Idle;
                    self.make_due(key, context.pending);
                }
                Phase::Subscribed => {
                    let denied = Denied::unavailable(None, "no answer within the timeout");
                    self.key_answered(key, Err(denied), context);
                }
                _ => debug_assert!(false, "a deadline without a phase that ends"),
            }
        }
    }

    /// Takes the channel back to `Idle`: it is in no queue, and no answer is waited for.
    pub(super) fn rest(&mut self, key: Key, pending: &mut Pending) {
        let channel = &mut self.slab[key];
        if let Some(order) = channel.due.take() {
            self.due.remove(&(order, key));
        }
        if let Some(deadline) = channel.deadline.take() {
            self.deadlines.remove(&(deadline, key));
        }
        if let Some(order) = channel.turn.take() {
            self.turns.remove(&(order, key));
        }
        self.unanswered.remove(&key);
        let asked = channel.forget_key(pending);
        let ticket = match core::mem::replace(&mut channel.phase, Phase::Idle) {
            Phase::Authorizing(ticket) => Some(ticket),
            _ => asked,
        };
        if let Some(ticket) = ticket {
            self.give_up_flight(ticket, pending);
        }
    }

    /// The answer to this ticket is no longer needed.
    pub(super) fn give_up_flight(&mut self, ticket: Ticket, pending: &mut Pending) {
        self.end_flight(ticket);
        self.abandoned.push((pending.next_order(), ticket));
    }

    pub(super) fn set_turn(&mut self, key: Key, order: Order) {
        self.slab[key].turn = Some(order);
        self.turns.insert((order, key));
    }

    pub(super) fn clear_deadline(&mut self, key: Key) {
        if let Some(deadline) = self.slab[key].deadline.take() {
            self.deadlines.remove(&(deadline, key));
        }
    }

    pub(super) fn make_due(&mut self, key: Key, pending: &mut Pending) {
        let channel = &mut self.slab[key];
        debug_assert!(channel.turn.is_none(), "what waits for its turn needs nothing else");
        if channel.due.is_none() {
            let order = pending.next_order();
            channel.due = Some(order);
            self.due.insert((order, key));
        }
    }

    pub(super) fn set_deadline(&mut self, key: Key, deadline: Instant) {
        let channel = &mut self.slab[key];
        if let Some(former) = channel.deadline.replace(deadline) {
            self.deadlines.remove(&(former, key));
        }
        self.deadlines.insert((deadline, key));
    }

    /// A ticket is no longer in flight.
    pub(super) fn end_flight(&mut self, ticket: Ticket) {
        self.in_flight.retain(|(other, _)| *other != ticket);
    }

    /// Not for good: the channel waits, and is tried again. A failure that repeats the last one of
    /// this connection is no news.
    pub(super) fn authorization_unavailable(
        &mut self,
        key: Key,
        denied: Denied,
        context: &mut Context<'_>,
    ) {
        let channel = &mut self.slab[key];
        let delay = context.delay_after(&denied, channel.authorizations);
        let is_news = !matches!(
            channel.failure.as_deref(),
            Some(RequestFailure::AuthorizationUnavailable(last)) if denied.repeats(last)
        );
        let reason = RequestFailure::AuthorizationUnavailable(denied);
        channel.failure = Some(Box::new(reason.clone()));
        channel.phase = Phase::Pausing;
        if is_news {
            let channel = channel.name.clone();
            let failed = Event::SubscriptionFailed { channel, reason, retry_in: Some(delay) };
            context.pending.keep(failed);
        }
        self.set_deadline(key, context.now + delay);
    }

    fn subscribing(
        &mut self,
        key: Key,
        wire: Wire<'_>,
        text: String,
        context: &mut Context<'_>,
    ) -> Action {
        let channel = &mut self.slab[key];
        channel.phase = Phase::Subscribing;
        if !channel.told {
            channel.asked = context.now;
        }
        channel.told = true;
        channel.gaps.subscribing(context.moment());
        channel.frame_bytes = text.len();
        channel.tries += 1;
        if channel.kind.is_signed() {
            self.unanswered.insert(key);
        }
        self.set_deadline(key, context.now + context.config.timeouts.subscribe);
        Action::Send(Frame { connection: wire.connection, text })
    }

    /// Signs, or asks for an authorization, or waits for its turn to ask.
    fn authorize(
        &mut self,
        key: Key,
        order: Order,
        wire: Wire<'_>,
        context: &mut Context<'_>,
    ) -> Option<Action> {
        let channel = &mut self.slab[key];
        let name = channel.name.as_str();
        let data = channel.channel_data.as_deref();
        if let Some(auth) = context.signed(|signer| signer.channel(wire.socket_id, name, data)) {
            let text = encode::subscribe(name, Some(&auth), data);
            if let Some(master_key) = &context.config.master_key
                && channel.kind == ChannelKind::Encrypted
            {
                channel.encryption =
                    Some(Box::new(Encryption::new(master_key.shared_secret(name))));
            }
            return Some(self.subscribing(key, wire, text, context));
        }
        if !self.has_flight() {
            self.set_turn(key, order);
            return None;
        }
        let (ticket, action) = self.request(key, wire, context);
        self.slab[key].phase = Phase::Authorizing(ticket);
        Some(action)
    }

    /// Whether one more authorization may run.
    pub(super) fn has_flight(&self) -> bool {
        self.in_flight.len() < MOST_IN_FLIGHT
    }

    /// Asks for an authorization of the channel.
    pub(super) fn request(
        &mut self,
        key: Key,
        wire: Wire<'_>,
        context: &mut Context<'_>,
    ) -> (Ticket, Action) {
        let ticket = context.next_ticket(wire.connection);
        let channel = &mut self.slab[key];
        channel.authorizations += 1;
        let last_failure = match channel.failure.as_deref() {
            Some(RequestFailure::AuthorizationUnavailable(denied)) => Some(denied.clone()),
            _ => None,
        };
        let request = AuthorizationRequest {
            ticket,
            socket_id: wire.socket_id.clone(),
            subject: AuthorizationSubject::Channel {
                name: channel.name.clone(),
                channel_data: channel.channel_data.as_deref().map(ToString::to_string),
            },
            attempt: channel.authorizations,
            last_failure,
        };
        self.in_flight.push((ticket, key));
        self.set_deadline(key, context.now + context.config.timeouts.authorization);
        (ticket, Action::Authorize(request))
    }

    /// The server did not answer a subscribe in time.
    fn was_not_answered(&mut self, key: Key, context: &mut Context<'_>) {
        self.unanswered.remove(&key);
        let channel = &mut self.slab[key];
        if channel.tries < MOST_TRIES {
            let delay = context.backoff.delay_of(channel.tries);
            channel.phase = Phase::Pausing;
            self.set_deadline(key, context.now + delay);
        } else {
            self.fail(key, RequestFailure::NoAnswer, context.pending);
        }
    }
}
