//! Nothing that a server or another member says reaches the terminal as it came.

use std::fs;
use std::path::Path;

use pushest_proto::needs_escape;
use pushest_testkit::{Server, Target, UpgradeFault};
use serde_json::{Value, json};

use crate::crowd::Crowd;
use crate::support::{Ended, WAIT, listener, pushest, to, words};

/// Sets a title, clears the screen, reorders, hides, and begins lines that look like others: as long
/// as a close frame's reason may be.
const EVIL: &str = "EVIL\t\r\nada  (this command)\u{1b}]0;t\u{7}\u{1b}[2J\u{7f}\u{9b}2J\u{2028}\
                    \u{2029}\u{202e}\u{2066}\u{200b}\u{200f}\u{feff}\u{e0041}LIVE";

/// How it is shown.
const SHOWN: &str = r"EVIL\t\r\nada  (this command)\u{1b}]0;t\u{7}\u{1b}[2J\u{7f}\u{9b}2J\u{2028}";

fn assert_clean(ended: &Ended) {
    for text in ended.stdout.iter().map(String::as_str).chain(ended.stderr.lines()) {
        let hidden = text.chars().find(|it| needs_escape(*it));
        assert_eq!(hidden, None, "{text:?}");
    }
}

#[test]
fn members_cannot_forge_the_list_of_members() {
    let room = Crowd::of([
        ("ada".to_owned(), json!({ "name": EVIL })),
        (EVIL.to_owned(), Value::Null),
        (format!("{EVIL}2"), json!(EVIL)),
        ("grace  (this command)".to_owned(), Value::Null),
    ]);
    let options = room.options();
    let ended = pushest(&words(&["members", "presence-room", "--user-id", "ada"], &options));
    assert_eq!((ended.status, ended.stdout.len()), (Some(0), 4), "{ended:?}");
    assert_clean(&ended);
    assert_eq!(ended.stdout.iter().filter(|line| line.contains("EVIL")).count(), 3, "{ended:?}");
    assert!(ended.stdout.contains(&r#""grace  (this command)""#.to_owned()), "{ended:?}");
    let rows = ended.stdout.iter().filter(|line| line.starts_with("ada "));
    assert_eq!(rows.count(), 1, "{ended:?}");

    let ended = pushest(&words(&["members", "presence-room", "--json"], &options));
    assert_eq!((ended.status, ended.stdout.len()), (Some(0), 4), "{ended:?}");
    assert_clean(&ended);
    let users = ended.stdout.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let evil = users.into_iter().find(|user| user["user_id"] == EVIL);
    assert_eq!(evil.unwrap()["user_info"], Value::Null);
}

#[test]
fn a_listener_shows_whatever_a_server_says_and_does_nothing_of_it() {
    for options in [&["-v"][..], &["--json"]] {
        let server = Server::start().unwrap();
        let user = json!({ "id": EVIL, "watchlist": [format!("{EVIL}2")] }).to_string();
        let info = json!({ "name": EVIL }).to_string();
        let user = ["--user-id", EVIL, "--user-info", &info, "--sign-in", &user];
        let arguments = [&["private-denied"], &user[..], options].concat();
        server.deny("private-denied", EVIL);
        let mut listener = listener(&server, "presence-room", &arguments);
        listener.stderr.until("private-denied: ");
        server.publish("presence-room", EVIL, EVIL);
        server.publish("presence-room", "json", &json!({ EVIL: EVIL }).to_string());
        server.send_error(Target::All, Some(4301), EVIL);
        server.send_raw(Target::All, EVIL);
        let unknown = json!({ "event": EVIL, "data": EVIL }).to_string();
        server.send_raw(Target::All, &unknown);
        let who = json!({ "user_id": EVIL, "user_info": EVIL }).to_string();
        for event in ["member_removed", "member_added"] {
            let event = format!("pusher_internal:{event}");
            let event = json!({ "event": event, "channel": "presence-room", "data": who });
            server.send_raw(Target::All, &event.to_string());
        }
        listener.stdout.until("joined");
        server.fault_upgrades(1, UpgradeFault::Raw(format!("{EVIL}\r\n\r\n").into_bytes()));
        server.close(Target::All, 4200, EVIL);
        listener.stderr.until("4200");
        server.wait_for_subscribers("presence-room", 1, WAIT).unwrap();
        listener.stdout.until("gap");
        listener.signal("INT");
        let ended = listener.end();
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_clean(&ended);
        for place in ["private-denied: ", "code 4200: ", "the server reports: ", "malformed"] {
            let told = ended.stderr.lines().any(|it| it.contains(place) && it.contains(SHOWN));
            assert!(told, "no {place}{SHOWN} in {ended:?}");
        }
        if options.contains(&"--json") {
            let lines =
                ended.stdout.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let lines: Vec<Value> = lines.collect();
            let has = |kind: &str, field: &str| {
                let is_evil = |line: &Value| line["type"] == kind && line[field] == EVIL;
                assert!(lines.iter().any(is_evil), "no {kind} with {field} in {lines:?}");
            };
            has("event", "event");
            has("event", "data");
            has("joined", "user_id");
            has("joined", "user_info");
            has("left", "user_id");
            has("signed_in", "user_id");
            assert!(lines.iter().any(|line| line["data"] == json!({ EVIL: EVIL })));
        }
    }
}

#[test]
fn a_refusal_is_shown_and_does_nothing() {
    let server = Server::start().unwrap();
    let options = to(&server);
    server.deny("private-a", EVIL);
    server.deny("presence-a", EVIL);
    let commands: [&[&str]; 4] = [
        &["listen", "private-a"],
        &["trigger", "private-a", "client-x", "1"],
        &["members", "presence-a"],
        &["doctor", "private-a"],
    ];
    for command in commands {
        let ended = pushest(&words(command, &options));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert_clean(&ended);
        let text = format!("{}{}", ended.stdout.concat(), ended.stderr);
        assert!(text.contains(SHOWN), "{command:?}: {ended:?}");
        server.refuse_connections(Some((4001, EVIL)));
        let ended = pushest(&words(command, &options));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert_clean(&ended);
        let text = format!("{}{}", ended.stdout.concat(), ended.stderr);
        assert!(text.contains(SHOWN), "{command:?}: {ended:?}");
        server.refuse_connections(None);
        let answer = format!("HTTP/1.1 301 {EVIL}\r\nLocation: /{EVIL}\r\n{EVIL}: x\r\n\r\n");
        server.fault_upgrades(100, UpgradeFault::Raw(answer.into_bytes()));
        assert_clean(&pushest(&words(&[command, &["--timeout", "0.5"]].concat(), &options)));
        server.heal_upgrades();
    }
}

#[test]
fn a_recording_and_its_replay_show_it_too() {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let options = ["--record", file.to_str().unwrap(), "--count", "1"];
    let listener = listener(&server, "news", &options);
    server.publish("news", EVIL, EVIL);
    let recorded = listener.end();
    let recording = fs::read_to_string(&file).unwrap();
    assert_eq!(recording.chars().find(|it| *it != '\n' && needs_escape(*it)), None);
    let replayed = pushest(&["replay", file.to_str().unwrap()]);
    assert_eq!(replayed.status, Some(0), "{replayed:?}");
    assert_eq!(replayed.stdout[..1], recorded.stdout);
    assert_clean(&replayed);

    // What stands in a file of somebody else's: another action, and a line that is none.
    let action = recording.lines().position(|line| line.contains("Emit(Channel(")).unwrap();
    let mut lines: Vec<String> = recording.lines().map(str::to_owned).collect();
    lines[action] = json!({ "action": EVIL }).to_string();
    fs::write(&file, lines.join("\n")).unwrap();
    for options in [&[][..], &["--json"]] {
        let ended = pushest(&[&["replay", file.to_str().unwrap()], options].concat());
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stdout.iter().any(|line| line.contains("EVIL")), "{ended:?}");
        assert_clean(&ended);
    }
    lines[action] = json!({ EVIL: EVIL }).to_string();
    fs::write(&file, lines.join("\n")).unwrap();
    let ended = pushest(&["replay", file.to_str().unwrap()]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("EVIL"), "{ended:?}");
    assert_clean(&ended);
}

/// The checks above are of little use if something prints past the printer.
#[test]
fn only_the_printer_writes_to_standard_output_and_standard_error() {
    fn visit(folder: &Path, check: &mut dyn FnMut(&Path, &str)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, check);
            } else {
                check(&path, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    visit(&source, &mut |path, text| {
        files += 1;
        // It looks at where they lead, for colours.
        let is_allowed = path.ends_with("output/printer.rs");
        let text = text.replace("AutoStream::choice(&io::stdout())", "");
        let text = text.replace("AutoStream::choice(&io::stderr())", "");
        for way in ["stdout()", "stderr()", "println!", "print!(", "/dev/tty", "dbg!"] {
            assert!(is_allowed || !text.contains(way), "{way} in {}", path.display());
        }
    });
    assert!(files > 20, "{files}");
}
