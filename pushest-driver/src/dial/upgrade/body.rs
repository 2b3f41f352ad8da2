//! Where the body of an answer ends (RFC 9112, section 6.3).

use super::head::Head;

/// How much of a body is read, whatever its form.
const MOST_READ: usize = 16 * 1024;

/// The beginning of a body, as it is put together.
pub(super) struct Body {
    framing: Framing,
    /// Bytes read, with those of the framing.
    read: usize,
    content: Vec<u8>,
}

enum Framing {
    /// So many bytes are missing.
    Length(u64),
    Chunked(Chunked),
    UntilClosed,
}

impl Body {
    pub(super) fn new(head: &Head<'_>) -> Self {
        Self { framing: framing(head), read: 0, content: Vec::new() }
    }

    /// Takes the next bytes. Returns whether no more are needed.
    pub(super) fn read(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            if self.is_whole() {
                break;
            }
            self.read += 1;
            let is_content = match &mut self.framing {
                Framing::Length(left) => {
                    *left -= 1;
                    true
                }
                Framing::Chunked(chunked) => chunked.push(byte),
                Framing::UntilClosed => true,
            };
            if is_content {
                self.content.push(byte);
            }
        }
        self.is_whole()
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    fn is_whole(&self) -> bool {
        let has_ended = match &self.framing {
            Framing::Length(left) => *left == 0,
            Framing::Chunked(chunked) => matches!(chunked, Chunked::Ended),
            Framing::UntilClosed => false,
        };
        has_ended || self.read == MOST_READ
    }
}

fn framing(head: &Head<'_>) -> Framing {
    let is_plain = |element: &[u8]| element.eq_ignore_ascii_case(b"identity");
    let mut codings = head.elements("Transfer-Encoding").filter(|coding| !is_plain(coding));
    let coding = codings.next();
    let is_chunked = coding.is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    // What is compressed says nothing here, and could not be searched for what has to be hidden.
    let is_compressed = coding.is_some() && !is_chunked
        || codings.next().is_some()
        || head.elements("Content-Encoding").any(|coding| !is_plain(coding));
    if matches!(head.status, 204 | 304) || is_compressed {
        return Framing::Length(0);
    }
    if is_chunked {
        return Framing::Chunked(Chunked::Size(None));
    }
    let mut lengths = head.elements("Content-Length").map(|length| {
        let digits = std::str::from_utf8(length).ok()?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    });
    match lengths.next() {
        Some(Some(first)) if lengths.all(|length| length == Some(first)) => Framing::Length(first),
        // Without one, or with several, nobody knows.
        _ => Framing::UntilClosed,
    }
}

/// Chunks (RFC 9112, section 7.1). What breaks their rules ends the body: its beginning is all that
/// is wanted.
enum Chunked {
    /// The size of a chunk, as far as its digits are known.
    Size(Option<u64>),
    /// The rest of the line with this size.
    Extension(u64),
    /// So many bytes of the chunk are missing.
    Data(u64),
    /// The line's end behind a chunk.
    Behind,
    Ended,
}

impl Chunked {
    /// Takes a byte. Returns whether it belongs to the content.
    fn push(&mut self, byte: u8) -> bool {
        let is_content = matches!(self, Self::Data(_));
        *self = match (&*self, byte) {
            (Self::Data(1), _) => Self::Behind,
            (Self::Data(left), _) => Self::Data(left - 1),
            (Self::Size(Some(0)) | Self::Extension(0), b'\n') => Self::Ended,
            (Self::Size(Some(size)) | Self::Extension(size), b'\n') => Self::Data(*size),
            (Self::Size(size), byte) => match (char::from(byte).to_digit(16), size) {
                (Some(digit), size) => {
                    let size = size.unwrap_or_default();
                    Self::Size(Some(size.saturating_mul(16).saturating_add(digit.into())))
                }
                (None, Some(size)) if b"\r; \t".contains(&byte) => Self::Extension(*size),
                (None, _) => Self::Ended,
            },
            (Self::Extension(size), _) => Self::Extension(*size),
            (Self::Behind, b'\r') => Self::Behind,
            (Self::Behind, b'\n') => Self::Size(None),
            (Self::Behind | Self::Ended, _) => Self::Ended,
        };
        is_content
    }
}
