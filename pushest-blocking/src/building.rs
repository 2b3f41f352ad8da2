//! The builders of both clients.

use pushest_driver::{BuildError, RunError};

use crate::client::Client;
use crate::connection::Connection;
use crate::options::Options;
use crate::running::{Handler, run_with_options};

pushest_driver::__client_builder! {
    /// Collects the settings of a [`Client`], and makes it: from [`Client::builder`], or from
    /// `ClientBuilder::default()`, which has no key yet, for [`url`](Self::url) and [`env`](Self::env).
    ///
    /// Settings are checked by [`build`](Self::build), which returns the first error. A clone makes another
    /// client with the same settings.
    ///
    /// ```no_run
    /// use pushest_blocking::Client;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder("app-key")
    ///     .cluster("eu")
    ///     .secret("app-secret")
    ///     .name("orders")
    ///     .queue(10_000, 32 * 1024 * 1024)
    ///     .build()?; // connects in the background
    /// let mut orders = client.subscribe("private-orders")?;
    /// # Ok(())
    /// # }
    /// ```
    ClientBuilder for Client,
    top: " # use pushest_blocking::*; use std::time::Duration; fn example() \
        -> Result<(), Box<dyn std::error::Error>> {",
    new: " let client = Client::builder(\"app-key\")",
    end: "     .build()?;\n # Ok(()) }",
}

/// # Building
impl ClientBuilder {
    /// Makes the client. It connects in the background and stays connected: [`Client::attempted`],
    /// [`Client::connected`] and [`Client::status`] tell whether it could connect.
    ///
    /// # Errors
    /// [`BuildError`]: a setting that breaks a rule, or no key; or the system gives no event queue or no
    /// thread.
    ///
    /// ```no_run
    /// use pushest_blocking::{BuildError, ClientBuilder};
    ///
    /// match ClientBuilder::default().url("pusher://app-key@127.0.0.1:6001").build() {
    ///     Ok(client) => println!("{:?}", client.status().state),
    ///     Err(BuildError::Config(error)) => eprintln!("not configured: {error}"),
    ///     Err(error) => eprintln!("no client: {error}"),
    /// }
    /// ```
    pub fn build(self) -> Result<Client, BuildError> {
        let (config, options) = self.settings.finish()?;
        Ok(Client::try_with_options(config, options.into())?)
    }

    /// Makes the client and runs it with a handler, until the handler disconnects or the server refuses for
    /// good; see [`run`](crate::run).
    ///
    /// # Errors
    /// [`RunError`], where [`run`](crate::run) returns it, and for a setting that breaks a rule.
    ///
    /// ```no_run
    /// use pushest_blocking::{Client, Event, Handler};
    ///
    /// struct Printer;
    ///
    /// impl Handler for Printer {
    ///     fn on_event(&mut self, client: &Client, event: Event) {
    ///         println!("{event:?}");
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// Client::builder("app-key").cluster("eu").run(Printer)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn run<H: Handler>(self, handler: H) -> Result<(), RunError> {
        let (config, options) = self.settings.finish()?;
        run_with_options(config, options.into(), handler)
    }
}

pushest_driver::__client_builder! {
    /// Collects the settings of a [`Connection`], and makes it: from [`Connection::builder`], or from
    /// `ConnectionBuilder::default()`, which has no key yet, for [`url`](Self::url) and
    /// [`env`](Self::env).
    ///
    /// Settings are checked by [`build`](Self::build), which returns the first error. A clone makes another
    /// connection with the same settings.
    ///
    /// ```no_run
    /// use pushest_blocking::Connection;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut connection = Connection::builder("app-key")
    ///     .cluster("eu")
    ///     .secret("app-secret")
    ///     .name("orders")
    ///     .build()?; // connects with the first call that waits
    /// connection.subscribe("private-orders")?;
    /// # Ok(())
    /// # }
    /// ```
    ConnectionBuilder for Connection,
    top: " # use pushest_blocking::*; use std::time::Duration; fn example() \
        -> Result<(), Box<dyn std::error::Error>> {",
    new: " let connection = Connection::builder(\"app-key\")",
    end: "     .build()?;\n # Ok(()) }",
}

/// # Building
impl ConnectionBuilder {
    /// Makes the connection, which connects as soon as something is waited for.
    ///
    /// # Errors
    /// [`BuildError`]: a setting that breaks a rule, or no key; or the system gives no event queue.
    ///
    /// ```no_run
    /// use pushest_blocking::Connection;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut connection = Connection::builder("app-key").cluster("eu").build()?;
    /// connection.attempted()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn build(self) -> Result<Connection, BuildError> {
        let (config, options) = self.settings.finish()?;
        Ok(Connection::try_with_options(config, options.into())?)
    }
}
