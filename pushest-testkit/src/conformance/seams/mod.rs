//! The seams: what lies between a client and its server, and what servers, proxies and endpoints do
//! to a client. A file per subject.

mod lists;
mod refusals;

pub use lists::*;
pub use refusals::*;
