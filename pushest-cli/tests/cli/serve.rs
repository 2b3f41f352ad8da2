//! The embedded server shows what happens, speaks TLS, and misbehaves as it is told.

use std::path::Path;
use std::time::Duration;

use pushest_proto::needs_escape;
use pushest_testkit::{Certificate, Profile};
use serde_json::{Value, json};

use crate::support::{Pushest, pushest, words};

/// A server on a free port, and the options that lead to it.
fn serve(options: &[&str]) -> (Pushest, Vec<String>, Value) {
    let mut server = Pushest::start(&[&["serve", "--port", "0", "--json"], options].concat());
    let line = server.stdout.json_of("listening");
    let port = line["port"].to_string();
    let mut words: Vec<String> =
        ["--host", "127.0.0.1", "--port", &port, "--key", "app-key", "--secret", "app-secret"]
            .map(str::to_owned)
            .into();
    if line["tls"] == true {
        words.push("--tls".to_owned());
    }
    if let Some(file) = line["ca_file"].as_str() {
        words.extend(["--ca-file".to_owned(), file.to_owned()]);
    }
    (server, words, line)
}

#[test]
fn connections_subscriptions_events_and_requests_are_shown_as_they_happen() {
    let (mut server, options, _) = serve(&["-v"]);
    let listen = ["listen", "presence-room", "--user-id", "ada", "--sign-in", r#"{"id":"7"}"#];
    let mut listener = Pushest::start(&words(&listen, &options));
    let request = server.stdout.json_of("request");
    assert_eq!((&request["method"], &request["status"]), (&json!("GET"), &json!(101)));
    assert_eq!(request["path"], "/app/app-key");
    let socket_id = server.stdout.json_of("connected")["socket_id"].clone();
    let signed_in = server.stdout.json_of("signed_in");
    assert_eq!((&signed_in["socket_id"], &signed_in["user_id"]), (&socket_id, &json!("7")));
    listener.stderr.until("subscribed to presence-room");

    let hello = ["trigger", "presence-room", "client-hello", r#"{"a":1}"#, "--user-id", "bob"];
    assert_eq!(pushest(&words(&hello, &options)).status, Some(0));
    let event = server.stdout.json_of("client_event");
    let wanted = ["client-hello", r#"{"a":1}"#, "presence-room"].map(|text| json!(text));
    assert_eq!([&event["event"], &event["data"], &event["channel"]], wanted.each_ref());
    assert_eq!(event["receivers"], 1);
    server.stdout.json_of("unsubscribed");
    let gone = server.stdout.json_of("disconnected");
    assert_eq!(gone["socket_id"], event["socket_id"]);

    let mut wrong = options.clone();
    let secret = wrong.iter_mut().find(|word| *word == "app-secret").unwrap();
    *secret = "wrong-secret".to_owned();
    assert_eq!(pushest(&words(&["listen", "private-a"], &wrong)).status, Some(1));
    let refused = server.stdout.json_of("subscription_refused");
    assert!(refused["reason"].as_str().unwrap().contains("signature"), "{refused}");
    let key = wrong.iter_mut().find(|word| *word == "app-key").unwrap();
    *key = "other".to_owned();
    assert_eq!(pushest(&words(&["listen", "news"], &wrong)).status, Some(1));
    assert_eq!(server.stdout.json_of("refused")["code"], 4001);
    server.signal("INT");
    let ended = server.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.is_empty() || !ended.stderr.contains("error"), "{ended:?}");
}

#[test]
fn without_v_it_says_only_where_it_listens() {
    let (server, options, _) = serve(&[]);
    assert_eq!(
        pushest(&words(&["trigger", "private-a", "client-x", "1"], &options)).status,
        Some(0)
    );
    server.signal("INT");
    let ended = server.end();
    assert_eq!((ended.stdout.len(), &*ended.stderr), (1, ""), "{ended:?}");
}

#[test]
fn people_read_it_on_standard_error_and_no_client_commands_their_terminal() {
    let evil = "EVIL\u{1b}[2J\u{7}\u{202e}\u{9b}\nada";
    let mut server = Pushest::start(&["serve", "--port", "0", "-vv", "--timestamps"]);
    let listening = server.stdout.until("listening on");
    let port = listening.split("127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let options =
        ["--host", "127.0.0.1", "--port", &port, "--key", "app-key", "--secret", "app-secret"];
    let name = format!("client-{evil}");
    let data = json!(evil).to_string();
    let hello = ["trigger", "presence-a", &name, &data, "--user-id", evil];
    let ended = pushest(&[&hello[..], &options].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    server.stderr.until("disconnected");
    server.signal("INT");
    let ended = server.end();
    let text = &ended.stderr;
    for wanted in [
        r"  presence-a  client-EVIL\u{1b}[2J\u{7}\u{202e}\u{9b}\nada  ",
        r"subscribed to presence-a as EVIL\u{1b}[2J",
        r#"received {"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"***","#,
        r#"sent {"event":"pusher:connection_established""#,
    ] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    for line in text.lines() {
        assert!(line.as_bytes()[4] == b'-' && line.as_bytes()[23] == b'Z', "no time: {line}");
        assert!(!line.contains(needs_escape), "{line:?}");
    }
    assert!(!text.contains("app-secret"), "{text}");
}

#[cfg(unix)]
#[test]
fn with_tls_its_certificate_is_in_a_file_that_is_gone_at_the_end_however_it_comes() {
    for signals in [1, 2] {
        let (server, options, line) = serve(&["--tls"]);
        let file = line["ca_file"].as_str().unwrap().to_owned();
        let ended = pushest(&words(&["trigger", "private-a", "client-x", "1"], &options));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let distrusting: Vec<String> = options[..options.len() - 2].to_vec();
        let ended = pushest(&words(&["members", "presence-a"], &distrusting));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("certificate was refused"), "{ended:?}");
        for example in line["example"].as_str().unwrap().lines() {
            assert!(example.contains(&format!("--tls --ca-file {file}")), "{example}");
        }
        assert!(Path::new(&file).exists());
        for _ in 0..signals {
            server.signal("INT");
        }
        server.end();
        assert!(!Path::new(&file).exists(), "{signals} signals");
    }
}

#[test]
fn a_certificate_of_ones_own_is_shown_and_a_wrong_one_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [cert, key] = ["cert.pem", "key.pem"].map(file);
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"])
        .args(["/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", &key, "-out", &cert])
        .output();
    let wrong = |options: &[&str], texts: &[&str]| {
        let ended = pushest(&[&["serve", "--port", "0"], options].concat());
        assert_eq!(ended.status, Some(2), "{options:?}: {ended:?}");
        for text in texts {
            assert!(ended.stderr.contains(text), "no {text} in {ended:?}");
        }
    };
    let nothing = file("nothing.pem");
    std::fs::write(&nothing, "no PEM").unwrap();
    wrong(&["--tls-cert", &cert], &["--tls-key"]);
    wrong(&["--tls-key", &key], &["--tls-cert"]);
    wrong(&["--tls-cert", &file("missing"), "--tls-key", &key], &["missing", "cannot be read"]);
    wrong(&["--tls-cert", &nothing, "--tls-key", &nothing], &[&nothing, "no certificate"]);
    if !made.is_ok_and(|made| made.status.success()) {
        // Without openssl there is none to show.
        return;
    }
    wrong(&["--tls-cert", &cert, "--tls-key", &nothing], &[&nothing, "no private key"]);
    wrong(&["--tls", "--tls-cert", &cert, "--tls-key", &key], &["cannot be used with"]);
    let (server, mut options, line) = serve(&["--tls-cert", &cert, "--tls-key", &key]);
    assert_eq!((&line["tls"], &line["ca_file"]), (&json!(true), &json!(null)));
    options.extend(["--ca-file".to_owned(), cert.clone()]);
    let ended = pushest(&words(&["trigger", "private-a", "client-x", "1"], &options));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    server.signal("INT");
    assert_eq!(server.end().status, Some(0));
}

#[test]
fn a_certificate_that_clients_refuse_is_shown_where_it_is_asked_for() {
    for (fault, text) in [("expired", "expired"), ("wrong-name", "name")] {
        let (server, options, line) = serve(&["--tls-fault", fault]);
        assert_eq!(line["tls"], true);
        let ended = pushest(&words(&["members", "presence-a"], &options));
        assert_eq!(ended.status, Some(1), "{fault}: {ended:?}");
        assert!(ended.stderr.contains("certificate was refused"), "{fault}: {ended:?}");
        assert!(ended.stderr.contains(text), "{fault}: {ended:?}");
        drop(server);
    }
    let (server, options, _) = serve(&["--tls", "--tls-fault", "self-signed"]);
    let distrusting: Vec<String> = options[..options.len() - 2].to_vec();
    let ended = pushest(&words(&["members", "presence-a"], &distrusting));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("certificate was refused"), "{ended:?}");
    let ended = pushest(&words(&["members", "presence-a"], &options));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    drop(server);
    let ended = pushest(&["serve", "--tls-fault", "valid"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    for name in Certificate::ALL.map(Certificate::name).iter().filter(|name| **name != "valid") {
        assert!(ended.stderr.contains(name), "no {name} in {ended:?}");
    }
}

#[test]
fn an_upgrade_in_pieces_is_shown_with_its_status() {
    let (mut server, options, _) = serve(&["-v", "--fault", "http-slow=20/1"]);
    let ended = pushest(&words(&["trigger", "private-a", "client-x", "1"], &options));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let request = server.stdout.json_of("request");
    assert_eq!((&request["path"], &request["status"]), (&json!("/app/app-key"), &json!(101)));
    assert_eq!(request["reason"], "a fault, as told");
}

#[test]
fn calls_of_the_http_api_meet_the_faults_that_were_asked_for() {
    let faults = ["api-cut/1", "api-lose-answer/1", "api-http=413/1", "api-later=0/1"];
    let arguments: Vec<_> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let (_server, mut options, _) = serve(&arguments);
    options.push("--app-id=1".to_owned());
    let publish = || pushest(&words(&["publish", "news", "x"], &options));
    for text in ["may have been carried out", "may have been carried out", "413"] {
        let ended = publish();
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(text), "{text}: {ended:?}");
    }
    let ended = publish();
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn it_takes_on_the_habits_of_each_server() {
    for profile in Profile::ALL.map(Profile::name) {
        let (server, options, line) = serve(&["--profile", profile]);
        assert_eq!(line["profile"], profile);
        let ended = pushest(&words(&["trigger", "private-a", "client-x", "1"], &options));
        assert_eq!(ended.status, Some(0), "{profile}: {ended:?}");
        let sign_in = ["listen", "--sign-in", r#"{"id":"7"}"#, "--timeout", "2", "--json"];
        let listening = pushest(&words(&sign_in, &options));
        let is_signed_in = listening.stdout.iter().any(|line| line.contains("signed_in"));
        let knows = Profile::from_name(profile).unwrap().signs_in();
        assert_eq!(is_signed_in, knows, "{profile}: {listening:?}");
        server.signal("INT");
        assert_eq!(server.end().status, Some(0));
    }
    let ended = pushest(&["serve", "--profile", "pushpin"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    for name in ["pushpin", "sockudo", "reverb", "soketi", "hosted"] {
        assert!(ended.stderr.contains(name), "no {name} in {ended:?}");
    }
}

/// What a listener says that meets a fault, until this text; and that it goes on or ends.
fn meets(fault: &[&str], text: &str) {
    let faults: Vec<&str> = fault.iter().flat_map(|fault| ["--fault", fault]).collect();
    let (server, options, _) = serve(&[&["--fault-every", "0.3"], &faults[..]].concat());
    let arguments = ["listen", "presence-a", "news", "--user-id", "ada", "-v"];
    let mut listener = Pushest::start(&words(&arguments, &options));
    listener.stderr.until(text);
    drop((listener, server));
}

#[test]
fn a_fault_is_met_as_it_was_asked_for() {
    std::thread::scope(|scope| {
        for (fault, text) in [
            (&["http=503"][..], "503"),
            (&["http-echo=502"], "502"),
            (&["http-junk"], "waiting"),
            (&["http-slow=5"], "subscribed to news"),
            (&["http-ignore/1", "http=404/1"], "404"),
            (&["refuse=4004"], "4004"),
            (&["refuse-open=4009"], "4009"),
            (&["refuse-silence=4009"], "4009"),
            (&["refuse-no-code=4001"], "4001"),
            (&["refuse-drop=4100"], "4100"),
            (&["refuse-reset=4100"], "4100"),
            (&["delay=300"], "subscribed to news"),
            (&["deny=presence-a"], "presence-a: the server refused"),
            (&["members-junk"], "malformed message on presence-a"),
            (&["close=4200"], "code 4200"),
            (&["close=1006"], "without a close frame"),
            (&["drop"], "waiting"),
            (&["reset"], "waiting"),
            (&["error=4301/1"], "a fault, as told (code 4301)"),
            (&["junk"], "malformed"),
            (&["junk-bytes"], "waiting"),
        ] {
            // One that is ignored is waited for, for as long as a dial may take.
            if !fault.contains(&"http-ignore/1") {
                scope.spawn(move || meets(fault, text));
            }
        }
    });
}

#[test]
fn silent_faults_keep_a_client_from_what_it_wants() {
    for fault in ["http-ignore", "http-stall", "no-handshake"] {
        let (server, options, _) = serve(&["--fault", fault]);
        let ended = pushest(&words(&["listen", "news", "--timeout", "0.7"], &options));
        assert_eq!(ended.status, Some(1), "{fault}: {ended:?}");
        assert!(ended.stderr.contains("timed out after 0.7 s (connecting"), "{fault}: {ended:?}");
        drop(server);
    }
    for fault in ["stop-answering", "stop-reading/1"] {
        let (mut server, options, _) = serve(&["--fault", fault, "--fault-every", "0.4", "-v"]);
        let mut listener = Pushest::start(&words(&["listen", "private-a"], &options));
        listener.stderr.until("subscribed to private-a");
        let struck = server.stdout.json_of("fault");
        assert_eq!(struck["fault"], fault);
        // Others are served: it befalls those that were there.
        let hello = ["trigger", "private-a", "client-x", "1", "--timeout", "3"];
        let begun = std::time::Instant::now();
        let ended = pushest(&words(&hello, &options));
        let was_struck = begun.elapsed() > Duration::from_millis(300);
        assert!(ended.status == Some(0) || was_struck, "{fault}: {ended:?}");
    }
}

#[test]
fn a_fault_that_there_is_not_or_with_a_wrong_number_is_bad_input() {
    for (fault, texts) in [
        ("explode", ["no fault has this name", "stop-answering"]),
        ("close", ["close needs a value", "from 1000 to 4999"]),
        ("close=99", ["the value of close", "from 1000 to 4999"]),
        ("drop/0", ["the count", "above 0"]),
        ("delay=0", ["the value of delay", "from 1 to 600000"]),
    ] {
        let ended = pushest(&["serve", "--port", "0", "--fault", fault]);
        assert_eq!(ended.status, Some(2), "{fault}: {ended:?}");
        for text in [&[fault], &texts[..]].concat() {
            assert!(ended.stderr.contains(text), "{fault}: no {text} in {ended:?}");
        }
    }
    let ended = pushest(&["serve", "--port", "0", "--fault-every", "0"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
}

#[test]
fn what_it_suggests_works_and_shows_no_secret_of_ones_own() {
    let (server, _, line) = serve(&[]);
    let example = line["example"].as_str().unwrap().to_owned();
    let url = example.lines().find_map(|line| line.trim().strip_prefix("export PUSHER_URL="));
    let variables = [("PUSHER_URL", url.expect("a URL"))];
    let ended = Pushest::start_with(&["channels"], &variables).end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let publish = example.lines().find_map(|line| line.trim().strip_prefix("pushest publish "));
    let publish = publish.expect("a command").replace('\'', "");
    let publish: Vec<&str> = publish.split(' ').collect();
    let ended = pushest(&[&["publish"], &publish[..]].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    drop(server);
    let mut own = Pushest::start(&["serve", "--port", "0", "--json", "--secret", "hush-hush"]);
    let line = own.stdout.json_of("listening").to_string();
    assert!(line.contains(":SECRET@") && !line.contains("hush-hush"), "{line}");
}
