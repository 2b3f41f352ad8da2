//! Recordings: what is in them, what is not, and what a replay finds.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{Harness, KEY, asking, established, message, object, signing};
use pushest_proto::trace::Replay;
use pushest_proto::{
    Action, Authorization, AuthorizationError, BackoffConfig, ConnectionState, DialFailure, Event,
    Instant, Loss, SubscribeOptions,
};
use serde_json::{Value, json};

/// A session that has been told and asked everything that there is.
fn everything() -> Harness {
    let mut harness = Harness::new(signing().master_key(&[5; 32]));
    let now = harness.now;
    harness.connect_and_keep();
    harness.subscribed("private-a");
    harness
        .session
        .subscribe("presence-a", &SubscribeOptions::member("me").info("{}"), now)
        .unwrap();
    harness.session.sign_in(Some(r#"{"id":"me"}"#), now).unwrap();
    harness.session.trigger("private-a", "client-e", &json!({"line\n": 1}), now).unwrap();
    harness.session.ping(now).unwrap();
    let connection = harness.current();
    harness.session.handle_activity(connection, now);
    harness.session.handle_caught_up(connection, now);
    harness.session.handle_wall_clock(Duration::from_millis(1_795_680_000_123), now);
    harness.session.handle_slice(connection, &[0xff, 0xfe], now);
    harness.session.handle_reading(false, now);
    harness.session.handle_reading(true, now);
    harness.session.handle_writable(connection, false, now);
    harness.session.handle_writable(connection, true, now);
    harness.session.handle_network_change(now);
    harness.session.unsubscribe("private-a", now).unwrap();
    harness.session.retry("presence-a", now).unwrap();
    harness.subscribed("private-encrypted-a");
    let sealed = json!({
        "nonce": "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9",
        "ciphertext": "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A=",
    });
    harness.receive(&object("e", Some("private-encrypted-a"), sealed));
    let endpoint = harness.endpoint.clone().unwrap();
    harness.session.set_endpoint(endpoint.with_path("/elsewhere").unwrap(), now);
    harness.drain();
    harness.lose(Loss::Dial(DialFailure::Http {
        status: 503,
        retry_after: None,
        location: None,
        body: "maintenance until\\nnoon".into(),
    }));
    harness.session.disconnect(now);
    harness.drain();
    harness
}

/// A session that asks, with a channel of each kind: authorized, refused, and encrypted.
fn authorized() -> Harness {
    let mut harness = Harness::new(asking());
    harness.connect();
    for channel in ["private-a", "private-b", "private-c", "private-encrypted-a"] {
        harness.subscribe(channel);
    }
    let requests = harness.requests();
    let key = "iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=";
    let answers = [
        Ok(Authorization::new(format!("{KEY}:5f00"))),
        Err(AuthorizationError::refused(Some(403), "no")),
        Err(AuthorizationError::unavailable(None, "later")),
        Ok(Authorization::new("k:s").shared_secret(key)),
    ];
    for (request, answer) in requests.iter().zip(answers) {
        harness.session.handle_authorization(request.ticket, answer, harness.now);
    }
    harness.drain();
    harness.succeed("private-encrypted-a");
    let sealed = json!({
        "nonce": "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9",
        "ciphertext": "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A=",
    });
    harness.receive(&object("greeting", Some("private-encrypted-a"), sealed));
    harness
}

#[test]
fn every_input_and_command_is_a_line_of_its_own_and_so_is_what_came_of_it() {
    let texts = [everything().recording(), authorized().recording()];
    let kind = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line.as_object().unwrap().keys().next().unwrap().clone()
    };
    let kinds: BTreeSet<String> = texts.iter().flat_map(|text| text.lines()).map(kind).collect();
    let all = "action activity authorization bytes caught_up close connect disconnect drained \
               message network_change open opened ping reading retry set_endpoint sign_in signed \
               subscribe timeout trace trigger unopened unsubscribe wall_clock writable";
    assert_eq!(kinds, all.split_whitespace().map(String::from).collect());
}

#[test]
fn the_body_of_a_refusal_is_recorded() {
    let text = everything().recording();
    assert!(text.contains(r#""body":"maintenance until\\nnoon""#), "{text}");
}

#[test]
fn an_encrypted_event_is_recorded_by_its_length_alone() {
    let text = authorized().recording();
    assert!(!text.contains("hello world") && text.contains(r#"{"opened":25}"#), "{text}");
    let mut opened = Vec::new();
    for action in Replay::new(&text).unwrap() {
        if let Action::Emit(Event::Channel(event)) = action.unwrap() {
            opened.push((
                event.was_encrypted(),
                event.name().to_owned(),
                event.text().into_owned(),
            ));
        }
    }
    assert_eq!(opened, [(true, "greeting".to_owned(), "*".repeat(25))]);
}

#[test]
fn every_line_that_was_changed_is_found() {
    let text = everything().recording();
    let lines: Vec<&str> = text.lines().collect();
    let mut found = 0;
    for place in 1..lines.len() {
        let is_action = lines[place].starts_with(r#"{"action":"#);
        let changed = if is_action {
            lines[place].replacen(r#"{"action":{""#, r#"{"action":{"x"#, 1)
        } else if lines[place].starts_with(r#"{"signed":"#) {
            lines[place].replace(KEY, "another")
        } else {
            continue;
        };
        let mut copy = lines.clone();
        copy[place] = &changed;
        let difference = Replay::new(&copy.join("\n")).unwrap().finish().unwrap_err();
        // A signature shows in the frame that it was made for, which follows.
        let line = if is_action { place + 1 } else { place + 2 };
        assert_eq!(difference.line, line, "{difference}");
        found += 1;
    }
    assert!(found > 20, "{found}");
}

#[test]
fn a_recording_that_was_written_anew_with_other_escapes_spaces_and_orders_is_the_same() {
    let text = everything().recording();
    let anew = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        // In alphabetical order, with spaces; neither `action` nor what is no text has a v.
        serde_json::to_string_pretty(&line).unwrap().replace('\n', " ").replace('v', "\\u0076")
    };
    let is_action = |line: &str| line.starts_with(r#"{"action":"#);
    let lines = text.lines().map(|it| if is_action(it) { anew(it) } else { it.to_string() });
    let written: Vec<String> = lines.collect();
    assert!(written.iter().any(|line| line.contains("\\u0076")), "{written:?}");
    Replay::new(&(written.join("\n") + "\n")).unwrap().finish().unwrap();
}

#[test]
fn a_line_that_was_taken_out_or_put_in_is_found() {
    let text = authorized().recording();
    let lines: Vec<&str> = text.lines().collect();
    let place = |start: &str| lines.iter().position(|line| line.starts_with(start)).unwrap();
    for start in
        [r#"{"connect":"#, r#"{"subscribe":"#, r#"{"action":"#, r#"{"open":"#, r#"{"opened":"#]
    {
        let mut copy = lines.clone();
        copy.remove(place(start));
        Replay::new(&copy.join("\n")).unwrap().finish().expect_err(start);
    }
    for line in [
        r#"{"opened":0}"#,
        r#"{"action":{"abandon":{"connection":1,"number":1}}}"#,
        r#"{"disconnect":{"at":1000000}}"#,
    ] {
        let mut copy = lines.clone();
        copy.insert(place(r#"{"open":"#), line);
        Replay::new(&copy.join("\n")).unwrap().finish().expect_err(line);
    }
    // Nothing is left to compare the last action of a round with but its end.
    let drained = place(r#"{"action":"#) + 2;
    assert_eq!(lines[drained], r#"{"drained":{}}"#);
    let mut copy = lines.clone();
    copy.remove(drained - 1);
    let difference = Replay::new(&copy.join("\n")).unwrap().finish().unwrap_err();
    assert_eq!((difference.line, &*difference.recorded), (drained, "nothing"), "{difference}");
}

#[test]
fn a_difference_says_what_was_recorded_and_what_the_replay_did() {
    let text = everything().recording();
    let changed = text.replacen(r#""to":"connecting""#, r#""to":"connected""#, 1);
    let mut replay = Replay::new(&changed).unwrap();
    let difference = replay.next().unwrap().unwrap_err();
    assert_eq!((difference.line, replay.line()), (3, 3));
    assert!(difference.recorded.contains(r#""to":"connected""#), "{difference}");
    assert!(difference.replayed.contains(r#""to":"connecting""#), "{difference}");
    assert!(replay.next().is_none(), "nothing can follow a difference");
}

#[test]
fn a_damaged_line_is_named_with_the_rule() {
    let text = everything().recording();
    let lines: Vec<&str> = text.lines().collect();
    let damaged = |place: usize, line: &str| {
        let mut copy = lines.clone();
        copy[place] = line;
        let error = Replay::new(&(copy.join("\n") + "\n")).unwrap_err();
        assert_eq!(error.line, place + 1, "{error}");
        error.to_string()
    };
    let cases = [
        (1, "", "EOF while parsing"),
        (2, "junk", "expected value"),
        (3, r#"{"explode":{"at":1}}"#, "unknown variant `explode`"),
        (4, r#"{"connect":{}}"#, "missing field `at`"),
        (5, r#"{"connect":{"at":1,"on":2}}"#, "unknown field `on`"),
        (6, r#"{"bytes":{"at":1,"connection":1,"base64":"?"}}"#, "not base64"),
        (7, r#"{"trigger":{"at":1,"channel":"a","event":"b","data":"c"}}"#, "not JSON"),
        (8, r#"{"opened":1000}"#, "more was opened"),
        (9, lines[0], "`trace` is the first line"),
    ];
    for (place, line, rule) in cases {
        let error = damaged(place, line);
        assert!(error.contains(rule) && error.starts_with("line "), "{error}");
    }
    let first = |from: &str, to: &str| damaged(0, &lines[0].replacen(from, to, 1));
    assert!(first(KEY, "k y").contains("key"));
    assert!(first(r#""host":"localhost""#, r#""host":"a b""#).contains("host"));
    assert!(first(r#""channels":100000"#, r#""channels":0"#).contains("channels"));
    assert!(damaged(0, lines[1]).contains("`trace` is the first line"));
    let cut_off = Replay::new(&text[..text.len() - 5]).unwrap_err();
    assert_eq!((cut_off.line, &*cut_off.problem), (lines.len(), CUT_OFF));
    assert_eq!(
        Replay::new("").unwrap_err().to_string(),
        "line 1 of the recording: there is no line"
    );
}

#[test]
fn a_recording_in_another_format_is_refused_by_name_whatever_else_is_in_it() {
    let text = everything().recording();
    let format = |version: &str| {
        let first = text.lines().next().unwrap();
        first.replacen(r#""version":4,"#, &format!(r#""version":{version},"#), 1)
    };
    // What has other fields, other lines, or no end of its first line, is no less in its format.
    let mut older: Value = serde_json::from_str(&format("1")).unwrap();
    older["trace"]["backoff"] = json!({"initial": {"secs": 1, "nanos": 0}});
    older["trace"]["library"] = json!("0.0.9");
    let cases = [
        (older.to_string() + "\n" + r#"{"explode":{"at":1}}"#, "1, written by version 0.0.9"),
        (format("1"), "1, written by"),
        (format("2"), "2, written by"),
        (format("3"), "3, written by"),
        (format("5") + "\n", "5, written by"),
        (format("4294967298"), "4294967298"),
        (format(r#""4""#), r#""4""#),
        (format("4.0"), "4.0"),
        (format("null"), "null"),
        (r#"{"trace":{"version":7}}"#.to_string(), "7; this version"),
        (r#"{"trace":{"version":7,"library":[1]}}"#.to_string(), "7; this version"),
    ];
    let this = concat!("this version, ", env!("CARGO_PKG_VERSION"), ", reads format 4 only");
    for (recording, named) in cases {
        let error = Replay::new(&recording).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.line, 1, "{said}");
        assert!(said.contains(&format!("it has format {named}")) && said.ends_with(this), "{said}");
    }
    let long = format(&format!("{:?}", "x".repeat(10_000)));
    assert!(Replay::new(&long).unwrap_err().problem.len() < 700);
    assert!(Replay::new(&text).is_ok());
}

#[test]
fn a_schedule_of_pauses_is_part_of_the_recording() {
    let backoff = BackoffConfig::schedule([3, 5].map(Duration::from_secs))
        .retry_after_limit(Duration::from_secs(60));
    let mut harness = Harness::new(asking().backoff(backoff));
    harness.session.connect(harness.now);
    harness.drain();
    let refused = Loss::Refused { code: 4100, message: "full".into() };
    for loss in [Loss::reset("gone"), refused, Loss::reset("gone")] {
        harness.lose(loss);
        harness.wait_for_retry();
    }
    let text = harness.recording();
    assert!(text.lines().next().unwrap().contains(r#""schedule":[{"secs":3,"nanos":0}"#), "{text}");
    Replay::new(&text).unwrap().finish().unwrap();
    // With other pauses the same inputs lead elsewhere, and what is no schedule is refused.
    let other = text.replacen(r#"[{"secs":3"#, r#"[{"secs":9"#, 1);
    Replay::new(&other).unwrap().finish().unwrap_err();
    let begin = text.find(r#""schedule":["#).unwrap() + r#""schedule":"#.len();
    let end = begin + text[begin..].find(']').unwrap() + 1;
    let empty = format!("{}[]{}", &text[..begin], &text[end..]);
    assert!(Replay::new(&empty).unwrap_err().problem.contains("schedule of pauses is empty"));
}

#[test]
fn a_recording_that_strangers_changed_is_refused_or_replayed_and_breaks_nothing() {
    let text = everything().recording();
    let lines: Vec<&str> = text.lines().collect();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut refused, mut replayed) = (0, 0);
    for _ in 0..2_000 {
        let mut copy: Vec<String> = lines.iter().map(|line| (*line).to_string()).collect();
        for _ in 0..random.usize(1..4) {
            let (place, other) = (random.usize(0..copy.len()), random.usize(0..copy.len()));
            match random.u8(0..4) {
                0 => drop(copy.remove(place)),
                1 => copy.swap(place, other),
                2 => {
                    let again = copy[other].clone();
                    copy.insert(place, again);
                }
                _ => {
                    let digits: Vec<usize> =
                        copy[place].match_indices(char::is_numeric).map(|(at, _)| at).collect();
                    if let Some(at) = random.choice(digits) {
                        copy[place].insert_str(at, &"9".repeat(random.usize(1..20)));
                    }
                }
            }
        }
        match Replay::new(&(copy.join("\n") + "\n")) {
            Ok(replay) => replayed += usize::from(replay.finish().is_err()),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && replayed > 100, "{refused} refused, {replayed} with a difference");
}

#[test]
fn no_more_is_opened_than_came_in() {
    let text = everything().recording();
    // Each could be of the longest message, and all of them of none.
    let opened = "{\"opened\":50}\n";
    let error = Replay::new(&(text.clone() + &opened.repeat(text.len() / 50))).unwrap_err();
    assert!(error.to_string().contains("more was opened"), "{error}");
}

const CUT_OFF: &str = "it is cut off: without it the rest can be replayed";

#[test]
fn a_recording_that_ends_early_replays_up_to_there() {
    let text = everything().recording();
    let ends = text.match_indices('\n').map(|(end, _)| end + 1);
    for end in ends {
        Replay::new(&text[..end]).unwrap().finish().unwrap();
    }
}

#[test]
fn the_replayed_session_can_be_looked_at_on_the_way() {
    let text = everything().recording();
    let mut replay = Replay::new(&text).unwrap();
    let mut states = BTreeSet::new();
    while let Some(action) = replay.next() {
        action.unwrap();
        states.insert(replay.session().state().to_string());
    }
    assert!(states.contains("connected") && states.contains("waiting"), "{states:?}");
    assert_eq!(replay.session().state(), ConnectionState::Disconnected);
    assert_eq!(replay.line(), replay.lines());
    assert_eq!(replay.recorded_by(), env!("CARGO_PKG_VERSION"));
    assert!(replay.now() > Instant::ORIGIN);
}

/// Recordings of programs at work, and of [scenarios](crate::recorded). One that differs shows that
/// the session does something else than it did, or that an action looks different.
#[test]
fn the_recordings_of_former_commits_replay() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let replay = Replay::new(&std::fs::read_to_string(&path).unwrap()).unwrap();
        if let Err(difference) = replay.finish() {
            panic!("{}: {difference}", path.display());
        }
        files += 1;
    }
    assert!(files > 20, "{files}");
}

#[test]
fn a_recording_that_was_stopped_grows_no_more() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.session.stop_recording();
    let text = harness.recording();
    harness.receive(&established("1.2", 7));
    harness.receive(&message("e", None, "1"));
    assert_eq!(harness.recording(), text);
}
