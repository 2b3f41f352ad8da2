//! From lines to a session that does the same, or to the line at which it does not.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::{self, Vec};
use core::fmt;
use core::iter::Peekable;

use serde_json::Value;
use serde_json::value::RawValue;

use super::actions::written;
use super::line::Line;
use super::mode::{RecordedAnswers, Trace};
use super::version::OtherVersion;
use crate::action::Action;
use crate::input::Input;
use crate::session::Session;
use crate::time::Instant;

/// A session that lives through a recording. It yields each action that it and the recording agree
/// on; the first difference is the last item. See the [module](crate::trace) for an example.
#[derive(Debug)]
pub struct Replay {
    session: Session,
    lines: Peekable<vec::IntoIter<(usize, Line<'static>)>>,
    line: usize,
    count: usize,
    now: Instant,
    library: Box<str>,
}

impl Replay {
    /// Reads a whole recording; what ends early, at the end of a line, replays up to there.
    ///
    /// # Errors
    /// [`InvalidRecording`] names the first line that is not one of a recording, and the rule; or
    /// the format of the recording, if it is not the one that this version of the library reads.
    pub fn new(recording: &str) -> Result<Self, InvalidRecording> {
        let mut lines = Vec::new();
        let mut unopened = 0;
        for (place, text) in recording.split_inclusive('\n').enumerate() {
            let line = place + 1;
            let damaged = |problem: &str| InvalidRecording { line, problem: problem.into() };
            // Another version's lines have other forms: that is said, and not how they differ.
            if place == 0
                && let Some(other) = OtherVersion::of(text)
            {
                return Err(damaged(&other.to_string()));
            }
            let parsed = Line::read(text).map_err(|error| {
                if text.ends_with('\n') {
                    damaged(&problem_of(&error))
                } else {
                    damaged("it is cut off: without it the rest can be replayed")
                }
            })?;
            if (place == 0) != matches!(parsed, Line::Trace(_)) {
                return Err(damaged("`trace` is the first line, and only that"));
            }
            match &parsed {
                Line::Told(_, Input::Message { message, .. }) => unopened += message.len(),
                // What is opened is shorter than what it came in, and is opened once.
                Line::Opened(bytes) => {
                    unopened = unopened.checked_sub(*bytes).ok_or_else(|| {
                        damaged("more was opened than the messages before it have")
                    })?;
                }
                _ => {}
            }
            lines.push((line, parsed));
        }
        let count = lines.len();
        let mut lines = lines.into_iter().peekable();
        let Some((_, Line::Trace(header))) = lines.next() else {
            return Err(InvalidRecording { line: 1, problem: "there is no line".into() });
        };
        let damaged = |problem: String| InvalidRecording { line: 1, problem: problem.into() };
        let library = header.library.as_str().into();
        let (seed, now) = (header.seed, Instant::from_micros(header.at));
        let config = header.config().map_err(|error| damaged(error.to_string()))?;
        let session =
            Session::traced(config, seed, now, Some(Trace::Replaying(RecordedAnswers::default())));
        Ok(Self { session, lines, line: 1, count, now, library })
    }

    /// Returns the session as it is at this point of the recording.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the version of this library that made the recording.
    #[must_use]
    pub fn recorded_by(&self) -> &str {
        &self.library
    }

    /// Returns the line that was replayed last, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns how many lines the recording has.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.count
    }

    /// Returns the latest time of the inputs that were replayed.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Replays the rest.
    ///
    /// # Errors
    /// The first [`Difference`].
    pub fn finish(self) -> Result<(), Difference> {
        for action in self {
            action?;
        }
        Ok(())
    }

    fn next_action(&mut self) -> Result<Option<Action>, Difference> {
        while let Some((number, line)) = self.lines.next() {
            self.line = number;
            match line {
                Line::Signed(auth) => self.answers().signatures.push_back(auth.into_owned()),
                Line::Action(recorded) => {
                    let action = self.session.poll_action();
                    let replayed = action.as_ref().map(written);
                    if replayed.as_deref().is_some_and(|replayed| is_same(&recorded, replayed)) {
                        return Ok(action);
                    }
                    return Err(self.difference(recorded.get(), replayed.as_deref()));
                }
                Line::Drained {} => {
                    if let Some(action) = self.session.poll_action() {
                        return Err(self.difference(NOTHING, Some(&written(&action))));
                    }
                }
                Line::Told(at, input) => {
                    self.now = self.now.max(at);
                    self.collect_opened();
                    // A command that was refused is refused again, which changes nothing.
                    drop(self.session.apply(input, at));
                    if !self.answers().opened.is_empty() {
                        return Err(self.difference(TRIED_TO_OPEN, None));
                    }
                }
                // Those that the input before it led to were collected with it.
                Line::Opened(_) | Line::Unopened(_) => {
                    return Err(self.difference(TRIED_TO_OPEN, None));
                }
                Line::Trace(_) => debug_assert!(false, "it is the first line, and only that"),
            }
        }
        Ok(None)
    }

    /// What the input was answered by the keys stands behind it.
    fn collect_opened(&mut self) {
        let is_opened =
            |(_, line): &(usize, Line<'_>)| matches!(line, Line::Opened(_) | Line::Unopened(_));
        while let Some((_, line)) = self.lines.next_if(is_opened) {
            self.answers().opened.extend(match line {
                Line::Opened(bytes) => Some(Ok(bytes)),
                Line::Unopened(reason) => Some(Err(reason)),
                _ => None,
            });
        }
    }

    fn answers(&mut self) -> &mut RecordedAnswers {
        match self.session.trace() {
            Some(Trace::Replaying(answers)) => answers,
            _ => unreachable!("a replay's session replays"),
        }
    }

    /// The end of the replay.
    fn difference(&mut self, recorded: &str, replayed: Option<&RawValue>) -> Difference {
        self.lines = Vec::new().into_iter().peekable();
        let replayed = replayed.map_or(NOTHING, RawValue::get).into();
        Difference { line: self.line, recorded: recorded.into(), replayed }
    }
}

const NOTHING: &str = "nothing";

const TRIED_TO_OPEN: &str = "an encrypted event was tried to be opened";

impl Iterator for Replay {
    type Item = Result<Action, Difference>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_action().transpose()
    }
}

/// Returns whether two actions say the same. A recording may have been written anew on its way
/// here, with other escapes in its texts (`pushest listen --record` does so) or other spaces.
fn is_same(recorded: &RawValue, replayed: &RawValue) -> bool {
    let value = |text: &RawValue| serde_json::from_str::<Value>(text.get()).ok();
    recorded.get() == replayed.get()
        || value(recorded).is_some_and(|recorded| Some(recorded) == value(replayed))
}

/// Returns what serde says, without its own count of lines, and with the column where it is known.
fn problem_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
    match error.column() {
        0 => crate::text::clip(text).into(),
        column => format!("{} (column {column})", crate::text::clip(text)),
    }
}

/// A line that is not one of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the recording: {problem}")]
#[non_exhaustive]
pub struct InvalidRecording {
    /// Its number, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Box<str>,
}

/// The first line at which a replay does something else than the recording says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Its number, counted from 1.
    pub line: usize,
    /// What was recorded: the action as JSON, or what else there was.
    pub recorded: Box<str>,
    /// What the replay did, likewise.
    pub replayed: Box<str>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, recorded, replayed } = self;
        write!(f, "line {line}: recorded {recorded}, replayed {replayed}")
    }
}

impl core::error::Error for Difference {}
