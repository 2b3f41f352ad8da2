//! A connection without a thread that its program does not run is seen from outside, though its state
//! is what it was.

use std::time::{Duration, Instant};

use pushest_blocking::{
    Config, Connection, ConnectionState, Ending, HealthRules, HealthState, Timeouts,
};
use pushest_testkit::Server;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_connection_that_nobody_carries_is_down_though_it_believes_to_be_connected() {
    let server = Server::start().expect("a server");
    // Long enough that a busy machine does not make it late by itself.
    let soon = Duration::from_secs(1);
    let timeouts = Timeouts::default().activity(soon);
    let config = Config::builder("app-key").host("127.0.0.1").port(server.port());
    let config = config.timeouts(timeouts).build().expect("valid");
    let mut connection = Connection::new(config);
    connection.connected().expect("connected");
    let rules = HealthRules::default().stalled_after(soon);
    assert!(connection.health_by(&rules).is_healthy());
    // Its ping is due, and nothing sends it.
    let begun = Instant::now();
    while connection.health_by(&rules).state != HealthState::Down {
        assert!(begun.elapsed() < PATIENCE, "{:?}", connection.snapshot());
        // What is waited for is time that passes, and no event tells of it.
        std::thread::sleep(Duration::from_millis(10));
    }
    let snapshot = connection.snapshot();
    assert_eq!(snapshot.state, ConnectionState::Connected);
    assert!(snapshot.overdue_for.expect("it is") >= soon);
    assert_eq!(connection.health_by(&rules).reasons[0].kind(), "stalled");
    connection.flush().expect("the server is there");
    assert!(connection.health_by(&rules).is_healthy());
}

#[test]
fn a_handle_that_outlives_its_connection_says_that_it_has_ended() {
    let server = Server::start().expect("a server");
    let config = Config::builder("app-key").host("127.0.0.1").port(server.port());
    let mut connection = Connection::new(config.build().expect("valid"));
    connection.connected().expect("connected");
    let handle = connection.handle();
    assert!(handle.health().is_healthy());
    drop(connection);
    let health = handle.health();
    assert_eq!((health.state, health.reasons[0].kind()), (HealthState::Down, "ended"), "{health}");
    assert_eq!(handle.snapshot().ending, Some(Ending::Ended));
}
