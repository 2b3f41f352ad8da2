//! A WebSocket client over buffers of a fixed size, for a device: the upgrade, and the frames by
//! `edge-ws`. It touches no socket: what came goes in, what is to be sent comes out. It needs
//! `core` only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use edge_ws::{FrameHeader, FrameType};
use pushest_proto::{DialFailure, Loss};
use sha1::{Digest, Sha1};

/// The largest message, and the largest answer to the upgrade.
pub(crate) const INCOMING: usize = 4_096;

/// The largest text that is sent: a subscribe with everything at the limit of the session.
pub(crate) const LARGEST_TEXT: usize = 1_024;

/// A text, a pong and a close frame, with their headers.
const OUTGOING: usize = LARGEST_TEXT + 2 * LARGEST_CONTROL + 3 * FrameHeader::MAX_LEN;

/// RFC 6455, section 5.5: a control frame's payload.
const LARGEST_CONTROL: usize = 125;

/// RFC 6455, section 1.3.
const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

pub(crate) struct WebSocket {
    /// The answer that proves that the server understood the upgrade; `None` once it has come.
    awaited: Option<[u8; 28]>,
    incoming: [u8; INCOMING],
    /// How many bytes are there.
    filled: usize,
    /// How many of them, at the front, are of a message whose last frame has not come yet.
    assembled: usize,
    is_assembling: bool,
    /// How many of them were handed out as a message, and go at the next call.
    spent: usize,
    outgoing: [u8; OUTGOING],
    unsent: usize,
    has_closed: bool,
}

/// What came.
pub(crate) enum Incoming<'a> {
    /// The server took the upgrade.
    Opened,
    Text(&'a [u8]),
    /// A ping or a pong.
    Activity,
    /// The server closes the connection.
    Closed(Loss),
}

impl WebSocket {
    /// Begins with the request of the upgrade. The nonce is 16 random bytes.
    pub(crate) fn new(authority: &str, target: &str, nonce: [u8; 16]) -> Result<Self, Loss> {
        let mut key = [0; 24];
        BASE64.encode_slice(nonce, &mut key).expect("16 bytes become 24");
        let mut accept = [0; 28];
        let digest = Sha1::new().chain_update(key).chain_update(ACCEPT_SUFFIX).finalize();
        BASE64.encode_slice(digest, &mut accept).expect("20 bytes become 28");
        let mut socket = Self {
            awaited: Some(accept),
            incoming: [0; INCOMING],
            filled: 0,
            assembled: 0,
            is_assembling: false,
            spent: 0,
            outgoing: [0; OUTGOING],
            unsent: 0,
            has_closed: false,
        };
        for part in [
            b"GET ",
            target.as_bytes(),
            b" HTTP/1.1\r\nHost: ",
            authority.as_bytes(),
            b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: ",
            &key,
            b"\r\n\r\n",
        ] {
            socket.push(part)?;
        }
        Ok(socket)
    }

    /// Where the network puts what comes; it says how much in [`WebSocket::received`].
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.discard_spent();
        &mut self.incoming[self.filled..]
    }

    pub(crate) fn received(&mut self, count: usize) {
        self.filled += count;
    }

    /// What the network should send; it says how much it took in [`WebSocket::sent`].
    pub(crate) fn unsent(&self) -> &[u8] {
        &self.outgoing[..self.unsent]
    }

    pub(crate) fn sent(&mut self, count: usize) {
        self.outgoing.copy_within(count..self.unsent, 0);
        self.unsent -= count;
    }

    /// Whether a text should come: any text fits, and a pong and a close frame beside it.
    pub(crate) fn has_room(&self) -> bool {
        self.unsent == 0 && !self.has_closed
    }

    pub(crate) fn send_text(&mut self, text: &str, mask: u32) -> Result<(), Loss> {
        self.push_frame(FrameType::Text(false), text.as_bytes(), mask)
    }

    /// Sends a close frame, after which nothing else goes. False if there is no WebSocket yet.
    pub(crate) fn close(&mut self, code: u16, mask: u32) -> Result<bool, Loss> {
        if self.awaited.is_some() {
            return Ok(false);
        }
        if !self.has_closed {
            self.push_frame(FrameType::Close, &code.to_be_bytes(), mask)?;
            self.has_closed = true;
        }
        Ok(true)
    }

    /// The next of what came; `None` until more comes. Pings are answered.
    pub(crate) fn next(&mut self, mask: u32) -> Result<Option<Incoming<'_>>, Loss> {
        self.discard_spent();
        if let Some(accept) = self.awaited {
            let Some(length) = check_upgrade(&self.incoming[..self.filled], &accept)? else {
                return self.unless_full();
            };
            self.awaited = None;
            self.remove(0, length);
            return Ok(Some(Incoming::Opened));
        }
        loop {
            let raw = &self.incoming[self.assembled..self.filled];
            let (header, start) = match FrameHeader::deserialize(raw) {
                Ok(header) => header,
                Err(edge_ws::Error::Incomplete(_)) => return self.unless_full(),
                Err(_) => return Err(Loss::reset("a frame that is none")),
            };
            let length = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
            if length > INCOMING - self.assembled - start {
                return Err(Loss::TooLarge { limit: INCOMING });
            }
            if raw.len() < start + length {
                return Ok(None);
            }
            if header.mask_key.is_some() {
                return Err(Loss::reset("the server masks its frames"));
            }
            let (begin, payload) = (self.assembled, self.assembled + start);
            match header.frame_type {
                FrameType::Text(_) | FrameType::Binary(_) | FrameType::Continue(_) => {
                    let is_first = !matches!(header.frame_type, FrameType::Continue(_));
                    if is_first == self.is_assembling {
                        return Err(Loss::reset("a message within another, or a piece of none"));
                    }
                    self.is_assembling = !header.frame_type.is_final();
                    self.remove(begin, start);
                    self.assembled += length;
                    if !self.is_assembling {
                        self.spent = core::mem::take(&mut self.assembled);
                        return Ok(Some(Incoming::Text(&self.incoming[..self.spent])));
                    }
                }
                FrameType::Ping => {
                    let mut copy = [0; LARGEST_CONTROL];
                    let copy = copy
                        .get_mut(..length)
                        .ok_or_else(|| Loss::reset("a ping that is too long"))?;
                    copy.copy_from_slice(&self.incoming[payload..payload + length]);
                    self.remove(begin, start + length);
                    // The latest ping is answered, if its pong finds room.
                    let has_room = OUTGOING - self.unsent >= FrameHeader::MAX_LEN + length;
                    if has_room && !self.has_closed {
                        self.push_frame(FrameType::Pong, copy, mask)?;
                    }
                    return Ok(Some(Incoming::Activity));
                }
                FrameType::Pong => {
                    self.remove(begin, start + length);
                    return Ok(Some(Incoming::Activity));
                }
                FrameType::Close => {
                    let loss = closed(&self.incoming[payload..payload + length]);
                    self.remove(begin, start + length);
                    return Ok(Some(Incoming::Closed(loss)));
                }
            }
        }
    }

    /// Waits for more, if there is room for it.
    fn unless_full(&self) -> Result<Option<Incoming<'_>>, Loss> {
        if self.filled == INCOMING { Err(Loss::TooLarge { limit: INCOMING }) } else { Ok(None) }
    }

    fn discard_spent(&mut self) {
        let spent = core::mem::take(&mut self.spent);
        self.remove(0, spent);
    }

    fn remove(&mut self, at: usize, count: usize) {
        self.incoming.copy_within(at + count..self.filled, at);
        self.filled -= count;
    }

    fn push_frame(&mut self, kind: FrameType, payload: &[u8], mask: u32) -> Result<(), Loss> {
        let payload_len = payload.len() as u64;
        let header = FrameHeader { frame_type: kind, payload_len, mask_key: Some(mask) };
        let mut bytes = [0; FrameHeader::MAX_LEN];
        let length = header.serialize(&mut bytes).expect("no header is longer");
        self.push(&bytes[..length])?;
        let start = self.unsent;
        self.push(payload)?;
        header.mask(&mut self.outgoing[start..self.unsent], 0);
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Loss> {
        let room = self
            .outgoing
            .get_mut(self.unsent..self.unsent + bytes.len())
            .ok_or_else(|| Loss::reset("more to send than fits"))?;
        room.copy_from_slice(bytes);
        self.unsent += bytes.len();
        Ok(())
    }
}

/// How long the answer to the upgrade is, once it is there and the server agreed.
fn check_upgrade(bytes: &[u8], accept: &[u8]) -> Result<Option<usize>, Loss> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let failed = |text: &str| Loss::Dial(DialFailure::NotWebSocket(text.into()));
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(failed("the answer is not HTTP")),
    };
    match response.code {
        Some(101) => {}
        status => {
            let status = status.unwrap_or_default();
            return Err(Loss::Dial(DialFailure::Http {
                status,
                retry_after: None,
                location: None,
                body: "".into(),
            }));
        }
    }
    let found = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("sec-websocket-accept"));
    if found.is_some_and(|header| header.value == accept) {
        Ok(Some(length))
    } else {
        Err(failed("the answer does not fit the request"))
    }
}

/// RFC 6455, section 5.5.1: a code and a reason, or nothing.
fn closed(payload: &[u8]) -> Loss {
    match payload.split_first_chunk() {
        Some((code, reason)) => Loss::closed(
            Some(u16::from_be_bytes(*code)),
            core::str::from_utf8(reason).unwrap_or_default(),
        ),
        None => Loss::closed(None, ""),
    }
}
