//! One handshake with a proxy of either kind, without I/O: what to send, how much may be read, and what
//! it means.

use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::connect::Connect;
use super::socks::{Next, Socks};
use super::target::Target;
use super::url::{Kind, Proxy};

/// A handshake. What it returns as an error is the text of the failure.
pub(crate) struct Handshake {
    answers: Answers,
    /// What is to be sent next. The proxy's password may be in it.
    unsent: Zeroizing<Vec<u8>>,
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

    /// Returns what is to be sent, and forgets it. The proxy's password may be in it.
    pub(crate) fn take_unsent(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.unsent)
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

    /// Returns the pause that the proxy has asked for with its refusal.
    pub(crate) fn pause(&self) -> Option<Duration> {
        match &self.answers {
            Answers::Http(connect) => connect.pause(),
            Answers::Socks5(_) => None,
        }
    }

    /// Returns the failure where the connection ends here.
    pub(crate) fn end(&mut self, why: &str) -> String {
        match &mut self.answers {
            Answers::Http(connect) => connect.end(why),
            Answers::Socks5(socks) => socks.end(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that differ from run to run of the loop, and are the same in each test run.
    fn junk(seed: u64) -> impl Iterator<Item = u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Often what means something to the protocols.
            match state.to_le_bytes() {
                [byte, 0..128, ..] => byte,
                [byte, ..] => {
                    b"\x05\x00\x01\x02\x03\x04\xff\r\nHTP/1.0 2407:"[usize::from(byte % 21)]
                }
            }
        })
    }

    #[test]
    fn whatever_a_proxy_says_more_is_wanted_until_it_is_decided() {
        let beginnings: [&[u8]; 6] = [
            b"",
            b"\x05\x00",
            b"\x05\x02\x01\x00",
            b"\x05\x00\x05\x00\x00",
            b"HTTP/1.1 ",
            b"HTTP/1.1 407 A\r\n",
        ];
        for seed in 0..6_000 {
            for url in ["http://ann:x@p", "socks5://p", "socks5://ann:x@p"] {
                let proxy = Proxy::parse(url).expect("a proxy");
                let mut handshake =
                    Handshake::new(&proxy, &Target::new("h", 80)).expect("a short name");
                let mut says = beginnings[seed as usize % 6].iter().copied().chain(junk(seed));
                let decided = (0..2_000).any(|_| {
                    let most = handshake.most();
                    assert!((1..=4096).contains(&most), "{url} {seed}: {most}");
                    let piece: Vec<u8> = says.by_ref().take(most.min(7)).collect();
                    !matches!(handshake.read(&piece, SystemTime::UNIX_EPOCH), Ok(false))
                });
                if !decided {
                    assert!(!handshake.end("it closed the connection").is_empty());
                }
            }
        }
    }
}
