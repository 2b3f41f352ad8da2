//! The seams: what lies between a client and its server, and what servers, proxies and endpoints do
//! to a client. A file per subject.

mod certificates;
mod endpoint;
mod lists;
mod refusals;
mod upgrade;

pub use certificates::*;
pub use endpoint::*;
pub use lists::*;
pub use refusals::*;
pub use upgrade::*;
