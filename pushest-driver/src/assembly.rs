//! Builds a client from the other modules: for any runtime, and for one that can spawn.

use std::sync::Arc;

use pushest_proto::Config;

use crate::client::Client;
use crate::dial::host_name::check_endpoints;
use crate::error::StartError;
use crate::hub::Hub;
use crate::options::Options;
use crate::pump::Pump;
use crate::subscription::Events;
use crate::unstable::traits::Runtime;

/// Creates a client, and the future that must run for anything to happen. It ends by itself, within
/// moments, once the last clone of the client is dropped.
///
/// What [`ready`] checks is not checked here; a dial says what is wrong then. Where the options ask for a
/// watch of the networks that [`ready`] has not begun, it begins here, and the log says if it cannot.
pub fn client<R: Runtime>(config: Config, mut options: Options, runtime: R) -> (Client, Pump<R>) {
    let runtime = Arc::new(runtime);
    let clock = runtime.clone();
    let starts_disconnected = options.starts_disconnected;
    // The pump's own: receivers that outlive it keep the options.
    let network = std::mem::take(&mut options.network);
    let hub = Arc::new(Hub::new(config, options, Box::new(move || clock.now())));
    let watched = Arc::downgrade(&hub);
    let network = network.watch(move || {
        if let Some(hub) = watched.upgrade() {
            hub.wake_pump();
        }
    });
    let client = Client::new(hub.clone());
    if !starts_disconnected {
        client.connect();
    }
    (client, Pump::new(hub, runtime, network))
}

/// Checks the settings of the client that is made with them next, as its builder would, and begins to watch
/// the networks of the machine where the options ask for it.
///
/// # Errors
/// [`StartError::Config`], [`StartError::Options`], and [`StartError::NetworkWatch`] where they cannot be
/// watched.
pub fn ready(config: &Config, mut options: Options) -> Result<Options, StartError> {
    options.check()?;
    check_endpoints(config)?;
    options.network.begin().map_err(|error| StartError::NetworkWatch(Arc::new(error)))?;
    Ok(options)
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
    /// Tells apart the event loops that sockets can belong to, where a process may have several.
    type Home: PartialEq + Copy + Send + Sync + 'static;

    /// Returns the runtime that this is called in.
    fn current() -> Self;

    /// Spawns the pump, which runs until it ends.
    fn spawn(pump: Pump<Self>);

    /// Returns the event loop that sockets belong to which are made here, and that can wait for them.
    ///
    /// # Errors
    /// [`StartError`], outside of the runtime.
    fn home() -> Result<Self::Home, StartError>;

    /// Checks that the operating system and the runtime give what [`Spawn::spawn`] and the pump
    /// need; without it they would panic. By default they need nothing.
    ///
    /// # Errors
    /// [`StartError`], with what is missing.
    fn ready() -> Result<(), StartError> {
        Ok(())
    }
}
