//! The session's events in the log.

use pushest_proto::{Escaped, Event};

/// Returns whether [`log`] writes the event; what channels carry is not logged.
pub(crate) fn is_logged(event: &Event) -> bool {
    matches!(
        event,
        Event::State(_)
            | Event::SubscriptionFailed { .. }
            | Event::SignInFailed { .. }
            | Event::ServerError(_)
            | Event::Malformed { .. }
    )
}

/// Writes what became of the connection and of what was asked for, for debugging. What the server
/// said is escaped: it must neither command the reader's terminal nor begin a line of its own.
pub(crate) fn log(event: &Event) {
    match event {
        Event::State(change) => tracing::debug!(target: "pushest", "{}", Escaped(change)),
        Event::SubscriptionFailed { channel, reason, .. } => {
            let channel = Escaped(channel);
            tracing::debug!(target: "pushest", %channel, "not subscribed: {}", Escaped(reason));
        }
        Event::SignInFailed { reason, .. } => {
            tracing::debug!(target: "pushest", "not signed in: {}", Escaped(reason));
        }
        Event::ServerError(error) => tracing::debug!(target: "pushest", "{}", Escaped(error)),
        Event::Malformed { problem, .. } => {
            tracing::debug!(target: "pushest", "a malformed message: {}", Escaped(problem));
        }
        _ => {}
    }
}
