//! The core alone, without sockets: what an event costs in the session, beside skipping it.

mod channels;
mod members;
mod outgoing;
mod rounds;
mod session;
mod weight;

pub use self::channels::{Channels, Shape};
pub use self::members::Members;
pub use self::outgoing::{Private, Single};
pub use self::rounds::{Order, Series, run};
pub use self::weight::many_channels;
