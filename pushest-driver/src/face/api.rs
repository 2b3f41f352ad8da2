//! The HTTP API, as each runtime's crate has it.

/// Writes `Api` over a carrier, which has `new`, `app` and `call`, and is `Clone` and `Debug`. `waits` is
/// `[async] [.await]` for a runtime with futures and `[] []` for none, and `$wait` the same in an example;
/// `$dropped` says what becomes of a future that is dropped: of one that may change something, and of one
/// that asks. `$begin` and `$end` stand around each example, hidden: there is an `api` in between, and `?`
/// works.
#[doc(hidden)]
#[macro_export]
macro_rules! __api {
    (
        $(#[$doc:meta])*
        carrier: $carrier:ty,
        waits: [$($async:tt)*] [$($await:tt)*] $wait:literal,
        dropped: $dropped:literal, $dropped_query:literal,
        begin: $begin:literal,
        end: $end:literal,
    ) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct Api {
            carrier: $carrier,
        }

        impl ::core::fmt::Debug for Api {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                self.carrier.fmt(f)
            }
        }

        /// # Making one
        impl Api {
            /// Takes the app of a configuration: its id, key and secret, and where its server is; of several
            /// endpoints that is the first, as they were given
            /// ([`ApiOptions::endpoint`](crate::ApiOptions::endpoint) names another one). Nothing is sent
            /// yet.
            ///
            /// # Errors
            /// [`ConfigError::Missing`](crate::ConfigError::Missing) names what is missing: the app's id,
            /// or its secret.
            ///
            /// ```
            #[doc = $begin]
            /// let config = Config::builder("app-key").app_id("123").secret("app-secret").cluster("eu");
            /// let api = Api::new(&config.build()?)?;
            #[doc = $end]
            /// ```
            pub fn new(config: &$crate::Config) -> ::core::result::Result<Self, $crate::ConfigError> {
                Self::with_options(config, $crate::ApiOptions::default())
            }

            /// Takes the app of a configuration, with options: time limits, the number of calls in flight,
            /// what the server takes, certificate authorities, a proxy.
            ///
            /// # Errors
            /// [`ConfigError::Missing`](crate::ConfigError::Missing) names what is missing: the app's id,
            /// or its secret.
            ///
            /// ```
            #[doc = $begin]
            /// let options = ApiOptions::default().in_flight(64).timeout(Duration::from_secs(3));
            /// let api = Api::with_options(&config_from_env()?, options)?;
            #[doc = $end]
            /// ```
            pub fn with_options(
                config: &$crate::Config,
                options: $crate::ApiOptions,
            ) -> ::core::result::Result<Self, $crate::ConfigError> {
                Ok(Self { carrier: <$carrier>::new(config, options)? })
            }

            /// Takes everything that a URL says, such as `http://KEY:SECRET@HOST:PORT/apps/ID`.
            ///
            /// # Errors
            /// [`ConfigError`](crate::ConfigError): another form, or a part of it is missing. The error
            /// quotes nothing of the URL, which holds the secret.
            ///
            /// ```
            #[doc = $begin]
            /// let api = Api::from_url("https://app-key:app-secret@api-eu.pusher.com/apps/123")?;
            #[doc = $end]
            /// ```
            pub fn from_url(url: &str) -> ::core::result::Result<Self, $crate::ConfigError> {
                Self::new(&$crate::Config::from_url(url)?)
            }

            /// Takes what environment variables say, those that a client reads, too: `PUSHER_URL`, or
            /// `PUSHER_APP_ID`, `PUSHER_APP_KEY`, `PUSHER_APP_SECRET` and the others; or the same with
            /// `REVERB_`.
            ///
            /// # Errors
            /// [`ConfigError`](crate::ConfigError), which names the variable and does not quote its value; where
            /// the key, the secret or the app's id is missing, the variables that were looked for.
            ///
            /// ```
            #[doc = $begin]
            /// let api = Api::from_env()?;
            #[doc = $end]
            /// ```
            pub fn from_env() -> ::core::result::Result<Self, $crate::ConfigError> {
                $crate::__of_environment(Self::new)
            }

            /// Returns the app: its id and key, where its server is, and the limits of calls. It signs
            /// requests for another HTTP client, too.
            ///
            /// ```
            #[doc = $begin]
            /// println!("app {} at {}", api.app().id(), api.app().endpoint().authority());
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn app(&self) -> &$crate::api::App {
                self.carrier.app()
            }
        }

        /// # Calling
        ///
        /// Each call is sent once, and again only where nothing can arrive twice
        /// ([`ApiOptions::attempts`](crate::ApiOptions::attempts)); if it fails,
        /// [`ApiError::may_have_arrived`](crate::ApiError::may_have_arrived) tells.
        impl Api {
            /// Publishes an event whose data is a value, written as JSON, on one channel or up to 100.
            ///
            /// For data that is text already, to exclude a connection, or to learn how many are there,
            /// make a [`Publish`](crate::api::Publish) for [`call`](Self::call).
            ///
            #[doc = $dropped]
            ///
            /// # Errors
            /// [`ApiError`](crate::ApiError).
            ///
            /// ```
            #[doc = $begin]
            #[doc = concat!(" api.publish(\"orders\", \"shipped\", &[7, 8])", $wait, "?;")]
            #[doc = concat!(" api.publish([\"orders\", \"private-audit\"], \"shipped\", &7)", $wait, "?;")]
            #[doc = $end]
            /// ```
            #[doc(alias = "trigger")]
            pub $($async)* fn publish<T: $crate::face::types::serde::Serialize + ?Sized>(
                &self,
                channels: impl Into<$crate::api::ChannelList>,
                name: impl Into<String>,
                data: &T,
            ) -> ::core::result::Result<$crate::api::Published, $crate::ApiError> {
                self.call($crate::api::Publish::json(channels, name, data)?)$($await)*
            }

            /// Publishes up to 10 events, each on one channel, in one request.
            ///
            #[doc = $dropped]
            ///
            /// # Errors
            /// [`ApiError`](crate::ApiError).
            ///
            /// ```
            #[doc = $begin]
            /// use api::Publish;
            ///
            /// let events = [7, 8].map(|id| Publish::new("orders", "shipped", id.to_string()));
            #[doc = concat!(" api.publish_batch(events)", $wait, "?;")]
            #[doc = $end]
            /// ```
            #[doc(alias = "trigger_batch")]
            pub $($async)* fn publish_batch(
                &self,
                events: impl IntoIterator<Item = $crate::api::Publish>,
            ) -> ::core::result::Result<$crate::api::BatchPublished, $crate::ApiError> {
                self.call($crate::api::Batch::new(events))$($await)*
            }

            /// Publishes an event to all connections that are signed in as a user.
            ///
            #[doc = $dropped]
            ///
            /// # Errors
            /// [`ApiError`](crate::ApiError).
            ///
            /// ```
            #[doc = $begin]
            #[doc = concat!(" api.publish_to_user(\"42\", \"parcel\", &7)", $wait, "?;")]
            #[doc = $end]
            /// ```
            #[doc(alias = "send_to_user")]
            pub $($async)* fn publish_to_user<T: $crate::face::types::serde::Serialize + ?Sized>(
                &self,
                user_id: &str,
                name: impl Into<String>,
                data: &T,
            ) -> ::core::result::Result<$crate::api::Published, $crate::ApiError> {
                self.call($crate::api::Publish::json_to_user(user_id, name, data)?)$($await)*
            }

            /// Asks which channels have subscribers. For those with a prefix, or for how many are there,
            /// make a [`ListChannels`](crate::api::ListChannels) for [`call`](Self::call).
            ///
            #[doc = $dropped_query]
            ///
            /// # Errors
            /// [`ApiError`](crate::ApiError).
            ///
            /// ```
            #[doc = $begin]
            #[doc = concat!(" for name in api.channels()", $wait, "?.channels.keys() {")]
            ///     println!("{name}");
            /// }
            #[doc = $end]
            /// ```
            pub $($async)* fn channels(
                &self,
            ) -> ::core::result::Result<$crate::api::OccupiedChannels, $crate::ApiError> {
                self.call($crate::api::ListChannels::new())$($await)*
            }

            /// Asks whether a channel has subscribers. For how many, make a
            /// [`GetChannel`](crate::api::GetChannel) for [`call`](Self::call).
            ///
            #[doc = $dropped_query]
            ///
            /// # Errors
            /// [`ApiError`](crate::ApiError).
            ///
            /// ```
            #[doc = $begin]
            #[doc = concat!(" if !api.channel(\"orders\")", $wait, "?.occupied {")]
            ///     println!("no subscribers");
            /// }
            #[doc = $end]
            /// ```
            pub $($async)* fn channel(
                &self,
                name: &str,
            ) -> ::core::result::Result<$crate::api::Occupancy, $crate::ApiError> {
                self.call($crate::api::GetChannel::new(name))$($await)*
            }

            /// Asks who is on a presence channel. Returns the users' ids, in the order in which the server
            /// names them.
            ///
            #[doc = $dropped_query]
            ///
            /// # Errors
            /// [`ApiError`](crate::ApiError).
            ///
            /// ```
            #[doc = $begin]
            #[doc = concat!(" println!(\"{} are here\", api.users(\"presence-room\")", $wait, "?.len());")]
            #[doc = $end]
            /// ```
            pub $($async)* fn users(
                &self,
                channel: &str,
            ) -> ::core::result::Result<::std::vec::Vec<String>, $crate::ApiError> {
                self.call($crate::api::ListUsers::new(channel))$($await)*
            }

            /// Ends all connections that are signed in as a user. The user can connect again, unless your
            /// backend refuses the next sign-in.
            ///
            #[doc = $dropped]
            ///
            /// # Errors
            /// [`ApiError`](crate::ApiError).
            ///
            /// ```
            #[doc = $begin]
            #[doc = concat!(" api.terminate(\"42\")", $wait, "?;")]
            #[doc = $end]
            /// ```
            #[doc(alias = "terminate_user_connections")]
            pub $($async)* fn terminate(
                &self,
                user_id: &str,
            ) -> ::core::result::Result<(), $crate::ApiError> {
                self.call($crate::api::Terminate::user(user_id))$($await)*
            }

            /// Carries out any call, and returns its answer. Events for encrypted channels are sealed with
            /// fresh randomness, unless they have a nonce.
            ///
            #[doc = $dropped]
            ///
            /// # Errors
            /// [`ApiError`](crate::ApiError).
            ///
            /// ```
            #[doc = $begin]
            /// use api::Publish;
            ///
            /// let event = Publish::new("orders", "shipped", r#"{"id":7}"#);
            /// let event = event.exclude("1234.5678").with_subscription_count();
            #[doc = concat!(" let published = api.call(event)", $wait, "?;")]
            /// println!("{:?}", published.channels["orders"].subscription_count);
            #[doc = $end]
            /// ```
            pub $($async)* fn call<C: $crate::api::Call>(
                &self,
                call: C,
            ) -> ::core::result::Result<C::Answer, $crate::ApiError> {
                self.carrier.call(call)$($await)*
            }
        }
    };
}

/// Writes `api` for a client whose `__driver` returns the driver's.
#[doc(hidden)]
#[macro_export]
macro_rules! __client_api {
    ($type:ident, $begin:literal, $end:literal, $wait:literal) => {
        /// # The backend's half
        impl $type {
            /// Returns the HTTP API of the client's app, which publishes events, asks who is there and
            /// ends a user's connections: over connections of its own, which are made as the client's
            /// are, and all that this returns share them. It goes on after the client's end, and stays
            /// with the server of the client's configuration.
            ///
            /// # Errors
            /// [`ConfigError::Missing`](crate::ConfigError::Missing) names what the configuration lacks:
            /// the app's id, or its secret.
            ///
            /// ```
            #[doc = $begin]
            #[doc = concat!(" client.api()?.publish(\"orders\", \"shipped\", &7)", $wait, "?;")]
            #[doc = $end]
            /// ```
            pub fn api(&self) -> ::core::result::Result<Api, $crate::ConfigError> {
                self.__driver().api(Api::with_options)
            }
        }
    };
}
