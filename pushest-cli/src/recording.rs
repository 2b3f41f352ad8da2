//! The file that `listen --record` writes, and that `replay` reads.

mod reading;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use self::reading::read;
use crate::failure::Failure;
use crate::output::escaped_json;

/// So long a line stays unwritten at most.
pub(crate) const FLUSH: Duration = Duration::from_secs(1);

/// A recording on its way into a file.
pub(crate) struct Recording {
    path: PathBuf,
    writer: Arc<Mutex<Writer>>,
}

struct Writer {
    /// `None` once it is over, or could not be written.
    file: Option<BufWriter<File>>,
    /// No line waits to be written.
    is_hurried: bool,
    failure: Option<io::Error>,
}

impl Recording {
    /// A new file that only its owner can read and write.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::input(format_args!(
                "{} is there already, and is not overwritten: name a new file for --record",
                path.display()
            )),
            _ => Failure::input(format_args!("{} cannot be made: {error}", path.display())),
        })?;
        let file = Some(BufWriter::new(file));
        let writer = Writer { file, is_hurried: false, failure: None };
        Ok(Self { path: path.to_path_buf(), writer: Arc::new(Mutex::new(writer)) })
    }

    /// Takes the lines. What a server sent is in them: they are escaped like those of `--json`, for
    /// those who look them through.
    pub(crate) fn sink(&self) -> impl FnMut(&str) + Send + 'static {
        let writer = self.writer.clone();
        move |line| {
            let line = escaped_json(line.to_owned());
            let mut writer = lock(&writer);
            writer.write(|file| writeln!(file, "{line}"));
            if writer.is_hurried {
                writer.write(BufWriter::flush);
            }
        }
    }

    /// Writes out what is there, and each line from here on: the process may end at any time.
    pub(crate) fn hurry(&self) {
        let mut writer = lock(&self.writer);
        writer.is_hurried = true;
        writer.write(BufWriter::flush);
    }

    /// Writes out what is there.
    pub(crate) fn flush(&self) -> Result<(), Failure> {
        let mut writer = lock(&self.writer);
        writer.write(BufWriter::flush);
        match writer.failure.take() {
            Some(error) => Err(Failure::failed(format_args!(
                "{} cannot be written: {error}",
                self.path.display()
            ))),
            None => Ok(()),
        }
    }

    /// Writes out the rest; what comes later is left out.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let result = self.flush();
        lock(&self.writer).file = None;
        result
    }
}

impl Writer {
    fn write(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if let Some(Err(error)) = self.file.as_mut().map(write) {
            self.failure = Some(error);
            self.file = None;
        }
    }
}

fn lock(writer: &Mutex<Writer>) -> MutexGuard<'_, Writer> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}
