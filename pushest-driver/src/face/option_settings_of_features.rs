//! The settings of the options that authorize, or that a feature of the crate brings.

/// Writes them; see [`__option_settings`](crate::__option_settings). A `cfg` in here is about the features
/// of the crate that this is expanded in.
#[doc(hidden)]
#[macro_export]
macro_rules! __option_settings_of_features {
    (
        $type:ident, $fallible:ty, $top:literal, $new:literal, $end:literal, $mark:literal,
        $fails:literal
    ) => {
        /// # Authorizing
        ///
        /// For clients without the app's secret; with a secret nothing of this is asked. Of the kinds of
        /// authorizers and the endpoint, the last call counts.
        impl $type {
            /// Sets an authorizer that blocks, such as one over an HTTP client without async: each request
            /// runs on a thread of its own, which no process waits for when it ends.
            ///
            /// The client waits no longer than the configuration's `authorization` timeout, but nothing
            /// can end the request either: one that hangs keeps its thread, also beyond the client's end,
            /// and while nine hang, further requests are unavailable. A panic counts as unavailable, too.
            ///
            /// ```
            #[doc = $top]
            /// fn sign(request: AuthorizationRequest) -> Result<Authorization, AuthorizationError> {
            ///     // … ask the app's server for `request.socket_id` and `request.subject`
            ///     Err(AuthorizationError::refused(None, &format!("not for {}", request.subject)))
            /// }
            ///
            #[doc = $new]
            ///     .blocking_authorizer(sign)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn blocking_authorizer(
                self,
                authorizer: impl Fn(
                    $crate::AuthorizationRequest,
                ) -> ::core::result::Result<
                    $crate::Authorization,
                    $crate::AuthorizationError,
                > + Send
                + Sync
                + 'static,
            ) -> Self {
                self.option(|options| options.blocking_authorizer(authorizer))
            }

            /// Asks the app's own HTTP endpoint to authorize channels and the sign-in: a POST of a
            /// form, asked again for every attempt ([protocol, authorization
            /// endpoint](crate::proto::protocol#authorization-endpoint)). Needs the feature `http`.
            ///
            /// Any 2xx with a readable body grants. 408, 429, 5xx, and no answer within the
            /// configuration's `authorization` timeout are tried again with backoff, and no earlier
            /// than `Retry-After` says. Everything else is final. Errors tell the status and the
            /// first 200 characters of the body, in which what was sent is masked. Redirects are
            /// shown, not followed. `https://` trusts the same authorities as `wss://`, and requests go
            /// through the same [`proxy`](Self::proxy).
            ///
            /// Requests run on at most eight threads that all clients of the process share, at most six
            /// of them for one host and port; the others wait for their turn, within the same timeout. A
            /// request that is no longer needed leaves the queue. Nothing of a request or an answer is
            /// logged with `tracing`; a logger of the crate `log` on the level `trace` must leave out the
            /// target `ureq_proto`, which writes down every byte.
            ///
            /// ```
            #[doc = $top]
            /// let endpoint = AuthEndpoint::new("https://example.org/broadcasting/auth");
            #[doc = $new]
            ///     .auth_endpoint(endpoint)
            #[doc = $end]
            /// ```
            #[cfg(feature = "http")]
            #[must_use]
            pub fn auth_endpoint(self, endpoint: $crate::AuthEndpoint) -> Self {
                self.option(|options| options.auth_endpoint(endpoint))
            }

            /// Sets a provider of headers for each request to the endpoint, beside those of the endpoint
            /// itself, of which they replace those of the same name. It is called for every attempt, with
            /// its number and why the last one failed, so that a token can be renewed, and may block.
            /// Their values never appear in errors or in our logs. Needs the feature `http`.
            ///
            /// ```
            #[doc = $top]
            /// fn token() -> String {
            ///     std::env::var("TOKEN").unwrap_or_default()
            /// }
            ///
            #[doc = $new]
            ///     .auth_endpoint(AuthEndpoint::new("https://example.org/broadcasting/auth"))
            ///     .auth_headers(|_| vec![("Authorization".to_string(), format!("Bearer {}", token()))])
            #[doc = $end]
            /// ```
            #[cfg(feature = "http")]
            #[must_use]
            pub fn auth_headers(
                self,
                headers: impl Fn(
                    &$crate::AuthorizationRequest,
                )
                    -> ::std::vec::Vec<(::std::string::String, ::std::string::String)>
                + Send
                + Sync
                + 'static,
            ) -> Self {
                self.option(|options| options.auth_headers(headers))
            }

            /// Sets a provider of headers that may be missing: its error is the outcome of the attempt,
            /// such as [`AuthorizationError::unavailable`](crate::AuthorizationError::unavailable), which
            /// is tried again. Else it is like [`auth_headers`](Self::auth_headers), of which the last
            /// call of either counts. Needs the feature `http`.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .auth_endpoint(AuthEndpoint::new("https://example.org/broadcasting/auth"))
            ///     .try_auth_headers(|_| match std::env::var("TOKEN") {
            ///         Ok(token) => Ok(vec![("Authorization".to_string(), token)]),
            ///         Err(_) => Err(AuthorizationError::unavailable(None, "no token yet")),
            ///     })
            #[doc = $end]
            /// ```
            #[cfg(feature = "http")]
            #[must_use]
            pub fn try_auth_headers(
                self,
                headers: impl Fn(
                    &$crate::AuthorizationRequest,
                ) -> ::core::result::Result<
                    ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
                    $crate::AuthorizationError,
                > + Send
                + Sync
                + 'static,
            ) -> Self {
                self.option(|options| options.try_auth_headers(headers))
            }
        }

        $crate::__option_settings_of_tls! {
            $type, $fallible, $top, $new, $end, $mark, $fails
        }

        /// # Networks that change
        #[cfg(feature = "network-watch")]
        impl $type {
            /// Watches the networks of the machine, and tells the client what concerns it, as
            /// `network_changed` does. Off by default. Needs the feature `network-watch`.
            ///
            /// - A connection whose own address is gone is given up at once
            ///   ([`Loss::AddressGone`](crate::Loss::AddressGone)), and made again.
            /// - Where packets to the server take another way than before, or none, or its
            ///   interface was down for a moment, the client sends a ping, and gives the connection
            ///   up unless something arrives within
            ///   [`Timeouts::pong_after_change`](crate::Timeouts::pong_after_change), 5 s by
            ///   default.
            /// - Without a connection, an address, a route or an interface that comes brings the
            ///   next attempt forward. An attempt that is under way has `pong_after_change` left,
            ///   at most. A network that changes all the time does not defeat backoff: three pauses
            ///   in a row are cut short, and then one every 30 s.
            ///
            /// Nothing else that happens on the machine concerns the client. Notices come in
            /// bursts: what they tell of is looked up 100 ms after the last one, and 500 ms after
            /// the first one at the latest.
            ///
            /// Linux only: one thread of the process reads the kernel's notices for all clients, in
            /// the network namespace in which the first of them was created. On other systems, and
            /// where the system gives no netlink socket, creating the client fails with
            /// [`StartError::NetworkWatch`](crate::StartError::NetworkWatch).
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .watch_network(cfg!(target_os = "linux"))
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn watch_network(self, is_watched: bool) -> Self {
                self.option(|options| options.watch_network(is_watched))
            }
        }

        /// # Recordings and tests
        impl $type {
            /// Records everything that the client's session is told, asked and answers, for a report of a
            /// fault that can be replayed: `sink` gets one line after the other, without line ends. See
            /// [`trace`](crate::proto::trace) for what is in it, and what is not: no secret and no key, but
            /// what the server sends. Needs the feature `recording`.
            ///
            /// The sink runs where the client does, and holds it up while it runs. It may call the client,
            /// but must not wait for it: nothing comes before it has returned. (`shutdown` does not wait
            /// in there.) What it calls is recorded, too. Of several clients that are made with the same
            /// settings only the first is recorded.
            ///
            /// ```
            #[doc = $top]
            /// use std::io::Write;
            ///
            /// let mut file = std::io::BufWriter::new(std::fs::File::create("client.trace")?);
            #[doc = $new]
            ///     .record(move |line| {
            ///         // A report with a hole is of no use, but no reason to end the program either.
            ///         let _ = writeln!(file, "{line}");
            ///     })
            #[doc = $end]
            /// ```
            #[cfg(feature = "recording")]
            #[must_use]
            pub fn record(self, sink: impl FnMut(&str) + Send + 'static) -> Self {
                self.option(|options| options.record(sink))
            }

            /// Takes the time of the day from this function instead of the system's clock: for the dates
            /// that a server names when it refuses the upgrade, for the `since` of a
            /// [`Gap`](crate::Event::Gap), and to notice that the machine was suspended, since this clock
            /// goes on meanwhile and the client's own stands still. For tests of what a program does then.
            /// It is called often and must not block.
            ///
            /// A client looks at it whenever it wakes up, and never wakes up just for that: an idle one
            /// notices a suspension with its next heartbeat, at most the activity timeout after the
            /// machine runs again (120 s, unless [`Timeouts::activity`](crate::Timeouts::activity) or the
            /// server says less). Where the program learns of it at once, it calls `network_changed`, with
            /// which the client looks, too.
            ///
            /// ```
            #[doc = $top]
            /// use std::sync::Arc;
            /// use std::sync::atomic::{AtomicU64, Ordering};
            /// use std::time::SystemTime;
            ///
            /// let suspended = Arc::new(AtomicU64::new(0));
            /// let seconds = suspended.clone();
            #[doc = $new]
            ///     .time_of_day(move || {
            ///         SystemTime::now() + Duration::from_secs(seconds.load(Ordering::Relaxed))
            ///     })
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn time_of_day(
                self,
                clock: impl Fn() -> ::std::time::SystemTime + Send + Sync + 'static,
            ) -> Self {
                self.option(|options| options.time_of_day(clock))
            }
        }
    };
}

/// Writes the setting of an authorizer whose answer is a future, for the runtimes that have futures.
#[doc(hidden)]
#[macro_export]
macro_rules! __authorizer_setting {
    ($type:ident, $top:literal, $new:literal, $end:literal) => {
        /// # Authorizing with futures
        impl $type {
            /// Sets an authorizer of private and presence channels and of the sign-in, for clients without
            /// the app's secret. With a secret it is not asked. Of this,
            /// [`blocking_authorizer`](Self::blocking_authorizer) and `auth_endpoint` (with the feature
            /// `http`), the last call counts.
            ///
            /// ```
            #[doc = $top]
            /// async fn sign(request: AuthorizationRequest) -> Result<Authorization, AuthorizationError> {
            ///     // … ask the app's server for `request.socket_id` and `request.subject`
            ///     Err(AuthorizationError::refused(None, &format!("not for {}", request.subject)))
            /// }
            ///
            #[doc = $new]
            ///     .authorizer(sign)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn authorizer(self, authorizer: impl $crate::Authorizer + 'static) -> Self {
                self.option(|options| options.authorizer(authorizer))
            }
        }
    };
}
