//! Kept connections whose other end is gone without a word, neither an end nor a reset: behind a router that
//! has forgotten them, or a cable that was pulled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pushest_proto::api::Terminate;

use super::double::{Act, Asked, Double, done, event, query};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::patience::{PATIENCE, eventually};

/// How long a call may take, and the part of it in which a query must hear something over a kept connection.
const LIMIT: Duration = Duration::from_secs(6);
const PART: Duration = Duration::from_millis(1500);

/// A server whose connections can die.
struct Dying {
    server: Double,
    /// How many are dead, of the first ones.
    dead: Arc<AtomicUsize>,
}

impl Dying {
    fn start() -> Self {
        Self::start_slow(0)
    }

    /// Starts one that takes a while for each of its first requests.
    fn start_slow(slow: usize) -> Self {
        let dead = Arc::<AtomicUsize>::default();
        Self { server: Double::start(script(slow, dead.clone())), dead }
    }

    /// The same over TLS.
    fn start_tls() -> Self {
        let dead = Arc::<AtomicUsize>::default();
        Self { server: Double::start_tls(script(0, dead.clone())), dead }
    }

    /// Lets all connections die that there are.
    fn die(&self) {
        self.dead.store(self.server.connections(), Ordering::SeqCst);
    }
}

fn script(slow: usize, dead: Arc<AtomicUsize>) -> impl Fn(&Asked) -> Act + Send + Sync + 'static {
    move |asked| {
        if asked.number <= slow {
            thread::sleep(Duration::from_millis(100));
        }
        if asked.connection <= dead.load(Ordering::SeqCst) { Act::Silence } else { done() }
    }
}

pub fn a_query_over_a_kept_connection_that_died_is_asked_again_over_a_new_one<D: ApiDriver>() {
    asked_again::<D>(&Dying::start());
}

pub fn a_query_over_a_kept_connection_over_tls_that_died_is_asked_again<D: ApiDriver>() {
    asked_again::<D>(&Dying::start_tls());
}

fn asked_again<D: ApiDriver>(dying: &Dying) {
    let server = &dying.server;
    let api = server.api::<D>(ApiSettings::default().timeout(LIMIT).attempts(2));
    for round in 0..2 {
        api.call(event()).expect("published");
        dying.die();
        let begun = Instant::now();
        api.call(query()).expect("asked again");
        assert!((PART..LIMIT).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert_eq!((server.count(), server.connections()), (3 * (round + 1), round + 2));
        let asked = server.asked();
        let [first, second] = [&asked[3 * round + 1], &asked[3 * round + 2]];
        assert!(first.text.starts_with("GET ") && second.text.starts_with("GET "), "{asked:?}");
    }
    // What is dead is closed.
    eventually("the end of what died", || server.open() == 1);
}

pub fn connections_that_were_kept_beside_one_that_died_are_not_tried<D: ApiDriver>() {
    let dying = Dying::start_slow(8);
    let server = &dying.server;
    let api = server.api::<D>(ApiSettings::default().timeout(LIMIT));
    let outcomes = api.publish_all(vec![event(); 8]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    dying.die();
    let dead = server.connections();
    let begun = Instant::now();
    api.call(query()).expect("asked again");
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    // What publishes could not be repeated: it must not meet another dead one.
    api.call(event()).expect("published");
    assert_eq!((server.count(), server.connections()), (11, dead + 1));
    eventually("the end of what died", || server.open() == 1);
}

pub fn what_publishes_over_a_connection_that_died_is_not_repeated_and_says_so<D: ApiDriver>() {
    for is_event in [true, false] {
        let dying = Dying::start();
        let server = &dying.server;
        let limit = Duration::from_secs(2);
        let api = server.api::<D>(ApiSettings::default().timeout(limit).attempts(10));
        api.call(event()).expect("published");
        dying.die();
        let begun = Instant::now();
        let outcome = match is_event {
            true => api.call(event()).map(drop),
            false => api.call(Terminate::user("42")),
        };
        let failure = outcome.expect_err("nobody answers");
        assert!((limit..PATIENCE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert_eq!((server.count(), server.connections()), (2, 1), "{failure:?}");
        assert!(failure.may_have_arrived && !failure.may_repeat, "{failure:?}");
        assert!(failure.text.contains("no answer from 127.0.0.1:"), "{failure:?}");
        api.call(event()).expect("published over a new one");
        assert_eq!((server.count(), server.connections()), (3, 2));
    }
}

pub fn a_query_that_is_not_to_be_repeated_has_its_whole_time<D: ApiDriver>() {
    let dying = Dying::start();
    let server = &dying.server;
    let limit = Duration::from_secs(2);
    let api = server.api::<D>(ApiSettings::default().timeout(limit).attempts(1));
    api.call(event()).expect("published");
    dying.die();
    let begun = Instant::now();
    let failure = api.call(query()).expect_err("nobody answers");
    assert!((limit..PATIENCE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(server.count(), 2);
    assert!(failure.text.contains("no answer from 127.0.0.1:"), "{failure:?}");
    assert!(!failure.may_have_arrived && failure.may_repeat, "{failure:?}");
}

pub fn a_query_whose_answer_has_begun_is_not_asked_again_however_slowly_it_comes<D: ApiDriver>() {
    let pieces = ["HTTP/1.1 200 -\r\nContent-Length: 15\r\n", "\r\n{\"chan", "nels\":{}}"];
    let slowly = Act::Slowly(pieces.map(str::to_owned).into(), PART + PART / 10);
    let server = Double::start(move |asked| match asked.number {
        2 => slowly.clone(),
        _ => done(),
    });
    let api = server.api::<D>(ApiSettings::default().timeout(LIMIT));
    api.call(event()).expect("published");
    api.call(query()).expect("answered in the end");
    assert_eq!((server.count(), server.connections()), (2, 1));
}
