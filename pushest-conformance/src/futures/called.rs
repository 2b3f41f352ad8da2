//! How clients whose methods are futures are called from code that they run.

use std::sync::Arc;
use std::time::Duration;

use pushest_driver::unstable::Client;

use super::{Futures, Start, block_on};
use crate::callbacks::{Called, Calls, look_at};

impl<S: Start> Called for Futures<S> {
    fn calls(&self) -> Arc<dyn Calls> {
        Arc::new(S::driver(&self.client).clone())
    }
}

impl Calls for Client {
    fn command(&self) {
        look_at(self.commands());
    }

    fn look(&self) {
        self.command();
        let other = self.subscribe("other");
        let mut receivers = (self.events(), self.user_events());
        // What the client, which runs this, has not got yet cannot be waited for.
        let now = Duration::ZERO;
        let _ = block_on(self.connected(), now);
        let _ = other.map(|other| block_on(other.subscribed(), now));
        let _ = (block_on(self.flush(), now), block_on(self.signed_in(), now));
        let _ = block_on(self.trigger_when_allowed("private-chat", "client-hello", &1), now);
        let _ = (block_on(receivers.0.recv(), now), block_on(receivers.1.recv(), now));
    }

    fn shut_down(&self) {
        block_on(self.shutdown(), Duration::MAX / 2).expect("it does not wait in here");
    }
}
