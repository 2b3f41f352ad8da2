//! Lines for people and lines for programs: [`Line`] is what standard output can carry, in both
//! forms. Status goes to standard error. Both are written by the [`Printer`], and by nothing else.

mod backend;
mod beside;
mod clock;
mod end;
mod line;
mod log;
mod painter;
mod printer;
#[cfg(test)]
mod samples;
mod served;
mod text;

use std::fmt::Display;
use std::io;

pub(crate) use self::backend::Backend;
pub(crate) use self::beside::ms_up;
pub(crate) use self::end::PATIENCE;
pub(crate) use self::line::{Line, Outcome};
use self::painter::Painter;
pub(crate) use self::painter::escaped_json;
pub(crate) use self::printer::without_threads;
use self::printer::{Printer, Stream};
#[cfg(test)]
pub(crate) use self::samples::kinds;
pub(crate) use self::served::Served;
use self::text::QUIET;
use anstream::{AutoStream, ColorChoice};
use anstyle::Style;

/// What the lines of a command carry beside what they say.
#[derive(Clone, Copy, Default)]
pub(crate) struct Form {
    /// One JSON object a line on standard output.
    pub(crate) is_json: bool,
    /// The time, in each line of standard output.
    pub(crate) has_times: bool,
    /// With JSON, what people read on standard error is on standard output, too.
    pub(crate) tells_all: bool,
    /// With JSON, why the command failed is the last line of standard output.
    pub(crate) tells_errors: bool,
}

/// Standard output and standard error of a command.
#[derive(Clone)]
pub(crate) struct Output {
    form: Form,
    out_has_colours: bool,
    err_has_colours: bool,
    printer: Printer,
}

impl Output {
    pub(crate) fn new(form: Form) -> io::Result<Self> {
        let has_colours = |choice| matches!(choice, ColorChoice::Always | ColorChoice::AlwaysAnsi);
        Ok(Self {
            form,
            out_has_colours: has_colours(AutoStream::choice(&io::stdout())),
            err_has_colours: has_colours(AutoStream::choice(&io::stderr())),
            printer: Printer::start()?,
        })
    }

    /// Prints one of a few lines.
    pub(crate) fn line(&self, line: &Line<'_>) -> io::Result<()> {
        if self.is_only_aside(line) {
            return Ok(());
        }
        self.printer.print_now(Stream::Out, self.text(line))
    }

    /// Prints a text of this program's own as it is, all of its lines.
    pub(crate) fn verbatim(&self, text: String) -> io::Result<()> {
        self.printer.print_now(Stream::Out, text)
    }

    /// Prints one of any number of lines: waits while too many of them are not read. It is there
    /// at once, in a pipe, too. Once a command that was told to end has waited for
    /// [long enough](Self::hurry), the line is counted instead.
    pub(crate) async fn next_line(&self, line: &Line<'_>) -> io::Result<()> {
        if self.is_only_aside(line) {
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

    /// Prints a line for programs that are told all, and nothing for people, who are told so
    /// otherwise.
    pub(crate) async fn for_programs(&self, line: &Line<'_>) -> io::Result<()> {
        if !(self.form.is_json && self.form.tells_all) {
            return Ok(());
        }
        self.printer.print(Stream::Out, self.text(line), line.weight()).await
    }

    /// Prints a line for programs; people are told the same on standard error.
    pub(crate) fn only_json(&self, line: &Line<'_>) -> io::Result<()> {
        if !self.form.is_json {
            return Ok(());
        }
        self.printer.print_now(Stream::Out, self.text(line))
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
        self.also(&Line::Note { text: text.to_string() });
    }

    /// Says on standard error that something is not as it should be.
    pub(crate) fn warning(&self, text: impl Display) {
        self.also(&Line::Warning { text: text.to_string() });
    }

    /// Says on standard error what is no result; for programs that are told all it is a line, too.
    fn also(&self, line: &Line<'_>) {
        self.say_aside(line);
        if self.form.is_json && self.form.tells_all {
            // That standard output is closed is noticed by those who print results.
            let _ = self.printer.print_now(Stream::Out, self.text(line));
        }
    }

    /// Says on standard error what people read there. Returns whether that is all: for programs it is
    /// a line besides.
    fn is_only_aside(&self, line: &Line<'_>) -> bool {
        self.say_aside(line) && !self.form.is_json
    }

    /// Says on standard error what people read there, if there is anything. Returns whether there is.
    fn say_aside(&self, line: &Line<'_>) -> bool {
        let Some((style, text)) = line.aside() else { return false };
        self.say(style, text);
        true
    }

    fn say(&self, style: Style, text: impl Display) {
        let mut painter = Painter::new(self.err_has_colours);
        if self.form.has_times && !self.form.is_json {
            painter.styled(QUIET, clock::now()).text("  ");
        }
        painter.styled(style, text);
        // There is nowhere left to report that standard error is closed.
        let _ = self.printer.print_now(Stream::Err, painter.finish());
    }

    fn text(&self, line: &Line<'_>) -> String {
        let time = self.form.has_times.then(clock::now);
        if self.form.is_json {
            return line.json(time.as_deref());
        }
        let mut painter = Painter::new(self.out_has_colours);
        if let Some(time) = time {
            painter.styled(QUIET, time).text("  ");
        }
        line.paint(&mut painter);
        painter.finish()
    }
}
