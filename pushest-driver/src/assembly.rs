//! Builds a client from the other modules: for any runtime, and for one that can spawn.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use pushest_proto::Config;

use crate::client::Client;
use crate::error::StartError;
use crate::handler::{Handler, RunError, run};
use crate::hub::Hub;
use crate::options::Options;
use crate::pump::Pump;
use crate::runtime::traits::Runtime;
use crate::subscription::Events;

/// Creates a client, and the future that must run for anything to happen. It ends by itself, within
/// moments, once the last clone of the client is dropped.
pub fn client<R: Runtime>(config: Config, options: Options, runtime: R) -> (Client, Pump<R>) {
    let runtime = Arc::new(runtime);
    let clock = runtime.clone();
    let starts_disconnected = options.starts_disconnected;
    let hub = Arc::new(Hub::new(config, options, Box::new(move || clock.now())));
    let client = Client::new(hub.clone());
    if !starts_disconnected {
        client.connect();
    }
    (client, Pump::new(hub, runtime))
}

/// Drops a handle to a client. Returns whether it was the last one, so that the pump ends by itself:
/// for drivers that wait for that.
pub fn release(client: Client) -> bool {
    client.release()
}

/// Sets whether a receiver goes on after a `connect` that follows a shutdown or a refusal for good:
/// for drivers whose client is its own receiver. Until that `connect` it returns `None`.
pub fn set_lasting(events: &mut Events, is_lasting: bool) {
    events.set_lasting(is_lasting);
}

/// A runtime that can run a client by itself, in a task.
pub trait Spawn: Runtime + Sized {
    /// Returns the runtime that this is called in.
    fn current() -> Self;

    /// Spawns the pump, which runs until it ends.
    fn spawn(pump: Pump<Self>);

    /// Checks that the operating system and the runtime give what [`Spawn::spawn`] and the pump
    /// need; without it they would panic. By default they need nothing.
    ///
    /// # Errors
    /// [`StartError`], with what is missing.
    fn ready() -> Result<(), StartError> {
        Ok(())
    }
}

/// A client that a runtime runs: the `Client` of that runtime's crate. Everything that it can do
/// stands at [`Client`], which it derefs to.
///
/// Its connection is one task, which ends when the last clone is dropped.
pub struct ClientOn<R> {
    client: Client,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Spawn> ClientOn<R> {
    /// A client that connects in the background and stays connected. This cannot fail:
    /// [`connected`](Client::connected) and [`status`](crate::Commands::status) tell how it goes.
    ///
    /// # Panics
    /// Where the runtime cannot spawn, as tokio outside of its runtime, or in one without I/O and
    /// time.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_options(config, Options::default())
    }

    /// The same with options: certificate authorities, headers, queues, an authorizer.
    ///
    /// # Panics
    /// As [`ClientOn::new`].
    #[must_use]
    pub fn with_options(config: Config, options: Options) -> Self {
        let (client, pump) = Self::with_pump(config, options);
        R::spawn(pump);
        client
    }

    /// As [`ClientOn::new`], for programs that go on where no client can be made.
    ///
    /// # Errors
    /// [`StartError`]: this is called outside of the runtime, or in one of tokio's without I/O and time
    /// (of which tokio's panic is caught, and written to standard error as any panic; where panics
    /// abort, it aborts), or the system gives no event queue or no thread to a runtime that has none
    /// yet. A connection that cannot be made for want of file
    /// descriptors is none of these: it is tried again, as [`status`](crate::Commands::status) tells.
    pub fn try_new(config: Config) -> Result<Self, StartError> {
        Self::try_with_options(config, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`ClientOn::try_new`].
    pub fn try_with_options(config: Config, options: Options) -> Result<Self, StartError> {
        let (client, pump) = Self::try_with_pump(config, options)?;
        R::spawn(pump);
        Ok(client)
    }

    /// As [`ClientOn::with_pump`], for programs that go on where no client can be made.
    ///
    /// # Errors
    /// As [`ClientOn::try_new`].
    pub fn try_with_pump(config: Config, options: Options) -> Result<(Self, Pump<R>), StartError> {
        R::ready()?;
        Ok(Self::with_pump(config, options))
    }

    /// The same without a task: the future is for you to run, on whatever executor. Nothing happens
    /// unless it runs; it ends by itself when the last clone of the client is dropped.
    ///
    /// # Panics
    /// As [`ClientOn::new`].
    pub fn with_pump(config: Config, options: Options) -> (Self, Pump<R>) {
        let (client, pump) = client(config, options, R::current());
        (Self { client, runtime: PhantomData }, pump)
    }
}

/// Makes a client, and tells the handler everything until the handler disconnects or the server
/// refuses for good: the `run` of a runtime's crate.
///
/// # Errors
/// [`RunError`] if the client cannot be made, an initial channel cannot be subscribed to, or on a
/// refusal.
pub async fn run_on<R: Spawn, H: Handler<ClientOn<R>>>(
    config: Config,
    options: Options,
    handler: H,
) -> Result<(), RunError> {
    let client = ClientOn::try_with_options(config, options.start_disconnected());
    run(client.map_err(RunError::Start)?, handler).await
}

impl<R> Clone for ClientOn<R> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), runtime: PhantomData }
    }
}

impl<R> Deref for ClientOn<R> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl<R> AsRef<Client> for ClientOn<R> {
    fn as_ref(&self) -> &Client {
        &self.client
    }
}

impl<R> fmt::Debug for ClientOn<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}
