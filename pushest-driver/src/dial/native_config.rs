//! TLS by the system's library: the connector of one client, and what that library cannot do of what was
//! asked, which is an error by name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use native_tls::{Certificate, Protocol, TlsConnector};
use pushest_proto::DialFailure;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::der::Decode as _;
use zeroize::Zeroizing;

use super::choices::Roots;
use super::identity::{Identity, Problem, does_not_fit};
use super::system_roots;

/// Whether the system's library has a store of its own, which decides in its own ways. Elsewhere that is
/// OpenSSL, which reads the files that [`system_roots`] reads, and does not say whether it found any.
const HAS_STORE: bool = cfg!(any(target_os = "windows", target_vendor = "apple"));

/// Builds a connector. `lasts` becomes false where what the system trusts could not be read for now.
pub(super) fn build(
    authorities: &[CertificateDer<'static>],
    roots: Option<Roots>,
    identity: Option<&Identity>,
    lasts: &mut bool,
) -> Result<TlsConnector, DialFailure> {
    let unsupported = |text: String| DialFailure::Unsupported(text.into());
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    builder.disable_built_in_roots(!HAS_STORE || roots == Some(Roots::Given));
    let mut is_empty = authorities.is_empty();
    for authority in authorities {
        let authority = certificate(authority);
        builder
            .add_root_certificate(authority.map_err(|why| unsupported(format!("ca_pem: {why}")))?);
    }
    if !HAS_STORE && roots != Some(Roots::Given) {
        let system = system_roots::load();
        *lasts = system.lasts;
        // What the system has and its library cannot read does not concern this connection.
        for trusted in system.certificates.iter().filter_map(|it| certificate(it).ok()) {
            is_empty = false;
            builder.add_root_certificate(trusted);
        }
        if is_empty {
            return Err(system_roots::nothing_is_trusted(system.problem));
        }
    }
    if let Some(identity) = identity {
        let converted = converted(identity);
        builder.identity(
            converted.map_err(|problem| {
                unsupported(format!("client_identity: {}", problem.into_text()))
            })?,
        );
    }
    builder.build().map_err(|error| unsupported(format!("the system's TLS library: {error}")))
}

/// Returns the failure for an error of the handshake.
pub(super) fn failed(error: &std::io::Error) -> DialFailure {
    let mut text = error.to_string();
    // There is no other way to tell: each system has words of its own, and all of them have the first of these.
    // The other one is OpenSSL's for a server that does not have the key of its certificate.
    let is_about = text.contains("certificate") || text.contains("bad signature");
    let certificate = is_about && !text.contains("alert");
    if certificate && has_unknown_authority(&text) {
        text = format!("{text}: {}", system_roots::TRUST_IT);
    }
    DialFailure::Tls { certificate, detail: text.into() }
}

/// Returns whether the certificate was refused because of who signed it, in the words of OpenSSL (the first
/// ones), Secure Transport and SChannel.
fn has_unknown_authority(text: &str) -> bool {
    ["issuer certificate", "self-signed certificate", "self signed certificate", "not trusted"]
        .iter()
        .any(|words| text.contains(words))
}

/// Checks that the library takes the certificate of an authority.
pub(super) fn certificate(authority: &CertificateDer<'_>) -> Result<Certificate, String> {
    Certificate::from_der(authority)
        .map_err(|error| format!("the system's TLS library does not take the certificate: {error}"))
}

/// Checks that the library takes the identity, and that the key fits its certificate.
pub(super) fn check(identity: &Identity) -> Result<(), Problem> {
    let mut builder = TlsConnector::builder();
    builder.disable_built_in_roots(true).identity(converted(identity)?);
    // The key was taken already.
    builder.build().map_err(|_| does_not_fit())?;
    if is_of_one_kind(identity) { Ok(()) } else { Err(does_not_fit()) }
}

/// Returns whether key and certificate are of one algorithm. OpenSSL has a place for each, and compares those of
/// one place only.
fn is_of_one_kind(identity: &Identity) -> bool {
    let PrivateKeyDer::Pkcs8(key) = identity.key() else { return true };
    let first = identity.chain().first().map(|der| x509_cert::Certificate::from_der(der));
    let Some(Ok(first)) = first else { return true };
    let kind = &first.tbs_certificate().subject_public_key_info().algorithm.oid;
    // It stands behind the version, as an object identifier of DER.
    let key = key.secret_pkcs8_der();
    let head = &key[..key.len().min(48)];
    head.windows(kind.as_bytes().len()).any(|part| part == kind.as_bytes())
}

fn converted(identity: &Identity) -> Result<native_tls::Identity, Problem> {
    let form = match identity.key() {
        PrivateKeyDer::Pkcs8(key) => Ok(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(_) => Err("PKCS #1 (RSA PRIVATE KEY)"),
        PrivateKeyDer::Sec1(_) => Err("SEC 1 (EC PRIVATE KEY)"),
        _ => Err("another form"),
    };
    let key = form.map_err(|form| {
        Problem::Key(format!(
            "native-tls takes private keys in PKCS #8 alone (PRIVATE KEY), and this one is in {form}: \
             `openssl pkey` converts it"
        ))
    })?;
    let key = Zeroizing::new(pem("PRIVATE KEY", key));
    let chain: String = identity.chain().iter().map(|it| pem("CERTIFICATE", it)).collect();
    native_tls::Identity::from_pkcs8(chain.as_bytes(), key.as_bytes()).map_err(|error| {
        Problem::Key(format!(
            "the private key, or a certificate, is none that the system's TLS library takes: {error}"
        ))
    })
}

/// Writes a section of PEM.
fn pem(label: &str, der: &[u8]) -> String {
    const LINE: usize = 64;

    let text = Zeroizing::new(STANDARD.encode(der));
    // Room for all of it: a key that moved would leave a copy behind.
    let mut pem = String::with_capacity(text.len() + text.len() / LINE + 2 * label.len() + 64);
    pem.extend(["-----BEGIN ", label, "-----\n"]);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        pem.extend([line, "\n"]);
        rest = after;
    }
    pem.extend(["-----END ", label, "-----\n"]);
    pem
}
