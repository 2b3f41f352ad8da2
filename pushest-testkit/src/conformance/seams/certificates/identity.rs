//! What a TLS server shows, whether it is right or wrong.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS12;
use rustls::{ALL_VERSIONS, ServerConfig, SupportedProtocolVersion, crypto};

/// A chain of certificates, and the key that the server signs its handshakes with. They need not
/// belong to each other.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    versions: Vec<&'static SupportedProtocolVersion>,
}

impl Identity {
    pub(super) fn new(chain: &[&Certificate], key: &KeyPair) -> Self {
        let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
        Self { chain, key: private(key), versions: ALL_VERSIONS.to_vec() }
    }

    pub(super) fn from_pem(chain: &str, key: &str) -> Self {
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
        let chain = chain.collect::<Result<_, _>>().expect("certificates");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        Self { chain, key, versions: ALL_VERSIONS.to_vec() }
    }

    /// Speaks TLS 1.2 only, where the handshake is signed in another way.
    pub(super) fn of_tls12(self) -> Self {
        Self { versions: vec![&TLS12], ..self }
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(crypto::ring::default_provider());
        let key = provider.key_provider.load_private_key(self.key.clone_key()).expect("a key");
        let shown = CertifiedKey::new(self.chain.clone(), key);
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .expect("the provider has ciphers for them")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Shown(Arc::new(shown))));
        Arc::new(config)
    }
}

/// Shows it without looking whether certificate and key belong together.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

pub(super) fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).expect("a key")
}

/// For these names, and for nothing else that matters.
pub(super) fn params(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("good names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

/// As `openssl req -x509` marks its certificates: as an authority.
pub(super) fn openssl() -> CertificateParams {
    authority(params("localhost", &["localhost", "127.0.0.1"]))
}

pub(super) fn authority(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// Returns the parameters of a server's certificate, to be signed by an authority.
pub(super) fn leaf() -> CertificateParams {
    let mut params = params("server", &["localhost", "127.0.0.1"]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// An issuer of certificates.
pub(super) struct Signs {
    pub(super) certificate: Certificate,
    params: CertificateParams,
    key: KeyPair,
}

impl Signs {
    /// By itself.
    pub(super) fn root(params: CertificateParams) -> Self {
        let key = key();
        Self { certificate: params.self_signed(&key).expect("signed"), params, key }
    }

    /// Signed by another issuer.
    pub(super) fn under(params: CertificateParams, above: &Self) -> Self {
        let key = key();
        Self { certificate: above.sign(&params, &key), params, key }
    }

    pub(super) fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Certificate {
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(key, &issuer).expect("signed")
    }

    pub(super) fn key(&self) -> &KeyPair {
        &self.key
    }
}
