//! What is sent to an app's authorization endpoint, and what its answers mean.

use std::time::Duration;

use crate::harness::{Harness, asking};
use pushest_proto::{AuthEndpoint, Authorization, AuthorizationError, EndpointAnswer};

fn read(status: u16, body: &str) -> Result<Authorization, AuthorizationError> {
    let retry_after = Some(Duration::from_secs(7));
    let location = Some("https://example.org/login");
    EndpointAnswer::new(status, body.as_bytes()).retry_after(retry_after).location(location).read()
}

#[test]
fn the_request_is_a_form_with_the_socket_the_channel_and_the_apps_parameters() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("private-x=y");
    harness.session.sign_in(None, harness.now).unwrap();
    harness.drain();
    let requests = harness.requests();
    let endpoint = AuthEndpoint::new("http://localhost/auth")
        .user_url("http://localhost/user")
        .parameter("tenant", "a b&c")
        .header("X-Token", "t0ken");
    let channel = endpoint.request(&requests[0]);
    assert_eq!(channel.url, "http://localhost/auth");
    assert_eq!(channel.content_type, "application/x-www-form-urlencoded");
    assert_eq!(channel.headers, [("X-Token".to_string(), "t0ken".to_string())]);
    assert_eq!(channel.body, "socket_id=1234.1234&channel_name=private-x%3Dy&tenant=a+b%26c");
    let user = endpoint.request(&requests[1]);
    assert_eq!(user.url, "http://localhost/user");
    assert_eq!(user.body, "socket_id=1234.1234&tenant=a+b%26c");
    let shown = format!("{endpoint:?} {channel:?}");
    assert!(!shown.contains("t0ken") && !shown.contains("a b&c"), "{shown}");
}

#[test]
fn any_2xx_with_an_auth_grants() {
    let body =
        r#"{"auth":"k:s","channel_data":"{\"user_id\":1}","shared_secret":"AA","other":[1]}"#;
    for status in [200, 201, 204, 299] {
        let granted = read(status, body).unwrap();
        assert_eq!(granted.auth, "k:s");
        assert_eq!(granted.channel_data.as_deref(), Some(r#"{"user_id":1}"#));
        assert_eq!(granted.shared_secret.unwrap().as_str(), "AA");
    }
    let user = read(200, r#"{"auth":"k:s","user_data":"{\"id\":\"1\"}"}"#).unwrap();
    assert_eq!(user.user_data.as_deref(), Some(r#"{"id":"1"}"#));
}

#[test]
fn an_answer_that_cannot_be_read_is_final_and_is_not_quoted() {
    for body in ["", "junk", "[]", "{}", r#"{"auth":""}"#, r#"{"auth":7}"#, r#"{"auth":null}"#] {
        let Err(AuthorizationError::Refused { status, message }) = read(200, body) else {
            panic!("{body}")
        };
        assert_eq!(status, Some(200));
        assert!(message.contains("auth"), "{message}");
    }
    let secret = r#"{"shared_secret":"5ent1nel"}"#;
    assert!(!format!("{:?}", read(200, secret)).contains("5ent1nel"));
}

#[test]
fn a_refusal_says_status_and_body() {
    for status in [400, 401, 403, 404, 419] {
        assert_eq!(
            read(status, "go away"),
            Err(AuthorizationError::refused(Some(status), "go away"))
        );
    }
}

#[test]
fn of_an_error_page_the_first_200_characters_are_shown_on_one_line_without_control_characters() {
    let shown = |body: &str| match read(403, body) {
        Err(AuthorizationError::Refused { message, .. }) => message.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&"x".repeat(1_000)), "x".repeat(200));
    assert_eq!(shown(&"ä ".repeat(1_000)), "ä ".repeat(100));
    let page = "\r\n<html>\n\t<h1>Page  expired</h1>\n</html>\n";
    assert_eq!(shown(page), "<html> <h1>Page expired</h1> </html>");
    assert_eq!(shown("a\x1b[2Jb\0c\u{202e}d\u{9b}e"), r"a\u{1b}[2Jb\u{0}c\u{202e}d\u{9b}e");
}

#[test]
fn a_byte_order_mark_before_the_answer_is_skipped() {
    let json = r#"{"auth":"k:s"}"#;
    let read = |body: &[u8]| EndpointAnswer::new(200, body).read();
    let utf16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.into_iter().chain(json.encode_utf16().flat_map(bytes)).collect()
    };
    for body in [
        json.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", json.as_bytes()].concat(),
        utf16([0xff, 0xfe], u16::to_le_bytes),
        utf16([0xfe, 0xff], u16::to_be_bytes),
    ] {
        assert_eq!(read(&body), Ok(Authorization::new("k:s")), "{body:?}");
    }
    assert_eq!(Authorization::from_json(&format!("\u{feff}{json}")), Ok(Authorization::new("k:s")));
    for cut in [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xff\xfe{", b"\xfe\xff\xd8\x00"] {
        assert!(read(cut).is_err());
    }
}

#[test]
fn user_and_password_of_the_url_are_decoded_and_sent_as_a_header_that_ones_own_replaces() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("private-x");
    let request = harness.requests().remove(0);
    let endpoint = AuthEndpoint::new("https://ann:s%40cret@example.org:8/auth?token=t0ken");
    let asked = endpoint.request(&request);
    assert_eq!(asked.url, "https://example.org:8/auth?token=t0ken");
    // ann:s@cret
    let basic = "Basic YW5uOnNAY3JldA==".to_string();
    assert_eq!(asked.headers, [("Authorization".to_string(), basic.clone())]);
    let sent: Vec<&str> = asked.sent_values().collect();
    for value in ["ann", "s@cret", "t0ken", &basic, "1234.1234"] {
        assert!(sent.contains(&value), "{value} {sent:?}");
    }
    let own = |name: &str| (name.to_string(), "Bearer own".to_string());
    let replaced = endpoint.clone().header("AUTHORIZATION", "Bearer own").request(&request);
    assert_eq!(replaced.headers, [own("AUTHORIZATION")]);
    let replaced = asked.clone().with_headers(vec![own("authorization")]);
    assert_eq!(replaced.headers, [own("authorization")]);

    let shown = format!(
        "{endpoint:?} {asked:?} {:?}",
        AuthEndpoint::new("/").user_url("http://a:s3@b/?t0ken")
    );
    for secret in ["ann", "cret", "t0ken", "s3"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("https://***@example.org:8/auth?***"), "{shown}");
}

#[test]
fn a_content_type_of_ones_own_takes_the_place_of_the_forms() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("private-x");
    let request = harness.requests().remove(0);
    let json = "application/json; charset=utf-8";
    let asked = AuthEndpoint::new("/").header("content-TYPE", json).request(&request);
    assert_eq!((asked.content_type.as_str(), asked.headers.len()), (json, 0));
    let fresh = vec![("Content-Type".to_string(), "text/plain".to_string())];
    assert_eq!(asked.with_headers(fresh).content_type, "text/plain");
}

#[test]
fn what_may_be_better_later_is_worth_a_retry() {
    for status in [408, 429, 500, 502, 503] {
        let Err(AuthorizationError::Unavailable { status: told, retry_after, message }) =
            read(status, "oops")
        else {
            panic!("{status}")
        };
        assert_eq!((told, &*message), (Some(status), "oops"));
        assert_eq!(retry_after, Some(Duration::from_secs(7)));
    }
}

#[test]
fn a_refusal_shows_no_key_and_no_token() {
    for status in [403, 500] {
        let denied = read(status, r#"{"auth":"k:s","shared_secret":"c2VjcmV0"}"#).unwrap_err();
        assert!(!denied.to_string().contains("c2VjcmV0"), "{denied}");
    }
    let answer = EndpointAnswer::new(302, b"")
        .location(Some("https://ann:s3cret@example.org/login?token=t0ken#fr4gment"));
    let denied = answer.read().unwrap_err().to_string();
    assert!(denied.contains("example.org/login,") && !denied.contains("s3cret"), "{denied}");
}

#[test]
fn a_redirect_is_shown_and_not_followed() {
    let Err(AuthorizationError::Refused { status, message }) = read(302, "") else { panic!() };
    assert_eq!(status, Some(302));
    assert!(message.contains("https://example.org/login"), "{message}");
}
