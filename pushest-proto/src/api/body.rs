//! Whether an answer says that the call was carried out, and if not, why ([protocol, HTTP
//! API](crate::protocol#http-api)).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::call::Answer;
use super::error::{AnswerError, AnswerErrorKind, ClockDifference};
use super::http_date;
use crate::one_line;
use crate::wire::parts::Part;

/// What the server answered to a [`Request`](super::Request).
///
/// ```
/// # use pushest_proto::api::HttpAnswer;
/// let headers = [("Content-Type", "text/plain"), ("Retry-After", "7")];
/// let answer = HttpAnswer::new(429, b"slow down").headers(headers);
/// ```
#[derive(Clone, Copy)]
pub struct HttpAnswer<'a> {
    status: u16,
    date: Option<&'a str>,
    retry_after: Option<&'a str>,
    location: Option<&'a str>,
    body: &'a [u8],
}

impl<'a> HttpAnswer<'a> {
    /// Creates an answer with this HTTP status and body.
    #[must_use]
    pub fn new(status: u16, body: &'a [u8]) -> Self {
        Self { status, date: None, retry_after: None, location: None, body }
    }

    /// Adds a header, by its name in any case. `Date`, `Retry-After` and `Location` matter; others
    /// are left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &'a str) -> Self {
        for (known, place) in [
            ("Date", &mut self.date),
            ("Retry-After", &mut self.retry_after),
            ("Location", &mut self.location),
        ] {
            if name.eq_ignore_ascii_case(known) {
                *place = Some(value.trim());
            }
        }
        self
    }

    /// Adds headers, by their names in any case; those other than `Date`, `Retry-After` and `Location` are
    /// left out.
    #[must_use]
    pub fn headers<N: AsRef<str>>(self, headers: impl IntoIterator<Item = (N, &'a str)>) -> Self {
        headers.into_iter().fold(self, |answer, (name, value)| answer.header(name.as_ref(), value))
    }

    /// Reads the answer to a request with this signature, which no error may show.
    pub(super) fn read<A: Answer>(
        &self,
        is_query: bool,
        signature: &str,
        now: Duration,
    ) -> Result<A, AnswerError> {
        let body =
            core::str::from_utf8(self.body).ok().map(|text| text.trim_start_matches('\u{feff}'));
        let object = body.map(Part::new).filter(|body| body.is_json() && body.entries().is_some());
        let said = object.and_then(|body| Said::read(body, A::IS_KNOWN));
        if (200..=299).contains(&self.status)
            && said.as_ref().is_none_or(|said| !said.is_error)
            && let Some(answer) = object.and_then(A::read)
        {
            return Ok(answer);
        }
        Err(self.error(is_query, signature, said.as_ref(), now))
    }

    fn error(
        &self,
        is_query: bool,
        signature: &str,
        said: Option<&Said<'_>>,
        now: Duration,
    ) -> AnswerError {
        let code = said.and_then(|said| said.code).filter(|code| *code != self.status);
        // What stands before the server may have passed the call on, whatever it says of it: only where the
        // status leaves room for a refusal does the body say which.
        let decides = code
            .filter(|code| (400..=599).contains(code))
            .filter(|_| matches!(self.status, 200..=299 | 400..=499))
            .unwrap_or(self.status);
        let is_error = said.is_some_and(|said| said.is_error);
        let mut kind = AnswerErrorKind::of(decides);
        if kind == AnswerErrorKind::NotUnderstood && is_error {
            kind = AnswerErrorKind::Refused;
        }
        let retry_after = self.retry_after.and_then(|value| self.pause(value, now));
        let may_have_arrived = !is_query && kind.may_have_arrived(decides, retry_after);
        let clock = if kind == AnswerErrorKind::Unauthorized { self.clock(now) } else { None };
        let may_repeat = match kind {
            AnswerErrorKind::TooManyRequests => true,
            AnswerErrorKind::Unavailable => is_query || !may_have_arrived,
            _ => false,
        };
        AnswerError {
            kind,
            status: self.status,
            code,
            message: self.words(kind, said, signature),
            retry_after,
            clock,
            may_have_arrived,
            may_repeat,
        }
    }

    /// Returns what the server said, made safe to print.
    fn words(&self, kind: AnswerErrorKind, said: Option<&Said<'_>>, signature: &str) -> Box<str> {
        if kind == AnswerErrorKind::Redirect {
            let to = self.location.map_or("nowhere".into(), without_user);
            return format!("a redirect to {}", shown(&to, signature)).into();
        }
        match said.and_then(|said| said.message.as_deref()) {
            Some(message) => shown(message, signature),
            None => shown(&String::from_utf8_lossy(self.body), signature),
        }
    }

    /// Returns the pause that `Retry-After` asks for: a number of seconds, or the time until a
    /// date.
    fn pause(&self, value: &str, now: Duration) -> Option<Duration> {
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than fit are as long a pause as there is.
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        let until = http_date::seconds(value, now)?;
        let since = self.date.and_then(|date| http_date::seconds(date, now));
        let since = since.unwrap_or(now.as_secs());
        Some(Duration::from_secs(until.saturating_sub(since)))
    }

    /// Returns how far the server's clock is away, if that is so far that a signature can fail for
    /// it.
    fn clock(&self, now: Duration) -> Option<ClockDifference> {
        let server = http_date::seconds(self.date?, now)?;
        let here = now.as_secs();
        let seconds = server.abs_diff(here);
        (seconds >= ClockDifference::LEAST)
            .then_some(ClockDifference { seconds, server_is_ahead: server > here })
    }
}

impl fmt::Debug for HttpAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpAnswer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What a JSON body says of itself.
struct Said<'a> {
    /// It is an error, whatever the status: it has an `error`, or a `code` of one, or says so in one of
    /// the other ways that servers and what stands before them have.
    is_error: bool,
    /// The HTTP status that it names.
    code: Option<u16>,
    message: Option<Cow<'a, str>>,
}

impl<'a> Said<'a> {
    /// Reads the body of an answer. Where the call is known, more in it says that it was refused.
    fn read(body: Part<'a>, is_known: bool) -> Option<Self> {
        let [error, message, code, status, errors, ok, success] =
            body.fields(["error", "message", "code", "status", "errors", "ok", "success"])?.values;
        let error = error.filter(|error| error.as_str() != "false");
        // `{"error": {"message": …, "code": …}}`
        let inside = error.and_then(|error| error.fields(["message", "code"]));
        let [inner_message, inner_code] = inside.map(|inside| inside.values).unwrap_or_default();
        let [code, status] = [code.or(inner_code), status].map(|part| part.and_then(Part::code));
        let is_http = |code: u16| (400..=599).contains(&code);
        // The codes with which connections are closed, too: docs/protocol.md#close-codes.
        let is_refusal = |code: u16| is_http(code) || (4000..=4399).contains(&code);
        let first_error = errors.and_then(first_of_some);
        let is_error = error.is_some()
            || code.is_some_and(is_http)
            || is_known
                && (code.is_some_and(is_refusal)
                    || status.is_some_and(is_refusal)
                    || first_error.is_some()
                    || [ok, success].into_iter().flatten().any(is_false));
        // Whichever of the two refuses it.
        let refusing = status.filter(|status| is_refusal(*status));
        let code = code.filter(|code| is_refusal(*code)).or(refusing).or(code).or(status);
        let text = error.filter(|error| error.string().is_some());
        let message = inner_message.or(text).or(message).or(first_error);
        Some(Self { is_error, code, message: message.map(Part::text) })
    }
}

fn is_false(part: Part<'_>) -> bool {
    matches!(&*part.text(), "false" | "0")
}

/// Returns the first of some errors, in a list or by name, or what stands there in place of a list; `None`
/// if there is none.
fn first_of_some(errors: Part<'_>) -> Option<Part<'_>> {
    if is_false(errors) || errors.text().is_empty() {
        return None;
    }
    let Some(mut values) = errors.values() else { return Some(errors) };
    let first = values.next()?.unwrap_or(errors);
    // `[{"message": …}]`, and `{"name": ["is too long"]}`
    let message = first.fields(["message"]).and_then(|fields| fields.values[0]);
    Some(message.or_else(|| first.elements()?.next()?.ok()).unwrap_or(first))
}

/// Returns where a redirect leads, without query, fragment, and what stands before the host: that may be
/// a secret.
fn without_user(location: &str) -> Cow<'_, str> {
    let to = location.split(['?', '#']).next().unwrap_or(location);
    let Some(begin) = to.find("//").map(|slashes| slashes + 2) else { return to.into() };
    let end = to[begin..].find(['/', '\\']).map_or(to.len(), |end| begin + end);
    match to[begin..end].rfind('@') {
        Some(at) => format!("{}{}", &to[..begin], &to[begin + at + 1..]).into(),
        None => to.into(),
    }
}

/// Returns the beginning of a text on one line, without what a terminal would obey, and without the
/// signature: servers repeat it where they explain what they expected.
fn shown(text: &str, signature: &str) -> Box<str> {
    one_line::one_line(&without_signatures(text, signature)).into()
}

/// Fewest digits of a signature that are hidden: fewer are of no use to a stranger.
const LEAST_OF_SIGNATURE: usize = 16;

/// Returns the text without the signature or a piece of it, and without whatever else is as long a number
/// in hexadecimal digits.
fn without_signatures(text: &str, signature: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|character: char| !character.is_ascii_hexdigit()).unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        masked.push_str(before);
        let is_piece = || signature.contains(&digits.to_ascii_lowercase());
        let is_hidden =
            digits.len() >= signature.len() || digits.len() >= LEAST_OF_SIGNATURE && is_piece();
        masked.push_str(if is_hidden { "…" } else { digits });
        rest = after;
    }
    masked.push_str(rest);
    masked
}
