//! The key of an encrypted channel. When an event does not open, the key has rotated: it is asked for
//! once more, and events of the channel wait in their order until the answer is there ([protocol,
//! encrypted channels](crate::protocol#encrypted-channels)).

use alloc::collections::VecDeque;

use bytestring::ByteString;

use super::encrypted::DecryptionFailure;
use super::secret::SharedSecret;
use crate::action::Action;
use crate::auth::request::Authorization;
use crate::context::Context;
use crate::event::Event;
use crate::event::channel_event::ChannelEvent;
use crate::memory;
use crate::pending::Pending;
use crate::text::clip;

/// Maximum number of events of a channel, and of their bytes, that wait for a key. Those of all
/// channels together take at most half of [`Limits::stored_bytes`](crate::Limits); what comes then
/// cannot be opened.
const MOST_HELD: usize = 64;
const MOST_HELD_BYTES: usize = 256 * 1024;

/// The key of one channel.
#[derive(Debug)]
pub(super) struct Encryption {
    secret: SharedSecret,
    /// What waits for a new key: there is something as long as it is asked for.
    held: VecDeque<ChannelEvent>,
    held_bytes: usize,
    /// The last key that was asked for did not help: another one is asked for only after some
    /// event has opened, so that junk cannot cause endless requests.
    was_in_vain: bool,
}

impl Encryption {
    pub(super) fn new(secret: SharedSecret) -> Self {
        Self { secret, held: VecDeque::new(), held_bytes: 0, was_in_vain: false }
    }

    /// Opens an event, or holds it if another key `may` be asked for. Returns whether that has to
    /// be asked for now.
    pub(super) fn receive(
        &mut self,
        event: ChannelEvent,
        may: bool,
        context: &mut Context<'_>,
    ) -> bool {
        if !self.held.is_empty() {
            self.hold(event, context.pending);
            return false;
        }
        match self.open(&event, context) {
            Err(DecryptionFailure::WrongKey) if may && !self.was_in_vain => {
                self.hold(event, context.pending)
            }
            opened => {
                tell(event, opened, context.pending);
                false
            }
        }
    }

    /// Opens or reports the events that waited, once the new key is there or will not come.
    pub(super) fn rekeyed(&mut self, granted: Option<&Authorization>, context: &mut Context<'_>) {
        let text = granted.and_then(|granted| granted.shared_secret.as_deref());
        if let Some(secret) = text.and_then(|text| SharedSecret::from_base64(text)) {
            self.secret = secret;
        }
        for event in self.take_held() {
            context.pending.release(&event);
            let opened = self.open(&event, context);
            self.was_in_vain |= opened.is_err();
            tell(event, opened, context.pending);
        }
    }

    /// Reports the events that wait as undecryptable, as the key is no longer asked for.
    pub(super) fn forget_held(&mut self, pending: &mut Pending) {
        for event in self.take_held() {
            pending.release(&event);
            tell(event, Err(DecryptionFailure::WrongKey), pending);
        }
    }

    /// Returns what it takes, in bytes, and free places for what waits for a key. What waits counts
    /// among the stored events.
    pub(super) fn other_bytes(&self) -> usize {
        let free = self.held.capacity() - self.held.len();
        memory::allocation(size_of::<Self>()) + free * size_of::<ChannelEvent>()
    }

    fn open(
        &mut self,
        event: &ChannelEvent,
        context: &mut Context<'_>,
    ) -> Result<ByteString, DecryptionFailure> {
        let opened = context.opened(&self.secret, event);
        self.was_in_vain &= opened.is_err();
        opened
    }

    /// Holds the event if there is room for it. Returns whether there was.
    fn hold(&mut self, event: ChannelEvent, pending: &mut Pending) -> bool {
        let bytes = self.held_bytes + event.pinned_bytes();
        let has_room =
            self.held.is_empty() || (self.held.len() < MOST_HELD && bytes <= MOST_HELD_BYTES);
        if !has_room || !pending.hold(&event) {
            tell(event, Err(DecryptionFailure::WrongKey), pending);
            return false;
        }
        self.held_bytes = bytes;
        self.held.push_back(event);
        true
    }

    fn take_held(&mut self) -> VecDeque<ChannelEvent> {
        self.held_bytes = 0;
        core::mem::take(&mut self.held)
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

fn tell(event: ChannelEvent, opened: Result<ByteString, DecryptionFailure>, pending: &mut Pending) {
    match opened {
        Ok(text) => pending.push(Action::Emit(Event::Channel(event.opened(&text)))),
        Err(reason) => {
            let (channel, name) = (event.channel().clone(), clip(event.name()));
            pending.push_unopened(Event::Undecryptable { channel, name, reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::*;
    use crate::channel::name::ChannelName;
    use crate::event::names::EventName;

    #[test]
    fn a_key_is_counted_with_free_places_for_what_waits() {
        let secret = SharedSecret::from_base64(&BASE64.encode([7; 32])).expect("32 bytes");
        let mut encryption = Encryption::new(secret);
        let itself = memory::allocation(size_of::<Encryption>());
        assert_eq!(encryption.other_bytes(), itself);
        encryption.held.reserve(10);
        let capacity = encryption.held.capacity();
        let name = ChannelName::new("private-encrypted-x").expect("a good name");
        let event_name = EventName::Unescaped("e".into());
        let event = ChannelEvent::new(name, "{}".into(), event_name, None, None);
        encryption.held.extend([event.clone(), event]);
        let free = (capacity - 2) * size_of::<ChannelEvent>();
        assert_eq!(encryption.other_bytes(), itself + free);
    }
}
