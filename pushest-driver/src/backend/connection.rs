//! A connection to the server, with hyper as its HTTP/1.1: one request at a time, and its response.
//!
//! Nothing is spawned: the call that waits for a response polls hyper's connection along with it. So no
//! runtime is needed, and a call that is given up takes its connection along.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use pushest_proto::DialFailure;

use super::hyper_stream::{HyperStream, MOST_HEAD, Shared};
use super::received::Received;
use super::seen::Seen;
use super::turns::Turns;
use crate::byte_stream::ByteStream;

const LONG_HEAD: &str =
    "the head of its answer is larger than 64 KiB, or has more than 100 headers";

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection ended.
    Lost(Box<str>),
    /// What came is not HTTP.
    NotHttp(Box<str>),
    /// The server speaks TLS, and has taken nothing of the request for one.
    SpeaksTls,
    /// The server does not take this client, and has read nothing of the request.
    Refused(DialFailure),
}

/// A connection.
pub(super) struct Connection<S: ByteStream + Unpin> {
    requests: SendRequest<String>,
    /// What reads and writes; `None` once it has ended.
    hyper: Option<Box<http1::Connection<HyperStream<S>, String>>>,
    progress: Shared,
    turns: Turns,
    is_used: bool,
}

impl<S: ByteStream + Unpin> Connection<S> {
    /// Makes one of a stream on which nothing was said yet.
    pub(super) async fn over(stream: S) -> Result<Self, Broken> {
        let progress = Shared::default();
        let stream = HyperStream::new(stream, progress.clone());
        let mut options = http1::Builder::new();
        options
            .max_buf_size(MOST_HEAD)
            .title_case_headers(true)
            // A user agent takes a line that goes on in the next as if there were a space
            // (RFC 9112, section 5.2).
            .allow_obsolete_multiline_headers_in_responses(true);
        let (requests, hyper) = options
            .handshake(stream)
            .await
            .map_err(|error| Broken::Lost(error.to_string().into()))?;
        Ok(Self {
            requests,
            hyper: Some(Box::new(hyper)),
            progress,
            turns: Turns::new(),
            is_used: false,
        })
    }

    /// Sends a request and waits for the head of the response. `seen` is told of the first byte that is
    /// written: on a connection that was used before, only once the server has neither closed it nor
    /// said something.
    pub(super) async fn send(
        &mut self,
        request: Request<String>,
        seen: &Arc<Seen>,
    ) -> Result<(Received, Incoming), Broken> {
        let is_kept = std::mem::replace(&mut self.is_used, true);
        self.progress.begin(is_kept, seen.clone());
        let mut response = pin!(self.requests.send_request(request));
        let response = match self.until(|context| response.as_mut().poll(context)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.without_head(&error)),
            Err(why) => return Err(self.lost_in_head(&why)),
        };
        self.progress.lock().is_in_head = false;
        let (head, body) = response.into_parts();
        let received = Received::begin(head).map_err(|why| Broken::NotHttp(why.into()))?;
        Ok((received, body))
    }

    /// Reads the body, as far as it is wanted. Cancel safe: what was read is there.
    pub(super) async fn read(
        &mut self,
        received: &mut Received,
        mut body: Incoming,
    ) -> Result<(), Broken> {
        if !received.has_body() {
            return Ok(());
        }
        loop {
            let frame = match self.until(|context| Pin::new(&mut body).poll_frame(context)).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(_))) => {
                    let end = self.progress.lock().end.take();
                    let rules = || Broken::NotHttp("its answer breaks the rules of chunks".into());
                    return cut(received, &end.ok_or_else(rules)?);
                }
                Err(why) => return cut(received, &why),
            };
            // What is no data is a trailer.
            let Ok(data) = frame.into_data() else { continue };
            if received.take(&data).map_err(|why| Broken::NotHttp(why.into()))? {
                return Ok(());
            }
        }
        // Where the server has answered before the end of the request, the rest of it might be read
        // as another one.
        let is_whole = self.progress.lock().is_flushed;
        if is_whole && self.hyper.is_some() && self.requests.is_ready() {
            received.keep();
        }
        Ok(())
    }

    /// Waits for a part of a response, and moves on what brings it.
    ///
    /// # Errors
    /// Why the request could not be written, where nothing that was said before is left.
    async fn until<T>(
        &mut self,
        mut part: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Box<str>> {
        let Self { hyper, progress, turns, .. } = self;
        let mut turn = |context: &mut Context<'_>| {
            // Whatever is already there comes before what becomes of the connection.
            if let Poll::Ready(output) = part(context) {
                return Poll::Ready(Ok(output));
            }
            let was_broken = progress.lock().broken.is_some();
            if let Some(connection) = hyper
                && Pin::new(connection).poll(context).is_ready()
            {
                // Those who wait for it are told why when it goes.
                *hyper = None;
            }
            if let Poll::Ready(output) = part(context) {
                return Poll::Ready(Ok(output));
            }
            let mut progress = progress.lock();
            let reads_on = progress.reads_on();
            match &progress.broken {
                None if !reads_on => {}
                // hyper has read since, and there was nothing.
                Some(why) if was_broken && !reads_on => return Poll::Ready(Err(why.clone())),
                _ => context.waker().wake_by_ref(),
            }
            Poll::Pending
        };
        poll_fn(|context| turns.poll(context, &mut turn)).await
    }

    /// Returns why there is no head of a response, of which hyper says this.
    fn without_head(&self, error: &hyper::Error) -> Broken {
        let mut progress = self.progress.lock();
        if let Some(failure) = progress.refusal.take() {
            return Broken::Refused(failure);
        }
        if progress.has_long_head {
            return Broken::NotHttp(LONG_HEAD.into());
        }
        if error.is_parse() && progress.begins_like_an_alert {
            return Broken::SpeaksTls;
        }
        if error.is_parse() {
            return Broken::NotHttp(not_http(error));
        }
        if progress.read > 0 && !progress.is_sent() {
            return Broken::NotHttp("it speaks before it is asked".into());
        }
        let why = progress.end.clone();
        drop(progress);
        self.lost_in_head(&why.unwrap_or_else(|| error.to_string().into()))
    }

    fn lost_in_head(&self, why: &str) -> Broken {
        let has_begun = self.progress.lock().read > 0;
        let place = if has_begun { "in the head of the answer" } else { "before an answer" };
        Broken::Lost(format!("{why}, {place}").into())
    }
}

/// What becomes of a body behind which the connection has ended.
fn cut(received: &Received, why: &str) -> Result<(), Broken> {
    if received.ends_with_connection() {
        return Ok(());
    }
    Err(Broken::Lost(format!("{why}, in the middle of the answer").into()))
}

/// Returns what is wrong with the head of a response. What hyper says shows nothing of it.
fn not_http(error: &hyper::Error) -> Box<str> {
    // It has no other way to tell them apart; the tests hold these texts to what it says.
    match &*error.to_string() {
        "message head is too large" => LONG_HEAD.into(),
        "invalid HTTP version parsed" => "it does not answer with HTTP/1.1".into(),
        "invalid content-length parsed" => "its answer has no length that could be read".into(),
        problem => format!("its answer is not HTTP: {problem}").into(),
    }
}
