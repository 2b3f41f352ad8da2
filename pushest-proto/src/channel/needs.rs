//! What channels need from the driver: frames and authorizations, derived when polled.

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use super::key::Encryption;
use super::name::ChannelKind;
use super::{Channels, Phase};
use crate::action::{Action, Frame};
use crate::agenda::Key;
use crate::auth::request::{AuthorizationRequest, AuthorizationSubject, Denied};
use crate::context::{Context, Wire};
use crate::event::Event;
use crate::event::failure::RequestFailure;
use crate::order::Order;
use crate::pending::Pending;
use crate::time::Instant;
use crate::wire::encode;

/// So many subscribes go unanswered before the subscription fails.
const MOST_TRIES: u32 = 3;

impl Channels {
    /// The place of the channel that is due first. One that waits for its turn is due as soon as
    /// an authorization may run.
    pub(crate) fn due_front(&self) -> Option<Order> {
        self.agenda.front()
    }

    /// What the first due channel needs; `None` if that turned out to be nothing.
    pub(crate) fn pop_due(&mut self, wire: Wire<'_>, context: &mut Context<'_>) -> Option<Action> {
        let (order, key) = self.agenda.pop()?;
        let channel = &mut self.slab[key];
        if channel.leaving {
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
        self.agenda.next_deadline()
    }

    /// Ends the phases whose time is over.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>) {
        while let Some(key) = self.agenda.pop_overdue(context.now) {
            let channel = &mut self.slab[key];
            match &channel.phase {
                Phase::Authorizing => {
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
        self.unanswered.remove(&key);
        let channel = &mut self.slab[key];
        channel.forget_key(pending);
        channel.phase = Phase::Idle;
        if let Some(ticket) = self.agenda.remove(key) {
            pending.abandon(ticket);
        }
    }

    pub(super) fn make_due(&mut self, key: Key, pending: &mut Pending) {
        if !self.agenda.has(key) {
            self.agenda.queue(key, pending.next_order());
        }
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
        let delay = crate::request::delay_after(&denied, channel.authorizations, context.backoff);
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
        self.agenda.wake_at(key, context.now + delay);
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
        self.agenda.wake_at(key, context.now + context.config.timeouts.subscribe);
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
        if let Some(auth) = context.signed(|signer, id| signer.channel(id, name, data)) {
            let text = encode::subscribe(name, Some(&auth), data);
            if let Some(master_key) = &context.config.master_key
                && channel.kind == ChannelKind::Encrypted
            {
                channel.encryption =
                    Some(Box::new(Encryption::new(master_key.shared_secret(name))));
            }
            return Some(self.subscribing(key, wire, text, context));
        }
        if !self.agenda.has_room() {
            self.agenda.wait_for_turn(key, order);
            return None;
        }
        self.slab[key].phase = Phase::Authorizing;
        Some(self.request(key, wire, context))
    }

    /// Asks for an authorization of the channel.
    pub(super) fn request(
        &mut self,
        key: Key,
        wire: Wire<'_>,
        context: &mut Context<'_>,
    ) -> Action {
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
        self.agenda.fly(key, ticket, context.now + context.config.timeouts.authorization);
        Action::Authorize(request)
    }

    /// The server did not answer a subscribe in time.
    fn was_not_answered(&mut self, key: Key, context: &mut Context<'_>) {
        self.unanswered.remove(&key);
        let channel = &mut self.slab[key];
        if channel.tries < MOST_TRIES {
            let delay = context.backoff.delay_of(channel.tries);
            channel.phase = Phase::Pausing;
            self.agenda.wake_at(key, context.now + delay);
        } else {
            self.fail(key, RequestFailure::NoAnswer, context.pending);
        }
    }
}
