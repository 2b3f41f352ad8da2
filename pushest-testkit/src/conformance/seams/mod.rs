//! What lies between a client and its server: a file per subject.

mod refusals;

pub use refusals::*;
