//! What is reached without the proxy of the environment: the list that `NO_PROXY` holds.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use crate::dial::host_name::ascii_host_name;

const ENTRY: &str = "an entry is a host's name, a domain such as .example.org, an IP address or a \
                     network such as 10.0.0.0/8, with or without a :PORT, or * for everything; \
                     entries are separated by commas";
const NETWORK: &str = "a network is a whole IP address and the length of its prefix, such as \
                       169.254.0.0/16 or fd00::/8, and has no port";
const ZONE: &str = "an address stands here without its zone: leave out `%` and what follows it";
const PORT: &str = "what follows the colon is no port (1 to 65535)";

/// Maximum length of what an error repeats of an entry.
const MOST_SHOWN: usize = 200;

/// The hosts that are reached without a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Exemptions {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    All,
    /// A name and all names under it, in small letters.
    Domain(String, Option<u16>),
    Address(IpAddr, Option<u16>),
    Network(IpNet),
}

/// An entry that names nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EntryError {
    /// The entry, without what may be a password.
    pub(crate) entry: String,
    /// The rule that it breaks.
    pub(crate) rule: &'static str,
}

impl Exemptions {
    /// Parses a list; commas and white space separate its entries, of which empty ones do not count.
    pub(crate) fn parse(list: &str) -> Result<Self, EntryError> {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        let entries = entries.filter(|entry| !entry.is_empty());
        let parsed = entries.map(|entry| {
            Entry::parse(entry).map_err(|rule| EntryError { entry: shown(entry), rule })
        });
        Ok(Self { entries: parsed.collect::<Result<_, _>>()? })
    }

    /// Returns whether a host, a name or an IP address without brackets and zone, is reached without a
    /// proxy. A name is compared as it is, and not resolved.
    pub(crate) fn hold(&self, host: &str, port: u16) -> bool {
        self.entries.iter().any(|entry| entry.holds(host, port))
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::All);
        }
        if let Some((address, _)) = text.split_once('%')
            && address.trim_start_matches('[').parse::<Ipv6Addr>().is_ok()
        {
            return Err(ZONE);
        }
        if text.contains('/') {
            let network =
                text.parse().map_err(|_| if text.contains("://") { ENTRY } else { NETWORK })?;
            return Ok(Self::Network(network));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical(), None));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or(ENTRY)?;
            let address: Ipv6Addr = address.parse().map_err(|_| ENTRY)?;
            let port = match port.strip_prefix(':') {
                Some(port) => Some(parse_port(port)?),
                None if port.is_empty() => None,
                None => return Err(ENTRY),
            };
            return Ok(Self::Address(IpAddr::V6(address).to_canonical(), port));
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(parse_port(port)?)),
            None => (text, None),
        };
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(Self::Address(address, port));
        }
        let name = host.strip_prefix("*.").or_else(|| host.strip_prefix('.')).unwrap_or(host);
        let name = ascii_host_name(name).map_err(|_| ENTRY)?.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let is_label = |label: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !label.is_empty() && label.bytes().all(allowed)
        };
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(ENTRY);
        }
        Ok(Self::Domain(name.to_string(), port))
    }

    fn holds(&self, host: &str, port: u16) -> bool {
        let address = || host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let is_port = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::All => true,
            Self::Address(wanted, wanted_port) => {
                is_port(wanted_port) && address().is_some_and(|address| address == *wanted)
            }
            Self::Network(network) => address().is_some_and(|address| network.contains(&address)),
            Self::Domain(domain, wanted_port) => {
                let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
                let above = host.strip_suffix(domain.as_str());
                is_port(wanted_port) && above.is_some_and(|it| it.is_empty() || it.ends_with('.'))
            }
        }
    }
}

fn parse_port(text: &str) -> Result<u16, &'static str> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port != 0).ok_or(PORT)
}

/// It may be the URL of a proxy, put into the wrong variable.
fn shown(entry: &str) -> String {
    let shown = match entry.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => entry.to_string(),
    };
    shown.chars().take(MOST_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(list: &str, host: &str, port: u16) -> bool {
        Exemptions::parse(list).unwrap_or_else(|error| panic!("{list}: {error:?}")).hold(host, port)
    }

    #[test]
    fn a_name_holds_for_itself_and_all_names_under_it() {
        for entry in
            ["example.org", ".example.org", "*.example.org", "EXAMPLE.org.", "a, example.org"]
        {
            for host in ["example.org", "ws.example.org", "a.b.Example.ORG", "ws.example.org."] {
                assert!(holds(entry, host, 443), "{entry} {host}");
            }
            for host in ["notexample.org", "example.org.evil", "example.com", "org", "10.0.0.1"] {
                assert!(!holds(entry, host, 443), "{entry} {host}");
            }
        }
        assert!(holds("bücher.example", "xn--bcher-kva.example", 80));
        assert!(holds("localhost", "localhost", 80) && !holds("localhost", "127.0.0.1", 80));
        assert!(holds("my_service", "my_service", 80));
    }

    #[test]
    fn addresses_and_networks_hold_for_addresses_in_any_form() {
        for (entry, host) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3", "::ffff:10.1.2.3"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("[::1]", "::1"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("10.9.9.9/8", "10.1.2.3"),
            ("fd00::/8", "fd12::1"),
            ("0.0.0.0/0", "8.8.8.8"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("*", "10.1.2.3"),
            (" a.example ,\t10.0.0.0/8,,", "10.1.2.3"),
        ] {
            assert!(holds(entry, host, 80), "{entry} {host}");
        }
        for (entry, host) in [
            ("10.1.2.3", "10.1.2.4"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/8", "10.example"),
            ("10.0.0.0/8", "::1"),
            ("0.0.0.0/0", "a.example"),
            ("", "10.1.2.3"),
        ] {
            assert!(!holds(entry, host, 80), "{entry} {host}");
        }
    }

    #[test]
    fn a_port_narrows_an_entry() {
        for entry in ["example.org:6001", "*.example.org:6001", ".example.org:6001"] {
            assert!(holds(entry, "ws.example.org", 6001), "{entry}");
            assert!(!holds(entry, "ws.example.org", 443), "{entry}");
        }
        assert!(holds("10.1.2.3:80", "10.1.2.3", 80) && !holds("10.1.2.3:80", "10.1.2.3", 81));
        assert!(holds("[::1]:80", "::1", 80) && !holds("[::1]:80", "::1", 81));
    }

    #[test]
    fn junk_is_refused_by_entry_and_rule() {
        for (entry, rule) in [
            ("10.0.0.0/33", NETWORK),
            ("10.0.0/8", NETWORK),
            ("169.254/16", NETWORK),
            ("fe80::1%eth0", ZONE),
            ("[fe80::1%25eth0]:80", ZONE),
            ("fe80::%1/64", ZONE),
            ("a%b", ENTRY),
            ("10.0.0.0/", NETWORK),
            ("example.org/8", NETWORK),
            ("10.0.0.0/8:80", NETWORK),
            ("http://example.org", ENTRY),
            ("example.org:", PORT),
            ("example.org:http", PORT),
            ("example.org:0", PORT),
            ("example.org:65536", PORT),
            ("example.org:+1", PORT),
            ("10.1.2.*", ENTRY),
            ("*example.org", ENTRY),
            ("a..b", ENTRY),
            (".", ENTRY),
            ("*.", ENTRY),
            ("[::1", ENTRY),
            ("[::1]80", ENTRY),
            ("fe80::g", PORT),
            ("[10.1.2.3", ENTRY),
            ("[example.org]", ENTRY),
            ("<local>", ENTRY),
            ("a;b", ENTRY),
            ("bücher..example", ENTRY),
        ] {
            let list = format!("localhost, {entry},10.0.0.0/8");
            let error = Exemptions::parse(&list).expect_err(entry);
            assert_eq!(error, EntryError { entry: entry.to_string(), rule });
        }
        let error = Exemptions::parse("http://ann:s3cret@proxy.example").expect_err("a URL");
        assert_eq!(error.entry, "***@proxy.example");
    }
}
