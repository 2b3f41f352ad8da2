//! What a client is called in the log.

use super::Options;

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
        self.name = Some(name.into());
        self
    }
}
