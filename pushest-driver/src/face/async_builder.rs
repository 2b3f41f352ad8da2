//! How a client whose methods are futures is built, and run with a handler.

/// Writes `ClientBuilder`, `Handler`, `run` and `run_with_options` for the `Client` of
/// [`__async_client`](crate::__async_client).
#[doc(hidden)]
#[macro_export]
macro_rules! __async_builder {
    ($top:literal, $end:literal) => {
        $crate::__client_builder! {
            /// Collects the settings of a [`Client`], and makes it: from [`Client::builder`], or from
            /// `ClientBuilder::default()`, which has no key yet, for [`url`](Self::url) and
            /// [`env`](Self::env).
            ///
            /// Settings are checked by [`build`](Self::build), which returns the first error. A clone
            /// makes another client with the same settings.
            ///
            /// ```
            #[doc = $top]
            /// let client = Client::builder("app-key")
            ///     .cluster("eu")
            ///     .secret("app-secret")
            ///     .name("orders")
            ///     .queue(10_000, 32 * 1024 * 1024)
            ///     .build()?; // connects in the background
            /// let mut orders = client.subscribe("private-orders")?;
            #[doc = $end]
            /// ```
            ClientBuilder for Client,
            top: $top,
            new: " let client = Client::builder(\"app-key\")",
            end: "     .build()?;\n # Ok(()) }",
        }

        $crate::__authorizer_setting! {
            ClientBuilder,
            $top,
            " let client = Client::builder(\"app-key\")",
            "     .cluster(\"eu\")\n     .build()?;\n # Ok(()) }"
        }

        /// # Building
        impl ClientBuilder {
            /// Makes the client. It connects in the background and stays connected:
            /// [`attempted`](Client::attempted), [`connected`](Client::connected) and
            /// [`status`](Client::status) tell whether it could connect.
            ///
            /// # Errors
            /// [`BuildError`](crate::BuildError): a setting that breaks a rule, or no key; or the system or
            /// the runtime does not allow a client here, see [`try_new`](Client::try_new).
            ///
            /// ```
            #[doc = $top]
            /// match ClientBuilder::default().url("pusher://app-key@127.0.0.1:6001").build() {
            ///     Ok(client) => println!("{:?}", client.status().state),
            ///     Err(BuildError::Config(error)) => eprintln!("not configured: {error}"),
            ///     Err(error) => eprintln!("no client: {error}"),
            /// }
            #[doc = $end]
            /// ```
            pub fn build(self) -> ::core::result::Result<Client, $crate::BuildError> {
                let (config, options) = self.settings.finish()?;
                Ok(Client::try_with_options(config, options)?)
            }

            /// Makes the client without a task: the second value is the future that does its work, for you
            /// to run on whatever executor.
            ///
            /// # Errors
            /// [`BuildError`](crate::BuildError), where [`build`](Self::build) returns it.
            ///
            /// ```
            #[doc = $top]
            /// let (client, pump) = Client::builder("app-key").cluster("eu").build_with_pump()?;
            /// std::thread::spawn(move || your_executor::block_on(pump));
            /// # mod your_executor { pub fn block_on<F: Future>(_: F) {} }
            #[doc = $end]
            /// ```
            pub fn build_with_pump(
                self,
            ) -> ::core::result::Result<(Client, Pump), $crate::BuildError> {
                let (config, options) = self.settings.finish()?;
                Ok(Client::try_with_pump(config, options)?)
            }

            /// Makes the client and runs it with a handler; see [`run`].
            ///
            /// # Errors
            /// [`RunError`](crate::RunError), where [`run`] returns it, and for a setting that breaks a
            /// rule.
            ///
            /// ```
            #[doc = $top]
            /// struct Printer;
            ///
            /// impl Handler for Printer {
            ///     fn on_event(&mut self, client: &Client, event: Event) {
            ///         println!("{event:?}");
            ///     }
            /// }
            ///
            /// Client::builder("app-key").cluster("eu").run(Printer).await?;
            #[doc = $end]
            /// ```
            pub async fn run<H: Handler>(
                self,
                handler: H,
            ) -> ::core::result::Result<(), $crate::RunError> {
                let (config, options) = self.settings.finish()?;
                run_with_options(config, options, handler).await
            }
        }

        $crate::__handler! {
            /// Handles everything that happens to a client; for [`run`].
            ///
            /// ```
            #[doc = $top]
            /// struct Printer;
            ///
            /// impl Handler for Printer {
            ///     fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
            ///         vec![("news".to_string(), SubscribeOptions::default())]
            ///     }
            ///
            ///     fn on_event(&mut self, client: &Client, event: Event) {
            ///         if let Event::Channel(event) = event {
            ///             println!("{}: {}", event.name(), event.text());
            ///             if event.name() == "last-news" {
            ///                 client.disconnect();
            ///             }
            ///         }
            ///     }
            /// }
            ///
            /// run(config_from_env()?, Printer).await?;
            #[doc = $end]
            /// ```
        }

        /// Makes a client, subscribes to the handler's initial channels, and tells the handler everything,
        /// until the handler disconnects or the server refuses for good. After a disconnect it waits for
        /// the connection to be closed. [`Handler`] has an example.
        ///
        /// # Errors
        /// [`RunError`](crate::RunError) if the client cannot be made, an initial channel cannot be
        /// subscribed to, or on a refusal.
        ///
        /// ```
        #[doc = $top]
        /// # struct Printer;
        /// # impl Handler for Printer { fn on_event(&mut self, _: &Client, _: Event) {} }
        /// let config = Config::builder("app-key").cluster("eu").build()?;
        /// if let Err(error) = run(config, Printer).await {
        ///     eprintln!("{error}");
        /// }
        #[doc = $end]
        /// ```
        pub async fn run<H: Handler>(
            config: $crate::Config,
            handler: H,
        ) -> ::core::result::Result<(), $crate::RunError> {
            run_with_options(config, $crate::Options::default(), handler).await
        }

        /// Runs a client with options and a handler; see [`run`].
        ///
        /// # Errors
        /// [`RunError`](crate::RunError) if the client cannot be made, an initial channel cannot be
        /// subscribed to, or on a refusal.
        ///
        /// ```
        #[doc = $top]
        /// # struct Printer;
        /// # impl Handler for Printer { fn on_event(&mut self, _: &Client, _: Event) {} }
        /// let config = Config::builder("app-key").cluster("eu").build()?;
        /// run_with_options(config, Options::default().name("printer"), Printer).await?;
        #[doc = $end]
        /// ```
        pub async fn run_with_options<H: Handler>(
            config: $crate::Config,
            options: $crate::Options,
            mut handler: H,
        ) -> ::core::result::Result<(), $crate::RunError> {
            let client = Client::try_with_options(config, options.start_disconnected())?;
            let channels = handler.initial_channels();
            let on_event = |event| handler.on_event(&client, event);
            $crate::unstable::run(&client.driver, channels, on_event).await
        }
    };
}
