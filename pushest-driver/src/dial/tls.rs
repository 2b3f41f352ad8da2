//! Trust over TLS, and what the client shows of itself: one configuration for every runtime, for either
//! library.

use std::sync::{Arc, OnceLock};
use std::{fmt, io};

use pushest_proto::DialFailure;
#[cfg(feature = "tls")]
use rustls::ClientConfig;
use rustls_pki_types::{CertificateDer, ServerName};

use super::alerts::refusal_of_client;
use super::choices::{Roots, TlsBackend};
use super::identity::{Identity, Problem};
#[cfg(feature = "native-tls")]
use super::native_config;
use super::pem;
#[cfg(feature = "tls")]
use super::rustls_config;
use crate::error::OptionsError;

/// The options about TLS.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    authorities: Vec<CertificateDer<'static>>,
    roots: Option<Roots>,
    backend: TlsBackend,
    identity: Option<Arc<Identity>>,
    #[cfg(feature = "tls")]
    own: Option<Arc<ClientConfig>>,
}

impl Trust {
    pub(crate) fn add_pem(&mut self, pem: &[u8]) -> Result<(), OptionsError> {
        let bad = |problem: String| OptionsError::Authority { problem };
        let found = pem::certificates(pem).map_err(bad)?;
        for certificate in &found {
            self.ask(|backend| backend.takes_authority(certificate)).map_err(bad)?;
        }
        self.authorities.extend(found);
        Ok(())
    }

    /// Takes an identity that was read, once it is known that its parts belong together.
    pub(crate) fn set_identity(&mut self, identity: Identity) -> Result<(), Problem> {
        self.ask(|backend| backend.takes_identity(&identity))?;
        self.identity = Some(Arc::new(identity));
        Ok(())
    }

    /// Asks the library that is chosen whether it takes something. Where another one is there that does, it
    /// may still be chosen: [`Trust::check`] asks again.
    fn ask<E>(&self, takes: impl Fn(TlsBackend) -> Result<(), E>) -> Result<(), E> {
        takes(self.backend).or_else(|refused| {
            let others = TlsBackend::BUILT_IN.iter().filter(|other| **other != self.backend);
            let is_taken = others.copied().any(|other| takes(other).is_ok());
            if is_taken { Ok(()) } else { Err(refused) }
        })
    }

    pub(crate) fn set_roots(&mut self, roots: Roots) {
        self.roots = Some(roots);
    }

    pub(crate) fn set_backend(&mut self, backend: TlsBackend) {
        self.backend = backend;
    }

    #[cfg(feature = "tls")]
    pub(crate) fn set_config(&mut self, config: Arc<ClientConfig>) {
        self.own = Some(config);
    }

    pub(crate) fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// Checks that the options go together.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let refused = |option, rule: &str| Err(OptionsError::Tls { option, rule: rule.into() });
        if self.roots == Some(Roots::Given) && self.authorities.is_empty() {
            return refused("roots", "none but given authorities are trusted, and none is given");
        }
        #[cfg(feature = "tls")]
        if self.own.is_some() {
            if self.backend != TlsBackend::Rustls {
                return refused(
                    "tls_config",
                    "it is for rustls, and `tls_backend` names another library",
                );
            }
            if self.identity.is_some() {
                return refused("client_identity", "`tls_config` stands for it: set it there");
            }
            if self.roots.is_some() {
                return refused("roots", "`tls_config` stands for it: set them there");
            }
        }
        #[cfg(feature = "native-tls")]
        if self.backend == TlsBackend::NativeTls && self.roots == Some(Roots::BuiltIn) {
            return refused("roots", "native-tls has no built-in authorities, but the system's");
        }
        for authority in &self.authorities {
            let taken = self.backend.takes_authority(authority);
            taken.map_err(|rule| OptionsError::Tls { option: "ca_pem", rule })?;
        }
        if let Some(identity) = &self.identity {
            let taken = self.backend.takes_identity(identity);
            taken.map_err(|problem| OptionsError::Tls {
                option: "client_identity",
                rule: problem.into_text(),
            })?;
        }
        Ok(())
    }

    fn build(&self, shows_identity: bool, lasts: &mut bool) -> Result<TlsConfig, DialFailure> {
        self.check().map_err(|error| DialFailure::Unsupported(error.to_string().into()))?;
        let identity = self.identity.as_deref().filter(|_| shows_identity);
        match self.backend {
            #[cfg(feature = "tls")]
            TlsBackend::Rustls => {
                if let Some(own) = &self.own {
                    return Ok(TlsConfig::Rustls(own.clone()));
                }
                rustls_config::build(&self.authorities, self.roots, identity, lasts)
                    .map(TlsConfig::Rustls)
            }
            #[cfg(feature = "native-tls")]
            TlsBackend::NativeTls => {
                native_config::build(&self.authorities, self.roots, identity, lasts)
                    .map(TlsConfig::Native)
            }
        }
    }
}

impl TlsBackend {
    /// The libraries of this build.
    const BUILT_IN: &'static [Self] = &[
        #[cfg(feature = "tls")]
        Self::Rustls,
        #[cfg(feature = "native-tls")]
        Self::NativeTls,
    ];

    /// Returns why the library does not take the certificate of an authority.
    fn takes_authority(self, certificate: &CertificateDer<'_>) -> Result<(), String> {
        match self {
            #[cfg(feature = "tls")]
            Self::Rustls => {
                let added = rustls::RootCertStore::empty().add(certificate.clone());
                added.map_err(|error| error.to_string())
            }
            #[cfg(feature = "native-tls")]
            Self::NativeTls => native_config::certificate(certificate).map(drop),
        }
    }

    /// Returns why the library does not take the identity, or that its key does not fit it.
    fn takes_identity(self, identity: &Identity) -> Result<(), Problem> {
        match self {
            #[cfg(feature = "tls")]
            Self::Rustls => rustls_config::check(identity),
            #[cfg(feature = "native-tls")]
            Self::NativeTls => native_config::check(identity),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Trust");
        debug
            .field("authorities", &self.authorities.len())
            .field("roots", &self.roots)
            .field("backend", &self.backend)
            .field("identity", &self.identity);
        #[cfg(feature = "tls")]
        debug.field("is_own", &self.own.is_some());
        debug.finish()
    }
}

/// What a handshake is made with, for any server.
#[derive(Debug, Clone)]
pub(crate) enum TlsConfig {
    #[cfg(feature = "tls")]
    Rustls(Arc<ClientConfig>),
    #[cfg(feature = "native-tls")]
    Native(native_tls::TlsConnector),
}

/// The configurations of one client, each built when the first connection needs it: one that shows the
/// client's identity to those that ask for it, and one that does not.
#[derive(Debug, Default)]
pub(crate) struct CachedTlsConfig {
    showing: OnceLock<Result<TlsConfig, DialFailure>>,
    anonymous: OnceLock<Result<TlsConfig, DialFailure>>,
}

impl CachedTlsConfig {
    pub(crate) fn config(
        &self,
        trust: &Trust,
        shows_identity: bool,
    ) -> Result<TlsConfig, DialFailure> {
        // Without an identity there is one for all, with one cache of TLS sessions.
        let shows_identity = shows_identity && trust.has_identity();
        let place = if shows_identity { &self.showing } else { &self.anonymous };
        if let Some(built) = place.get() {
            return built.clone();
        }
        let mut lasts = true;
        let built = trust.build(shows_identity, &mut lasts);
        // What could not be read for now is read again.
        if lasts { place.get_or_init(|| built).clone() } else { built }
    }
}

/// Returns the name that the server's certificate must be for.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, DialFailure> {
    ServerName::try_from(host.to_string()).map_err(|_| DialFailure::Tls {
        certificate: false,
        detail: format!("{host:?} cannot be the name of a certificate").into(),
    })
}

/// Returns the dial failure for a failed TLS handshake.
pub(crate) fn failure(error: &io::Error) -> DialFailure {
    let detail = || error.to_string().into();
    failure_of_tls(error)
        .unwrap_or_else(|| DialFailure::Tls { certificate: false, detail: detail() })
}

/// Returns the dial failure for an error of the TLS library, and `None` for one of the stream below it.
/// Runtimes hand rustls's errors on inside of `io::Error`, and native-tls's are there, too.
pub(crate) fn failure_of_tls(error: &io::Error) -> Option<DialFailure> {
    if let Some(failure) = refusal_of_client(error) {
        return Some(failure);
    }
    #[cfg(feature = "tls")]
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Some(rustls_config::failed(error));
    }
    #[cfg(feature = "native-tls")]
    if error.get_ref().is_some_and(|inner| inner.is::<native_tls::Error>()) {
        return Some(native_config::failed(error));
    }
    None
}
