//! A channel's events as values of the user's types.

use std::time::Duration;

use pushest_driver::{
    ChannelName, ChannelState, CommandError, Member, Received, SubscriptionError,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reactor::LoopId;
use crate::receiving::{RecvError, Subscription, receiver};
use crate::waiting::{subscribed, triggered, wait_for_on};

/// Typed events.
impl Subscription {
    /// Receives only the channel's events of this name, decoded to values of one type, and what may have
    /// cost some of them.
    ///
    /// The data is read as by [`ChannelEvent::json`](crate::ChannelEvent::json): most servers send JSON
    /// within a string, whose content is decoded; text that is no JSON fits a `String`.
    /// [`Received`] says what else comes: what does not fit, gaps, lags, failures and the
    /// end, each in its place. Members who come and go are not told, nor how many they are.
    ///
    /// ```no_run
    /// # use pushest_blocking::{Client, Received, SubscribeError};
    /// # fn example(client: Client) -> Result<(), SubscribeError> {
    /// #[derive(serde::Deserialize)]
    /// struct Order {
    ///     id: u64,
    /// }
    ///
    /// for received in client.subscribe("orders")?.on::<Order>(r"App\Events\OrderShipped") {
    ///     match received {
    ///         Received::Value { value: order, .. } => println!("{} is on its way", order.id),
    ///         Received::Undecodable(error) => eprintln!("{error}"),
    ///         Received::Gap { silent_for, .. } => println!("refetch the last {silent_for:?}"),
    ///         Received::Lagged { dropped } => println!("{dropped} events lost here: refetch"),
    ///         Received::Failed { reason, .. } => eprintln!("not subscribed: {reason}"),
    ///         Received::Ended(why) => println!("the end: {why}"),
    ///         Received::Unreadable(event) => eprintln!("one is lost: {event:?}"),
    ///         Received::Unknown(_) | Received::Other(_) => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn on<T: DeserializeOwned>(self, event: &str) -> TypedEvents<T> {
        let (driver, carried_by) = self.into_driver();
        TypedEvents { driver: driver.on(event), carried_by }
    }

    /// Receives all of the channel's events, each decoded to the variant of `E` that has its name.
    ///
    /// `E` is an enum that serde can read; `rename`, `alias` and `other` count. A variant without fields
    /// takes any data, others the data as [`ChannelEvent::variant`](crate::ChannelEvent::variant) reads it.
    /// An event of a name that `E` does not know is [`Received::Unknown`], one
    /// whose data does not fit [`Received::Undecodable`].
    ///
    /// ```no_run
    /// # use pushest_blocking::{Client, Received, SubscribeError};
    /// # fn example(client: Client) -> Result<(), SubscribeError> {
    /// #[derive(Debug, serde::Deserialize)]
    /// enum OrderEvent {
    ///     #[serde(rename = r"App\Events\OrderShipped")]
    ///     Shipped { id: u64 },
    ///     #[serde(rename = "sale-begins")]
    ///     SaleBegins,
    /// }
    ///
    /// for received in client.subscribe("orders")?.messages::<OrderEvent>() {
    ///     match received {
    ///         Received::Value { value: OrderEvent::Shipped { id }, .. } => println!("{id} is away"),
    ///         Received::Value { value: OrderEvent::SaleBegins, .. } => println!("hurry"),
    ///         Received::Unknown(event) => println!("{} is new to us", event.name()),
    ///         Received::Undecodable(error) => eprintln!("{error}"),
    ///         Received::Gap { .. } | Received::Lagged { .. } => println!("refetch"),
    ///         other => println!("{other:?}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn messages<E: DeserializeOwned>(self) -> TypedEvents<E> {
        let (driver, carried_by) = self.into_driver();
        TypedEvents { driver: driver.messages(), carried_by }
    }
}

/// A channel's events as values; made by [`Subscription::on`](crate::Subscription::on) and
/// [`Subscription::messages`](crate::Subscription::messages). It keeps the channel subscribed to as the
/// `Subscription` would, and ends when that would.
///
/// It is an iterator, too, which waits for each item. Decoding an event allocates nothing but what the
/// value needs.
#[derive(Debug)]
#[must_use = "it unsubscribes when dropped"]
pub struct TypedEvents<T> {
    driver: pushest_driver::TypedEvents<T>,
    carried_by: LoopId,
}

receiver!(TypedEvents<T> of Received<T>, |this: &mut Self, limit| {
    wait_for_on(this.carried_by, this.driver.recv(), limit)
});

impl<T> TypedEvents<T> {
    /// Returns the name of the channel. It carries the [`ChannelId`](crate::ChannelId) of this
    /// subscription, which tells it from earlier and later ones to the same channel. Where a
    /// `&ChannelName` is asked for, a name made by [`ChannelName::new`] will do as well.
    ///
    /// ```no_run
    /// # fn example(totals: pushest_blocking::TypedEvents<u64>) {
    /// println!("listening to {}", totals.name());
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &ChannelName {
        self.driver.name()
    }

    /// Waits until the server has confirmed the subscription; see
    /// [`Subscription::subscribed`](crate::Subscription::subscribed).
    ///
    /// # Errors
    /// [`SubscriptionError`], as there.
    ///
    /// ```no_run
    /// # fn example(client: pushest_blocking::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let totals = client.subscribe("private-orders")?.on::<u64>("total");
    /// totals.subscribed()?; // why not, if the server refuses
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribed(&self) -> Result<(), SubscriptionError> {
        subscribed(self.carried_by, self.driver.subscribed())
    }

    /// Sends a client event; see [`Subscription::trigger`].
    ///
    /// # Errors
    /// [`CommandError`], and nothing was sent: what [`Client::trigger`](crate::Client::trigger) refuses, and
    /// [`CommandError::NotSubscribed`] once the subscription has ended.
    ///
    /// ```no_run
    /// # use pushest_blocking::{CommandError, TypedEvents};
    /// # fn example(typing: TypedEvents<String>) -> Result<(), CommandError> {
    /// typing.trigger("client-typing", &"Ann")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trigger<D: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &D,
    ) -> Result<(), CommandError> {
        self.driver.trigger(event, data)
    }

    /// Sends a client event as soon as the rate allows, and waits for that.
    ///
    /// # Errors
    /// [`CommandError`], and nothing was sent: what [`TypedEvents::trigger`] refuses, except for the rate.
    ///
    /// ```no_run
    /// # use pushest_blocking::{CommandError, TypedEvents};
    /// # fn example(moves: TypedEvents<u32>) -> Result<(), CommandError> {
    /// for position in 0..100 {
    ///     moves.trigger_when_allowed("client-moved", &position)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn trigger_when_allowed<D: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &D,
    ) -> Result<(), CommandError> {
        let when_allowed = self.driver.trigger_when_allowed(event, data);
        triggered(self.carried_by, when_allowed, || self.driver.trigger(event, data))
    }

    /// Returns the members of a presence channel, in the order in which they joined. While the channel is
    /// not subscribed they are those that were known last. None once the subscription has ended.
    ///
    /// ```no_run
    /// # fn example(typing: pushest_blocking::TypedEvents<String>) {
    /// for member in typing.members() {
    ///     println!("{}", member.id());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.driver.members()
    }

    /// Returns whether [`TypedEvents::members`] began with a list of the server's; see
    /// [`Client::members_known`](crate::Client::members_known). False once the subscription has ended.
    ///
    /// ```no_run
    /// # fn example(typing: pushest_blocking::TypedEvents<String>) {
    /// if typing.members_known() {
    ///     println!("{} are here", typing.members().len());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn members_known(&self) -> bool {
        self.driver.members_known()
    }

    /// Returns the state of the subscription, or `None` once it has ended.
    ///
    /// ```no_run
    /// # use pushest_blocking::{ChannelState, TypedEvents};
    /// # fn example(totals: TypedEvents<u64>) {
    /// if totals.state() != Some(ChannelState::Subscribed) {
    ///     println!("no totals at the moment");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> Option<ChannelState> {
        self.driver.state()
    }
}
