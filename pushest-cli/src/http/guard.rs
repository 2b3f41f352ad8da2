//! Who may ask: by `Host`, against pages whose own host's name leads here, and by `Origin`, against
//! pages of others. Both come from browsers, which do not let a page choose them.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::uri::Authority;

use super::shown;
use crate::failure::Failure;

/// Whom an endpoint answers.
pub(super) struct Guard {
    /// `None` for all origins on localhost.
    origins: Option<Vec<Origin>>,
    /// Beside localhost and the address that was reached.
    hosts: Vec<Host>,
}

/// A host, as it is compared: an address may be written in several ways.
#[derive(PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

impl Host {
    /// Reads the host of a request or an origin, where an IPv6 address stands in brackets.
    fn of(host: &str) -> Self {
        address(host).map_or_else(|| Self::Name(host.to_ascii_lowercase()), Self::Address)
    }

    /// Reads what stands on the command line, where an address may stand by itself.
    fn given(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        let is_host = text.parse::<Authority>().is_ok_and(|read| read.as_str() == read.host());
        // In brackets stands an IPv6 address, and nothing else.
        let is_read = |host: &Self| !text.starts_with('[') || matches!(host, Self::Address(_));
        is_host.then(|| Self::of(text)).filter(is_read)
    }
}

/// Why a request is not answered as it wished.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) reason: String,
}

impl Refused {
    pub(super) fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }
}

impl Guard {
    pub(super) fn new(origins: &[String], hosts: &[String]) -> Result<Self, Failure> {
        let mut allowed = Vec::new();
        for text in origins {
            allowed.push(Origin::read(text).ok_or_else(|| {
                Failure::input(format_args!(
                    "--allow-origin {text:?} is no origin: a scheme, a host and maybe a port, such as \
                     https://shop.example or http://10.0.0.7:5173, and nothing behind it"
                ))
            })?);
        }
        let hosts = hosts.iter().map(|host| {
            Host::given(host).ok_or_else(|| {
                Failure::input(format_args!(
                    "--allow-host {host:?} is no host: a name or an IP address, without a port"
                ))
            })
        });
        let hosts = hosts.collect::<Result<_, _>>()?;
        Ok(Self { origins: Some(allowed).filter(|them| !them.is_empty()), hosts })
    }

    /// Checks where a request goes and where it comes from. Returns the origin to allow, if there is
    /// one.
    pub(super) fn check(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        reached: IpAddr,
    ) -> Result<Option<HeaderValue>, Refused> {
        let host = only(headers, &header::HOST)?
            .ok_or_else(|| Refused::new(403, "the request has no Host"))?;
        let host = Authority::try_from(host.as_bytes()).map_err(|_| {
            // Not escaped here: what prints it does so.
            let host = String::from_utf8_lossy(host.as_bytes());
            Refused::new(403, format!("the Host \"{}\" is not one host", shown(&host)))
        })?;
        // A request line may name a host, too, as for a proxy.
        for host in [Some(&host), uri.authority()].into_iter().flatten() {
            if !self.is_allowed_host(host, reached) {
                // Not escaped here: what prints it does so.
                let host = shown(host.as_str());
                return Err(Refused::new(
                    403,
                    format!("requests for the host \"{host}\" are not answered: see --allow-host"),
                ));
            }
        }
        let Some(origin) = only(headers, &header::ORIGIN)? else { return Ok(None) };
        let text = String::from_utf8_lossy(origin.as_bytes());
        if Origin::read(&text).is_some_and(|origin| self.is_allowed_origin(&origin)) {
            return Ok(Some(origin.clone()));
        }
        Err(Refused::new(
            403,
            format!(
                "pages of the origin \"{}\" are not answered: see --allow-origin",
                shown(&text)
            ),
        ))
    }

    fn is_allowed_host(&self, host: &Authority, reached: IpAddr) -> bool {
        if host.as_str().contains('@') || !has_port_or_none(host) {
            return false;
        }
        let host = Host::of(host.host());
        is_local(&host) || host == Host::Address(reached) || self.hosts.contains(&host)
    }

    fn is_allowed_origin(&self, origin: &Origin) -> bool {
        match &self.origins {
            None => {
                matches!(&*origin.scheme, "http" | "https") && is_local(&Host::of(&origin.host))
            }
            Some(origins) => origins.contains(origin),
        }
    }
}

/// Returns a header that must not be there twice: which one counts is not defined.
fn only<'h>(
    headers: &'h HeaderMap,
    name: &header::HeaderName,
) -> Result<Option<&'h HeaderValue>, Refused> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refused::new(403, format!("the request has the header {name} twice")));
    }
    Ok(first)
}

/// Whether a host is this machine, as it sees itself.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => name == "localhost",
    }
}

fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse().ok().map(|address| IpAddr::V6(address).to_canonical()),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

fn has_port_or_none(host: &Authority) -> bool {
    host.as_str().len() == host.host().len() || host.port_u16().is_some()
}

/// An origin: scheme, host and port, as browsers write it.
#[derive(PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn read(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let authority: Authority = authority.parse().ok()?;
        if !is_scheme || authority.as_str().contains('@') || !has_port_or_none(&authority) {
            return None;
        }
        let (scheme, host) = (scheme.to_ascii_lowercase(), authority.host().to_ascii_lowercase());
        if host.is_empty() || host.contains('*') {
            return None;
        }
        let default = match &*scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let port = authority.port_u16().or(default);
        Some(Self { scheme, host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(origins: &[&str], hosts: &[&str]) -> Guard {
        let owned = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        Guard::new(&owned(origins), &owned(hosts)).ok().unwrap()
    }

    fn check(guard: &Guard, target: &str, headers: &[(&'static str, &str)]) -> Result<bool, u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let checked = guard.check(&target.parse().unwrap(), &map, [10, 0, 0, 7].into());
        checked.map(|origin| origin.is_some()).map_err(|refused| refused.status)
    }

    #[test]
    fn a_host_that_is_neither_this_machine_nor_what_was_reached_is_refused() {
        let guard = guard(&[], &["Tunnel.example"]);
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1:80",
            "127.0.0.2",
            "[::1]:3000",
            "[::ffff:127.0.0.1]:3000",
            "10.0.0.7:3000",
            "[::ffff:10.0.0.7]",
            "tunnel.example",
            "tunnel.example:443",
        ] {
            assert_eq!(check(&guard, "/", &[("host", host)]), Ok(false), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "localhost@evil.example",
            "user@localhost",
            "localhost:evil",
            "localhost:",
            "localhost.",
            "127.0.0.1.nip.io",
            "127.1",
            "2130706433",
            "0.0.0.0",
            "10.0.0.8",
            "::1",
            "[::2]",
            "[::ffff:10.0.0.8]",
            "tunnel.example.evil",
        ] {
            assert_eq!(check(&guard, "/", &[("host", host)]), Err(403), "{host}");
        }
        assert_eq!(check(&guard, "/", &[]), Err(403));
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(check(&guard, "/", &twice), Err(403));
        let as_a_proxy = check(&guard, "http://evil.example/", &[("host", "localhost")]);
        assert_eq!(as_a_proxy, Err(403));
    }

    #[test]
    fn an_address_that_is_allowed_is_compared_as_one_however_it_is_written() {
        let hosts = ["2001:db8::7", "[2001:db8:0::8]", "192.0.2.7", "::ffff:192.0.2.8"];
        let guard = guard(&[], &hosts);
        for host in [
            "[2001:db8::7]:3000",
            "[2001:DB8:0:0::7]",
            "[2001:db8::8]",
            "192.0.2.7:80",
            "[::ffff:192.0.2.7]",
            "192.0.2.8",
        ] {
            assert_eq!(check(&guard, "/", &[("host", host)]), Ok(false), "{host}");
        }
        for host in ["[2001:db8::9]", "192.0.2.9", "2001:db8::7"] {
            assert_eq!(check(&guard, "/", &[("host", host)]), Err(403), "{host}");
        }
        for wrong in ["2001:db8::7:x", "[2001:db8::7]:80", "[192.0.2.7]", "2001:db8::7%eth0"] {
            assert!(Guard::new(&[], &[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_that_is_there_and_none_is_not_said_to_be_missing() {
        let guard = guard(&[], &[]);
        let reason = |headers: &[(&'static str, &str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_str(value).unwrap());
            }
            guard.check(&"/".parse().unwrap(), &map, [10, 0, 0, 7].into()).unwrap_err().reason
        };
        assert_eq!(reason(&[]), "the request has no Host");
        let expected = "the Host \"localhost, evil.com\" is not one host";
        assert_eq!(reason(&[("host", "localhost, evil.com")]), expected);
    }

    #[test]
    fn what_a_client_says_is_repeated_in_part_and_escaped_by_what_prints_it() {
        let guard = guard(&[], &[]);
        let reason = |headers: &[(&'static str, &[u8])]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_bytes(value).unwrap());
            }
            guard.check(&"/".parse().unwrap(), &map, [10, 0, 0, 7].into()).unwrap_err().reason
        };
        let long = "a".repeat(60_000);
        let host = reason(&[("host", long.as_bytes())]);
        assert!(host.contains(&format!("\"{}\"", "a".repeat(200))), "{host:.300}");
        let origin = reason(&[("host", b"localhost"), ("origin", long.as_bytes())]);
        assert!(origin.contains(&format!("\"{}\"", "a".repeat(200))), "{origin:.300}");
        let odd = reason(&[("host", b"localhost"), ("origin", "\\\u{202e}é".as_bytes())]);
        assert!(odd.contains("\"\\\u{202e}é\""), "{odd}");
    }

    #[test]
    fn by_default_pages_on_localhost_may_ask_and_no_others() {
        let guard = guard(&[], &[]);
        let from = |origin: &str| check(&guard, "/", &[("host", "localhost"), ("origin", origin)]);
        for origin in ["http://localhost", "https://localhost:5173", "http://127.0.0.1:8000"] {
            assert_eq!(from(origin), Ok(true), "{origin}");
        }
        assert_eq!(from("http://[::1]:3000"), Ok(true));
        for origin in [
            "null",
            "",
            "*",
            "localhost",
            "http://",
            "http://evil.example",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://evil.example/http://localhost",
            "http://localhost/",
            "http://localhost:x",
            "file://localhost",
            "http://10.0.0.7",
        ] {
            assert_eq!(from(origin), Err(403), "{origin}");
        }
        let local = ("origin", "http://localhost");
        let twice = [("host", "localhost"), local, ("origin", "http://evil.example")];
        assert_eq!(check(&guard, "/", &twice), Err(403));
    }

    #[test]
    fn origins_that_are_named_may_ask_and_no_others() {
        let guard = guard(&["https://Shop.example", "http://a.example:80", "app://local"], &[]);
        let from = |origin: &str| check(&guard, "/", &[("host", "localhost"), ("origin", origin)]);
        for origin in ["https://shop.example", "http://a.example", "app://local"] {
            assert_eq!(from(origin), Ok(true), "{origin}");
        }
        for origin in ["http://shop.example", "https://shop.example:8443", "http://localhost"] {
            assert_eq!(from(origin), Err(403), "{origin}");
        }
        for origin in ["*", "null", "shop.example", "https://*", "https://a/b", "https://u@a", ""] {
            assert!(Guard::new(&[origin.to_owned()], &[]).is_err(), "{origin}");
        }
        for host in ["", "a:80", "u@a", "http://a", "a/b"] {
            assert!(Guard::new(&[], &[host.to_owned()]).is_err(), "{host}");
        }
    }
}
