//! Which address of a name is tried first: the one that accepted the last connection.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, unversioned};

/// Maximum number of addresses that are remembered: of two endpoints and their proxies, one each.
const MOST: usize = 4;

/// The addresses that accepted a connection of one client's requests, the last one first.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<Vec<SocketAddr>>);

impl Addresses {
    /// Stores the address that has accepted a connection.
    pub(super) fn answered(&self, address: SocketAddr) {
        let mut known = self.lock();
        known.retain(|it| *it != address);
        known.insert(0, address);
        known.truncate(MOST);
    }

    /// Returns the addresses of a name in the order in which they are to be tried: first the one that
    /// answered last, if the name still has it.
    pub(super) fn sorted(&self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let known = self.lock();
        let place = known.iter().find_map(|it| addresses.iter().position(|other| it == other));
        if let Some(place) = place {
            addresses[..=place].rotate_right(1);
        }
        addresses
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
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
        let addresses = Addresses::default();
        let name = || vec![address(1), address(2), address(3)];
        assert_eq!(addresses.sorted(name()), name());
        assert_eq!(addresses.sorted(Vec::new()), []);
        addresses.answered(address(3));
        assert_eq!(addresses.sorted(name()), [address(3), address(1), address(2)]);
        assert_eq!(addresses.sorted(vec![address(2), address(1)]), [address(2), address(1)]);
        addresses.answered(address(2));
        assert_eq!(addresses.sorted(name()), [address(2), address(1), address(3)]);
        // Those of other names, and of as many as there may be.
        (10..20).for_each(|last| addresses.answered(address(last)));
        assert_eq!(addresses.sorted(name()), name());
        assert_eq!(addresses.lock().len(), MOST);
    }
}
