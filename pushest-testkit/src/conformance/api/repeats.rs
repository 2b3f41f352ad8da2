//! What is sent again by itself, and what never is ([protocol, HTTP
//! API](pushest_proto::protocol#http-api)).

use std::time::{Duration, Instant};

use pushest_proto::api::{Batch, Custom, GetChannel, ListUsers, Terminate};

use super::double::{Act, Asked, Double, answer, done, event, query};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiFailure, ApiSettings};
use crate::conformance::patience::PATIENCE;

/// Does this to the first request, and answers all others.
fn first(act: Act) -> impl Fn(&Asked) -> Act + Send + Sync + 'static {
    move |asked| if asked.number == 1 { act.clone() } else { done() }
}

/// What may become of a request of which the server may have read all.
fn half_way() -> Vec<(&'static str, Act)> {
    let cut = |text: &str| Act::Last(text.to_owned());
    vec![
        ("closed without a word", Act::Close),
        ("reset", Act::Reset),
        ("cut in the status line", cut("HTTP/1.1 2")),
        ("cut in the head", cut("HTTP/1.1 200 OK\r\nContent-Le")),
        ("cut in the body", cut("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"chann")),
        ("cut in a chunk", cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}")),
    ]
}

pub fn a_query_whose_answer_was_lost_is_asked_again<D: ApiDriver>() {
    for (how, act) in half_way() {
        let server = Double::start(first(act));
        let api = server.api::<D>(ApiSettings::default());
        if let Err(failure) = api.call(query()) {
            panic!("{how}: {failure:?}");
        }
        assert_eq!((server.count(), server.connections()), (2, 2), "{how}");
        let asked = server.asked();
        assert!(asked[0].text.starts_with("GET /apps/7/channels?"), "{asked:?}");
    }
}

pub fn a_query_is_asked_again_after_what_passes_and_not_after_what_stays<D: ApiDriver>() {
    for status in [408, 429, 500, 502, 503, 504, 599] {
        let server = Double::start(first(answer(status, "", "later")));
        server.api::<D>(ApiSettings::default()).call(query()).expect("answered the second time");
        assert_eq!(server.count(), 2, "{status}");
    }
    for status in [301, 400, 401, 403, 404, 413, 418] {
        let server = Double::start(move |_| answer(status, "", "no"));
        let api = server.api::<D>(ApiSettings::default());
        let failure = api.call(query()).expect_err("it stays refused");
        assert_eq!((server.count(), failure.status), (1, Some(status)), "{failure:?}");
        assert!(!failure.may_have_arrived && !failure.may_repeat, "{failure:?}");
    }
}

pub fn no_failure_publishes_twice<D: ApiDriver>() {
    let mut all = half_way();
    let last = |text: &str| Act::Last(text.to_owned());
    all.extend([
        ("no HTTP", last("SSH-2.0-OpenSSH_9.6\r\n")),
        ("no answer at all", Act::Silence),
        ("the protocol changed", last("HTTP/1.1 101 -\r\n\r\n")),
        ("a web page", answer(200, "Content-Type: text/html\r\n", "<html>Welcome</html>")),
        ("nothing", answer(200, "", "")),
        ("no JSON", answer(200, "", "ok")),
        ("no object", answer(200, "", "7")),
        ("compressed", answer(200, "Content-Encoding: gzip\r\n", "\u{1f}\u{8b}")),
        ("408", answer(408, "", "")),
        ("500", answer(500, "", "oops")),
        ("502", answer(502, "", "<html>bad gateway</html>")),
        ("503 without Retry-After", answer(503, "", "full")),
        ("504", answer(504, "", "timeout")),
        ("500 with Retry-After", answer(500, "Retry-After: 0\r\n", "oops")),
        ("502 with the code of another", answer(502, "", r#"{"code":429}"#)),
    ]);
    for (how, act) in all {
        let server = Double::start(first(act));
        let settings = ApiSettings::default().timeout(Duration::from_secs(2));
        let api = server.api::<D>(settings.attempts(10));
        let failure = api.call(event()).expect_err(how);
        assert_eq!(server.count(), 1, "{how}: {failure:?}");
        assert!(failure.may_have_arrived && !failure.may_repeat, "{how}: {failure:?}");
        assert!(
            failure.text.ends_with("; the call may have been carried out"),
            "{how}: {failure:?}"
        );
        // The next one is none the worse for it.
        api.call(event()).expect(how);
        assert_eq!(server.count(), 2, "{how}");
    }
}

pub fn whatever_changes_something_is_not_sent_twice_and_whatever_asks_is<D: ApiDriver>() {
    let outcomes = |api: &D::Api, number: usize| -> Result<(), ApiFailure> {
        match number {
            0 => api.call(event()).map(drop),
            1 => api.call(Batch::new([event(), event()])).map(drop),
            2 => api.call(Terminate::user("42")),
            3 => api.call(Custom::post("/events", "{}")).map(drop),
            4 => api.call(query()).map(drop),
            5 => api.call(GetChannel::new("orders")).map(drop),
            6 => api.call(ListUsers::new("presence-room")).map(drop),
            _ => api.call(Custom::get("/channels/orders/history")).map(drop),
        }
    };
    for number in 0..8 {
        let whole = r#"{"channels":{},"occupied":true,"users":[]}"#;
        let server = Double::start(move |asked| match asked.number {
            1 => Act::Close,
            _ => answer(200, "", whole),
        });
        let outcome = outcomes(&server.api::<D>(ApiSettings::default()), number);
        let (count, arrived) = match &outcome {
            Ok(()) => (2, false),
            Err(failure) => (1, failure.may_have_arrived),
        };
        assert_eq!((server.count(), outcome.is_err(), arrived), (count, number < 4, number < 4));
    }
}

pub fn what_the_server_says_it_has_not_done_is_sent_again_and_signed_anew<D: ApiDriver>() {
    for (status, headers) in [(429, ""), (429, "Retry-After: 0\r\n"), (503, "Retry-After: 0\r\n")] {
        let server = Double::start(move |asked| match asked.number {
            1 | 2 => answer(status, headers, "not now"),
            _ => done(),
        });
        let api = server.api::<D>(ApiSettings::default());
        api.call(event()).expect("published in the end");
        api.call(event()).expect("published");
        assert_eq!((server.count(), server.connections()), (4, 1), "{status} {headers}");
    }
    // As often as was said, and no more often.
    for attempts in [1, 2, 3] {
        let server = Double::start(|_| answer(429, "", "not now"));
        let api = server.api::<D>(ApiSettings::default().attempts(attempts));
        let failure = api.call(event()).expect_err("it stays refused");
        assert_eq!(server.count(), usize::try_from(attempts).expect("a few"));
        assert!(!failure.may_have_arrived && failure.may_repeat, "{failure:?}");
    }
}

pub fn a_pause_that_the_server_asks_for_is_kept_and_none_beyond_the_calls_time_begun<
    D: ApiDriver,
>() {
    let pause = Duration::from_secs(1);
    let server = Double::start(first(answer(503, "Retry-After: 1\r\n", "deploying")));
    let begun = Instant::now();
    server.api::<D>(ApiSettings::default()).call(event()).expect("published in the end");
    assert!(begun.elapsed() >= pause, "{:?}", begun.elapsed());
    assert_eq!(server.count(), 2);

    let huge = "99999999999999999999999";
    let late = "Fri, 31 Dec 9999 23:59:59 GMT";
    for (status, call, pause) in [
        (503, "event", "60"),
        (503, "query", "60"),
        (429, "event", huge),
        (503, "query", huge),
        (503, "event", late),
        (429, "query", late),
    ] {
        let header = format!("Retry-After: {pause}\r\n");
        let server = Double::start(move |_| answer(status, &header, "deploying"));
        let api = server.api::<D>(ApiSettings::default());
        let begun = Instant::now();
        let failure = match call {
            "event" => api.call(event()).expect_err("it is refused"),
            _ => api.call(query()).expect_err("it is refused"),
        };
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
        assert_eq!(server.count(), 1);
        let asked = failure.retry_after.expect("a pause");
        assert_eq!(asked == Duration::from_secs(60), pause == "60", "{failure:?}");
        assert!(asked >= Duration::from_secs(60), "{failure:?}");
        assert!(!failure.may_have_arrived && failure.may_repeat, "{failure:?}");
    }
}

pub fn a_call_in_its_pause_leaves_its_turn_to_others<D: ApiDriver>() {
    let server = Double::start(|asked| match asked.number {
        1 => answer(503, "Retry-After: 1\r\n", "not this one"),
        _ => done(),
    });
    let api = server.api::<D>(ApiSettings::default().in_flight(1));
    let begun = Instant::now();
    let outcomes = api.publish_all(vec![event(); 5]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(server.count(), 6);
}
