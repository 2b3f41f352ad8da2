//! The seams: what servers, proxies and endpoints do to a client.

mod lists;

pub use lists::*;
