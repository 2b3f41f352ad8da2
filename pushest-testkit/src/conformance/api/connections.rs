//! Connections: kept, looked at before they are used, and bounded in number.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::double::{Act, Double, answer, done, event, query};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::patience::{PATIENCE, eventually};

pub fn calls_go_over_one_connection_for_as_long_as_the_server_keeps_it<D: ApiDriver>() {
    let server = Double::start(|_| done());
    let api = server.api::<D>(ApiSettings::default());
    for _ in 0..20 {
        api.call(event()).expect("published");
        api.call(query()).expect("asked");
    }
    assert_eq!((server.count(), server.connections()), (40, 1));
    let asked = &server.asked()[0];
    let host = format!("\r\nHost: {}\r\n", server.address());
    assert!(asked.text.starts_with("POST /apps/7/events?auth_key=app-key&"), "{asked:?}");
    assert!(asked.text.contains(&host), "{asked:?}");
    assert!(
        asked.text.ends_with(r#"{"name":"shipped","data":"{\"id\":7}","channels":["orders"]}"#)
    );
}

pub fn a_kept_connection_that_the_server_has_closed_is_replaced_before_anything_is_sent<
    D: ApiDriver,
>() {
    let server = Double::start(|_| done());
    // Nothing is sent again, so that only a look at the connection can help.
    let api = server.api::<D>(ApiSettings::default().attempts(1));
    for round in 1..=10 {
        api.call(event()).expect("published");
        assert_eq!((server.count(), server.connections()), (round, round));
        server.close_connections();
    }
    api.call(query()).expect("asked");
    assert_eq!(server.count(), 11);
}

pub fn several_kept_connections_that_were_closed_cost_no_call<D: ApiDriver>() {
    let server = Double::start(|asked| {
        // So long that the others need connections of their own.
        if asked.number <= 8 {
            thread::sleep(Duration::from_millis(100));
        }
        done()
    });
    let api = server.api::<D>(ApiSettings::default().attempts(1));
    let outcomes = api.publish_all(vec![event(); 8]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    server.close_connections();
    let outcomes = api.publish_all(vec![event(); 8]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(server.count(), 16);
}

pub fn a_server_that_has_said_something_unasked_is_not_taken_at_its_word<D: ApiDriver>() {
    // Two answers to one request: the second one must not be that to the next.
    let Act::Answer(twice) = answer(200, "", "{}") else { unreachable!("it is an answer") };
    let late = Act::Answer(twice.clone() + &twice.replace("200", "500"));
    let server = Double::start(move |asked| if asked.number == 1 { late.clone() } else { done() });
    let api = server.api::<D>(ApiSettings::default().attempts(1));
    api.call(event()).expect("published");
    api.call(event()).expect("published");
    assert_eq!((server.count(), server.connections()), (2, 2));
}

pub fn a_server_that_keeps_no_connection_is_asked_over_a_new_one<D: ApiDriver>() {
    for headers in ["Connection: close\r\n", "Keep-Alive: timeout=1\r\n"] {
        let server = Double::start(move |_| answer(200, headers, r#"{"channels":{}}"#));
        let api = server.api::<D>(ApiSettings::default().attempts(1));
        api.call(event()).expect("published");
        api.call(query()).expect("asked");
        assert_eq!((server.count(), server.connections()), (2, 2), "{headers}");
    }
    let server = Double::start(|_| done());
    let api = server.api::<D>(ApiSettings::default().keep_alive(Duration::ZERO));
    api.call(event()).expect("published");
    api.call(event()).expect("published");
    assert_eq!(server.connections(), 2);
}

pub fn no_more_calls_are_in_flight_than_may_be_and_all_have_their_turn<D: ApiDriver>() {
    let server = Double::start(|_| {
        thread::sleep(Duration::from_millis(20));
        done()
    });
    let api = server.api::<D>(ApiSettings::default().in_flight(3));
    let outcomes = api.publish_all(vec![event(); 30]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!((server.count(), server.connections(), server.most_under_way()), (30, 3, 3));
}

pub fn a_call_waits_for_its_turn_and_for_an_answer_no_longer_than_it_may<D: ApiDriver>() {
    let server = Double::start(|_| Act::Silence);
    let limit = Duration::from_millis(300);
    let api = server.api::<D>(ApiSettings::default().in_flight(1).timeout(limit));
    let begun = Instant::now();
    let outcomes = api.publish_all(vec![event(); 20]);
    assert!((limit..PATIENCE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    let failures = outcomes.into_iter().map(|outcome| outcome.expect_err("nobody answers"));
    let (sent, waited): (Vec<_>, Vec<_>) = failures.partition(|failure| failure.may_have_arrived);
    // When the time of the first one is over, another one may have a moment left for its turn.
    assert!(!sent.is_empty() && server.count() <= sent.len(), "{sent:?}");
    for failure in sent {
        assert!(failure.text.contains("no answer from 127.0.0.1:"), "{failure:?}");
    }
    for failure in waited {
        assert!(failure.text.contains("within 300ms") && failure.may_repeat, "{failure:?}");
    }
    let failure = api.call(query()).expect_err("nobody answers");
    assert!(!failure.may_have_arrived && failure.may_repeat, "{failure:?}");
}

pub fn a_dead_address_of_two_and_a_server_that_starts_late_keep_nothing_from_arriving<
    D: ApiDriver,
>() {
    let server = Double::start(|_| done());
    // Of a block that is for documentation: it answers nothing, or says so.
    let dead = "192.0.2.1:9".parse().expect("an address");
    let settings = ApiSettings::default().addresses(vec![dead, server.address()]);
    server.api::<D>(settings).call(event()).expect("published");

    let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = port.local_addr().expect("it is bound");
    drop(port);
    let (started, starts) = mpsc::channel();
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(60));
        let listener = TcpListener::bind(address).expect("the port is free still");
        let server = Double::on(listener, |_| done());
        starts.recv().expect("the test ends it");
        server.count()
    });
    let api = D::api(&super::double::config(address), ApiSettings::default().attempts(8));
    api.expect("a whole configuration").call(event()).expect("published");
    started.send(()).expect("it waits");
    assert_eq!(late.join().expect("it does not panic"), 1);
}

pub fn where_nobody_listens_nothing_can_have_arrived<D: ApiDriver>() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = port.local_addr().expect("it is bound");
    drop(port);
    let api = D::api(&super::double::config(address), ApiSettings::default().attempts(2));
    let failure = api.expect("a whole configuration").call(event()).expect_err("nobody listens");
    assert!(!failure.may_have_arrived && failure.may_repeat, "{failure:?}");
    assert!(failure.text.contains(&format!("no connection to {address}: ")), "{failure:?}");
}

pub fn an_api_that_is_dropped_leaves_no_connection<D: ApiDriver>() {
    let server = Double::start(|_| done());
    let api = server.api::<D>(ApiSettings::default());
    api.call(event()).expect("published");
    drop(api);
    eventually("the connection's end", || server.open() == 0);
}
