//! One request over an open connection, and its response.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::answer::{Reader, Received, Step};
use crate::byte_stream::ByteStream;
use crate::dial::within::within;
use crate::unstable::traits::Runtime;

/// How long the rest of an error page is waited for, from the end of its head on.
const REFUSAL: Duration = Duration::from_secs(1);

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection ended.
    Lost(Box<str>),
    /// What came is not HTTP.
    NotHttp(Box<str>),
}

/// Sends a request and reads the response. `is_sent` becomes true with the first byte that is
/// written.
pub(super) async fn exchange<R: Runtime>(
    runtime: &R,
    stream: &mut impl ByteStream,
    buffer: &mut [u8],
    request: &[u8],
    is_sent: &AtomicBool,
) -> Result<Received, Broken> {
    let (unsent, reader) = (request, Reader::default());
    let mut exchange =
        Exchange { stream, buffer, unsent, is_flushed: false, broken: None, reader, is_sent };
    if let Some(received) = poll_fn(|context| exchange.poll(context, true)).await? {
        return Ok(received);
    }
    let rest = poll_fn(|context| exchange.poll(context, false));
    match within(runtime, runtime.now() + REFUSAL, rest).await {
        Some(Ok(Some(received))) => Ok(received),
        // The status says what there is to know; of the page, what came is shown.
        _ => exchange.reader.end().map_err(|place| lost("its time was over", place)),
    }
}

struct Exchange<'a, S> {
    stream: &'a mut S,
    buffer: &'a mut [u8],
    unsent: &'a [u8],
    is_flushed: bool,
    /// Writing failed. What the server said before it went may still be there to be read.
    broken: Option<io::Error>,
    reader: Reader,
    is_sent: &'a AtomicBool,
}

impl<S: ByteStream> Exchange<'_, S> {
    /// Goes on. `None`: the server has refused, and more of the reason may come.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        stops_at_refusal: bool,
    ) -> Poll<Result<Option<Received>, Broken>> {
        if self.broken.is_none()
            && let Poll::Ready(Err(error)) = self.poll_send(context)
        {
            // Of what was not written nothing can be answered.
            if !self.is_sent.load(Ordering::Relaxed) {
                return Poll::Ready(Err(Broken::Lost(error.to_string().into())));
            }
            self.broken = Some(error);
        }
        loop {
            match self.stream.poll_read(context, self.buffer) {
                Poll::Ready(Ok(0)) => {
                    let end = self.reader.end().map(Some);
                    return Poll::Ready(end.map_err(|place| lost("the server closed it", place)));
                }
                Poll::Ready(Ok(length)) => match self.reader.read(&self.buffer[..length]) {
                    Ok(Step::More) => {}
                    Ok(Step::Refused) if stops_at_refusal => return Poll::Ready(Ok(None)),
                    Ok(Step::Refused) => {}
                    Ok(Step::Whole(received)) => return Poll::Ready(Ok(Some(self.last(received)))),
                    Err(problem) => return Poll::Ready(Err(Broken::NotHttp(problem))),
                },
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => {
                    let end = self.reader.end().map(Some);
                    return Poll::Ready(end.map_err(|place| lost(&error.to_string(), place)));
                }
                Poll::Pending => break,
            }
        }
        match &self.broken {
            Some(error) => {
                let end = self.reader.end().map(Some);
                Poll::Ready(end.map_err(|place| lost(&error.to_string(), place)))
            }
            None => Poll::Pending,
        }
    }

    /// A response before the end of the request is the last one: the rest of the request would be
    /// read as another one.
    fn last(&self, received: Received) -> Received {
        if self.is_flushed { received } else { received.without_another() }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(self.stream.poll_write(context, self.unsent)) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(length) => {
                    self.is_sent.store(true, Ordering::Relaxed);
                    self.unsent = &self.unsent[length..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if !self.is_flushed {
            ready!(self.stream.poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

fn lost(why: &str, place: &str) -> Broken {
    Broken::Lost(format!("{why}, {place}").into())
}
