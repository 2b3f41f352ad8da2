use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use pushest_testkit::{Certificate, PlainClients, Server};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

use crate::client::{Client, PATIENCE, open, tcp};

fn secure(
    server: &Server,
    authority_pem: &str,
    name: &str,
) -> StreamOwned<ClientConnection, TcpStream> {
    trusting(tcp(server), authority_pem, name)
}

/// A client's TLS that trusts this authority alone.
pub(crate) fn trusting(
    stream: TcpStream,
    authority_pem: &str,
    name: &str,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, stream)
}

/// Why a TLS handshake with the server's own authority fails.
fn refusal(server: &Server, authority_pem: &str, name: &str) -> String {
    let mut stream = secure(server, authority_pem, name);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap_err().to_string()
}

#[test]
fn it_speaks_tls_with_a_certificate_of_its_own_authority() {
    let server = Server::start_tls().unwrap();
    assert!(server.url().starts_with("pushers://"));
    let authority = server.authority_pem().unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        let mut client = Client::greeted(open(secure(&server, authority, name)).unwrap());
        client.subscribe("news");
        server.publish("news", "x", &"y".repeat(200_000));
        assert_eq!(client.read()["data"].as_str().unwrap().len(), 200_000);
    }
    let mut stream = secure(&server, authority, "localhost");
    stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[test]
fn what_clients_send_and_receive_over_tls_may_be_long() {
    let server = Server::start_tls().unwrap();
    let authority = server.authority_pem().unwrap();
    let mut client = Client::greeted(open(secure(&server, authority, "localhost")).unwrap());
    client.subscribe("news");
    // More than any buffer on the way: the server has to wait for the client, and goes on.
    let data = "z".repeat(1024 * 1024);
    for _ in 0..12 {
        server.publish("news", "x", &data);
    }
    for _ in 0..12 {
        assert_eq!(client.read()["data"].as_str().unwrap().len(), data.len());
    }
    for _ in 0..20 {
        client.send(&json!({ "event": "pusher:ping", "data": "x".repeat(200_000) }));
    }
    for _ in 0..20 {
        assert_eq!(client.read()["event"], "pusher:pong");
    }
}

#[test]
fn certificates_that_no_client_may_accept() {
    let server = Server::builder().tls(Certificate::Expired).start().unwrap();
    let why = refusal(&server, server.authority_pem().unwrap(), "localhost");
    assert!(why.to_lowercase().contains("expired"), "{why}");

    let server = Server::builder().tls(Certificate::WrongName).start().unwrap();
    let why = refusal(&server, server.authority_pem().unwrap(), "localhost");
    assert!(why.contains("not valid for name"), "{why}");
    let mut stream = secure(&server, server.authority_pem().unwrap(), "wrong.example");
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();

    let (server, other) = (Server::start_tls().unwrap(), Server::start_tls().unwrap());
    let why = refusal(&server, other.authority_pem().unwrap(), "localhost");
    assert!(why.contains("invalid peer certificate"), "{why}");
}

#[test]
fn a_client_without_tls_is_dropped_served_or_told_4000() {
    let server = Server::start_tls().unwrap();
    assert!(open(tcp(&server)).is_err());

    let builder = Server::builder().tls(Certificate::Valid);
    let server = builder.clone().plain_clients(PlainClients::Serve).start().unwrap();
    Client::connect(&server);
    let authority = server.authority_pem().unwrap();
    Client::greeted(open(secure(&server, authority, "localhost")).unwrap());

    let server = builder.plain_clients(PlainClients::Refuse).start().unwrap();
    let mut socket = open(tcp(&server)).unwrap();
    assert!(socket.read().unwrap().to_text().unwrap().contains("4000"));
    assert!(socket.read().unwrap().is_close());
    let authority = server.authority_pem().unwrap();
    Client::greeted(open(secure(&server, authority, "localhost")).unwrap());
}

#[test]
fn a_handshake_that_breaks_off_is_forgotten() {
    let server = Server::start_tls().unwrap();
    let mut stream = tcp(&server);
    stream.write_all(&[0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]).unwrap();
    let mut rest = Vec::new();
    // An alert, or just the end.
    let _ = stream.read_to_end(&mut rest);
    drop(stream);
    let authority = server.authority_pem().unwrap();
    let client = Client::greeted(open(secure(&server, authority, "localhost")).unwrap());
    drop(client);
    server.wait_for_connections(0, PATIENCE).unwrap();
}
