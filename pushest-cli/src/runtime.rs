//! Which client carries the connection of a command.

use clap::ValueEnum;
use pushest_driver::unstable::Client;
use pushest_driver::{Config, Options};

use crate::failure::Failure;

/// They behave alike: that anyone can see so is what the option is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    /// pushest-tokio
    #[default]
    Tokio,
    /// pushest-async-std
    AsyncStd,
    /// pushest-blocking, on a thread of its own
    Blocking,
}

impl Runtime {
    /// A client whose sockets, timers and loop are the runtime's. What waits for it, such as for a
    /// signal or the end of a timeout, is the command, on tokio.
    pub(crate) fn client(self, config: Config, options: Options) -> Result<Client, Failure> {
        match self {
            Self::Tokio => pushest_tokio::Client::try_with_options(config, options)
                .map(|client| client.__driver().clone()),
            Self::AsyncStd => pushest_async_std::Client::try_with_options(config, options)
                .map(|client| client.__driver().clone()),
            Self::Blocking => pushest_blocking::Client::try_with_options(config, options.into())
                .map(|client| client.__driver().clone()),
        }
        .map_err(Failure::failed)
    }
}
