//! With `--json` everything is on standard output: an object a line, with its type and its time.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use pushest_testkit::{Refusal, Server, Target, UpgradeFault};
use serde_json::{Value, json};

use crate::support::{Pushest, WAIT, assert_is_time, listener, pushest, result, to, words};

/// The lines, each checked to be an object that begins with its type and its time.
fn lines(stdout: &[String]) -> Vec<Value> {
    let parsed = stdout.iter().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap();
        let kind = value["type"].as_str().unwrap();
        let time = value["time"].as_str().unwrap();
        assert_is_time(time);
        let begin = format!("{{\"type\":\"{kind}\",\"time\":\"{time}\"");
        assert!(line.starts_with(&begin), "{line}");
        value
    });
    parsed.collect()
}

/// The line without its time.
fn said(line: &Value) -> Value {
    let mut line = line.clone();
    line.as_object_mut().unwrap().remove("time");
    line
}

#[test]
fn what_happens_to_the_connection_is_a_line_and_nothing_is_left_for_standard_error_alone() {
    let server = Server::start().unwrap();
    server.deny("private-denied", "not you");
    let options = ["private-denied", "privat-chat", "--json", "--sign-in", r#"{"id":"ada"}"#];
    let mut listener = listener(&server, "news", &options);
    listener.stdout.json_of("signed_in");
    listener.stdout.json_of("subscription_failed");
    server.send_error(Target::All, Some(4301), "no such event");
    server.send_raw(Target::All, "no JSON");
    listener.stdout.json_of("malformed");
    server.publish("news", "headline", "rain");
    listener.stdout.json_of("event");
    server.fault_upgrades(1, UpgradeFault::status(503, &[]));
    server.close(Target::All, 4200, "restart");
    listener.stdout.json_of("gap");
    listener.signal("INT");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");

    let lines = lines(&ended.stdout);
    let of = |kind: &str| -> Vec<Value> {
        lines.iter().filter(|line| line["type"] == kind).map(said).collect()
    };
    let first = |kind: &str| {
        let found = of(kind).into_iter().next();
        found.unwrap_or_else(|| panic!("no {kind}: {lines:#?}"))
    };
    let address = format!("ws://{}", server.addr());
    let nothing = json!(null);
    let state = |state: &str, attempt: u32| {
        json!({
            "type": "state", "state": state, "attempt": attempt, "address": nothing,
            "proxy": nothing, "unix_socket": nothing,
            "socket_id": nothing, "reason": nothing, "retry_ms": nothing,
        })
    };
    let states = of("state");
    let names: Vec<&str> = states.iter().map(|line| line["state"].as_str().unwrap()).collect();
    let wanted = ["connecting", "connected", "waiting", "connecting", "waiting", "connecting"];
    assert_eq!(names[..6], wanted, "{states:#?}");
    let mut connecting = state("connecting", 1);
    connecting["address"] = json!(address);
    assert_eq!(states[0], connecting);
    let mut connected = state("connected", 1);
    connected["socket_id"] = states[1]["socket_id"].clone();
    assert!(connected["socket_id"].is_string(), "{states:#?}");
    assert_eq!(states[1], connected);
    assert!(states[2]["reason"].as_str().unwrap().contains("restart"), "{states:#?}");
    assert!(states[2]["retry_ms"].is_u64(), "{states:#?}");
    assert!(states[4]["reason"].as_str().unwrap().contains("503"), "{states:#?}");

    let subscribed = of("subscribed");
    assert!(subscribed.contains(&json!({"type": "subscribed", "channel": "news"})));
    let failed = first("subscription_failed");
    assert!(failed["channel"] == "private-denied" && failed["retry_ms"].is_null(), "{failed}");
    assert!(failed["reason"].as_str().unwrap().contains("not you"), "{failed}");
    let error = json!({
        "type": "server_error", "channel": null, "code": 4301, "message": "no such event",
    });
    assert_eq!(first("server_error"), error);
    let malformed = first("malformed");
    assert!(malformed["message"] == "no JSON" && malformed["reason"].is_string(), "{malformed}");
    let warning = first("warning");
    assert!(warning["text"].as_str().unwrap().contains("private-chat meant"), "{warning}");

    // People find the same on standard error: each of its lines has one here.
    let told = lines.iter().filter(|line| result(&line.to_string()).is_none()).count();
    assert_eq!(ended.stderr.lines().count(), told, "{ended:#?}");
}

#[test]
fn why_it_ends_is_its_last_line() {
    let server = Server::start().unwrap();
    let ends = |arguments: &[&str], wanted: &str| {
        let ended = pushest(&words(arguments, &to(&server)));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        let lines = lines(&ended.stdout);
        let last = lines.last().unwrap();
        assert_eq!(last["type"], "error", "{ended:?}");
        let text = last["text"].as_str().unwrap();
        assert!(text.contains(wanted), "{ended:?}");
        assert!(ended.stderr.ends_with(&format!("error: {text}")), "{ended:?}");
        lines
    };
    server.deny("private-a", "not you");
    let lines = ends(&["listen", "private-a", "--json"], "private-a: the server refused: not you");
    assert!(lines.iter().any(|line| line["type"] == "subscription_failed"));
    ends(&["listen", "news", "--json", "--timeout", "0.3"], "timed out after 0.3 s");
}

#[test]
fn a_refused_connection_is_a_change_of_state_and_the_error() {
    let server = Server::start().unwrap();
    server.refuse_connections_with(Some(Refusal::error(4001, "no such app")));
    let ended = pushest(&words(&["listen", "news", "--json"], &to(&server)));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let lines = lines(&ended.stdout);
    let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["state", "state", "note", "error"], "{ended:?}");
    assert_eq!(lines[1]["state"], "refused");
    assert!(lines[1]["reason"].as_str().unwrap().contains("no such app"), "{ended:?}");
    // Said once to people.
    assert_eq!(ended.stderr.matches("no such app").count(), 1, "{ended:?}");
}

#[test]
fn several_names_of_events_are_printed_and_counted_and_no_others() {
    let server = Server::start().unwrap();
    let options = ["--event", "a", "--event", r"App\Events\B", "--count", "3", "--json"];
    let listener = listener(&server, "news", &options);
    for (event, data) in [("a", "1"), ("A", "2"), (r"App\Events\B", "3"), ("ab", "4"), ("a", "5")] {
        server.publish("news", event, data);
    }
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let results = ended.stdout.iter().filter_map(|line| result(line));
    let data: Vec<Value> = results.map(|line| line["data"].clone()).collect();
    assert_eq!(data, [json!(1), json!(3), json!(5)]);
    // What happens to the connection is told as ever.
    let states = lines(&ended.stdout).iter().filter(|line| line["type"] == "state").count();
    assert!(states >= 2, "{ended:?}");
    let arguments = ["listen", "news", "--event", "a", "--event", ""];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("\"\" is not an event's name"), "{ended:?}");
}

#[test]
fn with_timestamps_each_line_of_both_streams_begins_with_the_time() {
    let server = Server::start().unwrap();
    let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let options = ["--timestamps", "--count", "1", "privat-a"];
    let listener = listener(&server, "news", &options);
    server.publish("news", "headline", "rain");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let mut texts = Vec::new();
    for line in ended.stdout.iter().map(String::as_str).chain(ended.stderr.lines()) {
        let (time, text) = line.split_once("  ").unwrap();
        assert_is_time(time);
        texts.push(text);
    }
    assert_eq!(texts[0], "news  headline  rain");
    assert!(texts.contains(&"subscribed to news"), "{ended:?}");
    // It is that of this machine's clock.
    let seconds = |time: &str| -> u64 {
        let part = |range: std::ops::Range<usize>| time[range].parse::<u64>().unwrap();
        part(11..13) * 3600 + part(14..16) * 60 + part(17..19)
    };
    let elapsed = (seconds(&ended.stdout[0]) + 86_400 - begun % 86_400) % 86_400;
    assert!(elapsed <= WAIT.as_secs(), "{ended:?}");
}

#[test]
fn the_times_of_lines_do_not_go_back() {
    let server = Server::start().unwrap();
    let listener = listener(&server, "news", &["--json", "--count", "50"]);
    for _ in 0..50 {
        server.publish("news", "headline", "rain");
    }
    let ended = listener.end();
    let lines = lines(&ended.stdout);
    let times: Vec<&str> = lines.iter().map(|line| line["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let mut kinds = HashMap::new();
    lines.iter().for_each(|line| *kinds.entry(line["type"].to_string()).or_insert(0) += 1);
    assert_eq!(kinds["\"event\""], 50, "{kinds:?}");
}

#[cfg(unix)]
#[test]
fn head_ends_a_listener_quietly() {
    use std::process::{Command, Stdio};

    let server = Server::start().unwrap();
    let options = to(&server).join(" ");
    let line = format!("'{}' listen news {options} | head -n 1", env!("CARGO_BIN_EXE_pushest"));
    let mut command = Command::new("sh");
    command.args(["-c", &line]).stdin(Stdio::null());
    let shell = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    server.publish("news", "headline", "rain");
    // What is printed next finds no reader, and ends it.
    let over = server.until_subscribers("news", 0);
    let begun = std::time::Instant::now();
    while over.wait(std::time::Duration::from_millis(20)).is_err() {
        server.publish("news", "headline", "sun");
        assert!(begun.elapsed() < WAIT);
    }
    let output = shell.wait_with_output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(stdout, "news  headline  rain\n");
    assert!(!stderr.contains("error") && !stderr.contains("panic"), "{stderr}");
}

#[test]
fn a_listener_that_is_started_without_a_server_says_so_in_json() {
    let server = Server::start().unwrap();
    let options = to(&server);
    server.stop();
    let mut listener = Pushest::start(&words(&["listen", "news", "--json"], &options));
    let line = listener.stdout.json_of("state");
    assert_eq!(line["state"], "connecting");
    let line = listener.stdout.until("\"waiting\"");
    assert!(line.contains("could not be reached"), "{line}");
}
