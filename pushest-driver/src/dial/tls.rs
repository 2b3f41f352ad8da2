//! Trust over TLS: one rustls configuration for every runtime.
//!
//! Providers of cryptography: that of the user's own `ClientConfig`, else the process's default if
//! one is installed, else the feature's. None is ever installed from here, and no function is used
//! that panics where a program happens to contain two.

use std::fmt;
use std::sync::{Arc, OnceLock};

use pushest_proto::DialFailure;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::verifier::{Verifier, is_authority_as_server};
use crate::error::OptionsError;

/// The options about trust.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    authorities: Vec<CertificateDer<'static>>,
    own: Option<Arc<ClientConfig>>,
}

impl Trust {
    pub(crate) fn add_pem(&mut self, pem: &[u8]) -> Result<(), OptionsError> {
        let bad = |problem: String| OptionsError::Authority { problem };
        let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| bad(error.to_string()))?;
        if found.is_empty() {
            return Err(bad("there is none in it".to_string()));
        }
        let mut store = RootCertStore::empty();
        for certificate in &found {
            store.add(certificate.clone()).map_err(|error| bad(error.to_string()))?;
        }
        self.authorities.extend(found);
        Ok(())
    }

    pub(crate) fn set_config(&mut self, config: Arc<ClientConfig>) {
        self.own = Some(config);
    }

    /// Returns the configuration, and whether it is to be kept: not where what the system trusts
    /// could not be read for now.
    fn build(&self) -> (Result<Arc<ClientConfig>, DialFailure>, bool) {
        let mut lasts = true;
        (self.build_with(&mut lasts), lasts)
    }

    fn build_with(&self, lasts: &mut bool) -> Result<Arc<ClientConfig>, DialFailure> {
        if let Some(own) = &self.own {
            return Ok(own.clone());
        }
        let provider = provider().ok_or_else(|| {
            DialFailure::Unsupported(
                "wss:// needs one of the features tls-ring and tls-aws-lc, a default provider of \
                 rustls, or a TLS configuration of your own"
                    .into(),
            )
        })?;
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?;
        if self.authorities.is_empty() {
            let builder = builder.with_root_certificates(self.roots(lasts));
            return Ok(Arc::new(builder.with_no_client_auth()));
        }
        let roots = Arc::new(self.roots(lasts));
        let inner = WebPkiServerVerifier::builder_with_provider(roots, provider);
        let inner = inner.build().map_err(|error| DialFailure::Tls {
            certificate: false,
            detail: error.to_string().into(),
        })?;
        let verifier = Verifier::new(inner, self.authorities.clone());
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(Arc::new(builder.with_no_client_auth()))
    }

    #[cfg_attr(not(feature = "native-roots"), expect(unused_variables, reason = "nothing is read"))]
    fn roots(&self, lasts: &mut bool) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        #[cfg(feature = "native-roots")]
        {
            // What the system has and rustls cannot read does not concern this connection.
            let native = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(native.certs);
            *lasts = !native.errors.iter().any(|error| is_passing(&error.kind));
        }
        roots.add_parsable_certificates(self.authorities.iter().cloned());
        roots
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("authorities", &self.authorities.len())
            .field("is_own", &self.own.is_some())
            .finish()
    }
}

/// Returns whether a file could not be opened for want of something, such as file descriptors, and not
/// because it is not there or not for us.
#[cfg(feature = "native-roots")]
fn is_passing(error: &rustls_native_certs::ErrorKind) -> bool {
    use std::io::ErrorKind;

    let lasting = [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::InvalidData];
    match error {
        rustls_native_certs::ErrorKind::Io { inner, .. } => !lasting.contains(&inner.kind()),
        _ => false,
    }
}

/// The configuration of one client, built when the first `wss://` connection needs it.
#[derive(Debug, Default)]
pub(crate) struct CachedTlsConfig {
    built: OnceLock<Result<Arc<ClientConfig>, DialFailure>>,
}

impl CachedTlsConfig {
    pub(crate) fn config(&self, trust: &Trust) -> Result<Arc<ClientConfig>, DialFailure> {
        if let Some(built) = self.built.get() {
            return built.clone();
        }
        let (built, lasts) = trust.build();
        if lasts { self.built.get_or_init(|| built).clone() } else { built }
    }
}

/// Returns the name that the server's certificate must be for.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, DialFailure> {
    ServerName::try_from(host.to_string()).map_err(|_| DialFailure::Tls {
        certificate: false,
        detail: format!("{host:?} cannot be the name of a certificate").into(),
    })
}

/// Returns the dial failure for a failed TLS handshake. Runtimes hand rustls's errors on inside of
/// `io::Error`.
pub(crate) fn failure(error: &std::io::Error) -> DialFailure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => failed(error),
        None => DialFailure::Tls { certificate: false, detail: error.to_string().into() },
    }
}

/// Returns what rustls's error says. Of the certificate of an authority in a server's place it has
/// no words that say what to do.
pub(crate) fn told(error: &rustls::Error) -> String {
    if is_authority_as_server(error) {
        "it signed itself, as an authority does (CaUsedAsEndEntity): if it is yours, trust it with \
         the option `ca_file`"
            .to_string()
    } else {
        error.to_string()
    }
}

fn failed(error: &rustls::Error) -> DialFailure {
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

#[cfg(all(test, feature = "native-roots"))]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn authorities_that_could_not_be_read_for_want_of_descriptors_are_read_again() {
        let failed = |inner: io::Error| {
            is_passing(&rustls_native_certs::ErrorKind::Io { inner, path: "ca.pem".into() })
        };
        assert!(failed(io::Error::from_raw_os_error(24)));
        assert!(!failed(io::ErrorKind::NotFound.into()));
        assert!(!failed(io::ErrorKind::PermissionDenied.into()));
    }
}
