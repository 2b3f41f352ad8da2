//! Where a session connects to.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::{IpAddr, Ipv6Addr};

use super::ConfigError;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Host, port, path and whether TLS is used: everything of a server's address but the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) tls: bool,
    /// The port was chosen, so a switch to TLS keeps it.
    pub(crate) own_port: bool,
    pub(crate) hosted: bool,
}

impl Endpoint {
    /// A cluster of the hosted service, with TLS.
    ///
    /// # Errors
    /// [`ConfigError::Cluster`] if the name could not be part of a host's name.
    pub fn cluster(cluster: &str) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=50).contains(&cluster.len()) || !cluster.bytes().all(allowed) {
            return Err(ConfigError::Cluster { cluster: cluster.to_string() });
        }
        Ok(Self {
            host: format!("ws-{cluster}.pusher.com"),
            port: 443,
            path: String::new(),
            tls: true,
            own_port: false,
            hosted: true,
        })
    }

    /// A server of one's own, without TLS on port 80 until changed.
    ///
    /// # Errors
    /// [`ConfigError::Host`] if it is neither a name nor an IP address.
    pub fn host(host: &str) -> Result<Self, ConfigError> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let is_address = bare.parse::<IpAddr>().is_ok();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_name = bare == host
            && (1..=253).contains(&host.len())
            && host.bytes().all(allowed)
            && !host.starts_with(['.', '-']);
        if !is_address && !is_name {
            return Err(ConfigError::Host { host: host.to_string() });
        }
        Ok(Self {
            host: bare.to_string(),
            port: 80,
            path: String::new(),
            tls: false,
            own_port: false,
            hosted: false,
        })
    }

    /// The same server at another port. Port 443 turns TLS on.
    ///
    /// # Errors
    /// [`ConfigError::Port`] for port 0.
    pub fn port(self, port: u16) -> Result<Self, ConfigError> {
        self.adjusted(None, Some(port), None)
    }

    /// The same server below a path.
    ///
    /// # Errors
    /// [`ConfigError::Path`] if it does not begin with `/`, or holds a space, `?` or `#`.
    pub fn path(self, path: &str) -> Result<Self, ConfigError> {
        self.adjusted(None, None, Some(path))
    }

    /// The same server with or without TLS; unless a port was chosen, the port follows.
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        if !self.own_port {
            self.port = if tls { 443 } else { 80 };
        }
        self
    }

    /// The same server, which has said that it wants TLS: port 80 cannot be it.
    pub(crate) fn switched_to_tls(mut self) -> Self {
        self.own_port &= self.port != 80;
        self.tls(true)
    }

    pub(super) fn adjusted(
        mut self,
        tls: Option<bool>,
        port: Option<u16>,
        path: Option<&str>,
    ) -> Result<Self, ConfigError> {
        if let Some(port) = port {
            if port == 0 {
                return Err(ConfigError::Port { port: port.to_string() });
            }
            self.port = port;
            self.own_port = true;
            self.tls |= port == 443;
        }
        if let Some(tls) = tls {
            self = self.tls(tls);
        }
        if let Some(path) = path {
            let trimmed = path.trim_end_matches('/');
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'?' && byte != b'#';
            if !(trimmed.is_empty() || trimmed.starts_with('/')) || !trimmed.bytes().all(plain) {
                return Err(ConfigError::Path { path: path.to_string() });
            }
            self.path = trimmed.to_string();
        }
        Ok(self)
    }

    /// The WebSocket URL for the app with this key, always with the port (protocol, endpoint).
    #[must_use]
    pub fn url(&self, key: &str) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}:{}{}", self.bracketed_host(), self.port, self.request_target(key))
    }

    /// The value of the upgrade's `Host` header, for drivers that write it themselves: `HOST:PORT`,
    /// IPv6 in brackets; `HOST` alone where the port is the scheme's default, 80 for `ws://` and
    /// 443 for `wss://` (protocol, endpoint). Proxies that match the header exactly answer 404 to
    /// a default port. Connect to [`host_name`](Self::host_name) and
    /// [`port_number`](Self::port_number).
    #[must_use]
    pub fn authority(&self) -> String {
        let default = if self.tls { 443 } else { 80 };
        if self.port == default {
            return self.bracketed_host();
        }
        format!("{}:{}", self.bracketed_host(), self.port)
    }

    fn bracketed_host(&self) -> String {
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.clone(),
        }
    }

    /// The URL's path and query: what the upgrade's request line asks for, for drivers that write
    /// it themselves.
    #[must_use]
    pub fn request_target(&self, key: &str) -> String {
        let path = &self.path;
        format!("{path}/app/{key}?protocol=7&client=pushest-rust&version={VERSION}")
    }

    /// The host: a name or an IP address, IPv6 without brackets.
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub fn port_number(&self) -> u16 {
        self.port
    }

    /// The path before `/app/KEY`; empty, or beginning with `/`.
    #[must_use]
    pub fn path_prefix(&self) -> &str {
        &self.path
    }

    /// Whether TLS is used.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether this is a cluster of the hosted service.
    #[must_use]
    pub fn is_hosted(&self) -> bool {
        self.hosted
    }
}
