//! Calls that only some servers know.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::app::App;
use super::call::{Build, Call};
use super::error::RequestError;
use super::signature::is_path;
use super::unsigned::{Method, Unsigned};
use crate::one_line;

/// A call of your own, for what only some servers know. It is signed as all calls are.
///
/// The answer is the body, which must be a JSON object. It is a failure, whatever the HTTP status, if that
/// object has a field `error` that is neither `null` nor `false`, or a field `code` that is a number from
/// 400 to 599 ([`AnswerError`](super::AnswerError)). The answers to other calls are known, and of them more
/// is a failure, such as `{"ok":false}`. Where such fields mean something else, another client can send what
/// [`App::request`] has signed, and read the body itself.
///
/// ```
/// # use pushest_proto::api::Custom;
/// let call = Custom::get("/channels/orders/history").parameter("limit", "10");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Custom {
    method: Method,
    path: String,
    parameters: Vec<(String, String)>,
    body: String,
}

impl Custom {
    /// Creates a query for what is at this path below `/apps/ID`, percent-encoded. An `Api` repeats it where
    /// an answer is lost.
    #[must_use]
    pub fn get(path: &str) -> Self {
        let (path, parameters) = (path.to_string(), Vec::new());
        Self { method: Method::Get, path, parameters, body: String::new() }
    }

    /// Creates a call that sends a body (JSON, as it stands) to this path below `/apps/ID`, percent-encoded.
    /// Like all that may change something, it is never repeated once it may have arrived.
    #[must_use]
    pub fn post(path: &str, body: impl Into<String>) -> Self {
        Self { method: Method::Post, body: body.into(), ..Self::get(path) }
    }

    /// Adds a parameter to the query. Its name is made of lower-case letters, digits and `_`, and
    /// is none of those that the signature needs.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_string(), value.to_string()));
        self
    }
}

/// The body and the values of parameters stay out.
impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.parameters.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("Custom")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("parameters", &names)
            .finish_non_exhaustive()
    }
}

impl Build for Custom {
    fn unsigned(&self, _app: &App) -> Result<Unsigned, RequestError> {
        if !is_path(&self.path) {
            return Err(RequestError::Path { path: one_line::quotable(&self.path) });
        }
        for (index, (name, _)) in self.parameters.iter().enumerate() {
            let is_plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let is_taken = name.starts_with("auth_") || name == "body_md5";
            // Servers differ about which of two with one name counts.
            let is_twice = self.parameters[..index].iter().any(|(other, _)| other == name);
            if name.is_empty() || !name.bytes().all(is_plain) || is_taken || is_twice {
                return Err(RequestError::Parameter { name: one_line::quotable(name) });
            }
        }
        Ok(Unsigned {
            method: self.method,
            path: self.path.clone(),
            parameters: self.parameters.clone(),
            body: self.body.clone(),
        })
    }
}

impl Call for Custom {
    type Answer = String;
}
