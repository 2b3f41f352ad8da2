//! What lies between a client and the protocol: proxies, HTTP servers and endpoints with habits of
//! their own.

mod upgrade;

pub use upgrade::*;
