//! The seams: what lies between a client and its server, and what servers, proxies and endpoints do
//! to a client. A file per subject.

mod certificates;
mod close_frames;
mod endpoint;
mod ends;
mod headers;
mod lists;
mod memory;
mod names;
mod refusals;
mod sizes;
mod upgrade;

pub use certificates::*;
pub use close_frames::*;
pub use endpoint::*;
pub use ends::*;
pub use headers::*;
pub use lists::*;
pub use memory::a_large_message_leaves_no_large_buffer_behind;
pub use names::*;
pub use refusals::*;
pub use sizes::*;
pub use upgrade::*;
