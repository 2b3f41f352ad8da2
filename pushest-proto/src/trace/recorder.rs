//! From inputs and actions to lines.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::line::Line;
use super::told;
use crate::action::{Action, Frame};
use crate::auth::request::Authorization;
use crate::config::Limits;
use crate::event::Event;
use crate::input::Input;
use crate::text::KEPT_BYTES;
use crate::time::Instant;

/// Takes the lines.
type Sink = Box<dyn FnMut(&str) + Send + Sync>;

/// Writes down what happens.
pub(crate) struct Recorder {
    sink: Sink,
    /// The last line says that there was nothing more to poll: it need not be said again.
    drained: bool,
}

impl Recorder {
    pub(crate) fn new(header: &Line<'_>, sink: impl FnMut(&str) + Send + Sync + 'static) -> Self {
        let mut recorder = Self { sink: Box::new(sink), drained: false };
        recorder.note(header);
        recorder.drained = true;
        recorder
    }

    /// The session was told something. What the limits keep out of the session stays out of the
    /// recording, too: of a message that is too large, all but the beginning.
    pub(crate) fn told(&mut self, input: &Input<'_>, now: Instant, limits: &Limits) {
        let line = match input {
            Input::Message { connection, message } if message.len() > limits.message => {
                let (size, beginning) = (message.len(), Cow::Borrowed(&**message));
                let oversized = Input::Oversized { connection: *connection, size, beginning };
                return self.told(&oversized, now, limits);
            }
            Input::Oversized { connection, size, beginning } => {
                let beginning = &beginning[..beginning.len().min(KEPT_BYTES)];
                let (connection, size, beginning) = (*connection, *size, beginning.into());
                told::written(now, &Input::Oversized { connection, size, beginning })
            }
            Input::Authorization { ticket, answer } => {
                let answer = Authorization::bounded_answer(answer.clone(), limits.signed_data);
                told::written(now, &Input::Authorization { ticket: *ticket, answer })
            }
            input => told::written(now, input),
        };
        self.drained = false;
        (self.sink)(&line);
    }

    /// An action was polled, or there was none.
    pub(crate) fn polled(&mut self, action: Option<&Action>) {
        match action {
            Some(action) => self.note(&Line::Action(shown(action).into())),
            // It may have done away with what was no longer due.
            None if !self.drained => self.note(&Line::Drained {}),
            None => {}
        }
    }

    /// What an input led to.
    pub(crate) fn note(&mut self, line: &Line<'_>) {
        self.drained = matches!(line, Line::Drained {});
        (self.sink)(&line.written());
    }
}

/// The action as it stands in a recording: as its `Debug` shows it, which has no secret in it
/// (contract, C11); without what only the receiver of an encrypted event may read; and with the
/// signatures of frames, which a replay must put into the same places.
pub(super) fn shown(action: &Action) -> String {
    match action {
        Action::Emit(Event::Channel(event)) if event.was_encrypted() => {
            let (channel, name) = (event.channel(), event.name());
            let bytes = event.raw().len();
            format!("Emit(Channel(opened, {channel:?}, {name:?}, {bytes} bytes))")
        }
        Action::Send(Frame { connection, text }) => {
            format!("Send(Frame {{ connection: {connection:?}, text: {text:?} }})")
        }
        action => format!("{action:?}"),
    }
}
