//! How events are written: see [`actions`](super::actions).

use super::texts::{FailureValue, LossValue};
use super::writer::Writer;
use crate::auth::request::AuthorizationError;
use crate::event::channel_event::ChannelEvent;
use crate::event::failure::{InReplyTo, RequestFailure, ServerError};
use crate::event::{Event, LimitReached, MalformedReason};
use crate::presence::{Member, PresenceChange, PresenceUpdate};
use crate::status::{ConnectionState, StateChange};

/// Puts an event: its kind, and behind it what it says.
pub(super) fn event<'a>(to: &'a mut Writer, event: &Event) -> &'a mut Writer {
    match event {
        Event::Channel(event) => to.within("channel", |to| carried(to, event)),
        Event::Subscribed { channel } => {
            to.within("subscribed", |to| to.put("channel", channel.as_str()))
        }
        Event::SubscriptionFailed { channel, reason, retry_in } => {
            to.within("subscription_failed", |to| {
                let to = to.put("channel", channel.as_str());
                failure(to, reason).put_some("retry_in", *retry_in)
            })
        }
        Event::Gap { channel, silent_for, since, cause } => to.within("gap", |to| {
            let to = to.put("channel", channel.as_str()).put("silent_for", silent_for);
            to.put_some("since", *since).put("cause", &LossValue(cause))
        }),
        Event::SubscriptionCount { channel, count } => to.within("subscription_count", |to| {
            to.put("channel", channel.as_str()).put("count", count)
        }),
        Event::CacheMiss { channel } => {
            to.within("cache_miss", |to| to.put("channel", channel.as_str()))
        }
        Event::Undecryptable { channel, name, reason } => to.within("undecryptable", |to| {
            let to = to.put("channel", channel.as_str()).put("event", name);
            to.put("reason", &FailureValue(*reason))
        }),
        Event::SignedIn { user_id, user_data } => {
            to.within("signed_in", |to| to.put("user_id", user_id).put("user_data", user_data))
        }
        Event::SignInFailed { reason, retry_in } => {
            to.within("sign_in_failed", |to| failure(to, reason).put_some("retry_in", *retry_in))
        }
        Event::Watchlist { online, user_ids } => {
            to.within("watchlist", |to| to.put("online", online).put("user_ids", user_ids))
        }
        Event::State(change) => to.within("state", |to| state(to, change)),
        Event::ServerError(error) => to.within("server_error", |to| server_error(to, error)),
        Event::Pong { ping, round_trip } => {
            to.within("pong", |to| to.put("ping", &ping.0).put("round_trip", round_trip))
        }
        Event::PingLost { ping } => to.within("ping_lost", |to| to.put("ping", &ping.0)),
        Event::Unrouted { name, message } => {
            to.within("unrouted", |to| to.put("event", name).put("message", message))
        }
        Event::Malformed { problem, channel, message } => to.within("malformed", |to| {
            let to = malformed(to, problem);
            to.put_some("channel", channel.as_ref().map(|channel| channel.as_str()))
                .put("message", message)
        }),
        Event::LimitReached(limit) => to.within("limit_reached", |to| limit_reached(to, limit)),
        Event::Presence(update) => to.within("presence", |to| presence(to, update)),
        Event::Lagged { dropped } => to.within("lagged", |to| to.put("dropped", dropped)),
    }
}

/// Returns what a channel carried. What an encrypted event says is for its receiver alone: its
/// length stands for it.
fn carried<'a>(to: &'a mut Writer, event: &ChannelEvent) -> &'a mut Writer {
    to.put("channel", event.channel().as_str()).put("event", event.name());
    if event.was_encrypted() {
        to.put("opened", &event.raw().len());
    } else {
        to.put_some("data", Some(event.raw()).filter(|data| !data.is_empty()));
    }
    to.put_some("user_id", event.user_id())
}

fn failure<'a>(to: &'a mut Writer, reason: &RequestFailure) -> &'a mut Writer {
    match reason {
        RequestFailure::NoAnswer => to.put("reason", "no_answer"),
        other => to.within("reason", |to| match other {
            RequestFailure::AuthorizationRefused(no) => {
                to.within("denied", |to| authorization_error(to, no))
            }
            RequestFailure::AuthorizationUnavailable(no) => {
                to.within("authorization_unavailable", |to| authorization_error(to, no))
            }
            RequestFailure::Refused(error) => to.within("refused", |to| server_error(to, error)),
            RequestFailure::NoAnswer => to,
            RequestFailure::TooLarge { bytes } => {
                to.within("too_large", |to| to.put("bytes", bytes))
            }
        }),
    }
}

/// Puts why an authorization was not granted.
pub(super) fn authorization_error<'a>(
    to: &'a mut Writer,
    error: &AuthorizationError,
) -> &'a mut Writer {
    match error {
        AuthorizationError::Refused { status, message } => {
            to.within("refused", |to| to.put_some("status", *status).put("message", message))
        }
        AuthorizationError::Unavailable { status, message, retry_after } => {
            to.within("unavailable", |to| {
                to.put_some("status", *status)
                    .put("message", message)
                    .put_some("retry_after", *retry_after)
            })
        }
    }
}

fn server_error<'a>(to: &'a mut Writer, error: &ServerError) -> &'a mut Writer {
    let ServerError { code, message, channel, in_reply_to, inferred } = error;
    to.put_some("code", *code)
        .put("message", message)
        .put_some("channel", channel.as_ref().map(|channel| channel.as_str()));
    match in_reply_to {
        Some(InReplyTo::Subscribe) => to.put("in_reply_to", "subscribe"),
        Some(InReplyTo::SignIn) => to.put("in_reply_to", "sign_in"),
        Some(InReplyTo::ClientEvent { event }) => {
            to.within("in_reply_to", |to| to.within("client_event", |to| to.put("event", event)))
        }
        None => to,
    }
    .put("inferred", inferred)
}

fn state<'a>(to: &'a mut Writer, change: &StateChange) -> &'a mut Writer {
    let word = |state: &ConnectionState| match state {
        ConnectionState::Disconnected => "disconnected",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Connected => "connected",
        ConnectionState::Waiting => "waiting",
        ConnectionState::Refused => "refused",
    };
    let StateChange { from, to: until, attempt, socket_id, loss, retry_in } = change;
    to.put("from", word(from))
        .put("to", word(until))
        .put("attempt", attempt)
        .put_some("socket_id", socket_id.as_ref().map(|socket_id| socket_id.as_str()))
        .put_some("loss", loss.as_deref().map(LossValue))
        .put_some("retry_in", *retry_in)
}

fn malformed<'a>(to: &'a mut Writer, problem: &MalformedReason) -> &'a mut Writer {
    let word = match problem {
        MalformedReason::NotUtf8 => "not_utf8",
        MalformedReason::NotAnObject => "not_an_object",
        MalformedReason::NoEvent => "no_event",
        MalformedReason::BadChannel => "bad_channel",
        MalformedReason::BadData => "bad_data",
        MalformedReason::Unexpected => "unexpected",
        MalformedReason::Partly { kept, lost } => {
            return to.within("problem", |to| {
                to.within("partly", |to| to.put("kept", kept).put("lost", lost))
            });
        }
        MalformedReason::TooLarge { size, limit } => {
            return to.within("problem", |to| {
                to.within("too_large", |to| to.put("size", size).put("limit", limit))
            });
        }
    };
    to.put("problem", word)
}

fn limit_reached<'a>(to: &'a mut Writer, limit: &LimitReached) -> &'a mut Writer {
    match limit {
        LimitReached::StoredEvents { dropped } => {
            to.within("stored_events", |to| to.put("dropped", dropped))
        }
        LimitReached::Members { channel, dropped } => {
            to.within("members", |to| to.put("channel", channel.as_str()).put("dropped", dropped))
        }
        LimitReached::Watchlist { dropped } => {
            to.within("watchlist", |to| to.put("dropped", dropped))
        }
    }
}

/// Puts who came and went.
pub(super) fn presence<'a>(to: &'a mut Writer, update: &PresenceUpdate) -> &'a mut Writer {
    let PresenceUpdate { channel, change } = update;
    let to = to.put("channel", channel.as_str());
    match change {
        PresenceChange::Reset { joined, left } => to.within("reset", |to| {
            let one = |to: &mut Writer, one: &Member| {
                to.object(|to| member(to, one));
            };
            to.list("joined", joined, one).list("left", left, one)
        }),
        PresenceChange::Joined(one) => to.within("joined", |to| member(to, one)),
        PresenceChange::Left(one) => to.within("left", |to| member(to, one)),
    }
}

fn member<'a>(to: &'a mut Writer, member: &Member) -> &'a mut Writer {
    to.put("id", member.id()).put_some("info", member.info_json())
}
