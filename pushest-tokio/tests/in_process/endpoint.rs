//! The app's HTTP endpoint authorizes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use pushest_testkit::{AuthorizationEndpoint, ReceivedRequest, Reply, Server, Target as Peers};
use pushest_tokio::{
    AuthEndpoint, AuthorizationError, ChannelState, Client, Event, Options, RequestFailure,
    Subscription, SubscriptionError, Timeouts,
};

use crate::common::{PATIENCE, Target, next_text, subscribed, wait_for, within};
use crate::start;

/// Who is granted what is asked for.
const USER: &str = "ann";

fn endpoint(
    server: &Server,
    respond: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
) -> AuthorizationEndpoint {
    AuthorizationEndpoint::start_with(server.app(), respond).expect("an endpoint")
}

fn client(target: &Target, options: Options) -> Client {
    let timeouts = Timeouts::default().authorization(Duration::from_millis(500));
    Client::with_options(target.builder().timeouts(timeouts).build().expect("valid"), options)
}

fn asking(endpoint: &AuthorizationEndpoint) -> Options {
    Options::default().auth_endpoint(AuthEndpoint::new(&endpoint.url("/pusher/auth")))
}

/// Why the channel failed for good.
async fn refusal(subscription: &Subscription) -> (Option<u16>, String) {
    let error = within(subscription.subscribed()).await.expect_err("refused");
    match error {
        SubscriptionError::Failed {
            reason:
                RequestFailure::AuthorizationRefused(AuthorizationError::Refused {
                    status,
                    message,
                    ..
                }),
            ..
        } => (status, message.to_string()),
        other => panic!("not a refusal: {other:?}"),
    }
}

/// The failures of a channel that are tried again, until it is subscribed.
async fn troubles(subscription: &mut Subscription) -> Vec<AuthorizationError> {
    let mut seen = Vec::new();
    wait_for(subscription, |event| match event {
        Event::SubscriptionFailed {
            reason: RequestFailure::AuthorizationUnavailable(denied),
            retry_in: Some(_),
            ..
        } => {
            seen.push(denied.clone());
            None
        }
        Event::Subscribed { .. } => Some(()),
        _ => None,
    })
    .await;
    seen
}

#[tokio::test]
async fn it_is_sent_a_form_with_parameters_and_headers_and_every_2xx_grants() {
    let (target, server) = start();
    let number = AtomicU32::new(0);
    let endpoint = endpoint(&server, move |asked| {
        let status = [200, 201][number.fetch_add(1, Ordering::SeqCst) as usize % 2];
        Reply::new(status, asked.grant(USER).body())
    });
    let asks = AuthEndpoint::new(&endpoint.url("/pusher/auth"))
        .user_url(&endpoint.url("/pusher/user-auth"))
        .parameter("tenant", "7 & 8")
        .header("X-CSRF-Token", "0123");
    let client = client(&target, Options::default().auth_endpoint(asks));
    let mut orders = subscribed(&client, "private-orders").await;
    // The endpoint knows who subscribes: it need not be said here.
    let room = subscribed(&client, "presence-room").await;
    assert_eq!(room.members()[0].id(), USER);
    client.sign_in(None).expect("somebody authorizes");
    assert_eq!(within(client.signed_in()).await.as_deref(), Ok(USER));
    server.publish("private-orders", "order", "1");
    assert_eq!(next_text(&mut orders, "order").await, "1");

    let asked = endpoint.requests();
    let socket_id = client.status().socket_id.expect("connected");
    let paths: Vec<_> = asked.iter().map(ReceivedRequest::target).collect();
    assert_eq!(paths, ["/pusher/auth", "/pusher/auth", "/pusher/user-auth"]);
    for asked in &asked {
        assert_eq!(asked.method(), "POST");
        assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(asked.header("x-csrf-token"), Some("0123"));
        assert_eq!(asked.socket_id(), Some(socket_id.as_str()));
        assert_eq!(asked.field("tenant"), Some("7 & 8"));
    }
    assert_eq!(asked[0].channel(), Some("private-orders"));
    assert_eq!(asked[2].channel(), None);
}

#[tokio::test]
async fn a_refusal_is_final_with_status_and_body_until_retried_and_others_go_on() {
    let (target, server) = start();
    let is_open = AtomicU32::new(0);
    let endpoint = endpoint(&server, move |asked| {
        let is_staff = asked.channel() == Some("private-staff");
        if is_staff && is_open.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::new(403, r#"{"message":"not on Sundays"}"#);
        }
        asked.grant(USER)
    });
    let client = client(&target, asking(&endpoint));
    let mut staff = client.subscribe("private-staff").expect("a good channel");
    let mut orders = subscribed(&client, "private-orders").await;
    let expected = (Some(403), r#"{"message":"not on Sundays"}"#.to_string());
    assert_eq!(refusal(&staff).await, expected);
    let event = wait_for(&mut staff, |event| match event {
        Event::SubscriptionFailed { reason, retry_in: None, .. } => Some(reason.to_string()),
        _ => None,
    })
    .await;
    assert!(event.contains("403") && event.contains("not on Sundays"), "{event}");
    assert_eq!(client.channel_state("private-staff"), Some(ChannelState::Failed));
    server.publish("private-orders", "order", "1");
    assert_eq!(next_text(&mut orders, "order").await, "1");

    client.retry("private-staff").expect("it is wanted");
    within(staff.subscribed()).await.expect("subscribed");
}

#[tokio::test]
async fn trouble_of_the_endpoint_is_told_and_tried_again_with_fresh_headers() {
    let (target, server) = start();
    let endpoint = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    for trouble in [
        Reply::new(500, "out of order"),
        Reply::new(503, "").retry_after(0),
        Reply::silence(),
        Reply::raw("220 mail.example ESMTP\r\n"),
    ] {
        endpoint.reply_next(1, trouble);
    }
    let options = asking(&endpoint).auth_headers(|request| {
        let reason = request.last_failure.as_ref().map_or("none".to_string(), ToString::to_string);
        vec![
            ("Authorization".to_string(), format!("Bearer token-{}", request.attempt)),
            ("X-Last-Failure".to_string(), reason),
        ]
    });
    let client = client(&target, options);
    let mut orders = client.subscribe("private-orders").expect("a good channel");
    let seen = troubles(&mut orders).await;
    assert_eq!(seen.len(), 4, "{seen:#?}");
    assert_eq!(seen[0], AuthorizationError::unavailable(Some(500), "out of order"));
    assert!(
        matches!(
            &seen[1],
            AuthorizationError::Unavailable {
                status: Some(503),
                retry_after: Some(Duration::ZERO),
                ..
            }
        ),
        "{seen:#?}"
    );
    assert!(seen[2].to_string().contains("no answer within"), "{seen:#?}");
    assert_eq!(seen[3], AuthorizationError::unavailable(None, "the answer is not HTTP"));

    let asked = endpoint.requests();
    for (number, asked) in asked.iter().enumerate() {
        let token = format!("Bearer token-{}", number + 1);
        assert_eq!(asked.header("authorization"), Some(&*token));
    }
    assert_eq!(asked[0].header("x-last-failure"), Some("none"));
    assert!(asked[1].header("x-last-failure").expect("why").contains("out of order"));
    assert!(!format!("{client:?} {seen:?}").contains("token-"));
}

#[tokio::test]
async fn junk_and_redirects_are_final_and_nothing_is_followed() {
    let (target, server) = start();
    let endpoint = endpoint(&server, |asked| match asked.channel().expect("nobody signs in") {
        "private-moved" => Reply::new(302, "").header("Location", "/login"),
        "private-kept" => Reply::new(307, "").header("Location", "/auth2"),
        "private-large" => Reply::new(200, "x".repeat(2 * 1024 * 1024)),
        "private-page" => Reply::new(200, "<html>the secret of the day is 42</html>"),
        _ => Reply::new(200, r#"{"user_data":"{}"}"#),
    });
    let client = client(&target, asking(&endpoint));
    for (channel, status, text) in [
        ("private-moved", 302, "a redirect to /login, which is not followed"),
        ("private-kept", 307, "a redirect to /auth2, which is not followed"),
        ("private-large", 200, "the answer is larger than 1 MiB"),
        ("private-page", 200, "the answer is not an object with `auth`"),
        ("private-auth", 200, "the answer has no `auth`"),
    ] {
        let subscription = client.subscribe(channel).expect("a good channel");
        assert_eq!(refusal(&subscription).await, (Some(status), text.to_string()), "{channel}");
    }
    assert!(endpoint.requests().iter().all(|asked| asked.target() == "/pusher/auth"));
}

#[tokio::test]
async fn what_cannot_be_asked_says_why() {
    let (target, _server) = start();
    let options = |url: &str| Options::default().auth_endpoint(AuthEndpoint::new(url));
    for (options, words) in [
        (options("not a url"), "URL"),
        (options("ftp://127.0.0.1/"), "URL"),
        (
            options("http://127.0.0.1:9/").auth_headers(|_| vec![("a b".into(), "x".into())]),
            "cannot be sent as a header",
        ),
    ] {
        let client = client(&target, options);
        let orders = client.subscribe("private-orders").expect("a good channel");
        let (status, text) = refusal(&orders).await;
        assert_eq!(status, None);
        assert!(text.contains(words), "{text}");
    }
    // No server listens there, for now.
    let client = client(&target, options("http://127.0.0.1:9/"));
    let mut orders = client.subscribe("private-orders").expect("a good channel");
    let text = wait_for(&mut orders, |event| match event {
        Event::SubscriptionFailed { reason, retry_in: Some(_), .. } => Some(reason.to_string()),
        _ => None,
    })
    .await;
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn a_slow_answer_delays_nobody_and_a_panic_in_the_headers_is_survived() {
    let (target, server) = start();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(Some(released));
    let endpoint = endpoint(&server, move |asked| {
        if asked.channel() == Some("private-slow")
            && let Some(signal) = released.lock().unwrap().take()
        {
            let _ = signal.recv();
        }
        asked.grant(USER)
    });
    let options = asking(&endpoint).auth_headers(|request| {
        let is_first = request.attempt == 1;
        let channel = request.subject.channel().expect("nobody signs in");
        assert!(!is_first || channel != "private-panic", "expected: the test panics here");
        Vec::new()
    });
    let config = target.builder().build().expect("valid");
    let client = Client::with_options(config, options);
    let slow = client.subscribe("private-slow").expect("a good channel");
    let mut panics = client.subscribe("private-panic").expect("a good channel");
    let mut news = subscribed(&client, "news").await;
    let mut orders = subscribed(&client, "private-orders").await;
    for (channel, events) in [("news", &mut news), ("private-orders", &mut orders)] {
        server.publish(channel, "order", "1");
        assert_eq!(next_text(events, "order").await, "1");
    }
    let text = AuthorizationError::unavailable(None, "the request was not carried out");
    assert_eq!(troubles(&mut panics).await, [text]);
    assert_eq!(client.channel_state("private-slow"), Some(ChannelState::Authorizing));
    drop(release);
    within(slow.subscribed()).await.expect("subscribed");
}

#[test]
fn a_request_that_hangs_ends_with_the_client() {
    let (target, server) = start();
    let endpoint = endpoint(&server, |_| Reply::silence());
    let hour = Duration::from_secs(60 * 60);
    let timeouts = Timeouts::default().authorization(hour);
    let config = target.builder().timeouts(timeouts).build().expect("valid");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = runtime.block_on(async { Client::with_options(config, asking(&endpoint)) });
    client.subscribe("private-orders").expect("a good channel").detach();
    endpoint.wait_for_requests(1, PATIENCE).expect("it asks");
    drop(client);
    // A runtime waits for the threads that it runs blocking work on.
    let (ended, ends) = mpsc::channel();
    std::thread::spawn(move || {
        drop(runtime);
        ended.send(())
    });
    ends.recv_timeout(PATIENCE).expect("no thread is left");
}

#[tokio::test]
async fn it_is_asked_anew_for_each_socket_and_its_answers_are_never_mixed_up() {
    let (target, server) = start();
    let endpoint = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    let client = client(&target, asking(&endpoint));
    let names: Vec<String> = (0..20).map(|number| format!("private-{number}")).collect();
    let mut channels: Vec<_> =
        names.iter().map(|name| client.subscribe(name).expect("a good channel")).collect();
    for channel in &channels {
        within(channel.subscribed()).await.expect("subscribed");
    }
    server.drop_connections(Peers::All);
    for channel in &mut channels {
        wait_for(channel, |event| matches!(event, Event::Gap { .. }).then_some(())).await;
    }
    let asked = endpoint.requests();
    let mut socket_ids: Vec<_> = asked.iter().map(ReceivedRequest::socket_id).collect();
    socket_ids.dedup();
    assert_eq!((asked.len(), socket_ids.len()), (40, 2));
}
