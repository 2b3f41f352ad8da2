//! A configuration from a URL, and from environment variables.

use alloc::string::{String, ToString};

use super::endpoint::Endpoint;
use super::error::ConfigError;
use super::url::{Form, ParsedUrl, Server, parse_port};
use super::{Config, ConfigBuilder, error};

impl Config {
    /// Reads the configuration that environment variables describe; see
    /// [`ConfigBuilder::variables`] for their names. The core has no environment: `lookup` returns
    /// the value of a variable.
    ///
    /// # Errors
    /// As [`ConfigBuilder::variables`] and [`ConfigBuilder::build`]; [`ConfigError::NoVariable`] names
    /// the variables that were looked for.
    pub fn from_variables(
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let config = ConfigBuilder::default().variables(&lookup)?.build();
        config.map_err(|error| error.__of_variables(lookup))
    }
}

impl ConfigBuilder {
    /// Takes everything that a URL says:
    ///
    /// - `pusher://KEY:SECRET@HOST:PORT/PATH` (ws) and `pushers://…` (wss), the secret and
    ///   everything after the host optional; `ws://` and `wss://` in their place say the same;
    /// - `ws://HOST:PORT/PATH/app/KEY` and `wss://…`: the WebSocket's own URL, as browsers show it.
    ///   It holds no secret, and its query is left out: the session writes its own;
    /// - `http://KEY:SECRET@HOST:PORT/apps/ID` and `https://…`: the form of `PUSHER_URL` that the
    ///   official libraries read. A host `api-CLUSTER.pusher.com` means that cluster.
    ///
    /// Schemes are read in any case, and slashes at the end mean nothing. Key and secret are
    /// percent-decoded; the path goes into the endpoint as it stands.
    ///
    /// It replaces what was set before of key, secret, app id and address (cluster, host, endpoints,
    /// port, path, TLS), also by nothing: after a URL without a secret there is none. What is set afterwards
    /// replaces that part of the URL, but a cluster never a host.
    ///
    /// # Errors
    /// [`ConfigError::Url`] if it has another form, and if key or secret are not percent-encoded:
    /// with an `@`, `/`, `?`, `#` or `:` as it is in a secret, where the secret ends and the host
    /// begins could only be guessed. It quotes nothing of the URL, since any part of it may be a
    /// secret.
    pub fn url(mut self, url: &str) -> Result<Self, ConfigError> {
        let ParsedUrl { key, secret, server, app_id, path, tls, form } = ParsedUrl::parse(url)?;
        self = self.without_address();
        self.key = Some(key);
        self.secret = secret;
        self.app_id = app_id;
        self.tls = Some(tls);
        self.port = server.port;
        if form == Form::Api {
            return Ok(self.api_host(&server.host));
        }
        self.path = (!path.is_empty()).then(|| path.to_string());
        let lower = server.host.to_ascii_lowercase();
        let cluster = lower.strip_prefix("ws-").and_then(|rest| rest.strip_suffix(".pusher.com"));
        Ok(match cluster {
            Some(cluster) if Endpoint::cluster(cluster).is_ok() => self.cluster(cluster),
            _ => self.host(&server.host),
        })
    }

    /// Takes everything that environment variables say; unset and empty are the same:
    ///
    /// - `PUSHER_URL`, or `PUSHER_APP_ID`, `PUSHER_APP_KEY`, `PUSHER_APP_SECRET`,
    ///   `PUSHER_APP_CLUSTER`, `PUSHER_HOST`, `PUSHER_PORT` and `PUSHER_SCHEME` (`http` or `https`,
    ///   the default). Each of the latter wins over the URL's part, but a cluster never over a host.
    /// - Where neither `PUSHER_URL` nor `PUSHER_APP_KEY` is set: `REVERB_APP_ID`, `REVERB_APP_KEY`,
    ///   `REVERB_APP_SECRET`, `REVERB_HOST` (required), `REVERB_PORT` and `REVERB_SCHEME`, as
    ///   Laravel names them.
    ///
    /// A host may have its scheme before it and its port behind it (`https://example.org:6001/`);
    /// they count where no variable of their own says otherwise. It is one host: several endpoints are
    /// said by [`ConfigBuilder::endpoints`], which keeps the variables' port and scheme.
    ///
    /// # Errors
    /// [`ConfigError::Url`] for a malformed URL, [`ConfigError::Variable`] for another malformed
    /// value; neither quotes it. Without any of the variables this changes nothing.
    pub fn variables(
        mut self,
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let get = |name: &'static str| value(&lookup, name);
        let url = get(PUSHER.url);
        if let Some(url) = &url {
            self = self.url(url)?;
        }
        let is_pusher = is_pusher(&lookup);
        let names = if is_pusher { PUSHER } else { REVERB };
        if let Some(key) = get(names.key) {
            let rule = "is not a key: it may hold letters, digits and `_ - . ~`, 1 to 200";
            error::check_key(key.trim()).map_err(|_| refused(names.key, rule))?;
            self = self.key(key.trim());
        }
        if let Some(id) = get(names.app_id) {
            let rule = "is not an app's id: it may hold letters, digits and `_ - . ~`, 1 to 200";
            error::check_app_id(id.trim()).map_err(|_| refused(names.app_id, rule))?;
            self = self.app_id(id.trim());
        }
        if let Some(secret) = get(names.secret) {
            self = self.secret(secret.trim());
        }
        if let Some(cluster) = get(names.cluster).filter(|_| is_pusher) {
            let rule = "is not a cluster: lower-case letters, digits and `-`, such as \"eu\"";
            Endpoint::cluster(cluster.trim()).map_err(|_| refused(names.cluster, rule))?;
            self = self.cluster(cluster.trim());
        }
        if let Some(host) = get(names.host) {
            self = self.host_variable(names.host, host.trim())?;
        }
        if !is_pusher && self.host.is_none() && self.endpoints.is_none() {
            return Err(ConfigError::Missing { what: names.host });
        }
        if let Some(port) = get(names.port) {
            let rule = "is not a port: a number from 1 to 65535";
            let port = parse_port(port.trim()).ok_or_else(|| refused(names.port, rule))?;
            self.port = Some(port);
        }
        if let Some(scheme) = get(names.scheme) {
            let rule = "is not a scheme: use \"http\" or \"https\"";
            let tls = is_tls(scheme.trim()).ok_or_else(|| refused(names.scheme, rule))?;
            self.tls = Some(tls);
        }
        Ok(self)
    }

    /// Forgets where the server is: cluster, host, endpoints, port, path and TLS. For use after a
    /// [`ConfigBuilder::url`] of which only the app counts.
    #[must_use]
    pub fn without_address(mut self) -> Self {
        (self.cluster, self.host, self.endpoints) = (None, None, None);
        (self.port, self.path, self.tls) = (None, None, None);
        self
    }

    /// Forgets the app's secret, so that the session asks for authorizations.
    #[must_use]
    pub fn without_secret(mut self) -> Self {
        self.secret = None;
        self
    }

    /// `HOST`, and as people paste it: `SCHEME://HOST:PORT/`.
    fn host_variable(mut self, name: &'static str, text: &str) -> Result<Self, ConfigError> {
        let rule = "is not a host: a name or an IP address, without credentials and path";
        let refused = || refused(name, rule);
        let (host, port, tls) = if Endpoint::new(text).is_ok() {
            (text.into(), None, None)
        } else {
            let (tls, server) = match text.split_once("://") {
                Some((scheme, rest)) => (Some(is_tls(scheme).ok_or_else(refused)?), rest),
                None => (None, text),
            };
            let Server { host, port } =
                Server::parse(server.trim_end_matches('/')).map_err(|_| refused())?;
            (host, port, tls)
        };
        self = self.api_host(&host);
        self.port = port.or(self.port);
        // The official configuration's default is `https`, for your own host, too.
        self.tls = tls.or(self.tls).or(Some(true));
        Ok(self)
    }

    /// The server that belongs to a host of the HTTP API.
    fn api_host(mut self, host: &str) -> Self {
        let lower = host.to_ascii_lowercase();
        let cluster = match lower.as_str() {
            "api.pusherapp.com" | "api.pusher.com" => Some("mt1"),
            _ => lower.strip_prefix("api-").and_then(|rest| rest.strip_suffix(".pusher.com")),
        };
        match cluster.filter(|cluster| Endpoint::cluster(cluster).is_ok()) {
            Some(cluster) => {
                (self.host, self.endpoints) = (None, None);
                self.cluster(cluster)
            }
            None => self.host(host),
        }
    }
}

/// The names of the variables. Only names appear in errors.
#[derive(Clone, Copy)]
struct Names {
    url: &'static str,
    app_id: &'static str,
    key: &'static str,
    secret: &'static str,
    cluster: &'static str,
    host: &'static str,
    port: &'static str,
    scheme: &'static str,
}

const PUSHER: Names = Names {
    url: "PUSHER_URL",
    app_id: "PUSHER_APP_ID",
    key: "PUSHER_APP_KEY",
    secret: "PUSHER_APP_SECRET",
    cluster: "PUSHER_APP_CLUSTER",
    host: "PUSHER_HOST",
    port: "PUSHER_PORT",
    scheme: "PUSHER_SCHEME",
};

/// Reverb has neither a URL nor clusters.
const REVERB: Names = Names {
    url: "",
    app_id: "REVERB_APP_ID",
    key: "REVERB_APP_KEY",
    secret: "REVERB_APP_SECRET",
    cluster: "",
    host: "REVERB_HOST",
    port: "REVERB_PORT",
    scheme: "REVERB_SCHEME",
};

fn value(lookup: &impl Fn(&'static str) -> Option<String>, name: &'static str) -> Option<String> {
    lookup(name).filter(|value| !value.trim().is_empty())
}

/// Returns whether the variables of Pusher count, and not those of Reverb. A lone `PUSHER_HOST` still counts: the
/// key may come from elsewhere.
fn is_pusher(lookup: &impl Fn(&'static str) -> Option<String>) -> bool {
    let is_set = |name| value(lookup, name).is_some();
    is_set(PUSHER.url) || is_set(PUSHER.key) || !is_set(REVERB.key)
}

impl ConfigError {
    /// For drivers, which take what a configuration of variables alone lacks: names the variables that were
    /// looked for. A URL that is there, and does not say it, is not among them.
    #[doc(hidden)]
    #[must_use]
    pub fn __of_variables(self, lookup: impl Fn(&'static str) -> Option<String>) -> Self {
        let Self::Missing { what } = self else { return self };
        let has_url = value(&lookup, PUSHER.url).is_some();
        let variables: &[&str] = match (what, is_pusher(&lookup)) {
            ("key", _) => return Self::__no_key(),
            ("app id", true) if has_url => &[PUSHER.app_id],
            ("app id", true) => &[PUSHER.url, PUSHER.app_id],
            ("app id", false) => &[REVERB.app_id],
            ("secret", true) if has_url => &[PUSHER.secret],
            ("secret", true) => &[PUSHER.url, PUSHER.secret],
            ("secret", false) => &[REVERB.secret],
            _ => return self,
        };
        Self::NoVariable { what, variables }
    }

    /// For drivers, which build a configuration of variables and of other settings.
    #[doc(hidden)]
    #[must_use]
    pub fn __no_key() -> Self {
        Self::NoVariable { what: "key", variables: &[PUSHER.url, PUSHER.key, REVERB.key] }
    }
}

fn refused(name: &'static str, problem: &'static str) -> ConfigError {
    ConfigError::Variable { name, problem }
}

fn is_tls(scheme: &str) -> Option<bool> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => Some(false),
        "https" | "wss" => Some(true),
        _ => None,
    }
}
