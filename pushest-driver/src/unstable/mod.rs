//! The interface for authors of drivers: what a runtime provides, and what this crate makes of it.
//!
//! **It is not held to semantic versioning**: any version may change what is here. A driver that is built
//! on it names the exact version (`pushest-driver = "=0.1.0"`), as the crates for the runtimes do. Users of
//! those need none of it.
//!
//! A driver implements [`Runtime`] (connecting, TLS, a WebSocket over the stream, a sleep, a clock), and
//! runs the [`Pump`] that [`client`](client()) returns. The scenarios of
//! `pushest_testkit::conformance!` say whether it does all that the other drivers do.

pub(crate) mod traits;

pub use tungstenite::protocol::WebSocketConfig;
pub use tungstenite::{Error, Message};

#[cfg(feature = "tls")]
pub use self::traits::TlsParameters;
pub use self::traits::{Dialled, Encrypted, Runtime, Transport};
pub use crate::assembly::{Spawn, client, ready, release, set_lasting};
#[cfg(feature = "api")]
pub use crate::backend::api::Api;
#[cfg(feature = "api")]
pub use crate::backend::app::Backend;
#[cfg(feature = "api")]
pub use crate::backend::calling::{Calling, Next};
#[cfg(feature = "api")]
pub use crate::backend::lane::{Attempted, Lane};
#[cfg(feature = "api")]
pub use crate::backend::pool::{Place, Pool};
#[cfg(feature = "api")]
pub use crate::backend::sending::Sending;
pub use crate::byte_stream::{Addresses, ByteStream, NonBlocking};
pub use crate::client::{Client, WeakClient};
pub use crate::commands::Commands;
#[cfg(unix)]
pub use crate::descriptor_stream::DescriptorStream;
pub use crate::dial::host_name::{HostNameError, ascii_host_name, check_endpoints};
#[cfg(feature = "native-tls")]
pub use crate::dial::native_stream::NativeTlsStream;
#[cfg(feature = "tls")]
pub use crate::dial::tls_stream::TlsStream;
pub use crate::handler::run;
pub use crate::options::proxy::proxy_to;
pub use crate::own_stream::OwnStream;
pub use crate::park::Parking;
pub use crate::pump::Pump;
pub use crate::reads::Reads;
pub use crate::thread_probe::probe_threads;
pub use crate::websocket::followed::Followed;
pub use crate::websocket::polled::PolledSocket;
