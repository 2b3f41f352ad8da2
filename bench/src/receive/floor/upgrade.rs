//! From a stream to the flood's first frame: the request, and the protocol's handshake.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::super::{READ_BUFFER, Target};
use crate::Problem;
use crate::flood::Flood;

/// Returns the URL of the upgrade. It names no TLS: the stream has it already.
pub(in super::super) fn url(target: &Target) -> String {
    format!("ws://{}/app/app-key?protocol=7", target.address)
}

pub(in super::super) fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(READ_BUFFER)
}

/// Returns the server's name, and the authorities to trust.
pub(super) fn tls(
    target: &Target,
    authority: &str,
) -> Result<(ServerName<'static>, Arc<ClientConfig>), Problem> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((ServerName::from(target.address.ip()), Arc::new(config)))
}

/// The number of subscriptions that are asked for at once: were all of many, both sides would write,
/// and neither read.
const AT_ONCE: u64 = 100;

/// The protocol's handshake, and the subscriptions.
pub(in super::super) struct Handshake {
    flood: Flood,
    asked: u64,
    confirmed: u64,
}

/// What a message of the handshake calls for.
pub(in super::super) enum Next {
    Answer(Vec<Message>),
    Wait,
    Done,
}

impl Handshake {
    pub(in super::super) fn new(target: &Target) -> Self {
        Self { flood: target.flood, asked: 0, confirmed: 0 }
    }

    pub(in super::super) fn on(&mut self, message: &Message) -> Next {
        let Message::Text(text) = message else { return Next::Wait };
        if text.contains("subscription_succeeded") {
            self.confirmed += 1;
        } else if !text.contains("pusher:connection_established") {
            return Next::Wait;
        }
        if self.confirmed == self.flood.channels {
            return Next::Done;
        }
        if self.confirmed < self.asked {
            return Next::Wait;
        }
        let first = self.asked;
        self.asked = (first + AT_ONCE).min(self.flood.channels);
        Next::Answer(
            (first..self.asked).map(|number| subscribe(&self.flood.channel(number))).collect(),
        )
    }
}

/// Returns the message that subscribes to a channel.
pub(in super::super) fn subscribe(channel: &str) -> Message {
    Message::text(format!(r#"{{"event":"pusher:subscribe","data":{{"channel":"{channel}"}}}}"#))
}

/// Performs all of it on a stream that blocks.
pub(super) fn websocket<S: Read + Write>(
    target: &Target,
    stream: S,
) -> Result<WebSocket<S>, Problem> {
    let upgraded = tungstenite::client::client_with_config(url(target), stream, Some(config()));
    let (mut socket, _) = upgraded.map_err(|error| error.to_string())?;
    let mut handshake = Handshake::new(target);
    loop {
        match handshake.on(&socket.read()?) {
            Next::Answer(answers) => answers.into_iter().try_for_each(|it| socket.send(it))?,
            Next::Wait => {}
            Next::Done => return Ok(socket),
        }
    }
}
