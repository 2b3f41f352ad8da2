use std::io;
use std::net::TcpStream;

use pushest_testkit::{Profile, Server};

use crate::client::{Client, tcp};

#[test]
fn every_server_has_a_port_of_its_own_and_says_where_it_is() {
    let (first, second) = (Server::start().unwrap(), Server::start().unwrap());
    assert_ne!(first.port(), second.port());
    assert!(first.addr().ip().is_loopback());
    let url = format!("pusher://app-key:app-secret@127.0.0.1:{}", first.port());
    assert_eq!(first.url(), url);
    assert!(!first.is_tls());
    assert_eq!(first.authority_pem(), None);
}

#[test]
fn the_secret_is_not_in_its_debug_form_and_is_encoded_in_its_url() {
    let server = Server::builder().app("1", "key", "s:e@c/ret").start().unwrap();
    assert!(!format!("{server:?}").contains("s:e@c"));
    assert!(server.url().starts_with("pusher://key:s%3Ae%40c%2Fret@127.0.0.1:"));
    assert_eq!((&*server.app().id, server.app().secret()), ("1", "s:e@c/ret"));
}

#[test]
fn a_dropped_server_takes_its_sockets_with_it() {
    let server = Server::start().unwrap();
    let address = server.addr();
    let mut client = Client::connect(&server);
    drop(server);
    assert_eq!(client.read_end(), io::ErrorKind::UnexpectedEof);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_stopped_server_starts_again_on_the_same_port() {
    let server = Server::start().unwrap();
    let port = server.port();
    let mut clients: Vec<_> = (0..20).map(|_| Client::connect(&server)).collect();
    let former = server.socket_ids();
    server.stop();
    let server = Server::builder().port(port).profile(Profile::Hosted).start().unwrap();
    assert_eq!(server.port(), port);
    for client in &mut clients {
        assert_eq!(client.read_end(), io::ErrorKind::UnexpectedEof);
    }
    let client = Client::connect(&server);
    assert!(!former.contains(&client.socket_id), "a socket id came back");
    drop(tcp(&server));
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let server = Server::start().unwrap();
    let error = Server::builder().port(server.port()).start().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn the_same_seed_gives_the_same_socket_id() {
    let id = |seed| {
        let server = Server::builder().seed(seed).start().unwrap();
        Client::connect(&server).socket_id
    };
    assert_eq!(id(3), id(3));
    assert_ne!(id(3), id(4));
}
