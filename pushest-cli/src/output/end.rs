//! How a command ends: with everything printed, or with what is missing told.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;

use super::Output;
use super::line::Line;
use super::painter::Painter;
use super::printer::Stream;
use crate::failure::Failure;
use crate::interruption;

/// How long a command that was told to end waits, above all for what it said to be read.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Time limit for writing what standard error is told at the very end: what was not read, and why the
/// command failed.
const REPORT_TIMEOUT: Duration = Duration::from_millis(200);

impl Output {
    /// The command was told to end: from here on nothing waits for longer than a second.
    pub(crate) fn hurry(&self) {
        self.printer.hurry(Instant::now() + PATIENCE);
    }

    /// Waits for everything to be printed, says why the command failed if it did, and returns the
    /// exit status. A command that came to its own end waits however slowly its output is read,
    /// until a signal comes; one that was told to end waits for a second.
    pub(crate) async fn finish(&self, result: Result<(), Failure>) -> ExitCode {
        // Where signals cannot be watched, they end the process by themselves.
        let _ = interruption::watch();
        let was_told = interruption::seen().is_some();
        if was_told || matches!(result, Err(Failure::TimedOut(_))) {
            self.hurry();
        }
        if let Err(failure) = &result
            && let Some(text) = failure.text()
            && self.form.is_json
            && self.form.tells_errors
        {
            // Where it cannot be written, that is the next thing noticed.
            let _ = self.printer.print_now(Stream::Out, self.text(&Line::Error { text }));
        }
        self.settle(Stream::Out).await;
        let result = match self.printer.failure(Stream::Out) {
            Some(error) => result.and(Err(error.into())),
            None => result,
        };
        self.say_last(&result);
        self.printer.allow(Instant::now() + REPORT_TIMEOUT);
        self.settle(Stream::Err).await;

        let unprinted = [Stream::Out, Stream::Err].map(|stream| self.printer.unprinted(stream));
        match (result, interruption::seen()) {
            (Err(failure), _) => failure.status(),
            (Ok(()), Some(signal)) if !was_told && unprinted != [0, 0] => {
                Failure::Interrupted(signal).status()
            }
            (Ok(()), _) => ExitCode::SUCCESS,
        }
    }

    /// Waits until a stream is written out.
    async fn settle(&self, stream: Stream) {
        let drained = self.printer.drained(stream);
        tokio::pin!(drained);
        tokio::select! {
            biased;
            () = &mut drained => {}
            _ = interruption::first() => {
                self.hurry();
                drained.await;
            }
        }
    }

    fn say_last(&self, result: &Result<(), Failure>) {
        let lines = |count| match count {
            1 => "1 line was".to_owned(),
            _ => format!("{count} lines were"),
        };
        match self.printer.unprinted(Stream::Out) {
            0 => {}
            count => self.warning(format_args!(
                "{} not printed: nobody read standard output in time",
                lines(count)
            )),
        }
        match self.printer.missed(Stream::Err) {
            0 => {}
            count => self.warning(format_args!(
                "{} left out here: nobody read standard error in time",
                lines(count)
            )),
        }
        if let Err(failure) = result
            && let Some(text) = failure.text()
        {
            let mut painter = Painter::new(false);
            painter.text(format_args!("error: {text}"));
            self.printer.print_last(Stream::Err, painter.finish());
        }
    }
}
