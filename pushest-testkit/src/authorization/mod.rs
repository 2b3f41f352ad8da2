//! The app's authorization endpoint on the loopback interface ([protocol, authorization
//! endpoint](pushest_proto::protocol#authorization-endpoint)): what clients without the app's secret
//! ask.
//!
//! [`AuthorizationEndpoint`] signs whatever it is asked for, as the app's server would, until it is
//! told otherwise; [`ReceivedRequest`] is what it was asked, [`Reply`] what it answers.

mod endpoint;
mod http;
mod reply;
mod request;
mod shared;

pub use endpoint::AuthorizationEndpoint;
pub use reply::Reply;
pub use request::ReceivedRequest;
