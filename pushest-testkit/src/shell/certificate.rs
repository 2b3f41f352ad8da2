//! Certificates made at start: an authority of the server's own, and what it signs.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

/// The certificate that a TLS server shows. Each but the last is signed by the server's own
/// authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Certificate {
    /// For `localhost`, `127.0.0.1`, `::1` and the address that the server listens on.
    #[default]
    Valid,
    /// As [`Certificate::Valid`], but it expired in 2020.
    Expired,
    /// In date, but for `wrong.example` only.
    WrongName,
    /// As `openssl req -x509` makes it: signed by itself and marked as an authority. It is the one
    /// that [`Server::authority_pem`](crate::Server::authority_pem) returns.
    SelfSigned,
}

impl Certificate {
    /// Every certificate, for programs that let their users choose.
    pub const ALL: [Self; 4] = [Self::Valid, Self::Expired, Self::WrongName, Self::SelfSigned];

    /// Returns the certificate's name in lower case, as a command line would spell it.
    ///
    /// ```
    /// # use pushest_testkit::Certificate;
    /// assert_eq!(Certificate::ALL.map(Certificate::name)[2], "wrong-name");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::WrongName => "wrong-name",
            Self::SelfSigned => "self-signed",
        }
    }
}

/// What a TLS server needs, and what its clients must trust.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) authority_pem: String,
    pub(crate) config: Arc<ServerConfig>,
}

impl Identity {
    pub(crate) fn new(certificate: Certificate, address: IpAddr) -> io::Result<Self> {
        if certificate == Certificate::SelfSigned {
            return Self::self_signed(address);
        }
        let authority_key = KeyPair::generate().map_err(io::Error::other)?;
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "pushest test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_pem = authority.self_signed(&authority_key).map_err(io::Error::other)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let names = match certificate {
            Certificate::WrongName => vec!["wrong.example".to_owned()],
            _ => names(address),
        };
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "pushest test server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if certificate == Certificate::Expired {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &issuer).map_err(io::Error::other)?;
        let config = config(certificate.der().clone(), &key)?;
        Ok(Self { authority_pem, config })
    }

    fn self_signed(address: IpAddr) -> io::Result<Self> {
        let mut params = CertificateParams::new(names(address)).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "pushest test server");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.self_signed(&key).map_err(io::Error::other)?;
        let config = config(certificate.der().clone(), &key)?;
        Ok(Self { authority_pem: certificate.pem(), config })
    }
}

fn names(address: IpAddr) -> Vec<String> {
    let mut names: Vec<_> = ["localhost", "127.0.0.1", "::1"].map(String::from).into();
    if !address.is_loopback() && !address.is_unspecified() {
        names.push(address.to_string());
    }
    names
}

/// TLS with a chain and a key of the user's own, in PEM.
pub(super) fn given(certificates: &[u8], key: &[u8]) -> io::Result<Arc<ServerConfig>> {
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
    let chain = certificates_of(certificates)?;
    // Whatever is wrong with it, nothing of a key is shown.
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| invalid("there is no private key in PEM that can be read".to_owned()))?;
    with_chain(chain, key).map_err(|error| invalid(format!("they cannot be used: {error}")))
}

/// Reads certificates in PEM, one at least. Whatever else the text is, nothing of it is shown: it may be a
/// key.
fn certificates_of(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, text);
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|_| invalid("the certificates cannot be read: they are not PEM"))?;
    if found.is_empty() {
        return Err(invalid("there is no certificate in PEM"));
    }
    Ok(found)
}

/// Reads the authorities whose certificates clients must have.
pub(super) fn authorities(pem: &[u8]) -> io::Result<Arc<RootCertStore>> {
    let mut store = RootCertStore::empty();
    for certificate in certificates_of(pem)? {
        store.add(certificate).map_err(|error| {
            let text = format!("an authority of clients cannot be used: {error}");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?;
    }
    Ok(Arc::new(store))
}

/// Returns the same TLS, which demands of clients a certificate of one of these authorities.
pub(crate) fn demanding(
    config: &ServerConfig,
    authorities: Arc<RootCertStore>,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<Arc<ServerConfig>> {
    let provider = config.crypto_provider().clone();
    let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider.clone());
    let demanding = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_client_cert_verifier(verifier.build().map_err(io::Error::other)?)
        .with_cert_resolver(config.cert_resolver.clone());
    Ok(Arc::new(demanding))
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> io::Result<Arc<ServerConfig>> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    with_chain(vec![certificate], key)
}

fn with_chain(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> io::Result<Arc<ServerConfig>> {
    // The provider is named: a process may have none, or two, and must not be given one.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_certificate_is_among_all_of_them() {
        for certificate in Certificate::ALL {
            // One more is one more here: then it belongs into the list, too.
            let place = match certificate {
                Certificate::Valid => 0,
                Certificate::Expired => 1,
                Certificate::WrongName => 2,
                Certificate::SelfSigned => 3,
            };
            assert_eq!(Certificate::ALL[place], certificate);
        }
    }
}
