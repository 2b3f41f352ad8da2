//! Resolving names. The system's resolver blocks and nothing can end it, so that it runs on threads
//! that the whole process shares.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use futures_util::future::BoxFuture;

use crate::threads::Threads;

/// At most eight threads a process, six of them for one name: those of a name that hangs are not
/// missing where another one is asked for.
static THREADS: Threads = Threads::new("pushest-names", 8, 6);

/// Returns the addresses of a host, in the order that the system prefers.
pub(crate) fn resolve(host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    let name = host.to_string();
    let asking = THREADS.run(host, move || Ok((&*name, port).to_socket_addrs()?.collect()));
    Box::pin(async move {
        match asking.await {
            Some(Ok(resolved)) => resolved,
            Some(Err(error)) => {
                let text = format!("no thread to resolve the name on: {error}");
                Err(io::Error::new(error.kind(), text))
            }
            None => Err(io::Error::other("resolving the name panicked")),
        }
    })
}
