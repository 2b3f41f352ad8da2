//! Networks that a test makes up, in builds with the feature `__fuzzing` only. What is found out about a
//! connection, and what follows from it for a client, is as it is with the system's notices.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::burst::Burst;
use super::entry::Entry;
use super::message::{Message, Route};
use super::path::Facts;

/// The interface that has the machine's addresses, and another one.
const OWN: u32 = 1;
const OTHER: u32 = 2;

/// The networks of a machine with one interface. All clones are the same.
#[derive(Debug, Clone)]
pub struct Networks(pub(crate) Arc<MadeUp>);

#[derive(Debug)]
pub(crate) struct MadeUp {
    machine: Mutex<Machine>,
    entries: Mutex<Vec<Weak<Entry>>>,
}

#[derive(Debug, Clone)]
struct Machine {
    addresses: BTreeSet<IpAddr>,
    /// The interface that packets leave by; `None` where they cannot.
    way: Option<u32>,
}

impl Networks {
    /// Creates the networks of a machine that has these addresses.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let machine = Machine { addresses: addresses.into_iter().collect(), way: Some(OWN) };
        Self(Arc::new(MadeUp { machine: Mutex::new(machine), entries: Mutex::default() }))
    }

    /// Returns the number of clients that watch them.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.0.entries().len()
    }

    /// The machine gets an address.
    pub fn add(&self, address: IpAddr) {
        self.0.change(&[of_address(OWN, address, true)], |machine| {
            machine.addresses.insert(address);
        });
    }

    /// The machine loses an address.
    pub fn remove(&self, address: IpAddr) {
        self.0.change(&[of_address(OWN, address, false)], |machine| {
            machine.addresses.remove(&address);
        });
    }

    /// The machine gets an address in the place of another, in one burst of notices.
    pub fn replace(&self, former: IpAddr, address: IpAddr) {
        let notices = [of_address(OWN, former, false), of_address(OWN, address, true)];
        self.0.change(&notices, |machine| {
            machine.addresses.remove(&former);
            machine.addresses.insert(address);
        });
    }

    /// Packets take another way from now on.
    pub fn reroute(&self) {
        let taken = |way: Option<u32>| way.map_or(OTHER, |way| way + 1);
        let notices = [of_route(OWN, false), of_route(OTHER, true)];
        self.0.change(&notices, |machine| machine.way = Some(taken(machine.way)));
    }

    /// Packets cannot leave the machine any more. It keeps its addresses.
    pub fn cut(&self) {
        self.0.change(&[of_route(OWN, false)], |machine| machine.way = None);
    }

    /// The interface stops, and carries packets again, before anyone looks.
    pub fn blink(&self) {
        let link = |is_running| Message::Link { interface: OWN, is_running };
        self.0.change(&[link(false), link(true)], |_| {});
    }

    /// Something happens to another interface, which comes or goes with an address and a route of its own.
    pub fn change_others(&self, is_there: bool) {
        let address = IpAddr::from([10, 7, 0, 1]);
        let link = Message::Link { interface: OTHER, is_running: is_there };
        let notices = [link, of_address(OTHER, address, is_there), of_route(OTHER, is_there)];
        self.0.change(&notices, |_| {});
    }
}

impl MadeUp {
    /// Changes the machine, and tells the clients once the burst of notices about it is over.
    fn change(&self, notices: &[Message], change: impl FnOnce(&mut Machine)) {
        let now = Instant::now();
        let mut burst = Burst::default();
        notices.iter().for_each(|notice| burst.note(notice, now));
        let machine = {
            let mut machine = lock(&self.machine);
            change(&mut machine);
            machine.clone()
        };
        for entry in self.entries() {
            let watched = entry.watched(false);
            let local = watched.map(|watched| watched.addresses.local.ip());
            let looked = watched.zip(local.map(|local| Ok(machine.facts(local))));
            entry.tell(looked, &burst);
        }
    }

    fn entries(&self) -> Vec<Arc<Entry>> {
        lock(&self.entries).iter().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn enter(&self, entry: &Arc<Entry>) {
        lock(&self.entries).push(Arc::downgrade(entry));
    }

    pub(super) fn ring(&self) {
        let machine = lock(&self.machine).clone();
        for entry in self.entries() {
            if let Some(watched) = entry.watched(true) {
                entry.know(watched, machine.facts(watched.addresses.local.ip()));
            }
        }
    }
}

impl Machine {
    fn facts(&self, local: IpAddr) -> Facts {
        let interface = self.addresses.contains(&local).then_some(OWN);
        let route = self.way.map(|way| Route { interface: Some(way), gateway: None });
        Facts { interface, route }
    }
}

fn of_address(interface: u32, address: IpAddr, is_there: bool) -> Message {
    Message::Address { is_there, interface, address, is_tentative: false }
}

fn of_route(interface: u32, is_there: bool) -> Message {
    let route = Route { interface: Some(interface), gateway: None };
    Message::Route { is_there, is_to_others: true, route }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is locked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
