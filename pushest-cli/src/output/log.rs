//! What happens to the connection, on standard error.

use std::io;

use pushest_proto::Escaped;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use super::Output;
use super::printer::{Printer, Stream};

impl Output {
    /// Shows the log of our clients from here on: with 1 what happens to the connection, with 2 each
    /// frame, too. What other libraries log is not masked, and stays out.
    pub(crate) fn log(&self, verbosity: u8) {
        let level = match verbosity {
            0 => LevelFilter::OFF,
            1 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let log = Log(self.printer.clone());
        let layer = fmt::layer().with_writer(log).with_ansi(false);
        let ours = Targets::new().with_target("pushest", level);
        registry().with(layer.with_filter(ours)).init();
    }
}

/// Takes records as one line each. Clients log while they work, and cannot wait: where the reader
/// of standard error is too slow, records are left out, and counted.
struct Log(Printer);

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl io::Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        self.0.print_now(Stream::Err, format!("{}\n", Escaped(text)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
