//! A configuration from a URL, and from environment variables.

use alloc::string::{String, ToString};

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::{ConfigBuilder, ConfigError};

impl ConfigBuilder {
    /// Takes everything that a URL says:
    ///
    /// - `pusher://KEY:SECRET@HOST:PORT/PATH` (ws) and `pushers://…` (wss), the secret and
    ///   everything after the host optional;
    /// - `http://KEY:SECRET@HOST:PORT/apps/ID` and `https://…`: the form of `PUSHER_URL` that the
    ///   official libraries read. A host `api-CLUSTER.pusher.com` means that cluster.
    ///
    /// Key and secret are percent-decoded; the path goes into the endpoint as it stands.
    ///
    /// # Errors
    /// [`ConfigError::Url`] if it has another form, [`ConfigError::Port`] for a bad port. Neither
    /// quotes the URL, since it may hold a secret.
    pub fn url(mut self, url: &str) -> Result<Self, ConfigError> {
        let parsed = ParsedUrl::parse(url)?;
        let (tls, api) = match parsed.scheme.as_str() {
            "pusher" => (false, false),
            "pushers" => (true, false),
            "http" => (false, true),
            "https" => (true, true),
            _ => {
                return Err(ConfigError::Url { problem: "unknown scheme" });
            }
        };
        self.key = Some(parsed.key);
        self.secret = parsed.secret;
        self.tls = Some(tls);
        self.port = parsed.port;
        self.path = None;
        if api {
            // The path names the app by its id, which the WebSocket side does not use.
            let id = parsed.path.strip_prefix("/apps/").unwrap_or_default();
            if id.is_empty() || id.contains('/') {
                return Err(ConfigError::Url { problem: "its path is not /apps/ID" });
            }
            return Ok(self.api_host(parsed.host));
        }
        self.cluster = None;
        self.host = Some(parsed.host.to_string());
        if parsed.path.len() > 1 {
            self.path = Some(parsed.path.to_string());
        }
        Ok(self)
    }

    /// Takes what environment variables say; unset and empty are the same:
    ///
    /// - `PUSHER_URL`, or `PUSHER_APP_KEY`, `PUSHER_APP_SECRET`, `PUSHER_APP_CLUSTER`,
    ///   `PUSHER_HOST`, `PUSHER_PORT` and `PUSHER_SCHEME` (`http` or `https`, the default). Each of
    ///   the latter wins over the URL's part, but a cluster never over a host. `PUSHER_APP_ID`
    ///   belongs to the HTTP API and is not read here.
    /// - Where neither `PUSHER_URL` nor `PUSHER_APP_KEY` is set: `REVERB_APP_KEY`,
    ///   `REVERB_APP_SECRET`, `REVERB_HOST` (required), `REVERB_PORT` and `REVERB_SCHEME`, as
    ///   Laravel names them.
    ///
    /// # Errors
    /// [`ConfigError`] for a malformed URL, port or scheme. Without any of the variables this
    /// changes nothing.
    pub fn variables(
        mut self,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        if let Some(url) = get("PUSHER_URL") {
            self = self.url(url.trim())?;
        }
        let prefix = if get("PUSHER_URL").or_else(|| get("PUSHER_APP_KEY")).is_some() {
            "PUSHER_"
        } else if get("REVERB_APP_KEY").is_some() {
            "REVERB_"
        } else {
            // A lone `PUSHER_HOST` still counts: the key may come from elsewhere.
            "PUSHER_"
        };
        let get = |name: &str| get(&alloc::format!("{prefix}{name}"));
        if let Some(key) = get("APP_KEY") {
            self = self.key(key.trim());
        }
        if let Some(secret) = get("APP_SECRET") {
            self = self.secret(secret.trim());
        }
        if let Some(cluster) = get("APP_CLUSTER").filter(|_| prefix == "PUSHER_") {
            self = self.cluster(cluster.trim());
        }
        if let Some(host) = get("HOST") {
            self = self.api_host(host.trim());
            // The official configuration's default is `https`, for a host of one's own, too.
            self.tls.get_or_insert(true);
        }
        if prefix == "REVERB_" && self.host.is_none() {
            return Err(ConfigError::Missing { what: "REVERB_HOST" });
        }
        if let Some(port) = get("PORT") {
            let port = port.trim();
            let number = port.parse().ok().filter(|number| *number != 0);
            self.port = Some(number.ok_or_else(|| ConfigError::Port { port: port.to_string() })?);
        }
        match get("SCHEME").as_deref().map(str::trim) {
            None => {}
            Some("http" | "ws") => self.tls = Some(false),
            Some("https" | "wss") => self.tls = Some(true),
            Some(other) => {
                return Err(ConfigError::Scheme { scheme: other.to_string() });
            }
        }
        Ok(self)
    }

    /// The server that belongs to a host of the HTTP API.
    fn api_host(mut self, host: &str) -> Self {
        let lower = host.to_ascii_lowercase();
        let cluster = match lower.as_str() {
            "api.pusherapp.com" | "api.pusher.com" => Some("mt1"),
            _ => lower.strip_prefix("api-").and_then(|rest| rest.strip_suffix(".pusher.com")),
        };
        match cluster {
            Some(cluster) => {
                self.host = None;
                self.cluster(cluster)
            }
            None => self.host(host),
        }
    }
}

/// `SCHEME://KEY[:SECRET]@HOST[:PORT][/PATH]`, taken apart. It cannot be printed: it holds a
/// secret.
struct ParsedUrl<'a> {
    scheme: String,
    key: String,
    secret: Option<Zeroizing<String>>,
    host: &'a str,
    port: Option<u16>,
    path: &'a str,
}

impl<'a> ParsedUrl<'a> {
    fn parse(url: &'a str) -> Result<Self, ConfigError> {
        let problem = |problem| ConfigError::Url { problem };
        let (scheme, rest) = url.split_once("://").ok_or(problem("it has no `://`"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if path.contains(['?', '#']) {
            return Err(problem("it has a query or a fragment"));
        }
        let (user, server) = authority.rsplit_once('@').ok_or(problem("it has no KEY@"))?;
        let (key, secret) = match user.split_once(':') {
            Some((key, secret)) => (key, Some(secret)),
            None => (user, None),
        };
        let (host, port) = split_port(server).ok_or(problem("its host is not complete"))?;
        let port = match port {
            None => None,
            Some(text) => match text.parse() {
                Ok(port) if port != 0 => Some(port),
                _ => {
                    return Err(ConfigError::Port { port: text.to_string() });
                }
            },
        };
        let decoded =
            |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok();
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            key: decoded(key).ok_or(problem("its key is not UTF-8"))?,
            secret: match secret {
                Some(secret) => {
                    Some(decoded(secret).ok_or(problem("its secret is not UTF-8"))?.into())
                }
                None => None,
            },
            host,
            port,
            path,
        })
    }
}

/// `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`.
fn split_port(server: &str) -> Option<(&str, Option<&str>)> {
    let host_end = match server.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => server.find(':').unwrap_or(server.len()),
    };
    let (host, rest) = server.split_at(host_end);
    if host.is_empty() {
        return None;
    }
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None if rest.is_empty() => Some((host, None)),
        None => None,
    }
}
