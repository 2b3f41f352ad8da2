//! The session's events in the log.

use pushest_proto::Event;

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

/// Writes what became of the connection and of what was asked for, for debugging.
pub(crate) fn log(event: &Event) {
    match event {
        Event::State(change) => tracing::debug!(target: "pushest", "{change}"),
        Event::SubscriptionFailed { channel, reason, .. } => {
            tracing::debug!(target: "pushest", %channel, "not subscribed: {reason}");
        }
        Event::SignInFailed { reason, .. } => {
            tracing::debug!(target: "pushest", "not signed in: {reason}");
        }
        Event::ServerError(error) => tracing::debug!(target: "pushest", "{error}"),
        Event::Malformed { problem, .. } => {
            tracing::debug!(target: "pushest", "a malformed message: {problem}");
        }
        _ => {}
    }
}
