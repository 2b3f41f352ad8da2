//! The table of who is present in a channel.

use core::borrow::Borrow;
use core::hash::{Hash, Hasher};

use indexmap::IndexSet;

use super::name::ChannelName;
use crate::action::Action;
use crate::config::limits::Limits;
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
    /// Number of places in the table. What the table says is less while marks of removed members
    /// take up places.
    places: usize,
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
        Self { is_known: false, table: IndexSet::with_hasher(hash), places: 0, bytes: 0 }
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
        size_of::<Self>() + (self.places - self.table.len()) * PLACE_BYTES
    }

    fn remove(&mut self, id: &str) -> Option<Member> {
        let ById(member) = self.table.swap_take(id)?;
        self.bytes -= bytes_of(&member);
        if self.places > PLACES_KEPT.max(4 * self.table.len()) {
            self.places = 2 * self.table.len();
            self.table.shrink_to(self.places);
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
        self.places = self.places.max(self.table.capacity());
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
    size_of::<ById>() + size_of::<usize>() + 8 * (size_of::<usize>() + 1) / 7;

/// Number of places that are kept for members that come back.
const PLACES_KEPT: usize = 32;

/// Returns what a member costs in the table.
fn bytes_of(member: &Member) -> usize {
    PLACE_BYTES + member.heap_bytes()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    fn members(count: usize) -> Members {
        let mut members = Members::new(Seeded::new(1, 2));
        for number in 0..count {
            let member = Member::new(&number.to_string(), None);
            members.add(member, &Limits::default()).expect("there is room");
        }
        members
    }

    /// Removes members until this many remain.
    fn leave(members: &mut Members, remaining: usize) {
        for number in (remaining..members.len()).rev() {
            members.remove(&number.to_string()).expect("it was there");
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_place_is_an_entry_and_an_index_of_which_an_eighth_is_free() {
        // The entry has the hash beside the member; the index has 9 bytes, which are 10 of 8 / 7.
        assert_eq!(PLACE_BYTES, size_of::<Member>() + 8 + 10);
    }

    #[test]
    fn the_table_and_its_free_places_are_counted_beside_the_members() {
        assert_eq!(members(0).other_bytes(), size_of::<Members>());
        let mut members = members(100);
        let places = members.table.capacity();
        assert_eq!(members.other_bytes(), size_of::<Members>() + (places - 100) * PLACE_BYTES);
        // The table has no fewer places when a member leaves.
        leave(&mut members, 90);
        assert_eq!(members.other_bytes(), size_of::<Members>() + (places - 90) * PLACE_BYTES);
    }

    #[test]
    fn a_table_that_is_less_than_a_quarter_full_is_halved_and_a_small_one_stays() {
        let mut members = members(448);
        let full = members.places;
        assert_eq!((full, full % 4), (members.table.capacity(), 0));
        leave(&mut members, full / 4);
        assert_eq!(members.places, full, "a quarter is in use");
        leave(&mut members, full / 4 - 1);
        assert_eq!(members.places, full / 2 - 2);
        let capacity = members.table.capacity();
        assert!((full / 2 - 2..=full / 2).contains(&capacity), "{capacity} places of {full}");
        leave(&mut members, 1);
        assert!((2..=PLACES_KEPT).contains(&members.places));
        let mut small = self::members(PLACES_KEPT / 2);
        let places = small.places;
        assert!(places <= PLACES_KEPT);
        leave(&mut small, 0);
        assert_eq!(small.places, places);
    }
}
