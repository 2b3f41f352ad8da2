//! A queue of what is put in and taken out one at a time, and moved no more than that.
//!
//! `VecDeque` does the same, by calls that are given what is put in by reference, so that each element is
//! written to the stack, copied and copied again. Here it is made in its place.

use alloc::vec::Vec;

/// A ring of places, which grows when it is full.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// A power of two of them, or none.
    places: Vec<Option<T>>,
    first: usize,
    len: usize,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), first: 0, len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the number of elements that there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.places.len()
    }

    /// Adds a place behind the last element, which the caller fills before anything else is asked of the
    /// queue. What is there is nothing: it need not be dropped ([`fill`]).
    #[inline(always)]
    pub(crate) fn push_place(&mut self) -> &mut Option<T> {
        if self.len == self.places.len() {
            self.grow();
        }
        let place = self.first.wrapping_add(self.len) & self.places.len().wrapping_sub(1);
        self.len += 1;
        &mut self.places[place]
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let place = self.first;
        self.first = place.wrapping_add(1) & self.places.len().wrapping_sub(1);
        self.len -= 1;
        self.places.get_mut(place)?.take()
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<&T> {
        self.places.get(self.first)?.as_ref()
    }

    /// Returns the elements, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    /// Gives back the room for more than `capacity` elements, a power of two, if it is empty.
    #[inline]
    pub(crate) fn shrink_if_empty(&mut self, capacity: usize) {
        if self.len == 0 && self.places.len() > capacity {
            self.shrink(capacity);
        }
    }

    #[cold]
    fn shrink(&mut self, capacity: usize) {
        self.places.truncate(capacity);
        self.places.shrink_to(capacity);
        self.first = 0;
    }

    #[cold]
    fn grow(&mut self) {
        let capacity = (2 * self.places.len()).max(4);
        self.places.rotate_left(self.first);
        self.first = 0;
        self.places.reserve_exact(capacity - self.len);
        self.places.resize_with(capacity, || None);
    }
}

/// Fills a place that has nothing.
#[inline(always)]
pub(crate) fn fill<T>(place: &mut Option<T>, element: T) {
    debug_assert!(place.is_none(), "there is no element behind the last");
    // Dropping what is not there would keep the element out of its place meanwhile.
    core::mem::forget(place.replace(element));
}

#[cfg(test)]
mod tests {
    use alloc::collections::VecDeque;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn what_is_put_in_first_comes_out_first_however_it_grows_and_shrinks() {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut queue, mut expected) = (Queue::new(), VecDeque::new());
        for round in 0..20_000_u32 {
            // It fills and drains in turns.
            if random.u32(..100) < if round / 500 % 2 == 0 { 70 } else { 20 } {
                fill(queue.push_place(), round);
                expected.push_back(round);
            } else {
                assert_eq!(queue.front(), expected.front());
                assert_eq!(queue.pop(), expected.pop_front());
                queue.shrink_if_empty(8);
            }
            assert_eq!(queue.len(), expected.len());
            let mut elements: Vec<_> = queue.iter().copied().collect();
            elements.sort_unstable();
            assert!(elements.iter().eq(&expected));
        }
    }

    #[test]
    fn room_is_given_back_only_when_it_is_empty() {
        let mut queue = Queue::new();
        assert_eq!((queue.pop(), queue.capacity()), (None, 0));
        (0..100).for_each(|number| fill(queue.push_place(), number));
        assert_eq!(queue.capacity(), 128);
        for number in 0..100 {
            queue.shrink_if_empty(16);
            assert_eq!((queue.pop(), queue.capacity()), (Some(number), 128));
        }
        queue.shrink_if_empty(16);
        assert_eq!((queue.capacity(), queue.places.capacity()), (16, 16));
        fill(queue.push_place(), 1);
        assert_eq!(queue.front(), Some(&1));
        assert_eq!((queue.pop(), queue.pop()), (Some(1), None));
    }
}
