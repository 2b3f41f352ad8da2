//! The client of a runtime whose methods are futures.

/// Writes `Client`, `WeakClient` and `Pump` for a runtime that can spawn, with everything that they can
/// do, and how to build and run it. `$begin` and `$end` stand around each example, hidden: there is a
/// `client` in between, and `?` and `.await` work. `$top` is `$begin` without `client`.
#[doc(hidden)]
#[macro_export]
macro_rules! __async_client {
    (
        $(#[$client_doc:meta])*
        runtime: $runtime:ty,
        begin: $begin:literal,
        top: $top:literal,
        end: $end:literal,
    ) => {
        $(#[$client_doc])*
        #[derive(Clone)]
        pub struct Client {
            driver: $crate::unstable::Client,
        }

        impl ::core::fmt::Debug for Client {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                self.driver.fmt(f)
            }
        }

        /// # Making a client
        impl Client {
            /// Begins a client of the app with this key: sets what is special about it, and builds it.
            ///
            /// ```
            #[doc = $begin]
            /// let client = Client::builder("app-key").cluster("eu").secret("app-secret").build()?;
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn builder(key: &str) -> ClientBuilder {
                ClientBuilder::default().key(key)
            }

            /// Makes a client that connects in the background and stays connected. The configuration is
            /// valid already, so that this does not fail: [`attempted`](Self::attempted),
            /// [`connected`](Self::connected) and [`status`](Self::status) tell whether it could connect.
            ///
            /// # Panics
            /// Where [`try_new`](Self::try_new) returns an error, such as outside of the runtime.
            ///
            /// ```
            #[doc = $begin]
            /// let config = Config::builder("app-key").cluster("eu").build()?;
            /// let client = Client::new(config);
            #[doc = $end]
            /// ```
            #[must_use]
            #[track_caller]
            pub fn new(config: $crate::Config) -> Self {
                Self::with_options(config, $crate::Options::default())
            }

            /// Makes a client with options, such as headers, queues, certificate authorities or an
            /// authorizer.
            ///
            /// # Panics
            /// Where [`try_with_options`](Self::try_with_options) returns an error, such as outside of
            /// the runtime.
            ///
            /// ```
            #[doc = $begin]
            /// let config = Config::builder("app-key").cluster("eu").build()?;
            /// let client = Client::with_options(config, Options::default().name("orders"));
            #[doc = $end]
            /// ```
            #[must_use]
            #[track_caller]
            pub fn with_options(config: $crate::Config, options: $crate::Options) -> Self {
                match Self::try_with_options(config, options) {
                    Ok(client) => client,
                    Err(error) => panic!("{error}"),
                }
            }

            /// Makes a client, or returns why the system or the runtime does not allow it.
            ///
            /// # Errors
            /// [`StartError`](crate::StartError): this is called outside of the runtime, or in one of
            /// tokio's without I/O or time (tokio says so by a panic, which is caught, and written to
            /// standard error as any panic; where panics abort, it aborts), or the system gives no event
            /// queue or no thread to a runtime that has none yet. If a connection cannot be made for
            /// want of file descriptors, that is no such error: it is tried again, as
            /// [`status`](Self::status) tells. And where the networks are to be watched and cannot be.
            ///
            /// ```
            #[doc = $begin]
            /// let config = Config::builder("app-key").cluster("eu").build()?;
            /// match Client::try_new(config) {
            ///     Ok(client) => println!("{:?}", client.status().state),
            ///     Err(error) => eprintln!("no client: {error}"),
            /// }
            #[doc = $end]
            /// ```
            pub fn try_new(
                config: $crate::Config,
            ) -> ::core::result::Result<Self, $crate::StartError> {
                Self::try_with_options(config, $crate::Options::default())
            }

            /// Makes a client with options, or returns why the system or the runtime does not allow it.
            ///
            /// # Errors
            /// [`StartError`](crate::StartError), where [`try_new`](Self::try_new) returns it, and if
            /// options that are good each by itself do not go together, such as a certificate that the
            /// chosen TLS library does not take.
            ///
            /// ```
            #[doc = $begin]
            /// let config = Config::builder("app-key").cluster("eu").build()?;
            /// let client = Client::try_with_options(config, Options::default().name("orders"))?;
            #[doc = $end]
            /// ```
            pub fn try_with_options(
                config: $crate::Config,
                options: $crate::Options,
            ) -> ::core::result::Result<Self, $crate::StartError> {
                let (client, pump) = Self::try_with_pump(config, options)?;
                <$runtime as $crate::unstable::Spawn>::spawn(pump.pump);
                Ok(client)
            }

            /// Makes a client without a task: the second value is the future that does its work, for you
            /// to run on whatever executor. Nothing happens unless it runs. It ends by itself when the
            /// last clone of the client is dropped.
            ///
            /// This looks at nothing of the runtime. Where that lacks something, the future panics when
            /// it runs; see [`try_with_pump`](Self::try_with_pump). Where the networks are to be watched
            /// and cannot be, the log alone says so. Options that do not go together are not refused
            /// here either: each dial fails, and says why.
            ///
            /// ```
            #[doc = $begin]
            /// let config = Config::builder("app-key").cluster("eu").build()?;
            /// let (client, pump) = Client::with_pump(config, Options::default());
            /// std::thread::spawn(move || your_executor::block_on(pump));
            /// # mod your_executor { pub fn block_on<F: Future>(_: F) {} }
            #[doc = $end]
            /// ```
            #[must_use = "nothing happens unless the pump runs"]
            pub fn with_pump(config: $crate::Config, options: $crate::Options) -> (Self, Pump) {
                let runtime = <$runtime as $crate::unstable::Spawn>::current();
                let (driver, pump) = $crate::unstable::client(config, options, runtime);
                (Self { driver }, Pump { pump })
            }

            /// Makes a client without a task, or returns what it would lack in this place.
            ///
            /// # Errors
            /// [`StartError`](crate::StartError), where [`try_new`](Self::try_new) returns it.
            ///
            /// ```
            #[doc = $begin]
            /// let config = Config::builder("app-key").cluster("eu").build()?;
            /// let (client, pump) = Client::try_with_pump(config, Options::default())?;
            /// std::thread::spawn(move || your_executor::block_on(pump));
            /// # mod your_executor { pub fn block_on<F: Future>(_: F) {} }
            #[doc = $end]
            /// ```
            pub fn try_with_pump(
                config: $crate::Config,
                options: $crate::Options,
            ) -> ::core::result::Result<(Self, Pump), $crate::StartError> {
                <$runtime as $crate::unstable::Spawn>::ready()?;
                let options = $crate::unstable::ready(&config, options)?;
                Ok(Self::with_pump(config, options))
            }

            /// Returns a handle that does not keep the client alive.
            ///
            /// ```
            #[doc = $begin]
            /// let weak = client.downgrade();
            /// drop(client);
            /// assert!(weak.upgrade().is_none());
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn downgrade(&self) -> WeakClient {
                WeakClient { driver: self.driver.downgrade() }
            }

            fn commands(&self) -> &$crate::unstable::Commands {
                self.driver.commands()
            }

            /// For what is written for all runtimes at once, within this workspace.
            #[doc(hidden)]
            #[must_use]
            pub fn __driver(&self) -> &$crate::unstable::Client {
                &self.driver
            }
        }

        $crate::__client_futures! { $begin, $end }
        $crate::__client_commands! { Client, Client, $begin, $end }

        $crate::__async_builder! { $top, $end }

        /// A handle to a [`Client`] that does not keep it alive, made by [`Client::downgrade`]: for an
        /// authorizer, a recording's sink or a task that is to end with the client.
        ///
        /// A client ends when its last clone is dropped. An authorizer that holds a `Client` is held by
        /// that client, which then never ends; with a `WeakClient` it does.
        ///
        /// ```
        #[doc = $begin]
        /// use std::sync::{Arc, OnceLock};
        ///
        /// let place = Arc::new(OnceLock::<WeakClient>::new());
        /// let shared = place.clone();
        /// let client = Client::builder("app-key")
        ///     .cluster("eu")
        ///     .authorizer(move |request: AuthorizationRequest| {
        ///         let client = shared.get().and_then(WeakClient::upgrade);
        ///         let attempt = client.map(|client| client.status().attempt);
        ///         async move {
        ///             println!("{} on attempt {attempt:?}", request.subject);
        ///             Ok(Authorization::new("app-key:5f…"))
        ///         }
        ///     })
        ///     .build()?;
        /// let _ = place.set(client.downgrade());
        #[doc = $end]
        /// ```
        #[derive(Clone)]
        pub struct WeakClient {
            driver: $crate::unstable::WeakClient,
        }

        impl WeakClient {
            /// Returns the client, unless its last clone is gone. While the returned one is held, it keeps
            /// the client alive.
            ///
            /// ```
            #[doc = $begin]
            /// let weak = client.downgrade();
            /// if let Some(client) = weak.upgrade() {
            ///     client.network_changed();
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn upgrade(&self) -> ::core::option::Option<Client> {
                Some(Client { driver: self.driver.upgrade()? })
            }
        }

        impl ::core::fmt::Debug for WeakClient {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct("WeakClient").finish_non_exhaustive()
            }
        }

        /// The future that does a client's work, made by [`Client::with_pump`]. It ends by itself, within
        /// moments, once the last clone of the client is dropped and the connection closed.
        ///
        /// ```
        #[doc = $begin]
        /// let config = Config::builder("app-key").cluster("eu").build()?;
        /// let (client, pump) = Client::with_pump(config, Options::default());
        /// let closed = async {
        ///     client.shutdown().await;
        ///     drop(client);
        /// };
        /// # use futures_util::future::join;
        /// join(pump, closed).await; // of the crate `futures-util`
        #[doc = $end]
        /// ```
        #[must_use = "nothing happens unless it runs"]
        pub struct Pump {
            pump: $crate::unstable::Pump<$runtime>,
        }

        impl ::core::future::Future for Pump {
            type Output = ();

            fn poll(
                mut self: ::core::pin::Pin<&mut Self>,
                context: &mut ::core::task::Context<'_>,
            ) -> ::core::task::Poll<()> {
                ::core::pin::Pin::new(&mut self.pump).poll(context)
            }
        }

        impl ::core::fmt::Debug for Pump {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct("Pump").finish_non_exhaustive()
            }
        }
    };
}
