use pushest_testkit::{Certificate, MasterKey, PlainClients, Profile, Server, UpgradeFault};
use serde_json::Value;

use crate::support::{Ended, pushest, to, words};

/// How each step went, in its order, and how the command ended.
pub(crate) fn examine(
    arguments: &[&str],
    options: &[String],
) -> (Vec<(String, String)>, Vec<Value>, Ended) {
    let ended = pushest(&words(&[&["doctor", "--json"], arguments].concat(), options));
    let lines: Vec<Value> =
        ended.stdout.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = lines.iter().map(|line| {
        assert_eq!(line["type"], "check");
        (text(&line["step"]), text(&line["result"]))
    });
    (results.collect(), lines, ended)
}

/// It fails at `step`, saying `text` and giving the hint; all after it are skipped, all before are
/// not.
fn fails_at(step: &str, text: &str, hint: Option<&str>, arguments: &[&str], options: &[String]) {
    let (results, lines, ended) = examine(arguments, options);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(!ended.stderr.contains("secret"), "{ended:?}");
    let place = results.iter().position(|(found, _)| found == step).unwrap();
    assert_eq!(results[place].1, "failed", "{ended:?}");
    let before = results[..place].iter().filter(|(step, _)| step != "tls");
    assert!(before.clone().all(|(_, result)| result == "ok"), "{ended:?}");
    assert!(results[place + 1..].iter().all(|(_, result)| result == "skipped"), "{ended:?}");
    let line = &lines[place];
    assert!(line["text"].as_str().unwrap().contains(text), "{line}");
    match hint {
        Some(hint) => assert!(line["hint"].as_str().unwrap().contains(hint), "{line}"),
        None => assert_eq!(line["hint"], Value::Null, "{line}"),
    }
}

/// The options that lead to a server, with one of them changed.
pub(crate) fn with(server: &Server, option: &str, value: &str) -> Vec<String> {
    let mut options = to(server);
    let place = options.iter().position(|word| word == option).unwrap();
    options[place + 1] = value.to_owned();
    options
}

#[test]
fn everything_works() {
    let server = Server::start().unwrap();
    let (results, lines, ended) = examine(&[], &with_app_id(&server));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let steps = [
        "resolve",
        "connect",
        "tls",
        "upgrade",
        "handshake",
        "sign",
        "public",
        "private",
        "presence",
        "trigger",
        "publish",
        "receive",
    ];
    let expected = steps.map(|step| {
        let result = if step == "tls" { "skipped" } else { "ok" };
        (step.to_owned(), result.to_owned())
    });
    assert_eq!(results, expected);
    let handshake = lines[4]["text"].as_str().unwrap();
    assert!(handshake.contains("socket id") && handshake.contains("round trip"), "{handshake}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn a_list_of_members_that_cannot_be_read_is_said() {
    let server = Server::start().unwrap();
    server.replace_presence_data(Some(r#"{"presence":{"ids":7}}"#));
    let (results, lines, ended) = examine(&["presence-room"], &to(&server));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let place = results.iter().position(|(step, _)| step == "presence").unwrap();
    let text = lines[place]["text"].as_str().unwrap();
    assert!(text.contains("list of members could not be read"), "{text}");
}

#[test]
fn every_servers_habits_are_healthy() {
    let profiles = [
        Profile::Hosted,
        Profile::Soketi,
        Profile::Reverb,
        Profile::Sockudo,
        Profile::Poxa,
        Profile::PusherFake,
    ];
    for profile in profiles {
        let server = Server::builder().profile(profile).start().unwrap();
        let (_, _, ended) = examine(&[], &to(&server));
        assert_eq!(ended.status, Some(0), "{profile:?}: {ended:?}");
        let options = with(&server, "--secret", "hush");
        let (results, _, ended) = examine(&["private-a", "--timeout", "0.3"], &options);
        assert_eq!(ended.status, Some(1), "{profile:?}: {ended:?}");
        assert_eq!(results[6], ("private".to_owned(), "failed".to_owned()), "{profile:?}");
    }
}

#[test]
fn people_read_a_line_a_step() {
    let server = Server::start().unwrap();
    let ended = pushest(&words(&["doctor"], &to(&server)));
    assert_eq!(
        ended.stdout[1],
        format!("ok       connect    127.0.0.1 accepts connections on port {}", server.port())
    );
    assert_eq!(ended.stdout[2], "skipped  tls        the address is one without TLS (ws://)");
}

#[test]
fn one_channel_may_be_chosen() {
    let server = Server::start().unwrap();
    let last = |arguments: &[&str]| {
        let (results, _, ended) = examine(arguments, &to(&server));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        results[6..8].iter().map(|(step, result)| format!("{step} {result}")).collect::<Vec<_>>()
    };
    assert_eq!(last(&["news"]), ["public ok", "trigger skipped"]);
    assert_eq!(last(&["private-a"]), ["private ok", "trigger ok"]);
    assert_eq!(last(&["presence-a", "--user-id", "7"]), ["presence ok", "trigger ok"]);
    let key = MasterKey::random().to_base64();
    let encrypted = ["private-encrypted-a", "--master-key", &key];
    assert_eq!(last(&encrypted), ["encrypted ok", "trigger skipped"]);
}

#[test]
fn with_a_master_key_an_encrypted_channel_is_tried() {
    let server = Server::start().unwrap();
    let key = MasterKey::random().to_base64();
    let (results, lines, ended) = examine(&["--master-key", &key], &to(&server));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let results = &results[..11];
    let steps: Vec<&str> = results[6..].iter().map(|(step, _)| &**step).collect();
    assert_eq!(steps, ["public", "private", "presence", "encrypted", "trigger"]);
    assert!(results[6..].iter().all(|(_, result)| result == "ok"), "{results:?}");
    let text = lines[9]["text"].as_str().unwrap();
    assert_eq!(text, "subscribed to private-encrypted-pushest-doctor");
    // Without a secret it is skipped as the others are.
    let (results, _, ended) = examine(&["--master-key", &key], &to(&server)[..6]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(results[9], ("encrypted".to_owned(), "skipped".to_owned()));
}

#[test]
fn without_anybody_who_signs_the_rest_is_tried() {
    let server = Server::start().unwrap();
    let options = to(&server);
    let (results, _, ended) = examine(&[], &options[..6]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let skipped = results.iter().filter(|(_, result)| result == "skipped");
    let skipped: Vec<&str> = skipped.map(|(step, _)| &**step).collect();
    assert_eq!(skipped, ["tls", "sign", "private", "presence", "trigger", "publish", "receive"]);
}

#[test]
fn a_name_that_does_not_resolve() {
    let options = ["--key", "k", "--host", "nowhere.invalid"].map(str::to_owned);
    fails_at("resolve", "could not be resolved", Some("--host"), &[], &options);
}

#[cfg(unix)]
#[test]
fn headers_that_could_not_be_provided() {
    let server = Server::start().unwrap();
    // A file is read once before anything is dialled; this one is none, and has no end.
    let endless = ["--header", "X-Token:@/dev/zero"];
    let (results, lines, ended) = examine(&endless, &to(&server));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(results[3], ("upgrade".to_owned(), "failed".to_owned()), "{ended:?}");
    assert!(lines[3]["text"].as_str().unwrap().contains("could not be provided"), "{}", lines[3]);
    assert!(lines[3]["hint"].as_str().unwrap().contains("--header"), "{}", lines[3]);
}

#[test]
fn with_a_url_hints_are_about_the_url() {
    let server = Server::start().unwrap();
    let fails = |step, text, hint, url: String| {
        fails_at(step, text, Some(hint), &[], &["--url".to_owned(), url]);
    };
    fails("tls", "TLS failed", "use pusher://", server.url().replace("pusher:", "pushers:"));
    fails("handshake", "4001", "the URL's key", server.url().replace("app-key", "other"));
    let server = Server::start_tls().unwrap();
    fails(
        "upgrade",
        "during the upgrade",
        "use pushers://",
        server.url().replace("pushers", "pusher"),
    );
}

#[test]
fn a_server_that_signed_itself() {
    let server = Server::builder().tls(Certificate::SelfSigned).start().unwrap();
    fails_at("tls", "signed itself", Some("--ca-file"), &["--tls"], &to(&server));
}

#[test]
fn nobody_listens() {
    let server = Server::start().unwrap();
    let options = to(&server);
    server.stop();
    fails_at("connect", "could not be reached", Some("--port"), &[], &options);
}

#[test]
fn certificates() {
    let server = Server::start_tls().unwrap();
    let options = to(&server);
    fails_at("tls", "certificate was refused", Some("--ca-file"), &["--tls"], &options);
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&authority, server.authority_pem().unwrap()).unwrap();
    let path = authority.path().to_str().unwrap();
    let (results, _, ended) = examine(&["--tls", "--ca-file", path, "--app-id", "1"], &options);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(results.iter().all(|(_, result)| result == "ok"), "{results:?}");

    for (certificate, hint) in
        [(Certificate::Expired, "ran out"), (Certificate::WrongName, "other names")]
    {
        let server = Server::builder().tls(certificate).start().unwrap();
        std::fs::write(&authority, server.authority_pem().unwrap()).unwrap();
        let arguments = ["--tls", "--ca-file", path];
        fails_at("tls", "certificate was refused", Some(hint), &arguments, &to(&server));
    }
}

#[test]
fn tls_where_there_is_none_and_none_where_there_is() {
    let server = Server::start().unwrap();
    fails_at("tls", "TLS failed", Some("--tls=false"), &["--tls"], &to(&server));
    let server = Server::start_tls().unwrap();
    fails_at("upgrade", "during the upgrade", Some("--tls"), &[], &to(&server));
    let server = Server::builder().tls(Certificate::Valid).plain_clients(PlainClients::Refuse);
    let server = server.start().unwrap();
    fails_at("handshake", "4000", Some("--tls"), &[], &to(&server));
}

#[test]
fn what_stands_before_the_server_refuses() {
    let server = Server::start().unwrap();
    server.fault_upgrades(1, UpgradeFault::status(404, &[]));
    fails_at("upgrade", "HTTP status 404", Some("--path"), &[], &to(&server));
    server.fault_upgrades(1, UpgradeFault::status(503, &[]));
    fails_at("upgrade", "HTTP status 503", None, &[], &to(&server));
    let server = Server::builder().profile(Profile::Sockudo).start().unwrap();
    let options = with(&server, "--key", "other");
    fails_at("handshake", "the connection was lost", Some("--key"), &[], &options);
}

#[test]
fn redirects_and_pages_in_the_place_of_a_server() {
    let server = Server::start().unwrap();
    let answered = |status: u16, headers: &[(&str, &str)], hint| {
        server.fault_upgrades(1, UpgradeFault::status(status, headers));
        fails_at("upgrade", &status.to_string(), Some(hint), &[], &to(&server));
    };
    answered(301, &[("Location", "https://example.org/app/app-key")], "add --tls");
    answered(302, &[("Location", "http://www.example.org/")], "connect to where it points");
    answered(308, &[], "not followed");
    answered(200, &[], "web server");
    answered(403, &[], "Origin");
    answered(502, &[], "proxy");
}

#[test]
fn a_server_of_http_1_0() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = b"HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                           Connection: Upgrade\r\n\r\n";
            // The request is read as far as it came, so that closing does not reset.
            let mut stream = stream.unwrap();
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut stream, answer);
        }
    });
    let options = ["--key", "k", "--host", "127.0.0.1", "--port", &port].map(str::to_owned);
    fails_at("upgrade", "HTTP/1.0", Some("proxy_http_version"), &[], &options);
}

#[test]
fn a_key_that_the_server_does_not_know() {
    let server = Server::start().unwrap();
    fails_at("handshake", "4001", Some("--key"), &[], &with(&server, "--key", "other"));
    let server = Server::builder().profile(Profile::Reverb).start().unwrap();
    fails_at("handshake", "4001", Some("--key"), &[], &with(&server, "--key", "other"));
}

#[test]
fn an_origin_that_the_server_does_not_allow() {
    let server = Server::builder().profile(Profile::Reverb).config(|config| {
        config.allowed_origins = vec!["a.example".to_owned()];
    });
    let server = server.start().unwrap();
    fails_at("handshake", "Origin not allowed", Some("--header"), &[], &to(&server));
    let foreign = ["--header", "Origin: https://b.example"];
    fails_at("handshake", "Origin not allowed", Some("--header"), &foreign, &to(&server));
    let allowed = ["--header", "Origin: https://a.example"];
    let (_, _, ended) = examine(&allowed, &to(&server));
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn a_channel_that_is_almost_private() {
    let server = Server::start().unwrap();
    let (_, _, ended) = examine(&["privat-chat"], &to(&server));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("is private-chat meant?"), "{ended:?}");
}

#[test]
fn a_secret_of_another_app_leaves_public_channels_alone() {
    let server = Server::start().unwrap();
    let options = with(&server, "--secret", "hush");
    let (results, lines, ended) = examine(&[], &options);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let failed = results.iter().filter(|(_, result)| result == "failed");
    assert_eq!(failed.map(|(step, _)| &**step).collect::<Vec<_>>(), ["private", "presence"]);
    assert!(lines[7]["hint"].as_str().unwrap().contains("not the app's own"), "{}", lines[7]);
    assert!(!ended.stdout.concat().contains("hush") && !ended.stderr.contains("hush"));
    assert!(ended.stderr.contains("private, presence"), "{ended:?}");
    fails_at("private", "signature", Some("secret"), &["private-a"], &options);
}

#[test]
fn client_events_that_are_not_enabled() {
    let server = Server::builder().config(|config| config.client_events = false).start().unwrap();
    fails_at("trigger", "not enabled", Some("enabled"), &[], &to(&server));
}

#[test]
fn a_server_that_says_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let options = ["--key", "k", "--host", "127.0.0.1", "--port", &port].map(str::to_owned);
    let (results, _, ended) = examine(&["--timeout", "0.3"], &options);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let unsure = [("resolve", "skipped"), ("connect", "failed"), ("tls", "skipped")];
    let unsure = unsure.map(|(step, result)| (step.to_owned(), result.to_owned()));
    assert_eq!(results[..3], unsure);
}

pub(crate) fn with_app_id(server: &Server) -> Vec<String> {
    [to(server), vec!["--app-id".to_owned(), server.app().id.clone()]].concat()
}
