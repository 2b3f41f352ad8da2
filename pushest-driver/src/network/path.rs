//! The path of one connection: what is known of it, and what a change means.

use std::net::IpAddr;

use super::burst::Burst;
use super::message::Route;
use crate::network_news::NetworkNews;

/// What a look at the path of a connection has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// The interface that has the local address; `None` if none has.
    pub(super) interface: Option<u32>,
    /// The way that packets take to the peer; `None` if there is none.
    pub(super) route: Option<Route>,
}

impl Facts {
    /// Returns what this look shows that is not as it was before, with what the burst tells of the time in
    /// between.
    pub(super) fn news_since(&self, before: &Self, burst: &Burst, local: IpAddr) -> NetworkNews {
        // An address may count as the machine's own without an interface that has it, such as most of
        // those of the loopback.
        let address_gone = before.interface.is_some() && self.interface.is_none();
        let is_interrupted = burst.concerns(self.interface, local);
        let path_changed = self != before || is_interrupted;
        NetworkNews { address_gone, path_changed, ..NetworkNews::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::message::Message;
    use super::*;

    const OWN: u32 = 2;

    fn own_address() -> IpAddr {
        "192.0.2.7".parse().unwrap()
    }

    fn facts(interface: Option<u32>, over: Option<u32>) -> Facts {
        let route = over.map(|index| Route { interface: Some(index), gateway: None });
        Facts { interface, route }
    }

    fn news(before: Facts, now: Facts, burst: &Burst) -> (bool, bool) {
        let news = now.news_since(&before, burst, own_address());
        (news.address_gone, news.path_changed)
    }

    #[test]
    fn notices_about_others_are_no_news() {
        let as_ever = facts(Some(OWN), Some(OWN));
        let mut burst = Burst::default();
        for is_running in [true, false, true] {
            burst.note(&Message::Link { interface: 9, is_running }, Instant::now());
        }
        let foreign = "192.0.2.99".parse().unwrap();
        burst.note(
            &Message::Address {
                is_there: false,
                interface: 9,
                address: foreign,
                is_tentative: false,
            },
            Instant::now(),
        );
        burst.note_lost(Instant::now());
        assert_eq!(news(as_ever, as_ever, &burst), (false, false));
        // Where no interface has the address, none of them concerns it.
        let bare = facts(None, Some(1));
        assert_eq!(news(bare, bare, &burst), (false, false));
    }

    #[test]
    fn an_address_that_is_gone_and_a_way_that_is_another_are_told_apart() {
        let as_ever = facts(Some(OWN), Some(OWN));
        let burst = Burst::default();
        for over in [Some(OWN), Some(9), None] {
            assert_eq!(news(as_ever, facts(None, over), &burst), (true, true));
        }
        for over in [Some(9), None] {
            assert_eq!(news(as_ever, facts(Some(OWN), over), &burst), (false, true));
            assert_eq!(news(facts(Some(OWN), over), as_ever, &burst), (false, true));
        }
        assert_eq!(news(as_ever, facts(Some(9), Some(9)), &burst), (false, true), "it has moved");
    }

    #[test]
    fn an_interface_that_stopped_in_between_is_told() {
        let as_ever = facts(Some(OWN), Some(OWN));
        let mut burst = Burst::default();
        for is_running in [false, true] {
            burst.note(&Message::Link { interface: OWN, is_running }, Instant::now());
        }
        assert_eq!(news(as_ever, as_ever, &burst), (false, true));
    }
}
