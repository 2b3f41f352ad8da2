//! A request as it is sent.

use std::fmt;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Uri};
use pushest_proto::api;

use super::app::Backend;

/// What is sent for a call, as often as it takes.
pub struct Sending<'a> {
    uri: &'a Uri,
    host: &'a HeaderValue,
    headers: &'static [(&'static str, &'static str)],
    more: &'a HeaderMap,
    body: &'a str,
    is_query: bool,
    /// It only asks, and can be sent again after this attempt.
    pub(super) can_repeat: bool,
    /// It goes over a new connection.
    pub(super) is_new: bool,
}

impl<'a> Sending<'a> {
    /// Takes a request of the core's, whose target this is.
    pub(super) fn new<A>(backend: &'a Backend, uri: &'a Uri, request: &'a api::Request<A>) -> Self {
        let (headers, body, is_query) = (request.headers(), request.body(), request.is_query());
        let (host, more) = (backend.host(), backend.headers());
        Self { uri, host, headers, more, body, is_query, can_repeat: false, is_new: false }
    }

    /// Returns a request for hyper.
    pub(super) fn request(&self) -> Request<String> {
        let mut request = Request::new(self.body.to_owned());
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        for (name, value) in self.headers {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let is_own =
            |name: &str| self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        for (name, value) in self.more.iter().filter(|(name, _)| !is_own(name.as_str())) {
            headers.append(name.clone(), value.clone());
        }
        if !self.is_query {
            // Of an empty body hyper would say none.
            headers.insert(header::CONTENT_LENGTH, self.body.len().into());
            *request.method_mut() = Method::POST;
        }
        request
    }
}

/// The target and the body stay out: the target holds the signature.
impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("is_query", &self.is_query)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
