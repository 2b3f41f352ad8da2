//! Spans as numbers of whole milliseconds, rounded up, as the core's forms have them.

use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{__ms_up, Loss};
use serde::{Serialize, Serializer};

pub(super) fn ms<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(__ms_up(*time))
}

pub(super) fn optional_ms<S: Serializer>(
    time: &Option<Duration>,
    to: S,
) -> Result<S::Ok, S::Error> {
    time.map(__ms_up).serialize(to)
}

pub(super) fn loss<S: Serializer>(loss: &Option<Arc<Loss>>, to: S) -> Result<S::Ok, S::Error> {
    loss.as_deref().serialize(to)
}
