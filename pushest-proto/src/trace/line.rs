//! The lines of a recording. Their names and fields are the format: a change of them is a new
//! [`VERSION`](super::version::VERSION).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::header::Header;
use super::texts::FailureText;
use super::told;
use crate::channel::encrypted::DecryptionFailure;
use crate::input::Input;
use crate::time::Instant;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Line<'a> {
    /// The first line.
    Trace(Box<Header>),
    /// What the session was told, and when. These lines have kinds of their own: see [`told`].
    #[serde(skip)]
    Told(Instant, Input<'a>),

    // What came of it.
    /// An encrypted event was opened; the number of its bytes.
    Opened(usize),
    /// An encrypted event could not be opened.
    Unopened(#[serde(with = "FailureText")] DecryptionFailure),
    /// A signature: `KEY:HEX`.
    Signed(Cow<'a, str>),
    /// An action was polled.
    Action(Cow<'a, RawValue>),
    /// There was nothing more to poll.
    Drained {},
}

/// The kinds of line that are not of inputs.
const OTHERS: [&str; 6] = ["trace", "opened", "unopened", "signed", "action", "drained"];

impl Line<'static> {
    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        if OTHERS.contains(&kind(text)) {
            return serde_json::from_str(text);
        }
        told::read(text, kind(text)).map(|(at, input)| Self::Told(at, input))
    }
}

impl Line<'_> {
    pub(super) fn written(&self) -> String {
        match self {
            Self::Told(at, input) => told::written(*at, input),
            other => serde_json::to_string(other).expect("texts and numbers can be written"),
        }
    }
}

/// Returns the name of the first member of an object; of anything else, something that is no kind
/// of line.
fn kind(text: &str) -> &str {
    let name = text.trim_ascii_start().strip_prefix('{').map(str::trim_ascii_start);
    name.and_then(|name| name.strip_prefix('"')?.split('"').next()).unwrap_or_default()
}
