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

/// Returns the URL of the upgrade. It names no TLS: the stream has it already.
pub(super) fn url(target: &Target) -> String {
    format!("ws://{}/app/app-key?protocol=7", target.address)
}

pub(super) fn config() -> WebSocketConfig {
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

/// What a message of the handshake calls for.
pub(super) enum Handshake {
    Answer(Message),
    Wait,
    Done,
}

impl Handshake {
    pub(super) fn on(target: &Target, message: &Message) -> Self {
        match message {
            Message::Text(text) if text.contains("pusher:connection_established") => {
                Self::Answer(Message::text(format!(
                    r#"{{"event":"pusher:subscribe","data":{{"channel":"{}"}}}}"#,
                    target.flood
                )))
            }
            Message::Text(text) if text.contains("subscription_succeeded") => Self::Done,
            _ => Self::Wait,
        }
    }
}

/// Performs all of it on a stream that blocks.
pub(super) fn websocket<S: Read + Write>(
    target: &Target,
    stream: S,
) -> Result<WebSocket<S>, Problem> {
    let upgraded = tungstenite::client::client_with_config(url(target), stream, Some(config()));
    let (mut socket, _) = upgraded.map_err(|error| error.to_string())?;
    loop {
        let message = socket.read()?;
        match Handshake::on(target, &message) {
            Handshake::Answer(answer) => socket.send(answer)?,
            Handshake::Wait => {}
            Handshake::Done => return Ok(socket),
        }
    }
}
