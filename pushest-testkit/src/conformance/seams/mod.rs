//! The seams: what lies between a client and its server, and what servers, proxies and endpoints do
//! to a client. A file per subject.

mod certificates;
mod close_frames;
mod endpoint;
mod ends;
mod floods;
mod gaps;
mod headers;
mod lists;
mod many_frames;
mod memory;
mod names;
mod neighbours;
mod networks;
mod nodes;
mod own_streams;
mod proxies;
mod refusals;
mod renewals;
mod shutting_down;
mod sizes;
mod upgrade;

pub use certificates::*;
pub use close_frames::*;
pub use endpoint::*;
pub use ends::*;
pub use floods::a_receiver_that_sleeps_holds_no_more_than_it_may;
pub use gaps::*;
pub use headers::*;
pub use lists::*;
pub use many_frames::*;
pub use memory::a_large_message_leaves_no_large_buffer_behind;
pub use names::*;
pub use neighbours::*;
pub use networks::*;
pub use nodes::*;
pub use own_streams::*;
pub use proxies::*;
pub use refusals::*;
pub use renewals::*;
pub use shutting_down::*;
pub use sizes::*;
pub use upgrade::*;

/// Returns a frame of text; a server's is not masked.
fn frame(text: &str) -> Vec<u8> {
    [&[0x81, 127][..], &(text.len() as u64).to_be_bytes(), text.as_bytes()].concat()
}
