//! How receivers leave. A channel is unsubscribed from with its last one; otherwise the session is told
//! nothing, and neither the time nor the pump is needed.

use pushest_proto::ChannelName;

use super::{Hub, Place, wake};

impl Hub {
    /// Drops a receiver of a subscription; with the last one, unless it is detached, also
    /// unsubscribes.
    pub(crate) fn leave(&self, place: &mut Place, name: &ChannelName, is_detached: bool) {
        self.relieve(place.reader.close());
        let mut state = self.lock();
        state.receivers.remove(place.key);
        let Some(channel) = state.channel(name.id()) else { return };
        channel.receivers.retain(|key| *key != place.key);
        channel.is_detached |= is_detached;
        if !channel.receivers.is_empty() {
            return;
        }
        if channel.is_detached {
            // There may be many, and mostly they are left so.
            channel.receivers = Vec::new();
            return;
        }
        let now = state.not_before(self.now());
        state.forget(name.id());
        // It is wanted as long as the hub knows it.
        let _ = state.session.unsubscribe(name.as_str(), now);
        wake(state);
        self.pump.wake();
    }

    /// Drops a receiver of everything, or of the user's events.
    pub(crate) fn stop_listening(&self, place: &mut Place) {
        self.relieve(place.reader.close());
        let mut state = self.lock();
        state.receivers.remove(place.key);
        state.listeners.retain(|key| *key != place.key);
        state.user_listeners.retain(|key| *key != place.key);
    }
}
