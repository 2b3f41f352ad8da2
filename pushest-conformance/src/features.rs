//! Options that only some builds have.

use pushest_driver::Options;
use pushest_driver::proto::AuthEndpoint;

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
}

/// Implements [`Features`](trait@crate::Features) for types of the crate that this is expanded in, by
/// that crate's features: `impl_features!(MyRuntime, OtherRuntime);`
#[macro_export]
macro_rules! impl_features {
    ($($type:ty),+) => {$(
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

            #[cfg(feature = "tls")]
            fn ca_pem(options: $crate::driver::Options, pem: &str) -> $crate::driver::Options {
                options.ca_pem(pem).expect("certificates")
            }

            #[cfg(not(feature = "tls"))]
            fn ca_pem(_: $crate::driver::Options, _: &str) -> $crate::driver::Options {
                panic!("this build has no TLS")
            }
        }
    )+};
}
