//! Reads the responses to the request, from bytes in pieces of any size.

use std::time::SystemTime;

use pushest_proto::DialFailure;

use super::head::{Head, Heads};
use super::refusal::Refusal;
use super::request::Request;

/// Reads responses up to the one that decides.
pub(crate) struct Answer<'a> {
    request: &'a Request,
    heads: Heads,
    refusal: Option<Refusal>,
}

/// The state of the response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is not decided yet.
    More,
    /// The server agreed; these are the first bytes of the WebSocket.
    Open(Vec<u8>),
    /// The server refused, or the response breaks a rule.
    Failed(DialFailure),
}

impl<'a> Answer<'a> {
    pub(crate) fn new(request: &'a Request) -> Self {
        Self { request, heads: Heads::default(), refusal: None }
    }

    /// Reads the next bytes, which came at this time of the day.
    pub(crate) fn read(&mut self, mut bytes: &[u8], now: SystemTime) -> Step {
        while self.refusal.is_none() {
            let Some((&byte, rest)) = bytes.split_first() else { return Step::More };
            bytes = rest;
            match self.heads.push(byte) {
                Ok(false) => {}
                Ok(true) => match self.decide(now) {
                    Ok(Decision::Skip) => self.heads.restart(),
                    Ok(Decision::Open) => return Step::Open(bytes.to_vec()),
                    Ok(Decision::Refused(refusal)) => self.refusal = Some(refusal),
                    Err(text) => return Step::Failed(DialFailure::NotWebSocket(text.into())),
                },
                Err(text) => return Step::Failed(DialFailure::NotWebSocket(text.into())),
            }
        }
        match self.refusal.take_if(|refusal| refusal.read(bytes)) {
            Some(refusal) => Step::Failed(refusal.failure(self.request.mask())),
            None => Step::More,
        }
    }

    /// Returns whether the server has refused, and only more of the reason may come.
    pub(crate) fn is_refusal(&self) -> bool {
        self.refusal.is_some()
    }

    /// Returns the failure where the connection ends here.
    pub(crate) fn end(&mut self, why: &str) -> DialFailure {
        match self.refusal.take() {
            Some(refusal) => refusal.failure(self.request.mask()),
            None if self.heads.is_empty() => DialFailure::Upgrade(why.into()),
            None => DialFailure::Upgrade(format!("{why} in the middle of its answer").into()),
        }
    }

    fn decide(&self, now: SystemTime) -> Result<Decision, String> {
        let head = self.heads.parse()?;
        match head.status {
            101 => check(&head, self.request.accept()).map(|()| Decision::Open),
            // 100 (Continue), 103 (Early Hints) and others may come first (RFC 9110, section 15.2).
            100..=199 => Ok(Decision::Skip),
            200.. => Ok(Decision::Refused(Refusal::new(&head, self.request.mask(), now))),
            status => Err(format!("its answer has the status {status:03}, which is none")),
        }
    }
}

enum Decision {
    Skip,
    Open,
    Refused(Refusal),
}

/// Checks what must be so before a WebSocket begins (RFC 6455, section 4.1).
fn check(head: &Head<'_>, accept: &str) -> Result<(), String> {
    let agreed = "it agreed to the upgrade, but";
    if head.version == 0 {
        return Err(format!("{agreed} with HTTP/1.0, which has none"));
    }
    if !head.lists("Upgrade", "websocket") {
        return Err(format!("{agreed} its header Upgrade does not name websocket"));
    }
    if !head.lists("Connection", "upgrade") {
        return Err(format!("{agreed} its header Connection does not name Upgrade"));
    }
    if head.values("Sec-WebSocket-Accept").next().is_none() {
        return Err(format!("{agreed} without Sec-WebSocket-Accept"));
    }
    if head.values("Sec-WebSocket-Accept").any(|value| value != accept.as_bytes()) {
        return Err(format!("{agreed} its Sec-WebSocket-Accept is not that of the request"));
    }
    if head.elements("Sec-WebSocket-Extensions").next().is_some() {
        return Err(format!("{agreed} with an extension that was not offered"));
    }
    if head.elements("Sec-WebSocket-Protocol").next().is_some() {
        return Err(format!("{agreed} with a subprotocol that was not offered"));
    }
    Ok(())
}
