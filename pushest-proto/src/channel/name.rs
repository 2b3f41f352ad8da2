//! Names of channels, and what they say about the channel.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use super::name_text::NameText;
use crate::id::ChannelId;
use crate::memory;

/// Reserved for the channel of a signed-in user ([protocol, limits](crate::protocol#limits)).
pub(crate) const RESERVED_PREFIX: &str = "#server-to-user-";

/// The name of a channel, checked against the rules. Cloning it is cheap.
///
/// A name that comes from a session also knows which of its subscriptions it is about
/// ([`ChannelName::id`]). That plays no part when names are compared, hashed or shown.
///
/// ```
/// # use pushest_proto::{ChannelKind, ChannelName};
/// let name = ChannelName::new("private-orders")?;
/// assert_eq!(name.kind(), ChannelKind::Private);
/// assert_eq!(
///     ChannelName::new("my channel").unwrap_err().to_string(),
///     "\"my channel\" is not a channel name: ' ' is not among letters, digits and `_ - = @ , . ;`"
/// );
/// # Ok::<(), pushest_proto::NameError>(())
/// ```
#[derive(Clone)]
pub struct ChannelName {
    text: NameText,
    id: Option<ChannelId>,
}

impl ChannelName {
    /// What a name takes more in its place than a reference to its text would, in bytes. Where names do
    /// not count, since they are counted with the channels, neither does this.
    pub(crate) const IN_PLACE: usize = size_of::<NameText>() - size_of::<Arc<str>>();

    /// Checks a name by the rules of the hosted service: 1 to 200 bytes of letters, digits and
    /// `_ - = @ , . ;` ([protocol, limits](crate::protocol#limits)).
    ///
    /// # Errors
    /// [`NameError`] names the value and the rule.
    pub fn new(name: &str) -> Result<Self, NameError> {
        Self::with_rules(name, &NameRules::default())
    }

    /// Checks a name by other rules.
    ///
    /// # Errors
    /// As [`ChannelName::new`].
    pub fn with_rules(name: &str, rules: &NameRules) -> Result<Self, NameError> {
        if name.is_empty() {
            Err(NameError::Empty)
        } else if name.len() > rules.bytes {
            let (length, limit) = (name.len(), rules.bytes);
            let start = shown(name).chars().take(40).collect();
            Err(NameError::TooLong { start, length, limit })
        } else if name.starts_with(RESERVED_PREFIX) {
            Err(NameError::Reserved { name: name.to_string() })
        } else if let Some(character) = name.chars().find(|&character| !rules.allows(character)) {
            Err(NameError::Character { name: shown(name), character })
        } else {
            Ok(Self { text: NameText::new(name), id: None })
        }
    }

    /// Makes the name of the channel of a signed-in user ([protocol,
    /// sign-in](crate::protocol#sign-in)).
    pub(crate) fn of_user(user_id: &str) -> Self {
        Self { text: NameText::new(&alloc::format!("{RESERVED_PREFIX}{user_id}")), id: None }
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Returns the name's bytes, which are at hand where [`ChannelName::as_str`] has to check them.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Returns the id of the subscription that the name belongs to: in events, in
    /// [`ChannelView::name`](crate::ChannelView::name), and from
    /// [`Session::subscribe`](crate::Session::subscribe). `None` for a name that was made from text.
    #[must_use]
    pub fn id(&self) -> Option<ChannelId> {
        self.id
    }

    /// Ties this name to a subscription. Clones keep the one that they have.
    pub(crate) fn set_id(&mut self, id: ChannelId) {
        self.id = Some(id);
    }

    /// Returns what it keeps alive, in bytes: nothing, if it is short.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.text.allocation().map_or(0, |text| memory::shared_text(text))
    }

    /// Returns whether the other one keeps the same allocation alive.
    pub(crate) fn shares_with(&self, other: &Self) -> bool {
        match (self.text.allocation(), other.text.allocation()) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Returns the number of names that keep this one's allocation alive, itself included; one, if it
    /// has none.
    pub(crate) fn holders(&self) -> usize {
        self.text.allocation().map_or(1, Arc::strong_count)
    }

    /// Returns the kind of channel that the name's prefix stands for.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        ChannelKind::of(self.as_str())
    }

    /// Returns whether the server keeps the channel's last event for new subscribers.
    #[must_use]
    pub fn is_cache(&self) -> bool {
        ["cache-", "private-cache-", "presence-cache-", "private-encrypted-cache-"]
            .iter()
            .any(|prefix| self.as_bytes().starts_with(prefix.as_bytes()))
    }
}

/// As [`ChannelName::new`].
impl FromStr for ChannelName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

/// As [`ChannelName::new`].
impl TryFrom<&str> for ChannelName {
    type Error = NameError;

    fn try_from(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

/// Returns the name as errors show it. A URL that was pasted in its place may hold a secret.
pub(crate) fn shown(name: &str) -> String {
    let is_url = name.contains("://") || (name.contains('@') && name.contains(':'));
    if is_url { "…".to_string() } else { name.to_string() }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for ChannelName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for ChannelName {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for ChannelName {}

impl PartialOrd for ChannelName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ChannelName {
    fn cmp(&self, other: &Self) -> Ordering {
        // As texts compare: byte by byte.
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for ChannelName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` does, for maps that are asked by text.
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for ChannelName {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for ChannelName {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

/// The kinds of channel, by prefix. The protocol has got new ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelKind {
    /// No prefix: everyone who knows the app's key may subscribe.
    Public,
    /// `private-`: subscribing is signed; client events are allowed.
    Private,
    /// `presence-`: private, and the server tells who is there.
    Presence,
    /// `private-encrypted-`: private, and the server cannot read the events' data.
    Encrypted,
    /// `#server-to-user-`: what the server sends to the signed-in user. It is wanted by signing in
    /// ([`Session::sign_in`](crate::Session::sign_in)), not by name.
    User,
}

impl ChannelKind {
    /// Returns the kind's name, such as `presence`.
    ///
    /// ```
    /// # use pushest_proto::ChannelKind;
    ///
    /// assert_eq!(ChannelKind::of("private-encrypted-orders").as_str(), "encrypted");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Presence => "presence",
            Self::Encrypted => "encrypted",
            Self::User => "user",
        }
    }

    /// Returns what the prefix says about a channel of this name, be it a valid one or not.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name.starts_with("private-encrypted-") {
            Self::Encrypted
        } else if name.starts_with("private-") {
            Self::Private
        } else if name.starts_with("presence-") {
            Self::Presence
        } else if name.starts_with(RESERVED_PREFIX) {
            Self::User
        } else {
            Self::Public
        }
    }

    /// Returns whether subscribing needs a signature. That of the user's own channel stands in the
    /// sign-in.
    #[must_use]
    pub fn is_signed(self) -> bool {
        !matches!(self, Self::Public | Self::User)
    }

    /// Returns whether clients may send events to each other ([protocol, client
    /// events](crate::protocol#client-events)).
    #[must_use]
    pub fn allows_client_events(self) -> bool {
        matches!(self, Self::Private | Self::Presence)
    }
}

/// What a server allows as a channel's name.
///
/// ```
/// # use pushest_proto::{ChannelName, NameRules};
///
/// let rules = NameRules::default().bytes(100).extra_characters(":#");
/// assert!(ChannelName::with_rules("orders:7", &rules).is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameRules {
    /// Maximum length of a name in bytes. 200.
    pub bytes: usize,
    /// Characters allowed besides those of the hosted service; Sockudo takes `":#"`. None.
    pub extra_characters: String,
}

impl NameRules {
    /// Sets the maximum length of a name, in bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets which characters are allowed besides those of the hosted service.
    #[must_use]
    pub fn extra_characters(mut self, characters: &str) -> Self {
        self.extra_characters = characters.to_string();
        self
    }

    /// Returns whether a name may hold this character.
    pub(crate) fn allows(&self, character: char) -> bool {
        character.is_ascii_alphanumeric()
            || "_-=@,.;".contains(character)
            || self.extra_characters.contains(character)
    }
}

impl Default for NameRules {
    fn default() -> Self {
        Self { bytes: 200, extra_characters: String::new() }
    }
}

/// A name that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name is empty.
    #[error("a channel name cannot be empty")]
    Empty,
    /// The name is too long.
    #[error("\"{start}…\" is not a channel name: it has {length} bytes, the limit is {limit}")]
    TooLong {
        /// Its beginning.
        start: String,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A character is not allowed.
    #[error(
        "{name:?} is not a channel name: {character:?} is not among letters, digits and \
         `_ - = @ , . ;`"
    )]
    Character {
        /// The name.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
    /// The name is reserved for a user's own channel, which comes with signing in.
    #[error("{name:?} cannot be subscribed to by name: the server adds it at sign-in")]
    Reserved {
        /// The name.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_say_the_kind() {
        let kind = |name| ChannelName::new(name).unwrap().kind();
        assert_eq!(kind("orders"), ChannelKind::Public);
        assert_eq!(kind("cache-orders"), ChannelKind::Public);
        assert_eq!(kind("private-orders"), ChannelKind::Private);
        assert_eq!(kind("presence-room"), ChannelKind::Presence);
        assert_eq!(kind("private-encrypted-orders"), ChannelKind::Encrypted);
        assert_eq!(kind("private-encrypted-cache-orders"), ChannelKind::Encrypted);
        assert!(!kind("private-encrypted-x").allows_client_events());
    }

    #[test]
    fn cache_channels_are_known_in_all_four_kinds() {
        let cache = |name| ChannelName::new(name).unwrap().is_cache();
        for name in ["cache-x", "private-cache-x", "presence-cache-x", "private-encrypted-cache-x"]
        {
            assert!(cache(name), "{name}");
        }
        assert!(!cache("x-cache-"));
        assert!(!cache("private-encrypted-x"));
    }

    #[test]
    fn a_bad_name_is_refused_with_the_rule() {
        assert_eq!(ChannelName::new(""), Err(NameError::Empty));
        assert!(matches!(
            ChannelName::new("a:b"),
            Err(NameError::Character { character: ':', .. })
        ));
        assert!(matches!(ChannelName::new("#server-to-user-1"), Err(NameError::Reserved { .. })));
        assert!(ChannelName::new(&"x".repeat(200)).is_ok());
        let error = ChannelName::new(&"x".repeat(201)).unwrap_err();
        assert!(matches!(error, NameError::TooLong { length: 201, limit: 200, .. }));
    }

    #[test]
    fn other_servers_may_allow_more() {
        let rules = NameRules::default().bytes(10).extra_characters(":#");
        assert!(ChannelName::with_rules("a:b#c", &rules).is_ok());
        assert!(ChannelName::with_rules("12345678901", &rules).is_err());
    }

    #[test]
    fn a_long_name_is_counted_with_its_counters_and_a_short_one_has_no_allocation() {
        let long = "private-orders-of-a-customer-1234567";
        let name = ChannelName::new(long).unwrap();
        assert_eq!((name.heap_bytes(), name.holders()), (memory::shared(long.len()), 1));
        let clone = name.clone();
        assert!(name.shares_with(&clone) && !name.shares_with(&ChannelName::new(long).unwrap()));
        assert_eq!(name.holders(), 2);
        let short = ChannelName::new("orders").unwrap();
        assert_eq!((short.heap_bytes(), short.clone().holders()), (0, 1));
        assert!(!short.shares_with(&short.clone()));
    }

    #[test]
    fn names_compare_hash_and_look_as_their_texts_do() {
        use core::hash::BuildHasher as _;

        use crate::hash::Seeded;

        let long = "x".repeat(40);
        let texts = ["a", "ab", "b", &long[..30], &long[..31], &long];
        let hash = Seeded::new(1, 2);
        for one in texts {
            let name = ChannelName::new(one).unwrap();
            assert_eq!((name.as_str(), name.to_string()), (one, one.to_string()));
            assert_eq!(hash.hash_one(&name), hash.hash_one(one));
            for other in texts {
                let other_name = ChannelName::new(other).unwrap();
                assert_eq!(name.cmp(&other_name), one.cmp(other));
                assert_eq!(name == other_name, one == other);
                assert_eq!(name == *other, one == other);
            }
        }
    }
}
