//! The heads of responses, gathered byte by byte, so that it makes no difference how they arrive,
//! and parsed once, at the blank line.

use httparse::{EMPTY_HEADER, Header, ParserConfig, Response, Status};

/// Maximum number of bytes of all heads together, those of informational responses included.
const MOST_BYTES: usize = 64 * 1024;
const MOST_HEADERS: usize = 1_024;

/// The beginning of every response, except for the digit of the minor version.
const BEGIN: &[u8] = b"HTTP/1.? ";

/// Gathers one head after the other.
#[derive(Default)]
pub(crate) struct Heads {
    /// The head that is gathered now.
    bytes: Vec<u8>,
    /// Where its last line begins, and how many are whole.
    line: usize,
    lines: usize,
    /// Bytes and header lines of all heads so far.
    read: usize,
    headers: usize,
}

impl Heads {
    /// Takes one byte. Returns whether a head is whole with it.
    ///
    /// # Errors
    /// What is wrong, once no more bytes can mend it.
    pub(crate) fn push(&mut self, byte: u8) -> Result<bool, &'static str> {
        self.read += 1;
        if self.read > MOST_BYTES {
            return Err("the heads of its answers are larger than 64 KiB");
        }
        if byte.is_ascii_control() && !b"\t\r\n".contains(&byte) {
            return Err("a control character stands in the head of its answer");
        }
        self.bytes.push(byte);
        if self.lines == 0 && !self.may_be_http() {
            return Err("it does not answer with HTTP/1.1");
        }
        if byte != b'\n' {
            return Ok(false);
        }
        let line = &self.bytes[self.line..self.bytes.len() - 1];
        let is_blank = matches!(line, [] | [b'\r']);
        self.line = self.bytes.len();
        if is_blank && self.lines == 0 {
            // Ahead of the status line they mean nothing (RFC 9112, section 2.2).
            self.restart();
            return Ok(false);
        }
        if !is_blank {
            self.lines += 1;
            self.headers += usize::from(self.lines > 1);
            if self.headers > MOST_HEADERS {
                return Err("its answers have more than 1,024 headers");
            }
        }
        Ok(is_blank)
    }

    /// Returns whether anything has arrived at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.read == 0
    }

    /// Parses the head that is whole.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(&self) -> Result<Head<'_>, String> {
        let mut headers = vec![EMPTY_HEADER; self.lines];
        let mut response = Response::new(&mut headers);
        let mut config = ParserConfig::default();
        // A user agent takes a line that goes on in the next as if there were a space
        // (RFC 9112, section 5.2).
        config.allow_obsolete_multiline_headers_in_responses(true);
        let bad = |what: &str| format!("its answer is not HTTP: {what}");
        match config.parse_response(&mut response, &self.bytes) {
            Ok(Status::Complete(length)) if length == self.bytes.len() => {}
            Ok(_) => return Err(bad("its head has no end")),
            Err(error) => return Err(bad(&error.to_string())),
        }
        let (Some(version), Some(status)) = (response.version, response.code) else {
            return Err(bad("there is no status"));
        };
        Ok(Head { version, status, headers: response.headers.to_vec() })
    }

    /// Forgets the head that is whole; the next one begins.
    pub(crate) fn restart(&mut self) {
        self.bytes.clear();
        (self.line, self.lines) = (0, 0);
    }

    fn may_be_http(&self) -> bool {
        let mut pairs = self.bytes.iter().zip(BEGIN);
        match *self.bytes {
            [b'\r'] | [b'\n'] | [b'\r', b'\n'] => true,
            _ => pairs.all(|(byte, wanted)| match wanted {
                b'?' => matches!(byte, b'0' | b'1'),
                wanted => byte == wanted,
            }),
        }
    }
}

/// An answer's status and headers.
pub(crate) struct Head<'a> {
    /// The version's minor part.
    pub(crate) version: u8,
    pub(crate) status: u16,
    headers: Vec<Header<'a>>,
}

impl<'a> Head<'a> {
    /// Returns the values of the headers of this name, in their order.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.headers.iter().filter(move |one| one.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value.trim_ascii())
    }

    /// Returns the elements of a list, which may stand in several lines; empty ones do not count
    /// (RFC 9110, section 5.6.1).
    pub(crate) fn elements(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let elements = self.values(name).flat_map(|value| value.split(|byte| *byte == b','));
        elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
    }

    /// Returns whether a list has this element, in letters of either case.
    pub(crate) fn lists(&self, name: &str, element: &str) -> bool {
        self.elements(name).any(|found| found.eq_ignore_ascii_case(element.as_bytes()))
    }
}
