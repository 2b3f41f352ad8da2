//! Streams of the user's own on tokio.

use std::any::{Any, TypeId};
use std::io;

use pushest_driver::ConnectedStream;
use pushest_driver::unstable::OwnStream;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::streams::{Bytes, Raw, Stream};

/// Makes a [`ConnectedStream`] of your own stream, for [`Options::connector`](crate::Options::connector):
/// anything that reads and writes as tokio's streams do. Dropping the stream is the end of the connection.
///
/// Of a `TcpStream` and a `UnixStream` of tokio's the client knows up to when everything has been read from
/// them, as it does of its own sockets. Of another stream, such as a TLS stream of your own or one end of a
/// `tokio::io::duplex`, it does not: after a loss its [`Gap`](crate::Event::Gap) begins with the connection.
///
/// ```
/// # use pushest_tokio::{Options, connected_stream};
/// # #[cfg(unix)] {
/// use tokio::net::UnixStream;
///
/// let options = Options::default().connector(|_| async {
///     UnixStream::connect("/run/nginx/realtime.sock").await.map(connected_stream)
/// });
/// # let _ = options;
/// # }
/// ```
pub fn connected_stream(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> ConnectedStream {
    let is_socket = is_socket(&stream);
    let stream = Stream { stream: Box::pin(stream), socket: None };
    ConnectedStream::__new(Own { stream: OwnStream::new(stream), is_socket })
}

/// As [`ConnectedStream`] holds it.
struct Own {
    stream: OwnStream,
    is_socket: bool,
}

/// Returns the stream that [`connected_stream`] was given.
pub(crate) fn raw(stream: Box<dyn Any + Send>) -> io::Result<Raw> {
    let Ok(own) = stream.downcast::<Own>() else {
        return Err(io::Error::other("it was made by `connected_stream` of another crate"));
    };
    let Own { stream, is_socket } = *own;
    Ok(Raw::Own { stream: Bytes(stream), is_socket, has_yielded: false.into() })
}

/// Returns whether a read of less than it was asked for has emptied the stream.
fn is_socket<S: 'static>(_: &S) -> bool {
    let is = TypeId::of::<S>();
    #[cfg(unix)]
    let is_unix = is == TypeId::of::<tokio::net::UnixStream>();
    #[cfg(not(unix))]
    let is_unix = false;
    is_unix || is == TypeId::of::<tokio::net::TcpStream>()
}

#[cfg(test)]
mod tests;
