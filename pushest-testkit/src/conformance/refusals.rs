//! Servers, and what stands before them, that say no.

use std::time::Duration;

use pushest_proto::{ConnectionState, DialFailure, Event, Loss};

use super::driver::{Driver, DriverClient, Unmet};
use super::patience::{Expect, PATIENCE, connected, started};
use super::{Scheme, in_process};
use crate::{Target, UpgradeFault};

pub fn a_refusal_with_4001_stops_it_and_says_why_until_connect<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    server.refuse_connections(Some((4001, "App key not in this cluster")));
    let mut client = D::client(remote.config(), remote.settings());
    client.want("news"); // once it is refused, nothing is wanted
    client.connect();
    let Err(Unmet::Failed(error)) = client.connected(PATIENCE) else { panic!("it is refused") };
    assert!(error.contains("4001: App key not in this cluster"), "{error}");
    assert!(matches!(client.subscribed("news", PATIENCE), Err(Unmet::Failed(_))));
    let status = client.status();
    assert_eq!(status.state, ConnectionState::Refused);
    // The error came first, and said the same as the close frame.
    let loss = Loss::Refused { code: 4001, message: "App key not in this cluster".into() };
    assert_eq!(status.last_loss.as_deref(), Some(&loss));
    assert_eq!(client.next_state(ConnectionState::Refused).loss.as_deref(), Some(&loss));

    server.refuse_connections(None);
    client.connect();
    client.must_subscribe("news");
}

pub fn an_established_connection_that_is_closed_with_4003_stops_it_too<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    server.close(Target::All, 4003, "disabled");
    let change = client.next_state(ConnectionState::Refused);
    assert_eq!(change.loss.as_deref(), Some(&Loss::closed(Some(4003), "disabled")));
    assert!(matches!(client.connected(PATIENCE), Err(Unmet::Failed(_))));
    client.sleep(Duration::from_millis(300));
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

pub fn a_server_over_capacity_is_spared_for_a_second<D: Driver>() {
    let (remote, server) = in_process();
    server.refuse_connections(Some((4100, "Over capacity")));
    let mut client = started::<D>(remote.config());
    let change = client.next_state(ConnectionState::Waiting);
    let loss = Loss::Refused { code: 4100, message: "Over capacity".into() };
    assert_eq!(change.loss.as_deref(), Some(&loss));
    let pause = change.retry_in.expect("it is tried again");
    assert!(pause >= Duration::from_secs(1), "{pause:?}");
    server.refuse_connections(None);
    client.must_connect();
    assert_eq!(client.status().attempt, 2);
}

pub fn a_server_that_asks_to_reconnect_is_back_within_half_a_second<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.next_state(ConnectionState::Connected);
    server.close(Target::All, 4200, "please reconnect");
    let change = client.next_state(ConnectionState::Waiting);
    // Drawn, so that not all clients come back at the same moment.
    let pause = change.retry_in.expect("it is tried again");
    assert!(pause <= Duration::from_millis(500), "{pause:?}");
    client.next_state(ConnectionState::Connected);
    let loss = Loss::closed(Some(4200), "please reconnect");
    assert_eq!(client.status().last_loss.as_deref(), Some(&loss));
    assert_eq!(client.statistics().reconnects, 1);
}

pub fn a_server_that_wants_tls_is_asked_with_tls<D: Driver>() {
    let (remote, server) = in_process();
    server.refuse_connections(Some((4000, "Connect with TLS only")));
    let mut client = started::<D>(remote.config());
    // This server has none, so that the second attempt fails, and says at what.
    let loss = client.wait_for(|event| match event {
        Event::State(change) => match change.loss.as_deref() {
            Some(loss @ Loss::Dial(_)) => Some(loss.clone()),
            _ => None,
        },
        _ => None,
    });
    // Or that this build cannot do it at all.
    let is_tls = matches!(loss, Loss::Dial(DialFailure::Tls { .. } | DialFailure::Unsupported(_)));
    assert!(is_tls, "{loss:?}");
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

pub fn http_refusals_are_told_and_tried_again<D: Driver>() {
    let (remote, server) = in_process();
    let http = |status, retry_after: Option<u64>, location: Option<&str>| DialFailure::Http {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        location: location.map(Into::into),
        body: "".into(),
    };
    let faults = [
        (UpgradeFault::status(404, &[]), http(404, None, None)),
        (UpgradeFault::status(500, &[]), http(500, None, None)),
        (UpgradeFault::status(503, &[("Retry-After", "0")]), http(503, Some(0), None)),
        (UpgradeFault::status(429, &[("Retry-After", "1")]), http(429, Some(1), None)),
        (
            UpgradeFault::status(301, &[("Location", "https://example.com/")]),
            http(301, None, Some("https://example.com/")),
        ),
    ];
    for (fault, _) in &faults {
        server.fault_upgrades(1, fault.clone());
    }
    let mut client = started::<D>(remote.config());
    for (_, failure) in faults {
        let change = client.next_state(ConnectionState::Waiting);
        let asked = match &failure {
            DialFailure::Http { retry_after, .. } => retry_after.unwrap_or_default(),
            other => panic!("{other:?}"),
        };
        assert_eq!(change.loss.as_deref(), Some(&Loss::Dial(failure)));
        let pause = change.retry_in.expect("it is tried again");
        assert!(pause >= asked, "{pause:?}");
    }
    client.must_connect();
    assert_eq!(server.inspect(|view| view.upgrades), 6);
}

pub fn a_client_that_stops_on_refusal_ends_with_the_http_status<D: Driver>() {
    let (remote, server) = in_process();
    server.fault_upgrades(1, UpgradeFault::status(403, &[]));
    let config = remote.builder().stop_on_refusal(true).build().expect("valid");
    let Err(Unmet::Failed(error)) = started::<D>(config).connected(PATIENCE) else {
        panic!("it is refused")
    };
    assert!(error.contains("HTTP status 403"), "{error}");
}

pub fn connecting_again_does_not_wait_for_the_time_that_a_server_asked_for<D: Driver>() {
    let (remote, server) = in_process();
    server.fault_upgrades(1, UpgradeFault::status(503, &[("Retry-After", "3600")]));
    let mut client = started::<D>(remote.config());
    let pause = client.next_state(ConnectionState::Waiting).retry_in.expect("it is tried again");
    assert!(pause >= Duration::from_secs(3600), "{pause:?}");
    assert_eq!(client.connected(Duration::from_millis(20)), Err(Unmet::TimedOut));
    client.connect();
    client.must_connect();
}
