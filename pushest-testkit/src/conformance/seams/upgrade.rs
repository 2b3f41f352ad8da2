//! The HTTP in front of the WebSocket ([protocol, upgrade](pushest_proto::protocol#upgrade)).

use std::time::{Duration, Instant, SystemTime};

use pushest_proto::{ConnectionState, DialFailure, Loss};

use crate::conformance::driver::{Driver, DriverClient, Settings};
use crate::conformance::patience::{Expect, PATIENCE, started, started_with};
use crate::conformance::{Scheme, in_process};
use crate::{EchoForm, UpgradeFault};

const STATUS: &str = "HTTP/1.1 101 Switching Protocols\r\n";
const AGREED: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const ACCEPT: &str = "Sec-WebSocket-Accept: {accept}\r\n";

/// Returns how the next dial of a client that does not get through fails.
fn next_failure(client: &mut impl Expect) -> DialFailure {
    let change = client.next_state(ConnectionState::Waiting);
    assert!(change.retry_in.is_some(), "{change:?}");
    match change.loss.as_deref() {
        Some(Loss::Dial(failure)) => failure.clone(),
        other => panic!("{other:?}"),
    }
}

pub fn an_answer_with_lists_in_several_lines_and_many_headers_is_agreed_to<D: Driver>() {
    let headers = |count: usize| -> String {
        (0..count).map(|number| format!("X-Number-{number}: {number}\r\n")).collect()
    };
    let large = format!("X-Large: {}\r\n", "x".repeat(60_000));
    let folded = AGREED.replace("Connection: ", "Connection:\r\n \t");
    let agreed = format!("{STATUS}{AGREED}{ACCEPT}");
    for answer in [
        format!("{STATUS}Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n{ACCEPT}"),
        format!(
            "{STATUS}Connection: keep-alive\r\nconnection: ,upgrade,\r\nUPGRADE: websocket\r\n{ACCEPT}"
        ),
        format!(
            "{STATUS}Upgrade: h2c\r\nUpgrade: foo,\twebsocket\r\nConnection: Upgrade\r\n{ACCEPT}"
        ),
        format!("HTTP/1.1 100 Continue\r\n\r\n{agreed}"),
        format!(
            "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n\
             HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103\r\nX: y\r\n\r\n{agreed}"
        ),
        format!("{agreed}{}", headers(125)),
        format!("{agreed}{}", headers(1_021)),
        format!("{agreed}{large}"),
        format!(
            "{agreed}Content-Length: 0\r\nSec-WebSocket-Extensions:\r\nSec-WebSocket-Protocol: ,\r\n"
        ),
        format!("\r\nHTTP/1.1 101\r\n{folded}{ACCEPT}"),
        format!("{agreed}X-Name: M\u{fc}ller\r\n").replace("\r\n", "\n"),
    ] {
        let (remote, server) = in_process();
        let end = if answer.contains('\r') { "\r\n" } else { "\n" };
        server.fault_upgrades(1, UpgradeFault::rewrite(&format!("{answer}{end}")));
        let mut client = started::<D>(remote.config());
        client.must_subscribe("news");
        let head: String = answer.chars().take(300).collect();
        assert_eq!(client.status().attempt, 1, "{head}: {:?}", client.status().last_loss);
    }
}

pub fn an_agreement_that_breaks_a_rule_is_refused_and_says_which<D: Driver>() {
    let (remote, server) = in_process();
    let agreed = format!("{AGREED}{ACCEPT}");
    let cases = [
        (format!("HTTP/1.0 101 Switching Protocols\r\n{agreed}"), "HTTP/1.0"),
        (format!("{STATUS}Connection: close\r\nUpgrade: websocket\r\n{ACCEPT}"), "Connection"),
        (format!("{STATUS}Upgrade: websocket\r\n{ACCEPT}"), "Connection"),
        (format!("{STATUS}Connection: Upgrade\r\nUpgrade: h2c\r\n{ACCEPT}"), "Upgrade"),
        (format!("{STATUS}Connection: Upgrade\r\n{ACCEPT}"), "Upgrade"),
        (format!("{STATUS}{AGREED}"), "without Sec-WebSocket-Accept"),
        (
            format!("{STATUS}{AGREED}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "Sec-WebSocket-Accept",
        ),
        (format!("{STATUS}{AGREED}Sec-WebSocket-Accept: x{{accept}}\r\n"), "Sec-WebSocket-Accept"),
        (format!("{STATUS}{agreed}{ACCEPT}Sec-WebSocket-Accept: x\r\n"), "Sec-WebSocket-Accept"),
        (format!("{STATUS}{agreed}Sec-WebSocket-Extensions: permessage-deflate\r\n"), "extension"),
        (format!("{STATUS}{agreed}sec-websocket-protocol: ,mqtt\r\n"), "subprotocol"),
        (format!("{STATUS}{agreed}X Y: z\r\n"), "header name"),
        (format!("{STATUS}{agreed}: z\r\n"), "header name"),
        (format!("{STATUS}{agreed}X-Y\r\n"), "header name"),
        (format!("{STATUS}{agreed}X-Y: a\rb\r\n"), "header value"),
        (format!("{STATUS}{agreed}X-Y: \0\r\n"), "control character"),
        (format!("HTTP/1.1 099 Odd\r\n{agreed}"), "099"),
        (format!("HTTP/1.1 1o1 Odd\r\n{agreed}"), "status"),
    ];
    for (answer, _) in &cases {
        server.fault_upgrades(1, UpgradeFault::rewrite(&format!("{answer}\r\n")));
    }
    let mut client = started::<D>(remote.config());
    for (answer, words) in &cases {
        let failure = next_failure(&mut client);
        assert!(matches!(failure, DialFailure::NotWebSocket(_)), "{answer}: {failure:?}");
        assert!(failure.to_string().contains(words), "{answer}: {failure}");
    }
    client.must_connect();
}

pub fn heads_without_end_are_given_up_and_say_at_which_limit<D: Driver>() {
    let (remote, server) = in_process();
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    let cases = [
        (format!("{STATUS}{AGREED}{ACCEPT}X: {}\r\n\r\n", "x".repeat(64 * 1024)), "64 KiB"),
        (format!("{STATUS}{AGREED}{ACCEPT}X: {}", "x".repeat(70_000)), "64 KiB"),
        (format!("{STATUS}{AGREED}{ACCEPT}{}\r\n", "X: y\r\n".repeat(1_022)), "1,024 headers"),
        (hints.repeat(1_025), "1,024 headers"),
        ("HTTP/1.1 100 Continue\r\n\r\n".repeat(3_000), "64 KiB"),
        ("\r\n".repeat(40_000), "64 KiB"),
    ];
    for (answer, _) in &cases {
        server.fault_upgrades(1, UpgradeFault::Stall(answer.clone().into_bytes()));
    }
    let mut client = started::<D>(remote.config());
    for (_, words) in &cases {
        let failure = next_failure(&mut client);
        assert!(matches!(failure, DialFailure::NotWebSocket(_)), "{failure:?}");
        assert!(failure.to_string().contains(words), "{failure}");
    }
    client.must_connect();
}

pub fn what_is_no_http_is_noticed_though_the_server_stays_silent<D: Driver>() {
    let (remote, server) = in_process();
    let cases: [&[u8]; 7] = [
        b"220 mail.example ESMTP\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/2 101\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0",
        // HTTP/2's first frame, a TLS alert, and a WebSocket without any answer.
        b"\0\0\x12\x04\0\0\0\0\0",
        b"\x15\x03\x01\0\x02\x02\x28",
        b"\x81\x02{}",
    ];
    for answer in cases {
        server.fault_upgrades(1, UpgradeFault::Stall(answer.to_vec()));
    }
    let begun = Instant::now();
    let mut client = started::<D>(remote.config());
    for answer in cases {
        let failure = next_failure(&mut client);
        assert!(matches!(failure, DialFailure::NotWebSocket(_)), "{answer:?}: {failure:?}");
    }
    client.must_connect();
    // The dial's timeout is 10 s.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

pub fn a_refusals_body_is_kept_short_escaped_and_however_it_ends<D: Driver>() {
    let (remote, server) = in_process();
    let raw = |text: &str| UpgradeFault::Raw(text.as_bytes().to_vec());
    let stalled = |text: &str| UpgradeFault::Stall(text.as_bytes().to_vec());
    let page = "\r\n<h1>no\u{1b}[2J</h1>\r\n\tgo away\u{202e}\n";
    let shown = r"<h1>no\u{1b}[2J</h1>\r\n\tgo away\u{202e}";
    let length = page.len();
    let full = UpgradeFault::Refuse { status: 502, headers: Vec::new(), body: "ä".repeat(50_000) };
    let cases = [
        // Those with a length end with it, and those of chunks with the last one.
        (stalled(&format!("HTTP/1.1 403 No\r\nContent-Length: {length}\r\n\r\n{page}more")), shown),
        (
            stalled(
                "HTTP/1.1 403 No\r\nTransfer-Encoding: Chunked\r\n\r\n\
                 3\r\ngo \r\n00A;ext=1\r\naway, or: \r\n1\r\n\n\r\n3\r\n0\r\n\r\n0\r\nX: trailer",
            ),
            r"go away, or: \n0",
        ),
        (raw(&format!("HTTP/1.0 403 No\r\n\r\n{page}")), shown),
        (raw("HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\ncut"), "cut"),
        (raw("HTTP/1.1 403 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\ntwo"), "two"),
        (raw("HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\nnot chunks"), ""),
        (stalled("HTTP/1.1 204 Nothing\r\n\r\n"), ""),
        // What is compressed cannot be read.
        (stalled("HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\n\r\n\x1f\u{8}"), ""),
        (stalled("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), "ok"),
        (full, &"ä".repeat(256)),
    ];
    for (fault, _) in &cases {
        server.fault_upgrades(1, fault.clone());
    }
    let begun = Instant::now();
    let mut client = started::<D>(remote.config());
    for (fault, shown) in &cases {
        match next_failure(&mut client) {
            DialFailure::Http { body, .. } => assert_eq!(&*body, *shown, "{fault:?}"),
            other => panic!("{fault:?}: {other:?}"),
        }
    }
    client.must_connect();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

pub fn a_refusals_body_that_never_ends_is_waited_for_for_a_second<D: Driver>() {
    let (remote, server) = in_process();
    let answer = "HTTP/1.1 403 No\r\n\r\nsorry, but";
    server.fault_upgrades(1, UpgradeFault::Stall(answer.as_bytes().to_vec()));
    let begun = Instant::now();
    let mut client = started::<D>(remote.config());
    let failure = next_failure(&mut client);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    let body = "sorry, but".into();
    let expected = DialFailure::Http { status: 403, retry_after: None, location: None, body };
    assert_eq!(failure, expected);
    client.must_connect();
}

pub fn an_error_page_that_repeats_the_request_gives_nothing_of_it_away<D: Driver>() {
    const TOKEN: &str = "s3ntin3l/<a&b>+\"c'/Zm9v==";
    const COOKIE: &str = "cook1e-value";
    let (remote, server) = in_process();
    let forms = [EchoForm::Plain, EchoForm::Html, EchoForm::Percent, EchoForm::Json];
    for form in forms {
        let location = format!("https://login.example/?from={{target}}&token={TOKEN}");
        let headers = vec![("Location".to_owned(), location)];
        server.fault_upgrades(1, UpgradeFault::Echo { status: 302, headers, form });
    }
    let headers = [
        ("Authorization", format!("Bearer {TOKEN}")),
        ("Cookie", format!("theme=dark; session={COOKIE}")),
        // alice:hunter2
        ("Proxy-Authorization", "Basic YWxpY2U6aHVudGVyMg==".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let config = remote.builder().path("/tenant-4711").build().expect("valid");
    let mut client = started_with::<D>(config, Settings::default().headers(headers));
    for form in forms {
        let failure = next_failure(&mut client);
        let DialFailure::Http { status: 302, location: Some(location), body, .. } = &failure else {
            panic!("{form:?}: {failure:?}")
        };
        assert!(location.starts_with("https://login.example/?from=***"), "{form:?}: {location}");
        assert!(body.starts_with("GET") || body.starts_with("\"GET"), "{form:?}: {body}");
        assert!(body.contains("***") && body.len() <= 512, "{form:?}: {body}");
        assert!(!body.contains(char::is_control), "{form:?}: {body:?}");
        // The endpoint that the status names is the configuration's.
        let printed = format!("{failure} {failure:?} {:?}", client.status().last_loss);
        let gone = ["s3ntin3l", "Zm9v", COOKIE, "YWxpY2U6", "tenant-4711", remote.key()];
        for value in gone {
            assert!(!printed.contains(value), "{form:?}: {value} in {printed}");
        }
    }
    client.must_connect();
}

pub fn a_date_to_come_back_at_is_kept<D: Driver>() {
    let (remote, server) = in_process();
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(600));
    server.fault_upgrades(1, UpgradeFault::status(503, &[("Retry-After", &date)]));
    server.fault_upgrades(
        1,
        UpgradeFault::status(503, &[("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")]),
    );
    let mut client = started::<D>(remote.config());
    let change = client.next_state(ConnectionState::Waiting);
    let Some(Loss::Dial(DialFailure::Http { retry_after: Some(asked), .. })) =
        change.loss.as_deref()
    else {
        panic!("{change:?}")
    };
    // A date has no parts of a second.
    let range = Duration::from_secs(540)..=Duration::from_secs(600);
    assert!(range.contains(asked), "{asked:?}");
    assert!(change.retry_in.is_some_and(|pause| pause >= *asked), "{change:?}");
    client.connect();
    match next_failure(&mut client) {
        DialFailure::Http { retry_after, .. } => assert_eq!(retry_after, Some(Duration::ZERO)),
        other => panic!("{other:?}"),
    }
    client.must_connect();
}

pub fn an_upgrade_that_is_cut_off_is_a_lost_connection_and_no_refusal<D: Driver>() {
    let (remote, server) = in_process();
    let cases = ["", "HTTP/1.1 101 Swit", "HTTP/1.1 103 Early Hints\r\n\r\n"];
    for answer in cases {
        server.fault_upgrades(1, UpgradeFault::Raw(answer.as_bytes().to_vec()));
    }
    let mut client = started::<D>(remote.config());
    for answer in cases {
        let failure = next_failure(&mut client);
        assert!(matches!(failure, DialFailure::Upgrade(_)), "{answer}: {failure:?}");
        assert!(failure.to_string().starts_with("the connection was lost during the upgrade"));
    }
    client.must_connect();
}

pub fn the_host_of_the_request_names_no_default_port<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let default = if scheme == Scheme::Wss { 443 } else { 80 };
    let config = remote.builder().host("localhost").port(default).tls(scheme == Scheme::Wss);
    // The port is the default one, and the server listens elsewhere.
    let settings = remote.settings().addresses(vec![server.addr()]);
    let mut client = started_with::<D>(config.build().expect("valid"), settings);
    client.must_connect();
    let heads = server.upgrade_heads();
    let [head] = &heads[..] else { panic!("{heads:?}") };
    assert!(head.contains("\r\nHost: localhost\r\n"), "{head}");
    client.shutdown(PATIENCE).expect("closed");

    let config = remote.builder().host("localhost").build().expect("valid");
    let mut client = started_with::<D>(config, remote.settings());
    client.must_connect();
    let host = format!("\r\nHost: localhost:{}\r\n", server.port());
    let heads = server.upgrade_heads();
    assert!(heads[1].contains(&host), "{heads:?}");
}

pub fn an_answer_in_pieces_of_one_byte_is_put_together<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    for piece in [1, 2, 7] {
        let answer =
            format!("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n{STATUS}{AGREED}{ACCEPT}\r\n");
        server.fault_upgrades(1, UpgradeFault::Rewrite { answer, piece });
        let mut client = started_with::<D>(remote.config(), remote.settings());
        client.must_subscribe("news");
        assert_eq!(client.status().attempt, 1, "{piece}: {:?}", client.status().last_loss);
    }
}

pub fn frames_in_the_segment_of_the_answer_are_not_lost<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let answer = format!("{STATUS}{AGREED}{ACCEPT}\r\n");
    server.fault_upgrades(1, UpgradeFault::rewrite(&answer));
    let mut client = started_with::<D>(remote.config(), remote.settings());
    client.must_connect();
    assert_eq!(client.status().attempt, 1, "{:?}", client.status().last_loss);
    client.must_flush();
}
