//! The proxy that a client connects through.

use pushest_proto::Endpoint;

use super::Options;
use crate::dial::host_name;
use crate::dial::proxy::proxies::Proxies;
use crate::error::OptionsError;

impl Options {
    /// Connects through this proxy only: the WebSocket, the requests to the authorization endpoint
    /// and the calls of the HTTP API, with TLS and without. The last call of this and of
    /// [`Options::proxy_from_env`] counts; by default no proxy is used, whatever the environment
    /// says.
    ///
    /// The URL is `http://USER:PASSWORD@HOST:PORT` for a proxy that supports CONNECT, or
    /// `socks5://…` for SOCKS5; `socks5h://` is the same. User and password are optional, and
    /// percent-encoded; they are sent as `Proxy-Authorization: Basic`, or as RFC 1929 says. The
    /// default scheme is `http://`; the default port is 80, for SOCKS5 1080. The proxy resolves the
    /// server's name. It learns the server's host and port, and its own user and password. Through
    /// it, `wss://` is encrypted up to the server.
    ///
    /// A proxy that refuses, is silent for nine tenths of [`Timeouts::dial`](crate::Timeouts::dial) (of a call
    /// or a request, of the time that it has left), or cannot be reached fails the dial ([`DialFailure::Proxy`](crate::DialFailure::Proxy)), which is
    /// tried again with backoff, and no sooner than a `Retry-After` says that comes with 429 or 503. Neither errors nor the log show user and password.
    ///
    /// # Errors
    /// [`OptionsError::Proxy`] if it is no URL of such a proxy. `https://`, a proxy that is itself spoken
    /// to over TLS, is refused.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().proxy("http://ann:s%40cret@proxy.example:3128")?;
    /// # let _ = options;
    /// # Ok::<(), pushest_driver::OptionsError>(())
    /// ```
    pub fn proxy(mut self, url: &str) -> Result<Self, OptionsError> {
        self.proxies = Proxies::one(url)?;
        Ok(self)
    }

    /// Connects through the proxies that environment variables name at the time of this call:
    /// `HTTPS_PROXY` for `wss://` and `https://`, `HTTP_PROXY` for `ws://` and `http://`,
    /// `ALL_PROXY` where the other one is not set. Each holds a URL as for [`Options::proxy`]. An
    /// empty variable counts as not set.
    ///
    /// `NO_PROXY` names the hosts that are reached directly, separated by commas: `example.org` or
    /// `.example.org` for a name and all names under it, an IP address, a network such as
    /// `10.0.0.0/8`, and `*` for everything; names and addresses may have a `:PORT`. Names are
    /// compared without resolving them, and nothing is in the list by default, not even
    /// `localhost`.
    ///
    /// The same names in lower case count first. `HTTP_PROXY` in upper case is ignored where
    /// `REQUEST_METHOD` is set: there it may be a header that a client of a CGI program sent.
    ///
    /// # Errors
    /// [`OptionsError::Proxy`], [`OptionsError::NoProxy`] and [`OptionsError::ProxyVariable`], which name
    /// the variable, its value and the rule, also of variables that no connection would need. Where no
    /// variable names a proxy, `NO_PROXY` is not read.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().proxy_from_env()?;
    /// # let _ = options;
    /// # Ok::<(), pushest_driver::OptionsError>(())
    /// ```
    pub fn proxy_from_env(mut self) -> Result<Self, OptionsError> {
        self.proxies = Proxies::of_environment()?;
        Ok(self)
    }
}

/// Returns the URL of the proxy that a client with these options goes through to an endpoint, with `***` in
/// the place of user and password; `None` if it connects directly.
#[must_use]
pub fn proxy_to(options: &Options, endpoint: &Endpoint) -> Option<String> {
    // In the form in which the dial compares it. What has none is not dialled.
    let endpoint = host_name::ascii(endpoint.clone()).ok()?;
    let (host, port) = (endpoint.host(), endpoint.port());
    options.proxies.of(endpoint.is_tls(), host, port).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_options_nor_errors_show_a_proxys_password() {
        let options = Options::default().proxy("http://ann:s3cret@proxy.example:3128");
        let shown = format!("{:?}", options.expect("a proxy"));
        assert!(shown.contains("http://***@proxy.example:3128"), "{shown}");
        assert!(!shown.contains("s3cret") && !shown.contains("ann"), "{shown}");
        let error = Options::default().proxy("gopher://ann:s3cret@h").expect_err("no such proxy");
        assert_eq!(
            error.to_string(),
            "\"gopher://***@h\" cannot be used as a proxy: its scheme is none of http, socks5 and \
             socks5h"
        );
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}
