//! What lies between a client and the protocol: proxies, HTTP servers and endpoints with habits of
//! their own, and what is larger than it may be.

mod close_frames;
mod memory;
mod sizes;
mod upgrade;

pub use close_frames::*;
pub use memory::a_large_message_leaves_no_large_buffer_behind;
pub use sizes::*;
pub use upgrade::*;
