//! Decoding one event after the other.

use alloc::string::String;
use core::fmt;

use serde::de::DeserializeOwned;

use super::channel_event::ChannelEvent;

/// Capacity that a decoder keeps from one event to the next, in bytes.
const KEPT: usize = 16 * 1024;

/// Decodes events, one after the other, as [`ChannelEvent::json`] and [`ChannelEvent::variant`] do.
///
/// Most servers send an event's data as JSON within a JSON string, whose escapes must be undone first.
/// A decoder does that in a buffer that it keeps (up to 16 KiB of it), so that decoding an event
/// allocates nothing but what the value needs.
///
/// ```
/// # use pushest_proto::{ChannelEvent, EventDecoder};
///
/// fn ids(events: &[ChannelEvent]) -> Result<Vec<u64>, serde_json::Error> {
///     #[derive(serde::Deserialize)]
///     struct Order {
///         id: u64,
///     }
///
///     let mut decoder = EventDecoder::default();
///     events.iter().map(|event| decoder.json::<Order>(event).map(|order| order.id)).collect()
/// }
/// # assert!(ids(&[]).unwrap().is_empty());
/// ```
#[derive(Default)]
pub struct EventDecoder {
    /// The text of the event that was decoded last.
    text: String,
}

impl EventDecoder {
    /// Decodes the data of an event; see [`ChannelEvent::json`].
    ///
    /// # Errors
    /// As [`ChannelEvent::json`].
    pub fn json<T: DeserializeOwned>(
        &mut self,
        event: &ChannelEvent,
    ) -> Result<T, serde_json::Error> {
        let value = event.json_with(&mut self.text);
        self.forget();
        value
    }

    /// Decodes an event as the variant of `E` that has the event's name; see
    /// [`ChannelEvent::variant`].
    ///
    /// # Errors
    /// As [`ChannelEvent::variant`].
    pub fn variant<E: DeserializeOwned>(
        &mut self,
        event: &ChannelEvent,
    ) -> Result<Option<E>, serde_json::Error> {
        let value = event.variant_with(&mut self.text);
        self.forget();
        value
    }

    fn forget(&mut self) {
        self.text.clear();
        self.text.shrink_to(KEPT);
    }
}

impl fmt::Debug for EventDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventDecoder").finish_non_exhaustive()
    }
}
