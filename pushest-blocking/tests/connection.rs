//! The client without a thread: a call that waits carries its connection.

use std::time::{Duration, Instant};

use pushest_blocking::{
    BackoffConfig, Client, CommandError, Config, Connection, ConnectionState, Event, Events,
    Options, RecvError, SubscribeOptions, SubscriptionError, Timeouts,
};
use pushest_testkit::{Server, Target};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(server: &Server) -> Config {
    builder(server).build().expect("valid")
}

fn builder(server: &Server) -> pushest_blocking::ConfigBuilder {
    let app = server.app();
    Config::builder(&app.key).secret(app.secret()).host("127.0.0.1").port(server.port())
}

fn impatient(server: &Server, activity: Duration, pong: Duration) -> Config {
    let timeouts = Timeouts::default().activity(activity).pong(pong);
    builder(server).timeouts(timeouts).build().expect("valid")
}

fn start() -> (Server, Connection) {
    let server = Server::builder().record(true).start().expect("a server");
    let mut connection = Connection::new(config(&server));
    connection.connected_timeout(PATIENCE).expect("connected");
    (server, connection)
}

/// The next event of this name on any channel.
fn next_text(connection: &mut Connection, name: &str) -> String {
    loop {
        match connection.recv_timeout(PATIENCE).expect("it comes") {
            Event::Channel(event) if event.name() == name => return event.text().into_owned(),
            _ => {}
        }
    }
}

#[test]
fn it_subscribes_receives_triggers_and_knows_the_members() {
    let (server, mut connection) = start();
    let me = SubscribeOptions::member("7");
    let room = connection.subscribe_with("presence-room", &me).expect("a good channel");
    connection.subscribed(&room).expect("subscribed");
    assert_eq!(connection.members("presence-room").len(), 1);

    let mut other = Connection::new(config(&server));
    let same = other.subscribe_with("presence-room", &SubscribeOptions::member("8"));
    other.subscribed(&same.expect("a good channel")).expect("subscribed");
    connection.trigger("presence-room", "client-hello", "hello").expect("it may");
    connection.flush().expect("flushed");
    assert_eq!(next_text(&mut other, "client-hello"), "hello");

    server.publish("presence-room", "news", "rain");
    assert_eq!(next_text(&mut connection, "news"), "rain");
    assert_eq!(connection.members("presence-room").len(), 2);
    connection.unsubscribe("presence-room").expect("it is wanted");
    connection.flush().expect("flushed");
    assert_eq!(server.subscribers("presence-room"), 1);
    let gone = connection.subscribed_timeout(&room, PATIENCE);
    assert!(gone.expect_err("not wanted").to_string().contains("has ended"));
}

#[test]
fn nothing_is_told_from_the_end_and_time_is_kept() {
    let (server, mut connection) = start();
    let news = connection.subscribe("news").expect("a good channel");
    connection.subscribed(&news).expect("subscribed");
    while connection.try_recv().is_ok() {}
    assert_eq!(connection.try_recv().err(), Some(RecvError::Timeout));
    let begun = Instant::now();
    assert_eq!(connection.recv_timeout(Duration::from_millis(50)).err(), Some(RecvError::Timeout));
    assert!(begun.elapsed() >= Duration::from_millis(50));

    server.publish("news", "headline", "rain");
    let event = connection.find(|event| matches!(event, Event::Channel(_)));
    assert!(matches!(event, Some(Event::Channel(event)) if event.text() == "rain"));
}

#[test]
fn heartbeats_are_kept_while_it_waits_and_sleeps() {
    let server = Server::builder().record(true).start().expect("a server");
    let mut connection = Connection::new(impatient(&server, Duration::from_millis(100), PATIENCE));
    connection.connected().expect("connected");
    let pings = || {
        let received = server.received();
        received.iter().filter(|message| message.contains("pusher:ping")).count()
    };
    while pings() < 2 {
        connection.sleep(Duration::from_millis(10));
    }
    while connection.try_recv().is_ok() {}
    let before = pings();
    while pings() < before + 2 {
        assert_eq!(
            connection.recv_timeout(Duration::from_millis(10)).err(),
            Some(RecvError::Timeout)
        );
    }
    assert_eq!(connection.status().attempt, 1);
}

#[test]
fn whoever_was_away_for_longer_than_every_timeout_finds_the_connection_as_it_was() {
    let server = Server::builder().record(true).start().expect("a server");
    let quick = Duration::from_millis(50);
    let mut connection = Connection::new(impatient(&server, quick, quick));
    let socket_id = connection.connected().expect("connected");
    // A ping is under way, its pong arrives while no call waits.
    server.set_delay(Duration::from_millis(30));
    while !server.received().iter().any(|message| message.contains("pusher:ping")) {
        connection.sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(200));
    connection.flush().expect("still there");
    assert_eq!(connection.status().socket_id, Some(socket_id));
}

#[test]
fn a_lost_connection_is_made_anew_while_it_waits() {
    let (server, mut connection) = start();
    let news = connection.subscribe("private-news").expect("a good channel");
    connection.subscribed(&news).expect("subscribed");
    server.drop_connections(Target::All);
    let is_gap = |event: &Event| matches!(event, Event::Gap { .. });
    assert!(connection.any(|event| is_gap(&event)));
    server.publish("private-news", "headline", "rain");
    assert_eq!(next_text(&mut connection, "headline"), "rain");
}

#[test]
fn commands_of_other_threads_take_effect_while_it_waits() {
    let (server, mut connection) = start();
    let handle: pushest_blocking::proto::ChannelName = {
        let name = connection.subscribe("private-chat").expect("a good channel");
        connection.subscribed(&name).expect("subscribed");
        name
    };
    let remote = connection.handle();
    let thread = std::thread::spawn(move || {
        remote.trigger(handle.as_str(), "client-hello", &1).expect("it may");
        while !server.received().iter().any(|message| message.contains("client-hello")) {
            std::thread::sleep(Duration::from_millis(1));
        }
        server.publish("private-chat", "answer", "2");
    });
    assert_eq!(next_text(&mut connection, "answer"), "2");
    thread.join().expect("no panic");
}

#[test]
fn dropping_it_closes_the_connection_in_order() {
    let (server, connection) = start();
    let handle = connection.handle();
    drop(connection);
    server.wait_for_connections(0, PATIENCE).expect("closed");
    assert_eq!(handle.status().state, ConnectionState::Disconnected);

    let (server, connection) = start();
    server.stop_answering(Target::All);
    let begun = Instant::now();
    drop(connection);
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
}

#[test]
fn a_thread_goes_on_with_it_and_loses_nothing() {
    let (server, mut connection) = start();
    let news = connection.subscribe("news").expect("a good channel");
    connection.subscribed(&news).expect("subscribed");
    server.publish("news", "headline", "first");
    connection.flush().expect("flushed");
    let (client, mut events) = connection.spawn();
    server.publish("news", "headline", "second");
    let mut texts = Vec::new();
    while texts.len() < 2 {
        if let Event::Channel(event) = events.recv_timeout(PATIENCE).expect("it comes") {
            texts.push(event.text().into_owned());
        }
    }
    assert_eq!(texts, ["first", "second"]);
    let clone: Client = client.clone();
    drop(client);
    clone.flush_timeout(PATIENCE).expect("a clone is the same client");
    drop(clone);
    server.wait_for_connections(0, PATIENCE).expect("closed");
    assert!(events.any(|event| matches!(event, Event::State(_))));
    assert!(events.recv().is_none());
}

#[test]
fn an_authorizer_may_block() {
    let server = Server::start().expect("a server");
    let secret = server.app().secret().to_string();
    let signer = pushest_blocking::proto::Signer::new(&server.app().key, &secret);
    let options = Options::default().blocking_authorizer(move |request| {
        std::thread::sleep(Duration::from_millis(20));
        let channel = request.subject.channel().expect("nobody signs in");
        let auth = signer.channel(&request.socket_id, channel.as_str(), None);
        Ok(pushest_blocking::Authorization::new(auth))
    });
    let config = Config::builder("app-key").host("127.0.0.1").port(server.port());
    let mut connection = Connection::with_options(config.build().expect("valid"), options);
    let news = connection.subscribe("private-news").expect("a good channel");
    connection.subscribed(&news).expect("subscribed");
}

#[test]
fn receiving_ends_once_nothing_more_can_come_and_goes_on_after_connect() {
    let (server, mut connection) = start();
    server.close(Target::All, 4001, "no such app");
    let last = connection.by_ref().last().expect("it was connected before");
    assert!(matches!(&last, Event::State(change) if change.to == ConnectionState::Refused));
    assert_eq!(connection.try_recv().err(), Some(RecvError::Closed));
    connection.connect();
    connection.connected_timeout(PATIENCE).expect("connected");
    assert!(connection.try_recv().is_ok());

    // A pause does not end it; and what was told of it is not told again.
    connection.disconnect();
    let last =
        std::iter::from_fn(|| connection.recv_timeout(Duration::from_millis(50)).ok()).last();
    let told = |event: &Event| match event {
        Event::State(change) => Some(change.to),
        _ => None,
    };
    assert_eq!(last.as_ref().and_then(told), Some(ConnectionState::Disconnected));
    assert_eq!(connection.try_recv().err(), Some(RecvError::Timeout));
    connection.shutdown();
    assert_eq!(connection.try_recv().err(), Some(RecvError::Closed));

    connection.connect();
    connection.connected_timeout(PATIENCE).expect("connected");
    connection.shutdown();
    let last = connection.by_ref().last();
    assert_eq!(last.as_ref().and_then(told), Some(ConnectionState::Disconnected));
}

#[test]
fn an_authorizer_that_panics_ends_the_client_and_nothing_else() {
    let server = Server::start().expect("a server");
    // Only the driver has authorizers that are futures.
    let options = pushest_conformance::driver::Options::default()
        .authorizer(|_| async { panic!("as a test wants it") });
    let config = Config::builder("app-key").host("127.0.0.1").port(server.port());
    let mut connection = Connection::with_options(config.build().expect("valid"), options.into());
    connection.subscribe("private-news").expect("a good channel");
    let waiting = std::panic::AssertUnwindSafe(|| connection.by_ref().for_each(drop));
    std::panic::catch_unwind(waiting).expect_err("the panic is the user's to see");
    connection.connected().expect_err("it has ended");
    connection.by_ref().for_each(drop);
    assert_eq!(connection.try_recv().err(), Some(RecvError::Closed));
}

#[test]
fn nothing_that_a_user_reaches_is_a_future() {
    let (_server, connection) = start();
    let (client, _events) = connection.spawn();
    let chat = client.subscribe("private-chat").expect("a good channel");
    let subscribed: Result<(), SubscriptionError> = chat.subscribed();
    subscribed.expect("subscribed");
    let triggered: Result<(), CommandError> = chat.trigger_when_allowed("client-a", "b");
    triggered.expect("it may");
    let typed = chat.on::<u32>("number");
    let subscribed: Result<(), SubscriptionError> = typed.subscribed();
    subscribed.expect("subscribed");
    let mut user: Events = client.user_events();
    let nothing: Result<Event, RecvError> = user.try_recv();
    nothing.expect_err("nobody has signed in");
}

#[test]
fn authorizers_that_hang_are_counted() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};

    let server = Server::start().expect("a server");
    let (calls, (release, hang)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel::<()>());
    let (counter, hang) = (calls.clone(), std::sync::Mutex::new(hang));
    let options = Options::default().blocking_authorizer(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        let _ = hang.lock().expect("nobody panics").recv();
        Err(pushest_blocking::AuthorizationError::unavailable(None, "too late"))
    });
    let quick = Duration::from_millis(1);
    let timeouts = Timeouts::default().authorization(quick);
    let backoff = BackoffConfig::default().initial(quick).maximum(quick);
    let config = Config::builder("app-key").host("127.0.0.1").port(server.port());
    let config = config.timeouts(timeouts).backoff(backoff).build().expect("valid");
    let mut connection = Connection::with_options(config, options);
    for number in 0..8 {
        connection.subscribe(&format!("private-{number}")).expect("a good channel");
    }
    let refused = |event: &Event| match event {
        Event::SubscriptionFailed { reason, .. } => reason.to_string().contains("still block"),
        _ => false,
    };
    assert!(connection.any(|event| refused(&event)));
    while calls.load(Ordering::SeqCst) < 9 {
        connection.sleep(quick);
    }
    connection.sleep(20 * quick);
    assert_eq!(calls.load(Ordering::SeqCst), 9);
    drop(release);
}

#[cfg(feature = "tls-ring")]
#[test]
fn it_speaks_tls_and_resolves_names() {
    let server = Server::start_tls().expect("a server");
    let pem = server.authority_pem().expect("a server with TLS").to_string();
    let config = builder(&server).host("localhost").tls(true).build().expect("valid");
    let mut stranger = Connection::new(config.clone());
    let error = stranger.attempted().expect_err("unknown");
    assert!(error.to_string().contains("certificate"), "{error}");

    let options = Options::default().ca_pem(pem).expect("certificates");
    let mut connection = Connection::with_options(config, options);
    let news = connection.subscribe("news").expect("a good channel");
    connection.subscribed(&news).expect("subscribed");
    let long = "rain ".repeat(1_500);
    server.publish("news", "headline", &long);
    assert_eq!(next_text(&mut connection, "headline"), long);
}
