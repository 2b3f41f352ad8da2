//! One call of the HTTP API: what is sent, and, told how that ended, whether it is sent again
//! ([protocol, HTTP API](pushest_proto::protocol#http-api)). No sockets.

use std::fmt;
use std::time::Duration;

use hyper::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use pushest_proto::api::{AnswerError, Call, Request, RequestError};

use super::app::Backend;
use super::connection::Broken;
use super::error::{ApiError, ApiStage, is_passing};
use super::lane::{Attempted, Failure};
use super::received::Received;
use super::sending::Sending;

/// The pauses before a call is sent again: the first one, and the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// After this long a signature is made anew before it is sent: servers refuse old ones.
const FRESH: Duration = Duration::from_secs(30);

/// Maximum length of path and query that hyper takes, in bytes.
const MOST_TARGET: usize = 65_534;

/// What hyper takes in no path, and the path of an endpoint may have all the same. It is not signed.
const NOT_IN_A_TARGET: &AsciiSet = &CONTROLS.add(b'<').add(b'>').add(b'`');

/// One call.
pub struct Calling<'a, C: Call> {
    backend: &'a Backend,
    call: C,
    request: Request<C::Answer>,
    /// When it was signed.
    signed: Duration,
    /// Its path and query, which hold the signature.
    target: Uri,
    attempt: u32,
    /// It goes over no connection that was kept: one of them was dead.
    needs_new: bool,
}

/// What comes after an attempt. Exhaustive on purpose: a driver has to carry out each.
#[derive(Debug)]
pub enum Next<A> {
    /// The server has carried the call out.
    Answer(A),
    /// It is sent again after this pause.
    Pause(Duration),
}

impl<'a, C: Call> Calling<'a, C> {
    /// Checks a call and signs it.
    ///
    /// # Errors
    /// [`ApiError::Request`] for one that breaks a rule, [`ApiError::Random`] where there is nothing
    /// to encrypt with.
    pub fn new(backend: &'a Backend, mut call: C) -> Result<Self, ApiError> {
        draw_nonces(&mut call)?;
        let signed = backend.now();
        let request = backend.app().request(&call, signed)?;
        let target = target(&request)?;
        Ok(Self { backend, call, request, signed, target, attempt: 0, needs_new: false })
    }

    /// Returns what is to be sent.
    ///
    /// # Errors
    /// [`ApiError::Request`], where it is signed anew: as when it was signed first.
    pub fn sending(&mut self) -> Result<Sending<'_>, ApiError> {
        let now = self.backend.now();
        if self.attempt > 0 || now.abs_diff(self.signed) > FRESH {
            self.request = self.backend.app().request(&self.call, now)?;
            self.signed = now;
            self.target = target(&self.request)?;
        }
        self.attempt += 1;
        let mut sending = Sending::new(self.backend, &self.target, &self.request);
        sending.can_repeat = self.request.is_query() && self.attempt < self.backend.attempts();
        sending.is_new = self.needs_new;
        Ok(sending)
    }

    /// Tells how the attempt has ended, after all of this time; returns what comes next.
    ///
    /// # Errors
    /// Why there is no answer, if the call is not sent again.
    pub fn next(
        &mut self,
        attempted: Attempted,
        elapsed: Duration,
    ) -> Result<Next<C::Answer>, ApiError> {
        let (error, pause) = match attempted.outcome {
            Ok(received) => match self.read(&received, elapsed) {
                Ok(answer) => return Ok(Next::Answer(answer)),
                Err(error) => (ApiError::Answer(error), jittered(self.attempt)),
            },
            Err(failure @ Failure::Silent(_)) => {
                self.needs_new = true;
                // It was the connection, and no server that needs a rest.
                (self.error(failure, attempted.is_sent), Duration::ZERO)
            }
            Err(failure) => (self.error(failure, attempted.is_sent), jittered(self.attempt)),
        };
        self.again(error, pause, elapsed).map(Next::Pause)
    }

    /// Reads the answer that has come after all of this time.
    fn read(&self, received: &Received, elapsed: Duration) -> Result<C::Answer, AnswerError> {
        let (method, path) = (self.request.method().as_str(), self.target.path());
        let (server, status) = (self.backend.server(), received.status.as_u16());
        // Without the query, which holds the signature.
        tracing::debug!(target: "pushest", server, method, path, status, ?elapsed, "a call was answered");
        self.request.read(&received.answer(), self.backend.now())
    }

    /// Returns the error of a call that has waited for its turn until its time was over.
    #[must_use]
    pub fn without_turn(&self) -> ApiError {
        self.timed_out(ApiStage::Turn, false)
    }

    fn error(&self, failure: Failure, is_sent: bool) -> ApiError {
        let may_have_arrived = is_sent && !self.request.is_query();
        let server = self.backend.server().into();
        match failure {
            Failure::Dial(failure) | Failure::Broken(Broken::Refused(failure)) => {
                ApiError::Connect { server, failure }
            }
            Failure::Broken(Broken::Lost(problem)) => {
                ApiError::Lost { server, problem, may_have_arrived }
            }
            Failure::Broken(Broken::NotHttp(problem)) => {
                ApiError::NotHttp { server, problem, may_have_arrived }
            }
            Failure::Broken(Broken::SpeaksTls) => {
                let problem = "it speaks TLS on this port, and was reached without";
                ApiError::NotHttp { server, problem: problem.into(), may_have_arrived: false }
            }
            Failure::Silent(time) => {
                let problem = format!("nothing came within {time:?} over one that was kept").into();
                ApiError::Lost { server, problem, may_have_arrived }
            }
            Failure::TimedOut if is_sent => self.timed_out(ApiStage::Answer, may_have_arrived),
            Failure::TimedOut => self.timed_out(ApiStage::Connection, false),
        }
    }

    fn timed_out(&self, stage: ApiStage, may_have_arrived: bool) -> ApiError {
        let (server, waited) = (self.backend.server().into(), self.backend.timeout());
        ApiError::TimedOut { server, waited, stage, may_have_arrived }
    }

    /// Returns the pause after which the call is sent again: this one, unless the server asks for a longer
    /// one.
    fn again(
        &self,
        error: ApiError,
        pause: Duration,
        elapsed: Duration,
    ) -> Result<Duration, ApiError> {
        let is_meant = match &error {
            ApiError::Answer(answer) => answer.may_repeat(),
            ApiError::Connect { failure, .. } => is_passing(failure),
            ApiError::Lost { may_have_arrived, .. } => !may_have_arrived,
            _ => false,
        };
        if !is_meant || self.attempt >= self.backend.attempts() {
            return Err(error);
        }
        let pause = pause.max(error.retry_after().unwrap_or_default());
        let left = self.backend.timeout().saturating_sub(elapsed);
        if pause >= left {
            return Err(error);
        }
        let (server, attempt) = (self.backend.server(), self.attempt);
        tracing::debug!(target: "pushest", server, attempt, ?pause, "a call is sent again: {error}");
        Ok(pause)
    }
}

/// Returns the pause after this many attempts: half of it is chance, so that many that failed
/// together do not come back together.
fn jittered(attempt: u32) -> Duration {
    let whole = PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    // Without random bytes there is no jitter.
    let chance = getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
    whole.mul_f64(0.5 + chance / 2.0)
}

fn draw_nonces(call: &mut impl Call) -> Result<(), ApiError> {
    let mut failed = None;
    call.draw_nonces(&mut || {
        let mut nonce = [0; 24];
        if let Err(error) = getrandom::fill(&mut nonce) {
            failed = Some(error);
        }
        nonce
    });
    // What was made of it is dropped unsent.
    failed.map_or(Ok(()), |error| Err(ApiError::Random(error.to_string().into())))
}

/// Returns the target of a request as hyper takes it.
fn target<A>(request: &Request<A>) -> Result<Uri, RequestError> {
    let target = request.target();
    if let Ok(target) = target.parse() {
        return Ok(target);
    }
    let target = utf8_percent_encode(target, NOT_IN_A_TARGET).to_string();
    let (length, limit) = (target.len(), MOST_TARGET);
    target.parse().map_err(|_| RequestError::TargetTooLong { length, limit })
}

impl<C: Call> fmt::Debug for Calling<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calling")
            .field("request", &self.request)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
