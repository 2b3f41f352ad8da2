//! Dates of HTTP headers.

use core::time::Duration;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Returns the seconds since 1970 of a date in one of the three forms that all who read HTTP take (RFC
/// 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`. `None` for anything else, and for times before 1970. `now` since 1970
/// decides about the century of a year of two digits.
pub(super) fn seconds(text: &str, now: Duration) -> Option<u64> {
    fixdate(text).or_else(|| rfc850(text, now)).or_else(|| asctime(text))?.seconds()
}

/// A date and a time as they stand in a text.
struct Date<'a> {
    year: u64,
    month: &'a str,
    day: u64,
    time: &'a str,
}

/// The one form that servers may write.
fn fixdate(text: &str) -> Option<Date<'_>> {
    let (weekday, rest) = text.split_once(", ")?;
    DAYS.iter().find(|name| &name[..3] == weekday)?;
    let [day, month, year, time, "GMT"] = parts(rest, ' ')? else { return None };
    Some(Date { year: digits(year, 4)?, month, day: digits(day, 2)?, time })
}

/// That of RFC 850, which is obsolete.
fn rfc850(text: &str, now: Duration) -> Option<Date<'_>> {
    let (weekday, rest) = text.split_once(", ")?;
    DAYS.iter().find(|name| **name == weekday)?;
    let [date, time, "GMT"] = parts(rest, ' ')? else { return None };
    let [day, month, year] = parts(date, '-')?;
    // To a day at the turn of a year: that is exact enough for the middle of a century. It ends with the
    // year 9999, as years of four digits do.
    let this_year = 1970 + now.as_secs().min(253_402_300_799) / 31_556_952;
    // A year that seems more than 50 years ahead is the last one with these digits.
    let first = this_year - 49;
    let year = first + (100 + digits(year, 2)? - first % 100) % 100;
    Some(Date { year, month, day: digits(day, 2)?, time })
}

/// That of C's `asctime`, which is obsolete, too.
fn asctime(text: &str) -> Option<Date<'_>> {
    // A day below 10 has a space in place of the first digit.
    let (begin, rest) = text.split_at_checked(8)?;
    let [weekday, month, ""] = parts(begin, ' ')? else { return None };
    DAYS.iter().find(|name| &name[..3] == weekday)?;
    let (day, rest) = rest.split_at_checked(2)?;
    let day = day.strip_prefix(' ').map_or_else(|| digits(day, 2), |day| digits(day, 1))?;
    let ["", time, year] = parts(rest, ' ')? else { return None };
    Some(Date { year: digits(year, 4)?, month, day, time })
}

impl Date<'_> {
    fn seconds(&self) -> Option<u64> {
        let Self { year, day, .. } = *self;
        let month = MONTHS.iter().position(|name| *name == self.month)?;
        let [hour, minute, second] = parts(self.time, ':')?;
        let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
        let days_of_month = match month {
            1 if is_leap(year) => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        let is_day = (1..=days_of_month).contains(&day) && year >= 1970;
        // A leap second is 60.
        if !is_day || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_before(year, month) + day - 1;
        Some(((days * 24 + hour) * 60 + minute) * 60 + second)
    }
}

/// Returns what stands between separators, if it is as many parts.
fn parts<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    let (mut parts, mut split) = ([""; N], text.split(separator));
    for part in &mut parts {
        *part = split.next()?;
    }
    split.next().is_none().then_some(parts)
}

/// Returns a number of so many digits.
fn digits(text: &str, count: usize) -> Option<u64> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Returns the days from 1970 to the first of a month, which counts from 0.
fn days_before(year: u64, month: usize) -> u64 {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let leap_day = u64::from(month > 1 && is_leap(year));
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969) + BEFORE[month] + leap_day
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In 2026.
    const NOW: Duration = Duration::from_secs(1_795_000_000);

    #[test]
    fn dates_are_read() {
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Fri, 16 Nov 2012 17:49:39 GMT", 1_353_088_179),
            ("Thu, 31 Dec 2026 23:59:60 GMT", 1_798_761_600),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
            // The two forms that are obsolete.
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Friday, 16-Nov-12 17:49:39 GMT", 1_353_088_179),
            ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Fri Nov 16 17:49:39 2012", 1_353_088_179),
        ] {
            assert_eq!(seconds(text, NOW), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
        let year = |digits: &str, now| {
            let date = rfc850(digits, Duration::from_secs(now))?;
            Some(date.year)
        };
        let of = |digits: u64| alloc::format!("Sunday, 06-Nov-{digits:02} 08:49:37 GMT");
        for (digits, expected) in [(26, 2026), (76, 2076), (77, 1977), (99, 1999), (0, 2000)] {
            assert_eq!(year(&of(digits), NOW.as_secs()), Some(expected), "{digits}");
        }
        assert_eq!(year(&of(70), 0), Some(1970));
        assert_eq!(year(&of(69), 0), Some(1969));
        assert_eq!(seconds(&of(69), Duration::ZERO), None);
        // However far a clock is off.
        for now in [253_402_300_799, u64::MAX] {
            assert_eq!(year(&of(99), now), Some(9999));
            assert!(seconds(&of(48), Duration::from_secs(now)).is_some());
        }
    }

    #[test]
    fn what_is_no_date_of_http_is_none() {
        for text in [
            "",
            "soon",
            "Sunday, 06-Nov-94 08:49:37",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun Nov 06 08:49:37 94",
            "Sun Nov  6 08:49:37 1994 GMT",
            "Sunday Nov  6 08:49:37 1994",
            "Sun Nov  \u{e9} 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT ",
            "Xyz, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 30 Feb 2000 08:49:37 GMT",
            "Sun, 29 Feb 2100 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 anF 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GM\u{e9}",
        ] {
            assert_eq!(seconds(text, NOW), None, "{text}");
        }
    }
}
