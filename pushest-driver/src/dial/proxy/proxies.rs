//! Which proxy a client goes through, if any.

use std::sync::Arc;

use super::url::{Proxy, UrlError};
use super::variables::Variables;
use crate::error::OptionsError;

/// The option that was chosen.
#[derive(Debug, Clone, Default)]
pub(crate) enum Proxies {
    /// None at all.
    #[default]
    None,
    /// One for everything.
    One(Arc<Proxy>),
    /// What the environment said when the option was set.
    Variables(Arc<Variables>),
}

impl Proxies {
    pub(crate) fn one(url: &str) -> Result<Self, OptionsError> {
        let bad = |error: UrlError| OptionsError::Proxy {
            variable: None,
            value: error.value,
            rule: error.rule,
        };
        Ok(Self::One(Arc::new(Proxy::parse(url).map_err(bad)?)))
    }

    pub(crate) fn of_environment() -> Result<Self, OptionsError> {
        Ok(Self::Variables(Arc::new(Variables::of_environment()?)))
    }

    /// Returns the proxy for a host, a name or an IP address without brackets and zone.
    pub(crate) fn of(&self, is_tls: bool, host: &str, port: u16) -> Option<&Proxy> {
        match self {
            Self::None => None,
            Self::One(proxy) => Some(proxy),
            Self::Variables(variables) => variables.of(is_tls, host, port),
        }
    }
}

#[cfg(test)]
mod tests {
    use pushest_proto::Endpoint;

    use super::*;
    use crate::options::Options;
    use crate::unstable::proxy_to;

    #[test]
    fn a_name_beyond_ascii_is_told_to_have_the_proxy_that_its_dial_has() {
        let variables = Variables::read(&|name| match name {
            "ALL_PROXY" => Some("http://proxy.example".into()),
            "NO_PROXY" => Some("bücher.example".into()),
            _ => None,
        });
        let proxies = Proxies::Variables(Arc::new(variables.expect("good ones")));
        let options = Options { proxies, ..Options::default() };
        let proxy = |host| proxy_to(&options, &Endpoint::new(host).expect("a host"));
        for exempt in ["bücher.example", "ws.BÜCHER.example", "xn--bcher-kva.example"] {
            assert_eq!(proxy(exempt), None, "{exempt}");
        }
        assert_eq!(proxy("küche.example").as_deref(), Some("http://proxy.example:80"));
    }
}
