//! In the place of `rekey.rs` in a build without the feature `encrypted`: no channel is encrypted,
//! since a command that wants one is refused, and so there is no key to ask for.

use super::secret::SharedSecret;
use super::{Channel, Channels, Key};
use crate::action::Action;
use crate::auth::request::{Authorization, Denied};
use crate::context::{Context, Wire};
use crate::event::channel_event::ChannelEvent;
use crate::id::Ticket;
use crate::order::Order;
use crate::pending::Pending;

impl Channel {
    pub(super) fn forget_key(&mut self, _pending: &mut Pending) -> Option<Ticket> {
        None
    }
}

impl Channels {
    pub(crate) fn is_encrypted(&self, _key: Key) -> bool {
        false
    }

    pub(crate) fn encrypted(&self, _key: Key, _event: ChannelEvent, _context: &mut Context<'_>) {}

    pub(super) fn ask_for_key(
        &self,
        _key: Key,
        _order: Order,
        _wire: Wire<'_>,
        _context: &mut Context<'_>,
    ) -> Option<Action> {
        None
    }

    pub(super) fn asked_for_key(&self, _key: Key, _ticket: Ticket) -> bool {
        false
    }

    pub(super) fn key_answered(
        &self,
        _key: Key,
        _answer: Result<Authorization, Denied>,
        _context: &mut Context<'_>,
    ) {
    }

    pub(super) fn set_key(&self, _key: Key, secret: SharedSecret) {
        secret.absurd()
    }
}
