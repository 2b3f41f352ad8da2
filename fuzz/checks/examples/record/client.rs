//! A client that signs everything by itself and keeps what it hears, and the app's HTTP API.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use md5::{Digest as _, Md5};
use pushest_proto::{Signer, SocketId};
use ring::hmac;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct App {
    address: String,
    id: String,
    key: String,
    secret: String,
}

impl App {
    pub(crate) fn new(address: &str, id: &str, key: &str, secret: &str) -> Self {
        let [address, id, key, secret] = [address, id, key, secret].map(str::to_owned);
        Self { address, id, key, secret }
    }

    /// Triggers an event. Servers may refuse one; that is not what is recorded.
    pub(crate) fn publish(
        &self,
        channel: &str,
        event: &str,
        data: &str,
    ) -> Result<(), Box<dyn Error>> {
        let body = json!({"name": event, "channel": channel, "data": data}).to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let query = format!(
            "auth_key={}&auth_timestamp={now}&auth_version=1.0&body_md5={}",
            self.key,
            hex(&Md5::digest(&body))
        );
        let path = format!("/apps/{}/events", self.id);
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let signature = hmac::sign(&key, format!("POST\n{path}\n{query}").as_bytes());
        let mut stream = self.stream()?;
        write!(
            stream,
            "POST {path}?{query}&auth_signature={} HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            hex(signature.as_ref()),
            body.len()
        )?;
        stream.read_to_string(&mut String::new())?;
        Ok(())
    }

    fn stream(&self) -> Result<TcpStream, Box<dyn Error>> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

pub(crate) struct Client {
    socket: WebSocket<TcpStream>,
    signer: Signer,
    socket_id: SocketId,
    heard: Vec<String>,
}

impl Client {
    pub(crate) fn connect(app: &App) -> Result<Self, Box<dyn Error>> {
        let url = format!("ws://{}/app/{}?protocol=7", app.address, app.key);
        let (mut socket, _) = tungstenite::client(url, app.stream()?)?;
        let greeting = socket.read()?.into_text()?.to_string();
        let message: Value = serde_json::from_str(&greeting)?;
        let data: Value = serde_json::from_str(message["data"].as_str().ok_or("no data")?)?;
        let socket_id = data["socket_id"].as_str().and_then(SocketId::new).ok_or("no socket id")?;
        let signer = Signer::new(&app.key, &app.secret);
        Ok(Self { socket, signer, socket_id, heard: vec![greeting] })
    }

    pub(crate) fn subscribe(
        &mut self,
        channel: &str,
        channel_data: Option<&str>,
    ) -> Result<(), Box<dyn Error>> {
        let mut data = json!({"channel": channel});
        if channel.contains('-') {
            data["auth"] = self.signer.channel(&self.socket_id, channel, channel_data).into();
        }
        if let Some(channel_data) = channel_data {
            data["channel_data"] = channel_data.into();
        }
        self.send(&json!({"event": "pusher:subscribe", "data": data}).to_string())
    }

    pub(crate) fn subscribe_wrongly(&mut self, channel: &str) -> Result<(), Box<dyn Error>> {
        let data = json!({"channel": channel, "auth": "app-key:00"});
        self.send(&json!({"event": "pusher:subscribe", "data": data}).to_string())
    }

    pub(crate) fn sign_in(&mut self, user_data: &str) -> Result<(), Box<dyn Error>> {
        let auth = self.signer.user(&self.socket_id, user_data);
        let data = json!({"auth": auth, "user_data": user_data});
        self.send(&json!({"event": "pusher:signin", "data": data}).to_string())
    }

    pub(crate) fn send(&mut self, text: &str) -> Result<(), Box<dyn Error>> {
        Ok(self.socket.send(Message::text(text))?)
    }

    /// Returns what was heard, the socket id written over: it is another one each time.
    pub(crate) fn into_heard(self) -> Vec<String> {
        let socket_id = self.socket_id.as_str();
        self.heard.iter().map(|message| message.replace(socket_id, "1234.5678")).collect()
    }

    /// Keeps everything up to the answer to a ping.
    pub(crate) fn flush(&mut self) -> Result<(), Box<dyn Error>> {
        self.send(r#"{"event":"pusher:ping","data":{}}"#)?;
        loop {
            let Message::Text(text) = self.socket.read()? else { continue };
            let is_pong = text.contains("pusher:pong");
            self.heard.push(text.to_string());
            if is_pong {
                return Ok(());
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
