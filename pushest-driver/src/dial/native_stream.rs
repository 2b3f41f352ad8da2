//! TLS by the system's library, over any stream of any runtime.

use std::error::Error as _;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::task::{Context, Poll, Waker};

use native_tls::{HandshakeError, MidHandshakeTlsStream, TlsConnector, TlsStream};
use pushest_proto::Instant;

use crate::byte_stream::ByteStream;

/// The size of one read, in bytes. OpenSSL would read the head of each record by itself: twice the system
/// calls, of which none is short and tells that there is nothing more.
const CHUNK: usize = 4 * 1024;

/// TLS by the system's library over a stream.
pub struct NativeTlsStream<S> {
    tls: Box<TlsStream<Blocked<S>>>,
}

/// Performs the handshake with the server of this name, which its certificate must be for.
///
/// # Errors
/// Those of native-tls inside of the `io::Error`.
pub(crate) async fn connect<S: ByteStream>(
    connector: &TlsConnector,
    host: &str,
    stream: S,
) -> io::Result<NativeTlsStream<S>> {
    let mut stream = Some(stream);
    let mut under_way: Option<MidHandshakeTlsStream<Blocked<S>>> = None;
    poll_fn(|context| {
        let step = match under_way.take() {
            Some(mut handshake) => {
                handshake.get_mut().waker.clone_from(context.waker());
                handshake.handshake()
            }
            None => {
                let stream = stream.take().expect("a handshake begins once");
                connector.connect(host, Blocked::new(stream, context.waker().clone()))
            }
        };
        match step {
            Ok(tls) => Poll::Ready(Ok(NativeTlsStream { tls: Box::new(tls) })),
            Err(HandshakeError::WouldBlock(handshake)) => {
                under_way = Some(handshake);
                Poll::Pending
            }
            Err(HandshakeError::Failure(error)) => Poll::Ready(Err(cause(error))),
        }
    })
    .await
}

/// Returns the error of the stream below where that is why the library fails, or else the library's own
/// inside of an `io::Error`.
pub(crate) fn cause(error: native_tls::Error) -> io::Error {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(below) = inner.downcast_ref::<io::Error>() {
            return io::Error::new(below.kind(), below.to_string());
        }
        source = inner.source();
    }
    io::Error::other(error)
}

impl<S: ByteStream> NativeTlsStream<S> {
    /// Takes a step, within which the stream wakes the task of the context.
    fn poll<T>(
        &mut self,
        context: &Context<'_>,
        step: impl FnOnce(&mut TlsStream<Blocked<S>>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.tls.get_mut().waker.clone_from(context.waker());
        forget_errors();
        match step(&mut self.tls) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            Err(error) if is_end(&error) => Poll::Ready(Err(ErrorKind::UnexpectedEof.into())),
            result => Poll::Ready(result),
        }
    }
}

/// Drops the errors that other calls have left on the thread, such as those of a certificate that was read for another
/// client: OpenSSL takes the oldest one for the cause when a stream has nothing to read.
#[cfg(not(any(target_os = "windows", target_vendor = "apple")))]
fn forget_errors() {
    drop(openssl::error::ErrorStack::get());
}

/// The other systems' libraries return their errors, and keep none.
#[cfg(any(target_os = "windows", target_vendor = "apple"))]
fn forget_errors() {}

/// Returns whether this is what OpenSSL says of a stream that has ended without TLS's own farewell.
fn is_end(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.to_string().contains("unexpected eof while reading"))
}

impl<S: ByteStream> ByteStream for NativeTlsStream<S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(context, |tls| tls.read(buffer))
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(context, |tls| tls.write(bytes))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(context, |tls| tls.flush())
    }

    fn poll_is_silent(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        if self.poll_read(context, &mut [0]).is_ready() {
            return Poll::Ready(false);
        }
        // All that was read is read up; what the system has beyond that is the stream's to say. A byte that
        // it takes is missing here, but then this is used no more.
        self.tls.get_mut().stream.poll_is_silent(context)
    }

    fn caught_up(&self) -> Option<Instant> {
        self.tls.get_ref().stream.caught_up()
    }
}

/// A stream as the library reads and writes it: it returns `WouldBlock`, and has its waker called.
struct Blocked<S> {
    stream: S,
    waker: Waker,
    buffer: Box<[u8]>,
    /// What was read and not taken yet: from here to there in the buffer.
    taken: usize,
    filled: usize,
}

impl<S> Blocked<S> {
    fn new(stream: S, waker: Waker) -> Self {
        Self { stream, waker, buffer: vec![0; CHUNK].into_boxed_slice(), taken: 0, filled: 0 }
    }
}

impl<S: ByteStream> Read for Blocked<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.filled {
            let mut context = Context::from_waker(&self.waker);
            self.filled = ready(self.stream.poll_read(&mut context, &mut self.buffer))?;
            self.taken = 0;
        }
        let length = buffer.len().min(self.filled - self.taken);
        buffer[..length].copy_from_slice(&self.buffer[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}

impl<S: ByteStream> Write for Blocked<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        ready(self.stream.poll_write(&mut Context::from_waker(&self.waker), bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        ready(self.stream.poll_flush(&mut Context::from_waker(&self.waker)))
    }
}

fn ready<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl<S> fmt::Debug for NativeTlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeTlsStream").finish_non_exhaustive()
    }
}
