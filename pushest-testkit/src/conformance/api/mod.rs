//! The HTTP API, as a driver carries it: what is kept, bounded, sent again and never sent twice.

pub mod anywhere;
pub mod bad_input;
pub mod client_certificates;
pub mod connections;
mod double;
pub mod endless;
pub mod faults;
pub mod futures;
pub mod idle;
mod list;
pub mod over_tls;
pub mod own_streams;
pub mod proxies;
pub mod repeats;
pub mod silence;
pub mod variables;
