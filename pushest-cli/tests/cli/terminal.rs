//! Nothing that a server or another member says reaches the terminal as it came.

use std::fs;
use std::path::Path;

use pushest_proto::needs_escape;
use pushest_testkit::{Refusal, Server, Target, UpgradeFault};
use serde_json::{Value, json};

use crate::crowd::Crowd;
use crate::endpoint::{asking, endpoint};
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
        listener.stderr.until("code 4200");
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

/// A list of members of which one part cannot be read, and nothing says who they are.
fn odd_list() -> String {
    json!({ "presence": { "ids": ["ada", { EVIL: EVIL }], "hash": { "ada": EVIL } } }).to_string()
}

/// As it is shown in a text, or in JSON, or in JSON in a string.
fn shows_evil(line: &str) -> bool {
    [r"EVIL\t\r\nada", r"EVIL\\t\\r\\nada"].iter().any(|shown| line.contains(shown))
}

#[test]
fn what_breaks_a_rule_is_shown_and_does_nothing() {
    let server = Server::start().unwrap();
    server.replace_presence_data(Some(&odd_list()));
    let mut listener = listener(&server, "presence-room", &["--user-id", "ada", "-v"]);
    listener.stderr.until("1 of its parts could not be read");
    let large = EVIL.repeat(1 << 14);
    let large = json!({ "event": EVIL, "channel": "presence-room", "data": large }).to_string();
    server.send_raw(Target::All, &large);
    listener.stderr.until("`Limits::message`");
    // Close frames that break a rule, errors in the place of a handshake, and pages. Each is waited
    // for: of what follows upon it, one kind of fault would take the other's place.
    for reason in [EVIL.as_bytes(), b"\xff"] {
        let payload = [&4200_u16.to_be_bytes()[..], EVIL.as_bytes(), reason].concat();
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&[0x88, 126][..], &length, &payload].concat();
        server.send_bytes(Target::All, &frame);
        listener.stderr.until("broken frame");
        server.wait_for_subscribers("presence-room", 1, WAIT).unwrap();
        listener.stdout.until("gap");
    }
    server.refuse_connections_with(Some(Refusal::error(4201, EVIL)));
    server.close(Target::All, 4200, "");
    listener.stderr.until("code 4201");
    server.refuse_connections(None);
    let body = EVIL.to_owned();
    server.fault_upgrades(1, UpgradeFault::Refuse { status: 500, headers: Vec::new(), body });
    server.close(Target::All, 4200, "");
    listener.stderr.until("status 500");
    listener.stdout.until("gap");
    listener.signal("INT");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_clean(&ended);
    let places = [
        "a malformed message on presence-room (1 of",
        "over the limit of",
        "in a broken frame: ",
        "refused the connection with code 4201: ",
        "status 500: ",
    ];
    for place in places {
        let is_told = |line: &str| line.contains(place) && shows_evil(line);
        assert!(ended.stderr.lines().any(is_told), "no {place} in {ended:?}");
    }
}

#[test]
fn what_decides_a_command_is_shown_and_does_nothing() {
    let server = Server::start().unwrap();
    let options = to(&server);
    let is_told = |ended: &Ended, place: &str| {
        assert_clean(ended);
        let lines = ended.stdout.iter().map(String::as_str).chain(ended.stderr.lines());
        let told = lines.into_iter().any(|it| it.contains(place) && shows_evil(it));
        assert!(told, "no {place} in {ended:?}");
    };
    // A list of members that holds in part, and one that does not hold.
    server.replace_presence_data(Some(&odd_list()));
    let ended = pushest(&words(&["members", "presence-a"], &options));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    is_told(&ended, "1 of its parts");
    is_told(&ended, "ada ");
    let unknown = json!({ "presence": { "ids": EVIL, "hash": EVIL } }).to_string();
    server.replace_presence_data(Some(&unknown));
    let ended = pushest(&words(&["members", "presence-a"], &options));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_clean(&ended);
    server.replace_presence_data(None);

    let commands: [&[&str]; 4] = [
        &["listen", "private-a"],
        &["trigger", "private-a", "client-x", "1"],
        &["members", "presence-a"],
        &["doctor", "private-a"],
    ];
    for command in commands {
        server.refuse_connections_with(Some(Refusal::error(4003, EVIL)));
        let ended = pushest(&words(command, &options));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        is_told(&ended, "code 4003");
        server.refuse_connections(None);
        for status in [404, 500] {
            let (headers, body) = (vec![("Location".to_owned(), "/x".to_owned())], EVIL.to_owned());
            server.fault_upgrades(100, UpgradeFault::Refuse { status, headers, body });
            let command = [command, &["--timeout", "1"]].concat();
            let ended = pushest(&words(&command, &options));
            assert_eq!(ended.status, Some(1), "{ended:?}");
            is_told(&ended, &format!("status {status}"));
            server.heal_upgrades();
        }
        for status in [200, 403, 500] {
            let endpoint = endpoint(&server);
            endpoint.refuse(status, EVIL);
            let command = [command, &["--timeout", "1"]].concat();
            let ended = pushest(&words(&command, &asking(&endpoint, &server)));
            assert_eq!(ended.status, Some(1), "{ended:?}");
            assert_clean(&ended);
            let text = format!("{}{}", ended.stdout.concat(), ended.stderr);
            assert!(status != 403 || text.contains("EVIL"), "{command:?} {status}: {ended:?}");
        }
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
    let action =
        recording.lines().position(|line| line.contains(r#"{"event":{"channel":"#)).unwrap();
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
