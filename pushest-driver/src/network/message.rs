//! Messages of rtnetlink, as far as they are needed: read from bytes, and written (rtnetlink(7),
//! netlink(7)). All numbers are in the byte order of the machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the kernel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// An interface has this address, or has it no more.
    Address { is_there: bool, interface: u32, address: IpAddr, is_tentative: bool },
    /// Whether an interface carries packets.
    Link { interface: u32, is_running: bool },
    /// A route is there, or is no more. One that is not to others belongs to an address of the machine,
    /// which is told of itself, or leads nowhere.
    Route { is_there: bool, is_to_others: bool, route: Route },
    /// A rule that chooses between tables of routes came or went.
    Rule,
    /// What was asked for has failed.
    Failed,
    /// All that was asked for was told.
    Done,
}

/// The way that packets take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) interface: Option<u32>,
    pub(super) gateway: Option<IpAddr>,
}

// `linux/netlink.h`, `linux/rtnetlink.h`, `linux/if_addr.h`, `linux/if.h`.
const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const RTM_GETROUTE: u16 = 26;
const RTM_NEWRULE: u16 = 32;
const RTM_DELRULE: u16 = 33;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP: u16 = 0x300;
const AF_UNSPEC: u8 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_F_TENTATIVE: u8 = 0x40;
const IFF_UP: u32 = 0x1;
const IFF_RUNNING: u32 = 0x40;
const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTN_UNICAST: u8 = 1;

/// Calls `tell` with each message of a datagram that is of use, and the number of the request that it
/// answers. What breaks the form ends the datagram.
pub(super) fn read(mut datagram: &[u8], mut tell: impl FnMut(u32, Message)) {
    while let Some((kind, number, body, rest)) = next(datagram) {
        if let Some(message) = message(kind, body) {
            tell(number, message);
        }
        datagram = rest;
    }
}

/// Returns a request for all addresses of all interfaces.
pub(super) fn all_addresses(number: u32) -> Vec<u8> {
    request(RTM_GETADDR, NLM_F_DUMP, number, &[AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0], &[])
}

/// Returns a request for the way from one address to another of the same family; `None` if they are not.
/// `interface` is the one that addresses without a meaning beyond it belong to.
pub(super) fn route(
    number: u32,
    local: IpAddr,
    peer: IpAddr,
    interface: Option<u32>,
) -> Option<Vec<u8>> {
    let (family, bits) = match (local, peer) {
        (IpAddr::V4(_), IpAddr::V4(_)) => (AF_INET, 32),
        (IpAddr::V6(_), IpAddr::V6(_)) => (AF_INET6, 128),
        _ => return None,
    };
    let head = [family, bits, bits, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut attributes = vec![(RTA_DST, octets(peer)), (RTA_SRC, octets(local))];
    attributes.extend(interface.map(|index| (RTA_OIF, index.to_ne_bytes().to_vec())));
    Some(request(RTM_GETROUTE, 0, number, &head, &attributes))
}

fn request(
    kind: u16,
    flags: u16,
    number: u32,
    head: &[u8],
    attributes: &[(u16, Vec<u8>)],
) -> Vec<u8> {
    let mut body = head.to_vec();
    for (kind, value) in attributes {
        let length = u16::try_from(4 + value.len()).expect("an address is short");
        body.extend(length.to_ne_bytes());
        body.extend(kind.to_ne_bytes());
        body.extend(value);
        body.resize(aligned(body.len()), 0);
    }
    let length = u32::try_from(HEADER + body.len()).expect("a request is short");
    let mut request = length.to_ne_bytes().to_vec();
    request.extend(kind.to_ne_bytes());
    request.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    request.extend(number.to_ne_bytes());
    // The kernel knows whose socket it is.
    request.extend([0; 4]);
    request.extend(body);
    request
}

/// Takes a message apart: its kind, its number, its body, and what is behind it.
fn next(datagram: &[u8]) -> Option<(u16, u32, &[u8], &[u8])> {
    let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
    let body = datagram.get(HEADER..length)?;
    let rest = datagram.get(aligned(length)..).unwrap_or_default();
    Some((u16_at(datagram, 4)?, u32_at(datagram, 8)?, body, rest))
}

fn message(kind: u16, body: &[u8]) -> Option<Message> {
    match kind {
        RTM_NEWLINK | RTM_DELLINK => {
            // A port of a bridge is told of as a link of another family, when it leaves, too.
            if *body.first()? != AF_UNSPEC {
                return None;
            }
            let flags = u32_at(body, 8)?;
            let runs = flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING;
            let is_running = kind == RTM_NEWLINK && runs;
            Some(Message::Link { interface: u32_at(body, 4)?, is_running })
        }
        RTM_NEWADDR | RTM_DELADDR => {
            let (family, flags) = (*body.first()?, *body.get(2)?);
            let attributes = body.get(8..)?;
            // Between two ends the other one is the peer's.
            let address = attribute(attributes, IFA_LOCAL)
                .or_else(|| attribute(attributes, IFA_ADDRESS))
                .and_then(|octets| address(family, octets))?;
            let is_tentative = flags & IFA_F_TENTATIVE != 0;
            let is_there = kind == RTM_NEWADDR;
            Some(Message::Address { is_there, interface: u32_at(body, 4)?, address, is_tentative })
        }
        RTM_NEWROUTE | RTM_DELROUTE => {
            let (family, kind_of_route) = (*body.first()?, *body.get(7)?);
            let attributes = body.get(12..)?;
            let interface = attribute(attributes, RTA_OIF).and_then(|value| u32_at(value, 0));
            let gateway = attribute(attributes, RTA_GATEWAY);
            let gateway = gateway.and_then(|octets| address(family, octets));
            Some(Message::Route {
                is_there: kind == RTM_NEWROUTE,
                is_to_others: kind_of_route == RTN_UNICAST,
                route: Route { interface, gateway },
            })
        }
        RTM_NEWRULE | RTM_DELRULE => Some(Message::Rule),
        NLMSG_ERROR => Some(Message::Failed),
        NLMSG_DONE => Some(Message::Done),
        _ => None,
    }
}

/// Returns the value of the first attribute of this kind.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let value = attributes.get(4..length)?;
        if u16_at(attributes, 2)? == wanted {
            return Some(value);
        }
        attributes = attributes.get(aligned(length)..)?;
    }
}

fn address(family: u8, octets: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into()),
        AF_INET6 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into()),
        _ => None,
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_ne_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(datagram: &[u8]) -> Vec<(u32, Message)> {
        let mut messages = Vec::new();
        read(datagram, |number, message| messages.push((number, message)));
        messages
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// As the kernel would write it.
    fn told(kind: u16, head: &[u8], attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
        request(kind, 0, 7, head, attributes)
    }

    fn link(kind: u16, family: u8, interface: u32, flags: u32) -> Vec<u8> {
        let head =
            [&[family, 0, 1, 0][..], &interface.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 4]];
        told(kind, &head.concat(), &[(3, b"eth0\0".to_vec())])
    }

    fn address_of(kind: u16, flags: u8, attributes: &[(u16, IpAddr)]) -> Vec<u8> {
        let family = if attributes[0].1.is_ipv4() { AF_INET } else { AF_INET6 };
        let head = [&[family, 24, flags, 0][..], &9_u32.to_ne_bytes()].concat();
        let attributes: Vec<_> = attributes.iter().map(|(kind, ip)| (*kind, octets(*ip))).collect();
        told(kind, &head, &attributes)
    }

    #[test]
    fn links_addresses_and_routes_are_read() {
        let up = IFF_UP | IFF_RUNNING | 0x1_0000;
        let running = |is_running| Message::Link { interface: 4, is_running };
        assert_eq!(all(&link(RTM_NEWLINK, AF_UNSPEC, 4, up)), [(7, running(true))]);
        for flags in [0, IFF_UP, IFF_RUNNING] {
            assert_eq!(all(&link(RTM_NEWLINK, AF_UNSPEC, 4, flags)), [(7, running(false))]);
        }
        assert_eq!(all(&link(RTM_DELLINK, AF_UNSPEC, 4, up)), [(7, running(false))]);
        assert_eq!(all(&link(RTM_DELLINK, 7, 4, up)), [], "a port has left its bridge");

        let own = |is_there, address, is_tentative| Message::Address {
            is_there,
            interface: 9,
            address,
            is_tentative,
        };
        let (four, six) = (ip("192.0.2.7"), ip("2001:db8::7"));
        let local = [(IFA_ADDRESS, ip("192.0.2.8")), (IFA_LOCAL, four)];
        assert_eq!(all(&address_of(RTM_NEWADDR, 0, &local)), [(7, own(true, four, false))]);
        let plain = [(IFA_ADDRESS, six)];
        assert_eq!(all(&address_of(RTM_NEWADDR, 0x40, &plain)), [(7, own(true, six, true))]);
        assert_eq!(all(&address_of(RTM_DELADDR, 0, &plain)), [(7, own(false, six, false))]);

        let head = [AF_INET, 0, 0, 0, 254, 3, 0, RTN_UNICAST, 0, 0, 0, 0];
        let attributes = [(RTA_GATEWAY, octets(four)), (RTA_OIF, 9_u32.to_ne_bytes().to_vec())];
        let route = Route { interface: Some(9), gateway: Some(four) };
        for (kind, is_there) in [(RTM_NEWROUTE, true), (RTM_DELROUTE, false)] {
            let told = told(kind, &head, &attributes);
            assert_eq!(all(&told), [(7, Message::Route { is_there, is_to_others: true, route })]);
        }
    }

    #[test]
    fn several_messages_of_one_datagram_are_read_and_unknown_ones_passed_by() {
        let datagram = [
            told(99, &[1, 2, 3, 4], &[]),
            link(RTM_NEWLINK, AF_UNSPEC, 1, IFF_UP),
            told(RTM_NEWRULE, &[0; 12], &[]),
            told(NLMSG_ERROR, &[0; 20], &[]),
            told(NLMSG_DONE, &[0; 4], &[]),
        ];
        let messages = all(&datagram.concat()).into_iter().map(|(_, message)| message);
        let link = Message::Link { interface: 1, is_running: false };
        let expected = [link, Message::Rule, Message::Failed, Message::Done];
        assert_eq!(messages.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_breaks_the_form_is_passed_by_wherever_it_ends_and_whatever_stands_in_it() {
        let whole = [
            link(RTM_NEWLINK, AF_UNSPEC, 1, IFF_UP),
            address_of(RTM_NEWADDR, 0, &[(IFA_LOCAL, ip("192.0.2.7"))]),
            route(3, ip("2001:db8::1"), ip("2001:db8::2"), Some(4)).unwrap(),
        ]
        .concat();
        for end in 0..whole.len() {
            assert!(all(&whole[..end]).len() <= 2);
            for byte in [0, 1, 0x7f, 0xff] {
                let mut broken = whole.clone();
                broken[end] = byte;
                assert!(all(&broken).len() <= whole.len());
            }
        }
    }

    #[test]
    fn requests_have_the_form_of_the_kernel() {
        let asked = all_addresses(5);
        assert_eq!((asked.len(), u32_at(&asked, 0)), (24, Some(24)));
        assert_eq!((u16_at(&asked, 4), u16_at(&asked, 6)), (Some(22), Some(0x301)));
        assert_eq!(u32_at(&asked, 8), Some(5));
        let asked = route(6, ip("192.0.2.1"), ip("192.0.2.2"), None).unwrap();
        assert_eq!((asked.len(), u32_at(&asked, 0)), (44, Some(44)));
        assert_eq!(attribute(&asked[28..], RTA_SRC), Some(&[192, 0, 2, 1][..]));
        let asked = route(6, ip("fe80::1"), ip("fe80::2"), Some(3)).unwrap();
        assert_eq!(attribute(&asked[28..], RTA_OIF), Some(&3_u32.to_ne_bytes()[..]));
        assert_eq!(route(6, ip("fe80::1"), ip("192.0.2.2"), None), None);
    }
}
