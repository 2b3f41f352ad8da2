//! What the client shows to a server that demands a certificate: its chain, and the private key. Whatever
//! is wrong with them, no error holds anything of the key.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use zeroize::Zeroize as _;

use super::pem;

/// A chain of certificates, the client's own first, and its private key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// What is wrong with an identity, by the part that it is wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    Certificate(String),
    Key(String),
}

impl Identity {
    /// Reads the certificates of one text and the private key of another, which may be the same one.
    pub(crate) fn read(certificates: &[u8], key: &[u8], now: SystemTime) -> Result<Self, Problem> {
        let chain = pem::certificates(certificates).map_err(Problem::Certificate)?;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        for (index, certificate) in chain.iter().enumerate() {
            check_dates(certificate, index + 1, now).map_err(Problem::Certificate)?;
        }
        let key = private_key(key).map_err(Problem::Key)?;
        Ok(Self { chain, key })
    }

    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Returns which version of X.509 the first certificate is of, if it is of any.
    #[cfg(feature = "tls")]
    pub(super) fn version(&self) -> Option<u8> {
        let certificate = Certificate::from_der(self.chain.first()?).ok()?;
        // The first one is 0 in the encoding.
        Some(certificate.tbs_certificate().version() as u8 + 1)
    }

    pub(super) fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }
}

/// No copy of the key that is made here outlives the options.
impl Drop for Identity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Nothing of the key, and of the certificates their number.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

impl Problem {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Certificate(text) | Self::Key(text) => text,
        }
    }
}

/// Says that key and certificate do not belong together.
pub(super) fn does_not_fit() -> Problem {
    Problem::Key(
        "the private key does not fit the first certificate, which must be the client's own: its public \
         key is another one"
            .to_string(),
    )
}

fn check_dates(
    certificate: &CertificateDer<'_>,
    number: usize,
    now: Duration,
) -> Result<(), String> {
    let certificate = Certificate::from_der(certificate)
        .map_err(|_| format!("certificate {number} in it is not a certificate of X.509"))?;
    let validity = certificate.tbs_certificate().validity();
    if now > validity.not_after.to_unix_duration() {
        return Err(format!("certificate {number} in it expired at {}", validity.not_after));
    }
    if now < validity.not_before.to_unix_duration() {
        let not_before = validity.not_before;
        return Err(format!("certificate {number} in it is not valid before {not_before}"));
    }
    Ok(())
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let sections = pem::sections(pem)?;
    let mut keys = Vec::new();
    for section in &sections {
        let is_encrypted = section.label == "ENCRYPTED PRIVATE KEY"
            || section
                .text
                .lines()
                .any(|line| line.trim().starts_with("Proc-Type:") && line.contains("ENCRYPTED"));
        if is_encrypted {
            return Err("the private key is encrypted, and there is nothing to decrypt it with: \
                        `openssl pkey` writes it without a password"
                .to_string());
        }
        match section.label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => keys.push(section),
            label if label.ends_with("PRIVATE KEY") => {
                let form = pem::known(label).unwrap_or("form that is not known");
                return Err(format!(
                    "the private key is a {form}, and must be in PKCS #8, PKCS #1 or SEC 1 (PRIVATE KEY, \
                     RSA PRIVATE KEY, EC PRIVATE KEY)"
                ));
            }
            _ => {}
        }
    }
    match keys[..] {
        [] => {
            Err("there is no private key in it (PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY)"
                .into())
        }
        [key] => PrivateKeyDer::from_pem_slice(key.trimmed().as_bytes())
            .map_err(|_| "the private key in it is not base64".to_string()),
        _ => Err(format!("there are {} private keys in it, and must be one", keys.len())),
    }
}
