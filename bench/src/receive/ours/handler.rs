//! The callback style.

use pushest_driver::{Client, Event, Handler, SubscribeOptions};

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

impl<C: AsRef<Client>> Handler<C> for Counting {
    fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
        vec![(self.channel.clone(), SubscribeOptions::default())]
    }

    fn on_event(&mut self, client: &C, event: Event) {
        match counting::event(&mut self.tally, &event) {
            Ok(false) => {}
            Ok(true) => {
                self.end = Some(Ok(()));
                client.as_ref().disconnect();
            }
            Err(problem) => {
                self.end = Some(Err(problem));
                client.as_ref().disconnect();
            }
        }
    }
}
