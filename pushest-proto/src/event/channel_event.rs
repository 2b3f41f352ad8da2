//! An event of a channel: a view on the message that brought it.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::DeserializeOwned;
use serde::de::value::StrDeserializer;

use super::names::EventName;
use crate::channel::name::ChannelName;
use crate::memory;
use crate::wire::envelope::{self, Token};
use crate::wire::parts::Part;

/// What a channel carried.
///
/// It is a view: it keeps the received message, reference counted, and where name and data stand
/// in it. Making, moving and cloning it copies no text. While it lives it pins the buffer that the
/// message was read into; [`ChannelEvent::into_owned`] lets go of that.
///
/// Its texts are as they came: a program that prints them to a terminal escapes them, for example
/// with [`Escaped`](crate::Escaped).
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
    Absent,
    /// In the message.
    Plain(Token),
    /// Opened: the message has it encrypted.
    Opened(ByteString),
}

impl ChannelEvent {
    pub(crate) fn new(
        channel: ChannelName,
        message: ByteString,
        name: EventName,
        data: Option<Token>,
        user_id: Option<Token>,
    ) -> Self {
        let data = data.map_or(Data::Absent, Data::Plain);
        Self { channel, message, name, data, user_id }
    }

    /// The same event with data that was opened.
    pub(crate) fn opened(mut self, data: ByteString) -> Self {
        self.data = Data::Opened(data);
        self
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> &ChannelName {
        &self.channel
    }

    /// The event's name, such as `order-shipped`, `client-typing` or `App\Events\OrderShipped`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.of(&self.message)
    }

    /// Whether another client sent it, not the app's server.
    #[must_use]
    pub fn is_client_event(&self) -> bool {
        self.name().starts_with("client-")
    }

    /// The `data` as it stood in the message: one JSON token, strings with their quotes and
    /// escapes; empty if there was none. It was not checked to be JSON inside. Of an encrypted
    /// event it is the text that was opened.
    #[must_use]
    pub fn raw(&self) -> &str {
        match &self.data {
            Data::Absent => "",
            Data::Plain(token) => token.of(&self.message),
            Data::Opened(text) => text,
        }
    }

    /// The `data` as text: a string's content, anything else as it stood, empty if there was none.
    /// A string whose escapes are not JSON comes as it stood between the quotes.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match &self.data {
            Data::Absent => Cow::Borrowed(""),
            Data::Plain(token) => text_of(*token, &self.message),
            Data::Opened(text) => Cow::Borrowed(text),
        }
    }

    /// The `data` as a value. Most servers send a string that holds JSON: it is decoded; a string
    /// that does not decode to `T` is taken as a string itself. Absent data is like `null`.
    ///
    /// # Errors
    /// If the data is not JSON, or not of `T`'s shape. For a string, the error is that of decoding
    /// its content, unless the string itself is no JSON (a control character stands in it).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match &self.data {
            Data::Absent => serde_json::from_str("null"),
            Data::Plain(token) if token.string(&self.message).is_none() => {
                serde_json::from_str(token.of(&self.message))
            }
            // Not a JSON string: what looks like JSON in it was never meant as such.
            Data::Plain(token) if token.control => serde_json::from_str(token.of(&self.message)),
            Data::Plain(token) => {
                let as_string = || serde_json::from_str(token.of(&self.message));
                serde_json::from_str(&text_of(*token, &self.message))
                    .or_else(|error| as_string().map_err(|_| error))
            }
            Data::Opened(text) => serde_json::from_str(text).or_else(|error| {
                let as_string = T::deserialize(StrDeserializer::<serde_json::Error>::new(text));
                as_string.map_err(|_| error)
            }),
        }
    }

    /// Whether the data was encrypted, and was opened.
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

    /// The data of an encrypted event: a string's content, anything else as it stood.
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

    /// The whole message as it was received (JSON), an encrypted event's data encrypted.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the event pins at least, in bytes: its message, and the text that was opened.
    #[must_use]
    pub fn pinned_bytes(&self) -> usize {
        let opened = match &self.data {
            Data::Opened(text) => text.len(),
            Data::Absent | Data::Plain(_) => 0,
        };
        self.message.len() + opened
    }

    /// What it keeps alive beside itself and its channel's name, in bytes: no more of its message's
    /// buffer is known than the message.
    pub(crate) fn content_bytes(&self) -> usize {
        let opened = match &self.data {
            Data::Opened(text) => memory::allocation(text.len()),
            Data::Absent | Data::Plain(_) => 0,
        };
        let name = match &self.name {
            EventName::Unescaped(name) => memory::shared_text(name),
            EventName::Plain(_) => 0,
        };
        memory::allocation(self.message.len()) + opened + name
    }

    /// The message's bytes, for handing on without copying.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        self.message.into_bytes()
    }
}

/// A string's content, or any other token as it stands.
fn text_of(token: Token, message: &str) -> Cow<'_, str> {
    match token.string(message) {
        None => Cow::Borrowed(token.of(message)),
        Some(content) if !token.escaped => Cow::Borrowed(content),
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
