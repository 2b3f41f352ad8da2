//! Which of several endpoints is dialled, and whether the next one's turn comes at once.
//!
//! Each session has an order of its own, drawn once, so that the clients of a cluster spread over its
//! nodes, and over those that are left when one dies. A *pass* tries each endpoint once, in this order, but
//! none right after it has failed. The first pass has no backoff between its attempts; all later ones
//! have, until a connection has proved stable or the user connects anew. So the attempts of a session are
//! those that it would make with one endpoint, and one pass.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::config::endpoint::Endpoint;
use crate::memory;
use crate::time::Instant;

/// The endpoints of a session, and the place of the one in use.
#[derive(Debug)]
pub(crate) struct Endpoints {
    /// Never empty. Shared with the configuration, until one of them is changed.
    list: Arc<[Endpoint]>,
    /// The session's own order; empty where there is only one.
    order: Box<[Turn]>,
    /// The place in the order of the endpoint that is connected, dialled, or dialled next.
    at: usize,
    /// The pass without backoff is over.
    backs_off: bool,
    /// The attempt that is waited for is one of the pass without backoff.
    moves_on: bool,
    /// The present connection has proved stable.
    is_proved: bool,
}

/// One endpoint's place in the order.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Its place in the list.
    endpoint: u16,
    /// It has failed in the present pass.
    is_tried: bool,
    /// Its dial was refused for a reason that stays: it is left out.
    is_refused: bool,
    /// It asked not to be dialled before.
    not_before: Instant,
}

/// What comes after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another endpoint, without backoff.
    AtOnce,
    /// One of them after backoff, and not before this pause is over.
    Later(Duration),
    /// Nothing: all are refused.
    Nothing,
}

impl Endpoints {
    /// Draws the order of the endpoints. Of one there is none to draw.
    pub(crate) fn new(list: Arc<[Endpoint]>, random: &mut fastrand::Rng) -> Self {
        let mut order = Vec::new();
        if list.len() > 1 {
            order.extend((0..).take(list.len()).map(|endpoint| Turn {
                endpoint,
                is_tried: false,
                is_refused: false,
                not_before: Instant::ORIGIN,
            }));
            random.shuffle(&mut order);
        }
        Self::of(list, order.into())
    }

    /// Replaces all of them by one.
    pub(crate) fn replace(&mut self, endpoint: Endpoint) {
        *self = Self::of(Arc::from([endpoint]), Box::default());
    }

    fn of(list: Arc<[Endpoint]>, order: Box<[Turn]>) -> Self {
        Self { list, order, at: 0, backs_off: false, moves_on: false, is_proved: false }
    }

    /// Returns the endpoint that is connected, dialled, or dialled next.
    pub(crate) fn current(&self) -> &Endpoint {
        &self.list[self.index()]
    }

    pub(crate) fn are_several(&self) -> bool {
        !self.order.is_empty()
    }

    /// Returns whether the attempt that is waited for goes to an endpoint that the pass without backoff
    /// has not tried yet.
    pub(crate) fn moves_on(&self) -> bool {
        self.moves_on
    }

    /// Switches the current one to TLS. The others are what they were: each has a port of its own.
    pub(crate) fn switch_to_tls(&mut self) {
        let mut list = self.list.to_vec();
        let index = self.index();
        list[index] = list[index].clone().switched_to_tls();
        self.list = list.into();
        self.moves_on = false;
    }

    /// Begins with the first of the own order, as the user asked to connect anew.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.forget();
        self.start(now);
    }

    /// Notes that the connection has proved stable: whatever failed before, its loss begins a pass
    /// without backoff.
    pub(crate) fn proved(&mut self) {
        self.forget();
        self.is_proved = true;
    }

    fn forget(&mut self) {
        for turn in &mut self.order {
            turn.is_tried = false;
            turn.is_refused = false;
        }
        self.backs_off = false;
        self.moves_on = false;
        self.is_proved = false;
    }

    /// Begins a pass without backoff while an attempt is waited for: what has failed may have failed
    /// for the network. Returns when the endpoint that this chooses may be dialled; `None` where there
    /// is none to choose.
    pub(crate) fn begin_pass(&mut self, now: Instant) -> Option<Instant> {
        if !self.are_several() {
            return None;
        }
        for turn in &mut self.order {
            turn.is_tried = false;
        }
        self.backs_off = false;
        self.start(now);
        Some(self.order[self.at].not_before)
    }

    /// Notes that the current one has failed, and that it is not to be dialled before this pause is
    /// over, or not at all if it `is_refused`; chooses the next one.
    pub(crate) fn move_on(&mut self, pause: Duration, is_refused: bool, now: Instant) -> Next {
        let failed = self.at;
        let turn = &mut self.order[failed];
        // The loss of a connection that was stable is no failed attempt: it may be there again at once.
        turn.is_tried = !core::mem::take(&mut self.is_proved);
        turn.is_refused = is_refused;
        turn.not_before = now + pause;
        self.moves_on = false;
        if let Some(at) = self.first_free(now, |at, turn| !turn.is_tried && at != failed) {
            self.at = at;
            self.moves_on = !self.backs_off;
            return if self.moves_on { Next::AtOnce } else { Next::Later(Duration::ZERO) };
        }
        // The pass is over. In the next one the one that has just failed comes behind the others, and
        // one that asked for a pause does not hold up those that can be dialled.
        self.backs_off = true;
        for turn in &mut self.order {
            turn.is_tried = false;
        }
        let other = self.first_free(now, |at, _| at != failed);
        match other.or_else(|| self.first_free(now, |_, _| true)).or_else(|| self.earliest()) {
            Some(at) => {
                self.at = at;
                Next::Later(self.order[at].not_before.saturating_duration_since(now))
            }
            None => Next::Nothing,
        }
    }

    /// Returns what it keeps alive, in bytes, but for the endpoints, which were configured.
    pub(crate) fn memory(&self) -> usize {
        memory::allocation(self.order.len() * size_of::<Turn>())
    }

    fn index(&self) -> usize {
        self.order.get(self.at).map_or(0, |turn| turn.endpoint.into())
    }

    /// Chooses the first of the own order, or the first one that may be dialled now.
    fn start(&mut self, now: Instant) {
        let first = self.first_free(now, |_, _| true).or_else(|| self.earliest());
        self.at = first.unwrap_or_default();
    }

    fn first_free(&self, now: Instant, fits: impl Fn(usize, &Turn) -> bool) -> Option<usize> {
        let mut turns = self.order.iter().enumerate();
        let is_free = |turn: &Turn| !turn.is_refused && turn.not_before <= now;
        turns.find(|(at, turn)| is_free(turn) && fits(*at, turn)).map(|(at, _)| at)
    }

    /// Returns the place of the one that may be dialled first.
    fn earliest(&self) -> Option<usize> {
        let turns = self.order.iter().enumerate().filter(|(_, turn)| !turn.is_refused);
        turns.min_by_key(|(_, turn)| turn.not_before).map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::{String, ToString};

    use super::*;

    const NOW: Instant = Instant::from_micros(1_000_000);

    fn endpoints(count: usize, seed: u64) -> Endpoints {
        let names = (0..count).map(|number| alloc::format!("node-{number}"));
        let list = names.map(|name| Endpoint::new(&name).expect("a name")).collect();
        Endpoints::new(list, &mut fastrand::Rng::with_seed(seed))
    }

    fn host(endpoints: &Endpoints) -> String {
        endpoints.current().host().to_string()
    }

    fn fail(endpoints: &mut Endpoints) -> Next {
        endpoints.move_on(Duration::ZERO, false, NOW)
    }

    #[test]
    fn one_endpoint_draws_nothing_and_keeps_nothing() {
        let mut random = fastrand::Rng::with_seed(7);
        let list = Arc::from([Endpoint::new("a").expect("a name")]);
        let endpoints = Endpoints::new(list, &mut random);
        assert_eq!(random.u64(..), fastrand::Rng::with_seed(7).u64(..));
        assert!(!endpoints.are_several() && endpoints.memory() == 0);
    }

    #[test]
    fn a_pass_without_backoff_tries_each_once_and_later_ones_leave_none_out() {
        for seed in 0..100 {
            let mut endpoints = endpoints(5, seed);
            let mut first = BTreeSet::from([host(&endpoints)]);
            for _ in 1..5 {
                assert_eq!(fail(&mut endpoints), Next::AtOnce);
                assert!(endpoints.moves_on() && first.insert(host(&endpoints)));
            }
            for _ in 0..10 {
                let mut pass = BTreeSet::new();
                for _ in 0..5 {
                    let former = host(&endpoints);
                    assert_eq!(fail(&mut endpoints), Next::Later(Duration::ZERO));
                    assert!(!endpoints.moves_on() && host(&endpoints) != former);
                    pass.insert(host(&endpoints));
                }
                assert_eq!(pass, first);
            }
        }
    }

    #[test]
    fn every_order_is_drawn_about_as_often_as_any_other() {
        let mut orders = alloc::collections::BTreeMap::<Vec<String>, u32>::new();
        for seed in 0..6_000 {
            let mut endpoints = endpoints(3, seed);
            let mut order = alloc::vec![host(&endpoints)];
            while fail(&mut endpoints) == Next::AtOnce {
                order.push(host(&endpoints));
            }
            *orders.entry(order).or_default() += 1;
        }
        assert_eq!(orders.len(), 6);
        assert!(orders.values().all(|count| (850..1_150).contains(count)), "{orders:?}");
    }

    #[test]
    fn after_a_stable_connection_the_own_order_begins_anew_without_the_one_that_failed() {
        let mut endpoints = endpoints(3, 1);
        let own: Vec<String> = (0..3)
            .map(|_| {
                let current = host(&endpoints);
                fail(&mut endpoints);
                current
            })
            .collect();
        for (connected, next) in [(0, 1), (1, 0), (2, 0)] {
            endpoints.begin(NOW);
            for _ in 0..connected {
                fail(&mut endpoints);
            }
            assert_eq!(host(&endpoints), own[connected]);
            endpoints.proved();
            assert_eq!(fail(&mut endpoints), Next::AtOnce);
            assert_eq!(host(&endpoints), own[next], "after {connected}");
            // That one is among those that are tried again without backoff, and only once.
            let mut tried = BTreeSet::from([host(&endpoints)]);
            while fail(&mut endpoints) == Next::AtOnce {
                assert!(tried.insert(host(&endpoints)));
            }
            assert_eq!(tried.len(), 3);
        }
    }

    #[test]
    fn one_that_asked_for_a_pause_is_left_out_until_then_and_holds_up_no_other() {
        let minute = Duration::from_secs(60);
        let mut endpoints = endpoints(3, 1);
        let busy = host(&endpoints);
        assert_eq!(endpoints.move_on(minute, false, NOW), Next::AtOnce);
        for _ in 0..20 {
            assert!(fail(&mut endpoints) != Next::Nothing && host(&endpoints) != busy);
        }
        // Nor does the pause hold up the user, who gets another one.
        endpoints.begin(NOW);
        assert_ne!(host(&endpoints), busy);
        let mut later = BTreeSet::new();
        for _ in 0..6 {
            endpoints.move_on(Duration::ZERO, false, NOW + minute);
            later.insert(host(&endpoints));
        }
        assert!(later.contains(&busy));
    }

    #[test]
    fn where_all_ask_for_a_pause_the_one_with_the_shortest_comes_next() {
        let seconds = Duration::from_secs;
        let mut endpoints = endpoints(3, 1);
        endpoints.move_on(seconds(9), false, NOW);
        let shortest = host(&endpoints);
        endpoints.move_on(seconds(4), false, NOW);
        assert_eq!(endpoints.move_on(seconds(7), false, NOW), Next::Later(seconds(4)));
        assert_eq!(host(&endpoints), shortest);
    }

    #[test]
    fn those_that_are_refused_are_left_out_and_when_all_are_nothing_comes_next() {
        let mut endpoints = endpoints(2, 1);
        let refused = host(&endpoints);
        assert_eq!(endpoints.move_on(Duration::ZERO, true, NOW), Next::AtOnce);
        for _ in 0..5 {
            assert_eq!(fail(&mut endpoints), Next::Later(Duration::ZERO));
            assert_ne!(host(&endpoints), refused);
        }
        assert_eq!(endpoints.move_on(Duration::ZERO, true, NOW), Next::Nothing);
        endpoints.begin(NOW);
        assert_eq!(host(&endpoints), refused, "connecting anew forgets it");
    }
}
