//! Checking signatures, and what an app's server signs: the testkit's own few lines, so that a mistake in the client's signing
//! cannot hide behind the same mistake here.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;

/// Returns whether `signature` is the lower-case hex HMAC-SHA256 of the joined `parts` under
/// `secret`.
///
/// The digests are compared in constant time.
pub(super) fn verify(secret: &str, parts: &[&str], signature: &str) -> bool {
    // Upper-case hex is another string, and servers compare strings.
    if signature.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return false;
    }
    let Ok(digest) = hex::decode(signature) else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("HMAC accepts a key of any length");
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac.verify_slice(&digest).is_ok()
}

/// Returns the lower-case hex HMAC-SHA256 of a text under `secret`.
pub(crate) fn sign(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("HMAC accepts a key of any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Returns whether `auth` is `KEY:SIGNATURE` for this key over the joined `parts`.
pub(super) fn verify_auth(key: &str, secret: &str, parts: &[&str], auth: &str) -> bool {
    auth.strip_prefix(key)
        .and_then(|rest| rest.strip_prefix(':'))
        .is_some_and(|signature| verify(secret, parts, signature))
}

/// Returns the lower-case hex MD5 of a request's body, as `body_md5` carries it.
pub(super) fn body_md5(body: &[u8]) -> String {
    hex::encode(Md5::digest(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "278d425bdf160c739803";
    const SECRET: &str = "7ad3773142a6692b25b8";

    fn accepts(parts: &[&str], digest: &str) -> bool {
        verify_auth(KEY, SECRET, parts, &format!("{KEY}:{digest}"))
    }

    #[test]
    fn the_published_channel_vectors_are_accepted() {
        assert!(accepts(
            &["1234.1234", ":", "private-foobar"],
            "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
        ));
        assert!(accepts(
            &[
                "1234.1234:presence-foobar:",
                r#"{"user_id":"10","user_info":{"name":"Mr. Pusher"}}"#
            ],
            "48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4"
        ));
        assert!(accepts(
            &["1234.1234:presence-foobar:", r#"{"user_id":10,"user_info":{"name":"Mr. Pusher"}}"#],
            "afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c"
        ));
        assert!(accepts(
            &[r#"1234.1234::user::{"id":"12345"}"#],
            "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"
        ));
    }

    #[test]
    fn what_is_signed_is_the_published_vector() {
        let digest = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";
        assert_eq!(sign(SECRET, "1234.1234:private-foobar"), digest);
    }

    #[test]
    fn another_key_digest_case_or_length_is_refused() {
        let digest = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";
        let parts = ["1234.1234:private-foobar"];
        assert!(!verify_auth(KEY, SECRET, &parts, &format!("other:{digest}")));
        assert!(!verify_auth(KEY, SECRET, &parts, digest));
        assert!(!accepts(&parts, &digest.to_uppercase()));
        assert!(!accepts(&parts, &digest[..62]));
        assert!(!accepts(&parts, ""));
        assert!(!accepts(&["1234.1235:private-foobar"], digest));
    }
}
