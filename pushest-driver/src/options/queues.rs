//! How much receivers may leave unreceived.

use super::Options;
#[cfg(doc)]
use super::Overflow;
use crate::error::{LEAST, OptionsError};

impl Options {
    /// Sets how much may wait for each receiver, at least one event: by number, and by the bytes
    /// that its events keep alive. 1,024 events, 8 MiB. [`Options::all_queues`] bounds all
    /// receivers together.
    ///
    /// An event counts as [`Event::memory`](crate::Event::memory) says, and its place in the queue. What
    /// channel events pin of the buffers that they were read into counts, too: a queue copies its
    /// events out of them before it drops any, and when the receiver has left them there until the
    /// client reads again, unless they count as much as all that was read. A receiver that keeps up
    /// pays for no copy.
    ///
    /// A receiver takes many waiting events out of its queue at one go, if they and what they pin are
    /// at most a quarter of these bytes. They still wait, and the oldest of them are the first to be
    /// dropped; but they are not copied, and what was dropped of them is free when the receiver
    /// receives the next. So a receiver that works on one event for long can keep as much alive that
    /// [`QueueDepths`](crate::QueueDepths) does not show. With [`Options::all_queues`] nothing is taken so.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().queue(10_000, 32 * 1024 * 1024);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn queue(mut self, events: usize, bytes: usize) -> Self {
        self.queue_events = events.max(1);
        self.queue_bytes = bytes.max(1);
        self
    }

    /// Sets how many bytes may wait for all receivers of the client together; at least 64 KiB. Each
    /// may still leave no more than [`Options::queue`] says, and bytes are counted as there. By
    /// default there is no such bound.
    ///
    /// When it is reached, what happens is what [`Options::overflow`] says. With
    /// [`Overflow::DropOldest`] the receivers that hold most lose their oldest events, down to a common
    /// level: one that holds less loses nothing. They are told
    /// ([`Event::Lagged`](crate::Event::Lagged)), and about a sixteenth of the bound becomes free.
    /// With [`Overflow::Wait`] the client stops reading until half of it is free.
    ///
    /// A receiver that has ended (by `unsubscribe`, or with the client) counts no longer, though what
    /// it has not received is still there.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// // A thousand channels, each with up to 8 MiB, but never more than 64 MiB.
    /// let options = Options::default().all_queues(64 * 1024 * 1024)?;
    /// # let _ = options;
    /// # Ok::<(), pushest_driver::OptionsError>(())
    /// ```
    ///
    /// # Errors
    /// [`OptionsError::AllQueues`] if it is less than 64 KiB: single events might never arrive.
    pub fn all_queues(mut self, bytes: usize) -> Result<Self, OptionsError> {
        if bytes < LEAST {
            return Err(OptionsError::AllQueues { bytes });
        }
        self.all_queues = Some(bytes);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_too_small_for_all_receivers_is_refused_by_name_with_the_least() {
        for bytes in [0, 1, LEAST - 1] {
            let error = Options::default().all_queues(bytes).unwrap_err();
            assert_eq!(error, OptionsError::AllQueues { bytes });
            let text = error.to_string();
            assert!(text.starts_with(&format!("all_queues: {bytes} bytes")), "{text}");
            assert!(text.ends_with("at least 65536"), "{text}");
        }
        for bytes in [LEAST, usize::MAX] {
            assert_eq!(Options::default().all_queues(bytes).unwrap().all_queues, Some(bytes));
        }
    }
}
