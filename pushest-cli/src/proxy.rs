//! Which proxy the client goes through: what the command line says, or else the environment.

use std::env;

use pushest_driver::Options;

use crate::arguments::ConnectionOptions;
use crate::failure::Failure;

/// The URL of a proxy with its password, which the command line would show to other users.
const VARIABLE: &str = "PUSHEST_PROXY";

/// Returns the options with the proxy.
pub(crate) fn with_proxy(driver: Options, options: &ConnectionOptions) -> Result<Options, Failure> {
    if options.no_proxy {
        return Ok(driver);
    }
    let from = |source: &str, url: &str, driver: Options| {
        let proxied = driver.proxy(url);
        proxied.map_err(|error| Failure::input(format_args!("{source}: {error}")))
    };
    if let Some(url) = &options.proxy {
        if has_password(url) {
            return Err(Failure::input(format_args!(
                "the URL of --proxy holds a password, which other users of this machine could see: \
                 give the whole URL in {VARIABLE} instead"
            )));
        }
        return from("--proxy", url, driver);
    }
    // As of the other variables, white space is as good as none.
    let is_set = |url: &std::ffi::OsString| url.to_str().is_none_or(|url| !url.trim().is_empty());
    match env::var_os(VARIABLE).filter(is_set) {
        Some(url) => match url.to_str() {
            Some(url) => from(VARIABLE, url, driver),
            None => Err(Failure::input(format_args!("{VARIABLE} is not UTF-8"))),
        },
        None => driver.proxy_from_env().map_err(|error| {
            Failure::input(format_args!(
                "{error}; with --no-proxy no variable is read, and none is used"
            ))
        }),
    }
}

/// Whether something that may be a password stands before the host, also where the text is no URL.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_seen_wherever_it_may_be_one() {
        for url in [
            "http://ann:secret@h:1",
            "ann:secret@h",
            "socks5://ann:se/cret@h",
            "http://ann:se@cret@h",
            "gopher://ann:@h",
        ] {
            assert!(has_password(url), "{url}");
        }
        for url in ["http://h:1", "h:1", "socks5h://ann@[::1]:1", "http://ann%3Aa@h", ""] {
            assert!(!has_password(url), "{url}");
        }
    }
}
