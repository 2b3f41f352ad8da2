//! Names of hosts beyond ASCII, as lookups, requests and certificates know them.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use pushest_proto::{Config, ConfigError, DialFailure, Endpoint};

/// What is given as a host is not a name that a host can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not the name of a host: a label of it is no internationalized one (UTS 46)")]
#[non_exhaustive]
pub struct HostNameError {
    /// The name.
    pub name: Box<str>,
}

/// Returns the ASCII form of a host's name (UTS 46, without transitional processing), as it stands
/// in lookups, in the `Host` header and in certificates: `xn--bcher-kva.example` for
/// `Bücher.example`. A client does so by itself before it dials. ASCII without `xn--` is returned as
/// it is.
///
/// # Errors
/// [`HostNameError`] for what breaks the rules of such names, and for an `xn--` that stands for
/// none.
pub fn ascii_host_name(name: &str) -> Result<Cow<'_, str>, HostNameError> {
    let is_encoded = |label: &str| label.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("xn--"));
    // Names such as `my_service` or `a--b` are none that the rules know, but hosts have them.
    if name.is_ascii() && !name.split('.').any(is_encoded) {
        return Ok(name.into());
    }
    Uts46::new()
        .to_ascii(
            name.as_bytes(),
            AsciiDenyList::URL,
            Hyphens::Allow,
            DnsLength::VerifyAllowRootDot,
        )
        .map_err(|_| HostNameError { name: name.into() })
}

/// Returns the endpoint with the ASCII form of its host's name.
pub(crate) fn ascii(endpoint: Endpoint) -> Result<Endpoint, DialFailure> {
    let failure = |error: &dyn ToString| DialFailure::Unsupported(error.to_string().into());
    let name = match ascii_host_name(endpoint.host()).map_err(|error| failure(&error))? {
        Cow::Borrowed(_) => return Ok(endpoint),
        Cow::Owned(name) => name,
    };
    endpoint.with_host(&name).map_err(|error| failure(&error))
}

/// Checks the names of several endpoints, as lookups know them: the core has no tables for letters beyond
/// ASCII. One that is no name would show when its turn comes, which may be in a year. The builder of a
/// client does so by itself.
///
/// # Errors
/// [`ConfigError::Host`] for what is not a name, and [`ConfigError::SameEndpoint`].
pub fn check_endpoints(config: &Config) -> Result<(), ConfigError> {
    let [first, others @ ..] = config.endpoints() else { return Ok(()) };
    if others.is_empty() {
        return Ok(());
    }
    let named = |endpoint: &Endpoint| {
        let host = ConfigError::Host { host: endpoint.host().to_owned() };
        self::ascii(endpoint.clone()).map_err(|_| host)
    };
    // Each beside what was given, which the error quotes: two of the same form would look the same.
    let mut known = vec![(first, named(first)?)];
    for endpoint in others {
        let ascii = named(endpoint)?;
        if let Some((other, _)) = known.iter().find(|(_, other)| ascii.is_same(other)) {
            let (endpoint, other) = (endpoint.to_string(), other.to_string());
            return Err(ConfigError::SameEndpoint { endpoint, other });
        }
        known.push((endpoint, ascii));
    }
    Ok(())
}

/// Returns the URL with the ASCII form of its host's name.
#[cfg(feature = "http")]
pub(crate) fn ascii_url(url: &str) -> Result<Cow<'_, str>, HostNameError> {
    if url.is_ascii() {
        return Ok(url.into());
    }
    let start = url.find("://").map_or(0, |end| end + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |end| start + end);
    let start = url[start..end].rfind('@').map_or(start, |at| start + at + 1);
    let host = url[start..end].split(':').next().unwrap_or_default();
    let (before, after) = (&url[..start], &url[start + host.len()..]);
    Ok(format!("{before}{}{after}", ascii_host_name(host)?).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_ascii_have_an_ascii_form() {
        for (name, ascii) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.Example", "xn--bcher-kva.example"),
            ("straße.example", "xn--strae-oqa.example"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("יהוה.example", "xn--8dbaco.example"),
            ("XN--bcher-kva.example", "xn--bcher-kva.example"),
            ("bücher.example.", "xn--bcher-kva.example."),
            // ASCII stays as it is.
            ("Example.ORG", "Example.ORG"),
            ("my_service", "my_service"),
            ("r3---sn-x.example", "r3---sn-x.example"),
            ("a..b", "a..b"),
        ] {
            assert_eq!(ascii_host_name(name).as_deref(), Ok(ascii), "{name}");
            assert_eq!(ascii_host_name(ascii).as_deref(), Ok(ascii), "{ascii}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_by_name() {
        let long = "ü".repeat(64);
        for name in [
            "xn--",
            "xn--a",
            "a.XN--zz--zz99999999",
            "xn--example",
            "bücher..example",
            // Left-to-right within right-to-left.
            "אa.example",
            "a\u{200d}b.example",
            "\u{300}a.example",
            "bücher\u{ff0f}x",
            "bücher\u{ff20}x",
            "\u{e000}",
            &long,
        ] {
            let error = ascii_host_name(name).expect_err(name);
            assert!(error.to_string().contains("is not the name of a host"), "{error}");
        }
    }

    #[test]
    fn endpoints_whose_names_are_spelled_beyond_ascii_are_compared_as_they_are_looked_up() {
        let checked = |list: &[&str]| {
            let config = Config::builder("key").endpoints(list).build().expect("valid");
            check_endpoints(&config).map_err(|error| error.to_string())
        };
        assert_eq!(checked(&["bücher.example", "straße.example", "a"]), Ok(()));
        for other in ["xn--bcher-kva.example", "XN--BCHER-KVA.example.", "bu\u{308}cher.example"] {
            let error = checked(&["a", "bücher.example", other]).expect_err(other);
            assert!(error.contains("bücher.example") && error.contains(other), "{error}");
            assert!(error.contains("twice"), "{error}");
        }
        for junk in ["xn--a", "אa.example"] {
            let error = checked(&["a", junk]).expect_err(junk);
            assert!(error.contains(&format!("{junk:?} is not a host")), "{error}");
            // Of one endpoint it shows at the dial.
            assert_eq!(checked(&[junk]), Ok(()));
        }
    }

    #[cfg(feature = "http")]
    #[test]
    fn of_a_url_only_the_hosts_name_is_changed() {
        for (url, ascii) in [
            ("https://bücher.example:8/ä?ö", "https://xn--bcher-kva.example:8/ä?ö"),
            ("http://u:ü@bücher.example", "http://u:ü@xn--bcher-kva.example"),
            ("https://example.org/ä", "https://example.org/ä"),
            ("http://[::1]:8/ä", "http://[::1]:8/ä"),
            ("ä", "xn--4ca"),
        ] {
            assert_eq!(ascii_url(url).as_deref(), Ok(ascii));
        }
        assert!(ascii_url("https://bücher..example/").is_err());
    }
}
