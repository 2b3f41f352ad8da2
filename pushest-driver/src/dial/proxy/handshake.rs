//! One handshake with a proxy of either kind, without I/O: what to send, how much may be read, and what
//! it means.

use std::time::SystemTime;

use super::connect::Connect;
use super::socks::{Next, Socks};
use super::target::Target;
use super::url::{Kind, Proxy};

/// A handshake. What it returns as an error is the text of the failure.
pub(crate) struct Handshake {
    answers: Answers,
    /// What is to be sent next.
    unsent: Vec<u8>,
}

enum Answers {
    Http(Connect),
    Socks5(Socks),
}

impl Handshake {
    /// # Errors
    /// If the proxy's protocol has no room for the target.
    pub(crate) fn new(proxy: &Proxy, target: &Target) -> Result<Self, String> {
        let (answers, unsent) = match proxy.kind() {
            Kind::Http => {
                let (connect, request) = Connect::new(target, proxy.credentials());
                (Answers::Http(connect), request)
            }
            Kind::Socks5 { .. } => {
                let (socks, greeting) = Socks::new(target, proxy.credentials())?;
                (Answers::Socks5(socks), greeting)
            }
        };
        Ok(Self { answers, unsent })
    }

    /// Returns what is to be sent, and forgets it.
    pub(crate) fn take_unsent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unsent)
    }

    /// Returns how many bytes may be read at most: what follows the handshake stays in the stream.
    pub(crate) fn most(&self) -> usize {
        match &self.answers {
            Answers::Http(connect) => connect.most(),
            Answers::Socks5(socks) => socks.most(),
        }
    }

    /// Takes the next bytes, at most [`Handshake::most`], which came at this time of the day. Returns
    /// whether the proxy has connected.
    pub(crate) fn read(&mut self, bytes: &[u8], now: SystemTime) -> Result<bool, String> {
        match &mut self.answers {
            Answers::Http(connect) => connect.read(bytes, now),
            Answers::Socks5(socks) => match socks.read(bytes)? {
                Next::More => Ok(false),
                Next::Send(bytes) => {
                    self.unsent = bytes;
                    Ok(false)
                }
                Next::Open => Ok(true),
            },
        }
    }

    /// Returns whether the proxy has refused, and only more of the reason may come.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(&self.answers, Answers::Http(connect) if connect.is_refusal())
    }

    /// Returns the failure where the connection ends here.
    pub(crate) fn end(&mut self, why: &str) -> String {
        match &mut self.answers {
            Answers::Http(connect) => connect.end(why),
            Answers::Socks5(socks) => socks.end(why),
        }
    }
}
