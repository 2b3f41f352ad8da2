//! One accepted socket: HTTP first, then perhaps a WebSocket.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use pushest_proto::Instant;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message, Utf8Bytes};

use super::fault_queue::FaultQueue;
use super::http::{self, Parsed, Upgrade};
use super::transport::{Raw, Transport};
use super::{ApiFault, PlainClients, UpgradeFault};
use crate::protocol::{Broker, HttpRequest, NO_CODE, PeerId, Target};

/// How many messages or chunks one socket may bring before others get their turn.
const BUDGET: usize = 64;

/// What all sockets share with the loop.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) broker: Broker,
    /// Where each WebSocket's socket is kept.
    pub(super) sockets: HashMap<PeerId, usize>,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) plain_clients: PlainClients,
    /// What the next upgrades get instead of a WebSocket.
    pub(super) upgrade_faults: FaultQueue<UpgradeFault>,
    /// What becomes of the next requests of the HTTP API, and how many came.
    pub(super) api_faults: FaultQueue<ApiFault>,
    pub(super) api_requests: u64,
    /// The request targets of all upgrades asked for, in order; and how many there were.
    pub(super) upgrade_targets: VecDeque<String>,
    /// The heads of the latest of them.
    pub(super) upgrade_heads: VecDeque<String>,
    pub(super) upgrades: u64,
    /// Sockets whose bytes go out in pieces, by the time of the next one: all wait equally long.
    pub(super) dripping: VecDeque<(Instant, usize, u64)>,
    /// Text messages received, oldest first; `None` if they are not kept.
    pub(super) received: Option<VecDeque<(PeerId, String)>>,
    pub(super) write_limit: usize,
    pub(super) now: Instant,
}

/// How many texts are kept of what was received, the latest ones; and how many heads, which are
/// longer.
const RECORDED: usize = 10_000;
const RECORDED_HEADS: usize = 100;

/// The time from one piece to the next.
pub(super) const DRIP: Duration = Duration::from_millis(1);

impl Shared {
    fn record_upgrade(&mut self, target: &str, head: &str) {
        self.upgrades += 1;
        if self.upgrade_heads.len() == RECORDED_HEADS {
            self.upgrade_heads.pop_front();
        }
        self.upgrade_heads.push_back(head.to_owned());
        if self.upgrade_targets.len() == RECORDED {
            self.upgrade_targets.pop_front();
        }
        self.upgrade_targets.push_back(target.to_owned());
    }

    /// Returns the bytes of the answer to a request, and what becomes of the connection after it.
    fn answer(&mut self, request: &HttpRequest, keep_alive: bool) -> (String, Afterwards) {
        let afterwards = if keep_alive { Afterwards::Kept } else { Afterwards::Closed };
        let is_api = request.target.starts_with("/apps/");
        self.api_requests += u64::from(is_api);
        let Some(fault) = is_api.then(|| self.api_faults.next()).flatten() else {
            let response = self.broker.http(request, self.now);
            return (http::encode(&response, keep_alive), afterwards);
        };
        self.broker.note_fault(&request.method, &request.target, fault.answered_status());
        match fault {
            ApiFault::Refuse { status, headers, body } => {
                let mut headers: Vec<_> =
                    headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                headers.push(("Connection", if keep_alive { "keep-alive" } else { "close" }));
                (http::encode_with(status, &headers, &body), afterwards)
            }
            ApiFault::Ignore => (String::new(), Afterwards::Held),
            ApiFault::Cut => (String::new(), Afterwards::Closed),
            ApiFault::LoseAnswer => {
                self.broker.carry_out(request, self.now);
                (String::new(), Afterwards::Closed)
            }
        }
    }

    fn record_message(&mut self, peer: PeerId, text: &str) {
        if let Some(received) = &mut self.received {
            if received.len() == RECORDED {
                received.pop_front();
            }
            received.push_back((peer, text.to_owned()));
        }
    }
}

/// What becomes of a connection after a request.
#[derive(Debug, Clone, Copy)]
enum Afterwards {
    /// Another request may follow.
    Kept,
    /// It is closed once all is written.
    Closed,
    /// It stays open, and nothing is answered any more.
    Held,
}

/// What became of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing more until the system says so.
    Waiting,
    /// There may be more to read: its turn comes again.
    More,
    /// It is over; the socket is to be dropped.
    Over,
}

#[derive(Debug)]
pub(super) struct AcceptedSocket {
    /// Tells this socket from another that later takes its place.
    pub(super) id: u64,
    pub(super) transport: Transport,
    /// False: the fault of a server that does not read.
    pub(super) reading: bool,
    /// Falls silent once its next message has gone out.
    final_message: FinalMessage,
    /// Messages can no longer be told apart: what comes is thrown away until the other side ends.
    deaf: bool,
    stage: Stage,
}

/// The fault of a server that refuses and then says nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FinalMessage {
    None,
    /// The server has yet to send it.
    Expected,
    /// It waits to be written.
    Queued,
}

enum Stage {
    /// Whether it speaks TLS is seen from its first byte.
    Sniffing,
    Http {
        input: Vec<u8>,
        has_continued: bool,
    },
    /// The last answer is on its way; then the socket is closed.
    Finishing,
    /// An upgrade or a request that is never answered.
    Held,
    WebSocket {
        context: Box<WebSocketContext>,
        peer: PeerId,
    },
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Sniffing => "Sniffing",
            Self::Http { .. } => "Http",
            Self::Finishing => "Finishing",
            Self::Held => "Held",
            Self::WebSocket { .. } => "WebSocket",
        })
    }
}

impl Stage {
    fn http() -> Self {
        Self::Http { input: Vec::new(), has_continued: false }
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

impl AcceptedSocket {
    pub(super) fn new(id: u64, stream: Raw, may_be_tls: bool) -> Self {
        let stage = if may_be_tls { Stage::Sniffing } else { Stage::http() };
        let transport = Transport::new(stream);
        Self { id, transport, reading: true, final_message: FinalMessage::None, deaf: false, stage }
    }

    /// Returns the connection that this socket carries.
    pub(super) fn peer(&self) -> Option<PeerId> {
        match self.stage {
            Stage::WebSocket { peer, .. } => Some(peer),
            _ => None,
        }
    }

    /// Reads what there is, up to a budget, and acts on it. `index` is where the socket is kept.
    pub(super) fn read(&mut self, index: usize, shared: &mut Shared) -> Progress {
        for _ in 0..BUDGET {
            if !self.reading {
                return Progress::Waiting;
            }
            let step = match &mut self.stage {
                _ if self.deaf => self.discard(),
                Stage::Sniffing => self.sniff(shared),
                Stage::Http { .. } => self.read_http(index, shared),
                Stage::Finishing | Stage::Held => self.discard(),
                Stage::WebSocket { context, peer } => {
                    read_message(&mut self.transport, context, *peer, shared)
                        .map(|is_readable| self.deaf = !is_readable)
                }
            };
            match step {
                Ok(()) => {}
                Err(error) if would_block(&error) => return Progress::Waiting,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Progress::Over,
            }
        }
        Progress::More
    }

    /// Writes what waits to be written.
    pub(super) fn flush(&mut self) -> Progress {
        let result = match &mut self.stage {
            Stage::WebSocket { context, .. } => match context.flush(&mut self.transport) {
                Ok(()) => Ok(()),
                Err(Error::Io(error)) => Err(error),
                // The closing handshake is done.
                Err(_) => Err(io::ErrorKind::ConnectionAborted.into()),
            },
            _ => self.transport.flush(),
        };
        if result.is_ok() && self.final_message == FinalMessage::Queued {
            self.transport.muted = true;
        }
        match result {
            Ok(()) if matches!(self.stage, Stage::Finishing) => Progress::Over,
            Ok(()) => Progress::Waiting,
            Err(error) if would_block(&error) => Progress::Waiting,
            Err(_) => Progress::Over,
        }
    }

    /// Queues a text message; false if the client has let too much pile up.
    #[must_use]
    pub(super) fn send(&mut self, text: ByteString) -> bool {
        let text = Utf8Bytes::try_from(text.into_bytes()).expect("a ByteString holds UTF-8");
        if self.final_message == FinalMessage::Expected {
            self.final_message = FinalMessage::Queued;
        }
        self.write(Message::Text(text))
    }

    /// Queues a binary message; false if the client has let too much pile up.
    #[must_use]
    pub(super) fn send_binary(&mut self, bytes: &[u8]) -> bool {
        self.write(Message::Binary(bytes.to_vec().into()))
    }

    /// Starts the closing handshake.
    pub(super) fn close(&mut self, code: u16, reason: &str) {
        if let Stage::WebSocket { context, .. } = &mut self.stage {
            // The close frame must find room however much has piled up.
            context.set_config(|config| config.max_write_buffer_size = usize::MAX);
            let code = (code != NO_CODE).then(|| CloseCode::from(code));
            let frame = code.map(|code| CloseFrame { code, reason: reason.into() });
            // Errors show again when it is flushed.
            let _ = context.close(&mut self.transport, frame);
        }
    }

    fn write(&mut self, message: Message) -> bool {
        let Stage::WebSocket { context, .. } = &mut self.stage else {
            return true;
        };
        // Whatever else goes wrong shows again when it is flushed.
        !matches!(context.write(&mut self.transport, message), Err(Error::WriteBufferFull(_)))
    }

    fn sniff(&mut self, shared: &Shared) -> io::Result<()> {
        if self.transport.peek_is_tls()? {
            if let Some(config) = &shared.tls {
                self.transport.secure(config)?;
            }
        } else if shared.plain_clients == PlainClients::Drop {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.stage = Stage::http();
        Ok(())
    }

    fn discard(&mut self) -> io::Result<()> {
        match self.transport.read(&mut [0; 4096])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn read_http(&mut self, index: usize, shared: &mut Shared) -> io::Result<()> {
        let Stage::Http { input, has_continued } = &mut self.stage else {
            return Ok(());
        };
        let mut chunk = [0; 16 * 1024];
        match self.transport.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => input.extend_from_slice(&chunk[..length]),
        }
        while !input.is_empty() {
            match http::parse(input) {
                Parsed::Incomplete { expects_continue } => {
                    if expects_continue && !*has_continued {
                        *has_continued = true;
                        self.transport.queue(b"HTTP/1.1 100 Continue\r\n\r\n");
                    }
                    return Ok(());
                }
                Parsed::Request { request, keep_alive, length } => {
                    let (answer, afterwards) = shared.answer(&request, keep_alive);
                    self.transport.queue(answer.as_bytes());
                    input.drain(..length);
                    *has_continued = false;
                    self.stage = match afterwards {
                        Afterwards::Kept => continue,
                        Afterwards::Closed => Stage::Finishing,
                        Afterwards::Held => Stage::Held,
                    };
                    return Ok(());
                }
                Parsed::Bad(response) => {
                    shared.broker.note_bad_request(response.status, &response.body);
                    self.transport.queue(http::encode(&response, false).as_bytes());
                    self.stage = Stage::Finishing;
                    return Ok(());
                }
                Parsed::Upgrade(upgrade) => {
                    let rest = input.split_off(upgrade.length);
                    self.upgrade(&upgrade, rest, index, shared);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Replies to an upgrade: with a WebSocket, or as a fault demands.
    fn upgrade(&mut self, upgrade: &Upgrade, rest: Vec<u8>, index: usize, shared: &mut Shared) {
        shared.record_upgrade(&upgrade.target, &upgrade.head);
        let fault = shared.upgrade_faults.next();
        match &fault {
            None => shared.broker.note_upgrade(&upgrade.target),
            Some(fault) => {
                shared.broker.note_fault("GET", &upgrade.target, fault.answered_status());
            }
        }
        match fault {
            Some(UpgradeFault::Refuse { status, headers, body }) => {
                let mut headers: Vec<_> =
                    headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                headers.push(("Connection", "close"));
                let answer = http::encode_with(status, &headers, &body);
                self.transport.queue(answer.as_bytes());
                self.stage = Stage::Finishing;
            }
            Some(UpgradeFault::Raw(bytes)) => {
                self.transport.queue(&bytes);
                self.stage = Stage::Finishing;
            }
            Some(UpgradeFault::Stall(bytes)) => {
                self.transport.queue(&bytes);
                self.stage = Stage::Held;
            }
            Some(UpgradeFault::Echo { status, headers, form }) => {
                let headers: Vec<_> = headers
                    .iter()
                    .map(|(name, value)| (name, value.replace("{target}", &upgrade.target)))
                    .collect();
                let mut headers: Vec<_> =
                    headers.iter().map(|(name, value)| (&***name, &**value)).collect();
                headers.push(("Connection", "close"));
                let answer = http::encode_with(status, &headers, &form.of(&upgrade.head));
                self.transport.queue(answer.as_bytes());
                self.stage = Stage::Finishing;
            }
            Some(UpgradeFault::Ignore) => self.stage = Stage::Held,
            Some(UpgradeFault::Rewrite { answer, piece }) => {
                self.transport.piece = Some(piece);
                shared.dripping.push_back((shared.now + DRIP, index, self.id));
                self.open(upgrade, &upgrade.answer(&answer), rest, index, shared);
            }
            None => self.open(upgrade, &upgrade.accept(), rest, index, shared),
        }
    }

    /// Accepts an upgrade with this answer.
    fn open(
        &mut self,
        upgrade: &Upgrade,
        answer: &str,
        rest: Vec<u8>,
        index: usize,
        shared: &mut Shared,
    ) {
        self.transport.queue(answer.as_bytes());
        let longest = shared.broker.config().limits.message;
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(16 * 1024)
            .max_write_buffer_size(shared.write_limit.max(16 * 1024 + 1))
            .max_message_size(Some(longest))
            .max_frame_size(Some(longest));
        let context = WebSocketContext::from_partially_read(rest, Role::Server, Some(config));
        let must_be_tls = shared.plain_clients == PlainClients::Refuse;
        let peer = if must_be_tls && !self.transport.is_secure() {
            shared.broker.connect_refused(4000, "Connect with TLS only", shared.now)
        } else {
            shared.broker.connect_from(&upgrade.app_key, upgrade.origin.as_deref(), shared.now)
        };
        if shared.broker.is_silenced(peer) {
            self.final_message = FinalMessage::Expected;
        }
        shared.sockets.insert(peer, index);
        self.stage = Stage::WebSocket { context: Box::new(context), peer };
    }
}

/// Reads one WebSocket message and hands it to the broker; false if no other can be read.
fn read_message(
    transport: &mut Transport,
    context: &mut WebSocketContext,
    peer: PeerId,
    shared: &mut Shared,
) -> io::Result<bool> {
    let now = shared.now;
    match context.read(transport) {
        Ok(Message::Text(text)) => {
            shared.record_message(peer, &text);
            shared.broker.receive(peer, &text, now);
        }
        Ok(Message::Binary(_)) => shared.broker.receive(peer, "", now),
        Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {
            shared.broker.heard(peer, now);
        }
        Ok(Message::Close(_)) => shared.broker.disconnected(peer, now),
        Err(Error::Io(error)) => return Err(error),
        Err(Error::Capacity(_)) => {
            shared.broker.close(&Target::Peer(peer), 1009, "Message is too large");
            return Ok(false);
        }
        Err(_) => return Err(io::ErrorKind::ConnectionAborted.into()),
    }
    Ok(true)
}
