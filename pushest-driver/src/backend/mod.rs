//! Carrying the HTTP API: what the core has built and signed goes to the server, over connections
//! that are kept, and its answer comes back ([protocol, HTTP API](pushest_proto::protocol#http-api)).
//!
//! One call is a [`Calling`](calling::Calling), which knows no sockets: it says what to send, and,
//! told how that ended, whether it is sent again. A [`Lane`](lane::Lane) sends it, over a kept
//! connection or a new one; a [`Pool`](pool::Pool) bounds how many do so at once, and has what they leave
//! closed when it is due ([`idle`]). The runtimes with futures have an [`Api`](api::Api) made of these; a
//! driver without puts them together itself.
//!
//! HTTP/1.1 is hyper's, over any runtime's streams. A [`Connection`](connection::Connection) is polled
//! by the task that waits for the response, so that nothing is spawned; what the two tell each other
//! wakes no task ([`Turns`](turns::Turns)). Its stream, a [`HyperStream`](hyper_stream::HyperStream),
//! knows what a caller must be told, and leaves it in [`Seen`](seen::Seen): whether a byte of the request
//! was written, and whether one of the response was read. It looks at a kept connection before that, and
//! bounds the heads of responses. What a response means for the call and for the connection is said by
//! [`Received`](received::Received).

pub(crate) mod api;
pub(crate) mod app;
pub(crate) mod calling;
mod connection;
pub(crate) mod error;
mod hyper_stream;
mod idle;
pub(crate) mod lane;
pub(crate) mod options;
pub(crate) mod pool;
mod received;
mod seen;
pub(crate) mod sending;
#[cfg(test)]
mod tests;
mod turns;
