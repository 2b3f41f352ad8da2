//! What is done with each thing that a receiver hands out.

use std::hint::black_box;

use pushest_driver::{Event, Received};
use serde::Deserialize;

use crate::Problem;
use crate::tally::Tally;

/// The data of an event, as a program would declare it that needs only the number.
#[derive(Debug, Deserialize)]
pub(super) struct Order {
    n: u64,
}

/// Counts an event of the channel. Returns whether it was the last.
pub(crate) fn event(tally: &mut Tally, event: &Event) -> Result<bool, Problem> {
    match event {
        Event::Channel(event) => Ok(tally.sized(black_box(event).raw().len())),
        Event::Lagged { .. } => Err("it lagged, although it waits".into()),
        Event::SubscriptionFailed { .. } => Err(format!("not subscribed: {event:?}").into()),
        _ => Ok(false),
    }
}

/// Counts a decoded event. Returns whether it was the last.
pub(super) fn order(tally: &mut Tally, order: Received<Order>) -> Result<bool, Problem> {
    match order {
        Received::Value { value, .. } => Ok(tally.numbered(value.n)),
        Received::Undecodable(error) => Err(error.into()),
        Received::Lagged { .. } => Err("it lagged, although it waits".into()),
        Received::Failed { .. } => Err("not subscribed".into()),
        _ => Ok(false),
    }
}

/// Returns what a receiver says that has ended too early.
pub(crate) fn ended() -> Problem {
    "the receiver ended before the last event".into()
}
