//! A stream of the user's own with a descriptor, as a driver without futures takes it.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::guarded::Guarded;
use crate::own_stream::panicked;

trait ReadWrite: Read + Write + Send {}

impl<S: Read + Write + Send> ReadWrite for S {}

/// A stream of the user's own with a descriptor that a loop can wait for. It does not block, and a panic of
/// its code is an error.
pub struct DescriptorStream {
    stream: Guarded<Box<dyn ReadWrite>>,
    /// Of the same file. It is ours alone, so that its number stays that of this stream, whatever the user's
    /// code closes.
    descriptor: OwnedFd,
}

impl DescriptorStream {
    /// Takes a stream, which no longer blocks from here on.
    ///
    /// # Errors
    /// The operating system's: there is no descriptor left, or the stream cannot be made not to block.
    pub fn new(stream: impl Read + Write + AsFd + Send + 'static) -> io::Result<Self> {
        // Whatever file it is: the standard library asks the system for it as for a socket.
        let descriptor = TcpStream::from(stream.as_fd().try_clone_to_owned()?);
        descriptor.set_nonblocking(true)?;
        Ok(Self { stream: Guarded::new(Box::new(stream)), descriptor: descriptor.into() })
    }

    fn run<T>(&mut self, work: impl FnOnce(&mut dyn ReadWrite) -> io::Result<T>) -> io::Result<T> {
        self.stream.run(|stream| work(&mut **stream)).unwrap_or_else(panicked)
    }
}

impl Read for DescriptorStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.run(|stream| stream.read(buffer))
    }
}

impl Write for DescriptorStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.run(|stream| stream.write(bytes))
    }

    /// TLS writes its records so.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.run(|stream| stream.write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.run(|stream| stream.flush())
    }
}

impl AsFd for DescriptorStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl fmt::Debug for DescriptorStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescriptorStream")
            .field("descriptor", &self.descriptor)
            .finish_non_exhaustive()
    }
}
