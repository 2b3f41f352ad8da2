//! The body of a response: where it ends (RFC 9112, section 6.3), and its bytes.

use crate::dial::upgrade::head::Head;

/// Maximum size of the answer to a call that was carried out, in bytes: the names of some hundred
/// thousand channels.
const MOST_ANSWER: usize = 16 * 1024 * 1024;

/// Maximum number of bytes of an error page that are read: a few words of it are shown.
const MOST_REFUSAL: usize = 16 * 1024;

/// A body as it is put together.
#[derive(Debug)]
pub(super) struct Body {
    framing: Framing,
    content: Vec<u8>,
    is_refusal: bool,
    /// There was more than is read.
    is_cut: bool,
}

#[derive(Debug)]
enum Framing {
    /// The number of bytes that are missing.
    Length(u64),
    Chunked(Chunk),
    UntilClosed,
}

/// How far a body in chunks is (RFC 9112, section 7.1).
#[derive(Debug)]
enum Chunk {
    /// In the line of a chunk's size: the size so far, the number of its digits, and whether they
    /// are over.
    Size {
        size: u64,
        digits: u8,
        are_over: bool,
    },
    /// The number of bytes of the chunk that are missing.
    Data(u64),
    /// Behind a chunk, before the end of its line.
    Behind,
    /// In a line behind the last chunk: whether it is empty so far.
    Trailer {
        is_empty: bool,
    },
    Ended,
}

impl Chunk {
    const BEGIN: Self = Self::Size { size: 0, digits: 0, are_over: false };
}

impl Body {
    /// # Errors
    /// What is wrong with the response's head.
    pub(super) fn new(head: &Head<'_>, is_refusal: bool) -> Result<Self, &'static str> {
        let framing = framing(head)?;
        Ok(Self { framing, content: Vec::new(), is_refusal, is_cut: false })
    }

    /// Creates the body of a refusal that cannot be read.
    pub(super) fn unread() -> Self {
        let framing = Framing::UntilClosed;
        Self { framing, content: Vec::new(), is_refusal: true, is_cut: true }
    }

    /// Takes the next bytes, and returns those that belong to it no longer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read<'a>(&mut self, mut bytes: &'a [u8]) -> Result<&'a [u8], &'static str> {
        while !bytes.is_empty() && !self.is_whole() {
            match &mut self.framing {
                Framing::Length(left) => {
                    let (taken, rest) = split(bytes, *left);
                    *left -= taken.len() as u64;
                    bytes = rest;
                    self.take(taken)?;
                }
                Framing::UntilClosed => {
                    self.take(bytes)?;
                    bytes = &[];
                }
                Framing::Chunked(Chunk::Data(left)) => {
                    let (taken, rest) = split(bytes, *left);
                    *left -= taken.len() as u64;
                    if *left == 0 {
                        self.framing = Framing::Chunked(Chunk::Behind);
                    }
                    bytes = rest;
                    self.take(taken)?;
                }
                Framing::Chunked(chunk) => {
                    chunk.push(bytes[0])?;
                    bytes = &bytes[1..];
                }
            }
        }
        Ok(bytes)
    }

    /// Returns whether no more bytes belong to it, or are wanted.
    pub(super) fn is_whole(&self) -> bool {
        self.is_cut
            || match &self.framing {
                Framing::Length(left) => *left == 0,
                Framing::Chunked(chunk) => matches!(chunk, Chunk::Ended),
                Framing::UntilClosed => false,
            }
    }

    /// Returns whether it is whole where the connection ends here.
    pub(super) fn ends_with_connection(&self) -> bool {
        self.is_whole() || matches!(self.framing, Framing::UntilClosed)
    }

    /// Returns whether another response may follow on the connection.
    pub(super) fn lets_another_follow(&self) -> bool {
        !self.is_cut && self.is_whole()
    }

    pub(super) fn into_content(self) -> Vec<u8> {
        self.content
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let most = if self.is_refusal { MOST_REFUSAL } else { MOST_ANSWER };
        let room = most - self.content.len();
        if bytes.len() <= room {
            self.content.extend_from_slice(bytes);
            return Ok(());
        }
        if !self.is_refusal {
            return Err("its answer is larger than 16 MiB");
        }
        self.content.extend_from_slice(&bytes[..room]);
        self.is_cut = true;
        Ok(())
    }
}

fn split(bytes: &[u8], most: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(most).map_or(bytes.len(), |most| most.min(bytes.len())))
}

fn framing(head: &Head<'_>) -> Result<Framing, &'static str> {
    let is_plain = |element: &[u8]| element.eq_ignore_ascii_case(b"identity");
    // Nothing of the kind was asked for.
    if head.elements("Content-Encoding").any(|coding| !is_plain(coding)) {
        return Err("its answer is compressed");
    }
    if matches!(head.status, 204 | 304) {
        return Ok(Framing::Length(0));
    }
    let mut codings = head.elements("Transfer-Encoding").filter(|coding| !is_plain(coding));
    if let Some(coding) = codings.next() {
        if !coding.eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
            return Err("its answer has a transfer coding that was not asked for");
        }
        return Ok(Framing::Chunked(Chunk::BEGIN));
    }
    let mut lengths = head.elements("Content-Length").map(|length| {
        let digits = std::str::from_utf8(length).ok()?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    });
    match lengths.next() {
        None => Ok(Framing::UntilClosed),
        Some(Some(first)) if lengths.all(|length| length == Some(first)) => {
            Ok(Framing::Length(first))
        }
        Some(_) => Err("its answer has no length that could be read"),
    }
}

impl Chunk {
    /// Takes a byte that is none of the content.
    fn push(&mut self, byte: u8) -> Result<(), &'static str> {
        let wrong = Err("its answer breaks the rules of chunks");
        *self = match (&*self, byte) {
            (Self::Size { size: 0, digits: 1.., .. }, b'\n') => Self::Trailer { is_empty: true },
            (Self::Size { size, digits: 1.., .. }, b'\n') => Self::Data(*size),
            (Self::Size { size, digits, are_over: true }, _) => {
                Self::Size { size: *size, digits: *digits, are_over: true }
            }
            (Self::Size { size, digits, .. }, byte) => match char::from(byte).to_digit(16) {
                Some(digit) if *digits < 15 => Self::Size {
                    size: size * 16 + u64::from(digit),
                    digits: digits + 1,
                    are_over: false,
                },
                None if *digits > 0 && b"\r; \t".contains(&byte) => {
                    Self::Size { size: *size, digits: *digits, are_over: true }
                }
                _ => return wrong,
            },
            (Self::Behind, b'\r') => Self::Behind,
            (Self::Behind, b'\n') => Self::BEGIN,
            (Self::Trailer { is_empty: true }, b'\n') => Self::Ended,
            (Self::Trailer { is_empty: true }, b'\r') => Self::Trailer { is_empty: true },
            (Self::Trailer { .. }, byte) => Self::Trailer { is_empty: byte == b'\n' },
            (Self::Behind | Self::Data(_) | Self::Ended, _) => return wrong,
        };
        Ok(())
    }
}
