//! Answers that come slowly, or without end: they cost neither more time than a call may take nor more memory
//! than an answer may have.

use std::time::{Duration, Instant};

use super::double::{Act, Double, answer, event, query};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::patience::PATIENCE;

const CHUNKED: &str = "HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A beginning of an answer, and what comes again and again behind it.
const WITHOUT_END: [(&str, &str); 5] = [
    ("HTTP/1.1 200 -\r\n", "X-More: of the head\r\n"),
    ("HTTP/1.1 200 -\r\nX-Long: ", "x"),
    ("", "HTTP/1.1 103 -\r\n\r\n"),
    ("HTTP/1.1 200 -\r\n\r\n", "x"),
    (CHUNKED, "1\r\nx\r\n"),
];

pub fn an_answer_that_drips_takes_no_longer_than_the_call_may<D: ApiDriver>() {
    let pause = Duration::from_millis(50);
    let drips = |(begin, more): (&str, &str)| Act::Endless(begin.into(), more.into(), pause);
    let drips = WITHOUT_END.map(drips);
    let count = drips.len();
    let server = Double::start(move |asked| drips[(asked.number - 1) % count].clone());
    let limit = Duration::from_secs(2);
    let api = server.api::<D>(ApiSettings::default().timeout(limit));
    let begun = Instant::now();
    let outcomes = api.publish_all(vec![event(); count]);
    assert!((limit..PATIENCE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    for outcome in outcomes {
        let failure = outcome.expect_err("it has no end");
        assert!(failure.text.contains("no answer from 127.0.0.1:"), "{failure:?}");
        assert!(failure.may_have_arrived && !failure.may_repeat, "{failure:?}");
    }
    assert_eq!(server.count(), count);
    let failure = api.call(query()).expect_err("it has no end");
    assert!(!failure.may_have_arrived, "{failure:?}");
}

pub fn an_answer_without_end_is_given_up_where_it_is_too_large<D: ApiDriver>() {
    for (begin, more) in WITHOUT_END {
        // So much at a time that it is not the time that ends it.
        let more = match begin {
            CHUNKED => format!("10000\r\n{}\r\n", "x".repeat(0x1_0000)),
            _ => more.repeat(0x1_0000),
        };
        let flood = Act::Endless(begin.into(), more, Duration::ZERO);
        let server = Double::start(move |_| flood.clone());
        let api = server.api::<D>(ApiSettings::default().attempts(1));
        let begun = Instant::now();
        let failure = api.call(event()).expect_err("it has no end");
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
        let is_body = begin.ends_with("\r\n\r\n");
        let words = if is_body { "larger than 16 MiB" } else { "larger than 64 KiB" };
        assert!(failure.text.contains(words), "{begin}: {failure:?}");
        assert!(failure.may_have_arrived && !failure.may_repeat, "{failure:?}");
    }
}

pub fn what_comes_before_an_answer_is_passed_over<D: ApiDriver>() {
    let Act::Answer(last) = answer(200, "", r#"{"channels":{}}"#) else {
        unreachable!("it is an answer")
    };
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 -\r\nLink: a\r\n\r\n";
    let whole = format!("{early}{last}");
    let server = Double::start(move |_| Act::Answer(whole.clone()));
    let api = server.api::<D>(ApiSettings::default().attempts(1));
    api.call(event()).expect("published");
    api.call(query()).expect("asked");
    assert_eq!((server.count(), server.connections()), (2, 1));
}
