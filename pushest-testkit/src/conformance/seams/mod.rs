//! What lies between a client and its server: a file per subject.

mod headers;
mod names;
mod refusals;

pub use headers::*;
pub use names::*;
pub use refusals::*;
