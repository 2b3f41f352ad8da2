//! What the server, or what stands before it, refuses: exit status 1, in its own words.

use std::time::{Duration, Instant};

use pushest_testkit::{Profile, Refusal, RefusalEnd, Server, UpgradeFault};

use crate::runtime::RUNTIMES;
use crate::support::{Ended, Pushest, WAIT, pushest, to, words};

fn failed(ended: &Ended, text: &str) {
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(text), "no {text:?} in {}", ended.stderr);
}

/// The options that lead to a server, with another secret.
fn wrong_secret(server: &Server) -> Vec<String> {
    let mut options = to(server);
    *options.last_mut().unwrap() = "wrong-secret".to_owned();
    options
}

#[test]
fn a_wrong_secret_ends_every_command_that_needs_the_right_one() {
    let server = Server::start().unwrap();
    let options = wrong_secret(&server);
    let commands: [&[&str]; 3] = [
        &["listen", "private-chat"],
        &["trigger", "private-chat", "client-x", "1"],
        &["members", "presence-room"],
    ];
    for command in commands {
        let ended = pushest(&words(command, &options));
        failed(&ended, "signature");
        assert!(ended.stdout.is_empty(), "{ended:?}");
        assert!(!ended.stderr.contains("wrong-secret"), "{ended:?}");
    }
}

#[test]
fn a_refused_channel_leaves_the_others_alone() {
    let server = Server::start().unwrap();
    let arguments = ["listen", "private-chat", "news", "--count", "1"];
    let mut listener = Pushest::start(&words(&arguments, &wrong_secret(&server)));
    listener.stderr.until("private-chat: ");
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    server.publish("news", "headline", "rain");
    let ended = listener.end();
    assert_eq!((ended.status, &*ended.stdout[0]), (Some(0), "news  headline  rain"));
}

#[test]
fn an_unknown_key_is_refused_by_the_server() {
    let server = Server::start().unwrap();
    let mut options = to(&server);
    let key = options.iter_mut().find(|word| *word == "app-key").unwrap();
    *key = "other-key".to_owned();
    for command in [&["listen", "news"][..], &["members", "presence-room"]] {
        failed(&pushest(&words(command, &options)), "4001");
    }
}

/// What waits for a handshake that never comes, or dials again and again, takes ten seconds and
/// more. A busy machine gets some more than the tenth of a second that this needs.
const SOON: Duration = Duration::from_secs(4);

/// Every command that connects, on every runtime, ends soon with these words.
fn all_end_with(options: &[String], text: &str) {
    let commands: [&[&str]; 3] = [
        &["listen", "news"],
        &["trigger", "private-chat", "client-x", "1"],
        &["members", "presence-room"],
    ];
    for command in commands {
        for runtime in RUNTIMES {
            let arguments = [command, &["--runtime", runtime]].concat();
            let begun = Instant::now();
            let ended = pushest(&words(&arguments, options));
            let took = begun.elapsed();
            failed(&ended, text);
            assert!(ended.stdout.is_empty(), "{ended:?}");
            assert_eq!(ended.stderr.matches(text).count(), 1, "said once: {ended:?}");
            assert!(took < SOON, "{arguments:?}: {took:?}");
        }
    }
}

#[test]
fn a_key_that_reverb_does_not_know_ends_every_command_in_its_words() {
    let server = Server::builder().profile(Profile::Reverb).start().unwrap();
    let mut options = to(&server);
    let key = options.iter_mut().find(|word| *word == "app-key").unwrap();
    *key = "other-key".to_owned();
    all_end_with(
        &options,
        "refused: the server refused the connection with code 4001: \
                            Application does not exist",
    );
    assert_eq!(server.inspect(|view| view.upgrades), 9, "one attempt each");
    let ended = pushest(&words(&["listen", "news"], &options));
    assert_eq!(ended.stderr.matches("Application does not exist").count(), 1, "{ended:?}");
}

#[test]
fn an_origin_that_is_missing_ends_every_command_though_the_socket_stays_open() {
    let server = Server::builder().profile(Profile::Reverb).config(|config| {
        config.allowed_origins = vec!["app.example.org".to_owned()];
    });
    let server = server.start().unwrap();
    all_end_with(&to(&server), "with code 4009: Origin not allowed");
    assert_eq!(server.inspect(|view| view.upgrades), 9, "one attempt each");
}

#[test]
fn a_server_that_refuses_and_then_is_silent_keeps_no_command_waiting() {
    let server = Server::start().unwrap();
    let refusal = Refusal::error(4003, "App disabled").then(RefusalEnd::Silence);
    server.refuse_connections_with(Some(refusal));
    let begun = Instant::now();
    failed(&pushest(&words(&["listen", "news"], &to(&server))), "with code 4003: App disabled");
    // An orderly end would wait two seconds for the server's close frame.
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(1_900), "{took:?}");
    all_end_with(&to(&server), "with code 4003: App disabled");
}

#[test]
fn an_upgrade_that_is_refused_at_first_ends_it() {
    let server = Server::start().unwrap();
    let commands: [&[&str]; 2] = [&["listen", "news"], &["members", "presence-room"]];
    for command in commands {
        server.fault_upgrades(1, UpgradeFault::status(403, &[]));
        failed(&pushest(&words(command, &to(&server))), "403");
    }
}

#[test]
fn without_a_server_one_shot_commands_time_out_and_say_why() {
    let server = Server::start().unwrap();
    let options = to(&server);
    server.stop();
    let arguments = ["members", "presence-room", "--timeout", "0.5"];
    let ended = pushest(&words(&arguments, &options));
    failed(&ended, "timed out after 0.5 s");
    failed(&ended, "could not be reached");
}

#[test]
fn a_port_that_is_taken_cannot_be_served() {
    let server = Server::start().unwrap();
    let port = server.port().to_string();
    let ended = pushest(&["serve", "--port", &port]);
    failed(&ended, &format!("cannot listen on 127.0.0.1:{port}"));
}
