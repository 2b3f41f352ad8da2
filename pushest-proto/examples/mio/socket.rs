//! One connection's socket: dialled, upgraded, read, written and closed without ever waiting.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use pushest_proto::{DialFailure, Endpoint, Loss};
use tungstenite::client::{IntoClientRequest, client_with_config};
use tungstenite::error::CapacityError;
use tungstenite::handshake::client::{ClientHandshake, Request, Response};
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::http::HeaderValue;
use tungstenite::http::header::HOST;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// Allocated at once; most messages are short.
const READ_BUFFER: usize = 1024;
const WRITE_BUFFER: usize = 1024;

/// The largest message that is taken, and the largest that can be sent; the session has the same
/// limits.
pub(crate) const LARGEST_MESSAGE: usize = 64 * 1024;

/// Up to this size the session is handed a message that is too large, so that it can say so and go
/// on; beyond it the connection is closed.
const TRANSPORT_LIMIT: usize = 16 * LARGEST_MESSAGE;

pub(crate) struct Socket {
    stage: Stage,
    /// The system takes nothing at the moment: frames wait here, and others in the session.
    is_full: bool,
    /// Writing failed. What the server said before it went may still be there to be read, and a
    /// close frame says more than a broken pipe.
    broken: Option<Loss>,
}

type Upgrade = Result<(WebSocket<TcpStream>, Response), HandshakeError<ClientHandshake<TcpStream>>>;

/// In the order of a connection's life.
enum Stage {
    Dialing(TcpStream, Request),
    Upgrading(MidHandshake<ClientHandshake<TcpStream>>),
    Open(Box<WebSocket<TcpStream>>),
    /// It failed, or is about to move on.
    Over,
}

impl Socket {
    /// Begins a dial. Only addresses: a driver that resolves names must not block in doing so.
    pub(crate) fn dial(
        endpoint: &Endpoint,
        key: &str,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, Loss> {
        let host = endpoint.host_with_zone();
        let address: IpAddr =
            host.parse().map_err(|_| Loss::Dial(DialFailure::Dns("not an address".into())))?;
        let unreachable =
            |error: io::Error| Loss::Dial(DialFailure::Connect(error.to_string().into()));
        let mut tcp =
            TcpStream::connect(SocketAddr::new(address, endpoint.port())).map_err(unreachable)?;
        // For all of its life, and edge-triggered: each turn reads and writes all that it can.
        registry
            .register(&mut tcp, token, Interest::READABLE | Interest::WRITABLE)
            .map_err(unreachable)?;
        let stage = Stage::Dialing(tcp, request(endpoint, key)?);
        Ok(Self { stage, is_full: false, broken: None })
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// Goes on with the dial, as far as it goes.
    pub(crate) fn advance(&mut self) -> Result<(), Loss> {
        let upgrade = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Dialing(tcp, request) => {
                if !is_connected(&tcp)
                    .map_err(|error| Loss::Dial(DialFailure::Connect(error.to_string().into())))?
                {
                    self.stage = Stage::Dialing(tcp, request);
                    return Ok(());
                }
                // Frames are gathered before they are written; the system need not wait for more.
                // It works without, too.
                let _ = tcp.set_nodelay(true);
                client_with_config(request, tcp, Some(config()))
            }
            Stage::Upgrading(handshake) => handshake.handshake(),
            stage => {
                self.stage = stage;
                return Ok(());
            }
        };
        self.stage = upgraded(upgrade)?;
        Ok(())
    }

    /// Takes a frame. Whether it went out shows in [`has_room`](Self::has_room).
    pub(crate) fn send(&mut self, message: Message) {
        if let Stage::Open(socket) = &mut self.stage {
            let result = socket.write(message);
            self.note(result);
        }
    }

    /// Writes out what was sent, and the pongs that the socket owes, as far as it goes.
    pub(crate) fn flush(&mut self) {
        if let Stage::Open(socket) = &mut self.stage
            && self.broken.is_none()
        {
            self.is_full = false;
            let result = socket.flush();
            self.note(result);
        }
    }

    /// Whether frames should come. While none should, the session keeps them.
    pub(crate) fn has_room(&self) -> bool {
        !self.is_full && self.broken.is_none()
    }

    /// The next message; `None` once all are read that have come.
    pub(crate) fn read(&mut self) -> Result<Option<Message>, Loss> {
        let Stage::Open(socket) = &mut self.stage else { return Ok(None) };
        match socket.read() {
            Ok(message) => Ok(Some(message)),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                self.broken.take().map_or(Ok(None), Err)
            }
            Err(error) => Err(loss(&error)),
        }
    }

    /// Sends a close frame, or the reply to the server's; gives a dial up. After that there is only
    /// reading, until the server closes the socket.
    pub(crate) fn close(&mut self, code: u16) {
        if let Stage::Open(socket) = &mut self.stage {
            let frame = CloseFrame { code: code.into(), reason: "".into() };
            let result = socket.close(Some(frame));
            self.note(result);
            self.flush();
        } else {
            self.stage = Stage::Over;
        }
    }

    fn note(&mut self, result: Result<(), Error>) {
        match result {
            Ok(()) => {}
            // The frame is in the write buffer.
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => self.is_full = true,
            Err(error) => self.broken = Some(loss(&error)),
        }
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        // What is gathered, one frame over it, and pongs.
        .max_write_buffer_size(2 * WRITE_BUFFER + LARGEST_MESSAGE)
        .max_message_size(Some(TRANSPORT_LIMIT))
        .max_frame_size(Some(TRANSPORT_LIMIT))
}

/// Whether a dial has succeeded, or how it failed.
fn is_connected(tcp: &TcpStream) -> io::Result<bool> {
    if let Some(error) = tcp.take_error()? {
        return Err(error);
    }
    match tcp.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// The URL always names the port; the header must not where that is the scheme's default.
fn request(endpoint: &Endpoint, key: &str) -> Result<Request, Loss> {
    let bad = |text: String| Loss::Dial(DialFailure::Unsupported(text.into()));
    let request = endpoint.url(key).into_client_request();
    let mut request = request.map_err(|error| bad(error.to_string()))?;
    let host = HeaderValue::from_str(&endpoint.authority());
    request.headers_mut().insert(HOST, host.map_err(|error| bad(error.to_string()))?);
    Ok(request)
}

fn upgraded(upgrade: Upgrade) -> Result<Stage, Loss> {
    match upgrade {
        Ok((socket, _)) => Ok(Stage::Open(Box::new(socket))),
        Err(HandshakeError::Interrupted(handshake)) => Ok(Stage::Upgrading(handshake)),
        Err(HandshakeError::Failure(error)) => Err(Loss::Dial(match error {
            // With more than the status, the session can wait for a `Retry-After`.
            Error::Http(response) => DialFailure::Http {
                status: response.status().as_u16(),
                retry_after: None,
                location: None,
                body: "".into(),
            },
            Error::Io(error) => DialFailure::Connect(error.to_string().into()),
            other => DialFailure::NotWebSocket(other.to_string().into()),
        })),
    }
}

fn loss(error: &Error) -> Loss {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            Loss::TooLarge { limit: *max_size }
        }
        other => Loss::reset(&other.to_string()),
    }
}
