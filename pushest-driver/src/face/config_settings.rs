//! The settings of the configuration, as a client's builder has them.

/// Writes the settings of [`ConfigBuilder`](crate::ConfigBuilder) into a builder with the field
/// `settings`. See [`__client_builder`](crate::__client_builder) for the literals.
#[doc(hidden)]
#[macro_export]
macro_rules! __config_settings {
    ($builder:ident, $top:literal, $new:literal, $end:literal) => {
        /// # The app and its server
        ///
        /// The last call of a method counts. A host wins over a cluster, as it does in the official
        /// libraries; a list of endpoints counts as a host.
        impl $builder {
            /// Sets the app's key: 1 to 200 letters, digits and `_ - . ~`.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .key("key-of-another-app")
            ///     .cluster("eu")
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn key(self, key: &str) -> Self {
                self.configure(|config| config.key(key))
            }

            /// Sets the app's secret. With it the client signs private and presence channels by itself.
            /// Without it, it asks an authorizer or the app's endpoint. A secret belongs on machines that
            /// the app's owner trusts, not into programs that are handed out.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("eu")
            ///     .secret("app-secret")
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn secret(self, secret: &str) -> Self {
                self.configure(|config| config.secret(secret))
            }

            /// Sets the app's id, for the HTTP API: 1 to 200 letters, digits and `_ - . ~`. Without it
            /// the client connects and subscribes all the same.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("eu")
            ///     .app_id("123")
            ///     .secret("app-secret")
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn app_id(self, id: &str) -> Self {
                self.configure(|config| config.app_id(id))
            }

            /// Sets the cluster of the hosted service: `mt1` (the default), `us2`, `us3`, `eu`, `ap1` …
            /// The client connects to `wss://ws-CLUSTER.pusher.com:443` then.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("ap1")
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn cluster(self, cluster: &str) -> Self {
                self.configure(|config| config.cluster(cluster))
            }

            /// Sets the host of your own server: a name, an IPv4 address, or an IPv6 address with or
            /// without brackets, such as `fe80::1%eth0`.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .host("reverb.example.org")
            ///     .tls(true)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn host(self, host: &str) -> Self {
                self.configure(|config| config.host(host))
            }

            /// Sets several endpoints: the nodes of one cluster, which serve the same app and pass on what
            /// is published at any of them. At most 32, each as `HOST`, `HOST:PORT`, `ws://HOST:PORT/PATH`
            /// or `wss://…`; [`port`](Self::port), [`path`](Self::path) and [`tls`](Self::tls) hold for
            /// those that do not say it themselves. The list takes the place of a host, and a host that of
            /// the list; `PUSHER_URL`, `PUSHER_HOST` and URLs name one host.
            ///
            /// Each client tries them in an order of its own, so that clients spread. After a loss, a
            /// failed dial or a refusal that may be better later it goes on within 500 ms with the first of
            /// that order that has not failed: one pass over the list is like this, and then each attempt
            /// has the pauses of [`backoff`](Self::backoff), until a connection was stable for 10 s. An
            /// endpoint that asks for a pause (close codes 4100–4199, `Retry-After`) gets it, and holds up
            /// no other. A connection that works is never closed for another endpoint. What is final stays
            /// so, whatever other endpoints there are: a wrong key, a disabled app.
            ///
            /// `status()` says which endpoint it is. The HTTP API is called at the first of the list; for
            /// another one see `ApiOptions::endpoint`.
            ///
            /// # Errors
            /// `build` returns [`ConfigError`](crate::ConfigError) for an empty list, one of more than 32,
            /// one that has the same endpoint twice, however it is spelled, and for what is no endpoint.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .endpoints(["node-1.example.org", "node-2.example.org:8443"])
            ///     .tls(true)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn endpoints<E: ::core::convert::AsRef<str>>(
                self,
                endpoints: impl ::core::iter::IntoIterator<Item = E>,
            ) -> Self {
                self.configure(|config| config.endpoints(endpoints))
            }

            /// Sets the port. By default 443 with TLS and 80 without.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .host("127.0.0.1")
            ///     .port(6001)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn port(self, port: u16) -> Self {
                self.configure(|config| config.port(port))
            }

            /// Sets a path before `/app/KEY`, for a server behind a proxy.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .host("example.org")
            ///     .path("/realtime")
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn path(self, path: &str) -> Self {
                self.configure(|config| config.path(path))
            }

            /// Sets whether to use TLS (`wss://`). By default: yes for a cluster and for port 443, no
            /// for your own host.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .host("example.org")
            ///     .tls(true)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn tls(self, tls: bool) -> Self {
                self.configure(|config| config.tls(tls))
            }

            /// Takes everything that a URL says: key, secret and server. The forms are
            /// `pusher://KEY:SECRET@HOST:PORT/PATH` (`pushers://` with TLS), in which the secret and
            /// everything after the host are optional; the WebSocket's own `ws://HOST:PORT/app/KEY`; and
            /// `http://KEY:SECRET@HOST:PORT/apps/ID`, as in `PUSHER_URL`.
            ///
            /// # Errors
            /// `build` returns [`ConfigError::Url`](crate::ConfigError::Url) if it has another form. The
            /// error quotes nothing of the URL, which may hold a secret.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .url("pusher://app-key:app-secret@127.0.0.1:6001")
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn url(self, url: &str) -> Self {
                Self { settings: self.settings.try_config(|config| config.url(url)) }
            }

            /// Takes what environment variables say: `PUSHER_URL`, or `PUSHER_APP_KEY`,
            /// `PUSHER_APP_SECRET`, `PUSHER_APP_CLUSTER`, `PUSHER_HOST`, `PUSHER_PORT` and
            /// `PUSHER_SCHEME`; or, if neither URL nor key are set there, the same with `REVERB_` as
            /// Laravel names them. Where none is set this changes nothing.
            ///
            /// # Errors
            /// `build` returns [`ConfigError`](crate::ConfigError), which names the variable and does not
            /// quote its value; and, if there is no key, the variables that were looked for.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("eu")
            ///     .env()
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn env(self) -> Self {
                Self { settings: self.settings.environment() }
            }

            /// Sets the key for encrypted channels: 32 bytes, which the app's publishers have, too. With
            /// it and the secret the client opens encrypted events by itself. Needs the feature
            /// `encrypted`.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("eu")
            ///     .secret("app-secret")
            ///     .master_key(&[7; 32])
            #[doc = $end]
            /// ```
            #[cfg(feature = "encrypted")]
            #[must_use]
            pub fn master_key(self, bytes: &[u8]) -> Self {
                self.configure(|config| config.master_key(bytes))
            }

            /// Sets the key for encrypted channels as base64, the form of the official libraries'
            /// `encryptionMasterKeyBase64`. Needs the feature `encrypted`.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("eu")
            ///     .secret("app-secret")
            ///     .master_key_base64("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
            #[doc = $end]
            /// ```
            #[cfg(feature = "encrypted")]
            #[must_use]
            pub fn master_key_base64(self, text: &str) -> Self {
                self.configure(|config| config.master_key_base64(text))
            }
        }

        /// # The protocol
        impl $builder {
            /// Sets how many client events may be triggered within any second; `None` for any number. By
            /// default 10 for a cluster, which is what the hosted service allows on a connection, and
            /// any number for your own host.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .host("127.0.0.1")
            ///     .client_events_per_second(Some(50))
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn client_events_per_second(self, rate: ::core::option::Option<u32>) -> Self {
                self.configure(|config| config.client_events_per_second(rate))
            }

            /// Sets all timeouts.
            ///
            /// ```
            #[doc = $top]
            /// let mut timeouts = Timeouts::default();
            /// timeouts.dial = Duration::from_secs(5);
            #[doc = $new]
            ///     .cluster("eu")
            ///     .timeouts(timeouts)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn timeouts(self, timeouts: $crate::Timeouts) -> Self {
                self.configure(|config| config.timeouts(timeouts))
            }

            /// Sets how long to wait before connecting again: a curve with jitter, or a list of pauses.
            ///
            /// ```
            #[doc = $top]
            /// let mut backoff = BackoffConfig::default();
            /// backoff.maximum = Duration::from_secs(30);
            #[doc = $new]
            ///     .cluster("eu")
            ///     .backoff(backoff)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn backoff(self, backoff: $crate::BackoffConfig) -> Self {
                self.configure(|config| config.backoff(backoff))
            }

            /// Sets all limits of what the client keeps and sends.
            ///
            /// ```
            #[doc = $top]
            /// let mut limits = Limits::default();
            /// limits.message = 4 * 1024 * 1024;
            #[doc = $new]
            ///     .host("127.0.0.1")
            ///     .limits(limits)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn limits(self, limits: $crate::Limits) -> Self {
                self.configure(|config| config.limits(limits))
            }

            /// Sets whether to stop, instead of trying again, when a dial is refused for a reason that
            /// often stays: the name does not resolve, the certificate is not accepted, the answer is a
            /// redirect or HTTP 4xx other than 429. Meant for command lines. By default it is off, since
            /// deployments produce all of these for a while.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("eu")
            ///     .stop_on_refusal(true)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn stop_on_refusal(self, stop: bool) -> Self {
                self.configure(|config| config.stop_on_refusal(stop))
            }

            /// Sets whether each channel is counted: its events, their bytes, its gaps, and when its last
            /// event came ([`ChannelStatistics`](crate::ChannelStatistics)). By default it is off. It takes about 100 bytes a
            /// channel; for an event, no clock is read and nothing is allocated.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .cluster("eu")
            ///     .channel_statistics(true)
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn channel_statistics(self, count: bool) -> Self {
                self.configure(|config| config.channel_statistics(count))
            }

            /// Changes the configuration by a function, for settings that have no method here.
            ///
            /// ```
            #[doc = $top]
            #[doc = $new]
            ///     .url("pusher://app-key:app-secret@staging.example.org")
            ///     .configure(|config| config.without_secret())
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn configure(
                self,
                change: impl ::core::ops::FnOnce($crate::ConfigBuilder) -> $crate::ConfigBuilder,
            ) -> Self {
                Self { settings: self.settings.config(change) }
            }
        }
    };
}
