//! What a user or a log would read of an action: it must not fail, and not show a secret.

use std::fmt::Write as _;

use pushest_proto::{Action, CommandError, Event};

/// Adds to `text` what the parts of an action say for themselves.
pub(super) fn write_words(text: &mut String, action: &Action) {
    let written = match action {
        Action::Authorize(request) => write!(text, " {}", request.subject),
        Action::Close { code, .. } => write!(text, " {}", u16::from(*code)),
        Action::Emit(event) => write_event(text, event),
        Action::Connect { .. }
        | Action::Send(_)
        | Action::Abandon(_)
        | Action::UpdatePresence(_) => Ok(()),
    };
    written.expect("a text takes everything");
}

fn write_event(text: &mut String, event: &Event) -> std::fmt::Result {
    if let Some(channel) = event.channel() {
        write!(text, " {channel}")?;
    }
    match event {
        Event::State(change) => match &change.loss {
            Some(loss) => write!(text, " {change}: {loss}"),
            None => write!(text, " {change}"),
        },
        Event::SubscriptionFailed { reason, .. } | Event::SignInFailed { reason, .. } => {
            write!(text, " {reason}")
        }
        Event::Gap { cause, .. } => write!(text, " {cause}"),
        Event::Undecryptable { reason, .. } => write!(text, " {reason}"),
        Event::ServerError(error) => write!(text, " {error}"),
        Event::Malformed { problem, .. } => write!(text, " {problem}"),
        Event::Channel(event) => write!(text, " {:?} {}", event.user_id(), event.text()),
        _ => Ok(()),
    }
}

/// Returns what a refused command says.
pub(super) fn words_of(error: &CommandError) -> String {
    format!("{error}: {error:?}")
}
