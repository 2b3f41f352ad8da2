//! Where a proxy is to connect to.

use std::net::{IpAddr, SocketAddr};

use pushest_proto::Endpoint;

/// The host and port that a proxy connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name, which the proxy resolves, or an IP address without brackets and zone.
    pub(super) host: Box<str>,
    pub(super) port: u16,
}

impl Target {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// Returns the targets for an endpoint: the addresses that were chosen for it, or else its host.
    /// The zone of an address means nothing to a proxy.
    pub(super) fn all(endpoint: &Endpoint, chosen: &[SocketAddr]) -> Vec<Self> {
        if chosen.is_empty() {
            return vec![Self::new(endpoint.host(), endpoint.port())];
        }
        let target = |address: &SocketAddr| Self::new(&address.ip().to_string(), address.port());
        chosen.iter().map(target).collect()
    }

    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Returns `HOST:PORT`, an IPv6 address in brackets.
    pub(super) fn authority(&self) -> String {
        match self.ip() {
            Some(ip) => SocketAddr::new(ip, self.port).to_string(),
            None => format!("{}:{}", self.host, self.port),
        }
    }
}
