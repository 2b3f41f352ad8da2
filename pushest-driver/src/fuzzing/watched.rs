//! A client that watches networks which a test makes up.

use std::sync::Arc;

use crate::network::made_up::Networks;
use crate::network::{WatchOption, Watching};
use crate::options::Options;

impl Networks {
    /// Lets the client that is made with these options watch them.
    #[must_use]
    pub fn watched(&self, mut options: Options) -> Options {
        options.network = WatchOption::Begun(Arc::new(Watching::MadeUp(self.0.clone())));
        options
    }
}
