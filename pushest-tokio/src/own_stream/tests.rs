//! Which streams are sockets, and whose.

use super::*;

#[test]
fn the_sockets_of_tokio_are_told_from_other_streams() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let _entered = runtime.as_ref().expect("a runtime").enter();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let stream = std::net::TcpStream::connect(address).expect("connected");
    stream.set_nonblocking(true).expect("a socket");
    assert!(is_socket(&tokio::net::TcpStream::from_std(stream).expect("a socket")));
    #[cfg(unix)]
    assert!(is_socket(&tokio::net::UnixStream::pair().expect("two sockets").0));
    assert!(!is_socket(&tokio::io::duplex(1).0));
    assert!(!is_socket(&tokio::io::join(tokio::io::empty(), tokio::io::sink())));
}

#[test]
fn a_stream_that_was_made_for_another_runtime_is_refused() {
    let error = raw(Box::new(OwnStream::new(Stream {
        stream: Box::pin(tokio::io::duplex(1).0),
        socket: None,
    })));
    let error = error.expect_err("it is another crate's");
    assert_eq!(error.to_string(), "it was made by `connected_stream` of another crate");
}
