//! Several hosts on the command line: the nodes of one cluster.

use pushest_testkit::{Server, UpgradeFault};

use crate::support::{Pushest, WAIT, pushest, words};

/// The options that lead to one of these hosts.
fn nodes(hosts: &[&str]) -> Vec<String> {
    let app = ["--key", "app-key", "--secret", "app-secret"];
    let hosts = hosts.iter().flat_map(|host| ["--host", host]);
    app.into_iter().chain(hosts).map(str::to_owned).collect()
}

/// Where nothing listens.
const DEAD: &str = "127.0.0.1:1";

#[test]
fn a_listener_and_a_trigger_find_the_one_node_that_is_there() {
    let server = Server::start().unwrap();
    let live = server.addr().to_string();
    // In a random order: of a few clients some begin with each.
    for _ in 0..4 {
        let options = nodes(&[DEAD, &live, "nowhere.invalid"]);
        let listener =
            Pushest::start(&words(&["listen", "private-chat", "--count", "1"], &options));
        server.wait_for_subscribers("private-chat", 1, WAIT).unwrap();
        let trigger = ["trigger", "private-chat", "client-x", "7"];
        let ended = pushest(&words(&trigger, &options));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let last = ended.stderr.lines().rfind(|line| line.starts_with("connecting to "));
        assert_eq!(last, Some(&*format!("connecting to ws://{live}")), "{ended:?}");
        let ended = listener.end();
        assert_eq!(
            (ended.status, &*ended.stdout),
            (Some(0), &["private-chat  client-x  7".to_owned()][..])
        );
        server.wait_for_subscribers("private-chat", 0, WAIT).unwrap();
    }
}

#[test]
fn a_listener_moves_to_the_other_node_when_its_own_dies_or_refuses_and_says_where_it_is() {
    let [first, second] = [(); 2].map(|()| Server::start().unwrap());
    let addresses = [first.addr(), second.addr()].map(|address| address.to_string());
    let options = nodes(&[&addresses[0], &addresses[1]]);
    // Of the two it is sent to the first.
    second.fault_upgrades(1, UpgradeFault::status(503, &[]));
    let listen = ["listen", "news", "--count", "2"];
    let mut listener = Pushest::start(&words(&listen, &options));
    first.wait_for_subscribers("news", 1, WAIT).unwrap();
    listener.stderr.until("subscribed to news");
    first.publish("news", "headline", "rain");
    listener.stdout.until("news  headline  rain");
    second.heal_upgrades();
    drop(first);
    listener.stderr.until("waiting: ");
    listener.stderr.until(&format!("connecting to ws://{}", addresses[1]));
    second.wait_for_subscribers("news", 1, WAIT).unwrap();
    listener.stdout.until("news  gap  ");
    second.publish("news", "headline", "sun");
    let ended = listener.end();
    assert_eq!(
        (ended.status, ended.stdout.last().unwrap().as_str()),
        (Some(0), "news  headline  sun")
    );
}

#[test]
fn where_no_name_resolves_it_ends_once_all_were_tried() {
    let options = nodes(&["nowhere.invalid", "elsewhere.invalid"]);
    for command in [&["listen", "news"][..], &["trigger", "private-chat", "client-x", "7"]] {
        let ended = pushest(&words(command, &options));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("could not be resolved"), "{ended:?}");
    }
}

#[test]
fn a_wrong_list_is_refused_before_anything_is_dialled() {
    let server = Server::start().unwrap();
    let live = server.addr().to_string();
    let wildcard = live.replace("127.0.0.1", "[::ffff:127.0.0.1]");
    for (hosts, text) in [
        (&[&*live, &*live][..], "twice"),
        (&[&*live, &*wildcard], "twice"),
        (&["b\u{fc}cher.example", "xn--bcher-kva.example"], "twice"),
        (&[&*live, "xn--a"], "\"xn--a\" is not the name of a host"),
        (&[&*live, "a b"], "\"a b\", number 2 of the list"),
        (&[&*live, "127.0.0.1:99999"], "\"99999\" is not a port"),
        (&[&*live, "k:hush@h"], "number 2 of the list"),
    ] {
        for command in [&["listen", "news"][..], &["trigger", "private-a", "client-x", "1"]] {
            let ended = pushest(&words(command, &nodes(hosts)));
            assert_eq!(ended.status, Some(2), "{hosts:?}: {ended:?}");
            assert!(ended.stderr.contains(text), "{hosts:?}: {ended:?}");
            assert!(!ended.stderr.contains("hush"), "{ended:?}");
        }
    }
    let ended = pushest(&words(&["doctor"], &nodes(&["a", "b"])));
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("one --host"), "{ended:?}");
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}
