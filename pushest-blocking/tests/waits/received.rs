//! The receivers of the client with a thread.

use std::any::Any;

use pushest_blocking::{RecvError, SubscribeError, Subscription, TypedEvents};
use pushest_conformance::driver;
use pushest_conformance::receivers::{Held, Receive, ReceiveTyped, Receives, options, word};
use pushest_testkit::conformance::Unmet;
use serde::de::DeserializeOwned;

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

    fn on<T: DeserializeOwned + 'static>(&self, channel: &str, event: &str) -> ReceiveTyped<T> {
        items(self.typed(channel).on(event))
    }

    fn messages<E: DeserializeOwned + 'static>(&self, channel: &str) -> ReceiveTyped<E> {
        items(self.typed(channel).messages())
    }

    fn hold(&self, channel: &str) -> Box<dyn Held> {
        Box::new(Kept(self.client.subscribe(channel).expect("a good name")))
    }
}

struct Kept(Subscription);

impl Held for Kept {
    fn driver(&self) -> &driver::Subscription {
        self.0.__driver()
    }
}

impl Spawned {
    fn typed(&self, channel: &str) -> Subscription {
        self.client.subscribe_with(channel, &options(channel)).expect("a good name")
    }
}

fn items<T: 'static>(mut events: TypedEvents<T>) -> ReceiveTyped<T> {
    Box::new(move |limit| ended(events.recv_timeout(limit)))
}

fn ended<T>(received: Result<T, RecvError>) -> Result<Option<T>, Unmet> {
    match received {
        Ok(item) => Ok(Some(item)),
        Err(RecvError::Closed) => Ok(None),
        Err(RecvError::Timeout) => Err(Unmet::TimedOut),
    }
}
