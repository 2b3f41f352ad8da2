//! What happens when an encrypted event does not open: the key has rotated. It is asked for once
//! more, and events of the channel wait in their order until the answer is there ([protocol,
//! encrypted channels](crate::protocol#encrypted-channels)).

use alloc::boxed::Box;

use bytestring::ByteString;

use super::encrypted::DecryptionFailure;
use super::key::{Encryption, Rekey};
use super::secret::SharedSecret;
use super::{Channel, Channels, Key, Phase};
use crate::action::Action;
use crate::auth::request::{Authorization, Denied};
use crate::context::{Context, Wire};
use crate::event::Event;
use crate::event::channel_event::ChannelEvent;
use crate::id::Ticket;
use crate::order::Order;
use crate::pending::Pending;
use crate::text::clip;

/// Maximum number of events of a channel, and of their bytes, that wait for a key. Those of all
/// channels together take at most half of [`Limits::stored_bytes`](crate::Limits); what comes then
/// cannot be opened.
const MOST_HELD: usize = 64;
const MOST_HELD_BYTES: usize = 256 * 1024;

impl Channel {
    /// The key is no longer asked for: what waits for it cannot be opened. Answers the request that
    /// runs.
    pub(super) fn forget_key(&mut self, pending: &mut Pending) -> Option<Ticket> {
        let rekey = self.encryption.as_deref_mut()?.rekey.take()?;
        for event in rekey.held {
            pending.release(&event);
            undecryptable(event, DecryptionFailure::WrongKey, pending);
        }
        rekey.ticket
    }
}

impl Channels {
    /// Whether events of the channel are encrypted.
    pub(crate) fn is_encrypted(&self, key: Key) -> bool {
        self.slab[key].encryption.is_some()
    }

    /// An event of an encrypted channel came, its data still encrypted.
    pub(crate) fn encrypted(&mut self, key: Key, event: ChannelEvent, context: &mut Context<'_>) {
        let channel = &mut self.slab[key];
        let is_subscribed = matches!(channel.phase, Phase::Subscribed);
        let Some(encryption) = channel.encryption.as_deref_mut() else { return };
        if let Some(rekey) = &mut encryption.rekey {
            if rekey.held.len() < MOST_HELD
                && rekey.bytes + event.pinned_bytes() <= MOST_HELD_BYTES
                && context.pending.hold(&event)
            {
                rekey.bytes += event.pinned_bytes();
                rekey.held.push_back(event);
            } else {
                undecryptable(event, DecryptionFailure::WrongKey, context.pending);
            }
            return;
        }
        match context.opened(&encryption.secret, &event) {
            Ok(text) => {
                encryption.was_in_vain = false;
                opened(event.opened(text), context.pending);
            }
            // With the master key, asking oneself again would answer the same. Before the server
            // confirms, the key has just been granted, and the subscription needs its own deadline.
            Err(DecryptionFailure::WrongKey)
                if is_subscribed && context.config.signer.is_none() && !encryption.was_in_vain =>
            {
                if !context.pending.hold(&event) {
                    return undecryptable(event, DecryptionFailure::WrongKey, context.pending);
                }
                let bytes = event.pinned_bytes();
                encryption.rekey = Some(Rekey { ticket: None, held: [event].into(), bytes });
                self.make_due(key, context.pending);
            }
            Err(reason) => undecryptable(event, reason, context.pending),
        }
    }

    /// Asks for the key, if the channel needs it.
    pub(super) fn ask_for_key(
        &mut self,
        key: Key,
        order: Order,
        wire: Wire<'_>,
        context: &mut Context<'_>,
    ) -> Option<Action> {
        let rekey = self.slab[key].encryption.as_deref()?.rekey.as_ref()?;
        if rekey.ticket.is_some() {
            return None;
        }
        if !self.has_flight() {
            self.set_turn(key, order);
            return None;
        }
        let (ticket, action) = self.request(key, wire, context);
        if let Some(rekey) = self.rekey(key) {
            rekey.ticket = Some(ticket);
        }
        Some(action)
    }

    /// Whether this ticket's answer is for the key of a subscribed channel.
    pub(super) fn asked_for_key(&mut self, key: Key, ticket: Ticket) -> bool {
        self.rekey(key).is_some_and(|rekey| rekey.ticket == Some(ticket))
    }

    /// The answer is there, or will not come: what waited is opened, or reported.
    pub(super) fn key_answered(
        &mut self,
        key: Key,
        answer: Result<Authorization, Denied>,
        context: &mut Context<'_>,
    ) {
        self.clear_deadline(key);
        let Some(encryption) = self.slab[key].encryption.as_deref_mut() else { return };
        let Some(rekey) = encryption.rekey.take() else { return };
        let granted = answer.ok().and_then(|granted| granted.shared_secret);
        if let Some(secret) = granted.and_then(|text| SharedSecret::from_base64(&text)) {
            encryption.secret = secret;
        }
        for event in rekey.held {
            context.pending.release(&event);
            match context.opened(&encryption.secret, &event) {
                Ok(text) => {
                    encryption.was_in_vain = false;
                    opened(event.opened(text), context.pending);
                }
                Err(reason) => {
                    encryption.was_in_vain = true;
                    undecryptable(event, reason, context.pending);
                }
            }
        }
        if let Some(ticket) = rekey.ticket
            && self.in_flight.iter().any(|(other, _)| *other == ticket)
        {
            self.give_up_flight(ticket, context.pending);
        }
    }

    /// The key that came with the authorization of an encrypted channel.
    pub(super) fn set_key(&mut self, key: Key, secret: SharedSecret) {
        self.slab[key].encryption = Some(Box::new(Encryption::new(secret)));
    }

    fn rekey(&mut self, key: Key) -> Option<&mut Rekey> {
        self.slab[key].encryption.as_deref_mut()?.rekey.as_mut()
    }
}

impl Context<'_> {
    /// Opens an event of an encrypted channel.
    fn opened(
        &mut self,
        secret: &SharedSecret,
        event: &ChannelEvent,
    ) -> Result<ByteString, DecryptionFailure> {
        let open = || secret.open(&event.sealed());
        match self.trace.as_deref_mut() {
            None => open(),
            Some(trace) => trace.opened(open),
        }
    }
}

fn opened(event: ChannelEvent, pending: &mut Pending) {
    pending.push(Action::Emit(Event::Channel(event)));
}

fn undecryptable(event: ChannelEvent, reason: DecryptionFailure, pending: &mut Pending) {
    let (channel, name) = (event.channel().clone(), clip(event.name()));
    let told = Event::Undecryptable { channel, name, reason };
    pending.push(Action::Emit(told));
}
