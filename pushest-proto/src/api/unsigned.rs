//! A request before it is signed.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The method of a request. [`Method::as_str`] is what HTTP clients take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Asks, and changes nothing.
    Get,
    /// Publishes, or ends connections.
    Post,
}

impl Method {
    /// Returns the method's name, in capitals.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of a call that does not depend on the app and the time.
#[derive(Debug)]
pub(crate) struct Unsigned {
    pub(super) method: Method,
    /// Below `/apps/ID`, percent-encoded.
    pub(super) path: String,
    pub(super) parameters: Vec<(String, String)>,
    /// Empty for [`Method::Get`].
    pub(super) body: String,
}

impl Unsigned {
    pub(super) fn get(path: impl Into<String>) -> Self {
        let (path, parameters, body) = (path.into(), Vec::new(), String::new());
        Self { method: Method::Get, path, parameters, body }
    }

    pub(super) fn post(path: impl Into<String>, body: String) -> Self {
        Self { method: Method::Post, path: path.into(), parameters: Vec::new(), body }
    }

    pub(super) fn parameter(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }
}
