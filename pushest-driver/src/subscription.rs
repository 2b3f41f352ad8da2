//! The receiving ends: of one channel, and of everything.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};
use futures_util::future::poll_fn;
use pushest_proto::{ChannelName, ChannelState, CommandError, Event, Member};
use serde::Serialize;

use crate::hub::{Hub, Place};
use crate::trigger::TriggerWhenAllowed;
use crate::waiting::Subscribed;

/// One receiver of a channel's events. The channel is subscribed to until its last `Subscription`
/// is dropped.
///
/// It receives what concerns the channel, in order: `Subscribed`, `Gap`, `Presence`, the channel's
/// own events, `SubscriptionFailed` and so on. It is a `Stream`, too.
///
/// It ends after [`Client::unsubscribe`](struct.Client.html#method.unsubscribe); and after a
/// [`Client::shutdown`](struct.Client.html#method.shutdown), a refusal for good and the drop of the last client,
/// which it is told by an [`Event::State`] as its last event. It stays ended after a
/// [`Client::connect`](struct.Client.html#method.connect).
#[must_use = "a subscription that is dropped unsubscribes; `detach` keeps it"]
pub struct Subscription {
    hub: Arc<Hub>,
    place: Place,
    /// With the id of the subscription.
    name: ChannelName,
    is_detached: bool,
    /// `None` was returned.
    has_ended: bool,
}

impl Subscription {
    pub(crate) fn new(hub: Arc<Hub>, place: Place, name: ChannelName) -> Self {
        Self { hub, place, name, is_detached: false, has_ended: false }
    }

    /// Returns the name of the channel. It carries the [`ChannelId`](crate::ChannelId) of this
    /// subscription, which tells it from earlier and later ones to the same channel. Where a
    /// `&ChannelName` is asked for, a name made by [`ChannelName::new`] will do as well.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(orders: Subscription) -> Result<(), Box<dyn std::error::Error>> {
    /// println!("listening to {}", orders.name());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &ChannelName {
        &self.name
    }

    /// Waits until the server has confirmed the subscription, which it may have already. Cancel safe.
    ///
    /// # Errors
    /// [`SubscriptionError`](crate::SubscriptionError) once the server or the authorizer has
    /// refused, the client is refused or disconnected, or this subscription has ended. What
    /// is tried again by itself keeps it waiting.
    ///
    /// ```
    /// # use pushest_driver::{*, unstable::Client};
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let orders = client.subscribe("private-orders")?;
    /// orders.subscribed().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribed(&self) -> Subscribed {
        Subscribed::new(self.hub.clone(), self.name.clone(), self.name.id())
    }

    /// Receives the next event, or `None` once the subscription has ended. Cancel safe.
    ///
    /// A channel event may be a view into the buffer that it was read into with many others; one
    /// that is kept for long should be
    /// [its own](crate::ChannelEvent::into_owned), or it keeps them all alive.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # async fn example(mut orders: Subscription) -> Result<(), Box<dyn std::error::Error>> {
    /// while let Some(event) = orders.recv().await {
    ///     match event {
    ///         Event::Channel(event) => println!("{}: {}", event.name(), event.text()),
    ///         Event::Gap { silent_for, .. } => println!("refetch the last {silent_for:?}"),
    ///         Event::Lagged { dropped } => println!("{dropped} events lost here: refetch"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    pub(crate) fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let polled = poll_place(&self.hub, &mut self.place, context);
        self.has_ended |= matches!(polled, Poll::Ready(None));
        polled
    }

    /// Restricts the channel events to those of this name, from here on.
    pub(crate) fn keep_only(&mut self, event: &str) {
        self.hub.relieve(self.place.reader.keep_only(event));
    }

    /// Sends a client event; see the client's `trigger`, which says what becomes of it while the
    /// connection is away, and what to wait for before the program ends.
    ///
    /// # Errors
    /// As [`Client::trigger`](struct.Client.html#method.trigger).
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(chat: Subscription) -> Result<(), Box<dyn std::error::Error>> {
    /// chat.trigger("client-typing", &"Ann")?;
    /// # Ok(())
    /// # }
    /// ```
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
    /// [`Client::trigger_when_allowed`](struct.Client.html#method.trigger_when_allowed).
    ///
    /// # Errors
    /// As [`Client::trigger_when_allowed`](struct.Client.html#method.trigger_when_allowed).
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # async fn example(map: Subscription) -> Result<(), Box<dyn std::error::Error>> {
    /// for position in 0..100 {
    ///     map.trigger_when_allowed("client-moved", &position).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn trigger_when_allowed<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> TriggerWhenAllowed {
        let data = crate::trigger::data(data);
        TriggerWhenAllowed::new(self.hub.clone(), self.name.as_str(), event, data)
            .only_of(self.name.id())
    }

    /// Returns the members of a presence channel, in the order in which they joined. While the channel is
    /// not subscribed they are those that were known last. None once this subscription has ended.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(room: Subscription) -> Result<(), Box<dyn std::error::Error>> {
    /// for member in room.members() {
    ///     println!("{}", member.id());
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    /// [`Client::members_known`](struct.Client.html#method.members_known). False once the channel was
    /// unsubscribed from.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(room: Subscription) -> Result<(), Box<dyn std::error::Error>> {
    /// if room.members_known() {
    ///     println!("{} are here", room.members().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn members_known(&self) -> bool {
        let mut state = self.hub.lock();
        if state.channel(self.name.id()).is_none() {
            return false;
        }
        state.session.channel(self.name.as_str()).is_some_and(|view| view.members_known())
    }

    /// Returns the state of this subscription, or `None` once it has ended.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(orders: Subscription) -> Result<(), Box<dyn std::error::Error>> {
    /// if orders.state() != Some(ChannelState::Subscribed) {
    ///     println!("no orders at the moment");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> Option<ChannelState> {
        let mut state = self.hub.lock();
        state.channel(self.name.id())?;
        state.session.channel(self.name.as_str()).map(|view| view.state())
    }

    /// Ends this receiver; the channel is unsubscribed from if it was the last. The same as
    /// dropping it.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(orders: Subscription) -> Result<(), Box<dyn std::error::Error>> {
    /// orders.unsubscribe();
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe(self) {}

    /// Ends this receiver, and keeps the channel subscribed to without it, for those who receive
    /// by [`Client::events`](struct.Client.html#method.events).
    ///
    /// ```
    /// # use pushest_driver::{*, unstable::Client};
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut events = client.events();
    /// client.subscribe("orders")?.detach();
    /// while let Some(event) = events.recv().await {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn detach(mut self) {
        self.is_detached = true;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.leave(&mut self.place, &self.name, self.is_detached);
    }
}

impl Stream for Subscription {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_recv(context)
    }
}

impl FusedStream for Subscription {
    fn is_terminated(&self) -> bool {
        self.has_ended
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A receiver of everything, made by [`Client::events`](struct.Client.html#method.events), or of what is sent
/// to the signed-in user, made by [`Client::user_events`](struct.Client.html#method.user_events). It is a
/// `Stream`, too. It ends after a [`Client::shutdown`](struct.Client.html#method.shutdown), a refusal for good and
/// the drop of the last client; its last event is the [`Event::State`] that says so.
#[must_use = "it receives nothing once dropped"]
pub struct Events {
    hub: Arc<Hub>,
    place: Place,
    /// It goes on after a `connect`.
    is_lasting: bool,
    /// `None` was returned, for good.
    has_ended: bool,
}

impl Events {
    pub(crate) fn new(hub: Arc<Hub>, place: Place) -> Self {
        Self { hub, place, is_lasting: false, has_ended: false }
    }

    /// Receives the next event, or `None` once the client has ended. Cancel safe.
    ///
    /// ```
    /// # use pushest_driver::{*, unstable::Client};
    /// # async fn example(client: Client) {
    /// let mut events = client.events();
    /// while let Some(event) = events.recv().await {
    ///     println!("{event:?}");
    /// }
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Makes it go on after a `connect`, or no longer. If it lasts, its end is not for good: it returns
    /// `None` as long as the client is shut down or refused.
    pub(crate) fn set_lasting(&mut self, is_lasting: bool) {
        self.is_lasting = is_lasting;
        self.hub.set_lasting(&self.place, is_lasting);
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let polled = self.poll_lasting(context);
        self.has_ended |= matches!(polled, Poll::Ready(None)) && !self.is_lasting;
        polled
    }

    fn poll_lasting(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        match poll_place(&self.hub, &mut self.place, context) {
            Poll::Pending if self.is_lasting && self.hub.lock().is_closed() => {
                // What says so may have come between the two looks.
                match poll_place(&self.hub, &mut self.place, context) {
                    Poll::Pending => Poll::Ready(None),
                    polled => polled,
                }
            }
            polled => polled,
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.hub.stop_listening(&mut self.place);
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_recv(context)
    }
}

impl FusedStream for Events {
    fn is_terminated(&self) -> bool {
        self.has_ended
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

#[inline]
fn poll_place(hub: &Hub, place: &mut Place, context: &mut Context<'_>) -> Poll<Option<Event>> {
    if let Some(event) = place.reader.next() {
        return Poll::Ready(Some(event));
    }
    let (event, relief) = place.reader.poll_recv(context);
    hub.relieve(relief);
    event
}
