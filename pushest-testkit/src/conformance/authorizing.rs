//! Clients without the secret, which an authorizer has.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushest_proto::{
    Authorization, AuthorizationError, AuthorizationRequest, Config, Event, RequestFailure, Signer,
    SubscribeOptions, Timeouts,
};

use super::driver::{Authorizing, Driver, DriverClient, Settings, Unmet};
use super::gate::Gate;
use super::patience::{Expect, PATIENCE, started_with};
use super::{Remote, in_process};
use crate::{Server, Target};

/// Signs as the app's own server does.
pub(super) fn granted(signer: &Signer, request: &AuthorizationRequest) -> Authorization {
    let channel = request.subject.channel().expect("a channel and no sign-in").as_str();
    let auth = signer.channel(&request.socket_id, channel, request.subject.data());
    match request.subject.data() {
        Some(data) => Authorization::new(auth).channel_data(data),
        None => Authorization::new(auth),
    }
}

pub(super) fn signer(server: &Server) -> Signer {
    Signer::new(&server.app().key, server.app().secret())
}

pub(super) fn asking(
    authorizer: impl Fn(AuthorizationRequest) -> Authorizing + Send + Sync + 'static,
) -> Settings {
    Settings::default().authorizer(Some(Arc::new(authorizer)))
}

fn config(remote: &Remote, patience: Duration) -> Config {
    let timeouts = Timeouts::default().authorization(patience);
    remote.builder().timeouts(timeouts).build().expect("valid")
}

pub fn who_is_granted_is_subscribed_and_asked_anew_for_each_socket<D: Driver>() {
    let (remote, server) = in_process();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (signer, seen) = (signer(&server), asked.clone());
    let settings = asking(move |request| {
        seen.lock().expect("nobody panics").push(request.socket_id.clone());
        let answer = granted(&signer, &request);
        Box::pin(async move { Ok(answer) })
    });
    let mut client = started_with::<D>(config(&remote, PATIENCE), settings);
    client.must_subscribe("private-orders");
    let member = SubscribeOptions::member("7").info(r#"{"name":"Ann"}"#);
    client.must_subscribe_as("presence-room", &member);
    assert_eq!(client.me("presence-room").expect("listed").id(), "7");

    server.drop_connections(Target::All);
    client.next_gap("private-orders");
    client.must_be_subscribed("presence-room");
    let asked = asked.lock().expect("nobody panics").clone();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[0], asked[1]);
    assert_ne!(asked[1], asked[2]);
    server.publish("private-orders", "order", "1");
    assert_eq!(client.next_text("order"), "1");
}

pub fn a_refusal_is_final_and_in_the_authorizers_words_until_retried<D: Driver>() {
    let (remote, server) = in_process();
    let is_open = Arc::new(AtomicBool::new(false));
    let (signer, open) = (signer(&server), is_open.clone());
    let settings = asking(move |request| {
        let answer = if open.load(Ordering::SeqCst) {
            Ok(granted(&signer, &request))
        } else {
            Err(AuthorizationError::refused(Some(403), "orders only for staff"))
        };
        Box::pin(async move { answer })
    });
    let mut client = started_with::<D>(config(&remote, PATIENCE), settings);
    client.want("private-orders");
    let Err(Unmet::Failed(error)) = client.subscribed("private-orders", PATIENCE) else {
        panic!("it is refused")
    };
    assert!(error.contains("orders only for staff"), "{error}");
    let reason = client.wait_for(|event| match event {
        Event::SubscriptionFailed { reason, retry_in: None, .. } => Some(reason.clone()),
        _ => None,
    });
    let denied = AuthorizationError::refused(Some(403), "orders only for staff");
    assert_eq!(reason, RequestFailure::AuthorizationRefused(denied));
    client.must_subscribe("news");

    is_open.store(true, Ordering::SeqCst);
    client.retry("private-orders").expect("it is wanted");
    client.must_be_subscribed("private-orders");
}

pub fn a_late_authorization_delays_nobody_else<D: Driver>() {
    let (remote, server) = in_process();
    let gate = Gate::default();
    let (signer, late) = (signer(&server), gate.clone());
    let settings = asking(move |request| {
        let (answer, late) = (granted(&signer, &request), late.clone());
        Box::pin(async move {
            late.await;
            Ok(answer)
        })
    });
    let mut client = started_with::<D>(config(&remote, PATIENCE), settings);
    client.want("private-orders");
    client.must_subscribe("news");
    server.publish("news", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
    assert_eq!(
        client.subscribed("private-orders", Duration::from_millis(20)),
        Err(Unmet::TimedOut)
    );
    gate.open();
    client.must_be_subscribed("private-orders");
    server.publish("private-orders", "order", "1");
    assert_eq!(client.next_text("order"), "1");
}

pub fn who_is_unavailable_or_silent_is_asked_again<D: Driver>() {
    let (remote, server) = in_process();
    let attempts = Arc::new(AtomicU32::new(0));
    let (signer, count) = (signer(&server), attempts.clone());
    let settings = asking(move |request| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Box::pin(async { Err(AuthorizationError::unavailable(Some(500), "try later")) }),
        // Beyond the timeout: it is given up, and the future is dropped.
        1 => Box::pin(std::future::pending()),
        _ => {
            let answer = granted(&signer, &request);
            Box::pin(async move { Ok(answer) })
        }
    });
    let mut client = started_with::<D>(config(&remote, Duration::from_millis(300)), settings);
    client.want("private-orders");
    let reason = client.wait_for(|event| match event {
        Event::SubscriptionFailed { reason, retry_in: Some(_), .. } => Some(reason.clone()),
        _ => None,
    });
    let unavailable = AuthorizationError::unavailable(Some(500), "try later");
    assert_eq!(reason, RequestFailure::AuthorizationUnavailable(unavailable));
    client.must_be_subscribed("private-orders");
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
}

pub fn an_authorization_for_a_former_socket_is_not_used<D: Driver>() {
    let server = Server::builder().record(true).start().expect("a server");
    let remote = Remote::of(&server);
    let gate = Gate::default();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (signer, late, seen) = (signer(&server), gate.clone(), asked.clone());
    let settings = asking(move |request| {
        let mut seen = seen.lock().expect("nobody panics");
        seen.push(request.socket_id.clone());
        let late = (seen.len() == 1).then(|| late.clone());
        let answer = granted(&signer, &request);
        Box::pin(async move {
            if let Some(late) = late {
                late.await;
            }
            Ok(answer)
        })
    });
    let count = || asked.lock().expect("nobody panics").len();
    let mut client = started_with::<D>(config(&remote, PATIENCE), settings);
    client.want("private-orders");
    client.until("the first to be asked for", |_| count() == 1);
    server.drop_connections(Target::All);
    client.must_be_subscribed("private-orders");
    gate.open();
    client.must_flush();
    let asked = asked.lock().expect("nobody panics").clone();
    assert_eq!(asked.len(), 2);
    assert_ne!(asked[0], asked[1]);
    // One subscription, with the answer for the present socket.
    let received = server.received();
    let subscribes: Vec<_> =
        received.iter().filter(|text| text.contains("pusher:subscribe")).collect();
    assert_eq!(subscribes.len(), 1, "{subscribes:?}");
}

pub fn who_leaves_a_channel_waits_for_no_authorization_of_it<D: Driver>() {
    let (remote, server) = in_process();
    let gate = Gate::default();
    let asked = Arc::new(AtomicU32::new(0));
    let (signer, late, count) = (signer(&server), gate.clone(), asked.clone());
    let settings = asking(move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        let (answer, late) = (granted(&signer, &request), late.clone());
        Box::pin(async move {
            late.await;
            Ok(answer)
        })
    });
    let mut client = started_with::<D>(config(&remote, PATIENCE), settings);
    client.want("private-orders");
    client.until("it to be asked for", |_| asked.load(Ordering::SeqCst) == 1);
    client.unsubscribe("private-orders").expect("it is wanted");
    gate.open();
    client.sleep(Duration::from_millis(20));
    client.must_flush();
    assert_eq!(server.subscribers("private-orders"), 0);
    assert_eq!(client.channel_state("private-orders"), None);
}
