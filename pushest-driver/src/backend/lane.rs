//! What sends one call at a time: over the connection that the last one has left, or a new one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pushest_proto::{DialFailure, Instant};

use super::app::Backend;
use super::connection::{Broken, Connection};
use super::received::Received;
use super::sending::Sending;
use crate::dial::within::within;
use crate::unstable::traits::{Dialled, Runtime};

/// A server that names a time for which it keeps a connection closes it then: this much before it,
/// nothing is begun.
const MARGIN: Duration = Duration::from_secs(1);

/// How long the rest of an error page is waited for, from the end of its head on.
const REFUSAL: Duration = Duration::from_secs(1);

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
        sending: Sending<'_>,
        limit: Duration,
    ) -> Attempted {
        let runtime = self.runtime.clone();
        let deadline = runtime.now() + limit;
        let is_sent = Arc::new(AtomicBool::new(false));
        let sent = self.send(backend, &sending, &is_sent);
        let outcome = within(&*runtime, deadline, sent).await;
        let is_sent = is_sent.load(Ordering::Relaxed);
        Attempted { outcome: outcome.unwrap_or(Err(Failure::TimedOut)), is_sent }
    }

    async fn send(
        &mut self,
        backend: &Backend,
        sending: &Sending<'_>,
        is_sent: &Arc<AtomicBool>,
    ) -> Result<Received, Failure> {
        let runtime = self.runtime.clone();
        loop {
            let kept = self.kept.take().filter(|kept| runtime.now() < kept.expires);
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(kept) => kept.connection,
                None => connect(&*runtime, backend).await?,
            };
            match exchange(&*runtime, &mut connection, sending, is_sent).await {
                Ok(received) => {
                    self.keep(connection, &received, backend);
                    return Ok(received);
                }
                // The server has closed it, or said something, and nothing of the request was
                // written.
                Err(_) if is_kept && !is_sent.load(Ordering::Relaxed) => {}
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

async fn connect<R: Runtime>(runtime: &R, backend: &Backend) -> Result<ConnectionOf<R>, Failure> {
    let stream = backend.connect(runtime).await.map_err(Failure::Dial)?;
    Connection::over(stream).await.map_err(Failure::Broken)
}

async fn exchange<R: Runtime>(
    runtime: &R,
    connection: &mut ConnectionOf<R>,
    sending: &Sending<'_>,
    is_sent: &Arc<AtomicBool>,
) -> Result<Received, Broken> {
    let (mut received, body) = connection.send(sending.request(), is_sent).await?;
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
