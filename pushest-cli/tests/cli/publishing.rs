//! The commands that call the HTTP API (docs/protocol.md#http-api).

use std::io::Write as _;

use pushest_testkit::{MasterKey, Server};
use serde_json::{Value, json};

use crate::support::{Ended, Lines, Pushest, WAIT, listener, piped, pushest, to, words};

/// The options that lead to a server's API.
pub(crate) fn api(server: &Server) -> Vec<String> {
    [to(server), vec!["--app-id".to_owned(), server.app().id.clone()]].concat()
}

pub(crate) fn run(arguments: &[&str], server: &Server) -> Ended {
    pushest(&words(arguments, &api(server)))
}

/// The lines of JSON that a command printed, which went well.
fn lines(arguments: &[&str], server: &Server) -> Vec<Value> {
    let ended = run(&[arguments, &["--json"]].concat(), server);
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{ended:?}");
    ended.stdout.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs a command with this on its standard input.
pub(crate) fn fed(arguments: &[&str], server: &Server, input: &[u8]) -> Ended {
    let mut child = piped(&words(arguments, &api(server)));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // Who ends early does not read all of it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let stdout = text(&output.stdout).lines().map(str::to_owned).collect();
    Ended { status: output.status.code(), stdout, stderr: text(&output.stderr) }
}

/// The data of the next event that a listener prints.
pub(crate) fn data(lines: &mut Lines) -> Value {
    lines.json_of("event")["data"].clone()
}

#[test]
fn an_event_goes_to_each_channel_and_its_data_as_it_stands() {
    let server = Server::start().unwrap();
    let mut news = listener(&server, "news", &["--json"]);
    let mut audit = listener(&server, "private-audit", &["--json"]);
    let accepted = lines(&["publish", "news", "private-audit", "shipped", r#"{"id":7}"#], &server);
    let line = &accepted[0];
    assert_eq!(line["type"], "accepted");
    assert_eq!(line["channels"], json!(["news", "private-audit"]));
    assert_eq!((&line["event"], &line["count"]), (&json!("shipped"), &json!(1)));
    for stdout in [&mut news.stdout, &mut audit.stdout] {
        let event = stdout.json_of("event");
        assert_eq!((&event["event"], &event["data"]), (&json!("shipped"), &json!({"id": 7})));
    }
    for (given, arrives) in [
        ("not JSON", json!("not JSON")),
        ("", json!("")),
        ("\"quoted\"", json!("quoted")),
        ("-5", json!(-5)),
        ("é\u{1b}", json!("é\u{1b}")),
    ] {
        assert_eq!(run(&["publish", "news", "x", given], &server).status, Some(0), "{given:?}");
        assert_eq!(data(&mut news.stdout), arrives, "{given:?}");
    }
    assert_eq!(run(&["publish", "news", "bare"], &server).status, Some(0));
    assert_eq!(data(&mut news.stdout), json!({}));
}

#[test]
fn people_read_what_was_published() {
    let server = Server::start().unwrap();
    let ended = run(&["publish", "a", "b", "x", "1"], &server);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout[0].starts_with("a b  x  published; "), "{ended:?}");
    let ended = run(&["publish", "--to-user", "7", "x", "1"], &server);
    assert!(ended.stdout[0].starts_with("to the user 7  x  published; "), "{ended:?}");
}

#[test]
fn data_is_read_from_standard_input_and_from_files() {
    let server = Server::start().unwrap();
    let mut news = listener(&server, "news", &["--json"]);
    for (input, arrives) in [
        (&b"{\"id\":7}\n"[..], json!({"id": 7})),
        (b"two\nlines\r\n", json!("two\nlines")),
        (b"", json!("")),
        (b"\n\n", json!("\n")),
        // Text of others, which names no file there.
        (b"@ada hi", json!("@ada hi")),
        (b"@/etc/hostname", json!("@/etc/hostname")),
        (b"-", json!("-")),
    ] {
        let ended = fed(&["publish", "news", "x", "-"], &server, input);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_eq!(data(&mut news.stdout), arrives);
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{\"from\":\"a file\"}\n").unwrap();
    let name = format!("@{}", file.path().display());
    assert_eq!(run(&["publish", "news", "x", &name], &server).status, Some(0));
    assert_eq!(data(&mut news.stdout), json!({"from": "a file"}));

    let ended = run(&["publish", "news", "x", "@/no/such/file"], &server);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("/no/such/file cannot be read"), "{ended:?}");
    assert!(ended.stderr.contains("give text that begins with it on standard input"), "{ended:?}");
    let ended = fed(&["publish", "news", "x", "-"], &server, b"\xff");
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("standard input is not UTF-8"), "{ended:?}");
}

#[test]
fn a_connection_is_left_out_and_a_user_is_reached() {
    let server = Server::start().unwrap();
    let mut news = listener(&server, "news", &["--json"]);
    let own = server.socket_ids()[0].clone();
    let excluded = ["publish", "news", "x", "1", "--socket-id", &own];
    assert_eq!(run(&excluded, &server).status, Some(0));
    assert_eq!(run(&["publish", "news", "x", "2"], &server).status, Some(0));
    assert_eq!(data(&mut news.stdout), 2);

    let sign_in = ["listen", "--sign-in", r#"{"id":"7"}"#, "--json"];
    let mut seven = Pushest::start(&words(&sign_in, &to(&server)));
    server.wait_for_subscribers("#server-to-user-7", 1, WAIT).unwrap();
    let accepted = lines(&["publish", "--to-user", "7", "parcel", "{\"n\":1}"], &server);
    assert_eq!(accepted[0]["channels"], json!(["#server-to-user-7"]));
    assert_eq!(accepted[0]["user_id"], "7");
    assert_eq!(data(&mut seven.stdout), json!({"n": 1}));
    assert_eq!(run(&["publish", "--to-user", "7", "parcel"], &server).status, Some(0));
    assert_eq!(data(&mut seven.stdout), json!({}));
    let one = lines(&["terminate", "7"], &server);
    assert_eq!(one, [json!({"type": "terminated", "user_id": "7"})]);
    server.wait_for_subscribers("#server-to-user-7", 0, WAIT).unwrap();
}

#[test]
fn an_event_on_an_encrypted_channel_is_sealed_and_nothing_else_passes_for_it() {
    let key = MasterKey::random();
    let server = Server::builder().master_key(key.clone()).start().unwrap();
    let key = ["--master-key", &key.to_base64()];
    let channel = "private-encrypted-diary";
    let mut diary = listener(&server, channel, &[&["--json"], &key[..]].concat());
    let publish = ["publish", channel, "entry", r#"{"text":"dear diary"}"#, "--encrypted"];
    assert_eq!(run(&[&publish[..], &key].concat(), &server).status, Some(0));
    let line = diary.stdout.json_of("event");
    assert_eq!((&line["data"], &line["decrypted"]), (&json!({"text": "dear diary"}), &json!(true)));
    let entry = |n: u64| json!({"channel": channel, "name": "entry", "data": n}).to_string();
    let input = format!("{}\n{}\n", entry(1), entry(2));
    let batch = [&["publish", "--batch", "--encrypted"], &key[..]].concat();
    assert_eq!(fed(&batch, &server, input.as_bytes()).status, Some(0));
    for n in [1, 2] {
        let line = diary.stdout.json_of("event");
        assert_eq!((&line["data"], &line["decrypted"]), (&json!(n), &json!(true)));
    }

    for (words, text) in [
        (&publish[..], "--encrypted needs the master key"),
        (&publish[..4], "needs the master key"),
        (
            &[&["publish", "news", "x", "1", "--encrypted"], &key[..]].concat(),
            "no encrypted channel",
        ),
        (&[&["publish", channel, "news", "x", "1"], &key[..]].concat(), "encrypted"),
        (
            &[&["publish", "--to-user", "7", "x", "--encrypted"], &key[..]].concat(),
            "cannot be used with",
        ),
    ] {
        let ended = run(words, &server);
        assert_eq!(ended.status, Some(2), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{words:?}: {ended:?}");
        assert!(!ended.stderr.contains(key[1]), "{ended:?}");
    }
}

#[test]
fn an_event_is_published_as_often_and_as_fast_as_it_is_said() {
    let server = Server::start().unwrap();
    let mut news = listener(&server, "news", &["--json"]);
    let begun = std::time::Instant::now();
    let accepted = lines(&["publish", "news", "x", "1", "--count", "5", "--rate", "20"], &server);
    // The first goes out at once, and then one every 50 ms.
    assert!(begun.elapsed().as_millis() >= 200, "{:?}", begun.elapsed());
    assert_eq!(accepted[0]["count"], 5);
    assert!(accepted[0]["elapsed_ms"].as_f64().unwrap() >= 200.0);
    for _ in 0..5 {
        assert_eq!(data(&mut news.stdout), 1);
    }
    let ended = run(&["publish", "news", "x", "1", "--count", "3"], &server);
    assert!(ended.stdout[0].contains("published 3 times"), "{ended:?}");
}

#[test]
fn lines_of_standard_input_are_published_in_batches() {
    let server = Server::start().unwrap();
    let mut news = listener(&server, "news", &["--json"]);
    let input: String = (0..25)
        .map(|n| json!({"channel": "news", "name": "x", "data": {"n": n}}).to_string() + "\n")
        .collect();
    let ended = fed(&["publish", "--batch", "--json"], &server, input.as_bytes());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let line: Value = serde_json::from_str(&ended.stdout[0]).unwrap();
    assert_eq!((&line["type"], &line["events"]), (&json!("batched"), &json!(25)));
    // No more than ten in one.
    assert!(line["requests"].as_u64().unwrap() >= 3, "{line}");
    for n in 0..25 {
        assert_eq!(data(&mut news.stdout), json!({"n": n}));
    }
    let own = server.socket_ids()[0].clone();
    let input = [
        json!({"channel": "news", "event": "x", "data": "as text"}).to_string(),
        String::new(),
        json!({"channel": "news", "name": "x", "data": 1, "socket_id": own}).to_string(),
        json!({"channel": "news", "name": "x", "data": "{\"a\":1}"}).to_string(),
    ];
    let ended = fed(&["publish", "--batch"], &server, input.join("\n").as_bytes());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout[0].starts_with("published 3 events in "), "{ended:?}");
    assert_eq!(
        [data(&mut news.stdout), data(&mut news.stdout)],
        [json!("as text"), json!({"a": 1})]
    );
    let ended = fed(&["publish", "--batch"], &server, b"");
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn a_line_that_cannot_be_published_is_named_and_what_came_before_it_is() {
    let server = Server::start().unwrap();
    let mut news = listener(&server, "news", &["--json"]);
    let good = json!({"channel": "news", "name": "x", "data": 1}).to_string();
    for (bad, text) in [
        ("no JSON", "line 2: "),
        ("{}", "missing field `channel`"),
        (r#"{"channel":"news","name":"x","data":1,"dat":2}"#, "unknown field `dat`"),
        (r#"["news","x",1]"#, "line 2: it is no object; an event is {"),
        ("null", "line 2: it is no object"),
        ("\"x\"", "line 2: it is no object"),
        (r#"{"channel":"news","name":"x","data":"\ud800"}"#, "line 2: its data: "),
        (r#"{"channel":"news","name":"x","data":1,"x":2}"#, " at column 41;"),
    ] {
        let ended =
            fed(&["publish", "--batch"], &server, format!("{good}\n{bad}\n{good}").as_bytes());
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("after 1 published events"), "{ended:?}");
        assert!(ended.stderr.contains(text), "{ended:?}");
        // Its number is another one, and there is one line only.
        assert!(!ended.stderr.contains("at line 1"), "{ended:?}");
        assert_eq!(data(&mut news.stdout), 1);
        let ended = fed(&["publish", "--batch"], &server, bad.as_bytes());
        assert_eq!(ended.status, Some(2), "{ended:?}");
    }
    // What breaks a rule is named by its line, however the lines are gathered into batches.
    for (bad, text) in [
        (json!({"channel": "a b", "name": "x", "data": 1}), "\"a b\" is not a channel name"),
        (json!({"channel": "news", "name": "", "data": 1}), "is not an event's name"),
        (json!({"channel": "news", "name": "x", "data": "x".repeat(10_241)}), "10241 bytes"),
        (
            json!({"channel": "news", "name": "x", "data": 1, "socket_id": ":"}),
            "is not a socket id",
        ),
        (json!({"channel": "private-encrypted-a", "name": "x", "data": 1}), "the master key"),
    ] {
        let bad = bad.to_string();
        let lines = [&vec![&*good; 14][..], &[&bad, &good]].concat().join("\n");
        let ended = fed(&["publish", "--batch"], &server, lines.as_bytes());
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("after 14 published events: line 15: "), "{ended:?}");
        assert!(ended.stderr.contains(text), "{ended:?}");
        for _ in 0..14 {
            assert_eq!(data(&mut news.stdout), 1);
        }
        let ended = fed(&["publish", "--batch"], &server, bad.as_bytes());
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("line 1: "), "{ended:?}");
    }
    let encrypted = ["publish", "--batch", "--encrypted", "--master-key"];
    let ended = fed(
        &[&encrypted[..], &[&MasterKey::default().to_base64()]].concat(),
        &server,
        good.as_bytes(),
    );
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("no encrypted channel"), "{ended:?}");
}

#[test]
fn channels_and_users_are_told() {
    let server = Server::start().unwrap();
    let _news = listener(&server, "news", &[]);
    let _room = listener(&server, "presence-room", &["--user-id", "ada, grace"]);
    let names = |arguments: &[&str]| -> Vec<Value> {
        lines(arguments, &server).into_iter().map(|line| line["channel"].clone()).collect()
    };
    assert_eq!(names(&["channels"]), ["news", "presence-room"]);
    assert_eq!(names(&["channels", "--prefix", "pres"]), ["presence-room"]);
    assert!(names(&["channels", "--prefix", "other"]).is_empty());
    let counted = lines(&["channels", "--prefix", "presence-", "--user-count"], &server);
    assert_eq!(
        counted,
        [json!({"type": "channel", "channel": "presence-room", "occupied": true, "user_count": 1,
                "subscription_count": null, "cache": null})]
    );
    let one = lines(&["channel", "presence-room", "--subscription-count"], &server);
    assert_eq!((&one[0]["user_count"], &one[0]["subscription_count"]), (&json!(1), &json!(1)));
    let all = lines(&["channels", "--subscription-count"], &server);
    let counts: Vec<_> = all.iter().map(|line| line["subscription_count"].clone()).collect();
    assert_eq!(counts, [json!(1), json!(1)]);
    let kept = ["publish", "cache-price", "x", r#"{"price":42}"#];
    assert_eq!(run(&kept, &server).status, Some(0));
    let cache = lines(&["channel", "cache-price", "--cache"], &server)[0]["cache"].clone();
    assert_eq!(cache["data"], r#"{"price":42}"#, "{cache}");
    let user = lines(&["channel", "#server-to-user-7"], &server);
    assert_eq!(user[0]["occupied"], false);
    let vacant = lines(&["channel", "nobody", "--cache"], &server);
    assert_eq!((&vacant[0]["occupied"], &vacant[0]["cache"]), (&json!(false), &Value::Null));
    let user = json!({"type": "user", "channel": "presence-room", "user_id": "ada, grace"});
    assert_eq!(lines(&["users", "presence-room"], &server), [user]);
    let ended = run(&["users", "presence-room"], &server);
    assert_eq!(ended.stdout, ["\"ada, grace\""]);
    let ended = run(&["channel", "presence-room"], &server);
    assert_eq!(ended.stdout, ["presence-room  occupied  1 users"]);
    assert_eq!(run(&["channel", "nobody"], &server).stdout, ["nobody  vacant"]);
}

#[test]
fn bad_input_is_named_and_nothing_is_sent() {
    let server = Server::start().unwrap();
    let (large, long) = ("x".repeat(10_241), "x".repeat(201));
    let many: Vec<String> = (0..101).map(|n| format!("c{n}")).collect();
    let many: Vec<&str> = ["publish"].into_iter().chain(many.iter().map(String::as_str)).collect();
    let many = [&many[..], &["x", "1"]].concat();
    let cases: [(&[&str], &str); 23] = [
        (&["publish", "news", "news", "x", "1"], "news is named twice"),
        (&["publish", "orders:7", "x", "1"], "\"orders:7\" is not a channel name"),
        (&["publish", "news", "x", "1", "--max-data", "0"], "not a number of bytes"),
        (&["publish", "news", "x", "12", "--max-data", "1"], "has 2 bytes as it would be sent"),
        (&["channels", "--header", "Content-Length: 7"], "Content-Length"),
        (&["publish"], "required"),
        (&["publish", "news"], "give a channel and the event's name"),
        (&["publish", "a b", "x", "1"], "\"a b\" is not a channel name"),
        (&["publish", "news", "", "1"], "1 to 200"),
        (&["publish", "news", &long, "1"], "200"),
        (&["publish", "news", "x", &large], "10241 bytes"),
        (&many, "100 channels"),
        (&["publish", "news", "x", "1", "--socket-id", "1:2"], "is not a socket id"),
        (&["publish", "--to-user", "", "x", "1"], "user's id"),
        (&["publish", "--to-user", "7", "news", "x", "1"], "no channel"),
        (&["publish", "news", "x", "1", "--rate", "5"], "--rate is for --count"),
        (&["publish", "news", "x", "1", "--count", "2", "--rate", "0"], "not a number of events"),
        (&["publish", "news", "x", "1", "--batch"], "cannot be used with"),
        (&["channels", "--user-count"], "presence-"),
        (&["channels", "--prefix", "a b"], "no channel's name begins with"),
        (&["channel", "a b"], "not a channel name"),
        (&["users", "news"], "not a presence channel"),
        (&["terminate", ""], "user's id"),
    ];
    for (arguments, text) in cases {
        let ended = run(arguments, &server);
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{ended:?}");
    }
    // The app's id, and its secret.
    for (left_out, text) in [("--app-id", "--app-id"), ("--secret", "--secret")] {
        let options = api(&server);
        let place = options.iter().position(|word| word == left_out).unwrap();
        let rest = [&options[..place], &options[place + 2..]].concat();
        let ended = pushest(&words(&["publish", "news", "x", "1"], &rest));
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(text), "{ended:?}");
    }
    let ended =
        pushest(&words(&["channels"], &[to(&server), vec!["--app-id=a/b".into()]].concat()));
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("\"a/b\" is not an id"), "{ended:?}");
}

#[test]
fn refusals_are_said_in_the_servers_words_without_secret_or_signature() {
    let server = Server::start().unwrap();
    for (option, value, text) in [
        ("--secret", "hush-hush", "401"),
        ("--key", "other-key", "401"),
        ("--app-id", "77", "No app with id 77"),
        ("--path", "/elsewhere", "404"),
    ] {
        let mut options = api(&server);
        match options.iter().position(|word| word == option) {
            Some(place) => options[place + 1] = value.to_owned(),
            None => options.extend([option.to_owned(), value.to_owned()]),
        }
        for command in [&["publish", "news", "x", "1"][..], &["channels"], &["terminate", "7"]] {
            let ended = pushest(&words(command, &options));
            assert_eq!(ended.status, Some(1), "{option} {command:?}: {ended:?}");
            assert!(ended.stderr.contains(text), "{option} {command:?}: {ended:?}");
            assert!(!ended.stderr.contains("hush-hush"), "{ended:?}");
            assert!(!ended.stderr.contains("auth_signature"), "{ended:?}");
        }
    }
    let options = api(&server);
    drop(server);
    let ended = pushest(&words(&["publish", "news", "x", "1", "--count", "2"], &options));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no connection to 127.0.0.1:"), "{ended:?}");
    assert!(!ended.stderr.contains("may have been carried out"), "{ended:?}");
}

/// Where nothing is read from the input, nothing waits for it.
#[test]
fn standard_input_is_left_alone_where_it_is_not_asked_for() {
    let server = Server::start().unwrap();
    let mut child = piped(&words(&["publish", "news", "x", "1"], &api(&server)));
    let held = child.stdin.take();
    assert!(child.wait().unwrap().success());
    drop(held);
}
