//! Connecting through a proxy: HTTP's CONNECT, or SOCKS5. What the proxy is told and what its answers
//! mean is without I/O ([`handshake::Handshake`]), so that the sockets of the runtimes, which do not
//! block, and those of the authorization endpoint, which do, use the same.
//!
//! The proxy learns the host and the port, and its own user and password. What is encrypted is so
//! through it. It is never bypassed: where it fails, the dial has failed.

mod challenges;
mod connect;
mod exemptions;
pub(crate) mod handshake;
pub(crate) mod pauses;
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
use self::pauses::Pauses;
use self::talk::Failed;
use self::target::Target;
use self::url::Proxy;
use super::connector::Way;
use super::within::part;
use crate::unstable::traits::Runtime;
use crate::wall_clock::TimeOfDay;

/// Returns a TCP stream to the endpoint, or to the first of the chosen addresses that the proxy
/// reaches, at most until the deadline of the way. An address of which the proxy hears nothing leaves the
/// others their time.
///
/// # Errors
/// [`DialFailure::Proxy`], or [`DialFailure::Connector`].
pub(super) async fn reach<R: Runtime>(
    runtime: &R,
    proxy: &Proxy,
    way: Way<'_>,
    endpoint: &Endpoint,
    chosen: &[SocketAddr],
    time_of_day: &TimeOfDay,
    (pauses, longest_pause): (&Pauses, Duration),
) -> Result<R::Tcp, DialFailure> {
    let failed = |why: &str| DialFailure::Proxy(proxy.failed(why).into());
    if let Some(left) = pauses.left(proxy, runtime.now()) {
        return Err(failed(&pauses::told(left)));
    }
    let targets = Target::all(endpoint, chosen);
    let mut refusals: Vec<String> = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let handshake = Handshake::new(proxy, target).map_err(|why| failed(&why))?;
        let why = match way.to_proxy(runtime, &proxy.host(), proxy.port()).await {
            Ok(mut tcp) => {
                let until = part(runtime.now(), way.deadline, targets.len() - index);
                let date = || time_of_day.get(runtime);
                match talk::talk(runtime, &mut tcp, handshake, until, date).await {
                    Ok(()) => return Ok(tcp),
                    Err(Failed { why, pause }) => {
                        if let Some(pause) = pause {
                            pauses.begin(proxy, runtime.now() + pause.min(longest_pause));
                        }
                        if chosen.is_empty() || pause.is_some() {
                            why
                        } else {
                            refusals.push(format!("{}: {why}", target.authority()));
                            continue;
                        }
                    }
                }
            }
            Err(DialFailure::Dns(why)) => format!("its name does not resolve: {why}"),
            Err(DialFailure::Connect(why)) => format!("it cannot be reached: {why}"),
            Err(DialFailure::Timeout) => "it cannot be reached in time".to_string(),
            // It has not come as far as the proxy.
            Err(failure @ DialFailure::Connector(_)) if refusals.is_empty() => return Err(failure),
            Err(other) => other.to_string(),
        };
        // The proxy is the same for all others.
        refusals.push(why);
        break;
    }
    Err(failed(&refusals.join("; ")))
}
