//! `listen --watch-network`, where nothing happens to the networks: what follows when something does is seen
//! in namespaces (`.ci/networks`).

use pushest_testkit::Server;

use crate::support::{Pushest, WAIT, listener, to, words};

const RUNTIMES: [&str; 3] = ["tokio", "async-std", "blocking"];

/// Whether a thread of the program reads the kernel's notices.
fn is_watching(listener: &Pushest) -> bool {
    listener.threads().iter().any(|name| name == "pushest-network")
}

#[test]
fn networks_are_watched_if_that_was_asked_for_and_events_come_as_ever() {
    let server = Server::start().unwrap();
    for runtime in RUNTIMES {
        let options = ["--count", "1", "--runtime", runtime];
        let unasked = listener(&server, "news", &options);
        let asked = listener(&server, "news", &[&options[..], &["--watch-network"]].concat());
        assert!(is_watching(&asked), "{runtime}: {:?}", asked.threads());
        assert!(!is_watching(&unasked), "{runtime}: {:?}", unasked.threads());
        server.publish("news", "headline", "rain");
        for listener in [unasked, asked] {
            let ended = listener.end();
            assert_eq!(ended.status, Some(0), "{runtime}: {ended:?}");
            assert_eq!(ended.stdout, ["news  headline  rain"]);
        }
        server.wait_for_subscribers("news", 0, WAIT).unwrap();
    }
}

#[test]
fn commands_that_end_by_themselves_watch_nothing_and_say_so() {
    let server = Server::start().unwrap();
    for command in [&["members", "presence-room"][..], &["trigger", "private-a", "client-x", "1"]] {
        let arguments = [command, &["--watch-network"]].concat();
        let ended = Pushest::start(&words(&arguments, &to(&server))).end();
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("--watch-network"), "{ended:?}");
    }
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}
