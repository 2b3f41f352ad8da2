//! A response that refuses: when to try again, where to go instead, and why.

use std::time::{Duration, SystemTime};

use pushest_proto::DialFailure;

use super::body::Body;
use super::head::Head;
use crate::masking::Mask;
use crate::retry_after;

/// How many bytes of a body, and of a location, are kept.
const MOST_KEPT: usize = 512;

/// A refusal whose body may still come.
pub(crate) struct Refusal {
    status: u16,
    retry_after: Option<Duration>,
    location: Option<Box<str>>,
    body: Body,
}

impl Refusal {
    pub(crate) fn new(head: &Head<'_>, mask: &Mask, now: SystemTime) -> Self {
        let location = head.values("Location").next();
        Self {
            status: head.status,
            retry_after: head
                .values("Retry-After")
                .find_map(|value| retry_after::pause(value, now)),
            location: location.map(|location| mask.shown(location, MOST_KEPT)),
            body: Body::new(head),
        }
    }

    /// Returns the pause that a busy server, or proxy, asks for.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.retry_after.filter(|_| matches!(self.status, 429 | 503))
    }

    /// Takes the next bytes of the body. Returns whether no more are needed.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> bool {
        self.body.read(bytes)
    }

    pub(crate) fn failure(self, mask: &Mask) -> DialFailure {
        DialFailure::Http {
            status: self.status,
            retry_after: self.retry_after,
            location: self.location,
            body: mask.shown(self.body.content().trim_ascii(), MOST_KEPT),
        }
    }
}
