//! The builder of a client.

/// Writes a builder: its struct, the settings of the configuration and the options, and `builder(key)` of
/// `$client`, which it builds. The crate writes `build()`, and has its `Options` in scope.
///
/// `$top`, `$new` and `$end` stand around each example: hidden lines; the visible line that begins
/// a builder; and the visible line that builds, with hidden ones.
#[doc(hidden)]
#[macro_export]
macro_rules! __client_builder {
    (
        $(#[$doc:meta])*
        $builder:ident for $client:ident,
        top: $top:literal,
        new: $new:literal,
        end: $end:literal,
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $builder {
            settings: $crate::face::Settings,
        }

        impl $client {
            /// Begins a client of the app with this key.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("eu")
            ///     .secret("app-secret")
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn builder(key: &str) -> $builder {
                $builder::default().key(key)
            }
        }

        $crate::__config_settings! { $builder, $client, $top, $new, $end }

        $crate::__option_settings! {
            $builder, Self, $top, $new, $end, "", " `build` returns"
        }

        impl $builder {
            /// Changes the options by a function: for a part of the program that has settings of its own.
            ///
            /// ```
            #[doc = $top]
            /// fn patient(options: Options) -> Options {
            ///     options.overflow(Overflow::Wait).queue(10_000, 32 * 1024 * 1024)
            /// }
            ///
            #[doc = $new]
            ///     .cluster("eu")
            ///     .options(patient)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn options(
                self,
                change: impl ::core::ops::FnOnce(Options) -> Options,
            ) -> Self {
                self.option(|options| change(options.into()).into())
            }

            /// Applies what cannot fail.
            fn option(
                self,
                change: impl ::core::ops::FnOnce($crate::Options) -> $crate::Options,
            ) -> Self {
                Self { settings: self.settings.option(change) }
            }

            /// Applies what can; `build` returns the error.
            fn try_option(
                self,
                change: impl ::core::ops::FnOnce(
                    $crate::Options,
                ) -> ::core::result::Result<
                    $crate::Options,
                    $crate::OptionsError,
                >,
            ) -> Self {
                Self { settings: self.settings.try_option(change) }
            }
        }
    };
}
