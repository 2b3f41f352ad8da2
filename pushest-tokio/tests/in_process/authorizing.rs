//! Clients without the secret: somebody else authorizes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushest_testkit::Target as Peers;
use pushest_tokio::proto::Signer;
use pushest_tokio::{
    Authorization, AuthorizationRequest, Client, Denied, Event, Options, RequestFailure,
    SubscribeOptions, SubscriptionError, Timeouts,
};

use crate::common::{Target, next_text, subscribed, wait_for, within};
use crate::start;

fn granted(target: &Target, request: &AuthorizationRequest) -> Authorization {
    let signer = Signer::new(&target.key, &target.secret);
    let channel = request.subject.channel().expect("these tests sign nobody in").as_str();
    let auth = signer.channel(&request.socket_id, channel, request.subject.data());
    let granted = Authorization::new(auth);
    match request.subject.data() {
        Some(data) => granted.channel_data(data),
        None => granted,
    }
}

fn client(target: &Target, options: Options) -> Client {
    let timeouts = Timeouts { authorization: Duration::from_millis(500), ..Timeouts::default() };
    Client::with_options(target.builder().timeouts(timeouts).build().expect("valid"), options)
}

#[tokio::test]
async fn who_is_granted_is_subscribed_and_asked_anew_for_each_socket() {
    let (target, server) = start();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (signs, seen) = (target.clone(), asked.clone());
    let options = Options::default().authorizer(move |request: AuthorizationRequest| {
        seen.lock().unwrap().push(request.socket_id.clone());
        let answer = granted(&signs, &request);
        async move { Ok(answer) }
    });
    let client = client(&target, options);
    let mut orders = subscribed(&client, "private-orders").await;
    let member = SubscribeOptions::member("7").info(r#"{"name":"Ann"}"#);
    let mut room = client.subscribe_with("presence-room", &member).expect("a good channel");
    within(room.subscribed()).await.expect("subscribed");
    assert_eq!(client.me("presence-room").expect("listed").id(), "7");

    server.drop_connections(Peers::All);
    for channel in [&mut orders, &mut room] {
        wait_for(channel, |event| matches!(event, Event::Gap { .. }).then_some(())).await;
    }
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[0], asked[1]);
    assert_ne!(asked[1], asked[2]);
    server.publish("private-orders", "order", "1");
    assert_eq!(next_text(&mut orders, "order").await, "1");
}

#[tokio::test]
async fn a_refusal_is_final_and_in_the_authorizers_words_until_retried() {
    let (target, _server) = start();
    let is_open = Arc::new(AtomicU32::new(0));
    let (signs, open) = (target.clone(), is_open.clone());
    let options = Options::default().authorizer(move |request: AuthorizationRequest| {
        let answer = match open.load(Ordering::SeqCst) {
            0 => Err(Denied::refused(Some(403), "orders only for staff")),
            _ => Ok(granted(&signs, &request)),
        };
        async move { answer }
    });
    let client = client(&target, options);
    let orders = client.subscribe("private-orders").expect("a good channel");
    let error = within(orders.subscribed()).await.expect_err("refused");
    let denied = Denied::refused(Some(403), "orders only for staff");
    let reason = RequestFailure::Denied(denied);
    assert_eq!(error, SubscriptionError::Failed { channel: orders.name().clone(), reason });
    let _news = subscribed(&client, "news").await;

    is_open.store(1, Ordering::SeqCst);
    client.retry("private-orders").expect("it is wanted");
    within(orders.subscribed()).await.expect("subscribed");
}

#[tokio::test]
async fn one_that_is_unavailable_slow_or_silent_is_asked_again_and_delays_nobody() {
    let (target, server) = start();
    let attempts = Arc::new(AtomicU32::new(0));
    let (signs, count) = (target.clone(), attempts.clone());
    let options = Options::default().authorizer(move |request: AuthorizationRequest| {
        let attempt = count.fetch_add(1, Ordering::SeqCst);
        let answer = granted(&signs, &request);
        async move {
            match attempt {
                0 => Err(Denied::unavailable(Some(500), "try later")),
                // Beyond the timeout: the session gives it up, and the future is dropped.
                1 => std::future::pending().await,
                _ => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    Ok(answer)
                }
            }
        }
    });
    let client = client(&target, options);
    let mut orders = client.subscribe("private-orders").expect("a good channel");
    let mut news = subscribed(&client, "news").await;
    server.publish("news", "headline", "rain");
    assert_eq!(next_text(&mut news, "headline").await, "rain");
    within(orders.subscribed()).await.expect("subscribed");
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
    server.publish("private-orders", "order", "1");
    assert_eq!(next_text(&mut orders, "order").await, "1");
}

#[tokio::test]
async fn an_authorizer_may_use_the_client_it_works_for() {
    let (target, _server) = start();
    let client = Arc::new(Mutex::new(None::<Client>));
    let (signs, inner) = (target.clone(), client.clone());
    let options = Options::default().authorizer(move |request: AuthorizationRequest| {
        let status = inner.lock().unwrap().as_ref().expect("it is there").status();
        assert_eq!(status.socket_id.as_ref(), Some(&request.socket_id));
        let answer = granted(&signs, &request);
        async move { Ok(answer) }
    });
    let made = self::client(&target, options);
    *client.lock().unwrap() = Some(made.clone());
    let _orders = subscribed(&made, "private-orders").await;
    client.lock().unwrap().take();
}

#[tokio::test]
async fn an_abandoned_authorizer_may_hold_what_belongs_to_the_client() {
    let (target, _server) = start();
    let client = Arc::new(Mutex::new(None::<Client>));
    let (inner, asked) = (client.clone(), Arc::new(AtomicU32::new(0)));
    let count = asked.clone();
    let options = Options::default().authorizer(move |_: AuthorizationRequest| {
        let client = inner.lock().unwrap().clone().expect("it is there");
        let count = count.clone();
        async move {
            // Dropping either of them takes the client's lock.
            let held = (client.events(), client.subscribe("held"));
            count.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
            drop(held);
            Err(Denied::refused(None, "never"))
        }
    });
    let made = self::client(&target, options);
    *client.lock().unwrap() = Some(made.clone());
    within(made.connected()).await.expect("connected");
    // Abandoned by its timeout, then by unsubscribing.
    let orders = made.subscribe("private-orders").expect("a good channel");
    within(async {
        while asked.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(orders);
    within(made.flush()).await.expect("the client lives");
    client.lock().unwrap().take();
}
