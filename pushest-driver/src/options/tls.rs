//! The options of TLS: which certificates the client trusts, which one it shows, and which library speaks.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::SystemTime;

use super::Options;
use crate::dial::choices::{Roots, TlsBackend};
use crate::dial::identity::{Identity, Problem};
use crate::error::OptionsError;

/// Maximum size of a file with certificates or a key, in bytes.
const MOST_FILE: u64 = 16 * 1024 * 1024;

impl Options {
    /// Trusts these certificates (PEM, one or more) beside the usual authorities: those of
    /// authorities, and those of servers that signed themselves.
    ///
    /// `openssl req -x509` marks its certificates as authorities. One that is used for the server
    /// itself is trusted, too, though rustls refuses any authority in a server's place: if the server
    /// shows the very certificate that stands here, byte for byte, has its key, and if its dates, its
    /// names and its extended key usage fit a server of that name. What it signed is trusted as well.
    ///
    /// # Errors
    /// [`OptionsError::Authority`] if there is no certificate in it, or a broken one.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// # fn example(pem: &[u8]) -> Result<(), pushest_driver::OptionsError> {
    /// let options = Options::default().ca_pem(pem)?;
    /// # let _ = options;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, OptionsError> {
        self.trust.add_pem(pem.as_ref())?;
        Ok(self)
    }

    /// Trusts the certificates in a PEM file, as [`Options::ca_pem`] does those in a text.
    ///
    /// # Errors
    /// As [`Options::ca_pem`], and if the file cannot be read or is larger than 16 MiB.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// # fn example() -> Result<(), pushest_driver::OptionsError> {
    /// let options = Options::default().ca_file("/etc/ssl/our-ca.pem")?;
    /// # let _ = options;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ca_file(self, path: impl AsRef<Path>) -> Result<Self, OptionsError> {
        let path = path.as_ref();
        let failed =
            |problem: String| OptionsError::AuthorityFile { path: path.to_path_buf(), problem };
        let pem = read(path).map_err(failed)?;
        self.ca_pem(pem).map_err(|error| match error {
            OptionsError::Authority { problem } => failed(problem),
            other => other,
        })
    }

    /// Shows a certificate to the server if it demands one of its clients: a text with the client's
    /// certificate, then those between it and its authority, if there are any, and the private key (PEM;
    /// PKCS #8, PKCS #1 or SEC 1, without a password), in any order but that of the certificates. The
    /// last call of this and of [`Options::client_identity_files`] counts.
    ///
    /// It is shown over TLS to the hosts that the client connects to: by the WebSocket, wherever the
    /// endpoint is set to, and by the HTTP API. The authorization endpoint is another program, and often
    /// another host: it sees the certificate only where its host is that of one of the configuration's
    /// endpoints. A proxy never does. A server that asks for no certificate is not shown one.
    ///
    /// A server that demands one and is shown none, or that refuses it, fails the dial as
    /// [`DialFailure::Tls`](crate::DialFailure::Tls), and says why there; some, such as nginx, answer with
    /// an HTTP status (400) instead.
    ///
    /// # Errors
    /// [`OptionsError::ClientIdentity`] if a part is missing, encrypted or broken, if there are several
    /// private keys, if the key does not fit the first certificate, or if a certificate has expired or is
    /// not valid yet by the system's clock.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// # fn example(pem: &[u8]) -> Result<(), pushest_driver::OptionsError> {
    /// let options = Options::default().client_identity(pem)?;
    /// # let _ = options;
    /// # Ok(())
    /// # }
    /// ```
    pub fn client_identity(mut self, pem: impl AsRef<[u8]>) -> Result<Self, OptionsError> {
        let pem = pem.as_ref();
        let identity = Identity::read(pem, pem, SystemTime::now());
        identity
            .and_then(|identity| self.trust.set_identity(identity))
            .map_err(|problem| OptionsError::ClientIdentity { problem: problem.into_text() })?;
        Ok(self)
    }

    /// Shows a certificate to the server as [`Options::client_identity`] does, from a file with the chain
    /// of certificates and one with the private key. They may be the same file.
    ///
    /// # Errors
    /// [`OptionsError::ClientIdentityFile`] as [`Options::client_identity`] says, and if a file cannot be
    /// read or is larger than 16 MiB.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// # fn example() -> Result<(), pushest_driver::OptionsError> {
    /// let options = Options::default().client_identity_files("client.pem", "client-key.pem")?;
    /// # let _ = options;
    /// # Ok(())
    /// # }
    /// ```
    pub fn client_identity_files(
        mut self,
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, OptionsError> {
        let (certificates, key) = (certificates.as_ref(), key.as_ref());
        let failed = |path: &Path, problem: String| OptionsError::ClientIdentityFile {
            path: path.to_path_buf(),
            problem,
        };
        let chain = read(certificates).map_err(|problem| failed(certificates, problem))?;
        let private = zeroize::Zeroizing::new(read(key).map_err(|problem| failed(key, problem))?);
        let identity = Identity::read(&chain, &private, SystemTime::now());
        identity.and_then(|identity| self.trust.set_identity(identity)).map_err(|problem| {
            let path = match &problem {
                Problem::Certificate(_) => certificates,
                Problem::Key(_) => key,
            };
            failed(path, problem.into_text())
        })?;
        Ok(self)
    }

    /// Sets which certificate authorities are trusted beside those of [`Options::ca_pem`] and
    /// [`Options::ca_file`]. By default, with rustls, those of Mozilla's list, which is built in, and with
    /// the feature `native-roots` the system's, too; with native-tls, the system's.
    ///
    /// Where none is trusted in the end, as with an empty store of the system's, each dial fails as
    /// [`DialFailure::Tls`](crate::DialFailure::Tls) and says so.
    ///
    /// ```
    /// # use pushest_driver::{Options, Roots};
    /// # fn example(pem: &[u8]) -> Result<(), pushest_driver::OptionsError> {
    /// // Our own authority, and no other.
    /// let options = Options::default().roots(Roots::Given).ca_pem(pem)?;
    /// # let _ = options;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn roots(mut self, roots: Roots) -> Self {
        self.trust.set_roots(roots);
        self
    }

    /// Sets the library that speaks TLS, for builds that have both. By default
    /// [`TlsBackend::default`]: rustls where it is there.
    ///
    /// ```
    /// # use pushest_driver::{Options, TlsBackend};
    /// let options = Options::default().tls_backend(TlsBackend::default());
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn tls_backend(mut self, backend: TlsBackend) -> Self {
        self.trust.set_backend(backend);
        self
    }

    /// Sets your own TLS configuration. What [`Options::ca_pem`] and [`Options::ca_file`] add counts no
    /// more then; with [`Options::client_identity`], [`Options::roots`] or native-tls it is an error.
    ///
    /// ```
    /// # use pushest_driver::{Options, rustls};
    /// use std::sync::Arc;
    ///
    /// # fn roots() -> rustls::RootCertStore { rustls::RootCertStore::empty() }
    /// # fn example() {
    /// let tls = rustls::ClientConfig::builder()
    ///     .with_root_certificates(roots())
    ///     .with_no_client_auth();
    /// let options = Options::default().tls_config(Arc::new(tls));
    /// # let _ = options;
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.trust.set_config(config);
        self
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // One more than allowed shows that there is more.
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MOST_FILE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_FILE {
        return Err("it is larger than 16 MiB".to_string());
    }
    Ok(bytes)
}
