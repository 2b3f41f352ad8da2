//! What is to be done next, and when: the only owner of due work, turns, deadlines and requests for
//! authorizations. That one place is why no request is forgotten (contract, C9).
//!
//! A key is in at most one place, or in none:
//!
//! | place | until |
//! |---|---|
//! | due | it is polled, in the order of causes |
//! | its turn | fewer than [`MOST_IN_FLIGHT`] authorizations run; it keeps its place in that order |
//! | a deadline | that time has come |
//!
//! A key that waits for an authorization has a deadline, and a ticket in flight beside it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::id::Ticket;
use crate::memory;
use crate::order::Order;
use crate::time::Instant;

/// Maximum number of authorizations that run at once.
const MOST_IN_FLIGHT: usize = 8;

/// The name of what has something to do: a channel by its place in the table.
pub(crate) type Key = usize;

/// Where a key is.
#[derive(Debug, Clone, Copy, Default)]
enum Place {
    #[default]
    Nowhere,
    Due(Order),
    Turn(Order),
    Until(Instant),
}

/// Due work, turns, deadlines, and requests in flight.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    /// The place of each key; one that lies behind the end is nowhere.
    places: Vec<Place>,
    due: BTreeSet<(Order, Key)>,
    turns: BTreeSet<(Order, Key)>,
    deadlines: BTreeSet<(Instant, Key)>,
    /// What authorizations are asked for, in the order in which they were; no key twice.
    in_flight: Vec<(Ticket, Key)>,
}

impl Agenda {
    /// Returns whether the key waits for anything.
    pub(crate) fn has(&self, key: Key) -> bool {
        !matches!(self.places.get(key), None | Some(Place::Nowhere))
    }

    /// Returns whether one more authorization may run.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight.len() < MOST_IN_FLIGHT
    }

    /// Makes the key due, behind all causes before `order`.
    pub(crate) fn queue(&mut self, key: Key, order: Order) {
        self.put(key, Place::Due(order));
        self.due.insert((order, key));
    }

    /// Makes the key due once an authorization may run, in the place that it had.
    pub(crate) fn wait_for_turn(&mut self, key: Key, order: Order) {
        self.put(key, Place::Turn(order));
        self.turns.insert((order, key));
    }

    /// Makes the key due at the deadline.
    pub(crate) fn wake_at(&mut self, key: Key, deadline: Instant) {
        self.put(key, Place::Until(deadline));
        self.deadlines.insert((deadline, key));
    }

    /// Records that an authorization was asked for, and waits for it until the deadline.
    pub(crate) fn fly(&mut self, key: Key, ticket: Ticket, deadline: Instant) {
        self.in_flight.push((ticket, key));
        self.wake_at(key, deadline);
    }

    /// Returns whether the answer to this ticket is waited for.
    pub(crate) fn waits_for(&self, ticket: Ticket) -> bool {
        self.in_flight.iter().any(|(other, _)| *other == ticket)
    }

    /// Takes the ticket of an answer. Returns the key that waits for it, if one does.
    pub(crate) fn landed(&mut self, ticket: Ticket) -> Option<Key> {
        let place = self.in_flight.iter().position(|(other, _)| *other == ticket)?;
        Some(self.in_flight.remove(place).1)
    }

    /// Removes the key from every place. Returns the ticket that it had in flight.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Ticket> {
        match self.places.get_mut(key).map(core::mem::take).unwrap_or_default() {
            Place::Nowhere => false,
            Place::Due(order) => self.due.remove(&(order, key)),
            Place::Turn(order) => self.turns.remove(&(order, key)),
            Place::Until(deadline) => self.deadlines.remove(&(deadline, key)),
        };
        let flight = self.in_flight.iter().position(|(_, other)| *other == key)?;
        Some(self.in_flight.remove(flight).0)
    }

    /// Removes all keys from every place. Returns the tickets in flight.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = Ticket> + use<> {
        let in_flight = core::mem::take(self).in_flight;
        in_flight.into_iter().map(|(ticket, _)| ticket)
    }

    /// Returns the place of the key that is due first.
    pub(crate) fn front(&self) -> Option<Order> {
        let turn = self.turns.first().filter(|_| self.has_room());
        self.due.first().into_iter().chain(turn).map(|(order, _)| *order).min()
    }

    /// Takes the key that is due first, with the place that it had.
    pub(crate) fn pop(&mut self) -> Option<(Order, Key)> {
        let front = self.front()?;
        let is_turn = self.turns.first().is_some_and(|(order, _)| *order == front);
        let popped = if is_turn { self.turns.pop_first() } else { self.due.pop_first() };
        let (_, key) = popped?;
        self.places[key] = Place::Nowhere;
        popped
    }

    /// Returns the earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Takes a key whose time has come, the earliest first. What it has in flight stays so until it
    /// is removed.
    pub(crate) fn pop_overdue(&mut self, now: Instant) -> Option<Key> {
        self.next_deadline().filter(|deadline| *deadline <= now)?;
        let (_, key) = self.deadlines.pop_first()?;
        self.places[key] = Place::Nowhere;
        Some(key)
    }

    /// Returns what it holds, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<Place>()
            + self.in_flight.capacity() * size_of::<(Ticket, Key)>()
            + memory::tree::<(Order, Key)>(self.due.len() + self.turns.len())
            + memory::tree::<(Instant, Key)>(self.deadlines.len())
    }

    fn put(&mut self, key: Key, place: Place) {
        debug_assert!(!self.has(key), "a key is in one place");
        if self.places.len() <= key {
            self.places.resize(key + 1, Place::Nowhere);
        }
        self.places[key] = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ConnectionId;

    fn ticket(number: u64) -> Ticket {
        Ticket { connection: ConnectionId(1), number }
    }

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn what_waits_for_its_turn_keeps_its_place_and_goes_on_once_there_is_room() {
        let mut agenda = Agenda::default();
        for number in 0..8 {
            assert!(agenda.has_room());
            agenda.fly(10 + number, ticket(number as u64), at(50));
        }
        assert!(!agenda.has_room());
        agenda.queue(1, Order(1));
        agenda.queue(2, Order(2));
        agenda.queue(3, Order(3));
        assert_eq!(agenda.pop(), Some((Order(1), 1)));
        agenda.wait_for_turn(1, Order(1));
        assert!(agenda.has(1), "it is not forgotten");
        assert_eq!(agenda.front(), Some(Order(2)), "others pass it");
        assert_eq!(agenda.pop(), Some((Order(2), 2)));
        assert_eq!(agenda.landed(ticket(4)), Some(14));
        assert_eq!(agenda.landed(ticket(4)), None, "an answer counts once");
        assert_eq!(agenda.front(), Some(Order(1)));
        assert_eq!(agenda.pop(), Some((Order(1), 1)));
        assert_eq!(agenda.pop(), Some((Order(3), 3)));
        assert_eq!(agenda.pop(), None);
        assert!(!agenda.has(1));
    }

    #[test]
    fn a_key_that_is_removed_waits_for_nothing_and_gives_back_its_ticket() {
        let mut agenda = Agenda::default();
        agenda.fly(0, ticket(1), at(5));
        agenda.fly(1, ticket(2), at(6));
        assert!(agenda.waits_for(ticket(1)) && !agenda.waits_for(ticket(3)));
        assert_eq!(agenda.remove(0), Some(ticket(1)));
        assert!(!agenda.has(0) && !agenda.waits_for(ticket(1)));
        assert_eq!(agenda.remove(0), None);
        assert_eq!(agenda.remove(7), None, "it was never there");
        agenda.queue(0, Order(1));
        agenda.wait_for_turn(2, Order(2));
        assert_eq!((agenda.remove(0), agenda.remove(2)), (None, None));
        assert_eq!(agenda.front(), None);
        // Nor has it a deadline.
        assert_eq!(agenda.next_deadline(), Some(at(6)));
        assert_eq!(agenda.clear().collect::<Vec<_>>(), [ticket(2)]);
        assert_eq!(agenda.next_deadline(), None);
        assert!(!agenda.has(1));
    }

    #[test]
    fn what_is_overdue_comes_earliest_first_and_keeps_its_ticket_until_it_is_removed() {
        let mut agenda = Agenda::default();
        agenda.wake_at(1, at(7));
        agenda.fly(2, ticket(1), at(5));
        agenda.wake_at(3, at(9));
        assert_eq!(agenda.next_deadline(), Some(at(5)));
        assert_eq!(agenda.pop_overdue(at(4)), None);
        assert_eq!(agenda.pop_overdue(at(7)), Some(2));
        assert!(!agenda.has(2));
        assert_eq!(agenda.remove(2), Some(ticket(1)));
        assert_eq!(agenda.pop_overdue(at(7)), Some(1));
        assert_eq!(agenda.pop_overdue(at(8)), None);
        assert_eq!(agenda.next_deadline(), Some(at(9)));
    }

    #[test]
    fn each_place_and_each_thing_that_waits_is_counted_once() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.memory(), 0);
        (0..3).for_each(|key| agenda.queue(key, Order(key as u64)));
        (3..8).for_each(|key| agenda.wait_for_turn(key, Order(1)));
        (8..15).for_each(|key| agenda.wake_at(key, at(1)));
        (15..22).for_each(|key| agenda.fly(key, ticket(key as u64), at(1)));
        let parts = [
            agenda.places.capacity() * size_of::<Place>(),
            agenda.in_flight.capacity() * size_of::<(Ticket, Key)>(),
            // A tree leaves half of its places free.
            2 * (3 + 5) * size_of::<(Order, Key)>(),
            2 * (7 + 7) * size_of::<(Instant, Key)>(),
        ];
        assert_eq!(agenda.memory(), parts.iter().sum::<usize>());
    }
}
