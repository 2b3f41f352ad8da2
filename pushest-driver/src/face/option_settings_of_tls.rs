//! The settings of TLS.

/// Writes them; see [`__option_settings`](crate::__option_settings). A `cfg` in here is about the features
/// of the crate that this is expanded in.
#[doc(hidden)]
#[macro_export]
macro_rules! __option_settings_of_tls {
    (
        $type:ident, $fallible:ty, $top:literal, $new:literal, $end:literal, $mark:literal,
        $fails:literal
    ) => {
        /// # TLS
        #[cfg(any(feature = "tls", feature = "native-tls"))]
        impl $type {
            /// Trusts these certificates (PEM, one or more) beside the usual authorities: those of
            /// authorities, and those of servers that signed themselves. Needs the feature `tls` or `native-tls`.
            ///
            /// `openssl req -x509` marks its certificates as authorities. One that is used for the server
            /// itself is trusted, too, though rustls refuses any authority in a server's place: if the
            /// server shows the very certificate that stands here, byte for byte, has its key, and if its
            /// dates, its names and its extended key usage fit a server of that name. What it signed is
            /// trusted as well.
            ///
            /// # Errors
            #[doc = $fails]
            /// [`OptionsError::Authority`](crate::OptionsError::Authority) if there is no certificate in
            /// it, or a broken one.
            ///
            /// ```
            #[doc = $top]
            /// let pem = std::fs::read("ca.pem")?;
            #[doc = $new]
            #[doc = concat!("     .ca_pem(pem)", $mark)]
            #[doc = $end]
            /// ```
            pub fn ca_pem(self, pem: impl AsRef<[u8]>) -> $fallible {
                self.try_option(|options| options.ca_pem(pem))
            }

            /// Trusts the certificates of a file (PEM, one or more) beside the usual authorities; see
            /// [`ca_pem`](Self::ca_pem). Needs the feature `tls` or `native-tls`.
            ///
            /// # Errors
            #[doc = $fails]
            /// [`OptionsError::AuthorityFile`](crate::OptionsError::AuthorityFile) if the file cannot be
            /// read, there is no certificate in it, or a broken one.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            #[doc = concat!("     .ca_file(\"/etc/ssl/our-ca.pem\")", $mark)]
            #[doc = $end]
            /// ```
            pub fn ca_file(self, path: impl AsRef<::std::path::Path>) -> $fallible {
                self.try_option(|options| options.ca_file(path))
            }

            /// Shows a certificate to the server if it demands one of its clients: a text with the client's
            /// certificate, then those between it and its authority, if there are any, and the private key
            /// (PEM; PKCS #8, PKCS #1 or SEC 1, without a password). The last call of this and of
            /// [`client_identity_files`](Self::client_identity_files) counts. Needs the feature `tls` or
            /// `native-tls`.
            ///
            /// It is shown over TLS to the hosts that the client connects to: by the WebSocket, wherever the
            /// endpoint is set to, and by the HTTP API. The authorization endpoint is another program, and
            /// often another host: it sees the certificate only where its host is that of the
            /// configuration's endpoint. A proxy never does. A server that asks for no certificate is not
            /// shown one.
            ///
            /// A server that demands one and is shown none, or that refuses it, fails the dial as
            /// [`DialFailure::Tls`](crate::DialFailure::Tls), and says why there; some, such as nginx, answer
            /// with an HTTP status (400) instead.
            ///
            /// # Errors
            #[doc = $fails]
            /// [`OptionsError::ClientIdentity`](crate::OptionsError::ClientIdentity) if a part is missing,
            /// encrypted or broken, if there are several private keys, if the key does not fit the first
            /// certificate, or if a certificate has expired or is not valid yet by the system's clock.
            ///
            /// ```
            #[doc = $top]
            /// let pem = std::fs::read("client.pem")?; // the certificate, and its private key
            #[doc = $new]
            #[doc = concat!("     .client_identity(pem)", $mark)]
            #[doc = $end]
            /// ```
            pub fn client_identity(self, pem: impl AsRef<[u8]>) -> $fallible {
                self.try_option(|options| options.client_identity(pem))
            }

            /// Shows a certificate to the server as [`client_identity`](Self::client_identity) does, from a
            /// file with the chain of certificates and one with the private key. They may be the same file.
            /// Needs the feature `tls` or `native-tls`.
            ///
            /// # Errors
            #[doc = $fails]
            /// [`OptionsError::ClientIdentityFile`](crate::OptionsError::ClientIdentityFile) as there, and if
            /// a file cannot be read or is larger than 16 MiB.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            #[doc = concat!("     .client_identity_files(\"client.pem\", \"client-key.pem\")", $mark)]
            #[doc = $end]
            /// ```
            pub fn client_identity_files(
                self,
                certificates: impl AsRef<::std::path::Path>,
                key: impl AsRef<::std::path::Path>,
            ) -> $fallible {
                self.try_option(|options| options.client_identity_files(certificates, key))
            }

            /// Sets which certificate authorities are trusted beside those of [`ca_pem`](Self::ca_pem) and
            /// [`ca_file`](Self::ca_file). By default, with rustls, those of Mozilla's list, which is built
            /// in, and with the feature `native-roots` the system's, too; with native-tls, the system's.
            /// Needs the feature `tls` or `native-tls`.
            ///
            /// Where none is trusted in the end, as with an empty store of the system's, each dial fails as
            /// [`DialFailure::Tls`](crate::DialFailure::Tls) and says so.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .roots(Roots::Given) // our own authority, and no other
            #[doc = concat!("     .ca_file(\"/etc/ssl/our-ca.pem\")", $mark)]
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn roots(self, roots: $crate::Roots) -> Self {
                self.option(|options| options.roots(roots))
            }

            /// Sets the library that speaks TLS, for builds that have both. By default
            /// [`TlsBackend::default`](crate::TlsBackend): rustls where it is there. Needs the feature `tls`
            /// or `native-tls`.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .tls_backend(TlsBackend::default())
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn tls_backend(self, backend: $crate::TlsBackend) -> Self {
                self.option(|options| options.tls_backend(backend))
            }

            /// Sets your own TLS configuration. What [`ca_pem`](Self::ca_pem) and [`ca_file`](Self::ca_file)
            /// add counts no more then; with [`client_identity`](Self::client_identity),
            /// [`roots`](Self::roots) or native-tls it is an error. Needs the feature `tls`.
            ///
            /// ```
            #[doc = $top]
            /// use std::sync::Arc;
            ///
            /// # fn roots() -> rustls::RootCertStore { rustls::RootCertStore::empty() }
            /// let tls = rustls::ClientConfig::builder()
            ///     .with_root_certificates(roots())
            ///     .with_no_client_auth();
            #[doc = $new]
            ///     .tls_config(Arc::new(tls))
            #[doc = $end]
            /// ```
            #[cfg(feature = "tls")]
            #[must_use]
            pub fn tls_config(
                self,
                config: ::std::sync::Arc<$crate::rustls::ClientConfig>,
            ) -> Self {
                self.option(|options| options.tls_config(config))
            }
        }
    };
}
