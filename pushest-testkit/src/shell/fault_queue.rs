//! Faults that wait for the clients that are to meet them.

use std::collections::VecDeque;

/// Faults in the order in which they are met, each a number of times.
#[derive(Debug)]
pub(super) struct FaultQueue<F>(VecDeque<(usize, F)>);

impl<F> Default for FaultQueue<F> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<F: Clone> FaultQueue<F> {
    pub(super) fn push(&mut self, count: usize, fault: F) {
        self.0.push_back((count, fault));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the fault that the next client meets, if it meets one.
    pub(super) fn next(&mut self) -> Option<F> {
        while let Some((left, fault)) = self.0.front_mut() {
            if let Some(rest) = left.checked_sub(1) {
                *left = rest;
                return Some(fault.clone());
            }
            self.0.pop_front();
        }
        None
    }
}
