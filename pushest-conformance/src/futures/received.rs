//! The receivers of clients whose methods are futures.

use std::any::Any;

use pushest_driver::proto::Event;
use pushest_driver::{Events, SubscribeError, Subscription, TypedEvents};
use pushest_testkit::conformance::Unmet;
use serde::de::DeserializeOwned;

use super::{Futures, Start, block_on};
use crate::receivers::{Held, Receive, ReceiveTyped, Receives, options, word};

impl<S: Start> Receives for Futures<S> {
    fn keep(&self) -> Box<dyn Any> {
        Box::new(S::driver(&self.client).clone())
    }

    fn events(&self) -> Receive {
        all_of(S::driver(&self.client).events())
    }

    fn user_events(&self) -> Receive {
        all_of(S::driver(&self.client).user_events())
    }

    fn receive(&self, channel: &str) -> Result<Receive, SubscribeError> {
        let mut subscription = S::driver(&self.client).subscribe(channel)?;
        Ok(Box::new(move |limit| words(block_on(subscription.recv(), limit))))
    }

    fn on<T: DeserializeOwned + 'static>(&self, channel: &str, event: &str) -> ReceiveTyped<T> {
        items(self.typed(channel).on(event))
    }

    fn messages<E: DeserializeOwned + 'static>(&self, channel: &str) -> ReceiveTyped<E> {
        items(self.typed(channel).messages())
    }

    fn hold(&self, channel: &str) -> Box<dyn Held> {
        let subscription = S::driver(&self.client).subscribe(channel).expect("a good name");
        Box::new(subscription)
    }
}

impl<S: Start> Futures<S> {
    fn typed(&self, channel: &str) -> Subscription {
        let options = options(channel);
        S::driver(&self.client).subscribe_with(channel, &options).expect("a good name")
    }
}

fn all_of(mut events: Events) -> Receive {
    Box::new(move |limit| words(block_on(events.recv(), limit)))
}

fn items<T: 'static>(mut events: TypedEvents<T>) -> ReceiveTyped<T> {
    Box::new(move |limit| block_on(events.recv(), limit).ok_or(Unmet::TimedOut))
}

fn words(received: Option<Option<Event>>) -> Result<Option<String>, Unmet> {
    Ok(received.ok_or(Unmet::TimedOut)?.as_ref().map(word))
}
