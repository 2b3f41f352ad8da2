//! Lines for people and lines for programs: [`Line`] is what standard output can carry, in both
//! forms. Status goes to standard error. Both are written by the [`Printer`], and by nothing else.

mod end;
mod line;
mod log;
mod painter;
mod printer;
mod report;
#[cfg(test)]
mod samples;
mod text;

use std::fmt::Display;
use std::io;

pub(crate) use self::end::PATIENCE;
pub(crate) use self::line::{Line, Outcome};
use self::painter::Painter;
pub(crate) use self::painter::escaped_json;
pub(crate) use self::printer::without_threads;
use self::printer::{Printer, Stream};
use self::text::{QUIET, WARNING};
use anstream::{AutoStream, ColorChoice};
use anstyle::Style;

/// Standard output and standard error of a command.
pub(crate) struct Output {
    is_json: bool,
    out_has_colours: bool,
    err_has_colours: bool,
    printer: Printer,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> io::Result<Self> {
        let has_colours = |choice| matches!(choice, ColorChoice::Always | ColorChoice::AlwaysAnsi);
        Ok(Self {
            is_json,
            out_has_colours: has_colours(AutoStream::choice(&io::stdout())),
            err_has_colours: has_colours(AutoStream::choice(&io::stderr())),
            printer: Printer::start()?,
        })
    }

    /// Prints one of a few lines.
    pub(crate) fn line(&self, line: &Line<'_>) -> io::Result<()> {
        if self.is_told_as_warning(line) {
            return Ok(());
        }
        self.printer.print_now(Stream::Out, self.text(line))
    }

    /// Prints a text as a line of its own, with `--json`, too.
    pub(crate) fn plain(&self, text: impl Display) -> io::Result<()> {
        let mut painter = Painter::new(false);
        painter.text(text);
        self.printer.print_now(Stream::Out, painter.finish())
    }

    /// Prints one of any number of lines: waits while too many of them are not read. It is there
    /// at once, in a pipe, too. Once a command that was told to end has waited for
    /// [long enough](Self::hurry), the line is counted instead.
    pub(crate) async fn next_line(&self, line: &Line<'_>) -> io::Result<()> {
        if self.is_told_as_warning(line) {
            return Ok(());
        }
        self.printer.print(Stream::Out, self.text(line), line.weight()).await
    }

    /// Prints lines like [`next_line`](Self::next_line). Whenever this is given up, all that are
    /// not printed are counted.
    pub(crate) async fn lines<'a>(
        &self,
        lines: impl ExactSizeIterator<Item = Line<'a>>,
    ) -> io::Result<()> {
        let mut rest = self.printer.owe(Stream::Out, lines.len() as u64);
        for line in lines {
            // From here on it counts for itself.
            rest.weight -= 1;
            self.next_line(&line).await.inspect_err(|_| rest.weight = 0)?;
        }
        Ok(())
    }

    /// Waits while too much on standard error is not read.
    pub(crate) async fn ready(&self) {
        self.printer.ready(Stream::Err).await;
    }

    /// Waits until standard output cannot be written.
    pub(crate) async fn failed(&self) -> io::Error {
        self.printer.failed(Stream::Out).await
    }

    /// Says on standard error what happens meanwhile.
    pub(crate) fn status(&self, text: impl Display) {
        self.say(QUIET, text);
    }

    /// Says on standard error that something is not as it should be.
    pub(crate) fn warning(&self, text: impl Display) {
        self.say(WARNING, format_args!("warning: {text}"));
    }

    /// Says on standard error what is a warning for people. Returns whether that is all: for
    /// programs it is a line besides.
    fn is_told_as_warning(&self, line: &Line<'_>) -> bool {
        match line.warning() {
            Some(text) => {
                self.warning(text);
                !self.is_json
            }
            None => false,
        }
    }

    fn say(&self, style: Style, text: impl Display) {
        let mut painter = Painter::new(self.err_has_colours);
        painter.styled(style, text);
        // There is nowhere left to report that standard error is closed.
        let _ = self.printer.print_now(Stream::Err, painter.finish());
    }

    fn text(&self, line: &Line<'_>) -> String {
        if self.is_json {
            line.json()
        } else {
            let mut painter = Painter::new(self.out_has_colours);
            line.paint(&mut painter);
            painter.finish()
        }
    }
}
