//! Client events: their rate, whose fault an error is, and what becomes of the last ones.

use std::time::Duration;

use pushest_proto::{CommandError, Event, InReplyTo, ServerError};
use serde_json::json;

use super::driver::{Driver, DriverClient};
use super::patience::{Expect, PATIENCE, connected};
use super::{Remote, in_process};
use crate::{Profile, Server, Target};

const CHAT: &str = "private-chat";

fn next_error(client: &mut impl DriverClient) -> ServerError {
    client.wait_for(|event| match event {
        Event::ServerError(error) => Some(error.clone()),
        _ => None,
    })
}

pub fn an_error_4301_names_the_event_that_caused_it<D: Driver>() {
    // It speaks of no channel.
    let server = Server::builder()
        .profile(Profile::Hosted)
        .limits(|limits| limits.client_events_per_second = Some(2))
        .start()
        .expect("a server");
    let mut client = connected::<D>(Remote::of(&server).config());
    client.must_subscribe("private-other");
    client.must_subscribe(CHAT);
    client.trigger(CHAT, "client-one", &json!(1)).expect("sent");
    client.trigger(CHAT, "client-two", &json!(2)).expect("sent");
    client.must_flush();
    client.trigger(CHAT, "client-three", &json!(3)).expect("sent");
    let error = next_error(&mut client);
    assert_eq!(error.code, Some(4301));
    assert!(error.channel.as_ref().is_some_and(|channel| channel == CHAT), "{error:?}");
    assert_eq!(error.in_reply_to, Some(InReplyTo::ClientEvent { event: "client-three".into() }));
    assert!(error.inferred);
    assert_eq!(client.status().last_error, Some(error));

    // An error of another code is surfaced as it is.
    server.send_error(Target::All, Some(4999), "something else");
    let error = next_error(&mut client);
    assert_eq!(
        (error.code, &*error.message, error.in_reply_to),
        (Some(4999), "something else", None)
    );
    client.must_flush();
}

pub fn more_a_second_than_the_server_takes_are_refused_with_the_time_of_the_next<D: Driver>() {
    let (remote, _server) = in_process();
    let limited = remote.signing().client_events_per_second(Some(5)).build().expect("valid");
    let (mut ann, mut bob) = (connected::<D>(limited), connected::<D>(remote.config()));
    ann.must_subscribe(CHAT);
    bob.must_subscribe(CHAT);
    let mut number = 0;
    let refused = loop {
        match ann.trigger(CHAT, "client-number", &json!(number)) {
            Ok(()) => number += 1,
            Err(refused) => break refused,
        }
    };
    assert!(number >= 5, "{number}");
    let CommandError::RateLimited { limit: 5, retry_in } = refused else { panic!("{refused:?}") };
    assert!(retry_in <= Duration::from_secs(1), "{retry_in:?}");
    ann.sleep(retry_in + Duration::from_millis(10));
    ann.trigger(CHAT, "client-number", &json!(number)).expect("its time has come");
    ann.must_flush();
    for expected in 0..=number {
        assert_eq!(bob.next_text("client-number"), expected.to_string());
    }
}

pub fn what_was_triggered_before_a_disconnect_still_arrives<D: Driver>() {
    let (remote, _server) = in_process();
    let [mut ann, mut bob] = [(); 2].map(|()| connected::<D>(remote.config()));
    ann.must_subscribe(CHAT);
    bob.must_subscribe(CHAT);
    trigger_numbers(&mut ann);
    ann.shutdown(PATIENCE).expect("closed");
    expect_numbers(&mut bob);
}

pub fn what_was_triggered_before_the_client_was_dropped_still_arrives<D: Driver>() {
    let (remote, _server) = in_process();
    let [mut ann, mut bob] = [(); 2].map(|()| connected::<D>(remote.config()));
    ann.must_subscribe(CHAT);
    bob.must_subscribe(CHAT);
    trigger_numbers(&mut ann);
    drop(ann);
    expect_numbers(&mut bob);
}

fn trigger_numbers(client: &mut impl DriverClient) {
    for number in 0..100 {
        client.trigger(CHAT, "client-number", &json!(number)).expect("sent");
    }
}

fn expect_numbers(client: &mut impl DriverClient) {
    for number in 0..100 {
        assert_eq!(client.next_text("client-number"), number.to_string());
    }
}
