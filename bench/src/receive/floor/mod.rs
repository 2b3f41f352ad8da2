//! The floors: what it costs to read the frames at all, and to skip each as JSON.

mod asynchronous;
mod blocking;
pub(super) mod upgrade;

use std::hint::black_box;

use serde::de::IgnoredAny;
use tungstenite::Message;

use super::{Receiver, Runtime, Target, Way};
use crate::Problem;
use crate::tally::Tally;

pub(super) fn receive(receiver: Receiver, target: &Target, tally: Tally) -> Result<Tally, Problem> {
    let floor = Floor { skips: receiver.way == Way::Skip, tally };
    match receiver.runtime {
        Runtime::Blocking => blocking::run(target, floor),
        runtime => asynchronous::run(runtime, target, floor),
    }
}

/// What is done with each frame once the flood has begun.
struct Floor {
    skips: bool,
    tally: Tally,
}

impl Floor {
    /// Returns whether this was the last frame.
    fn frame(&mut self, message: &Message) -> bool {
        let Message::Text(text) = message else { return false };
        if self.skips {
            // What is no JSON is skipped up to where it is none.
            let skipped = serde_json::from_slice::<IgnoredAny>(text.as_bytes());
            let _ = black_box(skipped.is_ok());
        }
        self.tally.sized(text.len())
    }
}
