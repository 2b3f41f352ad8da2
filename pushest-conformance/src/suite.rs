//! All scenarios for one kind of client.

/// Makes the tests of a client, whose [`Waits`](trait@crate::Waits) this takes: the conformance suite,
/// with TLS and endpoints where the crate that this is expanded in has the features for them, streams of the
/// user's own on Unix (of which pushest-blocking takes none elsewhere), and
/// [`callbacks!`](crate::callbacks!) and [`watching!`](crate::watching!).
#[macro_export]
macro_rules! suite {
    ($waits:ty) => {
        $crate::testkit::conformance!($crate::Adapted<$waits>);
        #[cfg(unix)]
        $crate::testkit::conformance_of_own_streams!($crate::Adapted<$waits>);
        $crate::callbacks!($waits);
        $crate::watching!($waits);
        #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
        $crate::testkit::conformance_over_tls!($crate::Adapted<$waits>);
        #[cfg(all(unix, any(feature = "tls-ring", feature = "tls-aws-lc")))]
        $crate::testkit::conformance_of_own_streams_over_tls!($crate::Adapted<$waits>);
        #[cfg(feature = "http")]
        $crate::testkit::conformance_of_endpoints!($crate::Adapted<$waits>);
        #[cfg(all(unix, feature = "http"))]
        $crate::testkit::conformance_of_own_streams_to_endpoints!($crate::Adapted<$waits>);
        #[cfg(all(feature = "http", any(feature = "tls-ring", feature = "tls-aws-lc")))]
        $crate::testkit::conformance_of_endpoints_over_tls!($crate::Adapted<$waits>);
        #[cfg(all(unix, feature = "http", any(feature = "tls-ring", feature = "tls-aws-lc")))]
        $crate::testkit::conformance_of_own_streams_to_endpoints_over_tls!($crate::Adapted<$waits>);
        #[cfg(feature = "api")]
        $crate::testkit::conformance_of_api!($crate::Adapted<$waits>);
        #[cfg(all(unix, feature = "api"))]
        $crate::testkit::conformance_of_own_streams_of_api!($crate::Adapted<$waits>);
        #[cfg(all(feature = "api", any(feature = "tls-ring", feature = "tls-aws-lc")))]
        $crate::testkit::conformance_of_api_over_tls!($crate::Adapted<$waits>);
    };
}

/// Makes the tests of a client over TLS by the system's library, where the crate that this is expanded in has
/// the feature `native-tls`.
#[macro_export]
macro_rules! suite_over_native_tls {
    ($waits:ty) => {
        #[cfg(feature = "native-tls")]
        $crate::testkit::conformance_over_tls!($crate::OverNativeTls<$waits>);
        #[cfg(all(feature = "native-tls", feature = "http"))]
        $crate::testkit::conformance_of_endpoints_over_tls!($crate::OverNativeTls<$waits>);
        #[cfg(all(feature = "native-tls", feature = "api"))]
        $crate::testkit::conformance_of_api_over_tls!($crate::OverNativeTls<$waits>);
    };
}
