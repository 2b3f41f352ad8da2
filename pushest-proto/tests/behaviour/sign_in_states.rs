//! How far the sign-in is can be asked at any time, and not only be gathered from events.

use std::time::Duration;

use crate::harness::{Harness, asking, message};
use pushest_proto::{Authorization, AuthorizationError, RequestFailure, SignInState};
use serde_json::json;

const USER: &str = r#"{"id":"7"}"#;

fn sign_in(harness: &mut Harness) {
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
}

fn confirm(harness: &mut Harness) {
    let data = json!({"user_data": USER}).to_string();
    harness.receive(&message("pusher:signin_success", None, &data));
}

/// Gives the answer to the request for an authorization that was polled last.
fn answer(harness: &mut Harness, answer: Result<Authorization, AuthorizationError>) {
    let ticket = harness.requests().pop().expect("it asks").ticket;
    harness.session.handle_authorization(ticket, answer, harness.now);
}

fn granted() -> Authorization {
    Authorization::new("key:signature").user_data(USER)
}

#[test]
fn it_goes_from_waiting_over_authorizing_and_signing_in_to_signed_in() {
    let mut harness = Harness::new(asking());
    let state = |harness: &Harness| format!("{:?}", harness.session.sign_in_state());
    assert_eq!(state(&harness), "NotAsked");
    sign_in(&mut harness);
    assert_eq!(state(&harness), "Waiting");
    harness.connect_and_keep();
    assert_eq!(state(&harness), "Authorizing");
    answer(&mut harness, Ok(granted()));
    assert_eq!(state(&harness), "Authorizing", "the frame waits");
    harness.drain();
    assert_eq!(state(&harness), "SigningIn");
    confirm(&mut harness);
    assert_eq!(harness.session.sign_in_state(), SignInState::SignedIn { user_id: "7" });
    sign_in(&mut harness);
    assert_eq!(harness.session.sign_in_state(), SignInState::SignedIn { user_id: "7" });
    harness.close(4200);
    assert_eq!(state(&harness), "Waiting");
    harness.establish();
    assert_eq!(state(&harness), "Authorizing");
    harness.session.disconnect(harness.now);
    assert_eq!(state(&harness), "Waiting");
}

#[test]
fn a_pause_after_an_authorization_that_could_not_be_had_is_no_failure() {
    let mut harness = Harness::new(asking());
    sign_in(&mut harness);
    harness.connect_and_keep();
    answer(&mut harness, Err(AuthorizationError::unavailable(Some(503), "later")));
    harness.drain();
    assert_eq!(harness.session.sign_in_state(), SignInState::Waiting);
    harness.next_deadline();
    assert_eq!(harness.session.sign_in_state(), SignInState::Authorizing);
}

#[test]
fn what_the_authorizer_refused_stays_failed_until_the_user_asks_again() {
    let mut harness = Harness::new(asking());
    sign_in(&mut harness);
    harness.connect_and_keep();
    let denied = AuthorizationError::refused(Some(403), "no");
    answer(&mut harness, Err(denied.clone()));
    let reason = RequestFailure::AuthorizationRefused(denied);
    let failed = SignInState::Failed { reason: &reason };
    assert_eq!(harness.session.sign_in_state(), failed, "before it is polled");
    harness.drain();
    harness.close(4200);
    assert_eq!(harness.session.sign_in_state(), failed, "after a loss");
    harness.establish();
    confirm(&mut harness);
    assert_eq!(harness.session.sign_in_state(), failed, "on the next connection");
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    assert_eq!(harness.session.sign_in_state(), SignInState::Waiting);
    harness.drain();
    assert_eq!(harness.session.sign_in_state(), SignInState::Authorizing);
}

#[test]
fn any_other_failure_stays_until_the_next_connection_or_a_late_confirmation() {
    let unanswered = || {
        let mut harness = Harness::connected();
        sign_in(&mut harness);
        harness.pass(Duration::from_secs(11));
        let reason = &RequestFailure::NoAnswer;
        assert_eq!(harness.session.sign_in_state(), SignInState::Failed { reason });
        harness
    };
    let mut harness = unanswered();
    confirm(&mut harness);
    assert_eq!(harness.session.sign_in_state(), SignInState::SignedIn { user_id: "7" });

    let mut harness = unanswered();
    harness.close(4200);
    let is_failed =
        |harness: &Harness| matches!(harness.session.sign_in_state(), SignInState::Failed { .. });
    assert!(is_failed(&harness), "nothing new is known");
    harness.establish();
    assert_eq!(harness.session.sign_in_state(), SignInState::SigningIn);

    let mut harness = unanswered();
    harness.session.disconnect(harness.now);
    harness.drain();
    assert!(is_failed(&harness), "the user has not asked again");
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    assert_eq!(harness.session.sign_in_state(), SignInState::Waiting);
}
