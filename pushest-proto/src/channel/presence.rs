//! Who is present in a channel.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{Hash, Hasher};

use indexmap::IndexSet;
use serde::de::DeserializeOwned;

use super::ChannelName;
use crate::config::Limits;
use crate::hash::Seeded;
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

    /// What the app tells about the user (JSON), if anything.
    #[must_use]
    pub fn info_json(&self) -> Option<&str> {
        Some(&self.texts[self.id_bytes..]).filter(|info| !info.is_empty())
    }

    /// What the app tells about the user, as a value; no info is like `null`.
    ///
    /// # Errors
    /// If the info does not have the shape of `T`.
    pub fn info<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.info_json().unwrap_or("null"))
    }

    /// What it keeps alive beside itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        memory::shared_text(&self.texts)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("id", &self.id()).field("info", &self.info_json()).finish()
    }
}

/// A change of who is present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceUpdate {
    /// The channel.
    pub channel: ChannelName,
    /// What changed.
    pub change: PresenceChange,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceChange {
    /// The server sent the whole list, at a subscription: the difference to what was known since
    /// the channel was first subscribed to. (Unsubscribing forgets all members.) A member whose
    /// info changed is among both. If nothing of the list could be read, all members known before
    /// are in `left`, an [`Event::Malformed`](crate::Event::Malformed) follows, and
    /// [`ChannelView::members_known`](crate::ChannelView::members_known) is false.
    Reset {
        /// Who is new.
        joined: Vec<Member>,
        /// Who is gone.
        left: Vec<Member>,
    },
    /// One member came, or its info changed.
    Joined(Member),
    /// One member went.
    Left(Member),
}

impl PresenceChange {
    /// What it keeps alive beside itself, in bytes.
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

/// The members of one channel.
#[derive(Debug)]
pub(crate) struct Members {
    /// Whether this began with a list of the server's; otherwise it holds only who came since.
    is_known: bool,
    table: IndexSet<ById, Seeded>,
    /// Bytes of all members.
    bytes: usize,
}

/// A member's place in the table: its key with the hash, and an index with its byte of control, of
/// which an eighth is always free.
const PLACE_BYTES: usize =
    size_of::<ById>() + size_of::<usize>() + (size_of::<usize>() + 1) * 8 / 7;

/// Number of places that stay for members that come back.
const PLACES_KEPT: usize = 32;

impl Members {
    pub(crate) fn new(hash: Seeded) -> Self {
        Self { is_known: false, table: IndexSet::with_hasher(hash), bytes: 0 }
    }

    /// Replaces all members; `None` stands for a list that could not be read. Returns the
    /// difference, and how many found no room.
    pub(crate) fn reset(
        &mut self,
        members: Option<Vec<Member>>,
        limits: &Limits,
    ) -> (PresenceChange, u64) {
        let mut fresh = Self::new(*self.table.hasher());
        fresh.is_known = members.is_some();
        let mut dropped = 0;
        for member in members.into_iter().flatten() {
            if fresh.add(member, limits).is_err() {
                dropped += 1;
            }
        }
        let absent = |from: &Self, member: &&Member| from.get(member.id()) != Some(*member);
        let joined = fresh.iter().filter(|member| absent(self, member)).cloned().collect();
        let left = self.iter().filter(|member| absent(&fresh, member)).cloned().collect();
        *self = fresh;
        (PresenceChange::Reset { joined, left }, dropped)
    }

    /// Adds a member. Answers it if that changed anything.
    pub(crate) fn join(
        &mut self,
        member: Member,
        limits: &Limits,
    ) -> Result<Option<Member>, NoRoom> {
        if self.get(member.id()) == Some(&member) {
            return Ok(None);
        }
        self.add(member.clone(), limits).map(|()| Some(member))
    }

    /// Removes a member. Answers it if it was there.
    pub(crate) fn leave(&mut self, id: &str) -> Option<Member> {
        let ById(member) = self.table.swap_take(id)?;
        self.bytes -= bytes_of(&member);
        if self.table.capacity() > PLACES_KEPT.max(4 * self.table.len()) {
            self.table.shrink_to(2 * self.table.len());
        }
        Some(member)
    }

    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Member> {
        self.table.get(id).map(|ById(member)| member)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.table.iter().map(|ById(member)| member)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes of all members, of which there is a limit.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of everything else: the table itself, and places that are free.
    pub(crate) fn other_bytes(&self) -> usize {
        size_of::<Self>() + (self.table.capacity() - self.table.len()) * PLACE_BYTES
    }

    fn add(&mut self, member: Member, limits: &Limits) -> Result<(), NoRoom> {
        let former = self.get(member.id()).map(bytes_of);
        let count = self.len() + usize::from(former.is_none());
        let bytes = self.bytes - former.unwrap_or(0) + bytes_of(&member);
        if count > limits.members || bytes > limits.member_bytes {
            return Err(NoRoom);
        }
        self.bytes = bytes;
        self.table.replace(ById(member));
        Ok(())
    }
}

/// What a member costs in the table.
fn bytes_of(member: &Member) -> usize {
    PLACE_BYTES + member.heap_bytes()
}

/// The limit of members is reached.
#[derive(Debug)]
pub(crate) struct NoRoom;

/// A member as the table sees it: the id alone counts.
#[derive(Debug)]
struct ById(Member);

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        self.0.id()
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for ById {}
