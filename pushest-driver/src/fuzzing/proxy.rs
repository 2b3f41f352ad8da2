//! Handshakes with proxies, without sockets.

use std::time::{Duration, SystemTime};

use crate::dial::proxy::handshake::Handshake;
use crate::dial::proxy::target::Target;
use crate::dial::proxy::url::Proxy;

/// A proxy that is to connect to a server.
#[expect(missing_debug_implementations, reason = "it holds what must not be shown")]
pub struct Asked {
    proxy: Proxy,
    target: Target,
}

/// What a handshake came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talked {
    /// Whether the proxy has connected, or the text of the failure.
    pub result: Result<(), String>,
    /// All that was sent, in its parts.
    pub sent: Vec<Vec<u8>>,
    /// How many bytes were read.
    pub read: usize,
}

impl Asked {
    /// Names the proxy by its URL, and the server by its host and port. Returns `None` for a URL that
    /// names no proxy.
    #[must_use]
    pub fn new(url: &str, host: &str, port: u16) -> Option<Self> {
        Some(Self { proxy: Proxy::parse(url).ok()?, target: Target::new(host, port) })
    }

    /// Carries a handshake with a proxy that says what is in these pieces, whatever it is sent, and then
    /// closes the connection. At no time more is read than the handshake allows: what lies behind it in a
    /// piece stays there.
    ///
    /// # Panics
    /// If the handshake wants to read nothing although it is not over, or more than 4 KiB at once.
    pub fn talk<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Talked {
        let failed = |why: &str| self.proxy.failed(why);
        let (mut sent, mut read) = (Vec::new(), 0);
        let mut handshake = match Handshake::new(&self.proxy, &self.target) {
            Ok(handshake) => handshake,
            Err(why) => return Talked { result: Err(failed(&why)), sent, read },
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let mut result = None;
        sent.push(handshake.take_unsent());
        'pieces: for mut piece in pieces {
            while !piece.is_empty() {
                let most = handshake.most();
                assert!((1..=4096).contains(&most), "{most} bytes may be read");
                let (now_read, rest) = piece.split_at(most.min(piece.len()));
                (piece, read) = (rest, read + now_read.len());
                let told = handshake.read(now_read, now);
                let unsent = handshake.take_unsent();
                if !unsent.is_empty() {
                    sent.push(unsent);
                }
                match told {
                    Ok(false) => {}
                    Ok(true) => result = Some(Ok(())),
                    Err(why) => result = Some(Err(why)),
                }
                if result.is_some() {
                    break 'pieces;
                }
            }
        }
        let result = result.unwrap_or_else(|| Err(handshake.end("it closed the connection")));
        Talked { result: result.map_err(|why| failed(&why)), sent, read }
    }
}
