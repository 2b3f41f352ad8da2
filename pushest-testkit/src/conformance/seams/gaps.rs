//! What a gap says: no event that is missing after a loss was sent before it began.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pushest_proto::{AuthorizationError, Event, Timeouts};

use super::super::driver::{Authorizing, Driver, DriverClient, Overflow, Settings};
use super::super::patience::{Expect, connected, started_with};
use super::super::{Remote, Scheme, in_process};
use crate::{Server, Target};

const CHANNEL: &str = "news";

/// How long something lasts, so that what was missed can be told from what was not.
const MOMENT: Duration = Duration::from_millis(60);

/// Clocks are read one after the other, and the time of the day is told in milliseconds.
const SLACK: Duration = Duration::from_millis(10);

/// Publishes events that are numbered, and knows when each of them was.
struct Publisher {
    server: Server,
    sent: Mutex<Vec<PublishedAt>>,
}

#[derive(Debug, Clone, Copy)]
struct PublishedAt {
    at: Instant,
    since_1970: Duration,
}

impl Publisher {
    fn new(server: Server) -> Self {
        Self { server, sent: Mutex::default() }
    }

    /// Publishes the next number, and as much beside it.
    fn publish(&self, padding: usize) {
        let mut sent = self.sent.lock().expect("nobody panics");
        let number = sent.len();
        sent.push(PublishedAt { at: Instant::now(), since_1970: since_1970() });
        self.server.publish(CHANNEL, "number", &format!("{number} {}", "x".repeat(padding)));
    }

    /// Publishes numbers for some time, and does something between two of them.
    fn publish_for(&self, time: Duration, mut between: impl FnMut(Duration)) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.publish(0);
            between(Duration::from_millis(5));
        }
        self.publish(0);
    }

    /// Receives until all is well again, and checks the gap on the way: what is missing was sent in
    /// it. It was told after `let_go`, and does not begin before `earliest`.
    fn check_gap(&self, client: &mut impl DriverClient, let_go: Instant, earliest: Duration) {
        let mut received = BTreeSet::new();
        let (silent_for, since) = client.wait_for(|event| match event {
            Event::Gap { channel, silent_for, since, .. } if channel == CHANNEL => {
                Some((*silent_for, since.expect("a client knows the time of the day")))
            }
            event => {
                received.extend(number(event));
                None
            }
        });
        self.publish(0);
        let sent = self.sent.lock().expect("nobody panics").clone();
        client.wait_for(|event| {
            let number = number(event);
            received.extend(number);
            (number == Some(sent.len() - 1)).then_some(())
        });
        let missing: Vec<usize> =
            (0..sent.len()).filter(|number| !received.contains(number)).collect();
        let [first, ..] = missing[..] else { panic!("nothing was missed") };
        for number in missing {
            let late = since.saturating_sub(sent[number].since_1970);
            assert_eq!(late, Duration::ZERO, "{number} of {} was sent before the gap", sent.len());
        }
        let missed = let_go.saturating_duration_since(sent[first].at);
        assert!(silent_for >= missed, "{silent_for:?} for {missed:?}");
        assert!(since + SLACK >= earliest, "it begins {:?} too early", earliest - since);
    }
}

fn number(event: &Event) -> Option<usize> {
    match event {
        Event::Channel(event) if event.name() == "number" => {
            Some(event.text().split(' ').next()?.parse().expect("a number"))
        }
        _ => None,
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is right")
}

/// A receiver that is slow costs no knowledge of when the server went: while the client waits for
/// it, nothing is read.
fn waiting_client<D: Driver>(scheme: Scheme, events: usize, bytes: usize) {
    let (remote, server) = scheme.in_process();
    let publisher = Publisher::new(server);
    let settings = remote.settings().queue_events(10).overflow(Overflow::Wait);
    let earliest = since_1970();
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe(CHANNEL);
    for _ in 0..events {
        publisher.publish(bytes);
    }
    client.sleep(MOMENT);
    publisher.server.close(Target::All, 4200, "too slow");
    // Whether the client is let do something meanwhile makes no difference: it must not read.
    publisher.publish_for(5 * MOMENT, |time| client.sleep(time));
    publisher.publish_for(MOMENT, std::thread::sleep);
    publisher.check_gap(&mut client, Instant::now(), earliest);
}

pub fn what_was_sent_while_a_receiver_was_slow_and_the_connection_gone_lies_in_the_gap<
    D: Driver,
>(
    scheme: Scheme,
) {
    waiting_client::<D>(scheme, 100, 0);
}

/// The server's end is full, too: what comes after the client's has been read empty is old.
pub fn what_a_server_could_not_send_to_a_slow_receiver_is_not_taken_for_new<D: Driver>(
    scheme: Scheme,
) {
    for bytes in [500, 5_000, 50_000] {
        waiting_client::<D>(scheme, 14_000_000 / bytes, bytes);
    }
}

/// Whatever runs the client does something else meanwhile: here, its own authorizer.
fn blocked_client<D: Driver>(scheme: Scheme, events: usize, bytes: usize) {
    let (remote, server) = scheme.in_process();
    let publisher = Arc::new(Publisher::new(server));
    let let_go = Arc::<Mutex<Option<Instant>>>::default();
    let (published, went) = (publisher.clone(), let_go.clone());
    let authorizer = move |_| {
        let (publisher, let_go) = (published.clone(), went.clone());
        let blocking: Authorizing = Box::pin(async move {
            let mut let_go = let_go.lock().expect("nobody panics");
            if let_go.is_none() {
                for _ in 0..events {
                    publisher.publish(bytes);
                }
                publisher.server.close(Target::All, 4200, "restart");
                publisher.publish_for(MOMENT, std::thread::sleep);
                *let_go = Some(Instant::now());
            }
            Err(AuthorizationError::refused(None, "no"))
        });
        blocking
    };
    let settings =
        remote.settings().authorizer(Some(Arc::new(authorizer))).queue_bytes(64 * 1024 * 1024);
    let earliest = since_1970();
    let mut client = started_with::<D>(remote.builder().build().expect("valid"), settings);
    client.must_subscribe(CHANNEL);
    client.must_flush();
    client.want("private-orders");
    client.until("the thread to be free", |_| let_go.try_lock().is_ok_and(|time| time.is_some()));
    let let_go = let_go.lock().expect("nobody panics").expect("it was blocked");
    publisher.check_gap(&mut client, let_go, earliest);
}

pub fn what_was_sent_while_the_clients_thread_was_blocked_lies_in_the_gap<D: Driver>(
    scheme: Scheme,
) {
    for (events, bytes) in [(1, 0), (20, 10), (1_000, 1_000), (280, 50_000)] {
        blocked_client::<D>(scheme, events, bytes);
    }
}

/// A client without a thread of its own does nothing between two calls; others go on.
pub fn what_was_sent_between_two_calls_lies_in_the_gap<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let publisher = Publisher::new(server);
    let earliest = since_1970();
    let mut client = started_with::<D>(remote.config(), remote.settings());
    client.must_subscribe(CHANNEL);
    publisher.publish_for(MOMENT / 2, std::thread::sleep);
    publisher.server.close(Target::All, 4200, "restart");
    let closed = Instant::now();
    publisher.publish_for(2 * MOMENT, std::thread::sleep);
    publisher.check_gap(&mut client, closed, earliest);
}

/// For which a server may be silent, and then a pong take.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Nothing ends the connection, and an empty socket is no sign of life.
pub fn what_was_sent_into_a_path_that_went_dark_lies_in_the_gap<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let publisher = Publisher::new(server);
    let timeouts = Timeouts::default().activity(TIMEOUT).pong(TIMEOUT);
    let config = remote.signing().timeouts(timeouts).build().expect("valid");
    let earliest = since_1970();
    let mut client = started_with::<D>(config, remote.settings());
    client.must_subscribe(CHANNEL);
    publisher.publish_for(MOMENT, |time| client.sleep(time));
    publisher.server.stop_answering(Target::All);
    let upgrades = publisher.server.inspect(|view| view.upgrades);
    let dark = Instant::now();
    publisher.publish_for(MOMENT, |time| client.sleep(time));
    client.until("another attempt", |_| {
        publisher.publish(0);
        publisher.server.inspect(|view| view.upgrades) > upgrades
    });
    let noticed = dark + TIMEOUT;
    assert!(Instant::now() >= noticed);
    publisher.check_gap(&mut client, noticed, earliest);
}

/// A message takes its time to come, others wait behind it, and then the connection is gone.
pub fn what_waits_behind_a_message_on_its_way_lies_in_the_gap<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let mut client = started_with::<D>(remote.config(), remote.settings());
    client.must_subscribe(CHANNEL);
    for piece in [1_000, 10_000] {
        client.must_flush();
        let text = format!(
            r#"{{"event":"large","channel":"{CHANNEL}","data":"{}"}}"#,
            "x".repeat(20 * piece)
        );
        let begun = since_1970();
        let head = [&[0x81, 127][..], &(text.len() as u64).to_be_bytes()].concat();
        for bytes in [&head, text.as_bytes()].concat().chunks(piece) {
            server.send_bytes(Target::All, bytes);
            client.sleep(Duration::from_millis(5));
        }
        server.drop_connections(Target::All);
        assert_eq!(client.next_of(CHANNEL).name(), "large");
        let since = client.wait_for(|event| match event {
            Event::Gap { since, .. } => *since,
            _ => None,
        });
        assert!(since <= begun, "it begins {:?} late", since - begun);
    }
}

/// What a client has certainly read is not asked for again.
pub fn a_gap_is_no_longer_than_a_round_trip_beyond_what_may_be_missing<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let mut client = started_with::<D>(remote.config(), remote.settings());
    client.must_connect();
    let mut longest = Duration::ZERO;
    let mut timed = |step: &dyn Fn(&mut D::Client), client: &mut D::Client| {
        let (begun, time) = (Instant::now(), since_1970());
        step(client);
        longest = longest.max(begun.elapsed());
        (time, longest)
    };
    let flush = |client: &mut D::Client| {
        client.must_flush();
    };
    timed(&|client| client.must_subscribe(CHANNEL), &mut client);
    for _ in 0..5 {
        client.sleep(MOMENT);
        timed(&flush, &mut client);
    }
    // What this one's pong is read with is known to be read once the next message comes.
    let (time, _) = timed(&flush, &mut client);
    let (_, longest) = timed(&flush, &mut client);
    server.drop_connections(Target::All);
    let since = client.wait_for(|event| match event {
        Event::Gap { since, .. } => *since,
        _ => None,
    });
    let early = time.saturating_sub(since + longest + SLACK);
    assert_eq!(early, Duration::ZERO, "{longest:?} for a round trip");
}

/// The clients' own clock stands still while a machine is suspended; the time of the day does not.
pub fn a_machine_that_was_suspended_asks_for_a_sign_of_life_and_the_gap_has_that_time<D: Driver>() {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let server = Server::builder().record(true).start().expect("a server");
    let remote = Remote::of(&server);
    let ahead = Arc::new(AtomicU64::new(0));
    let seconds = ahead.clone();
    let time_of_day =
        move || SystemTime::now() + Duration::from_secs(seconds.load(Ordering::SeqCst));
    let settings = Settings::default().time_of_day(Some(Arc::new(time_of_day)));
    let timeouts = Timeouts::default().pong(Duration::from_millis(300));
    let config = remote.signing().timeouts(timeouts).build().expect("valid");
    let pings = || server.received().iter().filter(|text| text.contains("pusher:ping")).count();
    let mut client = started_with::<D>(config, settings);
    client.must_subscribe(CHANNEL);
    client.must_flush();
    assert_eq!(pings(), 1);

    let (begun, went_to_sleep) = (Instant::now(), since_1970());
    server.stop_answering(Target::All);
    ahead.store(HOUR.as_secs(), Ordering::SeqCst);
    // It is awake again, and does whatever it does next.
    client.connect();
    client.until("a ping", |_| pings() > 1);
    let (silent_for, since) = client.wait_for(|event| match event {
        Event::Gap { silent_for, since, .. } => Some((*silent_for, since.expect("it is known"))),
        _ => None,
    });
    let most = HOUR + begun.elapsed() + MOMENT * 100;
    assert!((HOUR..most).contains(&silent_for), "{silent_for:?}");
    assert!(since <= went_to_sleep, "it begins {:?} late", since - went_to_sleep);

    // A clock that is set back says nothing of the kind.
    let before = pings();
    ahead.store(0, Ordering::SeqCst);
    client.connect();
    client.must_flush();
    assert_eq!(pings(), before + 1, "nothing but the flush");
    assert_eq!(client.statistics().reconnects, 1);
}

/// The time of the day is told with every gap, also of a client that nothing was said to about it.
pub fn a_gap_begins_at_a_time_of_the_day<D: Driver>() {
    let (remote, server) = in_process();
    let begun = since_1970();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe(CHANNEL);
    server.drop_connections(Target::All);
    let (silent_for, since) = client.wait_for(|event| match event {
        Event::Gap { silent_for, since, .. } => Some((*silent_for, since.expect("it is known"))),
        _ => None,
    });
    assert!((begun..since_1970()).contains(&(since + SLACK)), "{since:?}");
    assert!(since + silent_for <= since_1970() + SLACK, "{silent_for:?}");
}
