//! How the two clients of this crate are called from code that they run.

use std::sync::Arc;
use std::time::Duration;

use pushest_blocking::{Client, ConnectionHandle};
use pushest_conformance::callbacks::{Called, Calls, look_at};

use super::{Spawned, Unspawned};

/// What can be called of a client that any number of handles can have.
struct Shared(Client);

impl Called for Spawned {
    fn calls(&self) -> Arc<dyn Calls> {
        Arc::new(Shared(self.client.clone()))
    }
}

impl Calls for Shared {
    fn command(&self) {
        look_at(self.0.__driver().commands());
    }

    /// On the client's own thread nothing waits.
    fn look(&self) {
        self.command();
        let Self(client) = self;
        let other = client.subscribe("other");
        let (mut events, mut user_events) = (client.events(), client.user_events());
        let limit = Duration::from_secs(1);
        let _ = (client.connected(), client.connected_timeout(limit));
        let _ = other.map(|other| other.subscribed());
        let _ = (client.flush(), client.flush_timeout(limit), client.signed_in());
        let _ = client.trigger_when_allowed("private-chat", "client-hello", &1);
        let _ = (events.recv(), events.recv_timeout(limit), user_events.recv());
    }

    fn shut_down(&self) {
        self.0.shutdown();
    }
}

impl Called for Unspawned {
    fn calls(&self) -> Arc<dyn Calls> {
        Arc::new(Remote(self.0.handle()))
    }
}

/// What can be called of a client that only one can have.
struct Remote(ConnectionHandle);

impl Calls for Remote {
    fn command(&self) {
        look_at(self.0.__commands());
    }

    fn look(&self) {
        self.command();
    }

    fn shut_down(&self) {
        self.0.disconnect();
    }
}
