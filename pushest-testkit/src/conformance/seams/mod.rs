//! The seams: what lies between a client and its server, and what servers, proxies and endpoints do
//! to a client. A file per subject.

mod certificates;
mod endpoint;
mod headers;
mod lists;
mod names;
mod refusals;
mod upgrade;

pub use certificates::*;
pub use endpoint::*;
pub use headers::*;
pub use lists::*;
pub use names::*;
pub use refusals::*;
pub use upgrade::*;
