//! Proxies: of the command line, of the environment, and none.

use pushest_testkit::conformance::proxy::{TestProxy, Trouble};
use pushest_testkit::{AuthorizationEndpoint, Server};
use serde_json::{Value, json};

use crate::endpoint::asking;
use crate::support::{Ended, Pushest, WAIT, to, words};

fn members(server: &Server, options: &[&str], variables: &[(&str, &str)]) -> Ended {
    let arguments = [&["members", "presence-room"], options].concat();
    Pushest::start_with(&words(&arguments, &to(server)), variables).end()
}

fn works(ended: &Ended) {
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn the_environments_proxy_is_used_unless_told_otherwise() {
    let (server, other) = (Server::start().unwrap(), TestProxy::start());
    let proxy = TestProxy::start_for("ann", "s@cret");
    let url = proxy.url("http://ann:s%40cret@");
    let socks = proxy.url("socks5://ann:s%40cret@");
    for variable in [("HTTP_PROXY", &*url), ("http_proxy", &url), ("ALL_PROXY", &socks)] {
        works(&members(&server, &[], &[variable]));
    }
    assert_eq!(proxy.asked().len(), 3);
    let environment = ("HTTP_PROXY", &*url);

    // None at all.
    works(&members(&server, &["--no-proxy"], &[environment]));
    works(&members(&server, &["--no-proxy"], &[("HTTP_PROXY", "junk://")]));
    works(&members(&server, &[], &[environment, ("NO_PROXY", "localhost,127.0.0.0/8")]));
    works(&members(&server, &[], &[environment, ("REQUEST_METHOD", "GET")]));
    works(&members(&server, &[], &[("HTTPS_PROXY", &*url)]));
    // Nor is there one to be exempt from.
    let blank = [("PUSHEST_PROXY", " "), ("HTTP_PROXY", ""), ("NO_PROXY", "169.254/16")];
    works(&members(&server, &[], &blank));
    assert_eq!(proxy.asked().len(), 3);

    // Another one, whatever NO_PROXY says.
    let option = other.url("http://");
    works(&members(&server, &["--proxy", &option], &[environment, ("NO_PROXY", "*")]));
    assert_eq!((proxy.asked().len(), other.asked().len()), (3, 1));
    works(&members(&server, &[], &[("PUSHEST_PROXY", &url), ("HTTP_PROXY", &option)]));
    assert_eq!((proxy.asked().len(), other.asked().len()), (4, 1));
    works(&members(&server, &["--proxy", &option], &[("PUSHEST_PROXY", &url)]));
    assert_eq!((proxy.asked().len(), other.asked().len()), (4, 2));
}

#[test]
fn each_of_our_clients_goes_through_a_proxy_with_its_endpoint() {
    let server = Server::start().unwrap();
    let endpoint = AuthorizationEndpoint::start(server.app()).unwrap();
    endpoint.grant("ada");
    for runtime in ["tokio", "async-std", "blocking"] {
        let proxy = TestProxy::start();
        let url = proxy.url("socks5h://");
        let arguments = ["members", "presence-room", "--runtime", runtime, "--proxy", &url];
        let ended = Pushest::start(&words(&arguments, &asking(&endpoint, &server))).end();
        works(&ended);
        assert_eq!(ended.stdout, ["ada  (this command)"]);
        assert_eq!(proxy.asked().len(), 2, "{runtime}");
    }
}

#[test]
fn which_proxy_is_on_the_way_is_said_without_its_user_and_password() {
    let server = Server::start().unwrap();
    let proxy = TestProxy::start_for("us3r", "s3cret");
    let url = proxy.url("http://us3r:s3cret@");
    let shown = proxy.url("http://***@");
    let address = format!("ws://{}", server.addr());
    let route = format!("connecting to {address} through the proxy {shown}");
    let options = to(&server);
    let listen = |options: &[&str], variables: &[(&str, &str)]| {
        let arguments = [&["listen", "news", "--count", "1"], options].concat();
        let server_options = to(&server);
        let listener = Pushest::start_with(&words(&arguments, &server_options), variables);
        server.wait_for_subscribers("news", 1, WAIT).unwrap();
        server.publish("news", "headline", "rain");
        let ended = listener.end();
        works(&ended);
        server.wait_for_subscribers("news", 0, WAIT).unwrap();
        let all = ended.stdout.join("\n") + &ended.stderr;
        assert!(!all.contains("us3r") && !all.contains("s3cret"), "{all}");
        ended
    };
    for variable in ["PUSHEST_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        let ended = listen(&[], &[(variable, &url)]);
        assert_eq!(ended.stderr.lines().next(), Some(&*route), "{ended:?}");
    }
    let connecting = |options: &[&str], variables: &[(&str, &str)]| -> Value {
        let ended = listen(&[&["--json"], options].concat(), variables);
        let line: Value = serde_json::from_str(&ended.stdout[0]).unwrap();
        assert_eq!((&line["type"], &line["state"]), (&json!("state"), &json!("connecting")));
        assert_eq!(line["address"], *address);
        line["proxy"].clone()
    };
    let environment = ("HTTP_PROXY", &*url);
    assert_eq!(connecting(&[], &[environment]), *shown);
    // Those that go straight say nothing of it.
    let none = Value::Null;
    assert_eq!(connecting(&["--no-proxy"], &[environment]), none);
    assert_eq!(connecting(&[], &[environment, ("NO_PROXY", "127.0.0.1")]), none);
    let ended = listen(&["--no-proxy"], &[environment]);
    assert_eq!(ended.stderr.lines().next(), Some(&*format!("connecting to {address}")));

    // What does one thing and ends says it, too, and prints the same as ever.
    for runtime in ["tokio", "async-std", "blocking"] {
        let arguments = ["members", "presence-room", "--user-id=ada", "--runtime", runtime];
        let ended = Pushest::start_with(&words(&arguments, &options), &[environment]).end();
        works(&ended);
        assert_eq!(
            (&*ended.stdout, &*ended.stderr),
            (&["ada  (this command)".into()][..], &*route)
        );
    }
    let trigger = ["trigger", "private-chat", "client-x", "7", "--json"];
    let ended = Pushest::start_with(&words(&trigger, &options), &[environment]).end();
    works(&ended);
    assert_eq!((ended.stdout.len(), &*ended.stderr), (1, &*route));
}

#[test]
fn of_several_hosts_those_that_are_reached_straight_are_told_from_those_behind_the_proxy() {
    let server = Server::start().unwrap();
    let proxy = TestProxy::start();
    let live = server.addr().to_string();
    let mut arguments = vec!["listen", "news", "--key=app-key", "--host=127.0.0.9:1"];
    let host = format!("--host={live}");
    arguments.push(&host);
    let variables = [("HTTP_PROXY", &*proxy.url("http://")), ("NO_PROXY", "127.0.0.9")];
    for _ in 0..4 {
        let mut listener = Pushest::start_with(&arguments, &variables);
        let line = listener.stderr.until(&format!("connecting to ws://{live}"));
        assert!(line.ends_with(&format!(" through the proxy {}", proxy.url("http://"))), "{line}");
        listener.signal("INT");
        let ended = listener.end();
        for line in
            ended.stderr.lines().filter(|line| line.contains("connecting to ws://127.0.0.9"))
        {
            assert_eq!(line, "connecting to ws://127.0.0.9:1");
        }
    }
}

#[test]
fn what_is_no_proxy_is_bad_input_and_no_password_is_shown() {
    let server = Server::start().unwrap();
    let refused = |options: &[&str], variables: &[(&str, &str)], texts: &[&str]| {
        let ended = members(&server, options, variables);
        assert_eq!(ended.status, Some(2), "{options:?} {variables:?}: {ended:?}");
        for text in texts {
            assert!(ended.stderr.contains(text), "no {text:?} in {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("s3c"), "{ended:?}");
    };
    for url in ["http://ann:s3cret@h:1", "ann:s3cret@h", "http://ann:s3c/ret@h:1"] {
        refused(&["--proxy", url], &[], &["--proxy holds a password", "PUSHEST_PROXY"]);
    }
    refused(&["--proxy", "http://:1"], &[], &["--proxy: ", "\"http://:1\"", "names no host"]);
    refused(&["--proxy", "gopher://h"], &[], &["\"gopher://h\"", "http, socks5 and socks5h"]);
    refused(&["--proxy", "https://h"], &[], &["\"https://h\"", "not supported"]);
    refused(&["--proxy", "http://h:1", "--no-proxy"], &[], &["--no-proxy"]);
    let variable = ("PUSHEST_PROXY", "http://ann:s3c@ret@h:1");
    refused(&[], &[variable], &["PUSHEST_PROXY: ", "\"http://***@h:1\"", "percent-encoded"]);
    refused(&[], &[("HTTPS_PROXY", "socks4://ann:s3c@h")], &["HTTPS_PROXY: \"socks4://***@h\""]);
    let (proxy, junk) = (("HTTP_PROXY", "http://h:1"), ("NO_PROXY", "a,169.254/16"));
    let texts = ["NO_PROXY: \"169.254/16\"", "169.254.0.0/16", "--no-proxy"];
    refused(&[], &[proxy, junk], &texts);
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}

#[test]
fn a_proxy_that_refuses_is_told_and_a_doctor_says_what_helps() {
    let server = Server::start().unwrap();
    let proxy = TestProxy::start_for("ann", "s3cret");
    let wrong = proxy.url("http://ann:wr0ng@");
    let server_options = to(&server);
    let arguments = words(&["doctor"], &server_options);
    let ended = Pushest::start_with(&arguments, &[("PUSHEST_PROXY", &wrong)]).end();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let text = ended.stdout.join("\n") + &ended.stderr;
    for part in ["the proxy failed", "407", "the realm \"the office\"", "PUSHEST_PROXY"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains("wr0ng") && !text.contains("has an address"), "{text}");

    proxy.trouble([Trouble::Closes(b"HTTP/1.1 502 Bad\r\n\r\n".to_vec())]);
    let right = proxy.url("http://ann:s3cret@");
    let ended = Pushest::start_with(&arguments, &[("PUSHEST_PROXY", &right)]).end();
    let text = ended.stdout.join("\n") + &ended.stderr;
    assert!(text.contains("502") && text.contains("--no-proxy"), "{text}");

    let ended = Pushest::start_with(&arguments, &[("PUSHEST_PROXY", &right)]).end();
    let text = ended.stdout.join("\n");
    works(&ended);
    assert!(text.contains("the proxy resolves names"), "{text}");
    assert!(text.contains("http://***@127.0.0.1:"), "{text}");
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

#[test]
fn a_silent_proxy_is_told_before_the_time_of_the_command_is_over() {
    let server = Server::start().unwrap();
    let proxy = TestProxy::start();
    let url = proxy.url("http://");
    // Each command may try again before its time is over.
    proxy.trouble(std::array::from_fn::<_, 8, _>(|_| Trouble::Stalls(Vec::new())));
    for command in [&["members", "presence-room"][..], &["listen", "news"]] {
        let arguments = [command, &["--timeout", "2", "--proxy", &url]].concat();
        let ended = Pushest::start(&words(&arguments, &to(&server))).end();
        assert_eq!(ended.status, Some(1), "{ended:?}");
        let text = ended.stdout.join("\n") + &ended.stderr;
        let is_told = text.contains("the proxy failed") && text.contains("did not answer in time");
        assert!(is_told, "{text}");
    }
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}
