//! The receiving ends: of one channel, of one kind of event, of everything.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::future::poll_fn;
use pushest_proto::{ChannelName, ChannelState, CommandError, Event, Member};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hub::{Hub, Place};
use crate::trigger::TriggerWhenAllowed;
use crate::waiting::Subscribed;

/// One receiver of a channel's events. The channel is subscribed to until its last `Subscription`
/// is dropped.
///
/// It receives what concerns the channel, in order: `Subscribed`, `Gap`, `Presence`, the channel's
/// own events, `SubscriptionFailed` and so on. It is a `Stream`, too. It ends after
/// [`Commands::unsubscribe`](crate::Commands::unsubscribe), and with the client.
#[must_use = "a subscription that is dropped unsubscribes; `detach` keeps it"]
pub struct Subscription {
    hub: Arc<Hub>,
    place: Place,
    /// With the id of the subscription.
    name: ChannelName,
    is_detached: bool,
}

impl Subscription {
    pub(crate) fn new(hub: Arc<Hub>, place: Place, name: ChannelName) -> Self {
        Self { hub, place, name, is_detached: false }
    }

    /// The channel.
    #[must_use]
    pub fn name(&self) -> &ChannelName {
        &self.name
    }

    /// Waits until the server has confirmed the subscription; at once if it has. May be dropped
    /// half-way and called again.
    ///
    /// # Errors
    /// [`SubscriptionError`](crate::SubscriptionError) once the server or the authorizer has
    /// refused, the client is refused or disconnected, or the channel was unsubscribed from. What
    /// is tried again by itself keeps it waiting.
    pub fn subscribed(&self) -> Subscribed {
        Subscribed::new(self.hub.clone(), self.name.clone(), self.name.id())
    }

    /// The next event; `None` after the end. May be dropped half-way, nothing is lost then.
    ///
    /// A channel event may be a view into the buffer that it was read into with many others; one
    /// that is kept for long should be
    /// [its own](crate::ChannelEvent::into_owned), or it keeps them all alive.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        poll_place(&self.hub, &self.place, context)
    }

    /// Only the channel's events of this name, decoded by
    /// [`ChannelEvent::json`](crate::ChannelEvent::json).
    ///
    /// ```
    /// # use pushest_driver::{Client, SubscribeError};
    /// # async fn example(client: Client) -> Result<(), SubscribeError> {
    /// #[derive(serde::Deserialize)]
    /// struct Order {
    ///     id: u64,
    /// }
    ///
    /// let mut shipped = client.subscribe("orders")?.on::<Order>(r"App\Events\OrderShipped");
    /// while let Some(order) = shipped.recv().await {
    ///     match order {
    ///         Ok(order) => println!("{} is on its way", order.id),
    ///         Err(error) => eprintln!("not an order: {error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn on<T: DeserializeOwned>(self, event: &str) -> TypedEvents<T> {
        self.hub.relieve(self.place.queue.keep_only(event));
        TypedEvents { subscription: self, lagged: 0, shape: PhantomData }
    }

    /// Sends a client event; see [`Commands::trigger`](crate::Commands::trigger), also for what to wait
    /// for before the program ends.
    ///
    /// # Errors
    /// As [`Commands::trigger`](crate::Commands::trigger).
    pub fn trigger<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<(), CommandError> {
        let data = crate::trigger::data(data)?;
        let name = self.name.as_str();
        self.hub.try_command(|state, now| {
            if state.channel(self.name.id()).is_none() {
                return Err(CommandError::NotSubscribed { channel: name.to_string() });
            }
            state.session.trigger(name, event, &data, now)
        })
    }

    /// Sends a client event once the rate allows; see
    /// [`Client::trigger_when_allowed`](crate::Client::trigger_when_allowed).
    ///
    /// # Errors
    /// As [`Client::trigger_when_allowed`](crate::Client::trigger_when_allowed).
    pub fn trigger_when_allowed<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> TriggerWhenAllowed {
        let data = crate::trigger::data(data);
        TriggerWhenAllowed::new(self.hub.clone(), self.name.as_str(), event, data)
    }

    /// Who is present; see [`Commands::members`](crate::Commands::members). Nobody, once the channel
    /// was unsubscribed from.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let mut state = self.hub.lock();
        if state.channel(self.name.id()).is_none() {
            return Vec::new();
        }
        let view = state.session.channel(self.name.as_str());
        view.map(|view| view.members().cloned().collect()).unwrap_or_default()
    }

    /// Returns whether [`Subscription::members`] began with a list of the server's; see
    /// [`Commands::members_known`](crate::Commands::members_known). False once the channel was
    /// unsubscribed from.
    #[must_use]
    pub fn members_known(&self) -> bool {
        let mut state = self.hub.lock();
        if state.channel(self.name.id()).is_none() {
            return false;
        }
        state.session.channel(self.name.as_str()).is_some_and(|view| view.members_known())
    }

    /// How far the subscription is; `None` once it was unsubscribed from.
    #[must_use]
    pub fn state(&self) -> Option<ChannelState> {
        let mut state = self.hub.lock();
        state.channel(self.name.id())?;
        state.session.channel(self.name.as_str()).map(|view| view.state())
    }

    /// Ends this receiver; the channel is unsubscribed from if it was the last. The same as
    /// dropping it.
    pub fn unsubscribe(self) {}

    /// Ends this receiver, and keeps the channel subscribed to without it, for those who receive
    /// by [`Client::events`](crate::Client::events).
    pub fn detach(mut self) {
        self.is_detached = true;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.leave(&self.place, &self.name, self.is_detached);
    }
}

impl Stream for Subscription {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_recv(context)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A channel's events of one name, as values; made by [`Subscription::on`]. It keeps the channel
/// subscribed to as the `Subscription` would.
#[must_use = "it unsubscribes when dropped"]
pub struct TypedEvents<T> {
    subscription: Subscription,
    lagged: u64,
    shape: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> TypedEvents<T> {
    /// The next value, or why the event's data is none; `None` after the end.
    pub async fn recv(&mut self) -> Option<Result<T, serde_json::Error>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    fn poll_recv(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T, serde_json::Error>>> {
        loop {
            match std::task::ready!(self.subscription.poll_recv(context)) {
                Some(Event::Channel(event)) => return Poll::Ready(Some(event.json())),
                Some(Event::Lagged(events)) => self.lagged += events,
                Some(_) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    /// How many events were dropped because they were not received in time.
    #[must_use]
    pub fn lagged(&self) -> u64 {
        self.lagged
    }

    /// The channel.
    #[must_use]
    pub fn name(&self) -> &ChannelName {
        self.subscription.name()
    }

    /// As [`Subscription::subscribed`].
    ///
    /// # Errors
    /// As [`Subscription::subscribed`].
    pub fn subscribed(&self) -> Subscribed {
        self.subscription.subscribed()
    }
}

impl<T: DeserializeOwned> Stream for TypedEvents<T> {
    type Item = Result<T, serde_json::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(context)
    }
}

impl<T> fmt::Debug for TypedEvents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedEvents")
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}

/// A receiver of everything, made by [`Client::events`](crate::Client::events), or of what is sent
/// to the signed-in user, made by [`Client::user_events`](crate::Client::user_events). It is a
/// `Stream`, too, and ends with the client.
#[must_use = "it receives nothing once dropped"]
pub struct Events {
    hub: Arc<Hub>,
    place: Place,
}

impl Events {
    pub(crate) fn new(hub: Arc<Hub>, place: Place) -> Self {
        Self { hub, place }
    }

    /// The next event; `None` after the end. May be dropped half-way, nothing is lost then.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|context| poll_place(&self.hub, &self.place, context)).await
    }
}

impl Events {
    /// As [`Events::recv`], but ends once nothing more can come by itself: while the client is
    /// refused or disconnected, after everything that told so. After a `connect` it goes on.
    pub async fn recv_until_off(&mut self) -> Option<Event> {
        poll_fn(|context| match poll_place(&self.hub, &self.place, context) {
            Poll::Pending if self.hub.lock().is_off() => {
                // What says so may have come between the two looks.
                match poll_place(&self.hub, &self.place, context) {
                    Poll::Pending => Poll::Ready(None),
                    polled => polled,
                }
            }
            polled => polled,
        })
        .await
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.hub.stop_listening(&self.place);
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        poll_place(&self.hub, &self.place, context)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

fn poll_place(hub: &Hub, place: &Place, context: &mut Context<'_>) -> Poll<Option<Event>> {
    let (event, relief) = place.queue.poll_recv(context);
    hub.relieve(relief);
    event
}
