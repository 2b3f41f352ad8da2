//! What proxies, servers and endpoints do to a client, where the protocol's state machine does not
//! look.

mod close_frames;
mod memory;
mod sizes;

pub use close_frames::*;
pub use memory::a_large_message_leaves_no_large_buffer_behind;
pub use sizes::*;
