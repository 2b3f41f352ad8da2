//! Each rule of [`Health`], at its edge.

use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{
    AuthorizationError, ChannelName, ConnectionState, DialFailure, Endpoint, Loss, RequestFailure,
    Statistics,
};

use super::{HealthReason, HealthRules, HealthState};
use crate::snapshot::{
    ChannelCounts, ChannelFailure, Ending, QueueDepths, Snapshot, UnconfirmedChannel,
};
use crate::traffic::Traffic;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A client with which everything is well.
fn well() -> Snapshot {
    Snapshot {
        client: "1".to_string(),
        state: ConnectionState::Connected,
        state_for: seconds(100.0),
        away_for: None,
        endpoint: Endpoint::new("localhost").expect("a host"),
        socket_id: None,
        attempt: 1,
        // There was one before.
        last_loss: Some(Arc::new(Loss::Dial(DialFailure::Connect("nobody is there".into())))),
        next_retry: None,
        ending: None,
        overdue_for: None,
        sign_in_failure: None,
        channels: ChannelCounts { wanted: 3, subscribed: 3, ..ChannelCounts::default() },
        statistics: Statistics::default(),
        traffic: Traffic::default(),
        queues: QueueDepths { receivers: 1, events: 900, dropped: 7, ..QueueDepths::default() },
        by_channel: Vec::new(),
    }
}

fn away(state: ConnectionState, away_for: f64) -> Snapshot {
    Snapshot { state, away_for: Some(seconds(away_for)), ..well() }
}

fn news() -> ChannelName {
    ChannelName::new("news").expect("a good name")
}

fn failed() -> Option<ChannelFailure> {
    Some(ChannelFailure { channel: news(), reason: RequestFailure::NoAnswer })
}

/// The state, and the names of the reasons.
fn judged(snapshot: &Snapshot) -> (HealthState, Vec<&'static str>) {
    let health = snapshot.health(&HealthRules::default());
    assert_eq!(health.is_healthy(), health.reasons.is_empty());
    assert_eq!(health.is_down(), health.state == HealthState::Down);
    (health.state, health.reasons.iter().map(HealthReason::kind).collect())
}

fn is_healthy(snapshot: &Snapshot) {
    assert_eq!(judged(snapshot), (HealthState::Healthy, vec![]));
}

fn is_degraded(snapshot: &Snapshot, reason: &'static str) {
    assert_eq!(judged(snapshot), (HealthState::Degraded, vec![reason]));
}

fn is_down(snapshot: &Snapshot, reason: &'static str) {
    assert_eq!(judged(snapshot), (HealthState::Down, vec![reason]));
}

#[test]
fn what_went_wrong_once_and_is_over_counts_no_longer() {
    is_healthy(&well());
    assert_eq!(well().health(&HealthRules::default()).to_string(), "healthy");
    let queues = QueueDepths { last_dropped: Some(seconds(60.0)), ..well().queues };
    is_healthy(&Snapshot { queues, ..well() });
}

#[test]
fn one_that_is_not_to_be_connected_is_down_whatever_it_was_before() {
    is_down(&Snapshot { state: ConnectionState::Disconnected, ..well() }, "disconnected");
    is_down(&Snapshot { state: ConnectionState::Refused, ..well() }, "refused");
    let ended = |state, ending| Snapshot { state, ending: Some(ending), ..well() };
    is_down(&ended(ConnectionState::Disconnected, Ending::ShutDown), "shut_down");
    // A refusal for good ends the client as a shutdown does, and says more.
    is_down(&ended(ConnectionState::Refused, Ending::ShutDown), "refused");
    for state in [ConnectionState::Connected, ConnectionState::Disconnected] {
        is_down(&ended(state, Ending::Ended), "ended");
    }
}

#[test]
fn one_without_a_connection_is_degraded_for_a_minute_and_then_down() {
    for state in [ConnectionState::Waiting, ConnectionState::Connecting] {
        is_degraded(&away(state, 0.0), "reconnecting");
        is_degraded(&away(state, 59.9), "reconnecting");
        is_down(&away(state, 60.0), "away");
    }
    let rules = HealthRules::default().down_after(seconds(5.0));
    assert!(away(ConnectionState::Waiting, 5.0).health(&rules).is_down());
    assert!(!away(ConnectionState::Waiting, 4.9).health(&rules).is_down());
}

#[test]
fn one_that_nothing_runs_is_down_though_it_believes_to_be_connected() {
    let overdue = |time| Snapshot { overdue_for: Some(seconds(time)), ..well() };
    is_healthy(&overdue(9.9));
    is_down(&overdue(10.0), "stalled");
}

#[test]
fn one_that_drains_is_degraded() {
    is_degraded(&Snapshot { ending: Some(Ending::Draining), ..well() }, "draining");
}

#[test]
fn a_failed_channel_degrades_and_so_does_one_without_authorization_or_a_failed_sign_in() {
    let of = |channels| Snapshot { channels, ..well() };
    let channels = ChannelCounts { failed: 1, failure: failed(), ..ChannelCounts::default() };
    is_degraded(&of(channels), "channels_failed");
    let unauthorized_failure = failed();
    let channels =
        ChannelCounts { unauthorized: 1, unauthorized_failure, ..ChannelCounts::default() };
    is_degraded(&of(channels), "authorizations_failing");
    let sign_in_failure = Some(RequestFailure::NoAnswer);
    is_degraded(&Snapshot { sign_in_failure, ..well() }, "sign_in_failed");
}

#[test]
fn a_channel_may_be_unconfirmed_for_half_a_minute() {
    let waits = |time| {
        let longest = UnconfirmedChannel { channel: news(), unconfirmed_for: seconds(time) };
        let longest_unconfirmed = Some(longest);
        let channels =
            ChannelCounts { unconfirmed: 2, longest_unconfirmed, ..ChannelCounts::default() };
        Snapshot { channels, ..well() }
    };
    is_healthy(&waits(29.9));
    is_degraded(&waits(30.0), "channels_unconfirmed");
}

#[test]
fn a_receiver_that_lost_events_lately_degrades_and_so_does_one_that_holds_up_reading() {
    let of = |queues| Snapshot { queues, ..well() };
    let lagged = |time| QueueDepths { last_dropped: Some(seconds(time)), ..QueueDepths::default() };
    is_degraded(&of(lagged(0.0)), "receivers_lagging");
    is_degraded(&of(lagged(59.9)), "receivers_lagging");
    let paused = |time| QueueDepths { paused_for: Some(seconds(time)), ..QueueDepths::default() };
    is_healthy(&of(paused(9.9)));
    is_degraded(&of(paused(10.0)), "reading_paused");
}

#[test]
fn what_makes_it_down_stands_first_and_the_rest_is_told_too() {
    let channels = ChannelCounts { failed: 2, failure: failed(), ..ChannelCounts::default() };
    let health = Snapshot { channels, ..away(ConnectionState::Waiting, 61.0) }
        .health(&HealthRules::default());
    assert_eq!(health.state, HealthState::Down);
    assert_eq!(
        health.to_string(),
        "down: not connected for 61.0 s: the server could not be reached: nobody is there; \
         2 channels failed, among them news: the server did not answer"
    );
}

#[test]
fn health_is_one_line_whatever_a_server_says() {
    let said = "bye\u{1b}[2J\nhealthy";
    let loss = || Some(Arc::new(Loss::Refused { code: 4100, message: said.into() }));
    let refused = AuthorizationError::Refused { status: None, message: said.into() };
    let failure = Some(ChannelFailure {
        channel: news(),
        reason: RequestFailure::AuthorizationRefused(refused),
    });
    let reason = failure.as_ref().map(|failed| failed.reason.clone());
    let channels = ChannelCounts {
        failure: failure.clone(),
        unauthorized_failure: failure,
        ..ChannelCounts::default()
    };
    let away = away(ConnectionState::Waiting, 1.0);
    let health = Snapshot { last_loss: loss(), channels, sign_in_failure: reason, ..away }
        .health(&HealthRules::default());
    assert_eq!(health.reasons.len(), 4);
    let text = health.to_string();
    assert!(!text.contains(char::is_control), "{text:?}");
    assert_eq!(text.matches(r"bye\u{1b}[2J\nhealthy").count(), 4, "{text}");
}

#[test]
fn the_worse_is_the_greater() {
    assert!(HealthState::Healthy < HealthState::Degraded);
    assert!(HealthState::Degraded < HealthState::Down);
}

#[cfg(feature = "serde")]
#[test]
fn health_and_snapshots_serialize_in_the_forms_of_the_core() {
    let queues = QueueDepths { last_dropped: Some(seconds(2.5)), ..well().queues };
    let snapshot = Snapshot { queues, ..away(ConnectionState::Waiting, 1.5) };
    let health: super::Health = snapshot.health(&HealthRules::default());
    let health = serde_json::to_value(&health).expect("it serializes");
    assert_eq!(health["state"], "degraded");
    assert_eq!(health["reasons"][0]["kind"], "reconnecting");
    let text = health["reasons"][1]["text"].as_str().expect("a text");
    assert_eq!(text, "7 events were dropped unreceived, the last 2.5 s ago");
    let json = serde_json::to_value(&snapshot).expect("it serializes");
    assert_eq!(json["state"], "waiting");
    assert_eq!(json["away_for_ms"], 1_500);
    assert_eq!(json["next_retry_ms"], serde_json::Value::Null);
    assert_eq!(json["last_loss"]["failure"]["detail"], "nobody is there");
    assert_eq!(json["queues"]["last_dropped_ms"], 2_500);
    assert_eq!(json["statistics"]["failed_dials"]["dns"], 0);
    assert_eq!(json["statistics"]["gap_time_ms"], 0);
    assert_eq!(json["by_channel"], serde_json::json!([]));
}
