//! A request that is ready to be sent, and reads its answer.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use super::app::App;
use super::body::HttpAnswer;
use super::call::{Answer, Call};
use super::error::{AnswerError, RequestError};
use super::signature;
use super::unsigned::{Method, Unsigned};
use crate::config::endpoint::Endpoint;

impl App {
    /// Checks a call against the limits, and returns the signed request. `now` is the wall clock,
    /// since 1970; servers refuse what is more than 600 s off theirs, so that a request that is
    /// sent later is signed anew.
    ///
    /// # Errors
    /// [`RequestError`] says which rule the call breaks. Nothing is to be sent then.
    pub fn request<C: Call>(
        &self,
        call: &C,
        now: Duration,
    ) -> Result<Request<C::Answer>, RequestError> {
        let unsigned = call.unsigned(self)?;
        let query = signature::query(self.signer(), self.id(), &unsigned, now);
        let request = Request::new(self.endpoint(), self.id(), unsigned, query);
        let length = request.target.len();
        if length > MOST_TARGET {
            return Err(RequestError::TargetTooLong { length, limit: MOST_TARGET });
        }
        Ok(request)
    }
}

/// Maximum length of path and query, in bytes: what Rust's HTTP clients take. Most servers take
/// less.
const MOST_TARGET: usize = 65_534;

/// A signed request, made by [`App::request`]. `A` is what its answer says.
///
/// Any HTTP client can send it; redirects must not be followed, because the signature holds for one
/// path. Its `Debug` shows neither the signature nor the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request<A> {
    method: Method,
    origin: String,
    /// Path and query; the signature stands at its end.
    target: String,
    body: String,
    answer: PhantomData<fn() -> A>,
}

const LIBRARY: (&str, &str) =
    ("X-Pusher-Library", concat!("pushest-rust ", env!("CARGO_PKG_VERSION")));

impl<A> Request<A> {
    pub(super) fn new(
        endpoint: &Endpoint,
        app_id: &str,
        unsigned: Unsigned,
        query: String,
    ) -> Self {
        let scheme = if endpoint.is_tls() { "https" } else { "http" };
        let path = signature::path(app_id, &unsigned);
        Self {
            method: unsigned.method,
            origin: format!("{scheme}://{}", endpoint.authority()),
            target: format!("{}{path}?{query}", endpoint.path()),
            body: unsigned.body,
            answer: PhantomData,
        }
    }

    /// Returns the HTTP method: GET for queries, POST for all others.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Returns the whole URL. It holds the signature.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.target)
    }

    /// Returns the URL's path and query, as the request line has them. It holds the signature.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the headers, besides `Host` and `Content-Length`: names and values.
    #[must_use]
    pub fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self.method {
            Method::Get => &[LIBRARY],
            Method::Post => &[("Content-Type", "application/json"), LIBRARY],
        }
    }

    /// Returns the body; empty for [`Method::Get`].
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Takes the body out, for clients that want to own it.
    #[must_use]
    pub fn into_body(self) -> String {
        self.body
    }

    /// Returns whether the call may be repeated although it may have been carried out: it only
    /// asks. Another one may be repeated only if the server has not read it, or says so
    /// ([`AnswerError::may_repeat`]; [protocol, HTTP API](crate::protocol#http-api)).
    #[must_use]
    pub fn is_query(&self) -> bool {
        self.method == Method::Get
    }

    /// Returns the request's signature, in hexadecimal digits.
    pub(super) fn signature(&self) -> &str {
        let (_, signature) =
            self.target.rsplit_once(signature::PARAMETER).expect("it stands at the end");
        signature
    }
}

#[expect(private_bounds, reason = "the answers are those of this module")]
impl<A: Answer> Request<A> {
    /// Reads the server's answer, which came at `now` (the wall clock, since 1970).
    ///
    /// # Errors
    /// [`AnswerError`], if the server did not carry the call out, or its answer does not say so: the
    /// body decides, not the status alone.
    pub fn read(&self, answer: &HttpAnswer<'_>, now: Duration) -> Result<A, AnswerError> {
        answer.read(self.is_query(), self.signature(), now)
    }
}

impl<A> fmt::Debug for Request<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.target.len() - self.signature().len();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &format_args!("\"{}{}…\"", self.origin, &self.target[..shown]))
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
