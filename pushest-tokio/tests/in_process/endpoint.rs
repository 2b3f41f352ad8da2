//! The app's HTTP endpoint authorizes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use pushest_testkit::Target as Peers;
use pushest_tokio::{
    AuthEndpoint, ChannelState, Client, Denied, Event, Options, RequestFailure, Subscription,
    SubscriptionError, Timeouts,
};

use crate::common::endpoint::{Answer, Endpoint, grant};
use crate::common::{PATIENCE, Target, next_text, subscribed, wait_for, within};
use crate::start;

fn client(target: &Target, options: Options) -> Client {
    let timeouts = Timeouts { authorization: Duration::from_millis(500), ..Timeouts::default() };
    Client::with_options(target.builder().timeouts(timeouts).build().expect("valid"), options)
}

fn asking(endpoint: &Endpoint) -> Options {
    Options::default().auth_endpoint(AuthEndpoint::new(&endpoint.url("/pusher/auth")))
}

/// Why the channel failed for good.
async fn refusal(subscription: &Subscription) -> (Option<u16>, String) {
    let error = within(subscription.subscribed()).await.expect_err("refused");
    match error {
        SubscriptionError::Failed {
            reason: RequestFailure::Denied(Denied::Refused { status, message, .. }),
            ..
        } => (status, message.to_string()),
        other => panic!("not a refusal: {other:?}"),
    }
}

/// The failures of a channel that are tried again, until it is subscribed.
async fn troubles(subscription: &mut Subscription) -> Vec<Denied> {
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
    let (signs, number) = (target.clone(), AtomicU32::new(0));
    let endpoint = Endpoint::start(move |asked| {
        let status = [200, 201][number.fetch_add(1, Ordering::SeqCst) as usize % 2];
        Answer::status(status, &grant(&signs, asked))
    });
    let asks = AuthEndpoint::new(&endpoint.url("/pusher/auth"))
        .user_url(&endpoint.url("/pusher/user-auth"))
        .parameter("tenant", "7 & 8")
        .header("X-CSRF-Token", "0123");
    let client = client(&target, Options::default().auth_endpoint(asks));
    let mut orders = subscribed(&client, "private-orders").await;
    // The endpoint knows who subscribes: nobody has to say so here.
    let room = subscribed(&client, "presence-room").await;
    assert_eq!(room.members()[0].id(), "7");
    client.sign_in(None).expect("somebody authorizes");
    assert_eq!(within(client.signed_in()).await.as_deref(), Ok("ann"));
    server.publish("private-orders", "order", "1");
    assert_eq!(next_text(&mut orders, "order").await, "1");

    let asked = endpoint.asked();
    let socket_id = client.status().socket_id.expect("connected");
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, ["/pusher/auth", "/pusher/auth", "/pusher/user-auth"]);
    for asked in &asked {
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(asked.headers["x-csrf-token"], "0123");
        assert_eq!(asked.form["socket_id"], socket_id.as_str());
        assert_eq!(asked.form["tenant"], "7 & 8");
    }
    assert_eq!(asked[0].form["channel_name"], "private-orders");
    assert!(!asked[2].form.contains_key("channel_name"));
}

#[tokio::test]
async fn a_refusal_is_final_with_status_and_body_until_retried_and_others_go_on() {
    let (target, server) = start();
    let (signs, is_open) = (target.clone(), AtomicU32::new(0));
    let endpoint = Endpoint::start(move |asked| {
        let is_staff = asked.form["channel_name"] == "private-staff";
        if is_staff && is_open.fetch_add(1, Ordering::SeqCst) == 0 {
            return Answer::status(403, r#"{"message":"not on Sundays"}"#);
        }
        Answer::status(200, &grant(&signs, asked))
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
    let (target, _server) = start();
    let (signs, attempts) = (target.clone(), AtomicU32::new(0));
    let endpoint = Endpoint::start(move |asked| match attempts.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::status(500, "out of order"),
        1 => Answer::Http(503, vec![("Retry-After", "0".to_string())], String::new()),
        2 => Answer::Silence,
        3 => Answer::Raw("220 mail.example ESMTP\r\n"),
        _ => Answer::status(200, &grant(&signs, asked)),
    });
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
    assert_eq!(seen[0], Denied::unavailable(Some(500), "out of order"));
    assert!(
        matches!(
            &seen[1],
            Denied::Unavailable { status: Some(503), retry_after: Some(Duration::ZERO), .. }
        ),
        "{seen:#?}"
    );
    assert!(seen[2].to_string().contains("no answer within"), "{seen:#?}");
    assert_eq!(seen[3], Denied::unavailable(None, "the answer is not HTTP"));

    let asked = endpoint.asked();
    for (number, asked) in asked.iter().enumerate() {
        assert_eq!(asked.headers["authorization"], format!("Bearer token-{}", number + 1));
    }
    assert_eq!(asked[0].headers["x-last-failure"], "none");
    assert!(asked[1].headers["x-last-failure"].contains("out of order"));
    assert!(!format!("{client:?} {seen:?}").contains("token-"));
}

#[tokio::test]
async fn junk_and_redirects_are_final_and_nothing_is_followed() {
    let (target, _server) = start();
    let endpoint = Endpoint::start(|asked| match asked.form["channel_name"].as_str() {
        "private-moved" => {
            Answer::Http(302, vec![("Location", "/login".to_string())], String::new())
        }
        "private-kept" => {
            Answer::Http(307, vec![("Location", "/auth2".to_string())], String::new())
        }
        "private-large" => Answer::status(200, &"x".repeat(2 * 1024 * 1024)),
        "private-page" => Answer::status(200, "<html>the secret of the day is 42</html>"),
        _ => Answer::status(200, r#"{"user_data":"{}"}"#),
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
    assert!(endpoint.asked().iter().all(|asked| asked.path == "/pusher/auth"));
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
    // Nobody listens there, for now.
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
    let (signs, released) = (target.clone(), Mutex::new(Some(released)));
    let endpoint = Endpoint::start(move |asked| {
        let answer = Answer::status(200, &grant(&signs, asked));
        let slow = match asked.form["channel_name"].as_str() {
            "private-slow" => released.lock().unwrap().take(),
            _ => None,
        };
        match slow {
            Some(signal) => Answer::After(signal, Box::new(answer)),
            None => answer,
        }
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
    let text = Denied::unavailable(None, "the request was not carried out");
    assert_eq!(troubles(&mut panics).await, [text]);
    assert_eq!(client.channel_state("private-slow"), Some(ChannelState::Authorizing));
    drop(release);
    within(slow.subscribed()).await.expect("subscribed");
}

#[test]
fn a_request_that_hangs_ends_with_the_client() {
    let (target, _server) = start();
    let (came, comes) = mpsc::channel();
    let came = Mutex::new(came);
    let endpoint = Endpoint::start(move |_| {
        came.lock().unwrap().send(()).expect("the test waits");
        Answer::Silence
    });
    let hour = Duration::from_secs(60 * 60);
    let timeouts = Timeouts { authorization: hour, ..Timeouts::default() };
    let config = target.builder().timeouts(timeouts).build().expect("valid");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = runtime.block_on(async { Client::with_options(config, asking(&endpoint)) });
    client.subscribe("private-orders").expect("a good channel").detach();
    comes.recv_timeout(PATIENCE).expect("it asks");
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
    let endpoint = Endpoint::granting(&target);
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
    let asked = endpoint.asked();
    let mut socket_ids: Vec<_> = asked.iter().map(|asked| &asked.form["socket_id"]).collect();
    socket_ids.dedup();
    assert_eq!((asked.len(), socket_ids.len()), (40, 2));
}
