//! Connectors: streams of the user's own in place of the client's sockets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pushest_proto::{
    AuthEndpoint, BackoffConfig, Config, ConnectionState, DialFailure, Event, Loss, Timeouts,
};

use crate::conformance::driver::{Driver, DriverClient, Settings};
use crate::conformance::own_streams::{Asked, Connects, Purpose, Wanted, within};
use crate::conformance::patience::{Expect, PATIENCE, eventually, started_with};
use crate::conformance::proxy::{TestProxy, Trouble};
use crate::conformance::{Remote, Scheme, in_process};
use crate::{AuthorizationEndpoint, Certificate, Server, Target};

/// Returns a server that listens nowhere.
fn without_port() -> Arc<Server> {
    Arc::new(Server::builder().without_port().start().expect("a server"))
}

/// Returns a configuration for it, under a name that only a connector can do something with.
fn config(server: &Server) -> Config {
    let builder = Remote::of(server).signing().host("no-such-host.invalid").port(4711);
    builder.build().expect("valid")
}

/// Returns the next dial's failure.
fn next_failure(client: &mut impl DriverClient) -> DialFailure {
    let change = client.next_state(ConnectionState::Waiting);
    assert!(change.retry_in.is_some(), "{change:?}");
    match change.loss.as_deref() {
        Some(Loss::Dial(failure)) => failure.clone(),
        other => panic!("{other:?}"),
    }
}

/// Returns the text of the next dial's failure, which is the connector's.
fn next_text(client: &mut impl DriverClient) -> String {
    match next_failure(client) {
        DialFailure::Connector(text) => text.into(),
        other => panic!("{other:?}"),
    }
}

fn web_socket(is_tls: bool) -> Wanted {
    Wanted::new("no-such-host.invalid", 4711, is_tls, Purpose::WebSocket)
}

pub fn a_server_without_a_port_is_reached_over_streams_of_ones_own<D: Driver>(scheme: Scheme) {
    let (builder, is_tls) = match scheme {
        Scheme::Ws => (Server::builder(), false),
        // The certificate is for this name, and none is resolved.
        Scheme::Wss => (Server::builder().tls(Certificate::Valid), true),
    };
    let server = Arc::new(builder.without_port().start().expect("a server"));
    let remote = Remote::of(&server);
    let config = remote.signing().host("localhost").port(4711).build().expect("valid");
    let asked = Asked::default();
    let to = server.clone();
    let connector = asked.connector(move |_, _| within(&to));
    let mut client = started_with::<D>(config, remote.settings().connector(connector));
    client.must_subscribe("private-orders");
    for size in [1, 10_240, 500_000] {
        let data = "x".repeat(size);
        server.publish("private-orders", "order", &data);
        assert!(client.next_of("private-orders").text() == data, "{size}");
    }
    client.must_flush();
    assert_eq!((server.connections(), server.socket_ids().len()), (1, 1));

    // What is lost comes back the same way, and so it is with all that a server does to its sockets.
    server.drop_connections(Target::All);
    client.next_gap("private-orders");
    server.reset_connections(Target::All);
    client.next_gap("private-orders");
    server.close(Target::All, 4200, "restart");
    assert_eq!(client.next_gap("private-orders"), Loss::closed(Some(4200), "restart"));
    client.must_flush();

    let wanted = Wanted::new("localhost", 4711, is_tls, Purpose::WebSocket);
    assert_eq!(asked.all(), vec![wanted; 4]);
    for head in server.upgrade_heads() {
        assert!(head.contains("\r\nHost: localhost:4711\r\n"), "{head}");
    }
    client.shutdown(PATIENCE).expect("closed");
    eventually("the connection to be closed", || server.connections() == 0);
}

pub fn a_connector_that_fails_or_panics_fails_the_dial_and_is_asked_again<D: Driver>() {
    let server = without_port();
    let asked = Asked::default();
    let to = server.clone();
    let connector = asked.connector(move |before, _| match before {
        0 => Connects::Fails("no tunnel today"),
        1 => Connects::Panics,
        _ => within(&to),
    });
    let mut client = D::client(config(&server), Settings::default().connector(connector));
    client.connect();
    assert_eq!(next_text(&mut client), "no tunnel today");
    let last = client.status().last_loss.expect("why").to_string();
    assert_eq!(last, "the connector failed: no tunnel today");
    client.connect();
    assert_eq!(next_text(&mut client), "it panicked");
    client.must_connect();
    assert_eq!(client.statistics().failed_dials.connector, 2);
    assert_eq!(asked.all(), vec![web_socket(false); 3]);
    client.must_subscribe("private-orders");
}

pub fn a_connector_that_hangs_is_given_up_and_holds_up_nobody<D: Driver>() {
    let server = without_port();
    let asked = Asked::default();
    let to = server.clone();
    let connector = asked.connector(move |before, _| match before {
        0 | 1 => Connects::Hangs,
        _ => within(&to),
    });
    let timeouts = Timeouts::default().dial(Duration::from_millis(300));
    let builder = Remote::of(&server).signing().timeouts(timeouts);
    let config = builder.build().expect("valid");
    let mut client = started_with::<D>(config, Settings::default().connector(connector));
    assert_eq!(next_text(&mut client), "it gave no stream in time");
    client.connect();
    eventually_asked(&mut client, &asked, 2);
    let begun = Instant::now();
    client.disconnect();
    client.next_state(ConnectionState::Disconnected);
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    client.connect();
    client.must_connect();
    assert_eq!((server.connections(), asked.all().len()), (1, 3));
}

/// Lets the client go on until its connector was asked so often.
fn eventually_asked(client: &mut impl DriverClient, asked: &Asked, times: usize) {
    client.until("the connector to be asked", |_| asked.all().len() >= times);
}

pub fn a_stream_that_panics_is_the_end_of_its_connection_only<D: Driver>() {
    let server = without_port();
    let asked = Asked::default();
    let to = server.clone();
    let connector = asked.connector(move |before, _| match before {
        0 => Connects::Breaks,
        _ => within(&to),
    });
    let mut client = D::client(config(&server), Settings::default().connector(connector));
    client.connect();
    let failure = next_failure(&mut client).to_string();
    assert!(failure.contains("the connector's stream panicked"), "{failure}");
    client.must_connect();
    client.must_subscribe("private-orders");
    client.shutdown(PATIENCE).expect("closed");
}

pub fn over_a_stream_that_is_encrypted_already_no_tls_is_spoken<D: Driver>() {
    let server = without_port();
    let asked = Asked::default();
    let to = server.clone();
    let connector =
        asked.connector(move |_, _| Connects::Within { server: to.clone(), is_encrypted: true });
    let builder = Remote::of(&server).signing().host("no-such-host.invalid").port(4711);
    let config = builder.tls(true).build().expect("valid");
    let mut client = started_with::<D>(config, Settings::default().connector(connector));
    client.must_subscribe("private-orders");
    assert_eq!(asked.all(), [web_socket(true)]);
    let heads = server.upgrade_heads();
    assert!(heads[0].contains("\r\nHost: no-such-host.invalid:4711\r\n"), "{heads:?}");
}

pub fn a_proxy_is_spoken_to_over_the_stream_and_never_passed_by<D: Driver>() {
    let (remote, server) = in_process();
    for (kind, port) in [("http://", 3128), ("socks5://", 1080)] {
        let proxy = TestProxy::start_for("ann", "s@cret");
        let refusal = match kind {
            "http://" => b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n".to_vec(),
            _ => b"\x05\x02\x01\x01".to_vec(),
        };
        proxy.trouble([Trouble::Closes(refusal)]);
        let (asked, address) = (Asked::default(), proxy.address());
        let connector = asked.connector(move |before, _| match before {
            0 => Connects::Fails("no way to the proxy"),
            _ => Connects::To(address),
        });
        let url = format!("{kind}ann:s%40cret@proxy.invalid:{port}");
        let settings = Settings::default().proxy(Some(url)).connector(connector);
        let mut client = D::client(remote.config(), settings);
        client.connect();
        assert_eq!(next_text(&mut client), "no way to the proxy");
        client.connect();
        match next_failure(&mut client) {
            DialFailure::Proxy(text) => assert!(text.contains("proxy.invalid"), "{text}"),
            other => panic!("{other:?}"),
        }
        client.must_connect();
        let wanted = Wanted::new("proxy.invalid", port, false, Purpose::Proxy);
        assert_eq!(asked.all(), vec![wanted; 3]);
        assert_eq!(proxy.asked()[0].target, server.addr().to_string());
        client.shutdown(PATIENCE).expect("closed");
    }
}

pub fn a_connector_is_asked_for_the_addresses_that_were_chosen<D: Driver>() {
    let server = without_port();
    let asked = Asked::default();
    let to = server.clone();
    let connector = asked.connector(move |before, _| match before {
        0 | 1 => Connects::Fails("not there"),
        2 => Connects::Fails("not here"),
        _ => within(&to),
    });
    let addresses = ["[2001:db8::7]:1", "192.0.2.7:2"].map(|it| it.parse().expect("an address"));
    let settings = Settings::default().addresses(addresses.to_vec()).connector(connector);
    let mut client = D::client(config(&server), settings);
    client.connect();
    let text = next_text(&mut client);
    assert_eq!(text, "[2001:db8::7]:1: not there; 192.0.2.7:2: not there");
    client.must_connect();
    let asked: Vec<_> = asked.all().into_iter().map(|it| (it.host, it.port)).collect();
    let [six, four] = [("2001:db8::7".to_owned(), 1), ("192.0.2.7".to_owned(), 2)];
    assert_eq!(asked, [six.clone(), four.clone(), six, four]);
    let heads = server.upgrade_heads();
    assert!(heads[0].contains("\r\nHost: no-such-host.invalid:4711\r\n"), "{heads:?}");
}

pub fn an_address_of_which_a_connector_hears_nothing_leaves_the_next_one_its_time<D: Driver>() {
    let server = without_port();
    let asked = Asked::default();
    let to = server.clone();
    let connector = asked.connector(move |before, _| match before {
        0 => Connects::Hangs,
        _ => within(&to),
    });
    let timeouts = Timeouts::default().dial(Duration::from_secs(1));
    let builder = Remote::of(&server).signing().timeouts(timeouts);
    let addresses = ["[2001:db8::7]:1", "192.0.2.7:2"].map(|it| it.parse().expect("an address"));
    let settings = Settings::default().addresses(addresses.to_vec()).connector(connector);
    let mut client = started_with::<D>(builder.build().expect("valid"), settings);
    client.must_connect();
    assert_eq!((client.status().attempt, asked.all().len()), (1, 2));
}

pub fn no_connector_is_asked_after_shutdown<D: Driver>() {
    let server = without_port();
    let asked = Asked::default();
    let connector = asked.connector(|_, _| Connects::Fails("no tunnel"));
    let pause = BackoffConfig::schedule([Duration::from_millis(1)]);
    let config = Remote::of(&server).signing().backoff(pause).build().expect("valid");
    let mut client = started_with::<D>(config, Settings::default().connector(connector));
    eventually_asked(&mut client, &asked, 2);
    client.shutdown(PATIENCE).expect("nothing is open");
    let times = asked.all().len();
    // As long as two more attempts would have taken.
    client.sleep(Duration::from_millis(1_300));
    assert_eq!(asked.all().len(), times);
}

pub fn a_connector_that_hangs_on_the_way_to_an_endpoint_is_told<D: Driver>() {
    let server = without_port();
    let (asked, to) = (Asked::default(), server.clone());
    let connector = asked.connector(move |_, wanted| match wanted.purpose {
        Purpose::WebSocket => within(&to),
        _ => Connects::Hangs,
    });
    let endpoint = AuthEndpoint::new("http://auth.invalid:8080/auth");
    let settings = Settings::default().endpoint(Some(endpoint)).connector(connector);
    let timeouts = Timeouts::default().authorization(Duration::from_millis(500));
    let builder = Remote::of(&server).builder().timeouts(timeouts);
    let mut client = started_with::<D>(builder.build().expect("valid"), settings);
    client.must_connect();
    client.want("private-orders");
    let text = client.wait_for(|event| match event {
        Event::SubscriptionFailed { reason, retry_in: Some(_), .. } => Some(reason.to_string()),
        _ => None,
    });
    assert!(text.contains("the connector failed: it gave no stream in time"), "{text}");
}

pub fn an_endpoint_is_asked_over_streams_of_ones_own_and_never_past_them<D: Driver>() {
    let server = without_port();
    let app = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    let (asked, address, to) = (Asked::default(), app.addr(), server.clone());
    let connector = asked.connector(move |before, wanted| match (wanted.purpose, before) {
        (Purpose::WebSocket, _) => within(&to),
        (_, 1) => Connects::Fails("no way to the endpoint"),
        (_, 2) => Connects::Panics,
        (_, 3) => Connects::Breaks,
        _ => Connects::To(address),
    });
    let endpoint = AuthEndpoint::new("http://auth.invalid:8080/auth");
    // They are the server's, and not the endpoint's.
    let addresses = vec!["192.0.2.7:2".parse().expect("an address")];
    let settings = Settings::default().addresses(addresses).endpoint(Some(endpoint));
    let config = Remote::of(&server).builder().build().expect("valid");
    let mut client = started_with::<D>(config, settings.connector(connector));
    client.must_connect();
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
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("the connector failed: no way to the endpoint"), "{told:?}");
    assert!(told[1].contains("it panicked"), "{told:?}");
    assert!(told[2].contains("the connector's stream panicked"), "{told:?}");
    // Each request has a stream of its own.
    client.must_subscribe("private-others");
    let wanted = Wanted::new("auth.invalid", 8080, false, Purpose::AuthorizationEndpoint);
    assert_eq!(asked.all()[1..], vec![wanted; 5]);
    let requests = app.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].target(), "/auth");
}

pub fn a_silent_endpoint_over_a_stream_of_ones_own_is_given_up<D: Driver>() {
    let server = without_port();
    // What accepts connections and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let (asked, address) = (Asked::default(), silent.local_addr().expect("bound"));
    let to = server.clone();
    let connector = asked.connector(move |_, wanted| match wanted.purpose {
        Purpose::WebSocket => within(&to),
        _ => Connects::To(address),
    });
    let endpoint = AuthEndpoint::new("http://auth.invalid/auth");
    let timeouts = Timeouts::default().authorization(Duration::from_millis(500));
    let config = Remote::of(&server).builder().timeouts(timeouts).build().expect("valid");
    let settings = Settings::default().endpoint(Some(endpoint)).connector(connector);
    let mut client = started_with::<D>(config, settings);
    client.want("private-orders");
    client.wait_for(|event| match event {
        Event::SubscriptionFailed { reason, retry_in: Some(_), .. } => Some(reason.to_string()),
        _ => None,
    });
    let begun = Instant::now();
    client.shutdown(PATIENCE).expect("closed");
    assert!(begun.elapsed() < PATIENCE / 2);
}

pub fn an_endpoint_over_https_is_asked_over_streams_of_ones_own<D: Driver>() {
    let server = without_port();
    let app = AuthorizationEndpoint::start_tls(server.app(), Certificate::Valid);
    let app = app.expect("an endpoint");
    let (asked, address, to) = (Asked::default(), app.addr(), server.clone());
    let connector = asked.connector(move |_, wanted| match wanted.purpose {
        Purpose::WebSocket => within(&to),
        _ => Connects::To(address),
    });
    let settings = Settings::default()
        .authority_pem(app.authority_pem().map(str::to_owned))
        .endpoint(Some(AuthEndpoint::new("https://localhost/auth")))
        .connector(connector);
    let config = Remote::of(&server).builder().build().expect("valid");
    let mut client = started_with::<D>(config, settings);
    client.must_subscribe("private-orders");
    let wanted = Wanted::new("localhost", 443, true, Purpose::AuthorizationEndpoint);
    assert_eq!(asked.all()[1..], [wanted]);
    assert_eq!(app.requests().len(), 1);
}
