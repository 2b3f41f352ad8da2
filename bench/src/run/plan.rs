//! What is measured, in which order.

use super::Order;
use crate::flood::{Flood, Kind};
use crate::receive::{Receiver, Runtime, Way};

/// Everything of one round.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) floods: Vec<Planned>,
    pub(super) latencies: Vec<(&'static str, Receiver, Flood)>,
    pub(super) core: bool,
}

/// One receiver of one flood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) section: &'static str,
    pub(super) group: String,
    pub(super) name: String,
    /// `None` is the peer of that name.
    pub(super) receiver: Option<Receiver>,
    pub(super) flood: Flood,
}

impl Planned {
    pub(super) fn ours(
        section: &'static str,
        group: &str,
        receiver: Receiver,
        flood: Flood,
    ) -> Self {
        let (group, name) = (group.to_owned(), receiver.to_string());
        Self { section, group, name, receiver: Some(receiver), flood }
    }

    /// Returns whether everything is measured, from the server's first write on. Where one event
    /// stands before a bad flood, it may be handed over with the rest of it.
    pub(super) fn is_whole(&self) -> bool {
        self.section == "bad"
    }

    /// Returns the number of frames that are measured.
    pub(super) fn frames(&self) -> u64 {
        let marks = self.flood.frames_seen();
        if self.is_whole() { marks.end } else { marks.end - marks.begin }
    }

    pub(super) fn key(&self) -> String {
        format!("{}/{}/{}", self.section, self.group, self.name)
    }
}

/// The sizes of frames, and what the number of frames is divided by.
const SIZES: [(usize, u64); 3] = [(208, 1), (1_024, 3), (8_192, 12)];

/// Receivers of events whose latency, and whose time for bad frames, is measured.
const FIRST: [(Runtime, Way); 6] = [
    (Runtime::Tokio, Way::Subscription),
    (Runtime::TokioThreads, Way::Subscription),
    (Runtime::AsyncStd, Way::Subscription),
    (Runtime::Smol, Way::Subscription),
    (Runtime::Blocking, Way::Subscription),
    (Runtime::Blocking, Way::Connection),
];

impl Plan {
    pub(super) fn new(order: &Order, peers: &[String]) -> Self {
        let all = Self::everything(order, peers);
        if order.only.is_empty() {
            return all;
        }
        let is_named = |key: &str| order.only.iter().any(|part| key.contains(part.as_str()));
        let named: Vec<_> = all.floods.iter().filter(|it| is_named(&it.key())).collect();
        let is_floor_of_one = |planned: &Planned| {
            planned.receiver.is_some_and(|receiver| receiver.way.is_floor())
                && named.iter().any(|it| {
                    it.section == planned.section
                        && it.group == planned.group
                        && it.receiver.map(|its| its.runtime)
                            == planned.receiver.map(|its| its.runtime)
                })
        };
        let floods = all.floods.iter();
        let floods = floods.filter(|it| is_named(&it.key()) || is_floor_of_one(it)).cloned();
        let key = |group: &str, receiver: &Receiver| format!("latency/{group}/{receiver}");
        Self {
            floods: floods.collect(),
            latencies: all
                .latencies
                .iter()
                .filter(|(group, receiver, _)| {
                    let floor = Receiver { way: Way::Count, ..*receiver };
                    is_named(&key(group, receiver))
                        || *receiver == floor
                            && all.latencies.iter().any(|(other, its, _)| {
                                other == group
                                    && its.runtime == receiver.runtime
                                    && is_named(&key(other, its))
                            })
                })
                .copied()
                .collect(),
            core: is_named("core") || is_named("growth"),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.floods.is_empty() && self.latencies.is_empty() && !self.core
    }

    fn everything(order: &Order, peers: &[String]) -> Self {
        let mut floods = Vec::new();
        for (size, divisor) in SIZES {
            let group = size.to_string();
            let flood = Flood::new(Kind::Good, size, (order.events / divisor).max(20));
            let ours = Receiver::all();
            floods.extend(ours.map(|receiver| Planned::ours("flood", &group, receiver, flood)));
            floods.extend(peers.iter().map(|peer| Planned {
                section: "flood",
                group: group.clone(),
                name: peer.clone(),
                receiver: None,
                flood: Flood { frames: (flood.frames / slowness(peer)).max(20), ..flood },
            }));
        }
        for (size, divisor) in [SIZES[0], SIZES[2]] {
            let flood = Flood::new(Kind::Good, size, (order.events / divisor / 2).max(20));
            let receivers = Receiver::all().filter(|receiver| {
                receiver.way.is_floor() || FIRST.contains(&(receiver.runtime, receiver.way))
            });
            let group = size.to_string();
            floods.extend(receivers.map(|receiver| Planned::ours("tls", &group, receiver, flood)));
        }
        for kind in std::iter::once(Kind::Good).chain(Kind::BAD) {
            let flood = Flood::new(kind, 208, (order.events / 4).max(20));
            floods.extend(bad().map(|receiver| Planned::ours("bad", kind.name(), receiver, flood)));
        }
        let mut latencies = Vec::new();
        for (group, burst) in [("lone", 1), ("burst", 64)] {
            let frames = (order.events / 1_000).clamp(192, 2_048);
            let flood = Flood { burst, ..Flood::new(Kind::Good, 208, frames) };
            let receivers = Receiver::all().filter(|receiver| {
                receiver.way == Way::Count || FIRST.contains(&(receiver.runtime, receiver.way))
            });
            latencies.extend(receivers.map(|receiver| (group, receiver, flood)));
        }
        Self { floods, latencies, core: true }
    }
}

/// Returns the receivers that are flooded with bad frames. `events()` gets an event for each, a
/// subscription none.
fn bad() -> impl Iterator<Item = Receiver> {
    Receiver::all().filter(|receiver| match receiver.runtime {
        Runtime::Tokio => [Way::Count, Way::Subscription, Way::Events].contains(&receiver.way),
        Runtime::AsyncStd => receiver.way == Way::Events,
        Runtime::Blocking => [Way::Events, Way::Connection].contains(&receiver.way),
        Runtime::TokioThreads | Runtime::Smol => false,
    })
}

/// Returns what the number of frames is divided by, so that no peer takes minutes.
fn slowness(peer: &str) -> u64 {
    match peer {
        "pusher-rs" | "pusher-rs-threads" => 4,
        "pusher-js" => 10,
        _ => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(only: &[&str]) -> Order {
        Order {
            rounds: 1,
            events: 1_000,
            only: only.iter().map(|part| (*part).to_owned()).collect(),
            peers: None,
            out: "out".into(),
            name: "name".into(),
        }
    }

    #[test]
    fn whoever_is_measured_alone_has_its_floors_beside_it() {
        let plan = Plan::new(&order(&["flood/208/smol/typed"]), &[]);
        let keys: Vec<_> = plan.floods.iter().map(Planned::key).collect();
        assert_eq!(keys, ["flood/208/smol/count", "flood/208/smol/skip", "flood/208/smol/typed"]);
        assert!(plan.latencies.is_empty() && !plan.core);
        assert!(Plan::new(&order(&["nobody"]), &[]).is_empty());
        let plan = Plan::new(&order(&["latency/lone/blocking/connection"]), &[]);
        let names: Vec<_> = plan.latencies.iter().map(|(_, name, _)| name.to_string()).collect();
        assert_eq!(names, ["blocking/count", "blocking/connection"]);
    }

    #[test]
    fn everything_is_measured_once_a_round() {
        let plan = Plan::new(&order(&[]), &["pusher-js".to_owned()]);
        let mut keys: Vec<_> = plan.floods.iter().map(Planned::key).collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert!(keys.iter().any(|key| key == "flood/8192/pusher-js"));
        assert!(plan.core && !plan.latencies.is_empty());
    }
}
