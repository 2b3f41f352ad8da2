//! What numbers for operators look like where they are serialized: times are seconds, what has a text
//! is that text.

use std::fmt::Display;
use std::time::Duration;

use pushest_proto::ChannelState;
use serde::{Serialize, Serializer};

pub(super) fn seconds<S: Serializer>(time: &Duration, form: S) -> Result<S::Ok, S::Error> {
    form.serialize_f64(time.as_secs_f64())
}

pub(super) fn optional_seconds<S: Serializer>(
    time: &Option<Duration>,
    form: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(form)
}

pub(super) fn text<S: Serializer>(value: &impl Display, form: S) -> Result<S::Ok, S::Error> {
    form.collect_str(value)
}

pub(super) fn optional_text<S: Serializer>(
    value: &Option<impl Display>,
    form: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => form.serialize_some(&format_args!("{value}")),
        None => form.serialize_none(),
    }
}

pub(super) fn channel_state<S: Serializer>(
    state: &ChannelState,
    form: S,
) -> Result<S::Ok, S::Error> {
    form.serialize_str(match state {
        ChannelState::Waiting => "waiting",
        ChannelState::Authorizing => "authorizing",
        ChannelState::Subscribing => "subscribing",
        ChannelState::Subscribed => "subscribed",
        ChannelState::Failed => "failed",
    })
}
