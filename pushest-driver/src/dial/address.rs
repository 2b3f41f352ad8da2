//! From a host's name to a TCP connection: the addresses of both families in turn, the next one
//! tried while the last is still silent, so that one dead family keeps nobody from connecting.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::BoxFuture;
use pushest_proto::DialFailure;

use crate::runtime::Runtime;

/// How long one address may be silent before the next one is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// A connection to the first address that accepts one: of `chosen`, or of the host where there is
/// none.
pub(super) async fn connect<R: Runtime>(
    runtime: &R,
    host: &str,
    port: u16,
    chosen: &[SocketAddr],
) -> Result<R::Tcp, DialFailure> {
    if !chosen.is_empty() {
        return race(runtime, chosen.to_vec()).await;
    }
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => {
            let found = runtime.resolve(host, port).await;
            let found = found.map_err(|error| DialFailure::Dns(error.to_string().into()))?;
            if found.is_empty() {
                return Err(DialFailure::Dns("it has no address".into()));
            }
            interleaved(found)
        }
    };
    race(runtime, addresses).await
}

/// The addresses of the two families in turn, beginning with the resolver's first choice.
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
    let mut waiting = addresses.into_iter();
    let mut running: Vec<(SocketAddr, BoxFuture<'static, std::io::Result<R::Tcp>>)> = Vec::new();
    let mut pause: Option<Pin<Box<R::Sleep>>> = None;
    let mut failures: Vec<String> = Vec::new();
    poll_fn(|context| {
        loop {
            let mut has_changed = false;
            let mut index = 0;
            while index < running.len() {
                match running[index].1.as_mut().poll(context) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        let (address, _) = running.swap_remove(index);
                        failures.push(format!("{address}: {error}"));
                        // The next one need not wait for its time.
                        pause = None;
                        has_changed = true;
                    }
                    Poll::Pending => index += 1,
                }
            }
            let is_time = match &mut pause {
                None => true,
                Some(pause) => pause.as_mut().poll(context).is_ready(),
            };
            if is_time {
                pause = None;
                if let Some(address) = waiting.next() {
                    running.push((address, runtime.connect(address)));
                    if waiting.len() > 0 {
                        let next = runtime.sleep_until(runtime.now() + STAGGER);
                        pause = Some(Box::pin(next));
                    }
                    has_changed = true;
                } else if running.is_empty() {
                    return Poll::Ready(Err(DialFailure::Connect(failures.join("; ").into())));
                }
            }
            if !has_changed {
                return Poll::Pending;
            }
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
