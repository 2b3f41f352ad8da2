//! The HTTP API for the runtimes that have futures.

use std::fmt;
use std::sync::Arc;

use pushest_proto::api::{App, Call};
use pushest_proto::{Config, ConfigError};

use super::app::Backend;
use super::calling::{Calling, Next};
use super::error::ApiError;
use super::lane::Lane;
use super::options::ApiOptions;
use super::pool::Pool;
use crate::assembly::Spawn;
use crate::dial::within::within;

/// The HTTP API of one app: a handle, all clones of which share their connections.
pub struct Api<R: Spawn> {
    shared: Arc<Shared<R>>,
}

struct Shared<R: Spawn> {
    backend: Backend,
    runtime: Arc<R>,
    /// Lanes, and the event loops that they belong to.
    pool: Arc<Pool<(R::Home, Lane<R>)>>,
}

impl<R: Spawn> Api<R> {
    /// Takes the app of a configuration. Nothing is sent yet, and no runtime is needed.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] names what is missing: the app's id, or its secret.
    pub fn new(config: &Config, options: ApiOptions) -> Result<Self, ConfigError> {
        let backend = Backend::new(config, options)?;
        let (runtime, pool) = (Arc::new(R::current()), Pool::new(backend.in_flight()));
        Ok(Self { shared: Arc::new(Shared { backend, runtime, pool }) })
    }

    /// Returns the app.
    #[must_use]
    pub fn app(&self) -> &App {
        self.shared.backend.app()
    }

    /// Carries out a call.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn call<C: Call>(&self, call: C) -> Result<C::Answer, ApiError> {
        let Shared { backend, runtime, pool } = &*self.shared;
        let mut calling = Calling::new(backend, call)?;
        let home = R::home()?;
        let begun = runtime.now();
        let deadline = begun + backend.timeout();
        let elapsed = || runtime.now().saturating_duration_since(begun);
        loop {
            let Some(mut place) = within(&**runtime, deadline, pool.place()).await else {
                return Err(calling.without_turn());
            };
            let left = backend.timeout().saturating_sub(elapsed());
            if left.is_zero() {
                return Err(calling.without_turn());
            }
            // A socket belongs to one event loop, and waits for nothing where that stands still.
            let lane = place.lane(|(other, _)| *other == home);
            let mut lane = lane.map_or_else(|| Lane::new(runtime.clone()), |(_, lane)| lane);
            let attempted = lane.attempt(backend, calling.sending()?, left).await;
            if attempted.is_silent() {
                place.close_idle();
            }
            if let Some(time) = lane.keeps() {
                place.leave((home, lane), time);
            }
            drop(place);
            match calling.next(attempted, elapsed())? {
                Next::Answer(answer) => return Ok(answer),
                Next::Pause(pause) => {
                    let until = runtime.now() + pause;
                    within(&**runtime, until, std::future::pending::<()>()).await;
                }
            }
        }
    }
}

impl<R: Spawn> Clone for Api<R> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<R: Spawn> fmt::Debug for Api<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("backend", &self.shared.backend).finish_non_exhaustive()
    }
}
