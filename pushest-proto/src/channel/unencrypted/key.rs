//! In the place of `key.rs` in a build without the feature `encrypted`: no channel has a key, since a
//! command that wants an encrypted one is refused.

use super::secret::SharedSecret;
use crate::auth::request::Authorization;
use crate::context::Context;
use crate::event::channel_event::ChannelEvent;
use crate::pending::Pending;

/// The key of a channel, of which there is none in this build.
#[derive(Debug)]
pub(super) struct Encryption(());

impl Encryption {
    pub(super) fn new(secret: SharedSecret) -> Self {
        secret.absurd()
    }

    pub(super) fn receive(&mut self, _: ChannelEvent, _may: bool, _: &mut Context<'_>) -> bool {
        false
    }

    pub(super) fn rekeyed(&mut self, _: Option<&Authorization>, _: &mut Context<'_>) {}

    pub(super) fn forget_held(&mut self, _: &mut Pending) {}

    pub(super) fn other_bytes(&self) -> usize {
        0
    }
}
