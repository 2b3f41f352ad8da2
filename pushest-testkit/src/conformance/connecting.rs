//! Finding a server, and peers that are none.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use pushest_proto::{Config, ConnectionState, DialFailure, Event, Loss, Timeouts};
use socket2::{Domain, Protocol, Socket, Type};

use super::driver::{Driver, DriverClient, Settings, Unmet};
use super::patience::{Expect, PATIENCE, connected, started, started_with};
use super::{Remote, in_process};
use crate::UpgradeFault;

pub fn it_does_nothing_until_it_is_told_to_connect<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = D::client(remote.config(), Settings::default());
    client.sleep(Duration::from_millis(50));
    assert_eq!(client.status().state, ConnectionState::Disconnected);
    assert_eq!(server.inspect(|view| view.upgrades), 0);
    let Err(Unmet::Failed(_)) = client.connected(PATIENCE) else {
        panic!("no connection will come by itself")
    };
    client.connect();
    client.must_connect();
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

pub fn each_state_is_told_in_its_order<D: Driver>() {
    let (remote, _server) = in_process();
    let mut client = connected::<D>(remote.config());
    let socket_id = client.status().socket_id;
    client.shutdown(PATIENCE).expect("closed");
    let mut changes = Vec::new();
    for _ in 0..3 {
        let Event::State(change) = client.next() else { panic!("nothing else has happened") };
        changes.push((change.from, change.to, change.socket_id));
    }
    use ConnectionState::{Connected, Connecting, Disconnected};
    let expected = [
        (Disconnected, Connecting, None),
        (Connecting, Connected, socket_id),
        (Connected, Disconnected, None),
    ];
    assert_eq!(changes, expected);
}

pub fn a_dial_and_a_handshake_that_never_end_are_given_up<D: Driver>() {
    let (remote, server) = in_process();
    server.fault_upgrades(1, UpgradeFault::Ignore);
    server.withhold_handshake(true);
    let short = Duration::from_millis(200);
    let timeouts = Timeouts::default().dial(short).handshake(short);
    let mut client = started::<D>(remote.builder().timeouts(timeouts).build().expect("valid"));
    let change = client.next_state(ConnectionState::Waiting);
    assert_eq!(change.loss.as_deref(), Some(&Loss::Dial(DialFailure::Timeout)));
    // A busy machine may not get as far as the handshake every time.
    client.wait_for(|event| match event {
        Event::State(change) => {
            (change.loss.as_deref() == Some(&Loss::HandshakeTimeout)).then_some(())
        }
        _ => None,
    });
    server.withhold_handshake(false);
    client.must_connect();
}

pub fn what_is_no_websocket_is_told_and_tried_again<D: Driver>() {
    let (remote, server) = in_process();
    server.fault_upgrades(1, UpgradeFault::Raw(b"220 mail.example ESMTP\r\n".to_vec()));
    let mut client = started::<D>(remote.config());
    let loss = client.next_state(ConnectionState::Waiting).loss.expect("why");
    assert!(matches!(*loss, Loss::Dial(DialFailure::NotWebSocket(_))), "{loss:?}");
    client.must_connect();
}

pub fn a_server_that_ends_the_upgrade_half_way_is_tried_again<D: Driver>() {
    let (remote, server) = in_process();
    server.fault_upgrades(1, UpgradeFault::Raw(b"HTTP/1.1 101 Switching Prot".to_vec()));
    let mut client = started::<D>(remote.config());
    let loss = client.next_state(ConnectionState::Waiting).loss.expect("why");
    assert!(matches!(*loss, Loss::Dial(_)), "{loss:?}");
    client.must_connect();
}

pub fn a_name_that_does_not_resolve_is_told<D: Driver>() {
    let config = Config::builder("key").host("no-such-host.invalid").port(6001);
    let mut client = started::<D>(config.stop_on_refusal(true).build().expect("valid"));
    let Err(Unmet::Failed(error)) = client.connected(PATIENCE) else { panic!("it is refused") };
    let loss = client.status().last_loss.expect("why");
    assert!(matches!(*loss, Loss::Dial(DialFailure::Dns(_))), "{loss:?}");
    assert!(error.contains("could not be resolved: no-such-host.invalid: "), "{error}");
}

pub fn one_dead_address_of_two_keeps_nobody_from_connecting<D: Driver>() {
    let (remote, server) = in_process();
    let dead = DeadAddress::new();
    // The name is not asked for: the addresses are known.
    let config = remote.signing().host("no-such-host.invalid").build().expect("valid");
    let addresses = vec![dead.address, server.addr()];
    let settings = Settings::default().addresses(addresses);
    let mut client = started_with::<D>(config, settings);
    client.must_connect();
    assert_eq!(client.status().attempt, 1);
    client.must_subscribe("private-orders");
}

pub fn only_dead_addresses_are_given_up_and_tried_again<D: Driver>() {
    let dead = DeadAddress::new();
    let timeouts = Timeouts::default().dial(Duration::from_millis(200));
    let config = Config::builder("key").host("127.0.0.1").port(dead.address.port());
    let mut client = started::<D>(config.timeouts(timeouts).build().expect("valid"));
    let change = client.next_state(ConnectionState::Waiting);
    assert_eq!(change.loss.as_deref(), Some(&Loss::Dial(DialFailure::Timeout)));
    assert!(change.retry_in.is_some(), "{change:?}");
}

pub fn a_server_that_is_killed_and_started_again_is_found_again<D: Driver>() {
    let (remote, server) = in_process();
    let port = server.port();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    server.stop();
    let change = client.next_state(ConnectionState::Waiting);
    assert!(change.loss.is_some() && change.retry_in.is_some(), "{change:?}");
    // At least one attempt finds no server.
    client.next_state(ConnectionState::Connecting);
    let loss = client.next_state(ConnectionState::Waiting).loss.expect("why");
    assert!(matches!(*loss, Loss::Dial(DialFailure::Connect(_))), "{loss:?}");
    let server = crate::Server::builder().port(port).start().expect("the same port");
    client.next_gap("news");
    server.publish("news", "headline", "again");
    assert_eq!(client.next_text("headline"), "again");
}

pub fn clients_in_one_process_share_nothing<D: Driver>() {
    let (remote, first) = in_process();
    let second = super::server();
    let [mut ann, mut same] = [(); 2].map(|()| connected::<D>(remote.config()));
    let mut bob = connected::<D>(Remote::of(&second).config());
    ann.must_subscribe("news");
    bob.must_subscribe("news");
    ann.sign_in(Some(r#"{"id":"ann"}"#)).expect("good user data");
    ann.signed_in(PATIENCE).expect("signed in");
    assert_eq!((bob.signed_in_user(), same.signed_in_user()), (None, None));
    assert_eq!((same.channel_state("news"), first.subscribers("news")), (None, 1));
    assert_ne!(ann.status().socket_id, same.status().socket_id);
    first.publish("news", "headline", "first");
    second.publish("news", "headline", "second");
    assert_eq!(ann.next_text("headline"), "first");
    assert_eq!(bob.next_text("headline"), "second");
    ann.shutdown(PATIENCE).expect("closed");
    for client in [&mut bob, &mut same] {
        client.must_flush();
        assert_eq!(client.statistics().connections, 1);
    }
}

/// An address that does not answer: a listener that accepts no connection, and whose queue is full.
#[derive(Debug)]
pub struct DeadAddress {
    pub address: SocketAddr,
    _listener: Socket,
    _queued: Vec<TcpStream>,
}

impl DeadAddress {
    #[must_use]
    #[expect(clippy::new_without_default, reason = "what it takes is the system's")]
    pub fn new() -> Self {
        let listener =
            Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).expect("a socket");
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
        listener.listen(1).expect("it listens");
        let address = listener.local_addr().expect("bound").as_socket().expect("an IP address");
        let mut queued = Vec::new();
        // The system takes more than it was told to, but not many.
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queued.push(stream);
            assert!(queued.len() < 100, "the queue of a listener never fills");
        }
        Self { address, _listener: listener, _queued: queued }
    }
}
