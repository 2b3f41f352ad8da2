//! What proxies, servers and endpoints do to a client, where the protocol's state machine does not
//! look.

mod close_frames;
mod sizes;

pub use close_frames::*;
pub use sizes::*;
