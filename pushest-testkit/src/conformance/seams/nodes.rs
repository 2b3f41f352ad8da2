//! Several endpoints: the nodes of a cluster, of which some die, refuse or come back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pushest_proto::{Config, ConnectionState, DialFailure, Loss};

use super::super::Remote;
use super::super::driver::{Driver, DriverClient, Settings, Unmet};
use super::super::patience::{Expect, PATIENCE, connected, eventually, started, started_with};
use crate::{Certificate, Refusal, Server, Target, UpgradeFault};

/// Where nothing listens.
const DEAD: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

/// Each client draws an order of its own: of so many, some begin with each of two nodes.
const ENOUGH: usize = 40;

fn start() -> Server {
    Server::start().expect("a server")
}

fn config(server: &Server, nodes: &[SocketAddr]) -> Config {
    let nodes = nodes.iter().map(SocketAddr::to_string);
    Remote::of(server).signing().endpoints(nodes).build().expect("valid")
}

/// The port of the node that a client is at, or is to go to.
fn port(client: &impl DriverClient) -> u16 {
    client.status().endpoint.port()
}

pub fn a_client_whose_node_dies_moves_to_another_and_stays_there_when_it_is_back<D: Driver>() {
    let mut nodes = [start(), start(), start()].map(Some);
    let addresses = nodes.each_ref().map(|node| node.as_ref().expect("it is up").addr());
    let any = nodes[0].as_ref().expect("it is up");
    let mut client = connected::<D>(config(any, &addresses));
    client.must_subscribe("private-orders");
    let mut left = Vec::new();
    for _ in 0..2 {
        let at = port(&client);
        let place = addresses.iter().position(|node| node.port() == at).expect("one of them");
        let node = nodes[place].take().expect("it is up");
        assert_eq!(node.subscribers("private-orders"), 1);
        drop(node);
        left.push(at);
        let change = client.next_state(ConnectionState::Waiting);
        let pause = change.retry_in.expect("it is tried again");
        assert!(pause <= Duration::from_millis(500), "{pause:?}");
        client.next_gap("private-orders");
        assert!(!left.contains(&port(&client)), "it has left that one");
    }
    // The others come back, and the connection that works is not closed for them.
    let at = port(&client);
    let back: Vec<Server> = left
        .iter()
        .map(|port| Server::builder().port(*port).start().expect("its port is free"))
        .collect();
    let node = nodes.iter().flatten().next().expect("one is left");
    for number in 0..20 {
        node.publish("private-orders", "order", &number.to_string());
        assert_eq!(client.next_text("order"), number.to_string());
        client.must_flush();
        client.sleep(Duration::from_millis(50));
    }
    assert_eq!((port(&client), client.statistics().connections), (at, 3));
    assert!(back.iter().all(|node| node.inspect(|view| view.upgrades) == 0));
    // But when it has to connect anyway, they are there.
    drop(nodes);
    client.next_gap("private-orders");
    assert!(left.contains(&port(&client)));
}

pub fn a_node_that_refuses_for_now_or_is_not_there_is_left_for_the_next_one<D: Driver>() {
    let (bad, good) = (start(), start());
    let full = Refusal::error(4100, "Over capacity");
    bad.refuse_connections_with(Some(full));
    let mut moved = 0;
    let mut connect = |nodes: &[SocketAddr], is_why: &dyn Fn(&Loss) -> bool| {
        let mut client = started::<D>(config(&good, nodes));
        client.must_connect();
        assert_eq!(port(&client), good.port());
        let status = client.status();
        let dials = client.statistics().dials;
        if let Some(loss) = status.last_loss {
            assert!(is_why(&loss), "{loss}");
            assert_eq!((dials, status.attempt), (2, 2));
            let pause = client.next_state(ConnectionState::Waiting).retry_in.expect("a pause");
            assert!(pause <= Duration::from_millis(500), "{pause:?}");
            moved += 1;
        } else {
            assert_eq!(dials, 1);
        }
        client.shutdown(PATIENCE).expect("closed");
        moved
    };
    let is_full = |loss: &Loss| loss.close_code() == Some(4100);
    let at_first = (0..ENOUGH).map(|_| connect(&[bad.addr(), good.addr()], &is_full));
    assert!(at_first.take_while(|moved| *moved < 2).count() < ENOUGH);
    bad.refuse_connections_with(None);
    for (status, headers) in [(503, &[("Retry-After", "600")][..]), (500, &[]), (502, &[])] {
        bad.fault_upgrades(usize::MAX, UpgradeFault::status(status, headers));
        let is_status = |loss: &Loss| matches!(loss, Loss::Dial(DialFailure::Http { status: told, .. }) if *told == status);
        for _ in 0..3 {
            connect(&[bad.addr(), good.addr()], &is_status);
        }
        bad.heal_upgrades();
    }
    let is_dead = |loss: &Loss| matches!(loss, Loss::Dial(DialFailure::Connect(_)));
    for _ in 0..3 {
        connect(&[DEAD, good.addr()], &is_dead);
    }
}

pub fn a_node_that_refuses_for_good_ends_a_client_whatever_other_nodes_there_are<D: Driver>() {
    let (bad, good) = (start(), start());
    bad.refuse_connections_with(Some(Refusal::error(4001, "No such app")));
    for _ in 0..4 {
        let mut client = started::<D>(config(&good, &[bad.addr(), good.addr()]));
        // One that begins with the other node comes to this one later.
        if client.connected(PATIENCE).is_ok() {
            good.close(Target::All, 4200, "we restart");
        }
        let change = client.next_state(ConnectionState::Refused);
        assert_eq!(change.loss.and_then(|loss| loss.close_code()), Some(4001));
        assert_eq!(port(&client), bad.port());
        assert!(matches!(client.connected(PATIENCE), Err(Unmet::Failed(_))));
        eventually("the other to be left", || good.connections() == 0);
    }
}

pub fn a_request_names_the_node_that_it_goes_to<D: Driver>() {
    let nodes = [(); 3].map(|()| refusing());
    let good = start();
    let mut list: Vec<String> =
        nodes.iter().map(|(port, _)| format!("ws://localhost:{port}/at-{port}")).collect();
    list[0] = format!("127.0.0.1:{}", nodes[0].0);
    let builder = Remote::of(&good).signing().path("/shared").endpoints(list);
    let mut client = started::<D>(builder.build().expect("valid"));
    for (place, (port, request)) in nodes.into_iter().enumerate() {
        client.until("each to be dialled", |_| request.is_finished());
        let request = request.join().expect("a whole request");
        let (host, path) = match place {
            0 => ("127.0.0.1", "shared".to_owned()),
            _ => ("localhost", format!("at-{port}")),
        };
        assert!(request.starts_with(&format!("GET /{path}/app/")), "{request}");
        let host = format!("\r\nhost: {host}:{port}\r\n");
        assert!(request.to_ascii_lowercase().contains(&host), "{request}");
    }
}

pub fn where_no_node_is_left_it_waits_and_is_back_with_the_first_that_comes<D: Driver>() {
    let (first, second) = (start(), start());
    let mut client = connected::<D>(config(&first, &[first.addr(), second.addr()]));
    client.must_subscribe("news");
    let addresses = [first.addr(), second.addr()];
    drop((first, second));
    client.until("both to be tried", |client| client.statistics().dials > 3);
    assert_ne!(client.status().state, ConnectionState::Connected);
    for address in addresses {
        let back = Server::builder().port(address.port()).start().expect("its port is free");
        client.must_connect();
        assert_eq!(port(&client), back.port());
        client.until("the channel", |_| back.subscribers("news") == 1);
        drop(back);
        client.until("it to notice", |client| client.status().state != ConnectionState::Connected);
    }
}

pub fn each_node_has_its_own_name_and_tls_or_none<D: Driver>() {
    let plain = start();
    let secure = Server::builder().tls(Certificate::Valid).start().expect("a server");
    let list =
        [format!("127.0.0.1:{}", plain.port()), format!("wss://localhost:{}", secure.port())];
    let settings = Settings::default().authority_pem(secure.authority_pem().map(str::to_owned));
    let builder = Remote::of(&plain).signing().endpoints(list);
    let mut client = started_with::<D>(builder.build().expect("valid"), settings);
    for _ in 0..4 {
        client.must_subscribe("news");
        let status = client.status();
        let is_secure = status.endpoint.is_tls();
        let node = if is_secure { &secure } else { &plain };
        let host = if is_secure { "localhost" } else { "127.0.0.1" };
        assert_eq!((status.endpoint.host(), status.endpoint.port()), (host, node.port()));
        assert_eq!(node.subscribers("news"), 1);
        node.close(Target::All, 1001, "we restart");
        client.next_gap("news");
        assert_ne!(client.status().endpoint.is_tls(), is_secure, "the other one");
    }
}

/// A node that answers one request with 503, and returns it; with its port.
fn refusing() -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let request = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a whole request");
            request.push(byte[0]);
        }
        stream
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            .expect("it is taken");
        String::from_utf8(request).expect("text")
    });
    (port, request)
}
