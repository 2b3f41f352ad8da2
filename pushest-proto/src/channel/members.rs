//! The table of who is present in a channel.

use core::borrow::Borrow;
use core::hash::{Hash, Hasher};

use indexmap::IndexSet;

use super::name::ChannelName;
use crate::action::Action;
use crate::config::Limits;
use crate::context::Context;
use crate::event::{Event, LimitReached};
use crate::hash::Seeded;
use crate::presence::{Member, PresenceChange, PresenceUpdate};
use crate::wire::lists::MemberList;

/// The members of one channel.
#[derive(Debug)]
pub(crate) struct Members {
    /// Whether this began with a list of the server's; otherwise it holds only who came since.
    is_known: bool,
    table: IndexSet<ById, Seeded>,
    /// Bytes of all members.
    bytes: usize,
}

/// The members of a channel, borrowed to change them; each change is reported.
pub(super) struct Present<'a> {
    pub(super) channel: &'a ChannelName,
    pub(super) members: &'a mut Members,
}

impl Present<'_> {
    /// Replaces all members; `None` stands for a list that could not be read.
    pub(super) fn reset(self, list: Option<MemberList>, context: &mut Context<'_>) {
        let mut fresh = Members::new(*self.members.table.hasher());
        fresh.is_known = list.is_some();
        let mut dropped = list.as_ref().map_or(0, |list| list.dropped);
        for member in list.into_iter().flat_map(|list| list.members) {
            if fresh.add(member, &context.config.limits).is_err() {
                dropped += 1;
            }
        }
        let absent = |from: &Members, member: &&Member| from.get(member.id()) != Some(*member);
        let joined = fresh.iter().filter(|member| absent(self.members, member)).cloned().collect();
        let left = self.members.iter().filter(|member| absent(&fresh, member)).cloned().collect();
        *self.members = fresh;
        self.tell(PresenceChange::Reset { joined, left }, context);
        if dropped > 0 {
            self.tell_limit(dropped, context);
        }
    }

    pub(super) fn joined(self, member: Member, context: &mut Context<'_>) {
        if self.members.get(member.id()) == Some(&member) {
            return;
        }
        match self.members.add(member.clone(), &context.config.limits) {
            Ok(()) => self.tell(PresenceChange::Joined(member), context),
            Err(NoRoom) => self.tell_limit(1, context),
        }
    }

    pub(super) fn left(self, id: &str, context: &mut Context<'_>) {
        if let Some(member) = self.members.remove(id) {
            self.tell(PresenceChange::Left(member), context);
        }
    }

    fn tell(&self, change: PresenceChange, context: &mut Context<'_>) {
        let update = PresenceUpdate { channel: self.channel.clone(), change };
        context.pending.push(Action::UpdatePresence(update));
    }

    fn tell_limit(&self, dropped: u64, context: &mut Context<'_>) {
        let limit = LimitReached::Members { channel: self.channel.clone(), dropped };
        context.pending.push(Action::Emit(Event::LimitReached(limit)));
    }
}

impl Members {
    pub(super) fn new(hash: Seeded) -> Self {
        Self { is_known: false, table: IndexSet::with_hasher(hash), bytes: 0 }
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

    /// Returns the bytes of all members, of which there is a limit.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the bytes of everything else: the table itself, and places that are free.
    pub(crate) fn other_bytes(&self) -> usize {
        size_of::<Self>() + (self.table.capacity() - self.table.len()) * PLACE_BYTES
    }

    fn remove(&mut self, id: &str) -> Option<Member> {
        let ById(member) = self.table.swap_take(id)?;
        self.bytes -= bytes_of(&member);
        if self.table.capacity() > PLACES_KEPT.max(4 * self.table.len()) {
            self.table.shrink_to(2 * self.table.len());
        }
        Some(member)
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

/// The limit of members is reached.
#[derive(Debug)]
struct NoRoom;

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

/// A member's place in the table: its key with the hash, and an index with its byte of control, of
/// which an eighth is always free.
const PLACE_BYTES: usize =
    size_of::<ById>() + size_of::<usize>() + (size_of::<usize>() + 1) * 8 / 7;

/// Number of places that are kept for members that come back.
const PLACES_KEPT: usize = 32;

/// Returns what a member costs in the table.
fn bytes_of(member: &Member) -> usize {
    PLACE_BYTES + member.heap_bytes()
}
