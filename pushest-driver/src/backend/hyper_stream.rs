//! The stream of a connection as hyper reads and writes it, and what is known of it meanwhile.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use pushest_proto::DialFailure;

use super::seen::Seen;
use crate::byte_stream::ByteStream;
use crate::dial::alerts::refusal_of_client;

/// Maximum number of bytes of one read.
const CHUNK: usize = 4 * 1024;

/// The first byte of an alert (RFC 8446, section 5.1): the answer of a server that speaks TLS.
const ALERT: u8 = 21;

/// Maximum number of bytes of the head of a response, and of all heads before its body together,
/// those of informational responses included.
pub(super) const MOST_HEAD: usize = 64 * 1024;

/// A [`ByteStream`] for hyper, which is not told of writes that fail: it would not read the response
/// to a request that the server has not taken as a whole.
pub(super) struct HyperStream<S> {
    stream: S,
    /// What is read, before hyper has it: its own room is not initialized.
    buffer: Box<[u8]>,
    progress: Shared,
}

/// How far the exchange of one request has come. Shared by a connection and its stream.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Progress>>);

/// How far an exchange has come.
#[derive(Default)]
pub(super) struct Progress {
    /// The connection was kept, and nothing is written before it is known to be silent.
    is_unseen: bool,
    /// What an attempt that is given up still has.
    seen: Arc<Seen>,
    /// All that was written has left.
    pub(super) is_flushed: bool,
    /// The head of the response is not there yet.
    pub(super) is_in_head: bool,
    pub(super) has_long_head: bool,
    /// Number of bytes read.
    pub(super) read: usize,
    /// What was read begins as an alert of TLS does: nothing of HTTP begins so.
    pub(super) begins_like_an_alert: bool,
    /// The last read has brought less than it might have. Most often that was all there is to a
    /// response, and the next one, of hyper's in search of more, is put off.
    was_short: bool,
    has_put_off: bool,
    /// Why nothing more can be read.
    pub(super) end: Option<Box<str>>,
    /// The server does not take this client: of what was written it has read nothing.
    pub(super) refusal: Option<DialFailure>,
    /// Why nothing more can be written. What the server said before may still be there to be read.
    pub(super) broken: Option<Box<str>>,
}

impl<S> HyperStream<S> {
    pub(super) fn new(stream: S, progress: Shared) -> Self {
        Self { stream, buffer: vec![0; CHUNK].into_boxed_slice(), progress }
    }
}

impl Shared {
    /// Begins an exchange.
    pub(super) fn begin(&self, is_kept: bool, seen: Arc<Seen>) {
        seen.begin(is_kept);
        *self.lock() =
            Progress { is_unseen: is_kept, seen, is_in_head: true, ..Progress::default() };
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Progress> {
        // What is behind it is whole at all times.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    pub(super) fn is_sent(&self) -> bool {
        self.seen.is_sent()
    }

    /// Returns whether a read was put off that is needed after all.
    pub(super) fn reads_on(&mut self) -> bool {
        self.was_short = false;
        std::mem::take(&mut self.has_put_off)
    }

    /// Looks at a kept connection, until it is known whether it is silent.
    fn poll_look<S: ByteStream>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if ready!(stream.poll_is_silent(context)) {
            self.is_unseen = false;
            return Poll::Pending;
        }
        self.end = Some("it was not silent before it was used again".into());
        Poll::Ready(Err(ErrorKind::ConnectionAborted.into()))
    }

    fn poll_read<S: ByteStream>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_in_head && self.read >= MOST_HEAD {
            self.has_long_head = true;
            return Poll::Ready(Err(ErrorKind::InvalidData.into()));
        }
        if self.was_short {
            self.has_put_off = true;
            return Poll::Pending;
        }
        let read = loop {
            match ready!(stream.poll_read(context, buffer)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match &read {
            Ok(0) => self.end = Some("the server closed it".into()),
            Ok(length) => {
                if self.read == 0 {
                    self.begins_like_an_alert = buffer[0] == ALERT;
                }
                self.read += length;
                self.seen.heard();
                self.was_short = *length < buffer.len();
            }
            Err(error) => {
                self.refusal = refusal_of_client(error).filter(|_| self.read == 0);
                self.end = Some(error.to_string().into());
            }
        }
        Poll::Ready(read)
    }

    fn poll_write<S: ByteStream>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<usize> {
        if self.is_unseen || self.broken.is_some() {
            return Poll::Pending;
        }
        self.is_flushed = false;
        let error: io::Error = loop {
            match ready!(stream.poll_write(context, bytes)) {
                Ok(0) => break ErrorKind::WriteZero.into(),
                Ok(length) => {
                    self.seen.sent();
                    return Poll::Ready(length);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
        };
        self.fail(&error)
    }

    /// hyper flushes when it has written all that it holds.
    fn poll_flush<S: ByteStream>(&mut self, stream: &mut S, context: &mut Context<'_>) -> Poll<()> {
        if self.broken.is_some() {
            return Poll::Pending;
        }
        if !self.is_sent() || self.is_flushed {
            return Poll::Ready(());
        }
        match ready!(stream.poll_flush(context)) {
            Ok(()) => {
                self.is_flushed = true;
                Poll::Ready(())
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail<T>(&mut self, error: &io::Error) -> Poll<T> {
        self.broken = Some(error.to_string().into());
        Poll::Pending
    }
}

impl<S: ByteStream + Unpin> Read for HyperStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut room: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, buffer, progress } = &mut *self;
        let mut progress = progress.lock();
        if progress.is_unseen {
            return progress.poll_look(stream, context);
        }
        let buffer = &mut buffer[..CHUNK.min(room.remaining())];
        let length = ready!(progress.poll_read(stream, context, buffer))?;
        room.put_slice(&buffer[..length]);
        Poll::Ready(Ok(()))
    }
}

impl<S: ByteStream + Unpin> Write for HyperStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, progress, .. } = &mut *self;
        progress.lock().poll_write(stream, context, bytes).map(Ok)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, progress, .. } = &mut *self;
        progress.lock().poll_flush(stream, context).map(Ok)
    }

    /// The stream is closed when it is dropped.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
