use std::fs;
use std::path::{Path, PathBuf};

use pushest_testkit::{Server, Target};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::runtime::RUNTIMES;
use crate::support::{Ended, Pushest, WAIT, listener, pushest, to, words};

/// A folder for recordings, gone when dropped.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    (folder, file)
}

fn replay(file: &Path, options: &[&str]) -> Ended {
    pushest(&[&["replay", file.to_str().unwrap()], options].concat())
}

/// What a listener printed that was recorded over a lost connection.
fn record(file: &Path, runtime: &str) -> Vec<String> {
    let server = Server::start().unwrap();
    let record = file.to_str().unwrap();
    let options = ["--record", record, "--user-id", "ada", "--runtime", runtime, "--count", "2"];
    let mut listener = listener(&server, "presence-room", &options);
    listener.stderr.until("subscribed to presence-room");
    server.publish("presence-room", "headline", "frost");
    listener.stdout.until("frost");
    server.drop_connections(Target::All);
    listener.stdout.until("gap");
    server.publish("presence-room", "headline", "sun");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    ended.stdout
}

#[test]
fn a_replay_prints_what_the_listener_printed_and_says_that_it_is_equal() {
    for runtime in RUNTIMES {
        let (_folder, file) = folder();
        let printed = record(&file, runtime);
        assert_eq!(printed[1], "presence-room  headline  frost", "{printed:?}");
        let recording = fs::read_to_string(&file).unwrap();
        assert!(!recording.contains("app-secret"), "{recording}");
        let ended = replay(&file, &[]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let (verdict, lines) = ended.stdout.split_last().unwrap();
        assert_eq!(lines, printed);
        assert!(verdict.starts_with("equal  "), "{verdict}");
        for text in ["connecting to ", "connected as ", "subscribed to presence-room", "waiting"] {
            assert!(ended.stderr.contains(text), "{ended:?}");
        }
    }
}

#[test]
fn with_json_the_verdict_is_a_line() {
    let (_folder, file) = folder();
    record(&file, "tokio");
    let lines = fs::read_to_string(&file).unwrap().lines().count();
    let ended = replay(&file, &["--json"]);
    let verdict: Value = serde_json::from_str(ended.stdout.last().unwrap()).unwrap();
    assert_eq!((&verdict["type"], &verdict["lines"]), (&json!("replayed"), &json!(lines)));
    assert!(verdict["actions"].as_u64().unwrap() > 10, "{verdict}");
}

#[test]
fn a_changed_line_is_found_and_makes_the_exit_status_1() {
    let (_folder, file) = folder();
    record(&file, "tokio");
    let recording = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = recording.lines().collect();
    let is_frost = |line: &&str| line.starts_with(r#"{"message""#) && line.contains("frost");
    let message = lines.iter().position(is_frost).unwrap();
    // What the server sent is not what was acted upon, which stands some lines below.
    let changed = recording.replacen("frost", "hail", 1);
    fs::write(&file, changed).unwrap();
    let ended = replay(&file, &["--json"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let verdict: Value = serde_json::from_str(ended.stdout.last().unwrap()).unwrap();
    let line = usize::try_from(verdict["line"].as_u64().unwrap()).unwrap();
    assert!(verdict["type"] == "differs" && line > message + 1, "{verdict}");
    assert!(lines[line - 1].contains("frost"), "{verdict}");
    assert!(verdict["recorded"].as_str().unwrap().contains("frost"), "{verdict}");
    assert!(verdict["replayed"].as_str().unwrap().contains("hail"), "{verdict}");
    assert!(ended.stderr.contains(&format!("the replay differs in line {line}")), "{ended:?}");
    let ended = replay(&file, &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.contains(&format!("differs  in line {line}")), "{ended:?}");
}

#[test]
fn a_damaged_line_is_bad_input_and_is_named() {
    let (_folder, file) = folder();
    record(&file, "tokio");
    let recording = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = recording.lines().collect();
    lines[4] = "{\"connect\":";
    fs::write(&file, lines.join("\n")).unwrap();
    let ended = replay(&file, &[]);
    assert_eq!((ended.status, ended.stdout.len()), (Some(2), 0), "{ended:?}");
    assert!(ended.stderr.contains("line 5 of the recording"), "{ended:?}");
    let ended = replay(&file.with_extension("missing"), &[]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("cannot be read"), "{ended:?}");
}

#[test]
fn a_recording_in_another_format_is_bad_input_and_both_formats_are_named() {
    let (_folder, file) = folder();
    record(&file, "tokio");
    let recording = fs::read_to_string(&file).unwrap();
    // Formats 1 to 3 had actions as texts, which would differ in the very first one.
    let former: Vec<String> = recording
        .lines()
        .map(|line| match line.strip_prefix(r#"{"action":"#) {
            Some(action) => json!({"action": format!("Emit({action})")}).to_string(),
            None => line.to_string(),
        })
        .collect();
    assert!(former.iter().any(|line| line.starts_with(r#"{"action":"Emit("#)), "{former:?}");
    for version in ["1", "3", "5"] {
        let named = format!(r#""version":{version}"#);
        let text = former.join("\n").replacen(r#""version":4"#, &named, 1);
        fs::write(&file, text).unwrap();
        let ended = replay(&file, &[]);
        assert_eq!((ended.status, ended.stdout.len()), (Some(2), 0), "{ended:?}");
        assert!(ended.stderr.contains(&format!("format {version}")), "{ended:?}");
        assert!(ended.stderr.contains("reads format 4 only"), "{ended:?}");
        assert!(!ended.stderr.contains("differs"), "{ended:?}");
    }
}

#[test]
fn encrypted_events_leave_neither_keys_nor_text_in_the_file() {
    let (_folder, file) = folder();
    let server = Server::start().unwrap();
    let key = server.app().master_key().to_base64();
    let channel = "private-encrypted-room";
    let options = ["--record", file.to_str().unwrap(), "--count", "1", "--master-key", &key];
    let listener = listener(&server, channel, &options);
    server.publish_encrypted(channel, "headline", "nobody else knows");
    let ended = listener.end();
    assert!(ended.stdout[0].contains("nobody else knows"), "{ended:?}");
    let recording = fs::read_to_string(&file).unwrap();
    assert!(recording.contains(r#"{"opened":17}"#), "{recording}");
    for secret in ["app-secret", &key, "nobody else knows"] {
        assert!(!recording.contains(secret), "{recording}");
    }
    let ended = replay(&file, &[]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout[0], format!("{channel}  headline  {}  decrypted", "*".repeat(17)));
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    let (_folder, file) = folder();
    fs::write(&file, "precious").unwrap();
    let server = Server::start().unwrap();
    let arguments = ["listen", "news", "--record", file.to_str().unwrap()];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("is there already"), "{ended:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn the_file_is_its_owners_and_is_written_while_the_listener_runs() {
    let (_folder, file) = folder();
    let server = Server::start().unwrap();
    let options = ["--record", file.to_str().unwrap()];
    let listener = listener(&server, "news", &options);
    let deadline = std::time::Instant::now() + WAIT;
    // Nothing happens anymore, and still it is written.
    while !fs::read_to_string(&file).unwrap().contains("subscription_succeeded") {
        assert!(std::time::Instant::now() < deadline, "nothing was written");
        std::thread::yield_now();
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    Pushest::kill(listener);
    // Whatever a sudden end leaves behind: up to its last whole line it replays.
    let recording = fs::read_to_string(&file).unwrap();
    fs::write(&file, &recording[..=recording.rfind('\n').unwrap()]).unwrap();
    assert_eq!(replay(&file, &[]).status, Some(0));
}
