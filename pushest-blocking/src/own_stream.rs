//! Streams of the user's own on the loop: whatever has a descriptor.

use std::any::Any;
use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd};

use mio::Token;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::unix::SourceFd;
#[cfg(unix)]
use pushest_driver::ConnectedStream;
#[cfg(unix)]
use pushest_driver::unstable::DescriptorStream;

use crate::reactor::Reactor;

/// Makes a [`ConnectedStream`] of your own stream, for [`Options::connector`](crate::Options::connector):
/// anything that reads, writes and has a descriptor that the system can wait for, such as a socket. It is there
/// on Unix only.
///
/// The stream is set not to block; it must return [`WouldBlock`](io::ErrorKind::WouldBlock) whenever its
/// descriptor does, and never hold back what it has. Dropping it is the end of the connection. A second
/// descriptor of the same file is kept beside it.
///
/// ```
/// # use pushest_blocking::{Options, connected_stream};
/// use std::os::unix::net::UnixStream;
///
/// let options = Options::default()
///     .connector(|_| UnixStream::connect("/run/nginx/realtime.sock").map(connected_stream));
/// # let _ = options;
/// ```
#[cfg(unix)]
pub fn connected_stream(stream: impl Read + Write + AsFd + Send + 'static) -> ConnectedStream {
    ConnectedStream::__new(DescriptorStream::new(stream))
}

/// What a socket of the loop reads and writes.
pub(crate) enum Raw {
    Tcp(TcpStream),
    #[cfg(unix)]
    Own(DescriptorStream),
}

pub(crate) trait ReadWrite: Read + Write {}

impl<S: Read + Write> ReadWrite for S {}

impl Raw {
    pub(crate) fn get(&mut self) -> &mut dyn ReadWrite {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Own(stream) => stream,
        }
    }

    pub(crate) fn is_socket(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    pub(crate) fn tcp(&self) -> io::Result<&TcpStream> {
        match self {
            Self::Tcp(stream) => Ok(stream),
            #[cfg(unix)]
            Self::Own(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// A descriptor of the user's may stay open.
    #[cfg_attr(not(unix), expect(unused_variables, reason = "there is none"))]
    pub(crate) fn unregister(&self, reactor: &Reactor) {
        #[cfg(unix)]
        if let Self::Own(stream) = self {
            reactor.unregister(&mut SourceFd(&stream.as_fd().as_raw_fd()));
        }
    }
}

/// Returns the stream that [`connected_stream`] was given, which wakes the loop from here on.
#[cfg(unix)]
pub(crate) fn registered(
    stream: Box<dyn Any + Send>,
    reactor: &Reactor,
) -> io::Result<(Raw, Token)> {
    let Ok(own) = stream.downcast::<io::Result<DescriptorStream>>() else {
        return Err(io::Error::other("it was made by `connected_stream` of another crate"));
    };
    let stream = (*own)?;
    let token = reactor.register(&mut SourceFd(&stream.as_fd().as_raw_fd()))?;
    Ok((Raw::Own(stream), token))
}

#[cfg(not(unix))]
pub(crate) fn registered(_: Box<dyn Any + Send>, _: &Reactor) -> io::Result<(Raw, Token)> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there are no streams of your own here"))
}
