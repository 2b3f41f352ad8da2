//! Spans as numbers of whole milliseconds, rounded up, as the core's forms have them.

use std::sync::Arc;
use std::time::Duration;

use pushest_proto::Loss;
use serde::{Serialize, Serializer};

fn whole_ms(time: Duration) -> u64 {
    time.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX)
}

pub(super) fn ms<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(whole_ms(*time))
}

pub(super) fn optional_ms<S: Serializer>(
    time: &Option<Duration>,
    to: S,
) -> Result<S::Ok, S::Error> {
    time.map(whole_ms).serialize(to)
}

pub(super) fn loss<S: Serializer>(loss: &Option<Arc<Loss>>, to: S) -> Result<S::Ok, S::Error> {
    loss.as_deref().serialize(to)
}
