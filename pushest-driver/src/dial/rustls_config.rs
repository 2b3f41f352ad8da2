//! TLS by rustls: the configuration of one client.
//!
//! Providers of cryptography: that of the user's own `ClientConfig`, else the process's default if
//! one is installed, else the feature's. None is ever installed from here, and no function is used
//! that panics where a program happens to contain two. `providers/` tests the order.

use std::sync::Arc;

use pushest_proto::DialFailure;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::choices::Roots;
use super::identity::{Identity, Problem, does_not_fit};
use super::system_roots;
use super::verifier::{Verifier, is_authority_as_server};

/// Builds a configuration. `lasts` becomes false where what the system trusts could not be read for now.
pub(super) fn build(
    authorities: &[CertificateDer<'static>],
    roots: Option<Roots>,
    identity: Option<&Identity>,
    lasts: &mut bool,
) -> Result<Arc<ClientConfig>, DialFailure> {
    let unsupported = |text: String| DialFailure::Unsupported(text.into());
    let provider = provider().ok_or_else(|| {
        unsupported(
            "wss:// needs one of the features tls-ring and tls-aws-lc, a default provider of rustls, or a \
             TLS configuration of your own"
                .to_string(),
        )
    })?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    let store = store(authorities, roots, lasts)?;
    let builder = if authorities.is_empty() {
        builder.with_root_certificates(store)
    } else {
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone());
        let inner = inner.build().map_err(|error| DialFailure::Tls {
            certificate: false,
            detail: error.to_string().into(),
        })?;
        let verifier = Verifier::new(inner, authorities.to_vec());
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    let Some(identity) = identity else { return Ok(Arc::new(builder.with_no_client_auth())) };
    let key = certified(identity, &provider)
        .map_err(|problem| unsupported(format!("client_identity: {}", problem.into_text())))?;
    let resolver = rustls::sign::SingleCertAndKey::from(key);
    Ok(Arc::new(builder.with_client_cert_resolver(Arc::new(resolver))))
}

/// Checks that the private key can be used and fits its certificate, where there is a provider to ask.
pub(super) fn check(identity: &Identity) -> Result<(), Problem> {
    match provider() {
        Some(provider) => certified(identity, &provider).map(drop),
        None => Ok(()),
    }
}

fn certified(identity: &Identity, provider: &CryptoProvider) -> Result<CertifiedKey, Problem> {
    let key = identity.key().clone_key();
    CertifiedKey::from_der(identity.chain().to_vec(), key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => does_not_fit(),
        rustls::Error::InvalidCertificate(_) => {
            Problem::Certificate(match identity.version() {
                // What `openssl x509 -req` makes where no extensions are asked for.
                Some(version @ 1..=2) => format!(
                    "the first certificate is one of X.509 version {version}, and must be one of version 3: \
                     have it signed with extensions, such as extendedKeyUsage=clientAuth"
                ),
                _ => format!("the first certificate cannot be used: {error}"),
            })
        }
        // What it says of a key is which form it tried.
        error => Problem::Key(format!(
            "the private key is none that can be used (RSA of 2048 bits or more; ECDSA on the curves P-256 \
             and P-384, with aws-lc also P-521; Ed25519): {error}"
        )),
    })
}

fn store(
    authorities: &[CertificateDer<'static>],
    roots: Option<Roots>,
    #[cfg_attr(
        not(any(feature = "native-roots", feature = "native-tls")),
        expect(unused_variables, reason = "nothing is read")
    )]
    lasts: &mut bool,
) -> Result<RootCertStore, DialFailure> {
    let mut store = RootCertStore::empty();
    if matches!(roots, None | Some(Roots::BuiltIn)) {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    #[cfg_attr(
        not(any(feature = "native-roots", feature = "native-tls")),
        expect(unused_mut, reason = "nothing is read")
    )]
    let mut problem = None;
    #[cfg(any(feature = "native-roots", feature = "native-tls"))]
    if roots == Some(Roots::System) || (roots.is_none() && cfg!(feature = "native-roots")) {
        let system = system_roots::load();
        // What the system has and rustls cannot read does not concern this connection.
        store.add_parsable_certificates(system.certificates);
        *lasts = system.lasts;
        problem = system.problem;
    }
    store.add_parsable_certificates(authorities.iter().cloned());
    if store.is_empty() {
        return Err(system_roots::nothing_is_trusted(problem));
    }
    Ok(store)
}

/// Returns what rustls's error says. Of an authority that is unknown, or shown in a server's place, it has no
/// words that say what to do.
fn told(error: &rustls::Error) -> String {
    if is_authority_as_server(error) {
        "it signed itself, as an authority does (CaUsedAsEndEntity): if it is yours, trust it with \
         the option `ca_file`"
            .to_string()
    } else if matches!(error, rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) {
        format!("its authority is not trusted (UnknownIssuer): {}", system_roots::TRUST_IT)
    } else {
        error.to_string()
    }
}

/// Returns the dial failure for an error of rustls.
pub(super) fn failed(error: &rustls::Error) -> DialFailure {
    DialFailure::Tls {
        certificate: matches!(
            error,
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
        ),
        detail: told(error).into(),
    }
}

fn provider() -> Option<Arc<CryptoProvider>> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Some(installed.clone());
    }
    #[cfg(feature = "tls-aws-lc")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "tls-ring", not(feature = "tls-aws-lc")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc")))]
    None
}
