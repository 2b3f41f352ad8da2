//! What is given to `pushest publish` wrongly, or in odd forms.

use std::fs::File;
use std::path::Path;

use pushest_testkit::Server;
use serde_json::{Value, json};

use crate::publishing::{data, fed, run};
use crate::support::{listener, pushest};

fn at(file: &Path) -> String {
    format!("@{}", file.display())
}

#[test]
fn a_file_that_is_no_data_is_named_and_nothing_is_sent() {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        at(&file)
    };
    let huge = folder.path().join("huge");
    File::create(&huge).unwrap().set_len((64 << 20) + 1).unwrap();
    for (given, text) in [
        ("@".to_owned(), "@ names no file"),
        ("@/no/such/file".to_owned(), "/no/such/file cannot be read"),
        (at(folder.path()), "cannot be read"),
        (with("latin-1", b"\xe9"), "is not UTF-8"),
        (with("large", &[b'x'; 10_241]), "10241 bytes"),
        (at(&huge), "has more than 67108864 bytes"),
    ] {
        let ended = run(&["publish", "news", "x", &given], &server);
        assert_eq!(ended.status, Some(2), "{given}: {ended:?}");
        assert!(ended.stderr.contains(text), "{given}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{given}: {ended:?}");
    }
}

#[test]
fn lines_end_as_on_any_system_and_the_last_one_need_not() {
    let server = Server::start().unwrap();
    let mut news = listener(&server, "news", &["--json"]);
    let line = |n: u64| json!({"channel": "news", "name": "x", "data": n}).to_string();
    let [one, two, three] = [1, 2, 3].map(line);
    let given = format!("\u{feff}{one}\r\n\r\n \t \n  {two}  \r\n\n{three}");
    let ended = fed(&["publish", "--batch"], &server, given.as_bytes());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout[0].starts_with("published 3 events in "), "{ended:?}");
    for n in 1..=3 {
        assert_eq!(data(&mut news.stdout), n);
    }
    // Lines count as an editor counts them.
    let given = format!("{one}\r\n\r\njunk\r\n{three}\r\n");
    let ended = fed(&["publish", "--batch"], &server, given.as_bytes());
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("after 1 published events: line 3: "), "{ended:?}");
    assert_eq!(data(&mut news.stdout), 1);
    for junk in [&b"\xff\xfe{\0"[..], b"\xe9", b"[]", b"7", b"null", b"{", b"\0", b"{}{}"] {
        let given = [one.as_bytes(), junk].join(&b'\n');
        let ended = fed(&["publish", "--batch"], &server, &given);
        assert_eq!(ended.status, Some(1), "{junk:?}: {ended:?}");
        assert!(ended.stderr.contains("line 2: "), "{junk:?}: {ended:?}");
        assert_eq!(data(&mut news.stdout), 1);
    }
}

#[test]
fn eleven_events_at_once_are_two_requests() {
    let server = Server::start().unwrap();
    let line = json!({"channel": "news", "name": "x", "data": 1}).to_string() + "\n";
    let ended = fed(&["publish", "--batch", "--json"], &server, line.repeat(11).as_bytes());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let line: Value = serde_json::from_str(&ended.stdout[0]).unwrap();
    assert_eq!(line["events"], 11);
    assert!(line["requests"].as_u64().unwrap() >= 2, "{line}");
}

#[test]
fn numbers_that_are_none_are_refused() {
    let server = Server::start().unwrap();
    for count in ["0", "-1", "1.5", "", "1e3", "18446744073709551616", "nan"] {
        let option = format!("--count={count}");
        let ended = run(&["publish", "news", "x", "1", &option], &server);
        assert_eq!(ended.status, Some(2), "{count:?}: {ended:?}");
        assert!(ended.stderr.contains("--count"), "{count:?}: {ended:?}");
    }
    for rate in ["0", "-0", "-1", "nan", "NaN", "inf", "-inf", "1e-7", "1e7", "1e400", "x"] {
        let option = format!("--rate={rate}");
        let ended = run(&["publish", "news", "x", "1", "--count", "2", &option], &server);
        assert_eq!(ended.status, Some(2), "{rate:?}: {ended:?}");
        assert!(ended.stderr.contains("not a number of events a second"), "{rate:?}: {ended:?}");
    }
    for timeout in ["0", "-1", "nan", "inf", "1e300"] {
        let option = format!("--timeout={timeout}");
        let ended = run(&["publish", "news", "x", "1", &option], &server);
        assert_eq!(ended.status, Some(2), "{timeout:?}: {ended:?}");
        assert!(ended.stderr.contains("not a number of seconds"), "{timeout:?}: {ended:?}");
    }
}

#[test]
fn keys_and_ids_that_could_break_out_of_a_request_are_refused() {
    let server = Server::start().unwrap();
    for bad in ["a\nb", "a\tb", "a b ", "a:b", "a/b", "\u{e9}", ""] {
        for option in ["--key", "--app-id"] {
            let given = format!("{option}={bad}");
            let rest = match option {
                "--key" => ["--app-id", "1"],
                _ => ["--key", "app-key"],
            };
            let port = server.port().to_string();
            let to = ["--secret", "app-secret", "--host", "127.0.0.1", "--port", &port];
            let ended = pushest(&[&["publish", "news", "x", "1", &given][..], &rest, &to].concat());
            assert_eq!(ended.status, Some(2), "{given:?}: {ended:?}");
            assert!(!ended.stderr.contains("app-secret"), "{ended:?}");
        }
    }
}
