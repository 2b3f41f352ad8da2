//! Lines for people and lines for programs: [`Line`] is what standard output can carry, in both
//! forms. Status goes to standard error.

mod line;
mod report;
mod text;

use std::fmt::Display;
use std::io::{self, Write as _};

pub(crate) use self::line::{Line, Outcome};
pub(crate) use self::text::printable;
use self::text::{QUIET, WARNING, styled};

/// Standard output and standard error of a command.
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Writes a line and flushes it, so that it is there at once in a pipe, too. What is a warning
    /// for people goes to standard error, and for programs is a line besides.
    pub(crate) fn line(&self, line: &Line<'_>) -> io::Result<()> {
        if let Line::Unrouted { .. } = line {
            self.warning(line);
            if !self.is_json {
                return Ok(());
            }
        }
        if self.is_json {
            let mut text = serde_json::to_string(line).expect("strings and numbers only");
            text.push('\n');
            // Not through anything that takes colours out: it would look into the data.
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        } else {
            let mut stdout = anstream::stdout().lock();
            writeln!(stdout, "{line}")?;
            stdout.flush()
        }
    }

    /// Says on standard error what happens meanwhile.
    pub(crate) fn status(&self, text: impl Display) {
        // There is nowhere left to report that standard error is closed.
        let _ = writeln!(anstream::stderr(), "{}", styled(QUIET, &text.to_string()));
    }

    /// Says on standard error that something is not as it should be.
    pub(crate) fn warning(&self, text: impl Display) {
        let text = format!("warning: {text}");
        let _ = writeln!(anstream::stderr(), "{}", styled(WARNING, &text));
    }
}
