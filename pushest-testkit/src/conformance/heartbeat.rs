//! Signs of life in both directions, and peers that give none.

use std::time::Duration;

use pushest_proto::{CommandError, Config, ConnectionState, Loss, Timeouts};
use serde_json::json;

use super::driver::{Driver, DriverClient, Overflow, Settings, Unmet};
use super::messages::{CLOSE, frame};
use super::patience::{Expect, PATIENCE, connected, started, started_with};
use super::{Remote, Scheme, in_process};
use crate::{Server, Target};

fn config(remote: &Remote, activity: u64, pong: u64) -> Config {
    let timeouts = Timeouts::default()
        .activity(Duration::from_millis(activity))
        .pong(Duration::from_millis(pong));
    remote.signing().timeouts(timeouts).build().expect("valid")
}

pub fn a_server_that_falls_silent_is_noticed<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let mut client = started_with::<D>(config(&remote, 200, 200), remote.settings());
    client.must_subscribe("news");
    server.stop_answering(Target::All);
    assert_eq!(client.next_gap("news"), Loss::PongTimeout);
    server.publish("news", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
}

pub fn one_that_answers_pings_is_not_taken_for_silent<D: Driver>() {
    let server = Server::builder().record(true).start().expect("a server");
    let mut client = started::<D>(config(&Remote::of(&server), 50, 5_000));
    let socket_id = client.must_connect();
    let pings = |server: &Server| {
        server.received().iter().filter(|text| text.contains("pusher:ping")).count()
    };
    client.until("three pings", |_| pings(&server) >= 3);
    client.must_flush();
    assert_eq!(server.socket_ids(), [socket_id.as_str()]);
}

pub fn a_server_that_pings_is_answered<D: Driver>() {
    let builder = Server::builder().activity_timeout(Duration::from_millis(100));
    let server = builder.pong_timeout(Duration::from_secs(5)).record(true).start();
    let server = server.expect("a server");
    let mut client = connected::<D>(Remote::of(&server).config());
    let socket_id = client.status().socket_id;
    let pongs = |server: &Server| {
        server.received().iter().filter(|text| text.contains("pusher:pong")).count()
    };
    client.until("three pongs", |_| pongs(&server) >= 3);
    assert_eq!(client.status().socket_id, socket_id);
}

pub fn a_flush_that_is_not_answered_fails_and_the_next_connection_has_its_own<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = started::<D>(config(&remote, 200, 200));
    client.must_connect();
    server.stop_answering(Target::All);
    assert_eq!(client.flush(Duration::from_millis(5)), Err(Unmet::TimedOut));
    let Err(Unmet::Failed(_)) = client.flush(PATIENCE) else { panic!("nobody answers") };
    client.until("another connection", |client| client.statistics().reconnects == 1);
    client.must_flush();
}

pub fn a_flush_without_a_connection_fails<D: Driver>() {
    let (remote, _server) = in_process();
    let mut client = D::client(remote.config(), Settings::default());
    assert!(matches!(client.flush(PATIENCE), Err(Unmet::Failed(_))));
}

pub fn a_server_that_does_not_read_fills_the_session_and_nothing_else<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let mut client = started_with::<D>(remote.config(), remote.settings());
    client.must_subscribe("private-chat");
    server.stop_reading(Target::All);
    let sent = fill(&mut client, "private-chat");
    // What comes in still arrives.
    server.publish("private-chat", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");

    let plenty = remote.settings().queue_events(20_000).queue_bytes(256 << 20);
    let mut other = started_with::<D>(remote.config(), plenty);
    other.must_subscribe("private-chat");
    server.resume_reading(Target::All);
    client.must_flush();
    for _ in 0..sent {
        assert_eq!(other.next_text("client-data").len(), LARGE);
    }
}

pub fn the_servers_close_code_counts_though_nothing_can_be_written_any_more<D: Driver>(
    scheme: Scheme,
) {
    let (remote, server) = scheme.in_process();
    let settings = remote.settings().queue_bytes(LARGE).overflow(Overflow::Wait);
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe("private-chat");
    server.stop_reading(Target::All);
    fill(&mut client, "private-chat");
    // One event fills its queue: nothing more is read before that is received, by when writing has
    // failed.
    let messages = client.statistics().messages;
    server.publish("private-chat", "large", &"x".repeat(LARGE));
    client.until("the event", |client| client.statistics().messages > messages);
    let reason = [&4003_u16.to_be_bytes()[..], b"disabled"].concat();
    server.send_bytes(Target::All, &frame(CLOSE, reason));
    // Elsewhere, a reset may take back what was not read before it.
    if cfg!(target_os = "linux") {
        server.reset_connections(Target::All);
    }
    let change = client.next_state(ConnectionState::Refused);
    assert_eq!(change.loss.as_deref(), Some(&Loss::closed(Some(4003), "disabled")));
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

/// How long the data of a large client event are.
const LARGE: usize = 10_000;

/// Triggers large client events, for a server that does not read, until no more are taken; answers
/// how many were.
fn fill(client: &mut impl DriverClient, channel: &str) -> usize {
    let data = json!("x".repeat(LARGE));
    let mut sent = 0;
    let mut refused = 0;
    // Refused for some time: the sockets are full, and not only the session for a moment.
    while refused < 20 {
        match client.trigger(channel, "client-data", &data) {
            Ok(()) => (sent, refused) = (sent + 1, 0),
            Err(CommandError::OutgoingFull { .. }) => {
                refused += 1;
                client.sleep(Duration::from_millis(2));
            }
            Err(other) => panic!("{other}"),
        }
        assert!(sent < 10_000, "somebody takes it all");
    }
    sent
}
