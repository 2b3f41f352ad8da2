//! Networks that a test makes up, in the place of those of the machine.

pub use crate::network::made_up::Networks;
