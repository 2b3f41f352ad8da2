//! What a client reports about itself: counters, snapshots and health.

use std::time::{Duration, Instant};

use pushest_driver::proto::{
    Config, ConfigBuilder, ConnectionState, Endpoint, SubscribeOptions, Timeouts,
};
use pushest_driver::{
    Authorization, AuthorizationError, AuthorizationRequest, Ending, Health, HealthRules,
    HealthState, Options, Overflow, Snapshot,
};
use pushest_testkit::{Server, Target};

use crate::Waits;
use crate::receivers::PATIENCE;

const STEP: Duration = Duration::from_millis(5);

const CHANNEL: &str = "private-chat";

fn builder(server: &Server) -> ConfigBuilder {
    Config::builder(&server.app().key).host("127.0.0.1").port(server.port())
}

fn signing(server: &Server) -> ConfigBuilder {
    builder(server).secret(server.app().secret())
}

fn options() -> Options {
    Options::default().start_disconnected()
}

fn start<W: Waits>(config: ConfigBuilder, options: Options) -> W {
    W::start(config.build().expect("valid"), options)
}

/// A client that is connected and has subscribed.
fn subscribed<W: Waits>(config: ConfigBuilder, options: Options) -> W {
    let mut client: W = start(config, options);
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    subscribe(&mut client, CHANNEL);
    client.subscribed(CHANNEL, PATIENCE).expect("subscribed");
    client
}

fn subscribe<W: Waits>(client: &mut W, channel: &str) {
    client.subscribe(channel, &SubscribeOptions::default()).expect("a good channel");
}

/// Lets the client go on until something is the case; returns the snapshot in which it is.
fn until<W: Waits>(client: &mut W, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let snapshot = client.commands().snapshot();
        if is_so(&snapshot) {
            return snapshot;
        }
        assert!(Instant::now() < deadline, "waited for {what}; {snapshot:?}");
        client.sleep(STEP);
    }
}

fn health<W: Waits>(client: &W) -> Health {
    client.commands().health()
}

fn reasons(health: &Health) -> Vec<&'static str> {
    health.reasons.iter().map(|reason| reason.kind()).collect()
}

/// Fails unless this is all that is said of the client; returns the words.
fn is<W: Waits>(client: &W, state: HealthState, names: &[&str]) -> String {
    let health = health(client);
    assert_eq!((health.state, &*reasons(&health)), (state, names), "{health}");
    health.to_string()
}

#[doc(hidden)]
pub fn a_snapshot_tells_state_channels_counters_and_queues_of_one_moment<W: Waits>() {
    let server = Server::start().expect("a server");
    let config = signing(&server).channel_statistics(true);
    let mut client: W = subscribed(config, options().name("watched"));
    for number in 0..3 {
        server.publish(CHANNEL, "number", &number.to_string());
    }
    let snapshot = until(&mut client, "the events", |it| it.statistics.events == 3);
    assert_eq!((&*snapshot.client, snapshot.state), ("watched", ConnectionState::Connected));
    assert_eq!(snapshot.socket_id, client.commands().status().socket_id);
    assert_eq!((snapshot.away_for, snapshot.next_retry, snapshot.ending), (None, None, None));
    assert_eq!((snapshot.attempt, &snapshot.last_loss), (1, &None));
    let channels = &snapshot.channels;
    assert_eq!((channels.wanted, channels.subscribed, channels.unconfirmed), (1, 1, 0));
    let counted = &snapshot.statistics;
    assert_eq!((counted.dials, counted.connections, counted.losses), (1, 1, 0));
    assert!(counted.messages >= 5 && counted.bytes > 100, "{counted:?}");
    assert!(counted.sent_messages >= 1 && counted.sent_bytes > 10, "{counted:?}");
    // What surrounds the messages counts on the way.
    let traffic = &snapshot.traffic;
    assert!(traffic.frames_received >= counted.messages, "{snapshot:?}");
    assert!(traffic.bytes_received > counted.bytes, "{snapshot:?}");
    assert!(traffic.frames_sent >= 1 && traffic.bytes_sent > 10, "{snapshot:?}");
    // One receiver, which has the changes of state, the subscription and the events.
    let queues = &snapshot.queues;
    assert_eq!((queues.receivers, queues.dropped, queues.last_dropped), (1, 0, None));
    assert!(queues.events >= 4 && queues.bytes > 100, "{queues:?}");
    assert_eq!((queues.largest_events, queues.largest_bytes), (queues.events, queues.bytes));
    let [channel] = &snapshot.by_channel[..] else { panic!("{snapshot:?}") };
    assert_eq!((channel.channel.as_str(), channel.statistics.events), (CHANNEL, 3));
    assert!(channel.statistics.bytes > 100 && channel.statistics.last_event.is_some());
    let counted = client.commands().channel_statistics(CHANNEL).expect("it is counted");
    assert_eq!((counted.events, counted.bytes), (3, channel.statistics.bytes));
    assert_eq!(client.commands().channel_statistics("nothing-of-this-name"), None);
    is(&client, HealthState::Healthy, &[]);
    while client.recv(STEP).is_ok() {}
    let queues = client.commands().snapshot().queues;
    assert_eq!(
        (queues.receivers, queues.events, queues.bytes, queues.largest_events),
        (1, 0, 0, 0)
    );
}

#[doc(hidden)]
pub fn a_snapshot_serializes_and_has_no_secret<W: Waits>() {
    let server = Server::start().expect("a server");
    let mut client: W = subscribed(signing(&server).channel_statistics(true), options());
    server.drop_connections(Target::All);
    let snapshot = until(&mut client, "the gap", |it| it.statistics.gaps == 1);
    let text = serde_json::to_string(&snapshot).expect("it serializes");
    assert!(!text.contains(server.app().secret()), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&json["state"], &json["channels"]["subscribed"]), (&"connected".into(), &1.into()));
    assert_eq!(json["by_channel"][0]["channel"], CHANNEL);
    assert_eq!(json["by_channel"][0]["statistics"]["gaps"], 1);
    let loss = serde_json::to_value(&*snapshot.last_loss.expect("it was lost"));
    assert_eq!(json["last_loss"], loss.expect("it serializes"));
    let health = serde_json::to_value(health(&client)).expect("it serializes");
    assert_eq!(health, serde_json::json!({"state": "healthy", "reasons": []}));
}

#[doc(hidden)]
pub fn without_a_server_it_is_degraded_then_down_and_with_one_it_is_healthy<W: Waits>() {
    let server = Server::start().expect("a server");
    // No server listens there.
    let config = signing(&server).port(1);
    let mut client: W = start(config, options());
    is(&client, HealthState::Down, &["disconnected"]);
    client.commands().connect();
    let snapshot = until(&mut client, "two failures", |it| {
        it.statistics.failed_dials.total() == 2 && it.state == ConnectionState::Waiting
    });
    assert_eq!(snapshot.statistics.failed_dials.connect, 2, "{snapshot:?}");
    let away_for = snapshot.away_for.expect("it is away");
    assert!(away_for > snapshot.state_for, "the first attempt counts: {snapshot:?}");
    assert!(snapshot.next_retry.is_some() && snapshot.last_loss.is_some());
    let words = is(&client, HealthState::Degraded, &["reconnecting"]);
    assert!(words.contains("could not be reached"), "{words}");
    let strict = HealthRules::default().down_after(away_for);
    let down = client.commands().health_by(&strict);
    assert_eq!((down.state, &*reasons(&down)), (HealthState::Down, &["away"][..]), "{down}");
    let endpoint = Config::builder("k").host("127.0.0.1").port(server.port()).build();
    let endpoint: Endpoint = endpoint.expect("valid").endpoint().clone();
    client.commands().set_endpoint(endpoint);
    client.connected(PATIENCE).expect("connected");
    is(&client, HealthState::Healthy, &[]);
}

#[doc(hidden)]
pub fn a_refusal_for_good_is_down_in_the_servers_words<W: Waits>() {
    let server = Server::start().expect("a server");
    let config = Config::builder("app-kee").host("127.0.0.1").port(server.port());
    let mut client: W = start(config, options());
    client.commands().connect();
    let snapshot = until(&mut client, "it", |it| it.state == ConnectionState::Refused);
    let counted = &snapshot.statistics;
    assert_eq!((counted.refusals, counted.failed_dials.handshake), (1, 1), "{snapshot:?}");
    let words = is(&client, HealthState::Down, &["refused"]);
    assert!(words.contains("4001"), "{words}");
}

#[doc(hidden)]
pub fn channels_that_fail_or_cannot_be_authorized_degrade_it_and_are_named<W: Waits>() {
    let server = Server::start().expect("a server");
    let authorizer = |request: AuthorizationRequest| async move {
        match request.subject.channel().expect("nobody signs in").as_str() {
            "private-refused" => Err(AuthorizationError::refused(Some(403), "none of yours")),
            "private-unavailable" => {
                Err(AuthorizationError::unavailable(Some(503), "come back later"))
            }
            _ => std::future::pending::<Result<Authorization, AuthorizationError>>().await,
        }
    };
    let mut client: W = start(builder(&server), options().authorizer(authorizer));
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    is(&client, HealthState::Healthy, &[]);
    for channel in ["news", "private-refused", "private-unavailable", "private-pending"] {
        subscribe(&mut client, channel);
    }
    let snapshot = until(&mut client, "the answers", |it| {
        let channels = &it.channels;
        (channels.failed, channels.unauthorized, channels.subscribed) == (1, 1, 1)
    });
    let channels = &snapshot.channels;
    assert_eq!((channels.wanted, channels.unconfirmed), (4, 1), "{channels:?}");
    let counted = &snapshot.statistics;
    assert!(counted.authorizations >= 3, "{counted:?}");
    assert_eq!((counted.refused_authorizations, counted.failed_subscriptions), (1, 1));
    assert!(counted.unavailable_authorizations >= 1, "{counted:?}");
    let names = ["channels_failed", "authorizations_failing"];
    let words = is(&client, HealthState::Degraded, &names);
    for part in ["private-refused", "none of yours", "private-unavailable", "come back later"] {
        assert!(words.contains(part), "no {part} in {words}");
    }
    let strict = HealthRules::default().unconfirmed_after(Duration::ZERO);
    let strict = client.commands().health_by(&strict);
    assert!(reasons(&strict).contains(&"channels_unconfirmed"), "{strict}");
    assert!(strict.to_string().contains("private-pending"), "{strict}");
    // A channel that is no longer wanted does not degrade the health.
    for channel in ["private-refused", "private-unavailable", "private-pending"] {
        client.commands().unsubscribe(channel).expect("it is wanted");
    }
    is(&client, HealthState::Healthy, &[]);
}

#[doc(hidden)]
pub fn a_receiver_that_loses_events_degrades_it_for_a_while<W: Waits>() {
    let server = Server::start().expect("a server");
    let mut client: W = subscribed(signing(&server), options().queue(10, 1 << 20));
    is(&client, HealthState::Healthy, &[]);
    for number in 0..100 {
        server.publish(CHANNEL, "number", &number.to_string());
    }
    let snapshot = until(&mut client, "the events", |it| it.statistics.events == 100);
    let queues = &snapshot.queues;
    assert!(queues.dropped >= 90, "{queues:?}");
    assert_eq!((queues.events, snapshot.statistics.dropped), (10, queues.dropped));
    let words = is(&client, HealthState::Degraded, &["receivers_lagging"]);
    assert!(words.contains(&queues.dropped.to_string()), "{words}");
    let last = until(&mut client, "time", |it| {
        it.queues.last_dropped.is_some_and(|ago| ago > Duration::from_millis(20))
    });
    let forgetful = HealthRules::default().lagging_within(last.queues.last_dropped.expect("it is"));
    assert!(client.commands().health_by(&forgetful).is_healthy());
}

#[doc(hidden)]
pub fn reading_that_waits_for_a_receiver_is_told_with_its_time<W: Waits>() {
    let server = Server::start().expect("a server");
    let overflowing = options().queue(10, 1 << 20).overflow(Overflow::Wait);
    let mut client: W = subscribed(signing(&server), overflowing);
    for number in 0..200 {
        server.publish(CHANNEL, "number", &number.to_string());
    }
    until(&mut client, "the pause", |it| it.queues.paused_for.is_some());
    let strict = HealthRules::default().paused_after(Duration::ZERO);
    let paused = client.commands().health_by(&strict);
    assert_eq!(
        (paused.state, &*reasons(&paused)),
        (HealthState::Degraded, &["reading_paused"][..])
    );
    is(&client, HealthState::Healthy, &[]);
    let mut events = 0;
    while events < 200 {
        let event = client.recv(PATIENCE).expect("in time").expect("it has not ended");
        events += usize::from(matches!(event, pushest_driver::Event::Channel(_)));
    }
    let snapshot = until(&mut client, "reading", |it| it.queues.paused_for.is_none());
    assert_eq!((snapshot.queues.dropped, snapshot.queues.last_dropped), (0, None));
}

#[doc(hidden)]
pub fn paused_or_shut_down_it_is_down_and_says_which<W: Waits>() {
    let server = Server::start().expect("a server");
    let mut client: W = subscribed(signing(&server), options());
    client.commands().disconnect();
    is(&client, HealthState::Down, &["disconnected"]);
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    client.shutdown(PATIENCE).expect("closed");
    is(&client, HealthState::Down, &["shut_down"]);
    assert_eq!(client.commands().snapshot().ending, Some(Ending::ShutDown));
}

#[doc(hidden)]
pub fn losses_and_gaps_are_counted_once_each<W: Waits>() {
    let server = Server::start().expect("a server");
    let mut client: W = subscribed(signing(&server), options());
    subscribe(&mut client, "news");
    client.subscribed("news", PATIENCE).expect("subscribed");
    for losses in 1..=2 {
        server.drop_connections(Target::All);
        let gaps = 2 * losses;
        let snapshot = until(&mut client, "the gaps", |it| it.statistics.gaps == gaps);
        let counted = &snapshot.statistics;
        assert_eq!((counted.losses, counted.reconnects), (losses, losses), "{counted:?}");
        assert_eq!(counted.dials, counted.connections + counted.failed_dials.total());
        let traffic = &snapshot.traffic;
        assert!(traffic.frames_received >= counted.messages, "of all connections: {snapshot:?}");
        assert!(traffic.bytes_received > counted.bytes && traffic.bytes_sent > 0, "{snapshot:?}");
        assert!(!counted.gap_time.is_zero(), "{counted:?}");
        assert!(snapshot.by_channel.is_empty(), "nobody asked for them");
    }
}

#[doc(hidden)]
pub fn what_was_sent_last_is_in_the_traffic_without_another_event<W: Waits>() {
    let server = Server::start().expect("a server");
    // No timer wakes the client meanwhile, not even one whose deadline has moved away.
    let minutes = Duration::from_secs(600);
    let timeouts = Timeouts::default().dial(minutes).handshake(minutes).activity(minutes);
    let timeouts = timeouts.subscribe(minutes).authorization(minutes).stable(minutes);
    let mut client: W = subscribed(signing(&server).timeouts(timeouts), options());
    let before = client.commands().snapshot().traffic;
    // The server does not answer it.
    client.commands().trigger(CHANNEL, "client-typing", &7).expect("subscribed");
    let snapshot = until(&mut client, "the client event", |it| {
        it.traffic.frames_sent > before.frames_sent && it.traffic.bytes_sent > before.bytes_sent
    });
    assert_eq!(snapshot.traffic.frames_sent, snapshot.statistics.sent_messages, "{snapshot:?}");
    client.shutdown(PATIENCE).expect("closed");
    let snapshot = client.commands().snapshot();
    let with_close = snapshot.statistics.sent_messages + 1;
    assert_eq!(snapshot.traffic.frames_sent, with_close, "{snapshot:?}");
}

/// Makes a test of each of the scenarios of [`watching`](mod@crate::watching) for a client, whose
/// [`Waits`](trait@crate::Waits) this takes.
#[macro_export]
macro_rules! watching {
    ($waits:ty) => {
        $crate::watching! { @tests $waits:
            a_snapshot_tells_state_channels_counters_and_queues_of_one_moment
            a_snapshot_serializes_and_has_no_secret
            without_a_server_it_is_degraded_then_down_and_with_one_it_is_healthy
            a_refusal_for_good_is_down_in_the_servers_words
            channels_that_fail_or_cannot_be_authorized_degrade_it_and_are_named
            a_receiver_that_loses_events_degrades_it_for_a_while
            reading_that_waits_for_a_receiver_is_told_with_its_time
            paused_or_shut_down_it_is_down_and_says_which
            losses_and_gaps_are_counted_once_each
            what_was_sent_last_is_in_the_traffic_without_another_event
        }
    };
    (@tests $waits:ty: $($test:ident)*) => {$(
        #[test]
        fn $test() {
            $crate::watching::$test::<$waits>();
        }
    )*};
}
