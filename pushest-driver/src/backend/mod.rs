//! Carrying the HTTP API: what the core has built and signed goes to the server, over connections
//! that are kept, and its answer comes back ([protocol, HTTP API](pushest_proto::protocol#http-api)).
//!
//! One call is a [`Calling`](calling::Calling), which knows no sockets: it says what to send, and,
//! told how that ended, whether it is sent again. A [`Lane`](lane::Lane) sends it, over a kept
//! connection or a new one; a [`Pool`](pool::Pool) bounds how many do so at once. The runtimes
//! with futures have an [`Api`](api::Api) made of these; a driver without puts them together
//! itself.

pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod app;
mod body;
pub(crate) mod calling;
pub(crate) mod error;
mod exchange;
pub(crate) mod lane;
pub(crate) mod options;
pub(crate) mod pool;
