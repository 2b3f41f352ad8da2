//! From inputs and actions to lines.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::line::Line;
use crate::action::{Action, Frame};
use crate::event::Event;

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

    pub(crate) fn note(&mut self, line: &Line<'_>) {
        self.drained = matches!(line, Line::Drained {});
        (self.sink)(&serde_json::to_string(line).expect("texts and numbers can be written"));
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
