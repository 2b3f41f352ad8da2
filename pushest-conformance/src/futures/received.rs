//! The receivers of clients whose methods are futures.

use std::any::Any;
use std::time::Duration;

use pushest_driver::proto::Event;
use pushest_driver::{Events, SubscribeError, TypedEvents};
use pushest_testkit::conformance::Unmet;

use super::{Futures, Start, block_on};
use crate::receivers::{Held, Receive, Receives, word};

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

    fn typed(&self, channel: &str, event: &str) -> Receive {
        let subscription = S::driver(&self.client).subscribe(channel).expect("a good name");
        let mut events: TypedEvents<serde_json::Value> = subscription.on(event);
        let mut has_told = false;
        Box::new(move |limit: Duration| {
            let value = block_on(events.recv(), limit).ok_or(Unmet::TimedOut)?;
            let last = events.ended_by().filter(|_| !std::mem::replace(&mut has_told, true));
            let last = last.map(|change| format!("{:?}", change.to));
            Ok(value.map(|value| format!("{value:?}")).or(last))
        })
    }

    fn hold(&self, channel: &str) -> Box<dyn Held> {
        let subscription = S::driver(&self.client).subscribe(channel).expect("a good name");
        Box::new(subscription)
    }
}

fn all_of(mut events: Events) -> Receive {
    Box::new(move |limit| words(block_on(events.recv(), limit)))
}

fn words(received: Option<Option<Event>>) -> Result<Option<String>, Unmet> {
    Ok(received.ok_or(Unmet::TimedOut)?.as_ref().map(word))
}
