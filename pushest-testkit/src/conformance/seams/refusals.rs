//! Errors instead of a handshake: they decide by their code, whatever the server does after them.

use std::time::{Duration, Instant};

use pushest_proto::{Config, ConnectionState, DialFailure, Event, Loss, Timeouts};

use super::super::driver::{Driver, DriverClient, Settings, Unmet};
use super::super::patience::{Expect, PATIENCE, started, started_with};
use super::super::{Remote, in_process};
use crate::{Profile, Refusal, RefusalEnd, Server};

/// A tenth of a second is plenty, and a busy machine gets some more; it is far from the ten seconds
/// of the handshake timeout.
const SOON: Duration = Duration::from_secs(4);

pub fn a_refusal_is_final_by_its_error_in_every_profile_whatever_follows<D: Driver>() {
    for profile in Profile::ALL {
        let server = Server::builder().profile(profile).start().expect("a server");
        let remote = Remote::of(&server);
        let mut ends = vec![
            RefusalEnd::Close(4001, "No such app".to_owned()),
            RefusalEnd::CloseWithoutCode,
            RefusalEnd::Close(1000, String::new()),
            RefusalEnd::Drop,
            RefusalEnd::Open,
            RefusalEnd::Silence,
        ];
        // Elsewhere, a reset may take back what was not read before it.
        if cfg!(target_os = "linux") {
            ends.push(RefusalEnd::Reset);
        }
        for (number, end) in ends.into_iter().enumerate() {
            let what = format!("{profile:?}, {end:?}");
            let refusal = Refusal::error(4001, "No such app").then(end);
            server.refuse_connections_with(Some(refusal));
            let mut client = D::client(remote.config(), Settings::default());
            ends_with(&mut client, &refused(4001, "No such app"), &what);
            assert_eq!(server.inspect(|view| view.upgrades), number as u64 + 1, "{what}");
        }
    }
}

pub fn an_unknown_key_ends_all_waiting_in_the_servers_words_in_every_profile<D: Driver>() {
    for profile in Profile::ALL {
        // This one says nothing: it only ends the connection (docs/protocol.md#sockudo).
        if profile == Profile::Sockudo {
            continue;
        }
        let server = Server::builder().profile(profile).start().expect("a server");
        let words = "App key other-key does not exist in this cluster";
        let loss = match profile {
            Profile::Reverb => refused(4001, "Application does not exist"),
            // A close frame, and no error before it.
            Profile::Poxa => Loss::closed(Some(4001), words),
            _ => refused(4001, words),
        };
        let config = Config::builder("other-key").secret("a-secret").host("127.0.0.1");
        let config = config.port(server.port()).build().expect("valid");
        let mut client = D::client(config, Settings::default());
        client.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
        ends_with(&mut client, &loss, &format!("{profile:?}"));
        let Err(Unmet::Failed(_)) = client.signed_in(PATIENCE) else {
            panic!("{profile:?}: nobody signs in without a connection")
        };
        assert_eq!(server.inspect(|view| view.upgrades), 1, "{profile:?}");
    }
}

pub fn a_missing_or_foreign_origin_is_refused_at_once_and_an_allowed_one_connects<D: Driver>() {
    let server = Server::builder().profile(Profile::Reverb).config(|config| {
        config.allowed_origins = vec!["app.example.org".to_owned()];
    });
    let server = server.start().expect("a server");
    let remote = Remote::of(&server);
    let from = |origin: Option<&str>| {
        let header = |origin: &str| ("Origin".to_owned(), origin.to_owned());
        let settings = Settings::default().headers(origin.map(header).into_iter().collect());
        D::client(remote.config(), settings)
    };
    for origin in [None, Some("https://elsewhere.example.org")] {
        let loss = refused(4009, "Origin not allowed");
        ends_with(&mut from(origin), &loss, &format!("{origin:?}"));
    }
    assert_eq!(server.inspect(|view| view.upgrades), 2);
    let mut client = from(Some("https://app.example.org"));
    client.connect();
    client.must_subscribe("private-orders");
}

pub fn an_error_without_a_code_leaves_the_handshake_its_time_and_its_words_in_the_status<
    D: Driver,
>() {
    let (remote, server) = in_process();
    server.refuse_connections_with(Some(Refusal::error(None, "Try the other door")));
    let timeouts = Timeouts::default().handshake(Duration::from_millis(200));
    let mut client = started::<D>(remote.builder().timeouts(timeouts).build().expect("valid"));
    let change = client.next_state(ConnectionState::Waiting);
    assert_eq!(change.loss.as_deref(), Some(&Loss::HandshakeTimeout));
    let error = client.status().last_error.expect("what the server said");
    assert_eq!((error.code, &*error.message), (None, "Try the other door"));
    server.refuse_connections_with(None);
    client.must_connect();
}

pub fn a_server_that_says_it_is_full_or_asks_to_come_back_is_tried_again<D: Driver>() {
    let second = Duration::from_secs(1);
    let half = Duration::from_millis(500);
    for (code, shortest, longest) in [(4100, second, 3 * second), (4200, Duration::ZERO, half)] {
        for end in [RefusalEnd::Open, RefusalEnd::Drop] {
            let (remote, server) = in_process();
            server.refuse_connections_with(Some(Refusal::error(code, "Not now").then(end)));
            let mut client = started::<D>(remote.config());
            let change = client.next_state(ConnectionState::Waiting);
            server.refuse_connections_with(None);
            assert_eq!(change.loss.as_deref(), Some(&refused(code, "Not now")));
            let pause = change.retry_in.expect("it is tried again");
            assert!(pause >= shortest && pause <= longest, "{code}: {pause:?}");
            client.must_connect();
        }
    }
}

pub fn an_error_that_wants_tls_gets_tls<D: Driver>() {
    let (remote, server) = in_process();
    server.refuse_connections_with(Some(Refusal::error(4000, "Connect with TLS only")));
    let mut client = started_with::<D>(remote.config(), Settings::default());
    // This server has none, so that the second attempt fails, and says at what; or this build
    // cannot do it at all.
    let loss = client.wait_for(|event| match event {
        Event::State(change) => match change.loss.as_deref() {
            Some(loss @ Loss::Dial(_)) => Some(loss.clone()),
            _ => None,
        },
        _ => None,
    });
    let is_tls = matches!(loss, Loss::Dial(DialFailure::Tls { .. } | DialFailure::Unsupported(_)));
    assert!(is_tls, "{loss:?}");
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

fn refused(code: u16, words: &str) -> Loss {
    Loss::Refused { code, message: words.into() }
}

/// Connects, and is refused for good: everything that waits ends soon, in the server's words.
fn ends_with(client: &mut impl DriverClient, loss: &Loss, what: &str) {
    client.want("news");
    let begun = Instant::now();
    client.connect();
    let said = loss.to_string();
    let ended = |waited: Option<Unmet>| match waited {
        Some(Unmet::Failed(error)) if error.contains(&said) => {}
        other => panic!("{what}: {other:?}, and not {said:?}"),
    };
    ended(client.connected(PATIENCE).err());
    ended(client.subscribed("news", PATIENCE).err());
    let took = begun.elapsed();
    assert!(took < SOON, "{what}: {took:?}");
    let change = client.next_state(ConnectionState::Refused);
    assert_eq!(change.loss.as_deref(), Some(loss), "{what}");
    let status = client.status();
    assert_eq!(status.state, ConnectionState::Refused, "{what}");
    assert_eq!(status.last_loss.as_deref(), Some(loss), "{what}");
    assert_eq!((status.attempt, status.next_retry), (1, None), "{what}");
    if let Loss::Refused { code, message } = loss {
        let error = status.last_error.expect("what the server said");
        assert_eq!((error.code, &error.message), (Some(*code), message), "{what}");
    }
}
