//! What is wrong with a configuration.

use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;

use crate::text::MOST_SHOWN;

/// A value of the configuration that breaks a rule. Its text names the value and the rule, and
/// never a secret: nothing that came from a URL or a variable is quoted, and no value that may be
/// a URL or a key with its secret (one with an `@` or a `:` in it); `…` stands in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Something that is required was not given.
    #[error("no {what} was given")]
    Missing {
        /// What is missing.
        what: &'static str,
    },
    /// None of the variables that say something that is required is set.
    #[error("no {what} was given: {}", NotSet(variables))]
    NoVariable {
        /// What is missing.
        what: &'static str,
        /// The variables that were looked for.
        variables: &'static [&'static str],
    },
    /// The key cannot be part of a URL.
    #[error(
        "the key {} is not a key: it may hold letters, digits and `_ - . ~`, 1 to 200",
        Quoted(key)
    )]
    Key {
        /// The key.
        key: String,
    },
    /// The app's id cannot be part of a path.
    #[error(
        "the app id {} is not an id: it may hold letters, digits and `_ - . ~`, 1 to 200",
        Quoted(app_id)
    )]
    AppId {
        /// The id.
        app_id: String,
    },
    /// The secret is empty.
    #[error("the secret is empty")]
    EmptySecret,
    /// The master key does not have 32 bytes.
    #[error("the master key has {bytes} bytes: it must have 32")]
    MasterKey {
        /// The number of bytes that were given.
        bytes: usize,
    },
    /// The master key is not base64.
    #[error("the master key is not base64")]
    MasterKeyBase64,
    /// The name of the cluster breaks a rule.
    #[error(
        "{} is not a cluster: lower-case letters, digits and `-`, such as \"eu\"",
        Quoted(cluster)
    )]
    Cluster {
        /// The refused value.
        cluster: String,
    },
    /// The host is neither a name nor an IP address.
    #[error(
        "{} is not a host: a name or an IP address, without a scheme, a port or a path",
        Quoted(host)
    )]
    Host {
        /// The refused value.
        host: String,
    },
    /// The port is not a number from 1 to 65535.
    #[error("{port:?} is not a port: a number from 1 to 65535")]
    Port {
        /// The refused value.
        port: String,
    },
    /// The path breaks a rule.
    #[error("{} is not a path: it begins with `/` and holds no space, `?` or `#`", Quoted(path))]
    Path {
        /// The refused value.
        path: String,
    },
    /// The list of endpoints is empty.
    #[error("the list of endpoints is empty: it needs one at least")]
    NoEndpoints,
    /// The list of endpoints is too long.
    #[error(
        "the list of endpoints has more than {limit} entries: give nodes one name, all of whose \
         addresses are tried"
    )]
    TooManyEndpoints {
        /// The maximum number of endpoints.
        limit: usize,
    },
    /// An entry of the list of endpoints is none.
    #[error(
        "{}, number {number} of the list, is not an endpoint: HOST, HOST:PORT, ws://HOST:PORT/PATH, or \
         wss://… for TLS, without credentials",
        Quoted(endpoint)
    )]
    Endpoint {
        /// The refused value.
        endpoint: String,
        /// Its place in the list, from 1.
        number: usize,
    },
    /// An IPv6 address in the list of endpoints may end in a port.
    #[error(
        "{address} may end in a port: an IPv6 address stands in brackets there, as in [{address}], or \
         [::1]:6001 with a port"
    )]
    Brackets {
        /// The refused value.
        address: String,
    },
    /// The list of endpoints has the same one twice.
    #[error(
        "{endpoint} is in the list of endpoints twice, there as {other}: each may be in it once"
    )]
    SameEndpoint {
        /// The second of the two.
        endpoint: String,
        /// The first of the two.
        other: String,
    },
    /// A host was given beside a list of endpoints.
    #[error("a host was given beside a list of endpoints: put it into the list")]
    HostAndEndpoints,
    /// The URL has none of the known forms.
    #[error(
        "not a Pusher URL ({problem}): use pusher://KEY:SECRET@HOST:PORT/PATH, pushers://… for TLS, \
         https://KEY:SECRET@HOST/apps/ID, or the WebSocket's own wss://HOST/app/KEY"
    )]
    Url {
        /// What is wrong with it; not the URL itself, which may hold a secret.
        problem: &'static str,
    },
    /// A variable whose value breaks a rule.
    #[error("{name} {problem}")]
    Variable {
        /// The variable's name, such as `PUSHER_PORT`.
        name: &'static str,
        /// The rule that it breaks; not its value, which may hold a secret.
        problem: &'static str,
    },
    /// A duration outside of what timers can keep.
    #[error("{value:?} cannot be the {what}: it must be from 1 ms to 10 years")]
    Duration {
        /// Which duration.
        what: &'static str,
        /// The refused value.
        value: Duration,
    },
    /// The backoff would shrink.
    #[error("the initial backoff {initial:?} is longer than the maximum {maximum:?}")]
    Backoff {
        /// The initial ceiling.
        initial: Duration,
        /// The ceiling of all delays.
        maximum: Duration,
    },
    /// A schedule of pauses without an entry.
    #[error("the schedule of pauses is empty")]
    EmptySchedule,
    /// A schedule of pauses with too many entries.
    #[error("the schedule of pauses has more than {limit} entries")]
    LongSchedule {
        /// The maximum number of entries.
        limit: usize,
    },
    /// A limit that makes no sense.
    #[error(
        "{value} cannot be the limit `{what}`: it must be at least 1, and that of a message at \
         most 4294967295"
    )]
    Limit {
        /// Which limit.
        what: &'static str,
        /// The refused value.
        value: usize,
    },
}

/// Variables of which none is set.
struct NotSet<'a>(&'a [&'a str]);

impl fmt::Display for NotSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, "the variable {one} is not set"),
            all => write!(f, "none of the variables {} is set", all.join(", ")),
        }
    }
}

/// Stands in the place of a value that is not shown.
const HIDDEN: &str = "…";

/// A value in quotes, or why it is not shown.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)?;
        if self.0 == HIDDEN { f.write_str(" (not shown: it may hold a secret)") } else { Ok(()) }
    }
}

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

pub(super) fn check_duration(what: &'static str, value: Duration) -> Result<(), ConfigError> {
    if (SHORTEST..=LONGEST).contains(&value) {
        Ok(())
    } else {
        Err(ConfigError::Duration { what, value })
    }
}

pub(crate) fn check_key(key: &str) -> Result<(), ConfigError> {
    if is_plain(key) { Ok(()) } else { Err(ConfigError::Key { key: shown(key) }) }
}

pub(super) fn check_app_id(app_id: &str) -> Result<(), ConfigError> {
    // URLs give these two a meaning of their own: a client that resolves them asks for another
    // path.
    if is_plain(app_id) && app_id != "." && app_id != ".." {
        Ok(())
    } else {
        Err(ConfigError::AppId { app_id: shown(app_id) })
    }
}

/// Returns whether it may stand in a path as it is.
fn is_plain(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte);
    (1..=200).contains(&text.len()) && text.bytes().all(allowed)
}

/// Returns the beginning of a value, as errors and `Debug` show it. A URL with its credentials, or
/// `KEY:SECRET`, gets pasted where only a part of it belongs: nothing of such a value is shown.
pub(crate) fn shown(value: &str) -> String {
    if value.contains(['@', ':']) {
        return HIDDEN.to_string();
    }
    value.chars().take(MOST_SHOWN).collect()
}

/// Returns an endpoint of a list as errors show it: its scheme and its host, if these are all that stands
/// before what may be a secret.
pub(crate) fn shown_endpoint(text: &str) -> String {
    if text.contains('@') || !text.contains(':') {
        return shown(text);
    }
    let host_at = text.find("://").map_or(0, |end| end + 3);
    let end = text[host_at..].find([':', '/', '?', '#']).map_or(text.len(), |end| host_at + end);
    let is_plain = |text: &str| {
        !text.is_empty() && text.chars().all(|it| it.is_alphanumeric() || "+-._".contains(it))
    };
    let scheme = text[..host_at].strip_suffix("://");
    if !scheme.is_none_or(is_plain) || !is_plain(&text[host_at..end]) || end > MOST_SHOWN {
        return HIDDEN.to_string();
    }
    alloc::format!("{}…", &text[..end])
}

/// Returns a path as errors show it: a query or a fragment behind it may be a token.
pub(crate) fn shown_path(path: &str) -> String {
    let shown = shown(path);
    match shown.find(['?', '#']) {
        Some(end) => alloc::format!("{}…", &shown[..=end]),
        None => shown,
    }
}
