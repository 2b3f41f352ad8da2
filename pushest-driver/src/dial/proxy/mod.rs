//! Connecting through a proxy: HTTP's CONNECT, or SOCKS5. What the proxy is told and what its answers
//! mean is without I/O ([`handshake::Handshake`]), so that the sockets of the runtimes, which do not
//! block, and those of the authorization endpoint, which do, use the same.
//!
//! The proxy learns the host and the port, and its own user and password. What is encrypted is so
//! through it. It is never bypassed: where it fails, the dial has failed.

mod connect;
mod exemptions;
pub(crate) mod handshake;
pub(crate) mod proxies;
mod socks;
mod talk;
pub(crate) mod target;
pub(crate) mod url;
mod variables;

use std::net::SocketAddr;
use std::time::Duration;

use pushest_proto::{DialFailure, Endpoint};

use self::handshake::Handshake;
use self::target::Target;
use self::url::Proxy;
use super::connector::Way;
use super::within::within;
use crate::unstable::traits::Runtime;
use crate::wall_clock::TimeOfDay;

/// Returns how long the proxy may take, of what a dial may: one that is silent is told from a server
/// that is.
pub(crate) fn share(limit: Duration) -> Duration {
    limit / 10 * 9
}

/// Returns a TCP stream to the endpoint, or to the first of the chosen addresses that the proxy
/// reaches.
///
/// # Errors
/// [`DialFailure::Proxy`], or [`DialFailure::Connector`].
pub(super) async fn reach<R: Runtime>(
    runtime: &R,
    proxy: &Proxy,
    way: Way<'_>,
    endpoint: &Endpoint,
    chosen: &[SocketAddr],
    limit: Duration,
    time_of_day: &TimeOfDay,
) -> Result<R::Tcp, DialFailure> {
    let deadline = runtime.now() + share(limit);
    let failed = |why: &str| DialFailure::Proxy(proxy.failed(why).into());
    let mut refusals: Vec<String> = Vec::new();
    for target in Target::all(endpoint, chosen) {
        let handshake = Handshake::new(proxy, &target).map_err(|why| failed(&why))?;
        let host = proxy.host();
        let connecting = way.to_proxy(runtime, &host, proxy.port());
        let connected = match within(runtime, deadline, connecting).await {
            Some(Ok(tcp)) => Ok(tcp),
            Some(Err(DialFailure::Dns(why))) => Err(format!("its name does not resolve: {why}")),
            Some(Err(DialFailure::Connect(why))) => Err(format!("it cannot be reached: {why}")),
            // It has not come as far as the proxy.
            Some(Err(failure @ DialFailure::Connector(_))) => return Err(failure),
            Some(Err(other)) => Err(other.to_string()),
            None => Err("it cannot be reached in time".to_string()),
        };
        let mut tcp = connected.map_err(|why| failed(&why))?;
        let date = || time_of_day.get(runtime);
        match talk::talk(runtime, &mut tcp, handshake, deadline, date).await {
            Ok(()) => return Ok(tcp),
            Err(why) if chosen.is_empty() => return Err(failed(&why)),
            Err(why) => refusals.push(format!("{}: {why}", target.authority())),
        }
    }
    Err(failed(&refusals.join("; ")))
}
