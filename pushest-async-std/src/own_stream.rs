//! Streams of the user's own on async-std and smol.

use std::any::Any;
use std::io;

use async_std::io::{Read, Write};
use pushest_driver::ConnectedStream;
use pushest_driver::unstable::OwnStream;

use crate::streams::{Bytes, Raw, Stream};

/// Makes a [`ConnectedStream`] of your own stream, for [`Options::connector`](crate::Options::connector):
/// anything that reads and writes as the streams of async-std, smol and futures do. Dropping the stream is
/// the end of the connection.
///
/// A stream that is `Pending` is taken to have been read empty, as a socket of async-std or smol is: after a
/// loss the [`Gap`](crate::Event::Gap) begins there. One that is `Pending` though something has arrived for it
/// makes gaps too short.
///
/// ```
/// # use pushest_async_std::{Options, connected_stream};
/// # #[cfg(unix)] {
/// use async_std::os::unix::net::UnixStream;
///
/// let options = Options::default().connector(|_| async {
///     UnixStream::connect("/run/nginx/realtime.sock").await.map(connected_stream)
/// });
/// # let _ = options;
/// # }
/// ```
pub fn connected_stream(stream: impl Read + Write + Send + 'static) -> ConnectedStream {
    let stream = Stream { stream: Box::pin(stream), socket: None };
    ConnectedStream::__new(OwnStream::new(stream))
}

/// Returns the stream that [`connected_stream`] was given.
pub(crate) fn raw(stream: Box<dyn Any + Send>) -> io::Result<Raw> {
    match stream.downcast::<OwnStream>() {
        Ok(stream) => Ok(Raw::Own(Bytes(*stream))),
        Err(_) => Err(io::Error::other("it was made by `connected_stream` of another crate")),
    }
}
