//! Names and addresses as people write them: what of them the system, the server and the
//! certificate are asked for.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use pushest_proto::{AuthEndpoint, Config, ConnectionState, DialFailure, Loss};

use super::super::driver::{Driver, DriverClient, Settings, TlsLibrary, Unmet};
use super::super::patience::{Expect, PATIENCE, started_with};
use super::super::{Remote, in_process, server};
use crate::{Certificate, Server};

pub fn a_name_beyond_ascii_is_sent_in_its_ascii_form<D: Driver>() {
    let door = Door::at(Ipv4Addr::LOCALHOST.into());
    for (host, sent) in [
        ("Bücher.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("my_service.example", "my_service.example"),
    ] {
        let config = config(host, door.address.port());
        let mut client = started_with::<D>(config, to(door.address));
        let loss = client.next_state(ConnectionState::Waiting).loss.expect("why");
        assert!(matches!(*loss, Loss::Dial(DialFailure::Http { status: 404, .. })), "{loss:?}");
        assert_eq!(door.host_header(), format!("{sent}:{}", door.address.port()));
    }
}

pub fn what_is_no_name_is_refused_before_anything_is_resolved<D: Driver>() {
    let server = server();
    for host in ["xn--a", "www.xn--zz--zz99999999.example", "אa.example"] {
        let mut client = started_with::<D>(config(host, server.port()), to(server.addr()));
        let Err(Unmet::Failed(error)) = client.connected(PATIENCE) else {
            panic!("{host}: there is nothing to connect to")
        };
        assert!(error.contains(&format!("{host:?} is not the name of a host")), "{error}");
        assert_eq!(client.status().state, ConnectionState::Refused);
    }
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}

pub fn the_zone_of_an_address_is_resolved_and_sent_nowhere<D: Driver>() {
    let door = Door::at(Ipv6Addr::LOCALHOST.into());
    // The system's first link is its loopback.
    let zones = config("::1%1", door.address.port());
    let mut client = started_with::<D>(zones, Settings::default());
    let loss = client.next_state(ConnectionState::Waiting).loss.expect("why");
    assert!(matches!(*loss, Loss::Dial(DialFailure::Http { status: 404, .. })), "{loss:?}");
    assert_eq!(door.host_header(), format!("[::1]:{}", door.address.port()));

    let nowhere = config("fe80::1%no-such-link", door.address.port());
    let mut client = started_with::<D>(nowhere, Settings::default());
    let loss = client.next_state(ConnectionState::Waiting).loss.expect("why");
    assert!(matches!(*loss, Loss::Dial(DialFailure::Dns(_))), "{loss:?}");
}

pub fn the_zone_of_an_endpoints_address_is_resolved_and_sent_nowhere<D: Driver>() {
    let (remote, _server) = in_process();
    let door = Door::at(Ipv6Addr::LOCALHOST.into());
    for zone in ["%251", "%1"] {
        let url = format!("http://[::1{zone}]:{}/auth", door.address.port());
        let settings = Settings::default().endpoint(Some(AuthEndpoint::new(&url)));
        let mut client = started_with::<D>(remote.builder().build().expect("valid"), settings);
        client.must_connect();
        client.want("private-orders");
        // A driver without a thread of its own asks only while it is called.
        let mut asked = None;
        client.until("the request", |_| {
            asked = door.requests.try_recv().ok();
            asked.is_some()
        });
        let host = host_header(&asked.expect("it came"));
        assert_eq!(host, format!("[::1]:{}", door.address.port()));
    }
}

pub fn a_certificate_must_be_for_the_ascii_form_of_a_name<D: Driver>() {
    let server = Server::builder().tls(Certificate::Valid).start().expect("a server");
    let remote = Remote::of(&server);
    let config = remote.signing().host("bücher.example").tls(true).stop_on_refusal(true);
    let settings = remote.settings().addresses(vec![server.addr()]);
    let mut client = started_with::<D>(config.build().expect("valid"), settings);
    let Err(Unmet::Failed(error)) = client.connected(PATIENCE) else {
        panic!("its certificate is for another name")
    };
    let is_rustls = D::TLS == TlsLibrary::Rustls;
    let words = if is_rustls { "xn--bcher-kva.example" } else { "ostname mismatch" };
    assert!(error.contains(words), "{error}");
}

fn config(host: &str, port: u16) -> Config {
    Config::builder("app-key").host(host).port(port).build().expect("valid")
}

fn to(address: SocketAddr) -> Settings {
    Settings::default().addresses(vec![address])
}

/// A server that refuses every upgrade, and keeps the requests.
struct Door {
    address: SocketAddr,
    requests: Receiver<String>,
}

impl Door {
    fn at(address: IpAddr) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (sender, requests) = channel();
        // It ends with the scenario, at the next one who comes, or with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut byte) {
                        Ok(1) => request.push(byte[0]),
                        _ => break,
                    }
                }
                let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
                let _ = stream.write_all(answer);
                let text = String::from_utf8_lossy(&request).into_owned();
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
        Self { address, requests }
    }

    /// Returns what the next request names as its host.
    fn host_header(&self) -> String {
        host_header(&self.requests.recv_timeout(PATIENCE).expect("a request"))
    }
}

fn host_header(request: &str) -> String {
    let headers = request.lines().filter_map(|line| line.split_once(':'));
    let hosts: Vec<&str> = headers
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim())
        .collect();
    assert_eq!(hosts.len(), 1, "{request}");
    hosts[0].to_owned()
}
