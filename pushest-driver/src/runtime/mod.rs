//! What a runtime provides. For authors of a driver for another runtime; users of one of the crates
//! for a runtime need none of this.

pub(crate) mod traits;

pub use tungstenite::protocol::WebSocketConfig;
pub use tungstenite::{Error, Message};

#[cfg(feature = "tls")]
pub use self::traits::TlsParameters;
pub use self::traits::{Runtime, Transport};
pub use crate::assembly::{Spawn, client, release, set_lasting};
pub use crate::byte_stream::{ByteStream, NonBlocking};
pub use crate::commands::Commands;
#[cfg(feature = "tls")]
pub use crate::dial::tls_stream::TlsStream;
pub use crate::handler::run;
pub use crate::park::Parking;
pub use crate::pump::Pump;
pub use crate::reads::Reads;
pub use crate::thread_probe::probe_threads;
pub use crate::websocket::followed::Followed;
pub use crate::websocket::polled::PolledSocket;
