//! The proxies that a process's environment names.

use super::exemptions::Exemptions;
use super::url::{Proxy, UrlError};
use crate::error::OptionsError;

/// Each variable with the form that counts first: most programs read these in small letters, and some
/// read nothing else.
const HTTPS: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
const HTTP: [&str; 2] = ["http_proxy", "HTTP_PROXY"];
const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
const NO: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A server that runs programs by CGI sets it, and puts what clients send as the header `Proxy` into
/// `HTTP_PROXY` (CVE-2016-5385, "httpoxy").
const CGI: &str = "REQUEST_METHOD";

/// What the variables say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Variables {
    without_tls: Option<Proxy>,
    with_tls: Option<Proxy>,
    exemptions: Exemptions,
}

impl Variables {
    /// Reads the variables of this process.
    pub(crate) fn of_environment() -> Result<Self, OptionsError> {
        Self::read(&|name| std::env::var_os(name))
    }

    pub(super) fn read(
        variable: &dyn Fn(&'static str) -> Option<std::ffi::OsString>,
    ) -> Result<Self, OptionsError> {
        let is_cgi = variable(CGI).is_some();
        // The value of the form that counts, with its name. An empty one is as good as none.
        let value = |forms: [&'static str; 2]| {
            let forms = forms.into_iter().filter(|form| !(is_cgi && *form == "HTTP_PROXY"));
            let mut set = forms.filter_map(|form| Some((form, variable(form)?)));
            let Some((form, value)) = set.find(|(_, value)| !value.is_empty()) else {
                return Ok(None);
            };
            // To do without it would be a guess.
            let text = value.into_string();
            let text = text.map_err(|_| OptionsError::ProxyVariable { variable: form })?;
            Ok(Some((form, text)).filter(|(_, text)| !text.trim().is_empty()))
        };
        let proxy = |forms| -> Result<Option<Proxy>, OptionsError> {
            let Some((form, text)) = value(forms)? else { return Ok(None) };
            let parsed = Proxy::parse(&text);
            let bad = |error: UrlError| OptionsError::Proxy {
                variable: Some(form),
                value: error.value,
                rule: error.rule,
            };
            parsed.map(Some).map_err(bad)
        };
        let (http, https, all) = (proxy(HTTP)?, proxy(HTTPS)?, proxy(ALL)?);
        if [&http, &https, &all].into_iter().all(Option::is_none) {
            // There is nothing to be exempt from, and other programs read the list in their own ways.
            return Ok(Self::default());
        }
        let exemptions = match value(NO)? {
            None => Exemptions::default(),
            Some((form, list)) => Exemptions::parse(&list).map_err(|error| {
                OptionsError::NoProxy { variable: form, entry: error.entry, rule: error.rule }
            })?,
        };
        Ok(Self { without_tls: http.or_else(|| all.clone()), with_tls: https.or(all), exemptions })
    }

    /// Returns the proxy for a host, a name or an IP address without brackets and zone.
    pub(super) fn of(&self, is_tls: bool, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = if is_tls { &self.with_tls } else { &self.without_tls };
        proxy.as_ref().filter(|_| !self.exemptions.hold(host, port))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Variables, OptionsError> {
        Variables::read(&|name| {
            let found = set.iter().find(|(candidate, _)| *candidate == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    /// Returns the hosts of the proxies for `ws://` and for `wss://`.
    fn proxies(set: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let variables = read(set).unwrap_or_else(|error| panic!("{set:?}: {error}"));
        let of = |is_tls| variables.of(is_tls, "server.example", 6001).map(Proxy::host);
        (of(false), of(true))
    }

    fn two(plain: &str, tls: &str) -> (Option<String>, Option<String>) {
        let some = |host: &str| (!host.is_empty()).then(|| host.to_string());
        (some(plain), some(tls))
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_stands_for_both() {
        assert_eq!(proxies(&[]), two("", ""));
        assert_eq!(proxies(&[("HTTP_PROXY", "http://a:1")]), two("a", ""));
        assert_eq!(proxies(&[("HTTPS_PROXY", "a:1")]), two("", "a"));
        assert_eq!(proxies(&[("ALL_PROXY", "socks5h://a")]), two("a", "a"));
        let all = ("all_proxy", "socks5://all");
        assert_eq!(proxies(&[all, ("https_proxy", "http://a")]), two("all", "a"));
        assert_eq!(proxies(&[all, ("http_proxy", "http://a")]), two("a", "all"));
    }

    #[test]
    fn small_letters_count_first_and_an_empty_variable_is_none() {
        let both = [("http_proxy", "http://small"), ("HTTP_PROXY", "http://large")];
        assert_eq!(proxies(&both), two("small", ""));
        assert_eq!(
            proxies(&[("http_proxy", ""), ("HTTP_PROXY", "http://large")]),
            two("large", "")
        );
        assert_eq!(proxies(&[("HTTPS_PROXY", " "), ("ALL_PROXY", "")]), two("", ""));
    }

    #[test]
    fn a_header_of_a_request_to_a_cgi_program_sets_no_proxy() {
        let cgi = ("REQUEST_METHOD", "GET");
        assert_eq!(proxies(&[cgi, ("HTTP_PROXY", "http://evil")]), two("", ""));
        // Not even one that could not be read.
        assert_eq!(proxies(&[cgi, ("HTTP_PROXY", "evil://")]), two("", ""));
        assert_eq!(proxies(&[cgi, ("http_proxy", "http://a")]), two("a", ""));
        let rest = [cgi, ("HTTP_PROXY", "http://evil"), ("HTTPS_PROXY", "http://a")];
        assert_eq!(proxies(&rest), two("", "a"));
        let all = [cgi, ("HTTP_PROXY", "http://evil"), ("ALL_PROXY", "http://a")];
        assert_eq!(proxies(&all), two("a", "a"));
    }

    #[test]
    fn what_no_proxy_names_is_reached_without() {
        for form in ["no_proxy", "NO_PROXY"] {
            let all = ("ALL_PROXY", "http://a");
            assert_eq!(proxies(&[all, (form, "example")]), two("", ""));
            assert_eq!(proxies(&[all, (form, "server.example:6001")]), two("", ""));
            assert_eq!(proxies(&[all, (form, "server.example:6002, 10.0.0.0/8")]), two("a", "a"));
            assert_eq!(proxies(&[all, (form, "*")]), two("", ""));
            assert_eq!(proxies(&[all, (form, "")]), two("a", "a"));
        }
        let both = [("ALL_PROXY", "http://a"), ("no_proxy", "x"), ("NO_PROXY", "*")];
        assert_eq!(proxies(&both), two("a", "a"));
    }

    #[test]
    fn an_error_names_the_variable_the_value_and_the_rule() {
        let text = |set: &[(&str, &str)]| read(set).expect_err("it is junk").to_string();
        let scheme = text(&[("HTTPS_PROXY", "gopher://ann:s3cret@h")]);
        assert!(scheme.starts_with("HTTPS_PROXY: \"gopher://***@h\""), "{scheme}");
        assert!(scheme.contains("http, socks5 and socks5h"), "{scheme}");
        let port = text(&[("all_proxy", "http://ann:s3c/ret@h")]);
        assert!(port.starts_with("all_proxy: ") && !port.contains("s3c"), "{port}");
        let proxy = ("HTTP_PROXY", "http://h");
        let junk = text(&[proxy, ("NO_PROXY", "localhost,10.0.0.0/99")]);
        assert!(junk.starts_with("NO_PROXY: \"10.0.0.0/99\""), "{junk}");
        assert!(junk.contains("length of its prefix"), "{junk}");
    }

    #[test]
    fn what_would_be_reached_without_a_proxy_says_nothing_where_there_is_none() {
        for none in ["", " "] {
            let junk = [("NO_PROXY", "169.254/16"), ("no_proxy", "<local>"), ("ALL_PROXY", none)];
            assert_eq!(proxies(&junk), two("", ""));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf8_is_named() {
        use std::os::unix::ffi::OsStringExt;

        for name in ["HTTPS_PROXY", "no_proxy"] {
            let error = Variables::read(&|asked| match asked {
                "all_proxy" => Some(OsString::from("http://h")),
                asked => (asked == name).then(|| OsString::from_vec(b"http://s3cret\xff".to_vec())),
            });
            let text = error.expect_err("it cannot be read").to_string();
            assert_eq!(text, format!("{name} is not UTF-8"));
        }
    }
}
