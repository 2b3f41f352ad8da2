//! Options that only some builds have.

use pushest_driver::proto::AuthEndpoint;
use pushest_driver::{ConnectorPurpose, ConnectorTarget, Options};
use pushest_testkit::conformance::{Connector, Purpose, Wanted};

/// Sets options that a driver has with certain features only.
///
/// [`impl_features!`](crate::impl_features!) implements it in the crate whose features they are.
pub trait Features: 'static {
    /// Sets the app's HTTP endpoint for authorizations; feature `http`.
    ///
    /// # Panics
    /// In a build that asks no endpoint.
    fn auth_endpoint(options: Options, endpoint: AuthEndpoint) -> Options;

    /// Trusts certificate authorities (PEM); feature `tls`.
    ///
    /// # Panics
    /// In a build without TLS, or if these are no certificates.
    fn ca_pem(options: Options, pem: &str) -> Options;

    /// Sets a connector that makes streams of the runtime as the scenario says.
    ///
    /// # Panics
    /// Where no scenario needs one.
    fn connector(options: Options, connector: Connector) -> Options;

    /// Shows a certificate to servers that demand one (PEM, with its key); feature `tls`.
    ///
    /// # Panics
    /// In a build without TLS, or if this is no identity.
    fn client_identity(options: Options, pem: &str) -> Options;

    /// Has the system's library speak TLS; feature `native-tls`.
    ///
    /// # Panics
    /// In a build without it.
    fn native_tls(options: Options) -> Options;
}

/// Implements [`Features`](trait@crate::Features) for types of the crate that this is expanded in, by
/// that crate's features: `impl_features!(MyRuntime, OtherRuntime; connector: function);`, where the function
/// is [`Features::connector`].
#[macro_export]
macro_rules! impl_features {
    ($($type:ty),+) => {
        $crate::impl_features!($($type),+; connector: $crate::no_connector);
    };
    ($($type:ty),+; connector: $connector:path) => {$(
        impl $crate::Features for $type {
            #[cfg(feature = "http")]
            fn auth_endpoint(
                options: $crate::driver::Options,
                endpoint: $crate::driver::proto::AuthEndpoint,
            ) -> $crate::driver::Options {
                options.auth_endpoint(endpoint)
            }

            #[cfg(not(feature = "http"))]
            fn auth_endpoint(
                _: $crate::driver::Options,
                _: $crate::driver::proto::AuthEndpoint,
            ) -> $crate::driver::Options {
                panic!("this build asks no endpoint")
            }

            #[cfg(any(feature = "tls", feature = "native-tls"))]
            fn ca_pem(options: $crate::driver::Options, pem: &str) -> $crate::driver::Options {
                options.ca_pem(pem).expect("certificates")
            }

            #[cfg(not(any(feature = "tls", feature = "native-tls")))]
            fn ca_pem(_: $crate::driver::Options, _: &str) -> $crate::driver::Options {
                panic!("this build has no TLS")
            }

            fn connector(
                options: $crate::driver::Options,
                connector: $crate::testkit::conformance::Connector,
            ) -> $crate::driver::Options {
                $connector(options, connector)
            }

            #[cfg(any(feature = "tls", feature = "native-tls"))]
            fn client_identity(
                options: $crate::driver::Options,
                pem: &str,
            ) -> $crate::driver::Options {
                options.client_identity(pem).expect("an identity")
            }

            #[cfg(not(any(feature = "tls", feature = "native-tls")))]
            fn client_identity(_: $crate::driver::Options, _: &str) -> $crate::driver::Options {
                panic!("this build has no TLS")
            }

            #[cfg(feature = "native-tls")]
            fn native_tls(options: $crate::driver::Options) -> $crate::driver::Options {
                options.tls_backend($crate::driver::TlsBackend::NativeTls)
            }

            #[cfg(not(feature = "native-tls"))]
            fn native_tls(_: $crate::driver::Options) -> $crate::driver::Options {
                panic!("this build has no native-tls")
            }
        }
    )+};
}

/// Sets no connector: for clients that no scenario with one runs.
///
/// # Panics
/// In any case.
#[must_use]
pub fn no_connector(_: Options, _: Connector) -> Options {
    panic!("this client takes no streams of one's own")
}

/// Returns what a driver's connector is asked for, as scenarios have it.
#[must_use]
pub fn wanted(target: &ConnectorTarget) -> Wanted {
    let purpose = match target.purpose {
        ConnectorPurpose::WebSocket => Purpose::WebSocket,
        ConnectorPurpose::Api => Purpose::Api,
        ConnectorPurpose::AuthorizationEndpoint => Purpose::AuthorizationEndpoint,
        ConnectorPurpose::Proxy => Purpose::Proxy,
        other => panic!("{other:?} is no purpose that scenarios know"),
    };
    Wanted::new(&target.host, target.port, target.is_tls, purpose)
}
