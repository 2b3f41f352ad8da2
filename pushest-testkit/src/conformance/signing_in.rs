//! Users: signing in, what is sent to them, and who of their watchlist is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pushest_proto::{Authorization, AuthorizationError, ConnectionState, Event, RequestFailure};

use super::authorizing::{asking, signer};
use super::driver::{Driver, DriverClient, Unmet};
use super::patience::{Expect, PATIENCE, connected, started, started_with};
use super::{Remote, in_process};
use crate::{Profile, Server, Target};

pub fn events_to_the_user_arrive_and_the_sign_in_is_repeated_after_a_loss<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = started::<D>(remote.config());
    assert!(matches!(client.signed_in(PATIENCE), Err(Unmet::Failed(_))), "nobody has asked");
    let user_data = r#"{"id":"ann","user_info":{"name":"Ann"}}"#;
    client.sign_in(Some(user_data)).expect("good user data");
    for _ in 0..2 {
        let confirmed = client.wait_for(|event| match event {
            Event::SignedIn { user_id, user_data, .. } if &**user_id == "ann" => {
                Some(user_data.to_string())
            }
            _ => None,
        });
        assert_eq!(confirmed, user_data);
        assert_eq!(client.signed_in(PATIENCE).as_deref(), Ok("ann"));
        assert_eq!(client.signed_in_user().as_deref(), Some("ann"));
        client.until("the user's channel", |_| server.subscribers("#server-to-user-ann") == 1);
        server.publish_to_user("ann", "greeting", "hello");
        let event = client.next_of("#server-to-user-ann");
        assert_eq!((event.name(), &*event.text()), ("greeting", "hello"));
        server.drop_connections(Target::All);
    }
}

pub fn who_is_watched_is_told_online_and_offline_in_both_wire_forms<D: Driver>() {
    for profile in [Profile::Hosted, Profile::Sockudo] {
        let server = Server::builder().profile(profile).start().expect("a server");
        let remote = Remote::of(&server);
        let [mut ann, mut bob] = [(); 2].map(|()| connected::<D>(remote.config()));
        let watched = |client: &mut D::Client, wanted: bool| {
            client.wait_for(|event| match event {
                Event::Watchlist { online, user_ids, .. } => {
                    assert_eq!((*online, user_ids.as_slice()), (wanted, &["bob".to_owned()][..]));
                    Some(())
                }
                _ => None,
            });
        };
        ann.sign_in(Some(r#"{"id":"ann","watchlist":["bob"]}"#)).expect("good user data");
        ann.signed_in(PATIENCE).expect("signed in");
        watched(&mut ann, false);
        bob.sign_in(Some(r#"{"id":"bob","watchlist":[]}"#)).expect("good user data");
        bob.signed_in(PATIENCE).expect("signed in");
        watched(&mut ann, true);
        bob.shutdown(PATIENCE).expect("closed");
        watched(&mut ann, false);
    }
}

pub fn what_cannot_be_signed_in_is_refused_before_anything_is_sent<D: Driver>() {
    let (remote, _server) = in_process();
    let mut client = connected::<D>(remote.config());
    for bad in ["", "[]", "{}", r#"{"id":7}"#, r#"{"id":""}"#, r#"{"id":"a","watchlist":"b"}"#] {
        client.sign_in(Some(bad)).expect_err("bad user data");
    }
    client.sign_in(None).expect_err("who signs needs to know for whom");
    assert!(matches!(client.signed_in(PATIENCE), Err(Unmet::Failed(_))), "nobody has asked");

    let mut keyless = started::<D>(remote.builder().build().expect("valid"));
    let error = keyless.sign_in(Some(r#"{"id":"ann"}"#)).expect_err("nobody authorizes");
    assert!(error.contains("authorizer"), "{error}");
}

pub fn a_sign_in_with_a_wrong_secret_fails_visibly_and_the_connection_stays<D: Driver>() {
    let (remote, _server) = in_process();
    let config = remote.builder().secret("not-the-secret").build().expect("valid");
    let mut client = started::<D>(config);
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    assert!(matches!(client.signed_in(PATIENCE), Err(Unmet::Failed(_))), "it is refused");
    let reason = client.wait_for(|event| match event {
        Event::SignInFailed { reason, retry_in: None } => Some(reason.clone()),
        _ => None,
    });
    let RequestFailure::Refused(error) = reason else { panic!("the server refuses: {reason:?}") };
    assert_eq!(error.code, Some(4009));
    client.must_flush();
}

pub fn a_refused_sign_in_stays_refused_over_reconnects_until_it_is_asked_for_again<D: Driver>() {
    let (remote, server) = in_process();
    let is_open = Arc::new(AtomicBool::new(false));
    let (signer, open) = (signer(&server), is_open.clone());
    let settings = asking(move |request| {
        let user_data = request.subject.data().expect("the scenario gives it").to_owned();
        let auth = signer.user(&request.socket_id, &user_data);
        let answer = if open.load(Ordering::SeqCst) {
            Ok(Authorization::new(auth).user_data(user_data))
        } else {
            Err(AuthorizationError::refused(Some(401), "who are you?"))
        };
        Box::pin(async move { answer })
    });
    let mut client = started_with::<D>(remote.builder().build().expect("valid"), settings);
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    let refused = client.signed_in(PATIENCE).expect_err("refused");
    assert!(
        matches!(&refused, Unmet::Failed(error) if error.contains("who are you?")),
        "{refused}"
    );
    server.drop_connections(Target::All);
    client.until("another connection", |client| client.statistics().reconnects == 1);
    assert_eq!(client.signed_in(PATIENCE), Err(refused));
    is_open.store(true, Ordering::SeqCst);
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    assert_eq!(client.signed_in(PATIENCE).as_deref(), Ok("ann"));
}

pub fn waiting_for_the_sign_in_can_be_given_up_and_ends_with_the_connection<D: Driver>() {
    let (remote, server) = in_process();
    server.withhold_handshake(true);
    let mut client = started::<D>(remote.config());
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    assert_eq!(client.signed_in(Duration::from_millis(5)), Err(Unmet::TimedOut));
    client.disconnect();
    assert!(matches!(client.signed_in(PATIENCE), Err(Unmet::Failed(_))), "disconnected");
    assert_eq!(client.status().state, ConnectionState::Disconnected);
    server.withhold_handshake(false);
    client.connect();
    assert_eq!(client.signed_in(PATIENCE).as_deref(), Ok("ann"));
}
