//! The addresses of an endpoint: those that its name resolved to, and the one that answered last.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Authority;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, unversioned};

/// The addresses of one client's endpoints, of which there are two at most.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    authority: Authority,
    resolved: Vec<SocketAddr>,
    /// The address that accepted the last connection.
    answered: Option<SocketAddr>,
}

impl Addresses {
    /// Stores what a name has resolved to.
    pub(super) fn set(&self, authority: &Authority, resolved: Vec<SocketAddr>) {
        let mut all = self.lock();
        match all.iter_mut().find(|known| known.authority == *authority) {
            Some(known) => known.resolved = resolved,
            None => {
                all.push(Known { authority: authority.clone(), resolved, answered: None });
            }
        }
    }

    /// Stores the address that has accepted a connection.
    pub(super) fn answered(&self, authority: &Authority, address: SocketAddr) {
        let mut all = self.lock();
        if let Some(known) = all.iter_mut().find(|known| known.authority == *authority) {
            known.answered = Some(address);
        }
    }

    /// Returns the addresses in the order in which they are to be tried: first the one that
    /// answered last, if the name still has it.
    pub(super) fn of(&self, authority: &Authority) -> Vec<SocketAddr> {
        let all = self.lock();
        let Some(known) = all.iter().find(|known| known.authority == *authority) else {
            return Vec::new();
        };
        let mut addresses = known.resolved.clone();
        if let Some(place) = addresses.iter().position(|it| Some(*it) == known.answered) {
            addresses[..=place].rotate_right(1);
        }
        addresses
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        // What is behind it is whole at all times.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves nothing: names are resolved before a request takes a thread, and the connector knows
/// the addresses. ureq wants at least one.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses: ResolvedSocketAddrs = unversioned::resolver::Resolver::empty(self);
        addresses.push(SocketAddr::from(([0, 0, 0, 0], 0)));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_answered_comes_first_for_as_long_as_the_name_has_it() {
        let address = |last| SocketAddr::from(([127, 0, 0, last], 1));
        let here = Authority::from_static("example.org:8");
        let addresses = Addresses::default();
        assert_eq!(addresses.of(&here), []);
        addresses.set(&here, vec![address(1), address(2), address(3)]);
        addresses.answered(&here, address(3));
        assert_eq!(addresses.of(&here), [address(3), address(1), address(2)]);
        assert_eq!(addresses.of(&Authority::from_static("example.org:9")), []);
        addresses.set(&here, vec![address(2), address(1)]);
        assert_eq!(addresses.of(&here), [address(2), address(1)]);
    }
}
