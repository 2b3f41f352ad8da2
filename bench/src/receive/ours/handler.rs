//! The callback style.

use pushest_driver::{Event, SubscribeOptions};

use super::super::Target;
use super::counting;
use crate::Problem;
use crate::tally::Tally;

/// Counts the events of one channel, and disconnects at the last.
pub(super) struct Counting {
    channel: String,
    tally: Tally,
    end: Option<Result<(), Problem>>,
}

impl Counting {
    pub(super) fn new(target: &Target, tally: Tally) -> Self {
        Self { channel: target.flood.to_string(), tally, end: None }
    }

    pub(super) fn into_tally(self) -> Result<Tally, Problem> {
        self.end.unwrap_or_else(|| Err(counting::ended())).map(|()| self.tally)
    }
}

impl Counting {
    pub(super) fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
        vec![(self.channel.clone(), SubscribeOptions::default())]
    }

    /// Counts an event. Returns whether it was the last thing to be handled.
    pub(super) fn on_event(&mut self, event: Event) -> bool {
        match counting::event(&mut self.tally, &event) {
            Ok(false) => return false,
            Ok(true) => self.end = Some(Ok(())),
            Err(problem) => self.end = Some(Err(problem)),
        }
        true
    }
}

/// Each crate's `Handler` has its own client.
macro_rules! handles {
    ($($client:ident)*) => {$(
        impl $client::Handler for Counting {
            fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
                self.initial_channels()
            }

            fn on_event(&mut self, client: &$client::Client, event: Event) {
                if self.on_event(event) {
                    client.disconnect();
                }
            }
        }
    )*};
}

handles! { pushest_tokio pushest_async_std pushest_blocking }
