//! Where a session connects to.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

use super::error::ConfigError;
use super::error::{self, shown};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The address of a server: host, port, path and whether TLS is used, without the app. It never
/// holds credentials or a query.
///
/// A host's name is kept as it was given. One with letters beyond ASCII (`bücher.example`) must be
/// turned into its ASCII form (`xn--bcher-kva.example`) before it goes into a lookup, a request or
/// the check of a certificate: that takes Unicode's tables, which this crate does not have. Our
/// drivers do so before they dial; others use [`Endpoint::with_host`].
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) host: String,
    /// The zone of an IPv6 address: the interface that it is on, as the operating system names it.
    pub(crate) zone: Option<String>,
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) tls: bool,
    /// The port was chosen, so a switch to TLS keeps it.
    pub(crate) own_port: bool,
    pub(crate) hosted: bool,
}

impl Endpoint {
    /// Creates the endpoint of a cluster of the hosted service, such as `eu`, with TLS on port 443.
    ///
    /// # Errors
    /// [`ConfigError::Cluster`] if the name could not be part of a host's name.
    pub fn cluster(cluster: &str) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=50).contains(&cluster.len()) || !cluster.bytes().all(allowed) {
            return Err(ConfigError::Cluster { cluster: shown(cluster) });
        }
        Ok(Self {
            host: format!("ws-{cluster}.pusher.com"),
            zone: None,
            port: 443,
            path: String::new(),
            tls: true,
            own_port: false,
            hosted: true,
        })
    }

    /// Creates the endpoint of your own server, on port 80 without TLS until changed. An IPv6
    /// address may have brackets and a zone (`fe80::1%eth0`).
    ///
    /// # Errors
    /// [`ConfigError::Host`] if it is neither a name nor an IP address.
    pub fn new(host: &str) -> Result<Self, ConfigError> {
        let Some((host, zone)) = parse_host(host) else {
            return Err(ConfigError::Host { host: shown(host) });
        };
        Ok(Self {
            host: host.to_string(),
            zone: zone.map(ToString::to_string),
            port: 80,
            path: String::new(),
            tls: false,
            own_port: false,
            hosted: false,
        })
    }

    /// Replaces the host, for example by the ASCII form of its name. Port, path and TLS stay.
    ///
    /// # Errors
    /// [`ConfigError::Host`] if it is neither a name nor an IP address.
    pub fn with_host(self, host: &str) -> Result<Self, ConfigError> {
        let Self { host, zone, .. } = Self::new(host)?;
        Ok(Self { host, zone, hosted: false, ..self })
    }

    /// Replaces the port. Port 443 turns TLS on.
    ///
    /// # Errors
    /// [`ConfigError::Port`] for port 0.
    pub fn with_port(self, port: u16) -> Result<Self, ConfigError> {
        self.adjusted(None, Some(port), None)
    }

    /// Replaces the path before `/app/KEY`, such as `/realtime`.
    ///
    /// # Errors
    /// [`ConfigError::Path`] if it does not begin with `/`, or holds a space, `?` or `#`.
    pub fn with_path(self, path: &str) -> Result<Self, ConfigError> {
        self.adjusted(None, None, Some(path))
    }

    /// Turns TLS on or off. Unless a port was chosen, the port follows: 443 or 80.
    #[must_use]
    pub fn with_tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        if !self.own_port {
            self.port = if tls { 443 } else { 80 };
        }
        self
    }

    /// Turns TLS on because the server wants it; port 80 becomes 443, since it cannot be that of
    /// TLS.
    pub(crate) fn switched_to_tls(mut self) -> Self {
        self.own_port &= self.port != 80;
        self.with_tls(true)
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
            self = self.with_tls(tls);
        }
        if let Some(path) = path {
            let trimmed = path.trim_end_matches('/');
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'?' && byte != b'#';
            if !(trimmed.is_empty() || trimmed.starts_with('/')) || !trimmed.bytes().all(plain) {
                return Err(ConfigError::Path { path: error::shown_path(path) });
            }
            self.path = trimmed.to_string();
        }
        Ok(self)
    }

    /// Where the server's HTTP API is: for a cluster at `api-CLUSTER.pusher.com`, else at the same
    /// host, port and path ([protocol, HTTP API](crate::protocol#http-api)).
    #[must_use]
    pub fn api(&self) -> Self {
        let cluster = self.host.strip_prefix("ws-").filter(|_| self.hosted);
        let host = cluster.map_or_else(|| self.host.clone(), |rest| format!("api-{rest}"));
        Self { host, ..self.clone() }
    }

    /// Returns the WebSocket URL for the app with this key, always with the port ([protocol,
    /// endpoint](crate::protocol#endpoint)). An IPv6 address stands in it without its zone, which
    /// means nothing to a server.
    #[must_use]
    pub fn url(&self, key: &str) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}:{}{}", self.bracketed_host(), self.port, self.request_target(key))
    }

    /// Returns the value of the upgrade's `Host` header, for drivers that write it themselves:
    /// `HOST:PORT`, IPv6 in brackets; `HOST` alone where the port is the scheme's default, 80 for
    /// `ws://` and 443 for `wss://` ([protocol, upgrade](crate::protocol#upgrade)). Proxies that
    /// match the header exactly answer 404 to a default port. Connect to [`host`](Self::host) and
    /// [`port`](Self::port).
    #[must_use]
    pub fn authority(&self) -> String {
        if self.has_default_port() {
            return self.bracketed_host();
        }
        format!("{}:{}", self.bracketed_host(), self.port)
    }

    /// Returns whether both name the same server, however they are spelled: in upper or lower case, with
    /// a dot at the end of the name, an IPv6 address in another form, the port said or left out. With
    /// and without TLS an endpoint is the same one where the port is the same: at one port a server
    /// speaks either. Other ports and other paths may lead to other servers.
    ///
    /// ```
    /// # use pushest_proto::Endpoint;
    /// let endpoint = Endpoint::new("node-1.example")?;
    /// assert!(endpoint.is_same(&Endpoint::new("Node-1.example.")?.with_port(80)?));
    /// assert!(!endpoint.is_same(&Endpoint::new("node-1.example")?.with_port(6001)?));
    /// # Ok::<(), pushest_proto::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.port == other.port
            && self.path == other.path
            && self.zone == other.zone
            && self.name() == other.name()
    }

    fn has_default_port(&self) -> bool {
        self.port == if self.tls { 443 } else { 80 }
    }

    /// Returns the host in the one form that all spellings of it have.
    fn name(&self) -> Name {
        let name = self.host.strip_suffix('.').unwrap_or(&self.host);
        match name.parse::<IpAddr>() {
            Ok(address) => Name::Address(address.to_canonical()),
            Err(_) => Name::Name(name.to_lowercase()),
        }
    }

    fn bracketed_host(&self) -> String {
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.clone(),
        }
    }

    /// Returns the URL's path and query: what the upgrade's request line asks for, for drivers that
    /// write it themselves.
    #[must_use]
    pub fn request_target(&self, key: &str) -> String {
        let path = &self.path;
        format!("{path}/app/{key}?protocol=7&client=pushest-rust&version={VERSION}")
    }

    /// Returns the host: a name or an IP address, IPv6 without brackets and zone.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the zone of an IPv6 address, such as `eth0`: the interface that it is on, as the
    /// operating system names it; `None` for any other host. It means something on this machine
    /// only, and goes neither into the request nor into the check of a certificate.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Returns the host as the operating system's resolver takes it: with the zone of an IPv6
    /// address (`fe80::1%eth0`), which it turns into a scope id.
    #[must_use]
    pub fn host_with_zone(&self) -> Cow<'_, str> {
        match &self.zone {
            Some(zone) => format!("{}%{zone}", self.host).into(),
            None => self.host.as_str().into(),
        }
    }

    /// Returns the TCP port: the one that was chosen, or 443 with TLS and 80 without.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the path before `/app/KEY`; empty, or beginning with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns whether the connection uses TLS (`wss://`).
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Returns whether this is a cluster of the hosted service.
    #[must_use]
    pub fn is_hosted(&self) -> bool {
        self.hosted
    }
}

/// As it may stand in a list of endpoints ([`ConfigBuilder::endpoints`](crate::ConfigBuilder::endpoints)):
/// `ws://HOST:PORT/PATH`, or `wss://` with TLS, always with the port; IPv6 in brackets, with its zone.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "wss://" } else { "ws://" })?;
        match self.zone() {
            Some(_) => write!(f, "[{}]", self.host_with_zone())?,
            None => f.write_str(&self.bracketed_host())?,
        }
        write!(f, ":{}{}", self.port, self.path)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("host", &self.host_with_zone())
            .field("port", &self.port)
            .field("path", &self.path)
            .field("tls", &self.tls)
            .field("own_port", &self.own_port)
            .field("hosted", &self.hosted)
            .finish()
    }
}

/// A host in the one form that all its spellings have.
#[derive(PartialEq, Eq)]
enum Name {
    Address(IpAddr),
    Name(String),
}

/// Returns a host, and its zone if it is an IPv6 address that has one.
fn parse_host(text: &str) -> Option<(&str, Option<&str>)> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        // Brackets are for IPv6 (RFC 3986, section 3.2.2).
        return (bare == text || address.is_ipv6()).then_some((bare, None));
    }
    if let Some((address, zone)) = bare.split_once('%') {
        // RFC 6874, section 2: unreserved characters; names of links are shorter.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_zone = (1..=64).contains(&zone.len()) && zone.bytes().all(allowed);
        return (is_zone && address.parse::<Ipv6Addr>().is_ok()).then_some((address, Some(zone)));
    }
    (bare == text && is_name(text)).then_some((text, None))
}

/// Returns whether it may be the name of a host. Beyond ASCII only what cannot be seen is ruled
/// out: the rest is for the tables of the driver that makes the ASCII form.
fn is_name(text: &str) -> bool {
    let allowed = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' => true,
        // Marks of direction and other characters without a shape, but for the joiners U+200C and
        // U+200D, which some scripts need.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{ffff}' => false,
        character => !character.is_ascii() && !character.is_control() && !character.is_whitespace(),
    };
    (1..=253).contains(&text.chars().count())
        && text.chars().all(allowed)
        && !text.starts_with(['.', '-'])
        && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
}

/// Returns whether it may be a part of a name (RFC 1035, section 2.3.4). One with letters beyond ASCII is
/// longer in its ASCII form, which its driver measures.
fn is_label(label: &str) -> bool {
    !label.is_empty() && (label.len() <= 63 || !label.is_ascii())
}
