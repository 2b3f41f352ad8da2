//! The version of the format, and how another one is told.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::text::clip;

/// The version of the format. 4: actions in a form of their own. 3: what was read up to when, the
/// wall clock, and the beginning of gaps on it. 2: schedules of pauses and the limit of `Retry-After`
/// in the header, other draws of the jitter, and errors that end an attempt.
pub(super) const VERSION: u32 = 4;

/// The version of this library.
pub(super) const LIBRARY: &str = env!("CARGO_PKG_VERSION");

/// A format that this version of the library does not read.
pub(super) struct OtherVersion {
    version: Box<str>,
    /// The version of the library that wrote it.
    library: Option<Box<str>>,
}

impl OtherVersion {
    /// Reads the first line of a recording, whatever else stands in it: in another version of the
    /// format, nothing but the place of the version can be relied on.
    pub(super) fn of(first_line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct First<'a> {
            #[serde(borrow)]
            trace: Versions<'a>,
        }
        #[derive(Deserialize)]
        struct Versions<'a> {
            #[serde(borrow)]
            version: &'a RawValue,
            #[serde(borrow)]
            library: Option<&'a RawValue>,
        }
        let First { trace } = serde_json::from_str(first_line).ok()?;
        let version = trace.version.get();
        if version.parse() == Ok(VERSION) {
            return None;
        }
        let library = trace.library.and_then(|library| {
            serde_json::from_str::<Cow<'_, str>>(library.get()).ok().map(|library| clip(&library))
        });
        Some(Self { version: clip(version), library })
    }
}

impl fmt::Display for OtherVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it has format {}", self.version)?;
        if let Some(library) = &self.library {
            write!(f, ", written by version {library}")?;
        }
        write!(f, "; this version, {LIBRARY}, reads format {VERSION} only")
    }
}
