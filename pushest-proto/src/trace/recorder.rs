//! From inputs and actions to lines.

use alloc::borrow::Cow;
use alloc::boxed::Box;

use super::actions;
use super::line::Line;
use super::told;
use crate::action::Action;
use crate::auth::request::Authorization;
use crate::config::limits::Limits;
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
            Some(action) => self.note(&Line::Action(Cow::Owned(actions::written(action)))),
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
