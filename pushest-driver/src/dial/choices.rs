//! What users choose about TLS.

/// The library that speaks TLS ([`Options::tls_backend`](struct.Options.html#method.tls_backend)).
///
/// A build has those whose features it is made with; without a choice rustls is used where it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsBackend {
    /// [rustls](https://docs.rs/rustls); features `tls-ring`, `tls-aws-lc` and `tls`.
    #[cfg(feature = "tls")]
    Rustls,
    /// The system's library, by way of [native-tls](https://docs.rs/native-tls): OpenSSL, SChannel on
    /// Windows, Secure Transport on Apple's systems; feature `native-tls`.
    #[cfg(feature = "native-tls")]
    NativeTls,
}

impl Default for TlsBackend {
    #[cfg(feature = "tls")]
    fn default() -> Self {
        Self::Rustls
    }

    #[cfg(not(feature = "tls"))]
    fn default() -> Self {
        Self::NativeTls
    }
}

/// The certificate authorities that are trusted beside those of
/// [`ca_pem`](struct.Options.html#method.ca_pem) and [`ca_file`](struct.Options.html#method.ca_file)
/// ([`Options::roots`](struct.Options.html#method.roots)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Roots {
    /// Mozilla's list, as it was when the crate `webpki-roots` was released. Not with `native-tls`.
    BuiltIn,
    /// Those of the system: on Linux the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, or else the
    /// distribution's. Features `native-roots` and `native-tls`.
    #[cfg(any(feature = "native-roots", feature = "native-tls"))]
    System,
    /// No others.
    Given,
}
