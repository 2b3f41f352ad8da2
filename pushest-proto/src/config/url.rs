//! A URL taken apart. It may hold a secret anywhere, a malformed one all the more: no error quotes
//! any of it, and one that could be read in two ways is refused.

use alloc::borrow::Cow;
use alloc::string::String;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use super::error;
use super::error::ConfigError;

const NOT_ENCODED: &str = "an `@`, or a key or secret that is not percent-encoded: in these `@` is \
                           %40, `:` is %3A, `/` is %2F, `?` is %3F, `#` is %23, `%` is %25";

/// What a URL says. It cannot be printed: it holds a secret.
pub(super) struct ParsedUrl<'a> {
    pub(super) key: String,
    pub(super) secret: Option<Zeroizing<String>>,
    pub(super) server: Server<'a>,
    /// The app's id, which [`Form::Api`] has in its path.
    pub(super) app_id: Option<String>,
    /// The path before `/app/KEY`; empty for [`Form::Api`].
    pub(super) path: &'a str,
    pub(super) tls: bool,
    pub(super) form: Form,
}

/// What a URL points to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Where clients connect to.
    WebSocket,
    /// The HTTP API.
    Api,
}

/// `HOST[:PORT]`.
pub(super) struct Server<'a> {
    pub(super) host: Cow<'a, str>,
    pub(super) port: Option<u16>,
}

fn problem(problem: &'static str) -> ConfigError {
    ConfigError::Url { problem }
}

impl<'a> ParsedUrl<'a> {
    pub(super) fn parse(url: &'a str) -> Result<Self, ConfigError> {
        let (scheme, rest) = url.trim().split_once("://").ok_or(problem("it has no `://`"))?;
        let (tls, form) = match scheme.to_ascii_lowercase().as_str() {
            "pusher" | "ws" => (false, Form::WebSocket),
            "pushers" | "wss" => (true, Form::WebSocket),
            "http" => (false, Form::Api),
            "https" => (true, Form::Api),
            _ => return Err(problem("unknown scheme")),
        };
        // The WebSocket's own URL says the key in its path.
        let may_have_app = scheme.to_ascii_lowercase().starts_with("ws");
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, server) = match authority.split_once('@') {
            Some((user, server)) => (Some(UserInfo::parse(user)?), server),
            None => (None, authority),
        };
        // An `@` further on: what precedes it was meant as the secret, and is none of the host,
        // the port and the path that it looks like.
        if server.contains('@') || rest.contains('@') {
            return Err(problem(NOT_ENCODED));
        }
        let (path, query) = match rest.find(['?', '#']) {
            Some(end) => (&rest[..end], Some(&rest[end..])),
            None => (rest, None),
        };
        let path = path.trim_end_matches('/');
        let app = if may_have_app { path.rsplit_once("/app/") } else { None };
        let is_left_out = |query: &str| app.is_some() && !query.contains('#');
        if query.is_some_and(|query| !is_left_out(query)) {
            return Err(problem("it has a query or a fragment"));
        }
        let app_key = app.map(|(_, key)| decoded(key)).transpose()?;
        let (key, secret) = match (user, app_key) {
            (Some(user), Some(app_key)) if user.key != app_key => {
                return Err(problem("it names two keys, before the host and after /app/"));
            }
            (Some(user), _) => (user.key, user.secret),
            (None, Some(app_key)) => (app_key, None),
            (None, None) if may_have_app => {
                return Err(problem("it has neither KEY@ nor /app/KEY"));
            }
            (None, None) => return Err(problem("it has no KEY@")),
        };
        error::check_key(&key)
            .map_err(|_| problem("its key holds other than letters, digits and `_ - . ~`"))?;
        let server = Server::parse(server).map_err(problem)?;
        let (path, app_id) = match form {
            Form::WebSocket => (app.map_or(path, |(prefix, _)| prefix), None),
            Form::Api => {
                let id = path.strip_prefix("/apps/").unwrap_or_default();
                let id = decoded(id).map_err(|_| problem("its path is not /apps/ID"))?;
                error::check_app_id(&id).map_err(|_| problem("its path is not /apps/ID"))?;
                ("", Some(id))
            }
        };
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(problem("its path holds other than visible ASCII characters"));
        }
        Ok(Self { key, secret, server, app_id, path, tls, form })
    }
}

/// `KEY[:SECRET]`, decoded.
struct UserInfo {
    key: String,
    secret: Option<Zeroizing<String>>,
}

impl UserInfo {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let (key, secret) = match text.split_once(':') {
            Some((key, secret)) => (key, Some(secret)),
            None => (text, None),
        };
        if !is_encoded(key) || !secret.is_none_or(is_encoded) {
            return Err(problem(NOT_ENCODED));
        }
        let secret = secret.map(decoded).transpose()?.map(Zeroizing::new);
        if secret.as_ref().is_some_and(|secret| secret.trim().is_empty()) {
            return Err(problem("its secret is empty"));
        }
        Ok(Self { key: decoded(key)?, secret })
    }
}

/// Returns whether all of it may stand in a part of a URL's user information (RFC 3986, section
/// 3.2.1).
fn is_encoded(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len()).all(|place| match bytes[place] {
        b'%' => {
            bytes[place + 1..].iter().take(2).filter(|digit| digit.is_ascii_hexdigit()).count() == 2
        }
        byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte),
    })
}

fn decoded(text: &str) -> Result<String, ConfigError> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Cow::into_owned).map_err(|_| problem("its key or secret is not UTF-8"))
}

impl<'a> Server<'a> {
    /// Reads `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`; the zone of an IPv6 address begins with
    /// `%25` (RFC 6874) or, as people write it, `%`.
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        const INCOMPLETE: &str = "its host is not complete";
        let host_end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']').ok_or(INCOMPLETE)? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(host_end);
        if host.is_empty() {
            return Err(INCOMPLETE);
        }
        let host = match host.split_once("%25") {
            Some((address, zone)) if host.starts_with('[') => {
                alloc::format!("{address}%{zone}").into()
            }
            None if host.starts_with('[') => host.into(),
            _ => percent_decode_str(host).decode_utf8().map_err(|_| "its host is not UTF-8")?,
        };
        if Endpoint::new(&host).is_err() {
            return Err("its host is neither a name nor an IP address");
        }
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            None => return Err(INCOMPLETE),
            Some(port) => Some(parse_port(port).ok_or("its port is no number from 1 to 65535")?),
        };
        Ok(Self { host, port })
    }
}

/// Returns a port's number. `+` and spaces, which Rust or people would let pass, are no part of
/// one.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port != 0)
}
