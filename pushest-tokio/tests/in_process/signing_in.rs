//! Users: signing in, what is sent to them, and who of their watchlist is there.

use pushest_testkit::{Profile, Server, Target as Peers};
use pushest_tokio::proto::Signer;
use pushest_tokio::{
    Authorization, AuthorizationRequest, Client, CommandError, Denied, Event, Events, NotConnected,
    NotSignedIn, Options, RequestFailure, SignInError,
};

use crate::common::{Target, wait_for, within};
use crate::{start, target_of};

async fn text_for_user(events: &mut Events) -> (String, String) {
    wait_for(events, |event| match event {
        Event::Channel(event) => Some((event.name().to_string(), event.text().into_owned())),
        _ => None,
    })
    .await
}

async fn watched(events: &mut Events) -> (bool, Vec<String>) {
    wait_for(events, |event| match event {
        Event::Watchlist { online, user_ids, .. } => Some((*online, user_ids.clone())),
        _ => None,
    })
    .await
}

async fn signed_in(target: &Target, user_data: &str) -> (Client, Events) {
    let client = target.client();
    let events = client.events();
    client.sign_in(Some(user_data)).expect("good user data");
    within(client.signed_in()).await.expect("signed in");
    (client, events)
}

#[tokio::test]
async fn events_to_the_user_arrive_and_the_sign_in_is_repeated_after_a_loss() {
    let (target, server) = start();
    let client = target.client();
    let mut user_events = client.user_events();
    let mut events = client.events();
    assert_eq!(within(client.signed_in()).await, Err(NotSignedIn::NotAsked));
    client.sign_in(Some(r#"{"id":"ann","user_info":{"name":"Ann"}}"#)).expect("good user data");
    assert_eq!(client.signed_in_user(), None);
    for _ in 0..2 {
        let user_data = wait_for(&mut events, |event| match event {
            Event::SignedIn { user_id, user_data, .. } if &**user_id == "ann" => {
                Some(user_data.to_string())
            }
            _ => None,
        });
        assert_eq!(user_data.await, r#"{"id":"ann","user_info":{"name":"Ann"}}"#);
        assert_eq!(within(client.signed_in()).await.as_deref(), Ok("ann"));
        assert_eq!(client.signed_in_user().as_deref(), Some("ann"));
        within(server.until_subscribers("#server-to-user-ann", 1)).await;
        server.publish_to_user("ann", "greeting", "hello");
        let expected = ("greeting".to_string(), "hello".to_string());
        assert_eq!(text_for_user(&mut user_events).await, expected);
        assert_eq!(text_for_user(&mut events).await, expected);
        server.drop_connections(Peers::All);
    }
}

#[tokio::test]
async fn who_is_watched_is_told_online_and_offline_in_both_wire_forms() {
    for profile in [Profile::Hosted, Profile::Sockudo] {
        let server = Server::builder().profile(profile).start().expect("a server");
        let target = target_of(&server);
        let (_ann, mut events) = signed_in(&target, r#"{"id":"ann","watchlist":["bob"]}"#).await;
        assert_eq!(watched(&mut events).await, (false, vec!["bob".to_string()]));
        let (bob, _events) = signed_in(&target, r#"{"id":"bob","watchlist":[]}"#).await;
        assert_eq!(watched(&mut events).await, (true, vec!["bob".to_string()]));
        within(bob.shutdown()).await;
        assert_eq!(watched(&mut events).await, (false, vec!["bob".to_string()]));
    }
}

#[tokio::test]
async fn what_cannot_be_signed_in_is_refused_before_anything_is_sent() {
    let (target, _server) = start();
    let client = target.connected().await;
    for bad in ["", "[]", "{}", r#"{"id":7}"#, r#"{"id":""}"#, r#"{"id":"a","watchlist":"b"}"#] {
        let error = client.sign_in(Some(bad)).expect_err("bad user data");
        assert!(matches!(&error, SignInError::Command(CommandError::UserData { .. })), "{error}");
    }
    let error = client.sign_in(None).expect_err("who signs needs to know for whom");
    assert_eq!(error, SignInError::Command(CommandError::UserDataMissing));
    assert_eq!(within(client.signed_in()).await, Err(NotSignedIn::NotAsked));

    let client = Client::new(target.builder().build().expect("valid"));
    assert_eq!(client.sign_in(Some(r#"{"id":"ann"}"#)), Err(SignInError::NoAuthorizer));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_visibly_and_the_connection_stays() {
    let (target, _server) = start();
    let config = target.builder().secret("not-the-secret").build().expect("valid");
    let client = Client::new(config);
    let mut events = client.events();
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    let error = within(client.signed_in()).await.expect_err("refused");
    let NotSignedIn::Failed(RequestFailure::Refused(refused)) = &error else {
        panic!("the server refuses, not {error:?}")
    };
    assert_eq!(refused.code, Some(4009));
    wait_for(&mut events, |event| {
        matches!(event, Event::SignInFailed { retry_in: None, .. }).then_some(())
    })
    .await;
    within(client.flush()).await.expect("the connection lives");
}

#[tokio::test]
async fn a_refusing_authorizer_is_final_over_reconnects_and_asked_again_by_signing_in() {
    let (target, server) = start();
    let (signs, is_open) = (target.clone(), std::sync::atomic::AtomicBool::new(false));
    let open = std::sync::Arc::new(is_open);
    let door = open.clone();
    let options = Options::default().authorizer(move |request: AuthorizationRequest| {
        let user_data = request.subject.data().expect("the test gives it").to_string();
        let auth = Signer::new(&signs.key, &signs.secret).user(&request.socket_id, &user_data);
        let answer = match door.load(std::sync::atomic::Ordering::SeqCst) {
            false => Err(Denied::refused(Some(401), "who are you?")),
            true => Ok(Authorization::new(auth).user_data(user_data)),
        };
        async move { answer }
    });
    let client = Client::with_options(target.builder().build().expect("valid"), options);
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    let denied = RequestFailure::Denied(Denied::refused(Some(401), "who are you?"));
    assert_eq!(within(client.signed_in()).await, Err(NotSignedIn::Failed(denied.clone())));
    let mut events = client.events();
    server.drop_connections(Peers::All);
    wait_for(&mut events, |event| match event {
        Event::State(change) => change.socket_id.clone(),
        _ => None,
    })
    .await;
    assert_eq!(within(client.signed_in()).await, Err(NotSignedIn::Failed(denied)));
    open.store(true, std::sync::atomic::Ordering::SeqCst);
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    assert_eq!(within(client.signed_in()).await.as_deref(), Ok("ann"));
}

#[tokio::test]
async fn waiting_for_the_sign_in_may_be_dropped_and_ends_with_the_connection() {
    let (target, server) = start();
    server.withhold_handshake(true);
    let client = target.client();
    client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    let mut dropped = Box::pin(client.signed_in());
    let is_pending = std::future::poll_fn(|context| {
        std::task::Poll::Ready(dropped.as_mut().poll(context).is_pending())
    });
    assert!(is_pending.await);
    drop(dropped);
    let waits = tokio::spawn(client.signed_in());
    client.disconnect();
    let error = within(waits).await.expect("no panic").expect_err("disconnected");
    assert_eq!(error, NotSignedIn::NotConnected(NotConnected::Disconnected));
    server.withhold_handshake(false);
    client.connect();
    assert_eq!(within(client.signed_in()).await.as_deref(), Ok("ann"));
    drop(client);
}
