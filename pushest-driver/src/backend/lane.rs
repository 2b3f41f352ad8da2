//! What sends one call at a time: over the connection that the last one has left, or a new one.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{DialFailure, Instant};

use super::app::Backend;
use super::connection::{Broken, Connection};
use super::received::Received;
use super::seen::Seen;
use super::sending::Sending;
use crate::dial::within::within;
use crate::unstable::traits::{Dialled, Runtime};

/// A server that names a time for which it keeps a connection closes it then: this much before it,
/// nothing is begun.
const MARGIN: Duration = Duration::from_secs(1);

/// How long the rest of an error page is waited for, from the end of its head on.
const REFUSAL: Duration = Duration::from_secs(1);

/// Over a kept connection the response to a query must begin within this part of the time that is left: a
/// quarter. Most of it is for a new connection, then.
const PART: u32 = 4;

/// Sends calls, one at a time.
pub struct Lane<R: Runtime> {
    runtime: Arc<R>,
    kept: Option<Kept<R>>,
}

struct Kept<R: Runtime> {
    connection: ConnectionOf<R>,
    /// When it is no longer used.
    expires: Instant,
}

type ConnectionOf<R> = Connection<Dialled<R>>;

/// How one attempt to send a call has ended.
#[derive(Debug)]
pub struct Attempted {
    pub(super) outcome: Result<Received, Failure>,
    /// Something of it was written.
    pub(super) is_sent: bool,
    is_silent: bool,
}

impl Attempted {
    /// Returns whether nothing came in time over a connection that was kept. Others that were kept as long,
    /// or longer, are as good or bad.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.is_silent
    }
}

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Failure {
    Dial(DialFailure),
    Broken(Broken),
    TimedOut,
    /// Nothing came over a kept connection within this part of the time. The call can be repeated.
    Silent(Duration),
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

    /// Returns how long the connection that was left can be used; `None` if there is none.
    pub fn keeps(&self) -> Option<Duration> {
        let expires = self.kept.as_ref()?.expires;
        let time = expires.saturating_duration_since(self.runtime.now());
        (!time.is_zero()).then_some(time)
    }

    /// Sends a request and waits for the response, for this long at most. Cancel safe: what is
    /// given up takes its connection along.
    pub async fn attempt(
        &mut self,
        backend: &Backend,
        sending: Sending<'_>,
        limit: Duration,
    ) -> Attempted {
        let runtime = self.runtime.clone();
        let deadline = runtime.now() + limit;
        let seen = Arc::<Seen>::default();
        let sent = self.send(backend, &sending, limit, &seen);
        let outcome = within(&*runtime, deadline, sent).await.unwrap_or(Err(Failure::TimedOut));
        let is_over = matches!(outcome, Err(Failure::TimedOut | Failure::Silent(_)));
        Attempted { outcome, is_sent: seen.is_sent(), is_silent: is_over && seen.is_silent() }
    }

    async fn send(
        &mut self,
        backend: &Backend,
        sending: &Sending<'_>,
        limit: Duration,
        seen: &Arc<Seen>,
    ) -> Result<Received, Failure> {
        let runtime = self.runtime.clone();
        let deadline = runtime.now() + limit;
        if sending.is_new {
            self.kept = None;
        }
        loop {
            let kept = self.kept.take().filter(|kept| runtime.now() < kept.expires);
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(kept) => kept.connection,
                None => {
                    seen.begin(false);
                    let left = deadline.saturating_duration_since(runtime.now());
                    connect(&*runtime, backend, left).await?
                }
            };
            let exchanged = exchange(&*runtime, &mut connection, sending, seen);
            let exchanged = if is_kept && sending.can_repeat {
                let part = limit / PART;
                let begun = begun_within(&*runtime, part, seen, exchanged).await;
                begun.ok_or(Failure::Silent(part))?
            } else {
                exchanged.await
            };
            match exchanged {
                Ok(received) => {
                    self.keep(connection, &received, backend);
                    return Ok(received);
                }
                // The server has closed it, or said something, and nothing of the request was
                // written.
                Err(_) if is_kept && !seen.is_sent() => {}
                Err(Broken::Refused(failure)) => return Err(Failure::Dial(failure)),
                Err(broken) => return Err(Failure::Broken(broken)),
            }
        }
    }

    fn keep(&mut self, connection: ConnectionOf<R>, received: &Received, backend: &Backend) {
        let Some(keeps) = received.keeps() else { return };
        let time = keeps.saturating_sub(MARGIN).min(backend.keep_alive());
        if !time.is_zero() {
            self.kept = Some(Kept { connection, expires: self.runtime.now() + time });
        }
    }
}

async fn connect<R: Runtime>(
    runtime: &R,
    backend: &Backend,
    limit: Duration,
) -> Result<ConnectionOf<R>, Failure> {
    let stream = backend.connect(runtime, limit).await.map_err(Failure::Dial)?;
    Connection::over(stream).await.map_err(Failure::Broken)
}

/// Carries out an exchange of which something must be heard within this time; `None` if nothing is. Once
/// the server has begun to answer, it is there, and may take its time.
async fn begun_within<R: Runtime, T>(
    runtime: &R,
    time: Duration,
    seen: &Seen,
    exchange: impl Future<Output = T>,
) -> Option<T> {
    let mut exchange = pin!(exchange);
    match within(runtime, runtime.now() + time, exchange.as_mut()).await {
        None if seen.is_heard() => Some(exchange.await),
        exchanged => exchanged,
    }
}

async fn exchange<R: Runtime>(
    runtime: &R,
    connection: &mut ConnectionOf<R>,
    sending: &Sending<'_>,
    seen: &Arc<Seen>,
) -> Result<Received, Broken> {
    let (mut received, body) = connection.send(sending.request(), seen).await?;
    let is_refusal = received.is_refusal();
    let reading = connection.read(&mut received, body);
    if is_refusal {
        // The status says what there is to know; of the page, what came is shown.
        let _ = within(runtime, runtime.now() + REFUSAL, reading).await;
    } else {
        reading.await?;
    }
    Ok(received)
}

impl<R: Runtime> fmt::Debug for Lane<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("is_connected", &self.kept.is_some()).finish_non_exhaustive()
    }
}
