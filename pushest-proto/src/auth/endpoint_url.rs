//! The parts of an endpoint's URL that may be secrets: user, password and query.

use alloc::format;
use alloc::string::{String, ToString};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// A user and a password, decoded.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl Credentials {
    /// Returns the value of an `Authorization` header (RFC 7617).
    pub(super) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// Returns the URL without its user and password, and these.
pub(super) fn without_credentials(url: &str) -> (String, Option<Credentials>) {
    let Some((scheme, authority, rest)) = parts(url) else { return (url.to_string(), None) };
    let Some((user, host)) = authority.rsplit_once('@') else { return (url.to_string(), None) };
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let credentials = Credentials { user: decoded(user), password: decoded(password) };
    (format!("{scheme}://{host}{rest}"), Some(credentials))
}

/// Returns the values of a URL's query, as they stand there; a part without a name counts as a
/// value.
pub(super) fn query(url: &str) -> impl Iterator<Item = &str> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split(['&', ';', '#']);
    let values = pairs.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    values.filter(|value| !value.is_empty())
}

/// Returns the URL as it may be shown: without user and password, and without what follows the
/// path.
///
/// Everything before an `@` is hidden, wherever that stands: a `/`, `?` or `#` of a password may not
/// have been encoded.
pub(super) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "***".to_string() };
    let (place, behind) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    if behind.contains('@') {
        return format!("{scheme}://***");
    }
    let hidden = if behind.is_empty() { "" } else { "?***" };
    match place.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://***@{place}{hidden}"),
        None => format!("{scheme}://{place}{hidden}"),
    }
}

/// Scheme, authority, and what follows.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    Some((scheme, authority, rest))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn user_and_password_are_decoded_and_leave_the_url() {
        let split = |url| {
            let (url, credentials) = without_credentials(url);
            (url, credentials.map(|of| (of.user, of.password)))
        };
        let with = |url: &str, user: &str, password: &str| {
            (url.to_string(), Some((user.to_string(), password.to_string())))
        };
        assert_eq!(split("http://h:1/a@b?c@d"), ("http://h:1/a@b?c@d".to_string(), None));
        assert_eq!(split("https://ann:s%40%3A%2F@h/p?q"), with("https://h/p?q", "ann", "s@:/"));
        assert_eq!(split("http://a%20b@[::1]:8/"), with("http://[::1]:8/", "a b", ""));
        assert_eq!(split("http://:x:y@h"), with("http://h", "", "x:y"));
        assert_eq!(split("http://u:p@w@h/"), with("http://h/", "u", "p@w"));
        assert_eq!(split("http://%ff%zz:@h"), with("http://h", "\u{fffd}%zz", ""));
    }

    #[test]
    fn no_part_that_may_be_secret_is_shown() {
        for (url, shown) in [
            ("https://example.org/auth", "https://example.org/auth"),
            ("https://example.org/auth?token=x&y", "https://example.org/auth?***"),
            ("https://example.org/#x", "https://example.org/?***"),
            ("https://u:p@example.org:8/auth", "https://***@example.org:8/auth"),
            ("https://u:p@example.org:8/auth?x", "https://***@example.org:8/auth?***"),
            ("https://u:p/a@example.org/auth", "https://***@example.org/auth"),
            ("https://u:p/a?s#s@example.org/auth", "https://***"),
            ("https://example.org/auth?mail=a@b", "https://***"),
            ("u:p", "***"),
        ] {
            assert_eq!(masked(url), shown);
        }
    }

    #[test]
    fn the_values_of_a_query_are_told_from_its_names() {
        let values: Vec<_> = query("http://h/?a=1&b=&c&d=2=3;e=4#f").collect();
        assert_eq!(values, ["1", "c", "2=3", "4", "f"]);
        assert_eq!(query("http://h/").count(), 0);
    }
}
