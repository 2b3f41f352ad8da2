//! The settings of the options, as a client's builder has them.

/// Writes the settings of [`Options`](crate::Options) into a type that has `option`, which applies a
/// function that cannot fail, and `try_option`, which applies one that can and returns `$fallible`.
///
/// `$top`, `$new` and `$end` are those of [`__client_builder`](crate::__client_builder). `$mark` is what
/// stands after a call that can fail in an example, and `$fails` what tells who returns its error.
#[allow(clippy::crate_in_macro_def, reason = "each crate has a connector of its own")]
#[doc(hidden)]
#[macro_export]
macro_rules! __option_settings {
    (
        $type:ident, $fallible:ty, $top:literal, $new:literal, $end:literal, $mark:literal,
        $fails:literal
    ) => {
        /// # Connecting
        impl $type {
            /// Names the client in the log: the field `client` of the span `connection`, in which every
            /// line of the client stands. Several clients may have one name. By default it is a number,
            /// counted from 1 in the process.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .name("orders")
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn name(self, name: &str) -> Self {
                self.option(|options| options.name(name))
            }

            /// Leaves the client disconnected until `connect` is called, so that what is set up before,
            /// such as a receiver of all events, sees everything.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .start_disconnected()
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn start_disconnected(self) -> Self {
                self.option($crate::Options::start_disconnected)
            }

            /// Adds an HTTP header to the WebSocket upgrade. Its value never appears in logs, nor in
            /// errors where the server repeats it.
            ///
            /// No `Origin` is sent unless it is given here. Servers that let only some origins in need
            /// one: a Laravel Reverb whose `allowed_origins` name hosts refuses a client without it, with
            /// code 4009 and "Origin not allowed".
            ///
            /// # Errors
            #[doc = $fails]
            /// [`OptionsError::Header`](crate::OptionsError::Header) if it is not a header, or one that
            /// belongs to the upgrade itself.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            #[doc = concat!("     .header(\"Origin\", \"https://app.example.org\")", $mark)]
            #[doc = $end]
            /// ```
            pub fn header(self, name: &str, value: &str) -> $fallible {
                self.try_option(|options| options.header(name, value))
            }

            /// Sets a provider of headers for the WebSocket upgrade, beside those of
            /// [`header`](Self::header), of which they replace those of the same name. It is called for
            /// every dial, on a thread that may block, so that a token can be read or renewed. The last
            /// call counts.
            ///
            /// A provider that hangs fails the dial when that times out; of such calls, which nothing can
            /// end, at most two run for one client, and at most eight in the process. An error, a header
            /// that breaks the rules, or a panic fails the dial
            /// ([`DialFailure::Headers`](crate::DialFailure::Headers)), which is tried again with
            /// backoff. The error's text is shown; the values never are.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .headers_with(|| {
            ///         let token = std::fs::read_to_string("token").map_err(|error| error.to_string())?;
            ///         Ok(vec![("Authorization".to_string(), format!("Bearer {}", token.trim()))])
            ///     })
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn headers_with(
                self,
                headers: impl Fn() -> ::core::result::Result<
                    ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
                    ::std::string::String,
                > + Send
                + Sync
                + 'static,
            ) -> Self {
                self.option(|options| options.headers_with(headers))
            }

            /// Connects to one of these addresses, tried in this order, instead of asking the system for
            /// the host's. The host's name still stands in the request, and the server's certificate must
            /// be for it. They hold for every endpoint that the client goes to; a proxy is asked for them,
            /// one after the other. With none, the default, the host's are used.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .addresses(["192.0.2.7:443".parse()?])
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn addresses(
                self,
                addresses: impl IntoIterator<Item = ::std::net::SocketAddr>,
            ) -> Self {
                self.option(|options| options.addresses(addresses))
            }

            /// Connects through this proxy only: the WebSocket, the requests to the authorization
            /// endpoint and the calls of the HTTP API, with TLS and without. By default no proxy is
            /// used, whatever the environment says. The last call of this and of
            /// [`proxy_from_env`](Self::proxy_from_env) counts.
            ///
            /// The URL is `http://USER:PASSWORD@HOST:PORT` for a proxy that supports CONNECT, or
            /// `socks5://…` for SOCKS5; `socks5h://` is the same. User and password are optional,
            /// and percent-encoded. The default scheme is `http://`; the default port is 80, for
            /// SOCKS5 1080. The proxy resolves the server's name. It learns the server's host and
            /// port, and its own user and password. Through it, `wss://` is encrypted up to the
            /// server.
            ///
            /// A proxy that refuses, is silent for nine tenths of
            /// [`Timeouts::dial`](crate::Timeouts::dial) (of a call or a request, of the time that it has
            /// left), or cannot be reached fails the dial
            /// ([`DialFailure::Proxy`](crate::DialFailure::Proxy)), which is tried again with backoff.
            /// Neither errors nor the log show the user and the password.
            ///
            /// # Errors
            #[doc = $fails]
            /// [`OptionsError::Proxy`](crate::OptionsError::Proxy) if it is no URL of such a proxy.
            /// `https://`, a proxy that is itself spoken to over TLS, is refused.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            #[doc = concat!("     .proxy(\"http://ann:s%40cret@proxy.example:3128\")", $mark)]
            #[doc = $end]
            /// ```
            pub fn proxy(self, url: &str) -> $fallible {
                self.try_option(|options| options.proxy(url))
            }

            /// Connects through the proxies that environment variables name at the time of this
            /// call: `HTTPS_PROXY` for `wss://` and `https://`, `HTTP_PROXY` for `ws://` and
            /// `http://`, `ALL_PROXY` where the other one is not set. Each holds a URL as for
            /// [`proxy`](Self::proxy). An empty variable counts as not set.
            ///
            /// `NO_PROXY` names the hosts that are reached directly, separated by commas:
            /// `example.org` or `.example.org` for a name and all names under it, an IP address, a
            /// network such as `10.0.0.0/8`, and `*` for everything; names and addresses may have a
            /// `:PORT`. Names are compared without resolving them, and nothing is in the list by
            /// default, not even `localhost`.
            ///
            /// The same names in lower case count first. `HTTP_PROXY` in upper case is ignored
            /// where `REQUEST_METHOD` is set: there it may be a header that a client of a CGI
            /// program sent.
            ///
            /// # Errors
            #[doc = $fails]
            /// [`OptionsError::Proxy`](crate::OptionsError::Proxy),
            /// [`OptionsError::NoProxy`](crate::OptionsError::NoProxy) and
            /// [`OptionsError::ProxyVariable`](crate::OptionsError::ProxyVariable), which name the
            /// variable, its value and the rule, also of variables that no connection would need.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            #[doc = concat!("     .proxy_from_env()", $mark)]
            #[doc = $end]
            /// ```
            pub fn proxy_from_env(self) -> $fallible {
                self.try_option($crate::Options::proxy_from_env)
            }

            /// Sets the size of the buffer that is read into, in bytes; at least 128. A smaller one saves
            /// memory in each connection, a larger one time under load. By default 4 KiB. While a server
            /// sends more than fits in, up to four times as much is read at a time, but at most 32 KiB or one
            /// whole buffer, for which memory is taken until it is read.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .read_buffer(64 * 1024)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn read_buffer(self, bytes: usize) -> Self {
                self.option(|options| options.read_buffer(bytes))
            }

            /// Sets the size in bytes up to which a message is read at all. A larger one closes the
            /// connection with 1009 (RFC 6455: too big), as
            /// [`Loss::TooLarge`](crate::Loss::TooLarge). It is never under the configuration's
            /// [`Limits::message`](crate::Limits::message); messages between the two are read, reported
            /// and dropped. A connection may hold as much for a moment. By itself this delivers nothing
            /// larger: that takes `Limits::message`, `Limits::stored_bytes` and [`queue`](Self::queue),
            /// too. By default 16 MiB.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .transport_limit(1024 * 1024)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn transport_limit(self, bytes: usize) -> Self {
                self.option(|options| options.transport_limit(bytes))
            }
        }

        /// # Receivers
        impl $type {
            /// Sets how much each receiver may leave unreceived: a number of events, at least one, and
            /// the bytes that they keep alive. By default 1,024 events and 8 MiB.
            /// [`all_queues`](Self::all_queues) bounds all receivers together, and
            /// [`overflow`](Self::overflow) says what happens then.
            ///
            /// An event counts as [`Event::memory`](crate::Event::memory) says, with its place in the
            /// queue. What channel events pin of the buffers that they were read into counts, too: a
            /// queue copies its events out of them before it drops any, and when the receiver has left
            /// them there until the client reads again. A receiver that keeps up pays for no copy.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .queue(10_000, 32 * 1024 * 1024)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn queue(self, events: usize, bytes: usize) -> Self {
                self.option(|options| options.queue(events, bytes))
            }

            /// Sets how many bytes all receivers of the client together may leave unreceived; at least
            /// 64 KiB. Each may still leave no more than [`queue`](Self::queue) says, and bytes are
            /// counted as there. By default there is no such bound.
            ///
            /// When it is reached, [`overflow`](Self::overflow) says what happens. With
            /// [`Overflow::DropOldest`](crate::Overflow::DropOldest) the receivers that hold most lose
            /// their oldest events, down to a common level, and are told so; about a sixteenth of the
            /// bound becomes free. With [`Overflow::Wait`](crate::Overflow::Wait) the client stops reading
            /// until half of it is free. A receiver that has ended counts no longer, though what it has
            /// not received is still there.
            ///
            /// # Errors
            #[doc = $fails]
            /// [`OptionsError::AllQueues`](crate::OptionsError::AllQueues) if it is less than 64 KiB:
            /// single events might never arrive.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            #[doc = concat!("     .all_queues(64 * 1024 * 1024)", $mark)]
            #[doc = $end]
            /// ```
            pub fn all_queues(self, bytes: usize) -> $fallible {
                self.try_option(|options| options.all_queues(bytes))
            }

            /// Sets what happens when a receiver's queue is full. By default
            /// [`Overflow::DropOldest`](crate::Overflow::DropOldest).
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .overflow(Overflow::Wait)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn overflow(self, overflow: $crate::Overflow) -> Self {
                self.option(|options| options.overflow(overflow))
            }
        }

        // Of the crate that this is expanded in: async, or not.
        crate::__connector_setting! { $type, $top, $new, $end }

        $crate::__option_settings_of_features! {
            $type, $fallible, $top, $new, $end, $mark, $fails
        }
    };
}
