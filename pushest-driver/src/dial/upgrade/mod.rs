//! The upgrade from HTTP/1.1 to WebSocket, as a client asks for it (RFC 6455, section 4.1;
//! [protocol, upgrade](pushest_proto::protocol#upgrade)): one loop for all runtimes over what is
//! pure, the request and the answer.

pub(crate) mod answer;
mod body;
pub(crate) mod head;
pub(crate) mod refusal;
pub(crate) mod request;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use pushest_proto::{DialFailure, Endpoint};

use self::answer::{Answer, Step};
use self::request::Request;
use super::alerts::refusal_of_client;
use crate::byte_stream::ByteStream;
use crate::unstable::traits::Runtime;
use crate::wall_clock::TimeOfDay;

/// Maximum number of bytes of one read. What belongs to the WebSocket goes on to it.
const CHUNK: usize = 4 * 1024;

/// How long the body of a refusal is waited for, from the end of its head on.
const REFUSAL: Duration = Duration::from_secs(1);

/// An upgrade of one connection: turns it into a WebSocket.
pub(super) struct Upgrade {
    request: Request,
    clock: Box<dyn Clock>,
}

impl Upgrade {
    /// # Errors
    /// [`DialFailure::Connect`] if the operating system gives no random bytes.
    pub(super) fn new<R: Runtime>(
        endpoint: &Endpoint,
        key: &str,
        headers: &[(String, String)],
        runtime: &Arc<R>,
        time_of_day: TimeOfDay,
    ) -> Result<Self, DialFailure> {
        // Not of the session's seed: that may be known, and is the same in a replay.
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|error| {
            DialFailure::Connect(format!("there are no random bytes: {error}").into())
        })?;
        let request = Request::new(endpoint, key, headers, nonce);
        Ok(Self { request, clock: Box::new(Clocks(runtime.clone(), time_of_day)) })
    }

    /// Sends the request and reads the answer. Returns what came behind it: the beginning of what
    /// the WebSocket reads.
    ///
    /// # Errors
    /// What is wrong with the answer, or that there is none.
    pub(super) async fn negotiate(
        &self,
        stream: &mut impl ByteStream,
    ) -> Result<Vec<u8>, DialFailure> {
        let mut exchange = Exchange {
            clock: &*self.clock,
            answer: Answer::new(&self.request),
            unsent: self.request.bytes(),
            is_flushed: false,
            broken: None,
            patience: None,
            buffer: vec![0; CHUNK],
        };
        poll_fn(|context| exchange.poll(context, stream)).await
    }
}

/// One request and its response, under way.
struct Exchange<'a> {
    clock: &'a dyn Clock,
    answer: Answer<'a>,
    unsent: &'a [u8],
    is_flushed: bool,
    /// Writing failed. What the server said before it went may still be there to be read.
    broken: Option<io::Error>,
    /// Ends when a refusal's body has been waited for long enough.
    patience: Option<BoxFuture<'static, ()>>,
    buffer: Vec<u8>,
}

impl Exchange<'_> {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut impl ByteStream,
    ) -> Poll<Result<Vec<u8>, DialFailure>> {
        if self.broken.is_none()
            && let Poll::Ready(Err(error)) = self.poll_send(context, stream)
        {
            self.broken = Some(error);
        }
        loop {
            match stream.poll_read(context, &mut self.buffer) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(self.answer.end("the server ended it")));
                }
                Poll::Ready(Ok(length)) => {
                    let bytes = &self.buffer[..length];
                    match self.answer.read(bytes, self.clock.date()) {
                        Step::More => {}
                        // The rest of the request would be read as frames.
                        Step::Open(_) if !self.is_flushed => {
                            let text = "it agreed before it had been asked";
                            return Poll::Ready(Err(DialFailure::NotWebSocket(text.into())));
                        }
                        Step::Open(rest) => return Poll::Ready(Ok(rest)),
                        Step::Failed(failure) => return Poll::Ready(Err(failure)),
                    }
                }
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => {
                    let refusal = refusal_of_client(&error);
                    let failure = refusal.unwrap_or_else(|| self.answer.end(&error.to_string()));
                    return Poll::Ready(Err(failure));
                }
                Poll::Pending => break,
            }
        }
        if let Some(error) = &self.broken {
            return Poll::Ready(Err(self.answer.end(&error.to_string())));
        }
        if self.answer.is_refusal() {
            let clock = self.clock;
            let patience = self.patience.get_or_insert_with(|| clock.sleep(REFUSAL));
            ready!(patience.poll_unpin(context));
            return Poll::Ready(Err(self.answer.end("")));
        }
        Poll::Pending
    }

    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut impl ByteStream,
    ) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(stream.poll_write(context, self.unsent)) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(length) => self.unsent = &self.unsent[length..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if !self.is_flushed {
            ready!(stream.poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

/// The two clocks of a runtime.
trait Clock: Send + Sync {
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;

    fn date(&self) -> SystemTime;
}

struct Clocks<R>(Arc<R>, TimeOfDay);

impl<R: Runtime> Clock for Clocks<R> {
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let runtime = self.0.clone();
        Box::pin(async move {
            let deadline = runtime.now() + time;
            // A sleep may end early.
            while runtime.now() < deadline {
                runtime.sleep_until(deadline).await;
            }
        })
    }

    fn date(&self) -> SystemTime {
        self.1.get(&*self.0)
    }
}
