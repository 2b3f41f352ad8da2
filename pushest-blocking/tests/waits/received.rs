//! The receivers of the client with a thread.

use std::any::Any;
use std::ops::Deref;
use std::time::Duration;

use pushest_blocking::{RecvError, SubscribeError, TypedEvents};
use pushest_conformance::receivers::{Receive, Receives, word};
use pushest_testkit::conformance::Unmet;

use super::Spawned;

/// The receiver's events in words.
macro_rules! words {
    ($receiver:expr) => {{
        let mut receiver = $receiver;
        Box::new(move |limit| ended(receiver.recv_timeout(limit).map(|event| word(&event))))
    }};
}

impl Receives for Spawned {
    fn keep(&self) -> Box<dyn Any> {
        Box::new(self.client.clone())
    }

    fn events(&self) -> Receive {
        words!(self.client.events())
    }

    fn user_events(&self) -> Receive {
        words!(self.client.user_events())
    }

    fn receive(&self, channel: &str) -> Result<Receive, SubscribeError> {
        Ok(words!(self.client.subscribe(channel)?))
    }

    fn typed(&self, channel: &str, event: &str) -> Receive {
        let subscription = self.client.subscribe(channel).expect("a good name");
        let mut events: TypedEvents<serde_json::Value> = subscription.on(event);
        let mut has_told = false;
        Box::new(move |limit: Duration| {
            let value = ended(events.recv_timeout(limit).map(|value| format!("{value:?}")))?;
            let last = events.ended_by().filter(|_| !std::mem::replace(&mut has_told, true));
            Ok(value.or(last.map(|change| format!("{:?}", change.to))))
        })
    }

    fn hold(&self, channel: &str) -> Box<dyn Deref<Target = pushest_driver::Subscription>> {
        Box::new(self.client.subscribe(channel).expect("a good name"))
    }
}

fn ended(received: Result<String, RecvError>) -> Result<Option<String>, Unmet> {
    match received {
        Ok(word) => Ok(Some(word)),
        Err(RecvError::Closed) => Ok(None),
        Err(RecvError::Timeout) => Err(Unmet::TimedOut),
    }
}
