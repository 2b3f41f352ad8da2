//! What a client is called in the log.

use std::sync::atomic::{AtomicU64, Ordering};

use pushest_proto::Escaped;

use super::Options;

impl Options {
    /// Names the client in the log: the field `client` of the span `connection`, in which every line
    /// of the client stands. Several clients may have one name. By default it is a number, counted
    /// from 1 in the process.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().name("orders");
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Returns what a client of these options is called; without a name, by the next number.
    pub(crate) fn name_in_log(&self) -> Box<str> {
        static CLIENTS: AtomicU64 = AtomicU64::new(1);
        let number = || CLIENTS.fetch_add(1, Ordering::Relaxed).to_string();
        self.name.as_deref().map_or_else(number, |name| Escaped(name).to_string()).into()
    }
}
