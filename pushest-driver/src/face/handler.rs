//! The callback style, with the client of a runtime's crate.

/// Writes the trait `Handler` for the `Client` that is in scope, with this documentation.
#[doc(hidden)]
#[macro_export]
macro_rules! __handler {
    ($(#[$doc:meta])*) => {
        $(#[$doc])*
        pub trait Handler {
            /// Returns the channels that are subscribed to from the beginning. By default there are none.
            fn initial_channels(
                &self,
            ) -> ::std::vec::Vec<(::std::string::String, $crate::SubscribeOptions)> {
                ::std::vec::Vec::new()
            }

            /// Handles an event: anything that happens to the client or in one of its channels, in order.
            /// Commands of the client take effect at once, from in here as well.
            fn on_event(&mut self, client: &Client, event: $crate::Event);
        }

        impl<H: Handler + ?Sized> Handler for &mut H {
            fn initial_channels(
                &self,
            ) -> ::std::vec::Vec<(::std::string::String, $crate::SubscribeOptions)> {
                (**self).initial_channels()
            }

            fn on_event(&mut self, client: &Client, event: $crate::Event) {
                (**self).on_event(client, event);
            }
        }
    };
}
