//! The certificate authorities that the system trusts.

use pushest_proto::DialFailure;
#[cfg(any(feature = "native-roots", feature = "native-tls"))]
use rustls_pki_types::CertificateDer;

/// What the system's store holds.
#[cfg(any(feature = "native-roots", feature = "native-tls"))]
pub(super) struct SystemRoots {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// The first thing that could not be read.
    pub(super) problem: Option<String>,
    /// Whether it would be the same again: not where it could not be read for now.
    pub(super) lasts: bool,
}

/// Reads the system's store: a few hundred KiB of files.
#[cfg(any(feature = "native-roots", feature = "native-tls"))]
pub(super) fn load() -> SystemRoots {
    let native = rustls_native_certs::load_native_certs();
    let lasts = !native.errors.iter().any(|error| is_passing(&error.kind));
    let problem = native.errors.first().map(ToString::to_string);
    SystemRoots { certificates: native.certs, problem, lasts }
}

/// What helps where a certificate is refused because of who signed it.
pub(super) const TRUST_IT: &str = if cfg!(any(feature = "native-roots", feature = "native-tls")) {
    "if it is one of your own, trust it with the option `ca_file`"
} else {
    "if it is one of your own, trust it with the option `ca_file`; those of the system count in builds with the feature \
     `native-roots`"
};

/// Returns the failure where no authority is left that could be trusted.
pub(super) fn nothing_is_trusted(problem: Option<String>) -> DialFailure {
    let because = problem.map_or_else(String::new, |problem| format!(" ({problem})"));
    let detail = format!(
        "no certificate authority is trusted: the system's store is empty{because}, and none was given; \
         SSL_CERT_FILE and SSL_CERT_DIR say where it is, the options `ca_file` and `roots` what else counts"
    );
    DialFailure::Tls { certificate: true, detail: detail.into() }
}

/// Returns whether a file could not be opened for want of something, such as file descriptors, and not
/// because it is not there or not for us.
#[cfg(any(feature = "native-roots", feature = "native-tls"))]
fn is_passing(error: &rustls_native_certs::ErrorKind) -> bool {
    use std::io::ErrorKind;

    let lasting = [
        ErrorKind::NotFound,
        ErrorKind::PermissionDenied,
        ErrorKind::InvalidData,
        ErrorKind::IsADirectory,
        ErrorKind::NotADirectory,
    ];
    match error {
        rustls_native_certs::ErrorKind::Io { inner, .. } => !lasting.contains(&inner.kind()),
        _ => false,
    }
}

#[cfg(all(test, any(feature = "native-roots", feature = "native-tls")))]
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
