//! A channel's events as values of the user's types.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use futures_util::future::poll_fn;
use pushest_proto::{
    ChannelEvent, ChannelName, ChannelState, CommandError, Escaped, Event, EventDecoder,
    LimitReached, Loss, Member, RequestFailure, StateChange,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::refetch::Refetch;
use crate::subscription::Subscription;
use crate::trigger::TriggerWhenAllowed;
use crate::waiting::Subscribed;

/// Typed events.
impl Subscription {
    /// Receives only the channel's events of this name, decoded to values of one type, and what may have
    /// cost some of them.
    ///
    /// The data is read as by [`ChannelEvent::json`](crate::ChannelEvent::json): most servers send JSON
    /// within a string, whose content is decoded; text that is no JSON fits a `String`, and any JSON
    /// [`IgnoredAny`](https://docs.rs/serde/latest/serde/de/struct.IgnoredAny.html). [`Received`] says
    /// what else comes: what does not fit, gaps, lags, failures and the end, each in its place. Members
    /// who come and go are not told, nor how many they are.
    ///
    /// ```
    /// # use pushest_driver::{Received, SubscribeError};
    /// # use pushest_driver::unstable::Client;
    /// # async fn example(client: Client) -> Result<(), SubscribeError> {
    /// #[derive(serde::Deserialize)]
    /// struct Order {
    ///     id: u64,
    /// }
    ///
    /// let mut shipped = client.subscribe("orders")?.on::<Order>(r"App\Events\OrderShipped");
    /// while let Some(received) = shipped.recv().await {
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
    pub fn on<T: DeserializeOwned>(mut self, event: &str) -> TypedEvents<T> {
        self.keep_only(event);
        let decode = |decoder: &mut EventDecoder, event: ChannelEvent| match decoder.json(&event) {
            Ok(value) => Received::Value { value, event },
            Err(error) => Received::Undecodable(DecodeError::new(event, error)),
        };
        TypedEvents { subscription: self, decoder: EventDecoder::default(), decode }
    }

    /// Receives all of the channel's events, each decoded to the variant of `E` that has its name.
    ///
    /// `E` is an enum that serde can read; `rename`, `alias` and `other` count. A variant without fields
    /// takes any data, others the data as [`ChannelEvent::variant`](crate::ChannelEvent::variant) reads it.
    /// An event of a name that `E` does not know is [`Received::Unknown`], one whose data does not fit
    /// [`Received::Undecodable`]; [`Received`] says what else comes.
    ///
    /// ```
    /// # use pushest_driver::{Received, SubscribeError};
    /// # use pushest_driver::unstable::Client;
    /// # async fn example(client: Client) -> Result<(), SubscribeError> {
    /// #[derive(serde::Deserialize)]
    /// enum OrderEvent {
    ///     #[serde(rename = r"App\Events\OrderShipped")]
    ///     Shipped { id: u64 },
    ///     #[serde(rename = r"App\Events\OrderNoted")]
    ///     Noted(String),
    ///     #[serde(rename = "sale-begins")]
    ///     SaleBegins,
    /// }
    ///
    /// let mut orders = client.subscribe("orders")?.messages::<OrderEvent>();
    /// while let Some(received) = orders.recv().await {
    ///     match received {
    ///         Received::Value { value: OrderEvent::Shipped { id }, .. } => println!("{id} is away"),
    ///         Received::Value { value: OrderEvent::Noted(note), .. } => println!("{note}"),
    ///         Received::Value { value: OrderEvent::SaleBegins, .. } => println!("hurry"),
    ///         Received::Unknown(event) => println!("{} is new to us", event.name()),
    ///         Received::Undecodable(error) => eprintln!("{error}"),
    ///         Received::Gap { .. } | Received::Lagged { .. } => println!("refetch"),
    ///         other => println!("{other:?}"),
    ///     }
    /// }
    /// # impl std::fmt::Debug for OrderEvent {
    /// #     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    pub fn messages<E: DeserializeOwned>(self) -> TypedEvents<E> {
        let decode = |decoder: &mut EventDecoder, event: ChannelEvent| match decoder.variant(&event)
        {
            Ok(Some(value)) => Received::Value { value, event },
            Ok(None) => Received::Unknown(event),
            Err(error) => Received::Undecodable(DecodeError::new(event, error)),
        };
        TypedEvents { subscription: self, decoder: EventDecoder::default(), decode }
    }
}

/// What a receiver of typed events yields: a value, or what stands in the place of values.
///
/// Exhaustive on purpose: what it is about is told by these kinds, and what is new one day comes as
/// [`Received::Other`]. A program that names each of them loses nothing without knowing.
#[derive(Debug, Clone, PartialEq)]
pub enum Received<T> {
    /// An event of the channel, decoded.
    Value {
        /// The value.
        value: T,
        /// The event that it was decoded from, with its name and the id of its sender. It keeps the
        /// buffer that it was read into alive; see [`ChannelEvent::into_owned`].
        event: ChannelEvent,
    },
    /// An event whose data does not fit the type.
    Undecodable(DecodeError),
    /// An event with a name that the enum does not know; only from `messages`.
    Unknown(ChannelEvent),
    /// The connection was lost and is back: events may be missing, or come twice; as in
    /// [`Event::Gap`].
    Gap {
        /// The length of the gap, up to when it was told.
        silent_for: Duration,
        /// The beginning of the gap, since 1970 (UTC); absent if the time of the day is unknown.
        since: Option<Duration>,
        /// How the former connection ended.
        cause: Arc<Loss>,
    },
    /// The receiver was too slow, or a limit was reached: events are gone, a gap may have been among
    /// them. Refetch from the last value that you have.
    Lagged {
        /// The number of events that are gone, whatever they were; where a limit of the session was
        /// reached, those of other channels are among them.
        dropped: u64,
    },
    /// An event of the channel that could not be read at all: an
    /// [`Undecryptable`](Event::Undecryptable) or a [`Malformed`](Event::Malformed) one.
    Unreadable(Event),
    /// The subscription failed, for good or for now; as in [`Event::SubscriptionFailed`].
    Failed {
        /// Why.
        reason: RequestFailure,
        /// The pause before the session tries again by itself on this connection, if it does.
        retry_in: Option<Duration>,
    },
    /// The last item, with the reason: a shutdown, the end of the last client, or a refusal for good.
    /// (After an unsubscribe the receiver ends without it.)
    Ended(StateChange),
    /// Whatever else the channel's receivers are told: [`Subscribed`](Event::Subscribed),
    /// [`CacheMiss`](Event::CacheMiss), errors of the server that are about the channel, and, only from
    /// `messages`, members who come and go ([`Presence`](Event::Presence)), how many there are
    /// ([`SubscriptionCount`](Event::SubscriptionCount)), and that too many are there to be known.
    Other(Event),
}

impl<T> Received<T> {
    /// Returns what to fetch if events may be missing here: at a [`Received::Gap`] what was sent since
    /// its beginning, at [`Received::Lagged`] everything; otherwise `None`.
    ///
    /// ```
    /// # use pushest_driver::TypedEvents;
    /// # async fn fetch(since: Option<std::time::SystemTime>) {}
    /// # async fn example(mut totals: TypedEvents<u64>) {
    /// while let Some(received) = totals.recv().await {
    ///     if let Some(refetch) = received.refetch() {
    ///         fetch(refetch.since()).await; // everything for `None`
    ///     } else if let Some(total) = received.value() {
    ///         println!("{total} orders so far");
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn refetch(&self) -> Option<Refetch> {
        match self {
            Self::Gap { since, .. } => Some(Refetch::gap(*since)),
            Self::Lagged { .. } => Some(Refetch::Everything),
            _ => None,
        }
    }

    /// Returns the value, if it is one.
    ///
    /// ```
    /// # use pushest_driver::Received;
    /// assert_eq!(Received::<u64>::Lagged { dropped: 3 }.value(), None);
    /// ```
    #[must_use]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value { value, .. } => Some(value),
            _ => None,
        }
    }
}

/// An event whose data does not fit the type that it was to be decoded to.
#[derive(Debug, Clone)]
pub struct DecodeError {
    event: ChannelEvent,
    /// Shared: it cannot be cloned.
    error: Arc<serde_json::Error>,
}

/// Two are equal if their events are, and what the decoder says of them.
impl PartialEq for DecodeError {
    fn eq(&self, other: &Self) -> bool {
        self.event == other.event && self.error.to_string() == other.error.to_string()
    }
}

impl Eq for DecodeError {}

impl DecodeError {
    fn new(event: ChannelEvent, error: serde_json::Error) -> Self {
        Self { event, error: Arc::new(error) }
    }

    /// Returns the event as it came.
    #[must_use]
    pub fn event(&self) -> &ChannelEvent {
        &self.event
    }

    /// Returns the event, as it came.
    #[must_use]
    pub fn into_event(self) -> ChannelEvent {
        self.event
    }
}

/// Longest text of a decoder that is shown, in characters: it quotes the data, however long that is.
const SHOWN: usize = 300;

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.error.to_string();
        let shown = text.char_indices().nth(SHOWN).map_or(&*text, |(end, _)| &text[..end]);
        let more = if shown.len() < text.len() { "…" } else { "" };
        let (name, channel) = (Escaped(self.event.name()), self.event.channel());
        write!(f, "the data of {name} on {channel} has another shape: {}{more}", Escaped(shown))
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.error)
    }
}

/// How an event becomes an item.
type Decode<T> = fn(&mut EventDecoder, ChannelEvent) -> Received<T>;

/// A channel's events as values; made by [`Subscription::on`] and [`Subscription::messages`]. It keeps
/// the channel subscribed to as the `Subscription` would, and ends when that would.
///
/// It is a `Stream`, too. Decoding an event allocates nothing but what the value needs.
#[must_use = "it unsubscribes when dropped"]
pub struct TypedEvents<T> {
    subscription: Subscription,
    decoder: EventDecoder,
    decode: Decode<T>,
}

impl<T> TypedEvents<T> {
    /// Receives the next item, or `None` once the subscription has ended, of which
    /// [`Received::Ended`] has told. Cancel safe.
    ///
    /// ```
    /// # use pushest_driver::{Received, SubscribeError};
    /// # use pushest_driver::unstable::Client;
    /// # async fn example(client: Client) -> Result<(), SubscribeError> {
    /// let mut totals = client.subscribe("orders")?.on::<u64>("total");
    /// while let Some(received) = totals.recv().await {
    ///     if let Received::Value { value, .. } = received {
    ///         println!("{value} orders so far; what came before does not matter");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Option<Received<T>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Received<T>>> {
        let event = ready!(self.subscription.poll_recv(context));
        Poll::Ready(event.map(|event| self.received(event)))
    }

    fn received(&mut self, event: Event) -> Received<T> {
        match event {
            Event::Channel(event) => (self.decode)(&mut self.decoder, event),
            Event::Gap { channel: _, silent_for, since, cause } => {
                Received::Gap { silent_for, since, cause }
            }
            Event::Lagged { dropped }
            | Event::LimitReached(LimitReached::StoredEvents { dropped }) => {
                Received::Lagged { dropped }
            }
            Event::Undecryptable { .. } | Event::Malformed { .. } => Received::Unreadable(event),
            Event::SubscriptionFailed { channel: _, reason, retry_in } => {
                Received::Failed { reason, retry_in }
            }
            // A channel's receiver is told of no other change than its end.
            Event::State(change) => Received::Ended(change),
            other => Received::Other(other),
        }
    }

    /// Returns the name of the channel. It carries the [`ChannelId`](crate::ChannelId) of this
    /// subscription, which tells it from earlier and later ones to the same channel. Where a
    /// `&ChannelName` is asked for, a name made by [`ChannelName::new`] will do as well.
    ///
    /// ```
    /// # use pushest_driver::TypedEvents;
    /// # fn example(totals: TypedEvents<u64>) {
    /// println!("listening to {}", totals.name());
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &ChannelName {
        self.subscription.name()
    }

    /// Waits until the server has confirmed the subscription; see [`Subscription::subscribed`].
    ///
    /// # Errors
    /// As [`Subscription::subscribed`].
    ///
    /// ```
    /// # use pushest_driver::unstable::Client;
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let totals = client.subscribe("private-orders")?.on::<u64>("total");
    /// totals.subscribed().await?; // why not, if the server refuses
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribed(&self) -> Subscribed {
        self.subscription.subscribed()
    }

    /// Sends a client event; see [`Subscription::trigger`].
    ///
    /// # Errors
    /// As [`Client::trigger`](struct.Client.html#method.trigger).
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(typing: TypedEvents<String>) -> Result<(), Box<dyn std::error::Error>> {
    /// typing.trigger("client-typing", &"Ann")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trigger<D: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &D,
    ) -> Result<(), CommandError> {
        self.subscription.trigger(event, data)
    }

    /// Sends a client event once the rate allows; see
    /// [`Client::trigger_when_allowed`](struct.Client.html#method.trigger_when_allowed).
    ///
    /// # Errors
    /// As [`Client::trigger_when_allowed`](struct.Client.html#method.trigger_when_allowed).
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # async fn example(moves: TypedEvents<u32>) -> Result<(), Box<dyn std::error::Error>> {
    /// for position in 0..100 {
    ///     moves.trigger_when_allowed("client-moved", &position).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn trigger_when_allowed<D: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &D,
    ) -> TriggerWhenAllowed {
        self.subscription.trigger_when_allowed(event, data)
    }

    /// Returns the members of a presence channel, in the order in which they joined. While the channel is
    /// not subscribed they are those that were known last. None once the subscription has ended.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(typing: TypedEvents<String>) {
    /// for member in typing.members() {
    ///     println!("{}", member.id());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.subscription.members()
    }

    /// Returns whether [`TypedEvents::members`] began with a list of the server's; see
    /// [`Client::members_known`](struct.Client.html#method.members_known). False once the subscription
    /// has ended.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(typing: TypedEvents<String>) {
    /// if typing.members_known() {
    ///     println!("{} are here", typing.members().len());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn members_known(&self) -> bool {
        self.subscription.members_known()
    }

    /// Returns the state of the subscription, or `None` once it has ended.
    ///
    /// ```
    /// # use pushest_driver::*;
    /// # fn example(totals: TypedEvents<u64>) {
    /// if totals.state() != Some(ChannelState::Subscribed) {
    ///     println!("no totals at the moment");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> Option<ChannelState> {
        self.subscription.state()
    }
}

impl<T> Stream for TypedEvents<T> {
    type Item = Received<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(context)
    }
}

impl<T> FusedStream for TypedEvents<T> {
    fn is_terminated(&self) -> bool {
        self.subscription.is_terminated()
    }
}

impl<T> fmt::Debug for TypedEvents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedEvents")
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}
