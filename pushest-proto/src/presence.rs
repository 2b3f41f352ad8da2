//! The members of a presence channel.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::de::DeserializeOwned;

use crate::channel::name::ChannelName;
use crate::memory;

/// A user that is present in a channel, however many connections it has. Cloning it is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// The id, and behind it the info: one allocation for both. An info is JSON and so never empty.
    texts: Arc<str>,
    /// The length of the id.
    id_bytes: usize,
}

impl Member {
    pub(crate) fn new(id: &str, info: Option<&str>) -> Self {
        Self { texts: [id, info.unwrap_or_default()].concat().into(), id_bytes: id.len() }
    }

    /// Returns the user's id as text. A string stays as the server wrote it. Of a JSON number, a
    /// whole one of at most 20 digits is the same however it is spelled (`2`, `2.0` and `2e0` are
    /// `2`), and any other stays as it was written ([protocol,
    /// tolerance](crate::protocol#tolerance)).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.texts[..self.id_bytes]
    }

    /// Returns the info that the app signed for the user (JSON); `None` if there is none.
    #[must_use]
    pub fn info_json(&self) -> Option<&str> {
        Some(&self.texts[self.id_bytes..]).filter(|info| !info.is_empty())
    }

    /// Decodes the info that the app signed for the user; no info counts as `null`.
    ///
    /// # Errors
    /// If the info does not have the shape of `T`.
    pub fn info<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.info_json().unwrap_or("null"))
    }

    /// Returns what it keeps alive beside itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        memory::shared_text(&self.texts)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("id", &self.id()).field("info", &self.info_json()).finish()
    }
}

/// A change of the members of a presence channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresenceUpdate {
    /// The presence channel.
    pub channel: ChannelName,
    /// Which members joined or left.
    pub change: PresenceChange,
}

impl PresenceUpdate {
    /// Creates an update, as a test of a program needs one.
    ///
    /// ```
    /// # use pushest_proto::{ChannelName, PresenceChange, PresenceUpdate};
    ///
    /// let nobody = PresenceChange::Reset { joined: Vec::new(), left: Vec::new() };
    /// let update = PresenceUpdate::new(ChannelName::new("presence-room")?, nobody);
    /// assert_eq!(update.channel, "presence-room");
    /// # Ok::<(), pushest_proto::NameError>(())
    /// ```
    #[must_use]
    pub fn new(channel: ChannelName, change: PresenceChange) -> Self {
        Self { channel, change }
    }
}

/// Which members joined or left.
///
/// Exhaustive on purpose: a list of members that leaves out one kind of change is wrong from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceChange {
    /// The server sent the whole list, at a subscription: the difference to what was known since
    /// the channel was first subscribed to. (Unsubscribing forgets all members.) A member whose
    /// info changed is among both. If nothing of the list could be read, all members known before
    /// are in `left`, an [`Event::Malformed`](crate::Event::Malformed) follows, and
    /// [`ChannelView::members_known`](crate::ChannelView::members_known) is false.
    Reset {
        /// Members that were not present before, in the order of the server's list.
        joined: Vec<Member>,
        /// Members that are no longer present.
        left: Vec<Member>,
    },
    /// One member came, or its info changed.
    Joined(Member),
    /// One member went.
    Left(Member),
}

impl PresenceChange {
    /// Returns what it keeps alive beside itself, in bytes.
    pub(crate) fn content_bytes(&self) -> usize {
        match self {
            Self::Reset { joined, left } => {
                let members = joined.iter().chain(left).map(Member::heap_bytes);
                memory::list(joined) + memory::list(left) + members.sum::<usize>()
            }
            Self::Joined(member) | Self::Left(member) => member.heap_bytes(),
        }
    }
}
