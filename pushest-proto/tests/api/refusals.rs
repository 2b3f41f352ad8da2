//! What an answer means that does not say that the call was carried out.

use std::time::Duration;

use crate::{NOW, SECRET, ok, parameter, request};
use pushest_proto::api::{
    AnswerError, AnswerErrorKind, Custom, HttpAnswer, ListChannels, Publish, Terminate,
};

const HTML: &str = "<!DOCTYPE html>\n<html>\n <title>Welcome to nginx!</title></html>";

fn published(answer: &HttpAnswer<'_>) -> AnswerError {
    request(&Publish::new("a", "e", "")).read(answer, NOW).unwrap_err()
}

fn asked(answer: &HttpAnswer<'_>) -> AnswerError {
    request(&ListChannels::new()).read(answer, NOW).unwrap_err()
}

#[test]
fn each_status_has_its_meaning_and_says_what_helps() {
    for (status, kind, hint) in [
        (400, AnswerErrorKind::BadRequest, None),
        (401, AnswerErrorKind::Unauthorized, Some("are the key and the secret those of this app?")),
        (403, AnswerErrorKind::Forbidden, Some("the app may be disabled or over its quota")),
        (404, AnswerErrorKind::NotFound, Some("is it the app's id")),
        (405, AnswerErrorKind::Refused, None),
        (413, AnswerErrorKind::TooLarge, Some("the server takes less data")),
        (429, AnswerErrorKind::TooManyRequests, Some("wait")),
        (500, AnswerErrorKind::Unavailable, None),
        (101, AnswerErrorKind::NotUnderstood, Some("is the server's HTTP API at this address?")),
        (999, AnswerErrorKind::NotUnderstood, None),
    ] {
        let error = published(&HttpAnswer::new(status, b"because"));
        let text = error.to_string();
        assert_eq!((error.kind, error.status, error.code), (kind, status, None));
        assert!(text.starts_with(&format!("the server answered {status}: because")), "{text}");
        assert!(hint.is_none_or(|hint| text.contains(hint)), "{text}");
    }
}

#[test]
fn data_that_is_too_large_for_the_server_did_not_arrive() {
    let error = published(&HttpAnswer::new(
        413,
        br#"{"error":"The data content of this event exceeds the allowed maximum (10240 bytes)"}"#,
    ));
    assert_eq!(
        error.to_string(),
        "the server answered 413: The data content of this event exceeds the allowed maximum (10240 \
         bytes) (the server takes less data than the limit that is set here)"
    );
    assert!(!error.may_have_arrived && !error.may_repeat());
}

#[test]
fn a_clock_that_is_twenty_minutes_off_is_told_where_the_date_shows_it() {
    let answer = HttpAnswer::new(401, b"Timestamp expired: Given timestamp not within 600s");
    for (date, expected) in [
        ("Fri, 16 Nov 2012 18:09:39 GMT", "the server's clock is 1200 s ahead of this machine's"),
        ("Fri, 16 Nov 2012 17:29:39 GMT", "the server's clock is 1200 s behind this machine's"),
    ] {
        let error = published(&answer.header("date", date));
        assert_eq!(error.clock.unwrap().seconds, 1200);
        assert!(error.to_string().contains(expected), "{error}");
    }
    for date in ["Friday, 16-Nov-12 18:09:39 GMT", "Fri Nov 16 18:09:39 2012"] {
        assert_eq!(published(&answer.header("date", date)).clock.unwrap().seconds, 1200);
    }
    for date in ["Fri, 16 Nov 2012 17:50:09 GMT", "yesterday", ""] {
        let error = published(&answer.header("Date", date));
        assert_eq!(error.clock, None);
        assert!(error.to_string().contains("are the key and the secret"), "{error}");
    }
    // Where the clock cannot be the reason, it is not told of.
    let other = HttpAnswer::new(403, b"").header("Date", "Fri, 16 Nov 2012 18:09:39 GMT");
    assert_eq!(published(&other).clock, None);
}

#[test]
fn the_body_decides_where_a_refusal_comes_with_status_200() {
    let error = published(&ok(r#"{"error":"The secret authentication failed","code":401}"#));
    assert_eq!(
        (error.kind, error.status, error.code),
        (AnswerErrorKind::Unauthorized, 200, Some(401))
    );
    assert!(!error.may_have_arrived);
    assert_eq!(
        error.to_string(),
        "the server answered 200 with code 401: The secret authentication failed (are the key and \
         the secret those of this app?)"
    );
    for (body, kind) in [
        (r#"{"error":"no"}"#, AnswerErrorKind::Refused),
        (r#"{"error":""}"#, AnswerErrorKind::Refused),
        (r#"{"error":true,"message":"no"}"#, AnswerErrorKind::Refused),
        (r#"{"error":{"message":"no","code":413}}"#, AnswerErrorKind::TooLarge),
        (r#"{"error":"no","code":"403"}"#, AnswerErrorKind::Forbidden),
        (r#"{"message":"no","code":404}"#, AnswerErrorKind::NotFound),
        (r#"{"error":"no","status":429}"#, AnswerErrorKind::TooManyRequests),
        (r#"{"error":"no","code":4009}"#, AnswerErrorKind::Refused),
        (r#"{"ok":true,"error":"no"}"#, AnswerErrorKind::Refused),
        (r#"{"status":401,"message":"no"}"#, AnswerErrorKind::Unauthorized),
        (r#"{"status":"413","message":"no"}"#, AnswerErrorKind::TooLarge),
        (r#"{"code":0,"status":429}"#, AnswerErrorKind::TooManyRequests),
        (r#"{"code":4009,"message":"no"}"#, AnswerErrorKind::Refused),
        (r#"{"status":4100}"#, AnswerErrorKind::Refused),
        (r#"{"code":4000}"#, AnswerErrorKind::Refused),
        (r#"{"code":"4299"}"#, AnswerErrorKind::Refused),
        (r#"{"errors":["no"]}"#, AnswerErrorKind::Refused),
        (r#"{"errors":"no"}"#, AnswerErrorKind::Refused),
        (r#"{"errors":[{"message":"no"}]}"#, AnswerErrorKind::Refused),
        (r#"{"errors":{"name":["no"]}}"#, AnswerErrorKind::Refused),
        (r#"{"success":false}"#, AnswerErrorKind::Refused),
        (r#"{"ok":false}"#, AnswerErrorKind::Refused),
        (r#"{"ok":"false"}"#, AnswerErrorKind::Refused),
        (r#"{"success":0}"#, AnswerErrorKind::Refused),
    ] {
        let error = published(&ok(body));
        assert_eq!((error.kind, error.may_have_arrived), (kind, false), "{body}");
        let error = request(&Terminate::user("7")).read(&ok(body), NOW).unwrap_err();
        assert_eq!(error.kind, kind, "{body}");
    }
    for body in [
        r#"{"error":null,"errors":[]}"#,
        r#"{"errors":{}}"#,
        r#"{"errors":[ ],"ok":true}"#,
        r#"{"errors":null,"success":true}"#,
        r#"{"errors":0}"#,
        r#"{"code":0}"#,
        r#"{"code":200,"status":200}"#,
        r#"{"status":"ok"}"#,
        r#"{"ok":1,"success":"true","message":"done"}"#,
    ] {
        request(&Publish::new("a", "e", "")).read(&ok(body), NOW).unwrap();
    }
}

#[test]
fn what_a_call_of_ones_own_is_answered_may_hold_anything_but_an_error() {
    let read = |body: &str| request(&Custom::get("/x")).read(&ok(body), NOW);
    for body in [
        r#"{"status":401}"#,
        r#"{"code":4009}"#,
        r#"{"errors":["bad"]}"#,
        r#"{"success":false}"#,
        r#"{"ok":false}"#,
    ] {
        assert_eq!(read(body).unwrap(), body);
    }
    for body in [r#"{"error":"no"}"#, r#"{"code":401}"#, r#"{"error":{"code":401}}"#] {
        read(body).unwrap_err();
    }
}

#[test]
fn the_errors_of_a_list_are_shown() {
    for body in [
        r#"{"errors":["the reason","another"]}"#,
        r#"{"errors":[{"message":"the reason","path":[]}]}"#,
        r#"{"errors":{"name":["the reason"]}}"#,
        r#"{"errors":"the reason"}"#,
        r#"{"errors":["?"],"message":"the reason"}"#,
    ] {
        assert_eq!(&*published(&ok(body)).message, "the reason", "{body}");
    }
}

#[test]
fn no_body_makes_a_failed_proxy_a_refusal_that_can_be_repeated() {
    for status in [500, 502, 504] {
        for body in [r#"{"code":429}"#, r#"{"error":"no","code":400}"#, r#"{"status":413}"#] {
            let error = published(&HttpAnswer::new(status, body.as_bytes()));
            assert_eq!(error.kind, AnswerErrorKind::Unavailable, "{status} {body}");
            assert!(error.may_have_arrived && !error.may_repeat(), "{status} {body}");
        }
    }
}

#[test]
fn a_clock_that_is_a_little_off_is_no_excuse_for_a_wrong_secret() {
    let answer = HttpAnswer::new(401, b"no").header("Date", "Fri, 16 Nov 2012 17:51:39 GMT");
    assert_eq!(
        published(&answer).to_string(),
        "the server answered 401: no (are the key and the secret those of this app? the server's clock \
         is 120 s ahead of this machine's, which most servers allow)"
    );
}

#[test]
fn a_piece_of_the_signature_is_hidden_too() {
    let request = request(&Publish::new("a", "e", ""));
    let signature = parameter(&request, "auth_signature").unwrap();
    for piece in [&signature[..60], &signature[4..], &signature[20..36]] {
        for piece in [piece.to_owned(), piece.to_uppercase()] {
            let body = format!("Invalid signature: {piece}");
            let error = request.read(&HttpAnswer::new(401, body.as_bytes()), NOW).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(&piece), "{error}");
        }
    }
    // What is no piece of it is shown.
    let answer = HttpAnswer::new(400, b"request 0123456789abcdef0123456789abcdef");
    let error = request.read(&answer, NOW).unwrap_err();
    assert!(error.to_string().contains("0123456789abcdef0123456789abcdef"), "{error}");
}

#[test]
fn a_web_page_junk_and_what_is_cut_short_are_no_success() {
    let cut = [r#"{"channels":{"a":{"user_count":1}"#, "{", r#"{"channels":"#, ""];
    for body in cut.into_iter().chain([HTML, "ok", "[1]", "7", "null", r#""{}""#, "{}{}", "{,}"]) {
        for error in [published(&ok(body)), asked(&ok(body))] {
            assert_eq!(error.kind, AnswerErrorKind::NotUnderstood, "{body}");
            assert!(
                error.to_string().contains("is the server's HTTP API at this address?"),
                "{error}"
            );
        }
        assert!(published(&ok(body)).may_have_arrived, "{body}");
        assert!(!asked(&ok(body)).may_have_arrived, "{body}");
    }
    assert_eq!(
        published(&ok(HTML)).to_string(),
        "the server answered 200: <!DOCTYPE html> <html> <title>Welcome to nginx!</title></html> \
         (is the server's HTTP API at this address?); the call may have been carried out"
    );
    assert!(published(&ok("")).to_string().starts_with("the server answered 200 and nothing more"));
    let error = published(&HttpAnswer::new(200, b"\xff\xfe{}"));
    assert_eq!(error.kind, AnswerErrorKind::NotUnderstood);
}

#[test]
fn only_what_cannot_arrive_twice_may_be_repeated() {
    let table = [
        // Status, with Retry-After, a query may be repeated, publishing may, it may have arrived.
        (429, false, true, true, false),
        (429, true, true, true, false),
        (503, true, true, true, false),
        (503, false, true, false, true),
        (500, false, true, false, true),
        (500, true, true, false, true),
        (502, false, true, false, true),
        (504, true, true, false, true),
        (408, false, true, false, true),
        (400, false, false, false, false),
        (401, true, false, false, false),
        (404, false, false, false, false),
        (301, false, false, false, false),
    ];
    for (status, retry_after, query, publishing, arrived) in table {
        let mut answer = HttpAnswer::new(status, b"");
        if retry_after {
            answer = answer.header("Retry-After", "7");
        }
        assert_eq!(asked(&answer).may_repeat(), query, "{status}");
        assert!(!asked(&answer).may_have_arrived);
        let error = published(&answer);
        assert_eq!((error.may_repeat(), error.may_have_arrived), (publishing, arrived), "{status}");
        assert_eq!(error.retry_after, retry_after.then_some(Duration::from_secs(7)));
        assert_eq!(error.to_string().ends_with("may have been carried out"), arrived, "{error}");
    }
}

#[test]
fn the_pause_that_is_asked_for_is_a_number_of_seconds_or_a_date() {
    let pause =
        |answer: HttpAnswer<'_>, value| asked(&answer.header("retry-after", value)).retry_after;
    let answer = HttpAnswer::new(503, b"");
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(pause(answer, "120"), seconds(120));
    assert_eq!(pause(answer, " 0 "), seconds(0));
    assert_eq!(pause(answer, "99999999999999999999999"), seconds(u64::MAX));
    assert_eq!(pause(answer, "Fri, 16 Nov 2012 17:50:39 GMT"), seconds(60));
    assert_eq!(pause(answer, "Friday, 16-Nov-12 17:50:39 GMT"), seconds(60));
    assert_eq!(pause(answer, "Fri Nov 16 17:50:39 2012"), seconds(60));
    assert_eq!(pause(answer, "Fri, 16 Nov 2012 17:00:00 GMT"), seconds(0));
    // The server's own clock counts.
    let dated = answer.header("Date", "Fri, 16 Nov 2012 17:50:29 GMT");
    assert_eq!(pause(dated, "Fri, 16 Nov 2012 17:50:39 GMT"), seconds(10));
    for junk in ["", "soon", "-1", "1.5", "+1"] {
        assert_eq!(pause(answer, junk), None, "{junk}");
    }
}

#[test]
fn a_redirect_shows_where_it_leads_and_no_signature() {
    let request = request(&ListChannels::new());
    let target = format!("https://k:s@example.org/x{}", request.target());
    let answer = HttpAnswer::new(308, b"").header("LOCATION", &target);
    let error = request.read(&answer, NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server answered 308: a redirect to https://example.org/x/apps/3/channels (it is not followed: \
         set the address that it leads to)"
    );
    assert!(asked(&HttpAnswer::new(301, b"")).to_string().contains("a redirect to nowhere"));
    for (location, expected) in [
        ("https://example.com/@me/apps", "https://example.com/@me/apps"),
        ("https://u:p@ss@example.com/@me/apps", "https://example.com/@me/apps"),
        ("//u:p@example.com", "//example.com"),
        ("https://u:p@example.com\\@me", "https://example.com\\@me"),
        ("https://u@[::1]:80/a?token=x", "https://[::1]:80/a"),
        ("/@me/apps#x", "/@me/apps"),
    ] {
        let error = asked(&HttpAnswer::new(301, b"").header("Location", location));
        let expected = format!("a redirect to {expected}");
        assert_eq!(*error.message, *expected, "{location}");
    }
}

#[test]
fn a_code_in_the_body_makes_no_redirect() {
    for status in [200, 400] {
        let answer = HttpAnswer::new(status, br#"{"error":"moved","code":302}"#);
        let error = published(&answer.header("Location", "https://example.org"));
        assert_ne!(error.kind, AnswerErrorKind::Redirect);
        let text = error.to_string();
        assert!(text.contains("moved") && !text.contains("redirect"), "{text}");
        assert!(!text.contains("it is not followed"), "{text}");
    }
}

#[test]
fn what_servers_say_is_short_and_on_one_line_and_shows_no_signature() {
    let request = request(&Publish::new("a", "e", ""));
    let signature = parameter(&request, "auth_signature").unwrap();
    let said = |body: &str| {
        let error = request.read(&HttpAnswer::new(401, body.as_bytes()), NOW).unwrap_err();
        format!("{error} {error:?}")
    };
    // The hosted service explains what it expected.
    let explained = said(&format!(
        "Invalid signature: you should have sent HmacSHA256Hex(\"POST\\n/apps/3/events\", your_secret_key), but you sent {signature:?}\n"
    ));
    assert!(explained.contains("but you sent \"…\""), "{explained}");
    let upper = signature.to_uppercase();
    let escaped: String = signature.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    for body in [
        signature.to_owned(),
        upper.clone(),
        format!("x{signature}0"),
        format!(r#"{{"error":"{escaped}"}}"#),
        format!("{} {signature}", "x".repeat(190)),
        request.url(),
    ] {
        let shown = said(&body);
        assert!(!shown.contains(signature) && !shown.contains(&upper), "{shown}");
        assert!(!shown.contains(&signature[..8]), "{shown}");
        assert!(!shown.contains(SECRET));
    }
    let hostile = said("a\u{1b}[2J\r\n\0b\u{202e}c\u{2028}d");
    assert!(
        hostile.starts_with(r"the server answered 401: a\u{1b}[2J \u{0}b\u{202e}c d"),
        "{hostile}"
    );
    let long =
        request.read(&HttpAnswer::new(500, "é".repeat(100_000).as_bytes()), NOW).unwrap_err();
    assert_eq!(long.message.chars().count(), 200);
}
