//! PEM (RFC 7468), split so that nothing of a private key can get into an error: the texts in here are
//! fixed, and name labels only where they are known ones.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

/// The tag that DER begins with.
const SEQUENCE: u8 = 0x30;

/// What signed data of PKCS #7 begins with: the object identifier 1.2.840.113549.1.7.2.
const PKCS7: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

/// What stands between a line `-----BEGIN LABEL-----` and its end.
pub(super) struct Section<'a> {
    pub(super) label: &'a str,
    /// The section as it stands, with both lines.
    pub(super) text: &'a str,
}

impl Section<'_> {
    /// Returns the section without what its lines are indented by.
    pub(super) fn trimmed(&self) -> Zeroizing<String> {
        // Room for all of it: a key that moved would leave a copy behind.
        let mut trimmed = Zeroizing::new(String::with_capacity(self.text.len() + 1));
        let lines = self.text.split(['\n', '\r']).map(str::trim);
        for line in lines.filter(|line| !line.is_empty()) {
            trimmed.push_str(line);
            trimmed.push('\n');
        }
        trimmed
    }
}

/// Returns the sections of a text. What stands between them is skipped, as other readers of PEM do.
///
/// # Errors
/// The rule that the text breaks.
pub(super) fn sections(pem: &[u8]) -> Result<Vec<Section<'_>>, &'static str> {
    if let Some(rule) = other_form(pem) {
        return Err(rule);
    }
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

/// Returns what is said of a form that people take for PEM, or for DER, and that is neither.
fn other_form(bytes: &[u8]) -> Option<&'static str> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..] = bytes
        && bytes[0] != SEQUENCE
    {
        return Some("it is UTF-16, as PowerShell's `>` writes text: save it as UTF-8");
    }
    // What stands in the sequence, behind its length.
    let content = match bytes {
        [SEQUENCE, 0..=0x80, content @ ..] => content,
        [SEQUENCE, length, rest @ ..] => rest.get(usize::from(length & 0x7f)..).unwrap_or_default(),
        _ => return None,
    };
    if content.starts_with(b"\x02\x01\x03") {
        return Some("it is PKCS #12 (.p12, .pfx): `openssl pkcs12 -nodes` makes PEM of it");
    }
    let is_pkcs7 = content.starts_with(PKCS7);
    is_pkcs7
        .then_some("it is PKCS #7 (.p7b): `openssl pkcs7 -inform der -print_certs` makes PEM of it")
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
        let certificate = CertificateDer::from_pem_slice(section.trimmed().as_bytes());
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

    #[test]
    fn other_forms_are_named_with_what_makes_pem_of_them() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let little: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = pem.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for text in [
            [b"\xff\xfe", little.as_slice()].concat(),
            [b"\xfe\xff", big.as_slice()].concat(),
            little,
            big,
        ] {
            let error = sections(&text).err().expect("no UTF-8");
            assert!(error.contains("UTF-16"), "{error}");
        }
        for (der, words) in [
            (&b"\x30\x82\x0a\x00\x02\x01\x03\x30"[..], "pkcs12"),
            (b"\x30\x80\x02\x01\x03\x30", "pkcs12"),
            (b"\x30\x81\xff\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", "pkcs7"),
            (b"\x30\x82\x03\x00\x30\x82\xff", "x509 -inform der"),
            (b"\x30\x82\xff", "x509 -inform der"),
            (b"\x30\xff", "x509 -inform der"),
        ] {
            let error = sections(der).err().expect("no text");
            assert!(error.contains(words), "{error}");
        }
        for short in [&b"\x30"[..], b"-", b"\x00", b"0\x00"] {
            let _ = sections(short);
        }
    }

    #[test]
    fn a_section_may_be_indented() {
        let pem =
            "  -----BEGIN CERTIFICATE-----\r\n\t AAAA \r\n\n  AAAA\n   -----END CERTIFICATE-----";
        let found = certificates(pem.as_bytes()).expect("a certificate");
        assert_eq!(found[0].as_ref(), [0; 6]);
    }
}
