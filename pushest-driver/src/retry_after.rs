//! The pause that a server asks for.

use std::time::{Duration, SystemTime};

/// Returns the pause that the value of `Retry-After` asks for: seconds, or a date (RFC 9110, section
/// 10.2.3). A date that has passed asks for none.
pub(crate) fn pause(value: &[u8], now: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than can be counted is forever.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_in_every_form_are_read() {
        // Sun, 06 Nov 1994 08:49:37 GMT, which RFC 9110 has in three forms.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 90);
        for (value, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(90)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(90)),
            ("Sun Nov  6 08:49:37 1994", Some(90)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("+5", None),
            ("soon", None),
        ] {
            assert_eq!(pause(value.as_bytes(), now), seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(pause(b"\xff", now), None);
    }
}
