//! Asks the kernel which addresses the machine has, and which way packets take.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use super::message::{self, Message, Route};
use super::path::Facts;
use super::socket::{Read, Socket};
use crate::byte_stream::Addresses;

/// The kernel answers while it is asked: what is not there then does not come.
#[derive(Debug)]
pub(super) struct Lookup {
    socket: Socket,
    number: u32,
}

/// The addresses of the machine, each with the interfaces that have it.
pub(super) type Owned = HashMap<IpAddr, Vec<u32>>;

impl Lookup {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { socket: Socket::of_requests()?, number: 0 })
    }

    /// Returns all addresses of the machine.
    pub(super) fn owned(&mut self) -> io::Result<Owned> {
        let mut owned = Owned::new();
        self.ask(message::all_addresses, |message| match message {
            Message::Address { interface, address, .. } => {
                owned.entry(address).or_default().push(interface);
                None
            }
            Message::Done => Some(Ok(())),
            Message::Failed => Some(Err(io::Error::other("the kernel tells no addresses"))),
            _ => None,
        })??;
        Ok(owned)
    }

    /// Returns what is known of the path between these addresses.
    pub(super) fn facts(&mut self, addresses: Addresses, owned: &Owned) -> io::Result<Facts> {
        let Addresses { local, peer } = addresses;
        let zone = zone(local);
        let interfaces = owned.get(&local.ip().to_canonical());
        let mut interfaces = interfaces.into_iter().flatten().copied();
        let interface = interfaces.find(|index| zone.is_none_or(|zone| zone == *index));
        let route = self.route(local.ip().to_canonical(), peer.ip().to_canonical(), zone)?;
        Ok(Facts { interface, route })
    }

    /// Returns the way from one address to another; `None` if there is none.
    fn route(
        &mut self,
        local: IpAddr,
        peer: IpAddr,
        zone: Option<u32>,
    ) -> io::Result<Option<Route>> {
        if local.is_ipv4() != peer.is_ipv4() {
            return Ok(None);
        }
        let request =
            |number| message::route(number, local, peer, zone).expect("both are of one family");
        self.ask(request, |message| match message {
            Message::Route { route, .. } => Some(Some(route)),
            Message::Failed => Some(None),
            _ => None,
        })
    }

    /// Asks, and reads until `take` has the answer.
    fn ask<T>(
        &mut self,
        request: impl FnOnce(u32) -> Vec<u8>,
        mut take: impl FnMut(Message) -> Option<T>,
    ) -> io::Result<T> {
        self.number = self.number.wrapping_add(1);
        let asked = self.number;
        self.socket.send(&request(asked))?;
        let mut answer = None;
        loop {
            let read = self.socket.read(|number, message| {
                // An answer to an earlier request may have been left unread.
                if number == asked && answer.is_none() {
                    answer = take(message);
                }
            })?;
            if let Some(answer) = answer.take() {
                return Ok(answer);
            }
            if read != Read::Some {
                return Err(io::Error::other("the kernel has not answered"));
            }
        }
    }
}

/// Returns the interface that an address belongs to which has no meaning beyond it.
fn zone(address: SocketAddr) -> Option<u32> {
    match address {
        SocketAddr::V6(address) if address.scope_id() != 0 => Some(address.scope_id()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_its_own_addresses_and_a_way_to_itself() {
        let mut lookup = Lookup::new().expect("a netlink socket");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let peer = listener.local_addr().expect("its address");
        let stream = std::net::TcpStream::connect(peer).expect("it listens");
        let local = stream.local_addr().expect("its address");
        for _ in 0..3 {
            let owned = lookup.owned().expect("the kernel tells");
            let facts = lookup.facts(Addresses { local, peer }, &owned).expect("the kernel tells");
            assert!(facts.interface.is_some() && facts.route.is_some(), "{facts:?} {owned:?}");
        }
        let owned = lookup.owned().expect("the kernel tells");
        // Reserved for documentation: nobody has it.
        let foreign = Addresses { local: "192.0.2.77:1".parse().unwrap(), peer };
        let facts = lookup.facts(foreign, &owned).expect("the kernel tells");
        assert_eq!(facts, Facts { interface: None, route: None });
        let mixed = Addresses { local: "[::1]:1".parse().unwrap(), peer };
        assert_eq!(lookup.facts(mixed, &owned).expect("the kernel tells").route, None);
    }
}
