//! An event of a channel: a view of the message that carried it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::DeserializeOwned;

use super::names::EventName;
use super::payload::Payload;
use super::variant;
use crate::channel::name::ChannelName;
use crate::memory;
use crate::wire::envelope::{self, Token};
use crate::wire::escapes;
use crate::wire::parts::Part;

/// An event that was sent to a channel, by the app's server or by another client.
///
/// It is a view: it keeps the received message, reference counted, and where name and data stand in
/// it. Making, moving and cloning it copies no text. While it lives it pins the buffer that the
/// message was read into; [`ChannelEvent::into_owned`] releases it.
///
/// Its texts are unchanged: a program that prints them to a terminal escapes them, for example with
/// [`Escaped`](crate::Escaped).
#[derive(Clone)]
pub struct ChannelEvent {
    channel: ChannelName,
    message: ByteString,
    name: EventName,
    data: Data,
    user_id: Option<Token>,
}

/// Two are equal if they say the same: channel, name, data and the sender's id, however the messages
/// that brought them were written.
impl PartialEq for ChannelEvent {
    fn eq(&self, other: &Self) -> bool {
        self.channel == other.channel
            && self.name() == other.name()
            && self.text() == other.text()
            && self.user_id() == other.user_id()
    }
}

impl Eq for ChannelEvent {}

/// Where an event's data is.
#[derive(Clone)]
enum Data {
    /// In the message; or there is none.
    Plain(Option<Token>),
    /// Opened: the message has it encrypted.
    Opened(Arc<str>),
}

impl ChannelEvent {
    #[inline(always)]
    pub(crate) fn new(
        channel: ChannelName,
        message: ByteString,
        name: EventName,
        data: Option<Token>,
        user_id: Option<Token>,
    ) -> Self {
        Self { channel, message, name, data: Data::Plain(data), user_id }
    }

    /// Replaces the data by the decrypted text.
    pub(crate) fn opened(mut self, data: &str) -> Self {
        self.data = Data::Opened(data.into());
        self
    }

    /// Returns the channel that the event was sent to.
    #[must_use]
    pub fn channel(&self) -> &ChannelName {
        &self.channel
    }

    /// Returns the event's name, such as `order-shipped`, `client-typing` or
    /// `App\Events\OrderShipped`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.of(&self.message)
    }

    /// Returns whether another client sent it, not the app's server.
    #[must_use]
    pub fn is_client_event(&self) -> bool {
        self.name().starts_with("client-")
    }

    /// Returns the `data` as it stood in the message: one JSON token, strings with their quotes and
    /// escapes; empty if there was none. It was not checked to be JSON inside. Of an encrypted
    /// event it is the text that was opened.
    #[must_use]
    pub fn raw(&self) -> &str {
        match &self.data {
            Data::Plain(token) => token.map_or("", |token| token.of(&self.message)),
            Data::Opened(text) => text,
        }
    }

    /// Returns the `data` as text: a string's content, anything else as it stood, empty if there
    /// was none. A string whose escapes are not JSON comes as it stood between the quotes.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match &self.data {
            Data::Plain(None) => Cow::Borrowed(""),
            Data::Plain(Some(token)) => text_of(*token, &self.message),
            Data::Opened(text) => Cow::Borrowed(text),
        }
    }

    /// Returns the `data` as a value. Most servers send a string that holds JSON: it is decoded; a
    /// string that does not decode to `T` is taken as a string itself. Absent data counts as
    /// `null`.
    ///
    /// # Errors
    /// If the data is not JSON, or not of `T`'s shape. For a string, the error is that of decoding
    /// its content, unless the string itself is no JSON (a control character stands in it).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.json_with(&mut String::new())
    }

    /// Decodes the event as the variant of `E` that has the event's name, or returns `None` if `E` has
    /// none of that name.
    ///
    /// A variant with one field without a name, or with named fields, takes the `data`, read as by
    /// [`ChannelEvent::json`]; one without fields takes any data, and ignores it. `#[serde(rename)]`,
    /// `alias` and `other` count. Beside enums of this form (serde's default) those that are marked
    /// `#[serde(tag = "event", content = "data")]` can be read, whose variants without fields serde gives
    /// no other data than none or `null`; any other type is given a map of `event` and, if there is any,
    /// `data`.
    ///
    /// ```
    /// # use pushest_proto::ChannelEvent;
    ///
    /// #[derive(Debug, serde::Deserialize)]
    /// enum OrderEvent {
    ///     #[serde(rename = r"App\Events\OrderShipped")]
    ///     Shipped { id: u64 },
    ///     #[serde(rename = "client-typing")]
    ///     Typing,
    /// }
    ///
    /// fn print(event: &ChannelEvent) {
    ///     match event.variant() {
    ///         Ok(Some(OrderEvent::Shipped { id })) => println!("{id} is on its way"),
    ///         Ok(Some(OrderEvent::Typing)) => println!("{:?} is typing", event.user_id()),
    ///         Ok(None) => println!("{} is none of ours", event.name()),
    ///         Err(error) => eprintln!("{}: {error}", event.name()),
    ///     }
    /// }
    /// # let _ = print;
    /// ```
    ///
    /// # Errors
    /// If `E` has a variant of that name and the data does not fit it.
    pub fn variant<E: DeserializeOwned>(&self) -> Result<Option<E>, serde_json::Error> {
        self.variant_with(&mut String::new())
    }

    /// As [`ChannelEvent::json`], with a buffer for the text.
    pub(super) fn json_with<T: DeserializeOwned>(
        &self,
        buffer: &mut String,
    ) -> Result<T, serde_json::Error> {
        let (first, second) = self.payloads(buffer);
        first.value().or_else(|error| match second {
            Some(second) => second.value().map_err(|_| error),
            None => Err(error),
        })
    }

    /// As [`ChannelEvent::variant`], with a buffer for the text.
    pub(super) fn variant_with<E: DeserializeOwned>(
        &self,
        buffer: &mut String,
    ) -> Result<Option<E>, serde_json::Error> {
        let (first, second) = self.payloads(buffer);
        let present = |payload| Some(payload).filter(|_| !matches!(self.data, Data::Plain(None)));
        let error = match variant::read(self.name(), present(first)) {
            Ok(value) => return Ok(Some(value)),
            Err(variant::Failure::UnknownName) => return Ok(None),
            Err(variant::Failure::Data(error)) => error,
        };
        match second.map(|second| variant::read(self.name(), present(second))) {
            Some(Ok(value)) => Ok(Some(value)),
            _ => Err(error),
        }
    }

    /// What the data is read from, and what else if that is not of the right shape. The text of a
    /// string that has escapes goes into the buffer.
    fn payloads<'a>(&'a self, buffer: &'a mut String) -> (Payload<'a>, Option<Payload<'a>>) {
        match &self.data {
            Data::Plain(None) => (Payload::Json("null"), None),
            Data::Opened(text) => (Payload::Json(text), Some(Payload::Text(text))),
            Data::Plain(Some(token)) => {
                let whole = Payload::Json(token.of(&self.message));
                match token.string(&self.message) {
                    None => (whole, None),
                    // Not a JSON string: what looks like JSON in it was never meant as such.
                    Some(content) if envelope::has_control(content) => (whole, None),
                    Some(content)
                        if envelope::has_escapes(content)
                            && escapes::undo_strictly(content, buffer) =>
                    {
                        (Payload::Json(buffer), Some(whole))
                    }
                    Some(content) => (Payload::Json(content), Some(whole)),
                }
            }
        }
    }

    /// Returns whether the data was encrypted, and was opened.
    #[must_use]
    pub fn was_encrypted(&self) -> bool {
        matches!(self.data, Data::Opened(_))
    }

    /// Returns the id of the member that sent a client event, on presence channels: a string's
    /// content, or a number as [`Member::id`](crate::Member::id) spells it. `None` if there is
    /// neither. Allocates only for escapes and for whole numbers with a fraction or an exponent.
    #[must_use]
    pub fn user_id(&self) -> Option<Cow<'_, str>> {
        Part::new(self.user_id?.of(&self.message)).id()
    }

    /// Returns the data of an encrypted event: a string's content, anything else as it stood.
    pub(crate) fn sealed(&self) -> Cow<'_, str> {
        Part::new(self.raw()).text()
    }

    /// Returns the same event with a message of its own, so that it pins no shared buffer. This
    /// copies the message.
    ///
    /// A program that keeps single events for long needs this: a driver reads many messages into
    /// one buffer, and each event that is left keeps all of it alive.
    ///
    /// ```
    /// # use pushest_proto::ChannelEvent;
    /// /// The events that are kept, whatever came between them.
    /// #[derive(Default)]
    /// struct Alarms(Vec<ChannelEvent>);
    ///
    /// impl Alarms {
    ///     fn receive(&mut self, event: ChannelEvent) {
    ///         if event.name() == "alarm" {
    ///             self.0.push(event.into_owned());
    ///         }
    ///     }
    /// }
    /// # let _ = Alarms::default();
    /// ```
    #[must_use]
    pub fn into_owned(mut self) -> Self {
        self.message = ByteString::from(&*self.message);
        self
    }

    /// Returns the whole message as it was received (JSON), an encrypted event's data encrypted.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what the event pins at least, in bytes: its message, and the text that was opened.
    #[must_use]
    pub fn pinned_bytes(&self) -> usize {
        let opened = match &self.data {
            Data::Opened(text) => text.len(),
            Data::Plain(_) => 0,
        };
        self.message.len() + opened
    }

    /// Returns what it keeps alive beside itself and its channel's name, in bytes: no more of its
    /// message's buffer is known than the message.
    #[inline]
    pub(crate) fn content_bytes(&self) -> usize {
        let opened = match &self.data {
            Data::Opened(text) => memory::shared_text(text),
            Data::Plain(_) => 0,
        };
        memory::allocation(self.message.len()) + opened + self.name.heap_bytes()
    }

    /// Returns the message's bytes, for handing on without copying.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        self.message.into_bytes()
    }
}

/// Returns a string's content, or any other token as it stands.
fn text_of(token: Token, message: &str) -> Cow<'_, str> {
    match token.string(message) {
        None => Cow::Borrowed(token.of(message)),
        Some(content) if !envelope::has_escapes(content) => Cow::Borrowed(content),
        Some(content) => {
            let text: Option<String> = envelope::unescaped(token.of(message));
            text.map_or(Cow::Borrowed(content), Cow::Owned)
        }
    }
}

impl fmt::Debug for ChannelEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelEvent")
            .field("channel", &self.channel)
            .field("name", &self.name())
            .field("data", &self.raw())
            .field("user_id", &self.user_id())
            .finish()
    }
}
