//! The faults that the testkit's own server shows on purpose, as a driver tells them: how often a call is sent,
//! and whether it may have arrived.

use std::time::Duration;

use pushest_proto::api::{GetChannel, Publish};

use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::remote::Remote;
use crate::conformance::server;
use crate::{ApiFault, Server};

/// Keeps what was published last, so that it can be asked for.
const CHANNEL: &str = "cache-prices";

fn api<D: ApiDriver>(server: &Server, settings: ApiSettings) -> D::Api {
    let config = Remote::of(server).publishing().build().expect("valid");
    D::api(&config, settings).expect("a whole configuration")
}

fn event() -> Publish {
    Publish::new(CHANNEL, "price", r#"{"is":7}"#)
}

/// Returns how many requests came.
fn requests(server: &Server) -> u64 {
    server.inspect(|view| view.api_requests)
}

pub fn a_status_that_the_server_answers_on_purpose_is_told_with_whether_it_may_have_arrived<
    D: ApiDriver,
>() {
    for (status, headers, may_have_arrived, may_repeat) in [
        (401, &[][..], false, false),
        (413, &[], false, false),
        (500, &[], true, false),
        (503, &[], true, false),
        (503, &[("Retry-After", "60")], false, true),
    ] {
        let server = server();
        let api = api::<D>(&server, ApiSettings::default());
        server.fault_api(1, ApiFault::status(status, headers));
        let failure = api.call(event()).expect_err("the fault");
        assert_eq!((failure.status, requests(&server)), (Some(status), 1), "{failure:?}");
        let told = (failure.may_have_arrived, failure.may_repeat);
        assert_eq!(told, (may_have_arrived, may_repeat), "{failure:?}");
        let pause = (!headers.is_empty()).then_some(Duration::from_secs(60));
        assert_eq!(failure.retry_after, pause, "{failure:?}");
        api.call(event()).expect("the fault is over");
    }
}

pub fn a_server_that_asks_for_a_pause_on_purpose_is_asked_again_as_often_as_it_does<
    D: ApiDriver,
>() {
    let (server, soon) = (server(), ApiFault::status(503, &[("Retry-After", "0")]));
    let api = api::<D>(&server, ApiSettings::default());
    server.fault_api(2, soon.clone());
    api.call(event()).expect("published in the end");
    assert_eq!(requests(&server), 3);
    server.fault_api(usize::MAX, soon);
    let failure = api.call(event()).expect_err("it stays refused");
    assert_eq!(requests(&server), 3 + 4, "{failure:?}");
    assert!(!failure.may_have_arrived && failure.may_repeat, "{failure:?}");
    server.heal_api();
    api.call(event()).expect("published");
}

pub fn a_request_that_gets_no_answer_on_purpose_is_sent_once_and_may_have_arrived<D: ApiDriver>() {
    // Whether it has is what no client can tell, and what a test of a program can.
    for (fault, is_carried_out) in
        [(ApiFault::Ignore, false), (ApiFault::Cut, false), (ApiFault::LoseAnswer, true)]
    {
        let server = server();
        let api = api::<D>(&server, ApiSettings::default().timeout(Duration::from_secs(2)));
        server.fault_api(1, fault.clone());
        let failure = api.call(event()).expect_err("no answer");
        assert_eq!((failure.status, requests(&server)), (None, 1), "{fault:?}: {failure:?}");
        assert!(failure.may_have_arrived && !failure.may_repeat, "{fault:?}: {failure:?}");
        let asked = api.call(GetChannel::new(CHANNEL).with_cache()).expect("the fault is over");
        assert_eq!(asked.cache.is_some(), is_carried_out, "{fault:?}");
    }
}

pub fn a_query_that_is_cut_on_purpose_is_asked_again<D: ApiDriver>() {
    let server = server();
    let api = api::<D>(&server, ApiSettings::default());
    server.fault_api(1, ApiFault::Cut);
    api.call(GetChannel::new(CHANNEL)).expect("asked again");
    assert_eq!(requests(&server), 2);
}
