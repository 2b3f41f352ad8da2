//! Authorizations by an endpoint that has the secret.

use std::time::Duration;

use crate::harness::{Harness, asking, established, subscribe_frame};
use pushest_proto::{
    Authorization, AuthorizationError, ChannelState, Event, RequestFailure, SubscribeOptions,
    Ticket,
};

fn connected() -> Harness {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness
}

fn granted() -> Authorization {
    Authorization::new("key:signature")
}

fn answer(
    harness: &mut Harness,
    ticket: Ticket,
    answer: Result<Authorization, AuthorizationError>,
) {
    harness.session.handle_authorization(ticket, answer, harness.now);
    harness.drain();
}

fn state(harness: &Harness, channel: &str) -> ChannelState {
    harness.session.channel(channel).unwrap().state()
}

#[test]
fn a_private_channel_is_asked_for_and_subscribed_with_the_answer() {
    let mut harness = connected();
    harness.subscribe("private-x");
    let requests = harness.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].subject.channel().unwrap().as_str(), "private-x");
    assert_eq!(requests[0].socket_id.as_str(), "1234.1234");
    assert_eq!(requests[0].attempt, 1);
    assert_eq!(state(&harness, "private-x"), ChannelState::Authorizing);
    answer(&mut harness, requests[0].ticket, Ok(granted()));
    assert_eq!(
        harness.sent(),
        [r#"{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"key:signature"}}"#]
    );
    assert_eq!(state(&harness, "private-x"), ChannelState::Subscribing);
}

#[test]
fn a_presence_channel_sends_the_member_data_that_was_signed() {
    let mut harness = connected();
    let options = SubscribeOptions::member("wish").info("7");
    harness.session.subscribe("presence-x", &options, harness.now).unwrap();
    harness.drain();
    let request = harness.requests().remove(0);
    assert_eq!(request.subject.data(), Some(r#"{"user_id":"wish","user_info":7}"#));
    let granted = granted().channel_data(r#"{"user_id": 12}"#);
    answer(&mut harness, request.ticket, Ok(granted));
    assert_eq!(
        harness.sent(),
        [concat!(
            r#"{"event":"pusher:subscribe","data":{"channel":"presence-x","#,
            r#""auth":"key:signature","channel_data":"{\"user_id\": 12}"}}"#
        )]
    );
    assert_eq!(harness.session.channel("presence-x").unwrap().my_id(), Some("12"));
}

#[test]
fn an_answer_that_lacks_what_the_channel_needs_is_a_refusal() {
    for answered in [granted(), granted().channel_data("{}"), granted().channel_data("junk")] {
        let mut harness = connected();
        harness.subscribe("presence-x");
        let ticket = harness.requests()[0].ticket;
        answer(&mut harness, ticket, Ok(answered));
        assert_eq!(state(&harness, "presence-x"), ChannelState::Failed);
        assert!(harness.sent().is_empty());
    }
    let mut harness = connected();
    harness.subscribe("private-x");
    let ticket = harness.requests()[0].ticket;
    answer(&mut harness, ticket, Ok(Authorization::new("")));
    assert_eq!(state(&harness, "private-x"), ChannelState::Failed);
}

#[test]
fn other_channels_flow_while_an_answer_is_waited_for() {
    let mut harness = connected();
    harness.subscribe("private-slow");
    harness.subscribe("public");
    assert_eq!(harness.sent(), [subscribe_frame("public")]);
}

#[test]
fn a_refusal_is_final_until_the_user_asks_again() {
    let mut harness = connected();
    harness.subscribe("private-x");
    let ticket = harness.requests()[0].ticket;
    answer(&mut harness, ticket, Err(AuthorizationError::refused(Some(403), "not yours")));
    let events = harness.events();
    let [Event::SubscriptionFailed { reason, retry_in: None, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(reason.to_string(), "authorization refused with HTTP status 403: not yours");
    harness.close(4200);
    harness.establish();
    harness.pass_seconds(60);
    assert!(harness.requests().is_empty());
    assert_eq!(state(&harness, "private-x"), ChannelState::Failed);
    harness.session.retry("private-x", harness.now).unwrap();
    harness.drain();
    assert_eq!(harness.requests().len(), 1);
}

#[test]
fn an_unavailable_authorization_is_asked_for_again_with_growing_pauses() {
    let mut harness = connected();
    harness.subscribe("private-x");
    for (attempt, words) in (1..=6).zip(["a", "b", "c", "d", "e", "f"]) {
        let request = harness.requests().remove(0);
        assert_eq!(request.attempt, attempt);
        assert_eq!(request.last_failure.is_some(), attempt > 1);
        answer(
            &mut harness,
            request.ticket,
            Err(AuthorizationError::unavailable(Some(500), words)),
        );
        let events = harness.events();
        let [Event::SubscriptionFailed { reason, retry_in: Some(pause), .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert!(matches!(reason, RequestFailure::AuthorizationUnavailable(_)));
        assert!(*pause <= Duration::from_secs(1 << (attempt - 1)));
        assert!(harness.session.channel("private-x").unwrap().failure().is_some());
        harness.pass(*pause);
    }
    let ticket = harness.requests()[0].ticket;
    answer(&mut harness, ticket, Ok(granted()));
    assert_eq!(harness.sent().len(), 1);
    harness.succeed("private-x");
    assert!(harness.session.channel("private-x").unwrap().failure().is_none());
}

#[test]
fn a_failure_is_reported_when_it_changes_and_not_at_every_retry() {
    let mut harness = connected();
    harness.subscribe("private-x");
    let page = |number: u32| {
        AuthorizationError::unavailable(Some(500), &format!("oops, request {number}"))
    };
    let other = AuthorizationError::unavailable(Some(502), "no upstream");
    // No pings are answered here, which does not matter.
    harness.session.handle_reading(false, harness.now);
    let fail = |harness: &mut Harness, denied: &AuthorizationError| {
        let request = loop {
            if let Some(request) = harness.requests().pop() {
                break request;
            }
            harness.next_deadline();
        };
        answer(harness, request.ticket, Err(denied.clone()));
        // What it says now is known without an event, too, and goes with the next request.
        let failure = harness.session.channel("private-x").unwrap().failure().cloned();
        assert_eq!(failure, Some(RequestFailure::AuthorizationUnavailable(denied.clone())));
        let is_failure = |event: &&Event| matches!(event, Event::SubscriptionFailed { .. });
        harness.events().iter().filter(is_failure).count()
    };
    let told: Vec<usize> = (1..=4).map(|number| fail(&mut harness, &page(number))).collect();
    assert_eq!(told, [1, 0, 0, 0]);
    assert_eq!(fail(&mut harness, &other), 1);
    assert_eq!(fail(&mut harness, &page(5)), 1);
    assert_eq!(fail(&mut harness, &page(6)), 0);
    // On another connection, and when the user asks again, it is news again.
    harness.close(4200);
    harness.establish();
    harness.events();
    assert_eq!(fail(&mut harness, &page(7)), 1);
    assert_eq!(fail(&mut harness, &page(8)), 0);
    harness.session.retry("private-x", harness.now).unwrap();
    harness.drain();
    assert_eq!(fail(&mut harness, &page(9)), 1);
}

#[test]
fn clients_that_are_told_the_same_pause_come_back_at_different_times() {
    let pause = Duration::from_secs(5);
    let mut pauses: Vec<Duration> = (0..12)
        .map(|seed| {
            let mut harness = Harness::with_seed(asking(), seed);
            harness.connect();
            harness.subscribe("private-x");
            let ticket = harness.requests()[0].ticket;
            let message = "later".into();
            let retry_after = Some(pause);
            let denied =
                AuthorizationError::Unavailable { status: Some(503), message, retry_after };
            answer(&mut harness, ticket, Err(denied));
            let events = harness.events();
            let Some(Event::SubscriptionFailed { retry_in: Some(pause), .. }) = events.last()
            else {
                panic!("{events:?}")
            };
            *pause
        })
        .collect();
    pauses.sort();
    assert!(pauses[0] >= pause && pauses[11] <= pause + Duration::from_secs(1), "{pauses:?}");
    assert!(pauses[11] - pauses[0] > Duration::from_millis(400), "{pauses:?}");
}

#[test]
fn an_answer_that_takes_too_long_is_given_up_and_asked_for_again() {
    let mut harness = connected();
    harness.subscribe("private-x");
    let first = harness.requests()[0].ticket;
    harness.pass_seconds(10);
    assert_eq!(harness.abandoned(), [first]);
    harness.next_deadline();
    let second = harness.requests()[0].ticket;
    assert_ne!(first, second);
    answer(&mut harness, first, Ok(granted()));
    assert!(harness.sent().is_empty(), "the former answer is worthless");
    answer(&mut harness, second, Ok(granted()));
    assert_eq!(harness.sent().len(), 1);
}

#[test]
fn an_answer_for_a_former_socket_is_dropped_and_asked_for_again() {
    let mut harness = connected();
    harness.subscribe("private-x");
    let former = harness.requests()[0].ticket;
    harness.close(4200);
    assert_eq!(harness.abandoned(), [former]);
    harness.wait_for_retry();
    harness.open();
    harness.receive(&established("5.6", 120));
    answer(&mut harness, former, Ok(granted()));
    assert!(harness.sent().is_empty());
    let request = harness.requests().remove(0);
    assert_eq!(request.socket_id.as_str(), "5.6");
    assert_eq!(request.attempt, 1);
}

#[test]
fn unsubscribing_abandons_the_request() {
    let mut harness = connected();
    harness.subscribe("private-x");
    let ticket = harness.requests()[0].ticket;
    harness.session.unsubscribe("private-x", harness.now).unwrap();
    harness.drain();
    assert_eq!(harness.abandoned(), [ticket]);
    answer(&mut harness, ticket, Ok(granted()));
    assert!(harness.sent().is_empty());
}

#[test]
fn disconnecting_abandons_requests_before_it_says_so() {
    let mut harness = connected();
    harness.subscribe("private-x");
    harness.actions.clear();
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(harness.actions.len(), 3);
    assert!(matches!(harness.actions[2], pushest_proto::Action::Emit(Event::State(_))));
    assert_eq!(harness.abandoned().len(), 1);
}

#[test]
fn a_channel_that_waits_for_its_turn_gets_it_whoever_gives_up_before() {
    let mut harness = connected();
    for number in 0..40 {
        harness.subscribe(&format!("private-{number}"));
    }
    let running = harness.requests();
    let now = harness.now;
    // Answered and not polled, while those that would come next are left.
    for request in &running {
        harness.session.handle_authorization(request.ticket, Ok(granted()), now);
    }
    for number in 8..16 {
        harness.session.unsubscribe(&format!("private-{number}"), now).unwrap();
    }
    harness.drain();
    let mut asked = 8;
    loop {
        let requests = harness.requests();
        if requests.is_empty() {
            break;
        }
        asked += requests.len();
        for request in requests {
            answer(&mut harness, request.ticket, Ok(granted()));
        }
    }
    assert_eq!(asked, 32);
    let waiting = |view: &pushest_proto::ChannelView<'_>| view.state() != ChannelState::Subscribing;
    assert_eq!(harness.session.wanted_channels().filter(waiting).count(), 0);
}

#[test]
fn a_pause_that_an_authorizer_asks_for_is_kept_up_to_a_day() {
    for (asked, most) in [(Duration::from_secs(60), 61), (Duration::MAX, 86_402)] {
        let mut harness = connected();
        harness.subscribe("private-x");
        let ticket = harness.requests()[0].ticket;
        let message = "x".repeat(10_000).into();
        let denied =
            AuthorizationError::Unavailable { status: None, message, retry_after: Some(asked) };
        answer(&mut harness, ticket, Err(denied));
        let failure = harness.session.channel("private-x").unwrap().failure().unwrap().to_string();
        assert!(failure.len() < 600);
        // No pings are answered here, which does not matter.
        harness.session.handle_reading(false, harness.now);
        harness.pass_seconds(59);
        assert!(harness.requests().is_empty());
        harness.pass_seconds(most - 59);
        assert_eq!(harness.requests().len(), 1);
    }
}

#[test]
fn eight_requests_run_at_once_and_the_others_take_their_turns() {
    let mut harness = connected();
    for number in 0..20 {
        harness.subscribe(&format!("private-{number}"));
    }
    let mut running = harness.requests();
    assert_eq!(running.len(), 8);
    harness.session.unsubscribe("private-9", harness.now).unwrap();
    let mut asked = Vec::new();
    while let Some(request) = running.first().cloned() {
        running.remove(0);
        asked.push(request.subject.to_string());
        answer(&mut harness, request.ticket, Ok(granted()));
        let more = harness.requests();
        assert!(running.len() + more.len() <= 8);
        running.extend(more);
    }
    let expected: Vec<String> =
        (0..20).filter(|number| *number != 9).map(|number| format!("private-{number}")).collect();
    assert_eq!(asked, expected);
    assert_eq!(harness.sent().len(), 19);
}

#[test]
fn what_an_authorization_does_not_need_does_not_cost_it() {
    for answer in [
        r#"{"auth":"key:00","channel_data":{"user_id":1}}"#,
        r#"{"auth":7,"auth":"key:00","user_data":[],"shared_secret":null}"#,
        r#"{"extra":nope,"auth":"key:00","shared_secret":01}"#,
        r#"{"auth":"key:00","channel_data":"a","channel_data":{}}"#,
        r#"{"auth":"key\u003a00""#,
    ] {
        let granted = Authorization::from_json(answer);
        assert_eq!(granted, Ok(Authorization::new("key:00")), "{answer}");
        let mut harness = Harness::new(asking());
        harness.connect();
        harness.subscribe("private-x");
        let ticket = harness.requests()[0].ticket;
        harness.session.handle_authorization(ticket, granted, harness.now);
        harness.drain();
        let frame =
            r#"{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"key:00"}}"#;
        assert_eq!(harness.sent(), [frame]);
    }
    for answer in ["", "7", "[1]", "null", "\"key:00\"", r#"{"auth":7}"#, r#"{"auth":""}"#, "{"] {
        let refused = Authorization::from_json(answer);
        assert!(matches!(refused, Err(AuthorizationError::Refused { .. })), "{answer}");
    }
    // A string that is cut off is none: what is missing was signed.
    assert!(Authorization::from_json(r#"{"auth":"key:00"#).is_err());
}

/// An object does not tell the bytes that were signed: whether the server's spelling is the one
/// in the answer cannot be known.
#[test]
fn signed_data_must_be_a_string_where_it_is_needed() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("presence-room");
    let answer = r#"{"auth":"key:00","channel_data":{"user_id":"1"}}"#;
    let ticket = harness.requests()[0].ticket;
    harness.session.handle_authorization(ticket, Authorization::from_json(answer), harness.now);
    harness.drain();
    let events = harness.events();
    let [Event::SubscriptionFailed { reason: RequestFailure::AuthorizationRefused(denied), .. }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(denied.to_string().contains("`channel_data` that is a string"), "{denied}");
    assert!(harness.sent().is_empty());

    harness.session.sign_in(None, harness.now).unwrap();
    harness.drain();
    let answer = r#"{"auth":"key:00","user_data":{"id":"1"}}"#;
    let ticket = harness.requests()[0].ticket;
    harness.session.handle_authorization(ticket, Authorization::from_json(answer), harness.now);
    harness.drain();
    let events = harness.events();
    let [Event::SignInFailed { reason: RequestFailure::AuthorizationRefused(denied), .. }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(denied.to_string().contains("`user_data` that is a string"), "{denied}");
}

#[test]
fn subscribing_again_does_not_forget_as_whom_the_authorization_has_it() {
    let mut harness = connected();
    harness.subscribe("presence-x");
    let ticket = harness.requests()[0].ticket;
    answer(&mut harness, ticket, Ok(granted().channel_data(r#"{"user_id":"7"}"#)));
    for _ in 0..2 {
        harness.subscribe("presence-x");
        assert_eq!(harness.session.channel("presence-x").unwrap().my_id(), Some("7"));
        harness.succeed("presence-x");
    }
    assert!(harness.requests().is_empty());
}
