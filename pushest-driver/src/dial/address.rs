//! From a host's name to a TCP connection: the addresses of both families in turn, raced so that
//! one dead family does not delay the connection.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::Poll;

use futures_util::future::BoxFuture;
use pushest_proto::{DialFailure, Instant};

use crate::dial::race::Race;
use crate::unstable::traits::Runtime;

/// Connects to the first address that accepts a connection: of `chosen`, or of the host if that is
/// empty.
pub(super) async fn connect<R: Runtime>(
    runtime: &R,
    host: &str,
    port: u16,
    chosen: &[SocketAddr],
) -> Result<R::Tcp, DialFailure> {
    if !chosen.is_empty() {
        return race(runtime, chosen.to_vec()).await;
    }
    race(runtime, of_host(runtime, host, port).await?).await
}

/// Returns the addresses of a host in the order in which they are to be tried; at least one.
pub(crate) async fn of_host<R: Runtime>(
    runtime: &R,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, DialFailure> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = runtime.resolve(host, port).await;
    let found = found.map_err(|error| DialFailure::Dns(error.to_string().into()))?;
    if found.is_empty() {
        return Err(DialFailure::Dns("it has no address".into()));
    }
    Ok(interleaved(found))
}

/// Returns the addresses of the two families in turn, beginning with the resolver's first choice.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_first_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == is_first_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(first.next());
        all.extend(second.next());
        if all.len() == before {
            return all;
        }
    }
}

async fn race<R: Runtime>(runtime: &R, addresses: Vec<SocketAddr>) -> Result<R::Tcp, DialFailure> {
    let mut race = Race::new(addresses);
    let mut running: Vec<(SocketAddr, BoxFuture<'static, std::io::Result<R::Tcp>>)> = Vec::new();
    let mut pause: Option<(Instant, Pin<Box<R::Sleep>>)> = None;
    poll_fn(|context| {
        loop {
            let mut index = 0;
            while index < running.len() {
                match running[index].1.as_mut().poll(context) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        let (address, _) = running.swap_remove(index);
                        race.failed(address, &error);
                    }
                    Poll::Pending => index += 1,
                }
            }
            if let Some(address) = race.next(runtime.now()) {
                running.push((address, runtime.connect(address)));
                continue;
            }
            if let Some(reason) = race.lost() {
                return Poll::Ready(Err(DialFailure::Connect(reason.into())));
            }
            let Some(next_at) = race.next_at() else { return Poll::Pending };
            let (_, sleep) = match &mut pause {
                Some(pause) if pause.0 == next_at => pause,
                _ => pause.insert((next_at, Box::pin(runtime.sleep_until(next_at)))),
            };
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            // It may have ended early.
            pause = None;
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 1)).collect()
    }

    #[test]
    fn both_families_take_turns_beginning_with_the_first_choice() {
        let found = interleaved(addresses(&["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"]));
        assert_eq!(found, addresses(&["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]));
        let found = interleaved(addresses(&["1.1.1.1", "::1"]));
        assert_eq!(found, addresses(&["1.1.1.1", "::1"]));
    }
}
