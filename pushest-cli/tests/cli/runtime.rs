use pushest_testkit::Server;

use crate::support::{Pushest, WAIT, listener, pushest, to, words};

pub(crate) const RUNTIMES: [&str; 3] = ["tokio", "async-std", "blocking"];

/// Threads that one runtime has and no other; the system keeps 15 bytes of their names.
#[cfg(target_os = "linux")]
const THREADS: [(&str, &str); 2] =
    [("async-std", "async-std/runti"), ("blocking", "pushest-client")];

#[test]
fn each_command_does_the_same_on_each_runtime() {
    let server = Server::start().unwrap();
    let options = to(&server);
    for runtime in RUNTIMES {
        let user = ["--user-id", "ada", "--json", "--runtime", runtime];
        let mut ada = listener(&server, "presence-room", &user);

        let members = ["members", "presence-room", "--user-id", "ada", "--runtime", runtime];
        let members = pushest(&words(&members, &options));
        assert_eq!(members.status, Some(0), "{members:?}");
        assert_eq!(members.stdout, ["ada  (this command)"]);

        let hello = ["trigger", "presence-room", "client-hello", "1", "--user-id", "bob"];
        let trigger = pushest(&words(&[&hello[..], &["--runtime", runtime]].concat(), &options));
        assert_eq!(trigger.status, Some(0), "{trigger:?}");
        ada.stdout.until("client-hello");

        ada.signal("INT");
        ada.end();
        server.wait_for_subscribers("presence-room", 0, WAIT).unwrap();
    }
}

/// An option that changed nothing would look just as well.
#[cfg(target_os = "linux")]
#[test]
fn the_runtime_that_is_asked_for_is_the_one_that_runs() {
    let server = Server::start().unwrap();
    let options = to(&server);
    for runtime in RUNTIMES {
        let arguments = ["listen", "news", "--runtime", runtime];
        let mut listener = Pushest::start(&words(&arguments, &options));
        listener.stderr.until("subscribed to news");
        let threads = listener.threads();
        for (name, thread) in THREADS {
            assert_eq!(threads.iter().any(|it| it == thread), name == runtime, "{threads:?}");
        }
    }
}

#[test]
fn an_unknown_runtime_is_bad_input_and_the_known_ones_are_named() {
    let ended = pushest(&["demo", "--runtime", "glommio"]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("glommio"), "{ended:?}");
    for name in RUNTIMES {
        assert!(ended.stderr.contains(name), "{ended:?}");
    }
}
