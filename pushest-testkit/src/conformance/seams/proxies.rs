//! Proxies that the client connects through: of each kind, with and without a user, and those that
//! refuse, are silent, or are not there.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use pushest_proto::{AuthEndpoint, ConnectionState, DialFailure, Event, Loss, Timeouts};

use crate::conformance::driver::{Driver, DriverClient, Settings};
use crate::conformance::patience::{Expect, PATIENCE, started_with};
use crate::conformance::proxy::{TestProxy, Trouble};
use crate::conformance::{Scheme, in_process};
use crate::{AuthorizationEndpoint, Certificate, Target};

const USER: &str = "ann:s%40cret@";

/// Returns the next dial's failure, which is the proxy's.
fn next_failure(client: &mut impl DriverClient) -> String {
    let change = client.next_state(ConnectionState::Waiting);
    assert!(change.retry_in.is_some(), "{change:?}");
    match change.loss.as_deref() {
        Some(Loss::Dial(DialFailure::Proxy(text))) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

fn closes(answer: &[u8]) -> Trouble {
    Trouble::Closes(answer.to_vec())
}

/// Returns an address at which nothing listens.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("bound")
}

pub fn a_server_is_reached_through_a_proxy_of_each_kind<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    // The name is the proxy's to resolve; the certificate is for it.
    let config = || remote.signing().host("localhost").build().expect("valid");
    let target = format!("localhost:{}", server.port());
    for (kind, user) in [
        ("http://", ""),
        ("http://", USER),
        ("socks5://", ""),
        ("socks5://", USER),
        ("socks5h://", USER),
    ] {
        let proxy = match user {
            "" => TestProxy::start(),
            _ => TestProxy::start_for("ann", "s@cret"),
        };
        let url = proxy.url(&format!("{kind}{user}"));
        let settings = remote.settings().proxy(Some(url.clone()));
        let headers = vec![("X-Token".to_owned(), "t0ken".to_owned())];
        let mut client = started_with::<D>(config(), settings.headers(headers));
        client.must_subscribe("private-orders");
        for size in [1, 10_240, 500_000] {
            let data = "x".repeat(size);
            server.publish("private-orders", "order", &data);
            assert!(client.next_of("private-orders").text() == data, "{url} {size}");
        }
        client.must_flush();

        // What is lost comes back the same way.
        if user.is_empty() {
            proxy.drop_connections();
        } else {
            server.drop_connections(Target::All);
        }
        client.next_gap("private-orders");
        client.must_flush();

        let all = proxy.asked();
        assert_eq!(all.len(), 2, "{url}: {all:?}");
        for asked in &all {
            assert_eq!(asked.target, target, "{url}");
            let expected = match (kind, user) {
                ("http://", "") => {
                    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").into_bytes()
                }
                // ann:s@cret
                ("http://", _) => format!(
                    "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\
                     Proxy-Authorization: Basic YW5uOnNAY3JldA==\r\n\r\n"
                )
                .into_bytes(),
                (_, user) => socks_request(!user.is_empty(), server.port()),
            };
            assert_eq!(asked.request, expected, "{url}");
            let has_upgrade = asked.sent.starts_with(b"GET /app/");
            // A TLS handshake.
            assert_eq!(
                (has_upgrade, asked.sent[0] == 0x16),
                match scheme {
                    Scheme::Ws => (true, false),
                    Scheme::Wss => (false, true),
                }
            );
            let shows_token = asked.sent.windows(5).any(|part| part == b"t0ken");
            assert_eq!(shows_token, scheme == Scheme::Ws, "{url}");
        }
        client.shutdown(PATIENCE).expect("closed");
    }
    // The server sees nothing of the proxy's.
    for head in server.upgrade_heads() {
        assert!(!head.contains("Proxy-") && !head.contains("YW5uOnN"), "{head}");
    }
}

fn socks_request(has_user: bool, port: u16) -> Vec<u8> {
    let (greeting, login) = match has_user {
        true => (&[5, 2, 0, 2][..], &b"\x01\x03ann\x06s@cret"[..]),
        false => (&[5, 1, 0][..], &b""[..]),
    };
    [greeting, login, b"\x05\x01\x00\x03\x09localhost", &port.to_be_bytes()].concat()
}

pub fn a_proxy_that_refuses_or_closes_or_says_junk_fails_the_dial_and_is_tried_again<D: Driver>() {
    let (remote, server) = in_process();
    let http = [
        (&b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\ndown"[..], "HTTP status 502: down"),
        (b"HTTP/1.0 403 Filtered\r\n\r\nnot there", "HTTP status 403: not there"),
        (
            b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            "HTTP status 407: it does not take this user and password of the realm \"x\"",
        ),
        (b"HTTP/1.1 407 Who\r\n\r\nyou said YW5uOnNAY3JldA==, s@cret", "you said"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "what answers is no HTTP proxy"),
        (b"\x05\xff", "what answers is no HTTP proxy"),
        (b"", "it closed the connection"),
        (b"HTTP/1.1 200 Conn", "it closed the connection in the middle"),
    ];
    let socks = [
        (&b"\x05\xff"[..], "neither by user and password nor without"),
        (b"\x05\x02\x01\x01", "it does not take this user and password"),
        (b"\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", "its rules do not allow"),
        (b"\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "the server refused the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers is no SOCKS5 proxy"),
        (b"\x05\x07", "what answers is no SOCKS5 proxy"),
        (b"", "it closed the connection"),
        (b"\x05\x00\x05", "it closed the connection instead of"),
    ];
    for (kind, cases) in [("http://", http), ("socks5h://", socks)] {
        let proxy = TestProxy::start_for("ann", "s@cret");
        proxy.trouble(cases.iter().map(|(answer, _)| closes(answer)));
        let settings = Settings::default().proxy(Some(proxy.url(&format!("{kind}{USER}"))));
        let mut client = started_with::<D>(remote.config(), settings);
        for (answer, words) in cases {
            let text = next_failure(&mut client);
            assert!(text.contains(words), "{}: {text}", String::from_utf8_lossy(answer));
            // Which proxy, and nothing that only it may know.
            assert!(text.contains(&proxy.address().to_string()), "{text}");
            let printed = format!("{text} {:?}", client.status());
            for secret in ["s@cret", "s%40cret", "YW5uOnN", "ann"] {
                assert!(!printed.contains(secret), "{secret} in {printed}");
            }
            client.connect();
        }
        client.must_connect();
        assert_eq!(client.statistics().failed_dials.proxy, cases.len() as u64);
        client.shutdown(PATIENCE).expect("closed");
    }
    assert_eq!(server.inspect(|view| view.upgrades), 2);
}

pub fn a_proxy_that_is_silent_or_not_there_is_never_passed_by<D: Driver>() {
    let (remote, server) = in_process();
    let timeouts = Timeouts::default().dial(Duration::from_millis(500));
    let config = || remote.signing().timeouts(timeouts.clone()).build().expect("valid");
    for kind in ["http://", "socks5://"] {
        let proxy = TestProxy::start();
        proxy
            .trouble([Trouble::Stalls(Vec::new()), Trouble::Stalls(b"HTTP/1.1 200 Conn".to_vec())]);
        let settings = Settings::default().proxy(Some(proxy.url(kind)));
        let mut client = started_with::<D>(config(), settings);
        let text = next_failure(&mut client);
        assert!(text.ends_with("it did not answer in time"), "{text}");
        client.connect();
        let text = next_failure(&mut client);
        let is_half = text.ends_with("it did not answer in time in the middle of its answer");
        assert!(is_half || text.contains("no SOCKS5 proxy"), "{text}");
        client.must_connect();
    }
    let upgrades = server.inspect(|view| view.upgrades);
    assert_eq!(upgrades, 2);

    let gone = nobody();
    for url in [format!("http://{gone}"), format!("socks5://{gone}")] {
        let settings = Settings::default().proxy(Some(url));
        let mut client = started_with::<D>(config(), settings);
        let text = next_failure(&mut client);
        assert!(text.contains("it cannot be reached: "), "{text}");
        assert_eq!(client.statistics().failed_dials.proxy, 1);
    }
    let settings = Settings::default().proxy(Some("http://no-such-host.invalid:1".to_owned()));
    let patient = remote.config();
    let text = next_failure(&mut started_with::<D>(patient, settings));
    assert!(text.contains("its name does not resolve"), "{text}");
    assert_eq!(server.inspect(|view| view.upgrades), upgrades);
}

pub fn a_proxy_is_asked_for_the_addresses_that_were_chosen<D: Driver>() {
    let (remote, server) = in_process();
    let gone = nobody();
    for kind in ["http://", "socks5://"] {
        let proxy = TestProxy::start();
        let settings =
            Settings::default().addresses(vec![gone, server.addr()]).proxy(Some(proxy.url(kind)));
        let config = remote.signing().host("no-such-host.invalid").build().expect("valid");
        let mut client = started_with::<D>(config, settings);
        client.must_connect();
        assert_eq!(client.status().attempt, 1);
        let targets: Vec<_> = proxy.asked().into_iter().map(|asked| asked.target).collect();
        assert_eq!(targets, [gone.to_string(), server.addr().to_string()]);
    }
}

pub fn an_address_of_which_a_proxy_hears_nothing_leaves_the_next_one_its_time<D: Driver>() {
    let (remote, server) = in_process();
    let timeouts = Timeouts::default().dial(Duration::from_secs(1));
    let config = || remote.signing().timeouts(timeouts.clone()).build().expect("valid");
    let gone = nobody();
    for kind in ["http://", "socks5://"] {
        let proxy = TestProxy::start();
        let settings =
            Settings::default().addresses(vec![gone, server.addr()]).proxy(Some(proxy.url(kind)));
        // Of the first address nothing comes, and then of neither.
        let silent = || Trouble::Stalls(Vec::new());
        proxy.trouble([silent()]);
        let mut client = started_with::<D>(config(), settings.clone());
        client.must_connect();
        assert_eq!(client.status().attempt, 1);
        client.shutdown(PATIENCE).expect("closed");

        proxy.trouble([silent(), closes(b"")]);
        let text = next_failure(&mut started_with::<D>(config(), settings));
        let both = [
            format!("{gone}: it did not answer in time; "),
            format!("{}: it closed the connection", server.addr()),
        ];
        assert!(both.iter().all(|part| text.contains(part)), "{text}");
    }
}

pub fn a_busy_proxy_is_left_alone_for_as_long_as_it_asks<D: Driver>() {
    let (remote, server) = in_process();
    let proxy = TestProxy::start();
    proxy.trouble([closes(b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n")]);
    let begun = Instant::now();
    let settings = Settings::default().proxy(Some(proxy.url("http://")));
    let mut client = started_with::<D>(remote.config(), settings);
    let text = next_failure(&mut client);
    assert!(text.contains("HTTP status 503"), "{text}");
    client.connect();
    let text = next_failure(&mut client);
    assert!(text.contains("it has asked to be left alone, for "), "{text}");
    client.must_connect();
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!((proxy.asked().len(), server.inspect(|view| view.upgrades)), (1, 1));
}

pub fn a_name_beyond_ascii_is_told_to_a_proxy_in_its_ascii_form<D: Driver>() {
    let (remote, _server) = in_process();
    for kind in ["http://", "socks5://"] {
        let proxy = TestProxy::start();
        let settings = Settings::default().proxy(Some(proxy.url(kind)));
        let builder = remote.signing().host("bücher.invalid").port(4711);
        next_failure(&mut started_with::<D>(builder.build().expect("valid"), settings));
        let asked = &proxy.asked()[0];
        assert_eq!(asked.target, "xn--bcher-kva.invalid:4711");
        assert!(asked.request.is_ascii());
    }
}

pub fn an_endpoint_is_asked_through_the_proxy_and_never_past_it<D: Driver>() {
    let (remote, server) = in_process();
    for kind in ["http://", "socks5://"] {
        let app = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
        let proxy = TestProxy::start_for("ann", "s@cret");
        let endpoint = AuthEndpoint::new(&format!("http://localhost:{}/auth", app.port()));
        let url = proxy.url(&format!("{kind}{USER}"));
        let settings = Settings::default().endpoint(Some(endpoint)).proxy(Some(url));
        let mut client = started_with::<D>(remote.builder().build().expect("valid"), settings);
        client.must_connect();
        // The server's connection is there, and the next ones are for the endpoint.
        let refusal = match kind {
            "http://" => closes(b"HTTP/1.1 502 Bad\r\nContent-Length: 11\r\n\r\nnot s@cret?"),
            _ => closes(b"\x05\x02\x01\x01"),
        };
        proxy.trouble([refusal, closes(b"")]);
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
        let expected = match kind {
            "http://" => "it answered with HTTP status 502: not ***?",
            _ => "it does not take this user and password",
        };
        assert!(told[0].contains("the proxy failed: ") && told[0].contains(expected), "{told:?}");
        assert!(told[1].contains("it closed the connection"), "{told:?}");
        assert!(!format!("{told:?}").contains("s@cret"), "{told:?}");
        assert_eq!(app.requests().len(), 1);
        assert_eq!(app.requests()[0].target(), "/auth");
        let asked = proxy.asked();
        assert_eq!(asked[1].target, format!("localhost:{}", app.port()));
        assert!(asked[1].sent.starts_with(b"POST /auth HTTP/1.1\r\n"));
        assert!(!String::from_utf8_lossy(&asked[1].sent).contains("Proxy-"));
    }
}

pub fn an_endpoint_over_https_is_asked_through_the_proxy<D: Driver>() {
    let (remote, server) = in_process();
    let app = AuthorizationEndpoint::start_tls(server.app(), Certificate::Valid);
    let app = app.expect("an endpoint");
    for kind in ["http://", "socks5://"] {
        let proxy = TestProxy::start();
        let endpoint = AuthEndpoint::new(&format!("https://localhost:{}/auth", app.port()));
        let settings = Settings::default()
            .authority_pem(app.authority_pem().map(str::to_owned))
            .endpoint(Some(endpoint))
            .proxy(Some(proxy.url(kind)));
        let mut client = started_with::<D>(remote.builder().build().expect("valid"), settings);
        client.must_subscribe("private-orders");
        let asked = proxy.asked();
        assert_eq!(asked[1].target, format!("localhost:{}", app.port()));
        // A TLS handshake, and nothing that can be read.
        assert_eq!(asked[1].sent[0], 0x16);
        assert!(!String::from_utf8_lossy(&asked[1].sent).contains("private-orders"));
    }
}

pub fn a_silent_proxy_of_an_endpoint_is_told_and_a_client_that_goes_does_not_wait_for_it<
    D: Driver,
>() {
    let (remote, server) = in_process();
    let app = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    let proxy = TestProxy::start();
    let endpoint = AuthEndpoint::new(&app.url("/auth"));
    let settings = Settings::default().endpoint(Some(endpoint)).proxy(Some(proxy.url("http://")));
    let timeouts = Timeouts::default().authorization(Duration::from_secs(1));
    let config = remote.builder().timeouts(timeouts).build().expect("valid");
    let mut client = started_with::<D>(config, settings);
    client.must_connect();
    proxy.trouble([Trouble::Stalls(Vec::new())]);
    client.want("private-orders");
    let text = client.wait_for(|event| match event {
        Event::SubscriptionFailed { reason, retry_in: Some(_), .. } => Some(reason.to_string()),
        _ => None,
    });
    assert!(text.contains("it did not answer in time"), "{text}");
    client.must_be_subscribed("private-orders");

    let begun = Instant::now();
    proxy.trouble([Trouble::Stalls(Vec::new())]);
    client.want("private-others");
    client.shutdown(PATIENCE).expect("closed");
    assert!(begun.elapsed() < PATIENCE / 2);
}
