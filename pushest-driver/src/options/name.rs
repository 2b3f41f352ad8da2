//! What a client is called in the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Options;

/// A client's name, if it was given one.
#[derive(Clone, Default)]
pub(crate) struct Name(Option<Arc<str>>);

impl Name {
    /// Returns the name; without one, a number that no other client of the process has.
    pub(crate) fn get(&self) -> Arc<str> {
        static CLIENTS: AtomicU64 = AtomicU64::new(1);
        self.0.clone().unwrap_or_else(|| {
            let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
            number.to_string().into()
        })
    }
}

impl Options {
    /// Names the client in the log: the field `client` of the span `connection`, in which every line
    /// of the client stands. Several clients may have one name. By default it is a number, counted
    /// from 1 in the process.
    ///
    /// ```
    /// use pushest_driver::Options;
    ///
    /// let options = Options::default().name("orders");
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Name(Some(name.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_without_a_name_have_numbers_of_their_own() {
        let options = Options::default();
        assert_ne!(options.name.get(), options.name.get());
        let named = options.name("orders");
        assert_eq!(&*named.name.get(), "orders");
        assert_eq!(&*named.clone().name.get(), "orders");
    }
}
