//! Whether a session is recorded, or replays a recording.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt;

use bytestring::ByteString;

use super::line::Line;
use super::recorder::Recorder;
use crate::channel::encrypted::DecryptionFailure;

/// Recording, or replaying.
pub(crate) enum Trace {
    Recording(Recorder),
    /// Replays a recording, from which the results of all secrets come.
    Replaying(RecordedAnswers),
}

impl Trace {
    /// A signature: made and noted, or taken from the recording.
    pub(crate) fn signed(&mut self, sign: impl FnOnce() -> String) -> String {
        match self {
            Self::Recording(recorder) => {
                let auth = sign();
                recorder.note(&Line::Signed(auth.as_str().into()));
                auth
            }
            Self::Replaying(answers) => answers.next_signature(),
        }
    }

    /// The data of an encrypted event: opened and its length noted, or as much of nothing.
    pub(crate) fn opened(
        &mut self,
        open: impl FnOnce() -> Result<ByteString, DecryptionFailure>,
    ) -> Result<ByteString, DecryptionFailure> {
        match self {
            Self::Recording(recorder) => {
                let result = open();
                recorder.note(&match &result {
                    Ok(text) => Line::Opened(text.len()),
                    Err(reason) => Line::Unopened(*reason),
                });
                result
            }
            Self::Replaying(answers) => answers.next_opened(),
        }
    }
}

/// Always the same, so that it is no part of the session's state.
impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace(…)")
    }
}

/// The results of secrets when the session was recorded.
#[derive(Default)]
pub(crate) struct RecordedAnswers {
    pub(super) signatures: VecDeque<String>,
    pub(super) opened: VecDeque<Result<usize, DecryptionFailure>>,
}

impl RecordedAnswers {
    /// One that is missing becomes an action that differs.
    fn next_signature(&mut self) -> String {
        self.signatures.pop_front().unwrap_or_default()
    }

    fn next_opened(&mut self) -> Result<ByteString, DecryptionFailure> {
        let opened = self.opened.pop_front().unwrap_or(Err(DecryptionFailure::WrongKey));
        opened.map(|bytes| "*".repeat(bytes).into())
    }
}
