//! What lies between a client and the protocol: a file for each subject.

mod certificates;
mod endpoint;

pub use certificates::*;
pub use endpoint::*;
