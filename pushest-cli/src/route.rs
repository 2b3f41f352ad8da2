//! Where the client connects to, and through what.

use std::fmt;

use pushest_driver::Options;
use pushest_driver::unstable::proxy_to;
use pushest_proto::Endpoint;

use crate::unix_socket::UnixSocket;

/// The ways to all endpoints of a connection.
pub(crate) struct Routes {
    options: Options,
    unix_socket: Option<String>,
    endpoints: usize,
}

impl Routes {
    pub(crate) fn new(
        options: &Options,
        unix_socket: Option<&UnixSocket>,
        endpoints: usize,
    ) -> Self {
        let unix_socket = unix_socket.map(|socket| socket.path().display().to_string());
        Self { options: options.clone(), unix_socket, endpoints }
    }

    /// The way to this endpoint. Of several, `NO_PROXY` may name some.
    pub(crate) fn to(&self, endpoint: &Endpoint) -> Route {
        // No proxy counts for a Unix socket.
        let is_direct = self.unix_socket.is_some();
        let proxy = if is_direct { None } else { proxy_to(&self.options, endpoint) };
        Route { address: endpoint.to_string(), proxy, unix_socket: self.unix_socket.clone() }
    }

    /// Whether the command line alone does not tell which way is taken.
    pub(crate) fn has_choice(&self, route: &Route) -> bool {
        self.endpoints > 1 || route.proxy.is_some() || route.unix_socket.is_some()
    }
}

/// The way to an endpoint.
pub(crate) struct Route {
    /// The endpoint, such as `wss://example.org:443`.
    pub(crate) address: String,
    /// The proxy's URL, with `***` in the place of user and password.
    pub(crate) proxy: Option<String>,
    /// The path of the socket that the server is reached over.
    pub(crate) unix_socket: Option<String>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        match (&self.unix_socket, &self.proxy) {
            (Some(path), _) => write!(f, " over the Unix socket {path}"),
            (None, Some(proxy)) => write!(f, " through the proxy {proxy}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_names_its_proxy_without_user_and_password() {
        let options = Options::default().proxy("http://ann:s3cret@proxy.example:3128").unwrap();
        let endpoint = Endpoint::new("h").unwrap().with_tls(true);
        let routes = Routes::new(&options, None, 1);
        let route = routes.to(&endpoint);
        let text = "wss://h:443 through the proxy http://***@proxy.example:3128";
        assert_eq!(route.to_string(), text);
        assert!(routes.has_choice(&route));
        let routes = Routes::new(&Options::default(), None, 1);
        let route = routes.to(&endpoint);
        assert_eq!(route.to_string(), "wss://h:443");
        assert!(!routes.has_choice(&route));
        assert!(Routes::new(&Options::default(), None, 2).has_choice(&route));
    }
}
