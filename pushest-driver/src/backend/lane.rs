//! What sends one call at a time: over the connection that the last one has left, or a new one.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::Either;
use pushest_proto::{DialFailure, Instant};

use super::answer::Received;
use super::app::Backend;
use super::exchange::{Broken, exchange};
use crate::byte_stream::ByteStream;
use crate::dial::within::within;
use crate::unstable::traits::Runtime;

/// Maximum number of bytes of one read.
const CHUNK: usize = 4 * 1024;

/// A server that names a time for which it keeps a connection closes it then: this much before it,
/// nothing is begun.
const MARGIN: Duration = Duration::from_secs(1);

/// Sends calls, one at a time.
pub struct Lane<R: Runtime> {
    runtime: Arc<R>,
    kept: Option<Connection<R>>,
}

struct Connection<R: Runtime> {
    stream: Either<R::Tcp, R::Tls>,
    buffer: Box<[u8]>,
    /// When it is no longer used.
    expires: Instant,
}

/// How one attempt to send a call has ended.
#[derive(Debug)]
pub struct Attempted {
    pub(super) outcome: Result<Received, Failure>,
    /// Something of it was written.
    pub(super) is_sent: bool,
}

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Failure {
    Dial(DialFailure),
    Broken(Broken),
    TimedOut,
}

impl<R: Runtime> Lane<R> {
    /// Creates a lane without a connection.
    pub fn new(runtime: Arc<R>) -> Self {
        Self { runtime, kept: None }
    }

    /// Returns the lane's runtime.
    pub fn runtime(&self) -> &Arc<R> {
        &self.runtime
    }

    /// Sends a request and waits for the response, for this long at most. Cancel safe: what is
    /// given up takes its connection along.
    pub async fn attempt(
        &mut self,
        backend: &Backend,
        request: &[u8],
        limit: Duration,
    ) -> Attempted {
        let runtime = self.runtime.clone();
        let deadline = runtime.now() + limit;
        let is_sent = AtomicBool::new(false);
        let sending = self.send(backend, request, &is_sent);
        let outcome = within(&*runtime, deadline, sending).await;
        let is_sent = is_sent.into_inner();
        Attempted { outcome: outcome.unwrap_or(Err(Failure::TimedOut)), is_sent }
    }

    async fn send(
        &mut self,
        backend: &Backend,
        request: &[u8],
        is_sent: &AtomicBool,
    ) -> Result<Received, Failure> {
        loop {
            let kept = self.kept().await;
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.dial(backend).await.map_err(Failure::Dial)?,
            };
            let Connection { stream, buffer, .. } = &mut connection;
            match exchange(&*self.runtime, stream, buffer, request, is_sent).await {
                Ok(received) => {
                    self.keep(connection, &received, backend);
                    return Ok(received);
                }
                // It was closed since it was looked at, and nothing of the request was written.
                Err(_) if is_kept && !is_sent.load(Ordering::Relaxed) => {}
                Err(broken) => return Err(Failure::Broken(broken)),
            }
        }
    }

    /// Takes the kept connection, if the server has neither closed it nor said something.
    async fn kept(&mut self) -> Option<Connection<R>> {
        let mut kept = self.kept.take().filter(|kept| self.runtime.now() < kept.expires)?;
        let is_silent = poll_fn(|context| kept.stream.poll_is_silent(context)).await;
        is_silent.then_some(kept)
    }

    async fn dial(&self, backend: &Backend) -> Result<Connection<R>, DialFailure> {
        let stream = backend.connect(&*self.runtime).await?;
        let buffer = vec![0; CHUNK].into_boxed_slice();
        Ok(Connection { stream, buffer, expires: self.runtime.now() })
    }

    fn keep(&mut self, mut connection: Connection<R>, received: &Received, backend: &Backend) {
        let Some(keeps) = received.keeps() else { return };
        let time = keeps.saturating_sub(MARGIN).min(backend.keep_alive());
        if !time.is_zero() {
            connection.expires = self.runtime.now() + time;
            self.kept = Some(connection);
        }
    }
}

impl<R: Runtime> fmt::Debug for Lane<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("is_connected", &self.kept.is_some()).finish_non_exhaustive()
    }
}
