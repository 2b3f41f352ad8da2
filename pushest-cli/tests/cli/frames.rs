//! With `-vv` each frame is shown, both ways, and no signature with it.

use pushest_testkit::{Server, Target};

use crate::runtime::RUNTIMES;
use crate::support::{Ended, WAIT, listener};

/// A listener that has signed in, is told its own signatures by the server, and hears an event.
fn listens(options: &[&str]) -> (Ended, Vec<String>) {
    let server = Server::builder().record(true).start().unwrap();
    let user = ["--user-id", "ada", "--user-info", r#"{"name":"Ada"}"#];
    let sign_in = ["--sign-in", r#"{"id":"ada"}"#, "private-a"];
    let mut listener = listener(&server, "presence-room", &[&user, &sign_in[..], options].concat());
    listener.stdout.until("signed in as ada");
    server.wait_for_subscribers("private-a", 1, WAIT).unwrap();
    let signatures = signatures(&server.received());
    for signature in &signatures {
        // As servers repeat it: in a sentence, in JSON within JSON, and cut off.
        server.send_error(Target::All, Some(4009), &format!("got app-key:{signature}"));
        let echo = serde_json::json!({ "auth": format!("app-key:{signature}") }).to_string();
        let echo = serde_json::json!({ "event": "echo", "data": echo });
        server.send_raw(Target::All, &echo.to_string());
        server.send_raw(Target::All, &format!("got {}", &signature[..40]));
    }
    server.publish("private-a", "headline", "rain \u{1b}[31m");
    listener.stdout.until("headline");
    server.close(Target::All, 4200, "bye");
    listener.stderr.until("bye");
    listener.signal("INT");
    (listener.end(), signatures)
}

/// What the client has signed.
fn signatures(received: &[String]) -> Vec<String> {
    let values = received.iter().filter_map(|text| text.split_once(r#""auth":"app-key:"#));
    let values = values.map(|(_, rest)| rest.split('"').next().unwrap().to_owned());
    let values: Vec<String> = values.collect();
    assert!(values.len() == 3 && values.iter().all(|it| it.len() == 64), "{received:?}");
    values
}

/// No part of a signature stands in the lines of frames; the server's own words, which are told as
/// its errors besides, are another matter.
fn assert_hidden(ended: &Ended, signatures: &[String]) {
    let frames = ended.stderr.lines().filter(|line| line.contains("pushest::frames"));
    let frames: String = frames.collect();
    for signature in signatures {
        for part in [&signature[..16], &signature[24..40], &signature[48..]] {
            assert!(!frames.contains(part), "{part} in {frames}");
        }
    }
    assert!(!ended.stderr.contains("app-secret"), "{ended:?}");
}

#[test]
fn each_frame_is_shown_both_ways_without_signatures() {
    for runtime in RUNTIMES {
        let (ended, signatures) = listens(&["-vv", "--runtime", runtime]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_hidden(&ended, &signatures);
        for frame in [
            r#"sent {"event":"pusher:subscribe","data":{"channel":"private-a","auth":"***"}}"#,
            r#"sent {"event":"pusher:subscribe","data":{"channel":"presence-room","auth":"***","channel_data":"{\"user_id\":\"ada\",\"user_info\":{\"name\":\"Ada\"}}"}}"#,
            r#"sent {"event":"pusher:signin","data":{"auth":"***","user_data":"{\"id\":\"ada\"}"}}"#,
            r#"received {"event":"pusher:connection_established""#,
            r#"received {"event":"pusher:error","data":{"code":4009,"message":"got app-key:***"}}"#,
            r#"received {"data":"{\"auth\":\"***\"}","event":"echo"}"#,
            r#"received {"event":"headline","channel":"private-a","data":"rain \u001b[31m"}"#,
            "received a close frame: ",
        ] {
            assert!(ended.stderr.contains(frame), "no {frame} in {:#?}", ended.stderr);
        }
        assert!(
            ended.stderr.matches("pushest::frames: received got ***").count() == 3,
            "{ended:?}"
        );
        // Nothing but our clients' log: other libraries mask nothing.
        let foreign = ended.stderr.lines().filter(|line| line.contains(" TRACE "));
        let foreign: Vec<&str> = foreign.filter(|line| !line.contains("pushest::frames")).collect();
        assert!(foreign.is_empty(), "{foreign:?}");
    }
}

#[test]
fn with_one_v_no_frame_is_shown() {
    let (ended, signatures) = listens(&["-v"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_hidden(&ended, &signatures);
    assert!(ended.stderr.contains(" INFO ") && ended.stderr.contains(" DEBUG "), "{ended:?}");
    for text in ["pushest::frames", "pusher:subscribe", "connection_established", " TRACE "] {
        assert!(!ended.stderr.contains(text), "{text} in {ended:?}");
    }
}
