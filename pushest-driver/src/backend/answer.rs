//! Reads the response to a request, from bytes in pieces of any size.

use std::time::Duration;

use pushest_proto::api::HttpAnswer;

use super::body::Body;
use crate::dial::upgrade::head::{Head, Heads};

/// A response that is whole, as far as it is wanted.
#[derive(Debug)]
pub(crate) struct Received {
    status: u16,
    date: Option<String>,
    retry_after: Option<String>,
    location: Option<String>,
    body: Vec<u8>,
    /// How long the server keeps the connection; `None` if this was the last response.
    keeps: Option<Duration>,
}

impl Received {
    /// Returns what the core reads of it.
    pub(super) fn answer(&self) -> HttpAnswer<'_> {
        let headers = [
            ("Date", &self.date),
            ("Retry-After", &self.retry_after),
            ("Location", &self.location),
        ];
        let given = headers.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        HttpAnswer::new(self.status, &self.body).headers(given)
    }

    #[cfg(feature = "__fuzzing")]
    pub(crate) fn into_parts(self) -> (u16, Vec<u8>) {
        (self.status, self.body)
    }

    pub(super) fn keeps(&self) -> Option<Duration> {
        self.keeps
    }

    /// Returns it as the last one of its connection.
    pub(super) fn without_another(mut self) -> Self {
        self.keeps = None;
        self
    }
}

/// Reads one response.
#[derive(Default)]
pub(crate) struct Reader {
    heads: Heads,
    begun: Option<(Received, Body)>,
}

/// The state of the response.
#[derive(Debug)]
pub(crate) enum Step {
    /// More has to come.
    More,
    /// The server has refused; more of the reason may come.
    Refused,
    Whole(Received),
}

impl Reader {
    /// Reads the next bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Result<Step, Box<str>> {
        while self.begun.is_none() {
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(Step::More) };
            bytes = rest;
            if self.heads.push(byte)? {
                let head = self.heads.parse()?;
                match head.status {
                    101 => return Err("it changes the protocol without being asked to".into()),
                    // 100 and 103 may come first (RFC 9110, section 15.2).
                    100..=199 => self.heads.restart(),
                    _ => self.begun = Some(begin(&head)?),
                }
            }
        }
        let (received, mut body) = self.begun.take().expect("it has begun");
        let is_refusal = !is_success(received.status);
        let behind = match body.read(bytes) {
            Ok(behind) => behind,
            // The status says what there is to know; of the page, what came is shown.
            Err(_) if is_refusal => return Ok(Step::Whole(whole(received, body, false))),
            Err(problem) => return Err(problem.into()),
        };
        if body.is_whole() {
            return Ok(Step::Whole(whole(received, body, behind.is_empty())));
        }
        self.begun = Some((received, body));
        Ok(if is_refusal { Step::Refused } else { Step::More })
    }

    /// Returns the response where nothing more comes, because the connection has ended or for want
    /// of time: a refusal is what of it is there.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn end(&mut self) -> Result<Received, &'static str> {
        match self.begun.take() {
            None if self.heads.is_empty() => Err("before an answer"),
            None => Err("in the head of the answer"),
            Some((received, body))
                if body.ends_with_connection() || !is_success(received.status) =>
            {
                Ok(whole(received, body, false))
            }
            Some(_) => Err("in the middle of the answer"),
        }
    }
}

fn is_success(status: u16) -> bool {
    (200..=299).contains(&status)
}

fn whole(mut received: Received, body: Body, is_followed_by_nothing: bool) -> Received {
    if !is_followed_by_nothing || !body.lets_another_follow() {
        received.keeps = None;
    }
    received.body = body.into_content();
    received
}

fn begin(head: &Head<'_>) -> Result<(Received, Body), &'static str> {
    if head.status < 100 {
        return Err("its answer has a status that is none");
    }
    let text = |name| {
        let value = head.values(name).next()?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let body = match Body::new(head, !is_success(head.status)) {
        Err(_) if !is_success(head.status) => Body::unread(),
        body => body?,
    };
    let received = Received {
        status: head.status,
        date: text("Date"),
        retry_after: text("Retry-After"),
        location: text("Location"),
        body: Vec::new(),
        keeps: keeps(head),
    };
    Ok((received, body))
}

/// Returns how long the server keeps the connection (RFC 9112, section 9.3).
fn keeps(head: &Head<'_>) -> Option<Duration> {
    let lasts = match head.version {
        0 => head.lists("Connection", "keep-alive"),
        _ => !head.lists("Connection", "close"),
    };
    // Of several parameters, such as `timeout=5, max=100`.
    let timeout = head.elements("Keep-Alive").find_map(|element| {
        let (name, value) = std::str::from_utf8(element).ok()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().parse().ok())?
    });
    lasts.then(|| timeout.map_or(Duration::MAX, Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a response in one piece and byte by byte, which must come to the same; then the
    /// connection ends.
    fn read(bytes: &[u8]) -> Result<Received, String> {
        let pieces = [bytes.len().max(1), 1];
        let results = pieces.map(|size| {
            let mut reader = Reader::default();
            for piece in bytes.chunks(size) {
                match reader.read(piece) {
                    Ok(Step::Whole(received)) => return Ok(received),
                    Ok(_) => {}
                    Err(problem) => return Err(problem.into()),
                }
            }
            reader.end().map_err(str::to_owned)
        });
        let [whole, in_pieces] = results;
        let told = |result: &Result<Received, String>| match result {
            Ok(received) => format!("{} {:?}", received.status, received.body),
            Err(problem) => problem.clone(),
        };
        assert_eq!(told(&whole), told(&in_pieces));
        whole
    }

    fn body(bytes: &[u8]) -> Result<String, String> {
        read(bytes).map(|received| String::from_utf8(received.body).expect("text"))
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        for (response, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}rest", "{}"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", "{}"),
            ("HTTP/1.1 200\r\n\r\n{\"a\":1}", "{\"a\":1}"),
            ("HTTP/1.1 204 -\r\n\r\n", ""),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n",
                "{}",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nContent-Length: 9\r\n\r\n\
                 02\r\n{}\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
                "{}",
            ),
            (
                "HTTP/1.1 100 -\r\n\r\nHTTP/1.1 103 -\r\nLink: a\r\n\r\nHTTP/1.1 200 -\r\n\r\n{}",
                "{}",
            ),
        ] {
            assert_eq!(body(response.as_bytes()).as_deref(), Ok(expected), "{response}");
        }
    }

    #[test]
    fn what_is_cut_short_or_breaks_a_rule_is_no_answer() {
        for response in [
            "",
            "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 3, 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
            "HTTP/1.1 101 Switching\r\n\r\n",
            "HTTP/1.1 007 Bond\r\n\r\n{}",
            "SSH-2.0-OpenSSH_9.6\r\n",
            "<html>",
            "\u{15}\u{3}\u{1}",
        ] {
            assert!(read(response.as_bytes()).is_err(), "{response}");
        }
    }

    #[test]
    fn what_came_of_a_refusal_counts_and_it_is_bounded() {
        let cut = "HTTP/1.1 500 -\r\nContent-Length: 100\r\n\r\nsorry";
        assert_eq!(body(cut.as_bytes()).as_deref(), Ok("sorry"));
        let broken = "HTTP/1.1 502 -\r\nTransfer-Encoding: chunked\r\n\r\n3\r\noh!x";
        assert_eq!(body(broken.as_bytes()).as_deref(), Ok("oh!"));
        let compressed = "HTTP/1.1 503 -\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(body(compressed.as_bytes()).as_deref(), Ok(""));
        let long = format!("HTTP/1.1 413 -\r\n\r\n{}", "x".repeat(100_000));
        let received = read(long.as_bytes()).expect("a refusal");
        assert_eq!((received.body.len(), received.keeps), (16 * 1024, None));
        let huge = format!("HTTP/1.1 200 -\r\n\r\n{}", "x".repeat(16 * 1024 * 1024 + 1));
        let mut reader = Reader::default();
        let problem = reader.read(huge.as_bytes()).expect_err("too large");
        assert!(problem.contains("16 MiB"), "{problem}");
    }

    #[test]
    fn a_connection_lasts_unless_something_says_otherwise() {
        let whole = "Content-Length: 0\r\n";
        for (head, keeps) in [
            (format!("HTTP/1.1 200 OK\r\n{whole}"), Some(Duration::MAX)),
            (
                format!("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=9\r\n{whole}"),
                Some(Duration::from_secs(5)),
            ),
            (format!("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\n{whole}"), None),
            (format!("HTTP/1.0 200 OK\r\n{whole}"), None),
            (format!("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n{whole}"), Some(Duration::MAX)),
            ("HTTP/1.1 200 OK\r\n".to_owned(), None),
        ] {
            let received = read(format!("{head}\r\n").as_bytes()).expect("whole");
            assert_eq!(received.keeps, keeps, "{head}");
        }
        let followed = read(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n");
        // Read byte by byte it is whole before the rest: that shows when the connection is taken again.
        assert_eq!(followed.expect("whole").keeps, None);
    }
}
