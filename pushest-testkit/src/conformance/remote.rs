//! Any server of the protocol, as a scenario needs it: where it is, and how to publish over its
//! HTTP API, in the few lines that a test needs ([protocol, HTTP
//! API](pushest_proto::protocol#http-api)).

use std::fmt;
use std::io::{Error, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use pushest_proto::{BackoffConfig, Config, ConfigBuilder};
use sha2::Sha256;

use super::driver::Settings;
use super::patience::PATIENCE;
use crate::Server;

/// A server to run scenarios against: anything that has the app `1`.
#[derive(Clone)]
pub struct Remote {
    key: String,
    secret: String,
    host: String,
    port: u16,
    /// Where it, or what stands before it, speaks TLS, if that is another port.
    tls_port: Option<u16>,
    /// The authority to trust for its certificate, if it speaks TLS.
    authority_pem: Option<String>,
    /// Whether clients ask an endpoint for authorizations, in place of the secret.
    asks: bool,
}

impl Remote {
    /// The server at `pusher://KEY:SECRET@HOST:PORT`.
    ///
    /// # Panics
    /// If the URL is not of this form.
    #[must_use]
    #[track_caller]
    pub fn from_url(url: &str) -> Self {
        let parts = || {
            let (user, server) = url.strip_prefix("pusher://")?.rsplit_once('@')?;
            let ((key, secret), (host, port)) = (user.split_once(':')?, server.rsplit_once(':')?);
            let [key, secret, host] = [key, secret, host].map(str::to_owned);
            let port = port.trim_end_matches('/').parse().ok()?;
            let (tls_port, authority_pem, asks) = (None, None, false);
            Some(Self { key, secret, host, port, tls_port, authority_pem, asks })
        };
        parts().expect("a URL of the form pusher://KEY:SECRET@HOST:PORT")
    }

    /// The server that the variable `PUSHEST_TEST_URL` names. Where `PUSHEST_TEST_TLS_PORT` names a port of
    /// the same host, clients go there, over TLS; scenarios publish as before. Where
    /// `PUSHEST_TEST_AUTH_ENDPOINT` is set, [`signing`](Self::signing) and [`config`](Self::config) are without
    /// the secret: the drivers ask the endpoint that it names.
    ///
    /// # Panics
    /// Without it, and as [`Remote::from_url`].
    #[must_use]
    #[track_caller]
    pub fn from_environment() -> Self {
        let Ok(url) = std::env::var("PUSHEST_TEST_URL") else {
            panic!(
                "this needs PUSHEST_TEST_URL, such as \
                 pusher://app-key:app-secret@127.0.0.1:6001, of a server with the app 1"
            )
        };
        let tls_port = std::env::var("PUSHEST_TEST_TLS_PORT").ok();
        let tls_port = tls_port.map(|port| port.parse().expect("PUSHEST_TEST_TLS_PORT is a port"));
        let asks = std::env::var_os("PUSHEST_TEST_AUTH_ENDPOINT").is_some();
        Self { tls_port, asks, ..Self::from_url(&url) }
    }

    /// A server in this process. If it speaks TLS, so do clients that are configured for it; its
    /// HTTP API is then out of reach for [`publish`](Self::publish), and [`Server::publish`] is
    /// not.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        Self {
            key: server.app().key.clone(),
            secret: server.app().secret().to_owned(),
            host: server.addr().ip().to_string(),
            port: server.port(),
            tls_port: None,
            asks: false,
            authority_pem: server.authority_pem().map(str::to_owned),
        }
    }

    /// Returns the app's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the port that clients connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.tls_port.unwrap_or(self.port)
    }

    /// Returns a configuration without the secret.
    pub fn builder(&self) -> ConfigBuilder {
        // No server has to be spared here, and the test should not wait.
        let backoff = BackoffConfig::default()
            .initial(Duration::from_millis(100))
            .maximum(Duration::from_millis(200));
        let builder = Config::builder(&self.key).host(&self.host).port(self.port());
        let is_tls = self.authority_pem.is_some() || self.tls_port.is_some();
        builder.tls(is_tls).backoff(backoff)
    }

    /// Returns a configuration with the secret, to be adjusted.
    pub fn signing(&self) -> ConfigBuilder {
        let builder = self.builder();
        if self.asks { builder } else { builder.secret(&self.secret) }
    }

    /// Returns a configuration for the HTTP API, to be adjusted.
    pub fn publishing(&self) -> ConfigBuilder {
        self.builder().secret(&self.secret).app_id("1")
    }

    /// Returns a configuration with the secret.
    #[must_use]
    pub fn config(&self) -> Config {
        self.signing().build().expect("a valid configuration")
    }

    /// Returns the settings of a client that is to trust it.
    pub(super) fn settings(&self) -> Settings {
        Settings::default().authority_pem(self.authority_pem.clone())
    }

    /// Publishes over the HTTP API, as the app's server does.
    ///
    /// # Panics
    /// If the server does not take it.
    #[track_caller]
    pub fn publish(&self, channel: &str, event: &str, data: &str) {
        self.post(channel, event, data).expect("published");
    }

    fn post(&self, channel: &str, event: &str, data: &str) -> std::io::Result<()> {
        let path = "/apps/1/events";
        let body =
            serde_json::json!({ "name": event, "channel": channel, "data": data }).to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::other)?.as_secs();
        let (key, digest) = (&self.key, hex::encode(Md5::digest(&body)));
        let query =
            format!("auth_key={key}&auth_timestamp={now}&auth_version=1.0&body_md5={digest}");
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).map_err(Error::other)?;
        mac.update(format!("POST\n{path}\n{query}").as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());

        let mut stream = TcpStream::connect((self.host.as_str(), self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // At once: Soketi answers a request that comes in pieces with 505.
        let request = format!(
            "POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\n\
             Host: {}:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.host,
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(Error::other(answer)) }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Remote")
            .field("key", &self.key)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.authority_pem.is_some())
            .finish_non_exhaustive()
    }
}
