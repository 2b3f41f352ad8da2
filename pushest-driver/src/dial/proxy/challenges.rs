//! What an answer asks for (RFC 9110, section 11.6.1): a list of challenges, each of them a scheme with
//! parameters. Commas separate the parameters as they do the challenges.

/// What one challenge names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge<'a> {
    /// The scheme, such as `Basic`.
    pub(super) scheme: &'a [u8],
    /// The parameter `realm`, without quotes.
    pub(super) realm: Option<Vec<u8>>,
}

/// Returns the challenges of a header's value. What has the form of none is skipped.
pub(super) fn challenges(value: &[u8]) -> Vec<Challenge<'_>> {
    let mut found: Vec<Challenge<'_>> = Vec::new();
    for element in elements(value) {
        let (name, rest) = token(element);
        if name.is_empty() {
            continue;
        }
        let parameter = if rest.trim_ascii_start().starts_with(b"=") {
            // It belongs to the challenge before.
            element
        } else {
            found.push(Challenge { scheme: name, realm: None });
            rest.trim_ascii_start()
        };
        if let (Some(challenge), Some(realm)) = (found.last_mut(), realm(parameter)) {
            challenge.realm.get_or_insert(realm);
        }
    }
    found
}

/// Returns what stands between the commas that are in no quotes.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let elements = value.split(move |byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' => return !is_quoted,
            _ => {}
        }
        false
    });
    elements.map(<[u8]>::trim_ascii)
}

/// Returns the token that a text begins with, and what follows it.
fn token(text: &[u8]) -> (&[u8], &[u8]) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    text.split_at(text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len()))
}

/// Returns the value of a parameter that is the realm.
fn realm(parameter: &[u8]) -> Option<Vec<u8>> {
    let (name, rest) = token(parameter);
    let value = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    if !name.eq_ignore_ascii_case(b"realm") {
        return None;
    }
    let Some(quoted) = value.strip_prefix(b"\"") else { return Some(token(value).0.to_vec()) };
    let mut realm = Vec::new();
    let mut bytes = quoted.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => realm.extend(bytes.next()),
            byte => realm.push(byte),
        }
    }
    Some(realm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_one_whatever_stands_in_its_quotes() {
        for (value, expected) in [
            ("Basic realm=\"b\"", &[("Basic", Some("b"))][..]),
            ("NTLM, Basic realm=\"b\"", &[("NTLM", None), ("Basic", Some("b"))]),
            ("Basic xrealm=\"no\", realm=\"yes\"", &[("Basic", Some("yes"))]),
            (
                "Basic realm=\"x\", Digest realm=\"y\"",
                &[("Basic", Some("x")), ("Digest", Some("y"))],
            ),
            ("Basic charset=\"a, NTLM realm=z\", REALM = office", &[("Basic", Some("office"))]),
            (
                "basic realm=\"the \\\"office\\\", NTLM\"",
                &[("basic", Some("the \"office\", NTLM"))],
            ),
            ("Negotiate YWJj==, Basic realm=\"\"", &[("Negotiate", None), ("Basic", Some(""))]),
            ("Negotiate, , NTLM", &[("Negotiate", None), ("NTLM", None)]),
            (",Basic\trealm=a;b,", &[("Basic", Some("a"))]),
            ("Basic realm=\"never ends, NTLM", &[("Basic", Some("never ends, NTLM"))]),
            ("Digest realm=\"first\", realm=\"second\"", &[("Digest", Some("first"))]),
            ("realm=\"of none\"", &[]),
            ("\"x\", =y, @", &[]),
            ("", &[]),
        ] {
            let found = challenges(value.as_bytes());
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let found: Vec<_> =
                found.iter().map(|it| (text(it.scheme), it.realm.as_deref().map(text))).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(scheme, realm)| ((*scheme).to_owned(), realm.map(str::to_owned)))
                .collect();
            assert_eq!(found, expected, "{value}");
        }
    }
}
