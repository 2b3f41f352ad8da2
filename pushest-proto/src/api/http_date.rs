//! Dates of HTTP headers.

/// Returns the seconds since 1970 of an IMF-fixdate, the one form that servers may write (RFC 9110,
/// section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. `None` for anything else, and for times before
/// 1970.
pub(super) fn seconds(text: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const DAYS: &str = "MonTueWedThuFriSatSun";
    let is_form = text.is_ascii() && text.len() == 29 && {
        let bytes = text.as_bytes();
        let at = |places: &[usize], byte| places.iter().all(|place| bytes[*place] == byte);
        at(&[4, 7, 11, 16, 25], b' ') && at(&[3], b',') && at(&[19, 22], b':')
    };
    if !is_form || !text.ends_with("GMT") || place(DAYS, &text[..3]).is_none() {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = &text[from..to];
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| are_digits)
    };
    let month = place(MONTHS, &text[8..11])?;
    let (day, year) = (number(5, 7)?, number(12, 16)?);
    let (hour, minute, second) = (number(17, 19)?, number(20, 22)?, number(23, 25)?);
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

/// Returns the place of a name of three letters among `names`.
fn place(names: &str, name: &str) -> Option<u64> {
    let place = (0..names.len()).step_by(3).position(|at| &names[at..at + 3] == name)?;
    u64::try_from(place).ok()
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Returns the days from 1970 to the first of a month, which counts from 0.
fn days_before(year: u64, month: u64) -> u64 {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let in_year = BEFORE[usize::try_from(month).expect("it is less than 12")];
    let leap_day = u64::from(month > 1 && is_leap(year));
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969) + in_year + leap_day
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_of_http_is_none() {
        for text in [
            "",
            "soon",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
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
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
