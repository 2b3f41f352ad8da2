//! Values of the user's whose code may panic.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A value of the user's, such as a stream or a future: a panic of its code ends the value, and not the
/// one that uses it.
pub(crate) struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    /// Guards a value.
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Runs code of the value's; `None` if it panics, or has panicked before.
    pub(crate) fn run<O>(&mut self, work: impl FnOnce(&mut T) -> O) -> Option<O> {
        let value = self.0.as_mut()?;
        let output = catch_unwind(AssertUnwindSafe(|| work(value))).ok();
        if output.is_none() {
            self.end();
        }
        output
    }

    /// What is dropped may panic, too.
    fn end(&mut self) {
        if let Some(value) = self.0.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
        }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<T> fmt::Debug for Guarded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("has_ended", &self.0.is_none()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Breaks;

    impl Drop for Breaks {
        fn drop(&mut self) {
            panic!("as it is dropped");
        }
    }

    #[test]
    fn a_value_that_panics_has_ended_and_panics_nowhere_else() {
        let mut guarded = Guarded::new(Breaks);
        assert_eq!(guarded.run(|_| 7), Some(7));
        assert_eq!(guarded.run(|_| -> u8 { panic!("at work") }), None);
        assert_eq!(guarded.run(|_| 7), None);
        drop(guarded);
        drop(Guarded::new(Breaks));
    }
}
