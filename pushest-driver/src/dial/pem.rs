//! PEM (RFC 7468), split so that nothing of a private key can get into an error: the texts in here are
//! fixed, and name labels only where they are known ones.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// What stands between a line `-----BEGIN LABEL-----` and its end.
pub(super) struct Section<'a> {
    pub(super) label: &'a str,
    /// The section as it stands, with both lines.
    pub(super) text: &'a str,
}

/// Returns the sections of a text. What stands between them is skipped, as other readers of PEM do.
///
/// # Errors
/// The rule that the text breaks.
pub(super) fn sections(pem: &[u8]) -> Result<Vec<Section<'_>>, &'static str> {
    let text = std::str::from_utf8(pem).map_err(|_| {
        "it is not text: PEM is, and `openssl x509 -inform der` or `openssl pkey -inform der` make it of \
         DER"
    })?;
    if text.trim().is_empty() {
        return Err("it is empty");
    }
    let mut sections = Vec::new();
    let mut begun = None;
    let mut end = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let start = end + line.find('-').unwrap_or(0);
        end += line.len();
        let line = line.trim_start_matches('\u{feff}').trim();
        if let Some(label) = marked(line, "-----BEGIN ") {
            if begun.is_some() {
                return Err("a section in it has no line -----END …-----");
            }
            begun = Some((label, start));
        } else if let Some(label) = marked(line, "-----END ") {
            match begun.take() {
                Some((begun, start)) if begun == label => {
                    sections.push(Section { label, text: &text[start..end] });
                }
                _ => return Err("a line -----END …----- in it ends nothing that has begun"),
            }
        } else if line.starts_with("-----BEGIN") || line.starts_with("-----END") {
            return Err(
                "the beginning and the end of a section need a line of their own, from ----- to \
                        -----",
            );
        }
    }
    if begun.is_some() {
        return Err("a section in it has no line -----END …-----");
    }
    Ok(sections)
}

fn marked<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let label = line.strip_prefix(mark)?.strip_suffix("-----")?;
    // All of a key may stand in one line.
    (!label.contains("--")).then_some(label)
}

/// Returns the certificates of a text; there is at least one.
///
/// # Errors
/// The rule that the text breaks.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let sections = sections(pem)?;
    let mut found = Vec::new();
    for section in sections.iter().filter(|section| section.label == "CERTIFICATE") {
        let certificate = CertificateDer::from_pem_slice(section.text.as_bytes());
        let number = found.len() + 1;
        found.push(certificate.map_err(|_| format!("certificate {number} in it is not base64"))?);
    }
    if found.is_empty() {
        return Err(match sections.iter().find_map(|section| known(section.label)) {
            Some(label) => format!("there is no certificate in it, but a {label}"),
            None => {
                "there is no certificate in it: no line -----BEGIN CERTIFICATE-----".to_string()
            }
        });
    }
    Ok(found)
}

/// Returns a label that may be shown: any other text may be a part of a key.
pub(super) fn known(label: &str) -> Option<&'static str> {
    const KNOWN: [&str; 16] = [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "DSA PRIVATE KEY",
        "EC PARAMETERS",
        "DH PARAMETERS",
        "PUBLIC KEY",
        "RSA PUBLIC KEY",
        "TRUSTED CERTIFICATE",
        "X509 CERTIFICATE",
        "CERTIFICATE REQUEST",
        "NEW CERTIFICATE REQUEST",
        "X509 CRL",
        "PKCS7",
    ];
    KNOWN.into_iter().find(|known| *known == label)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "MC4CAQAwBQYDK2VwBCIEIHVzZWQgYnkgdGVzdHM";

    #[test]
    fn sections_are_found_whatever_stands_around_them() {
        let text = "\u{feff}-----BEGIN A-----\r\nx\r\n-----END A-----\r\nBag Attributes\n  \
                    -----BEGIN B C-----\ny\n-----END B C-----";
        let found = sections(text.as_bytes()).expect("two sections");
        let found: Vec<_> = found.iter().map(|section| (section.label, section.text)).collect();
        assert_eq!(found[0], ("A", "-----BEGIN A-----\r\nx\r\n-----END A-----\r"));
        assert_eq!(found[1], ("B C", "-----BEGIN B C-----\ny\n-----END B C-----"));
        assert!(sections(b"no section, but text").expect("none").is_empty());
    }

    #[test]
    fn what_is_broken_is_named_and_nothing_of_it_is_shown() {
        for pem in [
            format!("-----BEGIN PRIVATE KEY-----{KEY}-----END PRIVATE KEY-----"),
            format!("-----BEGIN PRIVATE KEY-----\n{KEY}"),
            format!("-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END EC PRIVATE KEY-----"),
            format!("-----BEGIN {KEY}-----\n{KEY}"),
            format!("-----BEGIN PRIVATE KEY----\n{KEY}\n-----END PRIVATE KEY-----"),
            format!("-----END {KEY}-----"),
            String::new(),
            " \r\n".to_string(),
        ] {
            let error = sections(pem.as_bytes()).err().expect(&pem);
            assert!(!error.contains("MC4C"), "{error}");
        }
        assert!(sections(b"\x30\x82\xff").is_err_and(|error| error.contains("DER")));
        let label = format!("-----BEGIN {KEY}-----\n{KEY}\n-----END {KEY}-----");
        let error = certificates(label.as_bytes()).expect_err("no certificate");
        assert_eq!(error, "there is no certificate in it: no line -----BEGIN CERTIFICATE-----");
        let key = format!("-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----");
        let error = certificates(key.as_bytes()).expect_err("no certificate");
        assert_eq!(error, "there is no certificate in it, but a PRIVATE KEY");
        let error = certificates(b"-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----");
        assert_eq!(error.expect_err("junk"), "certificate 1 in it is not base64");
    }
}
