//! Headers from the command line: `NAME: VALUE`, or `NAME: @FILE` for a value that is read from the
//! file for each request, so that a token can be renewed and stands where `ps` does not show it.
//! Values are secrets: no error holds one, nor the file's name, which may be a value that begins
//! with `@`.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The longest value that is read from a file.
const MOST_BYTES: usize = 64 * 1024;

/// What one option gives.
pub(crate) struct Headers {
    option: &'static str,
    /// Names and values.
    pub(crate) fixed: Vec<(String, String)>,
    /// Names, and the files that have the values.
    files: Vec<(String, PathBuf)>,
}

impl Headers {
    /// Reads what was given for `option`, such as `--header`.
    pub(crate) fn parse(option: &'static str, given: &[String]) -> Result<Self, Failure> {
        let mut headers = Self { option, fixed: Vec::new(), files: Vec::new() };
        for header in given {
            headers.add(header)?;
        }
        Ok(headers)
    }

    fn add(&mut self, header: &str) -> Result<(), Failure> {
        let option = self.option;
        let Some((name, value)) = header.split_once(':') else {
            return Err(Failure::input(format_args!(
                "what is given with {option} has no colon: write 'Name: value'"
            )));
        };
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            // Not quoted: with the colon forgotten or misplaced it holds a part of the value.
            return Err(Failure::input(format_args!(
                "what stands before the colon is not the name of a header for {option}: letters, \
                 digits and !#$%&'*+-.^_`|~"
            )));
        }
        let value = value.trim();
        if let Some(path) = value.strip_prefix('@') {
            self.files.push((name.to_owned(), path.into()));
            // What can be read twice is tried now. Others, such as a pipe, would be used up.
            let path = Path::new(path);
            if fs::metadata(path).map_or(true, |file| file.is_file() || file.is_dir()) {
                self.read_file(name, path).map_err(Failure::input)?;
            }
            return Ok(());
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic() || b" \t".contains(&byte)) {
            return Err(Failure::input(format_args!(
                "the value of {option} {name:?} may hold visible ASCII characters, space and tab"
            )));
        }
        self.fixed.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// The names of those whose values are read from files.
    pub(crate) fn names_of_files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(name, _)| name.as_str())
    }

    /// Reads the files.
    pub(crate) fn read(&self) -> Result<Vec<(String, String)>, String> {
        let read =
            |(name, path): &(String, PathBuf)| Ok((name.clone(), self.read_file(name, path)?));
        self.files.iter().map(read).collect()
    }

    fn read_file(&self, name: &str, path: &Path) -> Result<String, String> {
        let failed = |problem: &dyn std::fmt::Display| {
            format!("the file with the value of {} {name:?} cannot be used: {problem}", self.option)
        };
        let mut bytes = Vec::new();
        // One more than allowed shows that there is more.
        let most = MOST_BYTES as u64 + 1;
        File::open(path)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .map_err(|error| failed(&error))?;
        if bytes.len() > MOST_BYTES {
            return Err(failed(&"it has more than 64 KiB"));
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        if bytes.is_empty() {
            return Err(failed(&"it is empty"));
        }
        let is_plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        match String::from_utf8(bytes) {
            Ok(value) if is_plain => Ok(value),
            _ => Err(failed(&"it may hold visible ASCII characters and spaces, on one line")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(bytes: &[u8]) -> Result<String, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let headers = Headers { option: "--header", fixed: Vec::new(), files: Vec::new() };
        headers.read_file("X", file.path())
    }

    #[test]
    fn one_line_end_is_cut_and_control_characters_are_refused() {
        let value = |text: &str| Ok(text.to_owned());
        assert_eq!(read(b"Bearer t0ken"), value("Bearer t0ken"));
        assert_eq!(read(b"t0ken\n"), value("t0ken"));
        assert_eq!(read(b"t0ken\r\n"), value("t0ken"));
        let longest = vec![b'x'; MOST_BYTES];
        assert_eq!(read(&longest).map(|value| value.len()), Ok(MOST_BYTES));
        let longer = vec![b'x'; MOST_BYTES + 1];
        let refused: [&[u8]; 11] = [
            b"t0ken\n\n",
            b"t0ken\r",
            b"\nt0ken",
            b"t0k\nen",
            b"t0k\ten",
            b"t0k\0en",
            b"t0k\x7fen",
            "t0kén".as_bytes(),
            b"\xfft0ken",
            b"\n",
            &longer,
        ];
        for bytes in refused {
            let error = read(bytes).expect_err("it is no value");
            assert!(error.contains("--header \"X\""), "{error}");
            assert!(!error.contains("t0k"), "{error}");
        }
    }

    #[test]
    fn a_file_is_read_each_time_and_its_name_is_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        fs::write(path, "first").unwrap();
        let given = [format!("X: @{path}"), "Y: 1".to_owned()];
        let headers = Headers::parse("--header", &given).ok().unwrap();
        let value =
            || headers.read().map(|read| read.into_iter().map(|(_, value)| value).collect());
        assert_eq!(value(), Ok(vec!["first".to_owned()]));
        fs::write(path, "second\n").unwrap();
        assert_eq!(value(), Ok(vec!["second".to_owned()]));
        let name = path.to_owned();
        drop(file);
        let error = value().expect_err("it is gone");
        assert!(error.contains("\"X\"") && !error.contains(&name), "{error}");
    }
}
