//! How the two clients of this crate are called from code that they run.

use std::sync::Arc;
use std::time::Duration;

use pushest_blocking::{Client, Commands};

use crate::callbacks::{Called, Calls, look_at};
use crate::waits::{Spawned, Unspawned};

impl Called for Spawned {
    fn calls(&self) -> Arc<dyn Calls> {
        Arc::new(self.client.clone())
    }
}

impl Calls for Client {
    fn command(&self) {
        look_at(self);
    }

    /// On the client's own thread nothing waits.
    fn look(&self) {
        self.command();
        let other = self.subscribe("other").expect("a good channel");
        let (mut events, mut user_events) = (self.events(), self.user_events());
        let limit = Duration::from_secs(1);
        let _ = (self.connected(), self.connected_within(limit), other.subscribed());
        let _ = (self.flush(), self.ping(), self.flush_within(limit), self.signed_in());
        let _ = self.trigger_when_allowed("private-chat", "client-hello", &1);
        let _ = (events.recv(), events.recv_timeout(limit), user_events.recv());
    }

    fn shut_down(&self) {
        self.shutdown();
    }
}

impl Called for Unspawned {
    fn calls(&self) -> Arc<dyn Calls> {
        Arc::new(Remote((*self.0).clone()))
    }
}

/// What can be called of a client that only one can have.
struct Remote(Commands);

impl Calls for Remote {
    fn command(&self) {
        look_at(&self.0);
    }

    fn look(&self) {
        self.command();
    }

    fn shut_down(&self) {
        self.0.disconnect();
    }
}
