//! What is signed, and how it stands in a request ([protocol, signed
//! requests](crate::protocol#signed-requests)).

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::unsigned::Unsigned;
use crate::auth::Signer;

/// The name of the signature's parameter, with its equals sign.
pub(super) const PARAMETER: &str = "auth_signature=";

/// All that must be encoded in a part of a path (RFC 3986, section 3.3). Channels' names need none
/// of it, so that what is signed is what any client sends.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'=')
    .remove(b'@')
    .remove(b',')
    .remove(b';')
    .remove(b':');

/// All that must be encoded in a parameter's value. Lists are joined by commas, which stand there
/// as they are: not every server decodes them.
const VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',');

/// Returns the path that is signed. What stands before it for the sake of a proxy is not signed.
pub(super) fn path(app_id: &str, unsigned: &Unsigned) -> String {
    format!("/apps/{app_id}{}", unsigned.path)
}

/// Returns the query of a request, signed at a time since 1970. The signature stands last.
pub(super) fn query(signer: &Signer, app_id: &str, unsigned: &Unsigned, now: Duration) -> String {
    let timestamp = now.as_secs().to_string();
    let body_md5 = (!unsigned.body.is_empty()).then(|| hex::encode(Md5::digest(&unsigned.body)));
    let own = [
        ("auth_key", Some(signer.key())),
        ("auth_timestamp", Some(&*timestamp)),
        ("auth_version", Some("1.0")),
        ("body_md5", body_md5.as_deref()),
    ];
    let of_call = unsigned.parameters.iter().map(|(name, value)| (&**name, &**value));
    let mut parameters: Vec<(&str, &str)> =
        own.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(of_call).collect();
    // All names are in lower case.
    parameters.sort_unstable();
    let signed = joined(&parameters, |value| value.into());
    let path = path(app_id, unsigned);
    let method = unsigned.method.as_str();
    let signature = signer.signature(&[method, "\n", &path, "\n", &signed]);
    let query = joined(&parameters, |value| utf8_percent_encode(value, VALUE).into());
    format!("{query}&{PARAMETER}{signature}")
}

fn joined<'a>(
    parameters: &[(&'a str, &'a str)],
    written: impl Fn(&'a str) -> Cow<'a, str>,
) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(&written(value));
    }
    text
}

/// Returns a part of a path. `None` for what clients resolve before they send it, encoded or not:
/// another path than the signed one.
pub(super) fn segment(text: &str) -> Option<Cow<'_, str>> {
    (text != "." && text != "..").then(|| utf8_percent_encode(text, SEGMENT).into())
}

/// Returns whether it is a path as it may be signed and sent: percent-encoded, and without parts
/// that clients resolve.
pub(super) fn is_path(path: &str) -> bool {
    let is_segment = |segment: &str| {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        let mut bytes = segment.bytes();
        let is_encoded = core::iter::from_fn(|| {
            Some(match bytes.next()? {
                b'%' => (0..2).all(|_| bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit())),
                byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte),
            })
        });
        dots != "." && dots != ".." && { is_encoded }.all(|is_right| is_right)
    };
    path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_segment))
}
