//! The options of TLS: which certificates the client trusts.

use std::sync::Arc;

use super::Options;
use crate::error::OptionsError;

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
    /// As [`Options::ca_pem`], and if the file cannot be read.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// # fn example() -> Result<(), pushest_driver::OptionsError> {
    /// let options = Options::default().ca_file("/etc/ssl/our-ca.pem")?;
    /// # let _ = options;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ca_file(self, path: impl AsRef<std::path::Path>) -> Result<Self, OptionsError> {
        let path = path.as_ref();
        let failed =
            |problem: String| OptionsError::AuthorityFile { path: path.to_path_buf(), problem };
        let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        self.ca_pem(pem).map_err(|error| match error {
            OptionsError::Authority { problem } => failed(problem),
            other => other,
        })
    }

    /// Sets your own TLS configuration; no other option about TLS counts then.
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
    #[must_use]
    pub fn tls_config(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.trust.set_config(config);
        self
    }
}
