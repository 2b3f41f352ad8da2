//! The HTTP API, as a driver carries it: what is kept, bounded, sent again and never sent twice.

pub mod anywhere;
pub mod bad_input;
pub mod client_certificates;
pub mod connections;
mod double;
pub mod futures;
pub mod over_tls;
pub mod proxies;
pub mod repeats;
