use pushest_proto::needs_escape;
use pushest_testkit::Server;

use crate::support::{pushest, to, words};

/// Exit status 2, the value and the rule on standard error, and the server is left alone.
fn refused(arguments: &[&str], texts: &[&str]) {
    let server = Server::start().unwrap();
    let ended = pushest(&words(arguments, &to(&server)));
    assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
    assert!(ended.stdout.is_empty(), "{arguments:?}: {ended:?}");
    for text in texts {
        assert!(ended.stderr.contains(text), "{arguments:?}: no {text:?} in {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("app-secret"), "{ended:?}");
    assert_eq!(server.inspect(|view| view.upgrades), 0, "{arguments:?}");
}

#[test]
fn channels() {
    let long = "x".repeat(201);
    refused(&["listen", "my channel"], &["\"my channel\"", "' '", "letters, digits"]);
    refused(&["listen", "good", ""], &["cannot be empty"]);
    refused(&["listen", &long], &["201 bytes", "200"]);
    refused(&["listen", "#server-to-user-7"], &["\"#server-to-user-7\"", "sign-in"]);
    refused(&["listen", "private-encrypted-a"], &["private-encrypted-a", "--master-key"]);
    refused(&["listen"], &["CHANNEL"]);
    refused(&["trigger", "private a", "client-x", "1"], &["\"private a\""]);
    refused(&["members", "presence a"], &["\"presence a\""]);
    refused(&["members", "private-a"], &["\"private-a\"", "presence-"]);
}

#[test]
fn events() {
    let long = format!("client-{}", "x".repeat(200));
    refused(&["listen", "news", "--event", ""], &["\"\" is not an event's name", "200 characters"]);
    refused(&["trigger", "private-a", "typing", "1"], &["\"typing\"", "`client-`"]);
    refused(&["trigger", "private-a", "client-", "1"], &["\"client-\""]);
    refused(&["trigger", "private-a", &long, "1"], &["200"]);
    refused(&["trigger", "news", "client-x", "1"], &["news cannot carry client events"]);
    refused(&["trigger", "private-a", "client-x"], &["DATA"]);
}

#[test]
fn data() {
    let large = format!("\"{}\"", "x".repeat(20_000));
    refused(&["trigger", "private-a", "client-x", "hello"], &["\"hello\" is not JSON", "quotes"]);
    refused(&["trigger", "private-a", "client-x", "{\"a\":1"], &["is not JSON", "EOF"]);
    refused(&["trigger", "private-a", "client-x", &large], &["20002 bytes", "10240"]);
}

#[test]
fn users() {
    let long = "x".repeat(129);
    refused(&["listen", "presence-a"], &["presence-a is a presence channel", "--user-id"]);
    refused(&["trigger", "presence-a", "client-x", "1"], &["--user-id"]);
    refused(&["listen", "presence-a", "--user-id", ""], &["\"\" is not a user id", "128"]);
    refused(&["members", "presence-a", "--user-id", &long], &["is not a user id", "128"]);
    refused(
        &["listen", "presence-a", "--user-id", "7", "--user-info", "Ada"],
        &["\"Ada\" is not JSON"],
    );
    refused(&["listen", "presence-a", "--user-info", "{}"], &["--user-id"]);
    refused(&["listen", "news", "--user-id", "7"], &["\"7\" is for presence channels"]);
}

#[test]
fn sign_ins() {
    let watched = vec!["\"7\""; 101].join(",");
    let long = format!("{{\"id\":\"7\",\"watchlist\":[{watched}]}}");
    for command in [&["listen", "--sign-in"][..], &["members", "presence-a", "--sign-in"]] {
        let refused = |user, texts: &[&str]| refused(&[command, &[user]].concat(), texts);
        refused("ada", &["\"ada\" is not user data", "not JSON"]);
        refused("[]", &["not an object"]);
        refused("{}", &["no `id`"]);
        refused(r#"{"id":""}"#, &["`id`", "empty"]);
        refused(r#"{"id":7}"#, &["`id`", "not a string"]);
        refused(&long, &["watchlist", "100"]);
        refused("null", &["needs user data"]);
    }
}

#[test]
fn numbers() {
    refused(&["listen", "news", "--count", "0"], &["'0'", "--count"]);
    refused(&["listen", "news", "--count", "many"], &["'many'"]);
    refused(&["listen", "news", "--timeout", "0"], &["'0'", "above 0"]);
    refused(&["listen", "news", "--timeout", "soon"], &["'soon'", "seconds"]);
    refused(&["listen", "news", "--timeout=-1"], &["'-1'"]);
}

#[test]
fn contradictions() {
    refused(&["listen", "news", "--url", "pusher://k:s@h"], &["--url", "cannot be used with"]);
    refused(&["listen", "news", "--cluster", "eu"], &["--cluster", "--host"]);
    refused(&["listen", "news", "--ca-file", "a.pem"], &["--ca-file is for TLS", "--tls"]);
    let endpoint = ["listen", "news", "--auth-endpoint", "http://127.0.0.1/auth"];
    refused(&endpoint, &["--auth-endpoint", "--secret"]);
    refused(&["listen", "news", "--auth-header", "X: y"], &["--auth-endpoint"]);
    let user = ["listen", "news", "--user-auth-endpoint", "http://127.0.0.1/auth"];
    refused(&user, &["--user-auth-endpoint", "which is not given"]);
}

#[test]
fn connections() {
    let refused = |arguments: &[&str], text: &str| {
        let ended = pushest(&[&["listen", "private-a"], arguments].concat());
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains("hush"), "{ended:?}");
    };
    refused(&[], "no key was given");
    refused(&["--key", "a/b", "--secret", "hush"], "\"a/b\" is not a key");
    refused(&["--key", "k"], "--secret");
    refused(&["--key", "k", "--secret", " "], "the secret is empty");
    let master_key = |key| ["--key", "k", "--secret", "s", "--master-key", key];
    refused(&master_key("hush!"), "the master key is not base64");
    refused(&master_key("aHVzaA=="), "the master key has 4 bytes: it must have 32");
    refused(&master_key(""), "the master key has 0 bytes");
    refused(&["--key", "k", "--cluster", "EU"], "\"EU\" is not a cluster");
    refused(&["--key", "k", "--host", "a b"], "\"a b\" is not a host");
    refused(&["--key", "k", "--host", "http://k:hush@h"], "is not an endpoint");
    refused(&["--key", "k", "--host", "::1:6001"], "[::1]:6001 with a port");
    refused(&["--key", "k:hush", "--host", "h"], "is not a key");
    refused(&["--key", "k", "--host", "xn--a"], "\"xn--a\" is not the name of a host");
    refused(&["--key", "k", "--host", "h", "--port", "0"], "'0'");
    refused(&["--key", "k", "--host", "h", "--port", "70000"], "'70000'");
    refused(&["--key", "k", "--host", "h", "--path", "a b"], "\"a b\" is not a path");
    refused(&["--url", "gopher://k:hush@h"], "unknown scheme");
    refused(&["--url", "pusher://h"], "no KEY@");
    refused(&["--url", "pusher://k:hush@h:x"], "its port is no number");
    for url in ["pusher://k:se@cret:hush/more@h", "pusher://k:pa@hush/x@h", "pusher://k:a:hush@h"] {
        refused(&["--url", url], "percent-encoded");
    }
    refused(&["pusher://k:hush@h", "--key", "k"], "is not a channel name");
    refused(&["--key", "k", "--port", "6001:hush@h"], "'…' for '--port");
    refused(&["--key", "k", "--tls=pusher://k:hush@h"], "'…' for '--tls");
    refused(&["--runtime", "k:hush@h"], "'…' for '--runtime");
    refused(&["--url", "pushers://k:hush@h", "--ca-file", "/no/such.pem"], "/no/such.pem");
}

#[test]
fn a_url_with_a_secret_that_stands_in_a_wrong_place_is_not_quoted() {
    for arguments in [
        &["members", "presence-a", "pusher://k:hush@h"][..],
        &["pusher://k:hush@h"],
        &["listen", "news", "--pusher://k:hush@h"],
        &["listen", "news", "--count", "k:hush@h"],
        &["listen", "news", "--timeout", "k:hush@h"],
        &["serve", "--host", "k:hush@h"],
        &["serve", "--port", "\u{1b}[31mk:hush@h"],
        &["--\u{1b}[31mk:hush@h"],
        &["sign", "k:hush@h", "private-a", "--key", "k", "--secret", "s"],
    ] {
        let ended = pushest(arguments);
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("error: "), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains("hush"), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn what_is_wrong_with_the_command_line_is_escaped_and_our_own_options_are_named() {
    const EVIL: &str = "--x\u{1b}[2J\n7  (this command)\u{202e}";
    for arguments in [
        &[EVIL][..],
        &["listen", "news", EVIL],
        &["listen", "news", "--count", EVIL.trim_start_matches('-')],
        &["listen", "news", "--runtime", EVIL.trim_start_matches('-')],
        &[EVIL.trim_start_matches('-')],
    ] {
        let ended = pushest(arguments);
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(r"x\u{1b}[2J\n7  (this"), "{arguments:?}: {ended:?}");
        let hidden = ended.stderr.chars().find(|it| *it != '\n' && needs_escape(*it));
        assert_eq!(hidden, None, "{arguments:?}: {ended:?}");
    }
    let ended = pushest(&["listen", "news", "--header"]);
    assert!(ended.stderr.contains("'--header <NAME:VALUE>'"), "{ended:?}");
}

#[test]
fn endpoints() {
    let refused = |arguments: &[&str], text: &str| {
        let arguments = [&["listen", "private-a", "--host", "127.0.0.1"], arguments].concat();
        let ended = pushest(&arguments);
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains("hush"), "{ended:?}");
    };
    let endpoint = ["--key", "k", "--auth-endpoint", "http://127.0.0.1/auth"];
    let urls = |url, text: &str| {
        refused(&["--key", "k", "--auth-endpoint", url], &format!(" --auth-endpoint {text}"));
        let user = [&endpoint[..], &["--user-auth-endpoint", url]].concat();
        refused(&user, &format!(" --user-auth-endpoint {text}"));
    };
    for url in [
        "",
        "example.org",
        "ftp://example.org/",
        "http://",
        "http:///auth",
        "http://a b/",
        "http://:80/",
        // Nothing of them is quoted.
        "hush",
        "hush://h/",
        "ftp://u:hush@h",
        "http//u:hush@h",
        "http:u:hush@h",
        "http://h:hush/",
        "http://h:+80/hush",
        "http://h:0/hush",
        "http://h/?tok en=hush",
        "http://h/hush\n",
        "http://h/hüsh/hush",
        "http://xn--a/hush",
    ] {
        urls(url, "is not the URL of an endpoint: it starts with http:// or https://");
    }
    urls("http://ada:hush@h/", "holds credentials");
    urls("https://hush@h", "holds credentials");
    urls("HTTP://u:hush@h", "holds credentials");
    let header = |header| [&endpoint[..], &["--auth-header", header]].concat();
    refused(&header("hush"), "no colon");
    for wrong in ["A b: hush", ": hush", "Authorization Bearer hush:x"] {
        refused(&header(wrong), "is not the name of a header for --auth-header");
    }
    refused(&header("X: hush\nhush"), "the value of --auth-header \"X\"");
    refused(&[&endpoint[..], &["--master-key", "hush"]].concat(), "--master-key");
    let user = [&endpoint[..], &["presence-a", "--user-id", "7"]].concat();
    refused(&user, "the endpoint says who subscribes");
}

#[test]
fn the_server_that_is_to_be_served() {
    let refused = |arguments: &[&str], text: &str| {
        let ended = pushest(&[&["serve", "--port", "0"], arguments].concat());
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{arguments:?}: {ended:?}");
    };
    refused(&["--key", "a b"], "\"a b\" is not a key");
    refused(&["--secret", ""], "the secret is empty");
    refused(&["--app-id", "a/b"], "\"a/b\" is not an app id");
    refused(&["--host", "localhost"], "'localhost'");
}
