//! A list of endpoints, as it is given.

use alloc::borrow::ToOwned;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use super::endpoint::Endpoint;
use super::error::{ConfigError, shown_endpoint};
use super::url::{Server, parse_port};

/// Maximum number of endpoints of a configuration.
pub(crate) const MOST_ENDPOINTS: usize = 32;

/// What holds for the endpoints that do not say it themselves.
pub(super) struct Defaults<'a> {
    pub(super) tls: Option<bool>,
    pub(super) port: Option<u16>,
    pub(super) path: Option<&'a str>,
}

/// Reads a list of endpoints, and checks it as a whole.
pub(super) fn parse(
    list: &[impl AsRef<str>],
    defaults: &Defaults<'_>,
) -> Result<Arc<[Endpoint]>, ConfigError> {
    let endpoints =
        list.iter().zip(1..).map(|(text, number)| endpoint(text.as_ref(), number, defaults));
    let endpoints: Vec<Endpoint> = endpoints.take(MOST_ENDPOINTS + 1).collect::<Result<_, _>>()?;
    check(&endpoints)?;
    Ok(endpoints.into())
}

/// Checks the number of endpoints, and that none is there twice.
pub(crate) fn check(endpoints: &[Endpoint]) -> Result<(), ConfigError> {
    if endpoints.is_empty() {
        return Err(ConfigError::NoEndpoints);
    }
    if endpoints.len() > MOST_ENDPOINTS {
        return Err(ConfigError::TooManyEndpoints { limit: MOST_ENDPOINTS });
    }
    for (number, endpoint) in endpoints.iter().enumerate() {
        if let Some(other) = endpoints[..number].iter().find(|other| endpoint.is_same(other)) {
            let (endpoint, other) = (endpoint.to_string(), other.to_string());
            return Err(ConfigError::SameEndpoint { endpoint, other });
        }
    }
    Ok(())
}

/// Reads `HOST`, `HOST:PORT`, `ws://HOST:PORT/PATH` or `wss://…`.
fn endpoint(text: &str, number: usize, defaults: &Defaults<'_>) -> Result<Endpoint, ConfigError> {
    let refused = || ConfigError::Endpoint { endpoint: shown_endpoint(text), number };
    let (tls, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(is_tls(scheme).ok_or_else(refused)?), rest),
        None => (None, text),
    };
    // Without a scheme a slash is none of a path, but a mistake.
    let path_at = tls.and_then(|_| rest.find('/'));
    let (server, path) = rest.split_at(path_at.unwrap_or(rest.len()));
    if may_end_in_port(server) {
        return Err(ConfigError::Brackets { address: server.to_owned() });
    }
    let own_path = Some(path).filter(|path| !path.is_empty());
    let (endpoint, port) = match Endpoint::new(server) {
        Ok(endpoint) => (endpoint, None),
        Err(_) => match Server::parse(server) {
            Ok(Server { host, port }) => (Endpoint::new(&host).map_err(|_| refused())?, port),
            Err(_) => return Err(bad_port(server).unwrap_or_else(refused)),
        },
    };
    let (tls, port) = (tls.or(defaults.tls), port.or(defaults.port));
    endpoint.adjusted(tls, port, own_path.or(defaults.path)).map_err(|error| match error {
        // Of its own path only, and that may be anything.
        ConfigError::Path { .. } if own_path.is_some() => refused(),
        error => error,
    })
}

/// Returns whether it is an IPv6 address of which the end may be meant as a port: `::1:6001`.
fn may_end_in_port(server: &str) -> bool {
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let parts = server.rsplit_once(':').filter(|_| is_address(server));
    parts.is_some_and(|(address, port)| is_address(address) && parse_port(port).is_some())
}

/// Returns the error about a port that is a number and none of a port. Anything else behind a colon may
/// be a secret, and so may a number be behind what may be a user.
fn bad_port(server: &str) -> Option<ConfigError> {
    let (host, port) = server.rsplit_once(':')?;
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let host = Endpoint::new(host).ok().filter(|_| is_number && parse_port(port).is_none())?;
    let is_address = host.host().parse::<IpAddr>().is_ok() && port.len() <= 10;
    let shown = if is_address || port == "0" { port } else { "***" };
    Some(ConfigError::Port { port: shown.to_owned() })
}

fn is_tls(scheme: &str) -> Option<bool> {
    match scheme.to_ascii_lowercase().as_str() {
        "ws" => Some(false),
        "wss" => Some(true),
        _ => None,
    }
}
