//! A recording from a file that may be anything.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use pushest_proto::trace::Replay;

use crate::failure::Failure;

const MIB: usize = 1024 * 1024;

/// The longest line that is read: 64 times the limit for one message (1 MiB, unless a program sets
/// another). A line about a message takes up to six times its size, a control character being written
/// as six; only a line about very many members who left at once is longer.
const LONGEST_LINE: usize = 64 * MIB;

/// Reads a recording. What is none is not read to its end: neither a line that is longer than any
/// of a recording, nor what follows a wrong first line.
pub(crate) fn read(path: &Path) -> Result<Replay, Failure> {
    let shown = path.display();
    let file = File::open(path)
        .map_err(|error| Failure::input(format_args!("{shown} cannot be read: {error}")))?;
    replay(BufReader::new(file), LONGEST_LINE)
        .map_err(|problem| Failure::input(format_args!("{shown} {problem}")))
}

fn replay(mut reader: impl BufRead, longest: usize) -> Result<Replay, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let most = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    let mut recording = String::new();
    for number in 1_u64.. {
        let wrong = |problem| format!("is damaged: line {number} of the recording: {problem}");
        let mut line = Vec::new();
        reader.by_ref().take(most).read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.len() > longest {
            let limit = longest / MIB;
            return Err(wrong(format!("it is longer than {limit} MiB, the limit for a line")));
        }
        let line = str::from_utf8(&line).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
        if line.is_empty() {
            break;
        }
        recording.push_str(line);
        if number == 1 {
            Replay::new(&recording).map_err(damaged)?;
        }
    }
    Replay::new(&recording).map_err(damaged)
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("is damaged: {error}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use pushest_proto::{Config, Instant, Session};

    use super::*;

    fn recording() -> String {
        let lines = Arc::new(Mutex::new(String::new()));
        let kept = lines.clone();
        let sink = move |line: &str| *kept.lock().unwrap() += &format!("{line}\n");
        let config = Config::builder("key").build().unwrap();
        let mut session = Session::recorded(config, 1, Instant::ORIGIN, sink);
        session.connect(Instant::ORIGIN);
        while session.poll_action().is_some() {}
        std::mem::take(&mut *lines.lock().unwrap())
    }

    /// A reader that must not be read to its end.
    fn endless(text: &str) -> impl BufRead {
        BufReader::new(io::Cursor::new(text.to_owned()).chain(io::repeat(b'x')))
    }

    #[test]
    fn a_line_up_to_the_limit_is_read_and_one_beyond_it_is_named() {
        let recording = recording();
        let longest = recording.split_inclusive('\n').map(str::len).max().unwrap();
        assert!(replay(recording.as_bytes(), longest).is_ok());
        let error = replay(recording.as_bytes(), longest - 1).unwrap_err();
        let line = recording.lines().position(|line| line.len() + 1 == longest).unwrap() + 1;
        assert!(error.contains(&format!("line {line} of the recording: it is longer")), "{error}");
    }

    #[test]
    fn what_has_no_end_is_refused_all_the_same() {
        let error = replay(endless(""), 2 * MIB).unwrap_err();
        assert!(error.contains("line 1 of the recording: it is longer than 2 MiB"), "{error}");
        let error = replay(endless(&recording()), 2 * MIB).unwrap_err();
        assert!(error.contains("it is longer than 2 MiB"), "{error}");
        let error = replay(endless("no recording\n"), usize::MAX).unwrap_err();
        assert!(error.contains("line 1 of the recording: expected"), "{error}");
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_named() {
        let bytes = [recording().as_bytes(), b"\xff\n"].concat();
        let line = recording().lines().count() + 1;
        let error = replay(&bytes[..], MIB).unwrap_err();
        assert!(error.contains(&format!("line {line} of the recording: it is not UTF-8")));
    }

    #[test]
    fn an_empty_file_is_no_recording() {
        assert!(replay(io::empty(), MIB).unwrap_err().contains("there is no line"));
    }
}
