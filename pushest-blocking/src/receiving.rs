//! The receiving ends of a [`Client`](crate::Client): they block the thread that receives.

use std::ops::Deref;
use std::time::Duration;

use pushest_driver::{CommandError, Event, SubscriptionError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reactor::LoopId;
use crate::waiting::{subscribed, wait_for_on};

/// Why nothing was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecvError {
    /// Nothing was there, or came within the timeout. Something may come later.
    #[error("nothing was received in time")]
    Timeout,
    /// The subscription or the client has ended (a `Connection` until the next `connect`), and
    /// everything was received.
    #[error("the receiver has ended")]
    Closed,
}

/// What every receiver can do, over what it waits with: `Option<Duration>` to `Option<Option<_>>`,
/// `None` if nothing came in that time, `Some(None)` after the end.
macro_rules! receiver {
    ($receiver:ident<$($shape:ident)?> of $item:ty $(where $bound:path)?, $wait:expr) => {
        impl<$($shape: $bound)?> $receiver<$($shape)?> {
            /// Waits for the next one, and returns it, or `None` after the end, and where nothing can be waited for (see
            /// [`Client`](crate::Client)).
            pub fn recv(&mut self) -> Option<$item> {
                $wait(self, None).flatten()
            }

            /// Waits for the next one, for `timeout` at most, and returns it.
            ///
            /// # Errors
            /// [`RecvError::Timeout`] after `timeout`, and at once where nothing can be waited for;
            /// [`RecvError::Closed`] after the end.
            pub fn recv_timeout(&mut self, timeout: Duration) -> Result<$item, RecvError> {
                $wait(self, Some(timeout)).ok_or(RecvError::Timeout)?.ok_or(RecvError::Closed)
            }

            /// Returns the next one if it is there already.
            ///
            /// # Errors
            /// [`RecvError::Timeout`] if it is not, [`RecvError::Closed`] after the end.
            pub fn try_recv(&mut self) -> Result<$item, RecvError> {
                self.recv_timeout(Duration::ZERO)
            }
        }

        impl<$($shape: $bound)?> Iterator for $receiver<$($shape)?> {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                self.recv()
            }
        }
    };
}
pub(crate) use receiver;

/// One receiver of a channel's events. The channel is subscribed to until its last `Subscription`
/// is dropped.
///
/// It receives what concerns the channel, in order, and is an iterator, too, which waits for each
/// event and ends with the subscription: after an unsubscribe, and after a
/// [`shutdown`](crate::Client::shutdown), a refusal for good and the drop of the last client, of which it
/// is told by an [`Event::State`] as its last event. What does not wait (`trigger`, `members`, `state`,
/// `name`) stands at [`pushest_driver::Subscription`], which this derefs to.
#[derive(Debug)]
#[must_use = "a subscription that is dropped unsubscribes; `detach` keeps it"]
pub struct Subscription {
    driver: pushest_driver::Subscription,
    carried_by: LoopId,
}

receiver!(Subscription<> of Event, |this: &mut Self, limit| {
    wait_for_on(this.carried_by, this.driver.recv(), limit)
});

impl Subscription {
    pub(crate) fn new(driver: pushest_driver::Subscription, carried_by: LoopId) -> Self {
        Self { driver, carried_by }
    }

    /// Waits until the server has confirmed the subscription; at once if it has.
    ///
    /// # Errors
    /// [`SubscriptionError`] once the server or the authorizer has refused, the client is refused
    /// or disconnected, or the channel was unsubscribed from. What is tried again by itself keeps
    /// it waiting; see [`Client::subscribed_timeout`](crate::Client::subscribed_timeout).
    pub fn subscribed(&self) -> Result<(), SubscriptionError> {
        subscribed(self.carried_by, self.driver.subscribed())
    }

    /// Sends a client event as soon as the rate allows, and waits for that.
    ///
    /// # Errors
    /// As [`trigger`](pushest_driver::Subscription::trigger), but for the rate.
    pub fn trigger_when_allowed<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<(), CommandError> {
        let triggering = self.driver.trigger_when_allowed(event, data);
        let triggered = wait_for_on(self.carried_by, triggering, None);
        triggered.unwrap_or_else(|| self.driver.trigger(event, data))
    }

    /// Only the channel's events of this name, decoded by
    /// [`ChannelEvent::json`](crate::ChannelEvent::json).
    pub fn on<T: DeserializeOwned>(self, event: &str) -> TypedEvents<T> {
        TypedEvents { driver: self.driver.on(event), carried_by: self.carried_by }
    }

    /// Ends this receiver; the channel is unsubscribed from if it was the last. The same as
    /// dropping it.
    pub fn unsubscribe(self) {}

    /// Ends this receiver, and keeps the channel subscribed to without it, for those who receive
    /// by [`Client::events`](crate::Client::events).
    pub fn detach(self) {
        self.driver.detach();
    }
}

impl Deref for Subscription {
    type Target = pushest_driver::Subscription;

    fn deref(&self) -> &pushest_driver::Subscription {
        &self.driver
    }
}

/// A channel's events of one name, as values; made by [`Subscription::on`]. It keeps the channel
/// subscribed to as the `Subscription` would.
#[derive(Debug)]
#[must_use = "it unsubscribes when dropped"]
pub struct TypedEvents<T> {
    driver: pushest_driver::TypedEvents<T>,
    carried_by: LoopId,
}

receiver!(
    TypedEvents<T> of Result<T, serde_json::Error> where DeserializeOwned,
    |this: &mut Self, limit| wait_for_on(this.carried_by, this.driver.recv(), limit)
);

impl<T: DeserializeOwned> TypedEvents<T> {
    /// As [`Subscription::subscribed`].
    ///
    /// # Errors
    /// As there.
    pub fn subscribed(&self) -> Result<(), SubscriptionError> {
        subscribed(self.carried_by, self.driver.subscribed())
    }
}

impl<T> Deref for TypedEvents<T> {
    type Target = pushest_driver::TypedEvents<T>;

    fn deref(&self) -> &pushest_driver::TypedEvents<T> {
        &self.driver
    }
}

/// A receiver of everything, made by [`Client::events`](crate::Client::events), or of what is sent
/// to the signed-in user. It ends after a [`shutdown`](crate::Client::shutdown), a refusal for good and
/// the drop of the last client; its last event is the [`Event::State`] that says so.
#[derive(Debug)]
#[must_use = "it receives nothing once dropped"]
pub struct Events {
    driver: pushest_driver::Events,
    carried_by: LoopId,
}

receiver!(Events<> of Event, |this: &mut Self, limit| {
    wait_for_on(this.carried_by, this.driver.recv(), limit)
});

impl Events {
    pub(crate) fn new(driver: pushest_driver::Events, carried_by: LoopId) -> Self {
        Self { driver, carried_by }
    }

    pub(crate) fn driver(&mut self) -> &mut pushest_driver::Events {
        &mut self.driver
    }
}
