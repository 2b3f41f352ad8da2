//! The app's HTTP endpoint for authorizations, and what stands between it and the client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use pushest_proto::{AuthEndpoint, Event};

use crate::conformance::driver::{Driver, DriverClient, Settings, Unmet};
use crate::conformance::patience::{Expect, PATIENCE, started_with};
use crate::conformance::{Remote, in_process};
use crate::{AuthorizationEndpoint, ReceivedRequest, Reply, Server};

/// Who is granted what is asked for.
const USER: &str = "ann";

fn app(
    server: &Server,
    respond: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
) -> AuthorizationEndpoint {
    AuthorizationEndpoint::start_with(server.app(), respond).expect("an endpoint")
}

fn asking<D: Driver>(remote: &Remote, endpoint: AuthEndpoint) -> D::Client {
    let settings = Settings::default().endpoint(Some(endpoint));
    started_with::<D>(remote.builder().build().expect("valid"), settings)
}

/// Returns why a channel failed for good.
fn refusal(client: &mut impl DriverClient, channel: &str) -> String {
    client.want(channel);
    match client.subscribed(channel, PATIENCE) {
        Err(Unmet::Failed(error)) => error,
        other => panic!("it is refused: {other:?}"),
    }
}

pub fn user_and_password_of_an_endpoints_url_are_sent_decoded_and_shown_nowhere<D: Driver>() {
    let (remote, server) = in_process();
    let app = app(&server, |asked| match asked.channel() {
        Some("private-staff") => Reply::new(403, format!("ann:s@cret of {}", asked.text())),
        Some("private-moved") => {
            let to = "http://ann:s%40cret@127.0.0.1/login?token=t0ken";
            Reply::new(302, "").header("Location", to)
        }
        _ => asked.grant(USER),
    });
    let url = format!("http://ann:s%40cret@127.0.0.1:{}/auth?token=t0ken", app.port());
    let mut client = asking::<D>(&remote, AuthEndpoint::new(&url));
    client.must_subscribe("private-orders");
    let asked = &app.requests()[0];
    assert_eq!(asked.target(), "/auth?token=t0ken");
    assert_eq!(asked.header_values("host"), [format!("127.0.0.1:{}", app.port())]);
    // ann:s@cret
    assert_eq!(asked.header_values("authorization"), ["Basic YW5uOnNAY3JldA=="]);

    for channel in ["private-staff", "private-moved"] {
        let error = refusal(&mut client, channel);
        for secret in ["ann", "s@cret", "s%40cret", "YW5uOnNAY3JldA==", "t0ken"] {
            assert!(!error.contains(secret), "{secret} in {error}");
        }
    }
}

pub fn headers_of_ones_own_take_the_place_of_the_urls_and_the_forms<D: Driver>() {
    let (remote, server) = in_process();
    let app = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    let endpoint = AuthEndpoint::new(&format!("http://ann:secret@127.0.0.1:{}/", app.port()))
        .header("authorization", "Bearer own")
        .header("CONTENT-TYPE", "application/x-www-form-urlencoded; charset=utf-8");
    asking::<D>(&remote, endpoint).must_subscribe("private-orders");
    let asked = &app.requests()[0];
    assert_eq!(asked.header_values("authorization"), ["Bearer own"]);
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(asked.header_values("content-type"), [form]);

    let plain = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    asking::<D>(&remote, AuthEndpoint::new(&plain.url("/"))).must_subscribe("private-orders");
    let asked = &plain.requests()[0];
    assert_eq!(asked.header_values("content-type"), ["application/x-www-form-urlencoded"]);
    assert!(asked.header("authorization").is_none());
}

pub fn a_byte_order_mark_before_an_answer_is_skipped<D: Driver>() {
    let (remote, server) = in_process();
    let app = app(&server, |asked| {
        let granted = asked.grant(USER);
        let text = str::from_utf8(granted.body()).expect("JSON");
        let marked = format!("\u{feff}{text}");
        Reply::new(
            200,
            match asked.channel() {
                Some("private-utf8") => marked.into_bytes(),
                Some("private-utf16") => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                _ => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            },
        )
    });
    let mut client = asking::<D>(&remote, AuthEndpoint::new(&app.url("/")));
    for channel in ["private-utf8", "private-utf16", "private-utf16be"] {
        client.must_subscribe(channel);
    }
}

pub fn an_error_page_is_told_once_and_without_what_was_sent<D: Driver>() {
    let (remote, server) = in_process();
    let count = Arc::new(AtomicUsize::new(0));
    let page = |number: usize, asked: &ReceivedRequest| {
        let sent = asked.text().replace('&', "&amp;");
        let json = serde_json::json!({ "request": asked.text(), "form": asked.form() });
        format!("<h1>Oops</h1>\r\n<p>number {number}</p>\r\n<pre>{sent}</pre>{json}")
    };
    let app = app(&server, move |asked| match count.fetch_add(1, Ordering::SeqCst) {
        number @ 0..3 => Reply::new(500, page(number, asked)),
        number @ 3..5 => Reply::new(502, page(number, asked)),
        5 => Reply::new(500, "\u{1b}[2Jout of\n\n  order"),
        _ => asked.grant(USER),
    });
    let endpoint = AuthEndpoint::new(&app.url("/auth?q=query-s3cret"))
        .parameter("tenant", "tenant & s3cret")
        .header("Authorization", "Bearer header-s3cret");
    let mut client = asking::<D>(&remote, endpoint);
    client.want("private-orders");
    let mut told = Vec::new();
    client.wait_for(|event| match event {
        Event::SubscriptionFailed { reason, retry_in: Some(_), .. } => {
            told.push(reason.to_string());
            None
        }
        Event::Subscribed { .. } => Some(()),
        _ => None,
    });
    assert_eq!(app.requests().len(), 7);
    assert_eq!(told.len(), 3, "{told:#?}");
    let begins = |status| format!("authorization unavailable with HTTP status {status}: ");
    for (text, status) in told.iter().zip([500, 502]) {
        let begin = begins(status) + "<h1>Oops</h1> <p>number ";
        assert!(text.starts_with(&begin) && text.contains("***"), "{text}");
    }
    assert_eq!(told[2], begins(500) + r"\u{1b}[2Jout of order");
    let socket_id = client.status().socket_id.expect("connected");
    for text in &told {
        assert!(text.chars().count() <= begins(500).len() + 200, "{text}");
        for secret in ["s3cret", socket_id.as_str()] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

pub fn an_error_page_that_never_ends_costs_a_second_and_its_status_counts<D: Driver>() {
    let (remote, server) = in_process();
    let app = app(&server, |_| Reply::endless(403, "members only"));
    let mut client = asking::<D>(&remote, AuthEndpoint::new(&app.url("/")));
    client.must_connect();
    let begun = Instant::now();
    let error = refusal(&mut client, "private-orders");
    assert!(error.contains("403: members only"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

pub fn a_pause_until_a_date_is_kept<D: Driver>() {
    let (remote, server) = in_process();
    let times = Arc::new(Mutex::new(Vec::new()));
    let came = times.clone();
    // Dates have whole seconds.
    let date = SystemTime::now() + Duration::from_secs(3);
    let app = app(&server, move |asked| {
        let mut came = came.lock().expect("nobody panics");
        came.push(SystemTime::now());
        match came.len() {
            1 => {
                let date = httpdate::fmt_http_date(date);
                Reply::new(503, "").header("Retry-After", &date)
            }
            _ => asked.grant(USER),
        }
    });
    asking::<D>(&remote, AuthEndpoint::new(&app.url("/"))).must_subscribe("private-orders");
    let times = times.lock().expect("nobody panics");
    assert_eq!(times.len(), 2);
    assert!(times[1] >= date - Duration::from_secs(1), "{:?}", times[1].duration_since(times[0]));
}
