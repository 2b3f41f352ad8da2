//! The receiving ends of a [`Client`](crate::Client): they block the thread that receives.

use std::time::Duration;

use pushest_driver::{ChannelName, ChannelState, CommandError, Event, Member, SubscriptionError};
use serde::Serialize;

use crate::reactor::LoopId;
use crate::waiting::{subscribed, triggered, wait_for_on};

/// Why nothing was received.
///
/// Exhaustive on purpose, like `std::sync::mpsc::RecvTimeoutError`: there is nothing else that it could
/// be, and a loop must tell the two apart.
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
    ($receiver:ident<$($shape:ident)?> of $item:ty, $wait:expr) => {
        impl<$($shape)?> $receiver<$($shape)?> {
            /// Waits for the next one, and returns it, or `None` after the end, and where nothing can be
            /// waited for (see [`Client`](crate::Client)).
            ///
            /// ```no_run
            /// # fn example(mut events: pushest_blocking::Events) {
            /// while let Some(event) = events.recv() {
            ///     println!("{event:?}");
            /// }
            /// # }
            /// ```
            pub fn recv(&mut self) -> Option<$item> {
                $wait(self, None).flatten()
            }

            /// Waits for the next one, for `timeout` at most, and returns it.
            ///
            /// # Errors
            /// [`RecvError::Timeout`] after `timeout`, and at once where nothing can be waited for;
            /// [`RecvError::Closed`] after the end.
            ///
            /// ```no_run
            /// # use pushest_blocking::{Events, RecvError};
            /// # fn example(mut events: Events) {
            /// use std::time::Duration;
            ///
            /// loop {
            ///     match events.recv_timeout(Duration::from_secs(60)) {
            ///         Ok(event) => println!("{event:?}"),
            ///         Err(RecvError::Timeout) => println!("nothing for a minute"),
            ///         Err(RecvError::Closed) => break,
            ///     }
            /// }
            /// # }
            /// ```
            pub fn recv_timeout(&mut self, timeout: Duration) -> Result<$item, RecvError> {
                $wait(self, Some(timeout)).ok_or(RecvError::Timeout)?.ok_or(RecvError::Closed)
            }

            /// Returns the next one if it is there already.
            ///
            /// # Errors
            /// [`RecvError::Timeout`] if it is not, [`RecvError::Closed`] after the end.
            ///
            /// ```no_run
            /// # fn example(mut events: pushest_blocking::Events) {
            /// while let Ok(event) = events.try_recv() {
            ///     println!("{event:?}");
            /// }
            /// # }
            /// ```
            pub fn try_recv(&mut self) -> Result<$item, RecvError> {
                self.recv_timeout(Duration::ZERO)
            }
        }

        impl<$($shape)?> Iterator for $receiver<$($shape)?> {
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
/// is told by an [`Event::State`] as its last event. It stays ended after a
/// [`connect`](crate::Client::connect).
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

    /// Returns the name of the channel. It carries the [`ChannelId`](crate::ChannelId) of this
    /// subscription, which tells it from earlier and later ones to the same channel. Where a
    /// `&ChannelName` is asked for, a name made by [`ChannelName::new`] will do as well.
    ///
    /// ```no_run
    /// # fn example(orders: pushest_blocking::Subscription) {
    /// println!("listening to {}", orders.name());
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &ChannelName {
        self.driver.name()
    }

    /// Waits until the server has confirmed the subscription, which it may have already.
    ///
    /// # Errors
    /// [`SubscriptionError`] once the server or the authorizer has refused, the client is refused
    /// or disconnected, or this subscription has ended. What is tried again by itself keeps this waiting;
    /// see [`Client::subscribed_timeout`](crate::Client::subscribed_timeout).
    ///
    /// ```no_run
    /// # fn example(client: pushest_blocking::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let orders = client.subscribe("private-orders")?;
    /// orders.subscribed()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribed(&self) -> Result<(), SubscriptionError> {
        subscribed(self.carried_by, self.driver.subscribed())
    }

    /// Sends a client event; see [`Client::trigger`](crate::Client::trigger), which says what becomes of it
    /// while the connection is away, and what to wait for before the program ends.
    ///
    /// # Errors
    /// [`CommandError`], and nothing was sent: what [`Client::trigger`](crate::Client::trigger) refuses, and
    /// [`CommandError::NotSubscribed`] once this subscription has ended.
    ///
    /// ```no_run
    /// # fn example(chat: pushest_blocking::Subscription) -> Result<(), pushest_blocking::CommandError> {
    /// chat.trigger("client-typing", &"Ann")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trigger<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<(), CommandError> {
        self.driver.trigger(event, data)
    }

    /// Sends a client event as soon as the rate allows, and waits for that.
    ///
    /// # Errors
    /// [`CommandError`], and nothing was sent: what [`Subscription::trigger`] refuses, except for the rate.
    ///
    /// ```no_run
    /// # fn example(map: pushest_blocking::Subscription) -> Result<(), pushest_blocking::CommandError> {
    /// for position in 0..100 {
    ///     map.trigger_when_allowed("client-moved", &position)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn trigger_when_allowed<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<(), CommandError> {
        let when_allowed = self.driver.trigger_when_allowed(event, data);
        triggered(self.carried_by, when_allowed, || self.driver.trigger(event, data))
    }

    /// Returns the members of a presence channel, in the order in which they joined. While the channel is
    /// not subscribed they are those that were known last. None once this subscription has ended.
    ///
    /// ```no_run
    /// # fn example(room: pushest_blocking::Subscription) {
    /// for member in room.members() {
    ///     println!("{}", member.id());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.driver.members()
    }

    /// Returns whether [`Subscription::members`] began with a list of the server's; see
    /// [`Client::members_known`](crate::Client::members_known). False once this subscription has ended.
    ///
    /// ```no_run
    /// # fn example(room: pushest_blocking::Subscription) {
    /// if room.members_known() {
    ///     println!("{} are here", room.members().len());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn members_known(&self) -> bool {
        self.driver.members_known()
    }

    /// Returns the state of this subscription, or `None` once it has ended.
    ///
    /// ```no_run
    /// # use pushest_blocking::{ChannelState, Subscription};
    /// # fn example(orders: Subscription) {
    /// if orders.state() != Some(ChannelState::Subscribed) {
    ///     println!("no orders at the moment");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> Option<ChannelState> {
        self.driver.state()
    }

    pub(crate) fn into_driver(self) -> (pushest_driver::Subscription, LoopId) {
        (self.driver, self.carried_by)
    }

    /// Ends this receiver; the channel is unsubscribed from if it was the last. The same as
    /// dropping it.
    ///
    /// ```no_run
    /// # fn example(orders: pushest_blocking::Subscription) {
    /// orders.unsubscribe();
    /// # }
    /// ```
    pub fn unsubscribe(self) {}

    /// Ends this receiver, and keeps the channel subscribed to without it, for those who receive
    /// by [`Client::events`](crate::Client::events).
    ///
    /// ```no_run
    /// # fn example(client: pushest_blocking::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let events = client.events();
    /// client.subscribe("orders")?.detach();
    /// for event in events {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn detach(self) {
        self.driver.detach();
    }

    /// For what is written for all runtimes at once, within this workspace.
    #[doc(hidden)]
    pub fn __driver(&self) -> &pushest_driver::Subscription {
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
