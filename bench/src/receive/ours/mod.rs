//! Our clients, on each runtime, in each way to receive.

mod asynchronous;
mod blocking;
pub(crate) mod counting;
mod handler;

use pushest_driver::{Config, Options, Overflow};

use super::{READ_BUFFER, Receiver, Runtime, Target};
use crate::Problem;
use crate::tally::Tally;

pub(super) fn receive(receiver: Receiver, target: &Target, tally: Tally) -> Result<Tally, Problem> {
    match receiver.runtime {
        Runtime::Blocking => blocking::run(receiver.way, target, tally),
        runtime => asynchronous::run(runtime, receiver.way, target, tally),
    }
}

/// Returns what a client is made of. It waits for slow receivers: the books must be complete.
pub(super) fn settings(target: &Target) -> Result<(Config, Options), Problem> {
    let config = Config::builder("app-key")
        .host(&target.address.ip().to_string())
        .port(target.address.port())
        .tls(target.authority.is_some())
        .build()?;
    let mut options = Options::default().read_buffer(READ_BUFFER).overflow(Overflow::Wait);
    if let Some(authority) = &target.authority {
        options = options.ca_pem(authority)?;
    }
    Ok((config, options))
}
