//! What a proxy is, and the URL that names one.

use std::fmt;
use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;
use pushest_proto::Endpoint;
use zeroize::Zeroizing;

use crate::dial::host_name;

const SCHEME: &str = "its scheme is none of http, socks5 and socks5h";
const SOCKS: &str =
    "its scheme says no version of SOCKS: write socks5h:// if the proxy speaks SOCKS5";
const SLASHES: &str = "a scheme is followed by `://`";
const TLS: &str = "a proxy that is itself spoken to over TLS (https://) is not supported: use an \
                   http:// or socks5h:// one; wss:// and https:// stay encrypted through it";
const NO_HOST: &str = "it names no host";
const BAD_HOST: &str = "what stands in the place of its host is neither a name nor an IP address";
const BRACKETS: &str = "an IPv6 address stands in brackets: http://[::1]:3128";
const PORT: &str = "what follows its host is no port (1 to 65535)";
const PORT_OR_PASSWORD: &str = "what follows its host is no port (1 to 65535); a user and a password are \
                                followed by `@`, and in them `@` is %40, `:` is %3A, `/` is %2F, `?` is \
                                %3F, `#` is %23";
const ENCODED: &str = "its user or password is not percent-encoded: `@` is %40, `/` is %2F, `?` is \
                       %3F, `#` is %23, `%` is %25";
const BEHIND: &str = "nothing may follow its host and port";
const COLON: &str = "the user of an HTTP proxy has no colon (RFC 7617)";
const CONTROL: &str = "a control character stands in its user or password";
const LENGTH: &str = "a SOCKS5 proxy takes a user and a password of 1 to 255 bytes each (RFC 1929)";

/// Maximum length of what an error repeats of a URL.
const MOST_SHOWN: usize = 200;

/// A proxy. Its `Debug` and `Display` show neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    kind: Kind,
    /// Host and port.
    place: Endpoint,
    credentials: Option<Credentials>,
}

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By the method CONNECT of HTTP.
    Http,
    /// By SOCKS5. Names are always resolved by the proxy.
    Socks5 {
        /// The scheme was `socks5h`, which is shown again.
        is_h: bool,
    },
}

/// What a proxy wants to know of its user.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(super) user: Zeroizing<Vec<u8>>,
    pub(super) password: Zeroizing<Vec<u8>>,
}

/// A text that names no proxy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UrlError {
    /// The text, without what may be a secret.
    pub(crate) value: String,
    /// The rule that it breaks.
    pub(crate) rule: &'static str,
}

impl Proxy {
    /// Parses `SCHEME://USER:PASSWORD@HOST:PORT`; everything but the host may be missing.
    pub(crate) fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        Self::read(text).map_err(|rule| UrlError { value: shown(text), rule })
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = match text.split_once("://") {
            Some(parts) => parts,
            // It would be a user, and the user its password.
            None if is_without_slashes(text) => return Err(SLASHES),
            None => ("http", text),
        };
        let kind = match &*scheme.to_ascii_lowercase() {
            "http" => Kind::Http,
            "socks5" => Kind::Socks5 { is_h: false },
            "socks5h" => Kind::Socks5 { is_h: true },
            "https" => return Err(TLS),
            // As desktops write it into `all_proxy`.
            "socks" => return Err(SOCKS),
            _ => return Err(SCHEME),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if !matches!(tail, "" | "/") {
            // A password that is not encoded ends the authority before its `@`.
            return Err(if tail.contains('@') { ENCODED } else { BEHIND });
        }
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        let credentials = match user {
            None | Some("") => None,
            Some(user) => Some(Credentials::read(user, kind)?),
        };
        let usual_port = if kind == Kind::Http { 80 } else { 1080 };
        let place = place(address, usual_port).map_err(|rule| {
            // Digits, or what follows `@`, are no password.
            let port = address.rsplit_once(':').map_or("", |(_, port)| port);
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            if rule == PORT && user.is_none() && !is_number { PORT_OR_PASSWORD } else { rule }
        })?;
        Ok(Self { kind, place, credentials })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the host as the operating system's resolver takes it.
    pub(crate) fn host(&self) -> String {
        self.place.host_with_zone().into_owned()
    }

    pub(crate) fn port(&self) -> u16 {
        self.place.port()
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Returns the text of a failure of this proxy.
    pub(crate) fn failed(&self, why: &str) -> String {
        format!("{self}: {why}")
    }
}

impl Credentials {
    #[cfg(test)]
    pub(super) fn new(user: &str, password: &str) -> Self {
        let bytes = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        Self { user: bytes(user), password: bytes(password) }
    }

    fn read(text: &str, kind: Kind) -> Result<Self, &'static str> {
        // The letters beyond ASCII have several encodings, and only their writer knows which.
        if text.contains('@') || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ENCODED);
        }
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let credentials = Self { user: decoded(user)?, password: decoded(password)? };
        let Self { user, password } = &credentials;
        match kind {
            Kind::Http if user.contains(&b':') => Err(COLON),
            Kind::Http if user.iter().chain(password.iter()).any(u8::is_ascii_control) => {
                Err(CONTROL)
            }
            Kind::Socks5 { .. }
                if [user, password].iter().any(|it| !(1..=255).contains(&it.len())) =>
            {
                Err(LENGTH)
            }
            _ => Ok(credentials),
        }
    }
}

/// Returns whether a known scheme begins the text, and what follows its colon is no port.
fn is_without_slashes(text: &str) -> bool {
    const KNOWN: [&str; 7] = ["http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"];
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let port = rest.strip_suffix('/').unwrap_or(rest);
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(scheme))
        && !port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Decodes what must be percent-encoded.
fn decoded(text: &str) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let is_hex = |digits: Option<&str>| {
        digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if text.split('%').skip(1).any(|behind| !is_hex(behind.get(..2))) {
        return Err(ENCODED);
    }
    // Room for all of it: what moved would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    bytes.extend(percent_decode_str(text));
    Ok(bytes)
}

fn place(address: &str, usual_port: u16) -> Result<Endpoint, &'static str> {
    let (host, port) = if let Some(end) = address.find(']') {
        let (host, port) = address.split_at(end + 1);
        match port.strip_prefix(':') {
            Some(port) => (host, port),
            None if port.is_empty() => (host, ""),
            None => return Err(PORT),
        }
    } else {
        address.split_once(':').unwrap_or((address, ""))
    };
    if address.parse::<Ipv6Addr>().is_ok() {
        return Err(BRACKETS);
    }
    if host.is_empty() || host == "[]" {
        return Err(NO_HOST);
    }
    let port = match port {
        "" => usual_port,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).ok_or(PORT)?
        }
        _ => return Err(PORT),
    };
    // RFC 6874 has a zone begin with `%25`; people write `%`.
    let place = Endpoint::new(&host.replacen("%25", "%", 1)).map_err(|_| BAD_HOST)?;
    let place = host_name::ascii(place).map_err(|_| BAD_HOST)?;
    place.with_port(port).map_err(|_| PORT)
}

/// Returns what may be shown of a text that names no proxy: its scheme, its host and its port, where
/// these are told apart from what may be a part of a password.
fn shown(text: &str) -> String {
    let is_scheme = |scheme: &str| {
        scheme.len() <= 20
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    };
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (format!("{scheme}://"), rest),
        Some(_) => return "***".to_string(),
        None => (String::new(), text),
    };
    let (hidden, place) = match rest.rsplit_once('@') {
        Some((_, place)) => ("***@", place),
        None => ("", rest),
    };
    let bare = place.strip_suffix('/').unwrap_or(place);
    // Without `@`, digits that are no port may be a password as any other text.
    let may_be_shown = |port: &str| {
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let is_port = port.is_empty() || port.parse::<u16>().is_ok_and(|port| port != 0);
        is_number && (is_port || !hidden.is_empty())
    };
    let (host, port) = match bare.rsplit_once(':') {
        _ if bare.parse::<Ipv6Addr>().is_ok() => (bare, None),
        Some((host, port)) if may_be_shown(port) => (host, Some(port)),
        _ => (bare, None),
    };
    let is_plain = |c: char| c.is_alphanumeric() || "-._".contains(c);
    let is_address = |host: &str| {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        bare.unwrap_or(host).parse::<Ipv6Addr>().is_ok()
    };
    if host.chars().all(is_plain) || is_address(host) {
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        return format!("{scheme}{hidden}{host}{port}").chars().take(MOST_SHOWN).collect();
    }
    // Of a text without `@` the beginning may be a user, and what follows it a password.
    let begins = if hidden.is_empty() { host.split(|c| !is_plain(c)).next() } else { None };
    let begins: String = begins.unwrap_or_default().chars().take(MOST_SHOWN).collect();
    format!("{scheme}{hidden}{begins}***")
}

/// The URL, with `***@` in the place of user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 { is_h: false } => "socks5",
            Kind::Socks5 { is_h: true } => "socks5h",
        };
        let hidden = if self.credentials.is_some() { "***@" } else { "" };
        let host = self.host();
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{hidden}{open}{host}{close}:{}", self.port())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_scheme_host_and_port_and_the_usual_port_where_it_names_none() {
        for (text, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("http://proxy.example", "http://proxy.example:80"),
            (" HTTP://proxy.example:3128/ ", "http://proxy.example:3128"),
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("proxy.example", "http://proxy.example:80"),
            ("socks5://10.0.0.1", "socks5://10.0.0.1:1080"),
            ("socks5h://[::1]:9", "socks5h://[::1]:9"),
            ("http://[fe80::1%25eth0]:1", "http://[fe80::1%eth0]:1"),
            ("http://[fe80::1%eth0]", "http://[fe80::1%eth0]:80"),
            ("http://bücher.example:1", "http://xn--bcher-kva.example:1"),
            ("http://@proxy.example:1", "http://proxy.example:1"),
            ("http://ann:s3cret@proxy.example:1", "http://***@proxy.example:1"),
            ("socks5://ann:s3cret@[::1]", "socks5://***@[::1]:1080"),
            ("http://h:443", "http://h:443"),
            ("socks5:1080", "http://socks5:1080"),
            ("http:8080/", "http://http:8080"),
            ("http://http:s3cret@h", "http://***@h:80"),
        ] {
            let proxy = Proxy::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert_eq!(proxy.to_string(), shown, "{text}");
            assert_eq!(format!("{proxy:?}"), shown, "{text}");
        }
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        for (text, user, password) in [
            ("http://ann:s%40c%2Fr%3At@h", "ann", "s@c/r:t"),
            ("http://ann@h", "ann", ""),
            ("http://ann:@h", "ann", ""),
            ("http://:pass@h", "", "pass"),
            ("http://ann:a:b@h", "ann", "a:b"),
            ("socks5://a%3an:%C3%BC%25@h", "a:n", "ü%"),
            ("http://a+b:c%2bd@h", "a+b", "c+d"),
        ] {
            let proxy = Proxy::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let found = proxy.credentials().expect("credentials");
            let found = (found.user.as_slice(), found.password.as_slice());
            assert_eq!(found, (user.as_bytes(), password.as_bytes()));
        }
    }

    #[test]
    fn what_names_no_proxy_is_refused_by_value_and_rule_and_no_password_is_repeated() {
        for (text, shown, rule) in [
            ("", "", NO_HOST),
            ("http://", "http://", NO_HOST),
            ("http://:3128", "http://:3128", NO_HOST),
            ("http://ann:s3cret@", "http://***@", NO_HOST),
            ("http://ann:s3cret@:3128", "http://***@:3128", NO_HOST),
            ("http://[]:3128", "http://***", NO_HOST),
            ("ftp://ann:s3cret@h:1", "ftp://***@h:1", SCHEME),
            ("socks4://h", "socks4://h", SCHEME),
            ("socks://h", "socks://h", SOCKS),
            ("socks://ann:s3cret@h:1080/", "socks://***@h:1080", SOCKS),
            ("http:ann@h", "***@h", SLASHES),
            ("HTTP:s3cret:s3cret@h:1", "***@h:1", SLASHES),
            ("socks5:s3cret@h", "***@h", SLASHES),
            ("https:h:3128", "https***", SLASHES),
            ("http:/h", "http***", SLASHES),
            ("http://a..b:1", "http://a..b:1", BAD_HOST),
            ("http://.a", "http://.a", BAD_HOST),
            ("http://[10.0.0.1]:1", "http://***", BAD_HOST),
            ("http://[h]:1", "http://***", BAD_HOST),
            ("://h", "://h", SCHEME),
            ("https://ann:s3cret@h:1", "https://***@h:1", TLS),
            ("http://h:0", "http://h***", PORT),
            ("http://h:65536", "http://h***", PORT),
            ("http://ann:123456", "http://ann***", PORT),
            ("http://ann:1234567890123", "http://ann***", PORT),
            ("ann:00000", "ann***", PORT),
            ("http://ann:s3cret@h:65536", "http://***@h:65536", PORT),
            ("http://ann:s3cret@h:http", "http://***@***", PORT),
            ("http://h:+1", "http://h***", PORT_OR_PASSWORD),
            ("http://ann:s3cret", "http://ann***", PORT_OR_PASSWORD),
            ("ann:s3cret", "ann***", PORT_OR_PASSWORD),
            ("http://[::1]1", "http://***", PORT_OR_PASSWORD),
            ("http://::1", "http://::1", BRACKETS),
            ("http://ann:s3c/ret@h:1", "http://***@h:1", ENCODED),
            ("http://ann:s3c?ret@h:1", "http://***@h:1", ENCODED),
            ("http://ann:s3c#ret@h:1", "http://***@h:1", ENCODED),
            ("http://ann:s3c@ret@h:1", "http://***@h:1", ENCODED),
            ("http://ann:s3c%ret@h:1", "http://***@h:1", ENCODED),
            ("http://ann:s3cret%@h:1", "http://***@h:1", ENCODED),
            ("http://ann:s3cret%4@h:1", "http://***@h:1", ENCODED),
            ("http://ann:s3crét@h:1", "http://***@h:1", ENCODED),
            ("http://ann:s3 cret@h:1", "http://***@h:1", ENCODED),
            ("http://h/path", "http://h***", BEHIND),
            ("http://h:1?s3cret", "http://h***", BEHIND),
            ("http://a b:1", "http://a***", BAD_HOST),
            ("http://[::g]:1", "http://***", BAD_HOST),
            ("http://a%3An:s3cret@h", "http://***@h", COLON),
            ("http://ann:s3cret%0A@h", "http://***@h", CONTROL),
            ("socks5://ann@h", "socks5://***@h", LENGTH),
        ] {
            let error = Proxy::parse(text).expect_err(text);
            assert_eq!((&*error.value, error.rule), (shown, rule), "{text}");
            assert!(!format!("{error:?}").contains("s3c"), "{error:?}");
        }
        let long = format!("socks5://{}:s3cret@h", "u".repeat(256));
        assert_eq!(Proxy::parse(&long).map_err(|error| error.rule), Err(LENGTH));
        assert!(Proxy::parse(&"h".repeat(10_000)).expect_err("long").value.len() <= MOST_SHOWN);
    }
}
