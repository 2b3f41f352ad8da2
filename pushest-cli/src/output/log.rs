//! What happens to the connection, on standard error.

use std::io;

use pushest_proto::Escaped;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::Output;
use super::printer::{Printer, Stream};

impl Output {
    /// Shows the log from here on.
    pub(crate) fn log(&self, verbosity: u8) {
        let level = match verbosity {
            0 => LevelFilter::OFF,
            1 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let log = Log(self.printer.clone());
        tracing_subscriber::fmt().with_max_level(level).with_writer(log).with_ansi(false).init();
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
