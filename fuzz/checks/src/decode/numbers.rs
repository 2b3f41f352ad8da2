//! Numbers, by writing them out.

use serde::de::IgnoredAny;

/// A larger exponent moves the point out of any number that a fuzzer writes.
const LARGE: u64 = 2_000;

/// Whether a number is negative, and its digits before and after the point, without an exponent.
type WrittenOut = (bool, String, String);

fn is_number(token: &str) -> bool {
    // serde_json passes over blanks behind a number, which are no part of it.
    token.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && token.ends_with(|last: char| last.is_ascii_digit())
        && serde_json::from_str::<IgnoredAny>(token).is_ok()
}

/// If that would be too long: whether it is because the number is so small.
fn written_out(token: &str) -> Result<WrittenOut, bool> {
    let (is_negative, rest) = match token.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, token),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (mut whole, mut fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole.to_owned(), fraction.to_owned()),
        None => (mantissa.to_owned(), String::new()),
    };
    if whole.bytes().chain(fraction.bytes()).all(|digit| digit == b'0') {
        return Ok((false, "0".to_owned(), String::new()));
    }
    let is_small = exponent.starts_with('-');
    match exponent.parse::<i64>() {
        Ok(exponent) if exponent.unsigned_abs() <= LARGE => {
            let places = usize::try_from(exponent.unsigned_abs()).expect("small");
            if is_small {
                whole.insert_str(0, &"0".repeat(places + 1));
                let moved = whole.split_off(whole.len() - places);
                fraction.insert_str(0, &moved);
            } else {
                fraction.push_str(&"0".repeat(places));
                let rest = fraction.split_off(places);
                whole.push_str(&fraction);
                fraction = rest;
            }
        }
        _ => return Err(is_small),
    }
    let whole = whole.trim_start_matches('0').to_owned();
    Ok((is_negative, whole, fraction.trim_end_matches('0').to_owned()))
}

/// Returns the id that a number is.
pub(super) fn id(token: &str) -> Option<String> {
    if !is_number(token) {
        return None;
    }
    Some(match written_out(token) {
        Ok((is_negative, whole, fraction)) if fraction.is_empty() && whole.len() <= 20 => {
            if is_negative {
                format!("-{whole}")
            } else {
                whole
            }
        }
        _ => token.to_owned(),
    })
}

/// Returns the number without its fraction.
pub(super) fn whole(token: &str) -> Option<u64> {
    if !is_number(token) {
        return None;
    }
    match written_out(token) {
        Ok((true, ..)) => None,
        Ok((false, whole, _)) if whole.len() > 20 => Some(u64::MAX),
        Ok((false, whole, _)) => {
            let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().expect("digits") };
            Some(u64::try_from(whole).unwrap_or(u64::MAX))
        }
        Err(_) if token.starts_with('-') => None,
        Err(is_small) => Some(if is_small { 0 } else { u64::MAX }),
    }
}
