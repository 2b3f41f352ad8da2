//! Calls that are given up half-way.

use pushest_proto::api::Publish;

use super::double::{Act, Double, done, event};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiFutures, ApiSettings};
use crate::conformance::patience::eventually;

pub fn a_call_that_is_given_up_takes_its_connection_along_and_harms_no_other<D: ApiDriver>()
where
    D::Api: ApiFutures,
{
    let server = Double::start(|asked| match asked.text.contains("slow") {
        true => Act::Silence,
        false => done(),
    });
    let api = server.api::<D>(ApiSettings::default().in_flight(1).attempts(1));
    api.call(event()).expect("published");
    for round in 1..=5 {
        let slow = Publish::new("orders", "slow", "{}");
        assert_eq!(api.give_up(slow, || server.count() == 2 * round), None);
        api.call(event()).expect("its place and its answer are its own");
        assert_eq!(server.count(), 2 * round + 1);
    }
    // What was given up is not sent again, and holds nothing open.
    eventually("the end of what was given up", || server.open() == 1);
    assert_eq!(server.count(), 11);
}

pub fn a_call_that_is_given_up_while_it_waits_for_its_turn_was_never_sent<D: ApiDriver>()
where
    D::Api: ApiFutures,
{
    let server = Double::start(|_| done());
    let api = server.api::<D>(ApiSettings::default().in_flight(1));
    for _ in 0..5 {
        // Before anything has happened.
        assert_eq!(api.give_up(event(), || true), None);
    }
    let outcomes = api.publish_all(vec![event(); 10]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(server.count(), 10);
}
