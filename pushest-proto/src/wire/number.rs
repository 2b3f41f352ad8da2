//! JSON numbers, read from their digits: no spelling costs more than its length.

use alloc::borrow::Cow;
use alloc::string::String;

/// A whole number of more digits stays as it is written.
const MOST_DIGITS: usize = 20;

/// An exponent beyond this is taken as this. No text is so long that a point moved by it would
/// still stand in it.
const LARGEST_EXPONENT: i64 = 1 << 40;

/// Returns a number as text: a whole one of at most 20 digits by its digits alone, so that `2`,
/// `2.0` and `20e-1` are the same; any other as it is written. `None` if it is no JSON number.
pub(crate) fn canonical(token: &str) -> Option<Cow<'_, str>> {
    let digits = token.strip_prefix('-').unwrap_or(token);
    if !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // The ordinary spelling, whatever its length.
        return (!digits.is_empty()).then_some(Cow::Borrowed(token));
    }
    let number = Number::read(token)?;
    let Some((first, last)) = number.significant() else { return Some(Cow::Borrowed("0")) };
    let (first_place, last_place) = (number.place_of(first), number.place_of(last));
    if last_place < 0 || first_place >= MOST_DIGITS as i64 {
        return Some(Cow::Borrowed(token));
    }
    let mut text = String::with_capacity(1 + MOST_DIGITS);
    if number.is_negative {
        text.push('-');
    }
    text.extend((first..=last).map(|index| char::from(number.digit(index))));
    text.extend((0..last_place).map(|_| '0'));
    Some(Cow::Owned(text))
}

/// Returns a number without its fraction, at most [`u64::MAX`]. `None` if it is no JSON number, or
/// negative.
pub(crate) fn whole(token: &str) -> Option<u64> {
    let number = Number::read(token)?;
    let Some((first, last)) = number.significant() else { return Some(0) };
    if number.is_negative {
        return None;
    }
    let first_place = number.place_of(first);
    if first_place >= MOST_DIGITS as i64 {
        return Some(u64::MAX);
    }
    let mut value = 0_u64;
    for place in (0..=first_place).rev() {
        let index = first + usize::try_from(first_place - place).expect("at most 20 places");
        let digit = if index <= last { number.digit(index) - b'0' } else { 0 };
        value = value.saturating_mul(10).saturating_add(digit.into());
    }
    Some(value)
}

/// A JSON number (RFC 8259, section 6). Its digits are counted over the point.
struct Number<'a> {
    is_negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    fn read(token: &'a str) -> Option<Self> {
        let rest = token.strip_prefix('-');
        let is_negative = rest.is_some();
        let (whole, rest) = digits(rest.unwrap_or(token))?;
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(rest) => digits(rest)?,
            None => ("", rest),
        };
        let exponent = match rest.strip_prefix(['e', 'E']) {
            Some(rest) => exponent(rest)?,
            None if rest.is_empty() => 0,
            None => return None,
        };
        let (whole, fraction) = (whole.as_bytes(), fraction.as_bytes());
        Some(Self { is_negative, whole, fraction, exponent })
    }

    /// Returns the first and the last digit that is not zero; `None` if all are.
    fn significant(&self) -> Option<(usize, usize)> {
        let is_significant = |digit: &u8| *digit != b'0';
        let mut digits = self.whole.iter().chain(self.fraction);
        let first = digits.position(is_significant)?;
        let count = self.whole.len() + self.fraction.len();
        let mut digits = self.whole.iter().chain(self.fraction).rev();
        let last = count - 1 - digits.position(is_significant)?;
        Some((first, last))
    }

    fn digit(&self, index: usize) -> u8 {
        match index.checked_sub(self.whole.len()) {
            None => self.whole[index],
            Some(index) => self.fraction[index],
        }
    }

    /// Returns the power of ten that a digit counts.
    fn place_of(&self, index: usize) -> i64 {
        self.whole.len() as i64 - 1 - index as i64 + self.exponent
    }
}

/// One digit or more, and what follows them.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn exponent(text: &str) -> Option<i64> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, "") = digits(text)? else { return None };
    let exponent = digits.bytes().fold(0, |exponent: i64, digit| {
        (exponent * 10 + i64::from(digit - b'0')).min(LARGEST_EXPONENT)
    });
    Some(if is_negative { -exponent } else { exponent })
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_whole_number_is_the_same_however_it_is_spelled() {
        let zeros = "0".repeat(100_000);
        for (same, spellings) in [
            ("2", &["2", "2.0", "2e0", "20e-1", "0.2e1", "2E+0", "0.002e003", "200e-00002"][..]),
            ("25", &["25", "2.50e1", "250E-1", "25.000"]),
            ("0", &["0", "-0", "0.0", "-0.0e-7", "0e999999999999999999999", "0e-1"]),
            ("-7", &["-7", "-7.0", "-70e-1"]),
            ("100", &["100", "1e2", "1E+2", "0.1e3", "1000.0e-1"]),
            ("12345678901234567890", &["12345678901234567890", "1.2345678901234567890e19"]),
            ("10000000000000000000", &["1e19", "0.00001e24"]),
            ("3", &[&format!("3{zeros}e-100000"), &format!("0.{zeros}3e100001")]),
        ] {
            for spelling in spellings {
                assert_eq!(canonical(spelling).as_deref(), Some(same), "{spelling:.40}");
            }
        }
    }

    #[test]
    fn other_numbers_stay_as_they_are_written() {
        let long = format!("1{}.0", "0".repeat(100_000));
        for token in [
            "1e20",
            "100000000000000000000",
            "1e999999999999999999999",
            "1e-999999999999999999999",
            "1.5",
            "1.50",
            "-1.5e0",
            "15e-1",
            "123456789012345678901.0",
            &long,
        ] {
            assert_eq!(canonical(token).as_deref(), Some(token), "{token:.40}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        let none = [
            "", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e1", "0x1", "1 ", "1e1.5",
            "NaN", "--1", "1-", "00", "1_0", "١",
        ];
        for token in none {
            assert_eq!(canonical(token), None, "{token}");
            assert_eq!(whole(token), None, "{token}");
        }
    }

    #[test]
    fn fractions_are_cut_off_and_large_numbers_are_the_largest() {
        for (token, value) in [
            ("30", Some(30)),
            ("30.9", Some(30)),
            ("0.9", Some(0)),
            ("9e-1", Some(0)),
            ("1.5e3", Some(1500)),
            ("123e-2", Some(1)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", Some(u64::MAX)),
            ("99999999999999999999", Some(u64::MAX)),
            ("1e999999999", Some(u64::MAX)),
            ("1e-999999999", Some(0)),
            ("-0.0", Some(0)),
            ("-1", None),
            ("-0.5", None),
        ] {
            assert_eq!(whole(token), value, "{token}");
        }
    }
}
