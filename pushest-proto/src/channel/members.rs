//! The table of who is present in a channel.

use alloc::boxed::Box;
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

impl Members {
    pub(super) fn boxed(hash: Seeded) -> Box<Self> {
        Box::new(Self::new(hash))
    }

    fn new(hash: Seeded) -> Self {
        Self { is_known: false, table: IndexSet::with_hasher(hash), bytes: 0 }
    }

    /// Replaces all members, and tells the difference; `None` stands for a list that could not be
    /// read.
    pub(super) fn reset(
        &mut self,
        list: Option<MemberList>,
        channel: &ChannelName,
        context: &mut Context<'_>,
    ) {
        let mut fresh = Self::new(*self.table.hasher());
        fresh.is_known = list.is_some();
        let mut dropped = list.as_ref().map_or(0, |list| list.dropped);
        for member in list.into_iter().flat_map(|list| list.members) {
            if fresh.add(member, &context.config.limits).is_err() {
                dropped += 1;
            }
        }
        let absent = |from: &Self, member: &&Member| from.get(member.id()) != Some(*member);
        let joined = fresh.iter().filter(|member| absent(self, member)).cloned().collect();
        let left = self.iter().filter(|member| absent(&fresh, member)).cloned().collect();
        *self = fresh;
        tell(channel, PresenceChange::Reset { joined, left }, context);
        if dropped > 0 {
            tell_limit(channel, dropped, context);
        }
    }

    /// Adds a member, and tells it if that changed anything.
    pub(super) fn joined(
        &mut self,
        member: Member,
        channel: &ChannelName,
        context: &mut Context<'_>,
    ) {
        if self.get(member.id()) == Some(&member) {
            return;
        }
        match self.add(member.clone(), &context.config.limits) {
            Ok(()) => tell(channel, PresenceChange::Joined(member), context),
            Err(NoRoom) => tell_limit(channel, 1, context),
        }
    }

    /// Removes a member, and tells it if it was there.
    pub(super) fn left(&mut self, id: &str, channel: &ChannelName, context: &mut Context<'_>) {
        let Some(ById(member)) = self.table.swap_take(id) else { return };
        self.bytes -= bytes_of(&member);
        if self.table.capacity() > PLACES_KEPT.max(4 * self.table.len()) {
            self.table.shrink_to(2 * self.table.len());
        }
        tell(channel, PresenceChange::Left(member), context);
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

fn tell(channel: &ChannelName, change: PresenceChange, context: &mut Context<'_>) {
    let update = PresenceUpdate { channel: channel.clone(), change };
    context.pending.push(Action::UpdatePresence(update));
}

fn tell_limit(channel: &ChannelName, dropped: u64, context: &mut Context<'_>) {
    let limit = LimitReached::Members { channel: channel.clone(), dropped };
    context.pending.push(Action::Emit(Event::LimitReached(limit)));
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

/// Number of places that stay for members that come back.
const PLACES_KEPT: usize = 32;

/// What a member costs in the table.
fn bytes_of(member: &Member) -> usize {
    PLACE_BYTES + member.heap_bytes()
}
