//! What callers give wrongly, and what servers answer wrongly: a clear error, and nothing secret in it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pushest_proto::Config;
use pushest_proto::api::{
    ApiLimits, Batch, Call, Custom, GetChannel, ListUsers, Publish, Terminate,
};

use super::double::{Act, Double, SECRET, answer, config, done, event, query};
use crate::Server;
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiFailure, ApiSettings};

pub fn what_breaks_a_rule_is_refused_with_the_numbers_and_nothing_is_sent<D: ApiDriver>() {
    let server = Double::start(|_| done());
    let api = server.api::<D>(ApiSettings::default());
    fn refused(api: &impl ApiClient, call: impl Call + Send, words: &[&str]) {
        let Err(failure) = api.call(call) else { panic!("it is refused: {words:?}") };
        for word in words {
            assert!(failure.text.contains(word), "{word} in {failure:?}");
        }
        assert!(!failure.may_have_arrived && !failure.may_repeat, "{failure:?}");
    }
    let to = |channel: &str| Publish::new(channel, "shipped", "{}");
    let channels: Vec<_> = (0..101).map(|number| format!("orders-{number}")).collect();
    refused(&api, Publish::new(channels, "shipped", "{}"), &["100", "101"]);
    refused(&api, Publish::new(Vec::<String>::new(), "shipped", "{}"), &["needs a channel"]);
    refused(&api, Batch::new(vec![event(); 11]), &["10", "11"]);
    refused(&api, Batch::new([]), &["needs an event"]);
    refused(&api, Batch::new([event(), to("no spaces")]), &["event 2", "no spaces"]);
    refused(&api, Publish::new("orders", "n".repeat(201), "{}"), &["200", "201"]);
    refused(&api, Publish::new("orders", "", "{}"), &["0 characters"]);
    refused(&api, Publish::new("orders", "shipped", "d".repeat(10_241)), &["10240", "10241"]);
    let sealed = Publish::new("private-encrypted-a", "shipped", "d".repeat(10_240));
    refused(&api, sealed, &["10240", "as it would be sent"]);
    let among = Publish::new(["orders", "private-encrypted-a"], "shipped", "{}");
    refused(&api, among, &["private-encrypted-a", "alone"]);
    refused(&api, to("orders:7"), &["orders:7"]);
    refused(&api, to(&"o".repeat(201)), &["200"]);
    refused(&api, event().exclude("12:34"), &["12:34", "socket id"]);
    refused(&api, event().exclude("1.2\r\nX-Evil: 1"), &["socket id"]);
    refused(&api, Publish::to_user("", "shipped", "{}"), &["user's id"]);
    refused(&api, Terminate::user("u".repeat(129)), &["128", "129"]);
    refused(&api, Terminate::user(".."), &["`..`"]);
    refused(&api, ListUsers::new("orders"), &["not a presence channel"]);
    refused(&api, GetChannel::new("a/../../b"), &["a/../../b"]);
    refused(&api, Custom::get("/channels/../events"), &["is not a path"]);
    refused(&api, Custom::get("/channels HTTP/1.1\r\nX-Evil: 1\r\n\r\n"), &["is not a path"]);
    refused(&api, Custom::get("/channels").parameter("auth_key", "x"), &["auth_key"]);
    assert_eq!((server.count(), server.connections()), (0, 0));

    let limits = ApiLimits::default().event_data(20_000);
    let api = server.api::<D>(ApiSettings::default().limits(Some(limits)));
    api.call(Publish::new("orders", "shipped", "d".repeat(15_000))).expect("this server takes it");
    assert_eq!(server.count(), 1);
}

pub fn an_app_without_an_id_or_a_secret_says_which_is_missing<D: ApiDriver>() {
    let builder = || Config::builder("app-key").host("127.0.0.1");
    let missing = |config: Config| D::api(&config, ApiSettings::default()).err().expect("it fails");
    let without_id = builder().secret(SECRET).build().expect("enough for a client");
    assert_eq!(missing(without_id), "no app id was given");
    let without_secret = builder().app_id("7").build().expect("enough for a client");
    assert_eq!(missing(without_secret), "no secret was given");
    let api = D::api(
        &builder().app_id("7").secret(SECRET).build().expect("whole"),
        ApiSettings::default(),
    );
    let sealed = Publish::new("private-encrypted-a", "shipped", "{}");
    let failure = api.expect("a whole configuration").call(sealed).expect_err("no master key");
    assert!(failure.text.contains("master key"), "{failure:?}");
    for (key, id) in [
        ("app\nkey", "7"),
        ("app\tkey", "7"),
        ("app\0key", "7"),
        ("app:key", "7"),
        ("app-key ", "7"),
        ("app-key", "7\n"),
        ("app-key", "a/b"),
        ("app-key", ".."),
    ] {
        let built = Config::builder(key).app_id(id).secret(SECRET).build();
        let error = built.expect_err("it would stand in a request line").to_string();
        assert!(!error.contains('\n') && !error.contains(SECRET), "{error}");
    }
}

pub fn a_clock_that_is_twenty_minutes_off_is_told_with_its_minutes<D: ApiDriver>() {
    let server = Server::start().expect("a server");
    let app = server.app();
    let config = Config::builder(&app.key).app_id(&app.id).secret(app.secret());
    let config = config.host("127.0.0.1").port(server.port()).build().expect("valid");
    let off = Duration::from_secs(20 * 60);
    for (is_ahead, words) in [(true, "1200 s behind this machine's"), (false, "1200 s ahead of")] {
        let clock = move || {
            let now = SystemTime::now();
            if is_ahead { now + off } else { now - off }
        };
        let settings = ApiSettings::default().time_of_day(Some(Arc::new(clock)));
        let api = D::api(&config, settings).expect("a whole configuration");
        let failure = api.call(event()).expect_err("its time is refused");
        // A second may pass between the two clocks.
        let text = failure.text.replace("1199 s", "1200 s").replace("1201 s", "1200 s");
        assert!(text.contains("401") && text.contains(words), "{failure:?}");
        assert!(!failure.may_have_arrived, "{failure:?}");
    }
}

pub fn an_answer_that_is_none_says_what_came_and_what_helps<D: ApiDriver>() {
    let html = "<html><head><title>Welcome to nginx!</title></head></html>";
    let last = |text: &str| Act::Last(text.to_owned());
    let too_long = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(70_000));
    for (act, status, may_have_arrived, words) in [
        (answer(200, "Content-Type: text/html\r\n", html), Some(200), true, "Welcome to nginx!"),
        (answer(200, "", html), Some(200), true, "is the server's HTTP API at this address?"),
        (answer(404, "", html), Some(404), false, "is it the app's id"),
        (answer(200, "", r#"{"channels":"#), Some(200), true, r#"{"channels":"#),
        (answer(200, "", "junk"), Some(200), true, "junk"),
        (answer(200, "", ""), Some(200), true, "nothing more"),
        (last("HTTP/1.1 204 -\r\n\r\n"), Some(204), true, "204 and nothing more"),
        (answer(300, "", ""), Some(300), false, "a redirect to nowhere"),
        (answer(410, "", "gone"), Some(410), false, "410: gone"),
        (answer(503, "Retry-After: soon\r\n", "full"), Some(503), true, "503: full"),
        (answer(200, "", r#"{"error":null,"code":503}"#), Some(200), true, "with code 503"),
        (
            answer(200, "", r#"{"error":"Invalid signature","code":401}"#),
            Some(200),
            false,
            "with code 401: Invalid signature (are the key and the secret those of this app?)",
        ),
        (answer(413, "", "too large"), Some(413), false, "takes less data than the limit"),
        (answer(403, "", "over quota"), Some(403), false, "over quota"),
        (answer(400, "", "bad\u{1b}[2Jname"), Some(400), false, r"bad\u{1b}[2Jname"),
        (
            answer(302, "Location: https://other.example/x?auth_signature=1\r\n", ""),
            Some(302),
            false,
            "a redirect to https://other.example/x",
        ),
        (
            last("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
            None,
            true,
            "in the middle of the answer",
        ),
        (last("HTTP/1.1 200 OK\r\nContent"), None, true, "in the head of the answer"),
        (last(""), None, true, "before an answer"),
        (last("HTTP/1.1 500 -\r\nContent-Length: 50\r\n\r\nsorry"), Some(500), true, "500: sorry"),
        (last("+OK Dovecot ready.\r\n"), None, true, "it does not answer with HTTP/1.1"),
        (last("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}("), None, false, "it speaks TLS on this port"),
        (last(&too_long), None, true, "larger than 64 KiB"),
        (answer(200, "Content-Length: 7\r\n", "{}"), None, true, "no length that could be read"),
    ] {
        let server = Double::start(move |_| act.clone());
        let api = server.api::<D>(ApiSettings::default().attempts(1));
        let failure = api.call(event()).expect_err(words);
        assert!(failure.text.contains(words), "{words}: {failure:?}");
        assert_eq!(
            (failure.status, failure.may_have_arrived),
            (status, may_have_arrived),
            "{failure:?}"
        );
        assert!(!failure.text.contains(char::is_control), "{failure:?}");
        hides(&server, &failure);
    }
}

pub fn a_refusal_that_never_ends_costs_a_second_and_its_status_counts<D: ApiDriver>() {
    let head = "HTTP/1.1 403 -\r\nContent-Length: 1000000\r\n\r\nThis app is disabled";
    let server = Double::start(move |_| Act::Answer(head.to_owned()));
    let api = server.api::<D>(ApiSettings::default());
    let failure = api.call(event()).expect_err("it is refused");
    assert!(failure.text.contains("403: This app is disabled"), "{failure:?}");
    assert!(!failure.may_have_arrived, "{failure:?}");
}

pub fn no_secret_and_no_signature_stands_in_an_error<D: ApiDriver>() {
    for status in [200, 400, 401, 403, 404, 500] {
        // As servers do that explain themselves: the whole request, and what should have been signed.
        let server = Double::start(move |asked| {
            answer(status, "", &format!("You sent {}: {}", asked.signature(), asked.text))
        });
        let api = server.api::<D>(ApiSettings::default().attempts(1));
        hides(&server, &api.call(event()).expect_err("it is refused"));
        hides(&server, &api.call(query()).expect_err("it is refused"));
        let shouting = Double::start(move |asked| {
            let signature = asked.signature().to_uppercase();
            answer(status, "", &format!(r#"{{"error":"not {signature}","code":401}}"#))
        });
        let api = shouting.api::<D>(ApiSettings::default());
        hides(&shouting, &api.call(event()).expect_err("it is refused"));
    }
    let server = Double::start(|_| Act::Close);
    let api = server.api::<D>(ApiSettings::default());
    hides(&server, &api.call(event()).expect_err("it is lost"));
    let shown = format!("{:?}", config(server.address()));
    assert!(!shown.contains(SECRET), "{shown}");
}

/// Neither the text nor the `Debug` of a failure has a signature of a request, or the secret.
fn hides(server: &Double, failure: &ApiFailure) {
    for asked in server.asked() {
        let signature = asked.signature();
        assert_eq!(signature.len(), 64, "{asked:?}");
        for text in [&failure.text, &failure.debug] {
            let text = text.to_lowercase();
            assert!(!text.contains(signature) && !text.contains(&signature[..24]), "{failure:?}");
            assert!(!text.contains(SECRET), "{failure:?}");
        }
    }
}
