//! The HTTP API without futures: the thread that calls carries the call.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

use pushest_driver::api::{App, Call};
use pushest_driver::unstable::{Backend, Calling, Lane, Next, Pool};
use pushest_driver::{ApiError, ApiOptions, Config, ConfigError, StartError};

use crate::event_loop::EVENTS;
use crate::reactor::Reactor;
use crate::sockets::Sockets;
use crate::waiting;

/// Carries calls on the threads that make them.
#[derive(Clone)]
pub(crate) struct Carrier {
    shared: Arc<Shared>,
}

struct Shared {
    backend: Backend,
    pool: Arc<Pool<Worker>>,
}

impl Carrier {
    pub(crate) fn new(config: &Config, options: ApiOptions) -> Result<Self, ConfigError> {
        let backend = Backend::new(config, options)?;
        let pool = Pool::new(backend.in_flight());
        Ok(Self { shared: Arc::new(Shared { backend, pool }) })
    }

    pub(crate) fn app(&self) -> &App {
        self.shared.backend.app()
    }

    pub(crate) fn call<C: Call>(&self, call: C) -> Result<C::Answer, ApiError> {
        let Shared { backend, pool } = &*self.shared;
        let mut calling = Calling::new(backend, call)?;
        let begun = Instant::now();
        let left = || backend.timeout().saturating_sub(begun.elapsed());
        loop {
            let place = waiting::wait_for(pool.place(), Some(left()));
            let limit = left();
            let place = place.filter(|_| !limit.is_zero());
            let mut place = place.ok_or_else(|| calling.without_turn())?;
            let mut worker = place.lane(|_| true).map_or_else(Worker::new, Ok)?;
            let sending = calling.sending()?;
            let attempted = worker.run(|lane| lane.attempt(backend, sending, limit));
            if attempted.is_silent() {
                place.close_idle();
            }
            if let Some(time) = worker.lane.keeps() {
                place.leave(worker, time);
            }
            drop(place);
            match calling.next(attempted, begun.elapsed())? {
                Next::Answer(answer) => return Ok(answer),
                Next::Pause(pause) => thread::sleep(pause),
            }
        }
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("backend", &self.shared.backend).finish_non_exhaustive()
    }
}

/// A lane, and the event loop that its sockets belong to, for whichever thread calls next.
struct Worker {
    lane: Lane<Sockets>,
    reactor: Arc<Reactor>,
    poll: mio::Poll,
    events: mio::Events,
}

impl Worker {
    fn new() -> Result<Self, StartError> {
        let refused = |error| StartError::EventQueue(Arc::new(error));
        let poll = mio::Poll::new().map_err(refused)?;
        let reactor = Arc::new(Reactor::new(&poll).map_err(refused)?);
        let lane = Lane::new(Arc::new(Sockets { reactor: reactor.clone() }));
        Ok(Self { lane, reactor, poll, events: mio::Events::with_capacity(EVENTS) })
    }

    /// Runs something on the lane.
    fn run<'a, F: Future>(
        &'a mut self,
        something: impl FnOnce(&'a mut Lane<Sockets>) -> F,
    ) -> F::Output {
        let Self { lane, reactor, poll, events } = self;
        let mut future = pin!(something(lane));
        let waker = Waker::from(reactor.clone());
        // Of what came since the last call nothing was heard: a kept connection that was empty then is
        // asked again.
        reactor.look_again();
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            reactor.wait(poll, events, None);
        }
    }
}
