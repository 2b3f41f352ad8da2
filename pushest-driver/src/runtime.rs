//! What a runtime provides. For those who write a driver for another runtime; users of one of the
//! crates for a runtime need none of this.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{Sink, Stream};
use pushest_proto::{Config, DialFailure, Instant};
use tungstenite::{Error, Message};

use crate::client::Client;
#[cfg(feature = "tls")]
pub use crate::dial::Tls;
pub use crate::dial::Upgrade;
pub use crate::dial::handshake::failure as upgrade_failure;
#[cfg(feature = "tls")]
pub use crate::dial::tls::failure as tls_failure;
use crate::hub::Hub;
use crate::options::Options;
pub use crate::pump::Pump;

/// Sockets and time. Nothing is spawned: [`client`] answers the future that does all the work.
pub trait Runtime: Send + Sync + 'static {
    /// A TCP connection.
    type Tcp: Send + 'static;
    /// An open WebSocket.
    type Socket: Stream<Item = Result<Message, Error>>
        + Sink<Message, Error = Error>
        + Send
        + Unpin
        + 'static;
    /// Comes true at a point in time.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// The time, since an origin of the runtime's choice.
    fn now(&self) -> Instant;

    /// Waits until then. It may end early.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// The addresses of a host, in the order that the system prefers.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

    /// Connects to an address; with `TCP_NODELAY`, since frames are gathered before they are
    /// written.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Self::Tcp>>;

    /// Runs work that may block, such as an HTTP request, where it holds nobody up: on a thread of
    /// its own, unless the runtime has a pool for that. What is not run is dropped.
    fn unblock(&self, work: Box<dyn FnOnce() + Send>) {
        // Without a thread the work is dropped, and whoever waits for it learns of that.
        let _ = std::thread::Builder::new().name("pushest-blocking".to_string()).spawn(work);
    }

    /// Speaks TLS where it is asked for, and makes a WebSocket of the connection.
    /// [`upgrade_failure`] and `tls_failure` tell what errors mean.
    fn upgrade(
        &self,
        tcp: Self::Tcp,
        upgrade: Upgrade,
    ) -> BoxFuture<'static, Result<Self::Socket, DialFailure>>;
}

/// A client, and the future that must be run for anything to happen. It ends by itself, within
/// moments, once the last clone of the client is dropped.
pub fn client<R: Runtime>(config: Config, options: Options, runtime: R) -> (Client, Pump<R>) {
    let runtime = Arc::new(runtime);
    let clock = runtime.clone();
    let starts_disconnected = options.starts_disconnected;
    let hub = Arc::new(Hub::new(config, options, Box::new(move || clock.now())));
    let client = Client::new(hub.clone());
    if !starts_disconnected {
        client.connect();
    }
    (client, Pump::new(hub, runtime))
}
