//! A blocking WebSocket client that gives up instead of hanging.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use pushest_testkit::Server;
use serde_json::{Value, json};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, Message, WebSocket};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client<S = TcpStream> {
    pub(crate) socket: WebSocket<S>,
    pub(crate) socket_id: String,
}

pub(crate) fn tcp(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A WebSocket to the server's app; not yet greeted.
pub(crate) fn open<S: Read + Write>(
    stream: S,
) -> Result<WebSocket<S>, Box<tungstenite::handshake::HandshakeError<ClientHandshake<S>>>> {
    tungstenite::client("ws://localhost/app/app-key?protocol=7", stream)
        .map(|(socket, _)| socket)
        .map_err(Box::new)
}

type ClientHandshake<S> = tungstenite::ClientHandshake<S>;

impl Client {
    pub(crate) fn connect(server: &Server) -> Self {
        Self::greeted(open(tcp(server)).unwrap())
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn greeted(socket: WebSocket<S>) -> Self {
        let mut client = Self { socket, socket_id: String::new() };
        let greeting = client.read();
        assert_eq!(greeting["event"], "pusher:connection_established");
        let data: Value = serde_json::from_str(greeting["data"].as_str().unwrap()).unwrap();
        client.socket_id = data["socket_id"].as_str().unwrap().to_owned();
        client
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).unwrap();
    }

    pub(crate) fn subscribe(&mut self, channel: &str) {
        self.send(&json!({ "event": "pusher:subscribe", "data": { "channel": channel } }));
        assert_eq!(self.read()["event"], "pusher_internal:subscription_succeeded");
    }

    /// The next text message.
    pub(crate) fn read(&mut self) -> Value {
        match self.socket.read().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("a text message, not {other:?}"),
        }
    }

    /// Reads up to the close frame.
    pub(crate) fn read_close(&mut self) -> CloseFrame {
        loop {
            match self.socket.read().unwrap() {
                Message::Close(Some(frame)) => return frame,
                Message::Close(None) => panic!("a close frame without a code"),
                _ => {}
            }
        }
    }

    /// Reads what must be the end without a close frame, and says how it came.
    pub(crate) fn read_end(&mut self) -> io::ErrorKind {
        match self.socket.read().unwrap_err() {
            Error::Io(error) => error.kind(),
            Error::Protocol(_) => io::ErrorKind::UnexpectedEof,
            error => panic!("an end without a close frame, not {error}"),
        }
    }
}
