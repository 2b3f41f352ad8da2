//! The loop that carries a client: it polls the pump and sleeps in between, in whatever thread runs
//! it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pushest_driver::proto::Instant;
use pushest_driver::unstable::{self, Client, Pump};
use pushest_driver::{Config, Options, StartError};

use crate::reactor::Reactor;
use crate::sockets::Sockets;

/// Maximum number of events of one wait; the next one has the rest. Each of them means the same.
pub(crate) const EVENTS: usize = 16;

/// While there is always an answer at once, the connection is looked at this often.
const STRIDE: Duration = Duration::from_millis(5);

/// Maximum number of answers at once between two looks at the clock.
const UNTIMED: u32 = 8;

/// A client and what runs it. Dropping it closes the connection in order, for at most the two
/// seconds that the pump grants.
#[derive(Debug)]
pub(crate) struct EventLoop {
    /// `None` once a thread runs the loop.
    client: Option<Client>,
    /// `None` once it has ended.
    pump: Option<Pump<Sockets>>,
    pub(crate) reactor: Arc<Reactor>,
    poll: mio::Poll,
    events: mio::Events,
    /// Wakes the loop.
    waker: Waker,
    /// When the pump was polled last.
    looked: Instant,
    pace: Pace,
}

impl EventLoop {
    /// # Errors
    /// [`StartError::EventQueue`], and what `ready` returns.
    pub(crate) fn new(config: Config, options: Options) -> Result<Self, StartError> {
        let options = unstable::ready(&config, options)?;
        let refused = |error| StartError::EventQueue(Arc::new(error));
        let poll = mio::Poll::new().map_err(refused)?;
        let reactor = Arc::new(Reactor::new(&poll).map_err(refused)?);
        let sockets = Sockets { reactor: reactor.clone() };
        let (client, pump) = unstable::client(config, options, sockets);
        Ok(Self {
            client: Some(client),
            pump: Some(pump),
            looked: reactor.now(),
            pace: Pace::default(),
            waker: Waker::from(reactor.clone()),
            reactor,
            poll,
            events: mio::Events::with_capacity(EVENTS),
        })
    }

    pub(crate) fn client(&self) -> &Client {
        self.client.as_ref().expect("whoever runs the loop has no need of it")
    }

    /// Takes the handle that keeps the client alive: from here on those of others decide how long.
    pub(crate) fn take_client(&mut self) -> Client {
        self.client.take().expect("whoever runs the loop has no need of it")
    }

    /// Gives it back.
    pub(crate) fn keep_client(&mut self, client: Client) {
        self.client = Some(client);
    }

    /// Runs the client until its last handle, of which this is none, is dropped and its connection
    /// closed.
    pub(crate) fn run(mut self) {
        while self.turn() {
            self.reactor.wait(&mut self.poll, &mut self.events, None);
        }
    }

    /// Runs the client until the future has an answer, at most for `limit`.
    pub(crate) fn wait_for<F: Future>(
        &mut self,
        future: F,
        limit: Option<Duration>,
    ) -> Option<F::Output> {
        let mut future = pin!(future);
        // What is there already need not wait for the sockets; but a flood of it must not keep
        // commands, heartbeats and the server's messages waiting either.
        let is_due = self.pace.now(|| self.reactor.now()) >= Some(self.looked + STRIDE);
        if is_due {
            self.reactor.look_again();
        }
        if self.reactor.take_woken() || is_due {
            self.turn();
        }
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            return Some(answer);
        }
        let until = limit.map(|limit| self.reactor.now() + limit);
        loop {
            self.turn();
            if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&self.waker))
            {
                return Some(answer);
            }
            if until.is_some_and(|until| self.reactor.now() >= until) {
                return None;
            }
            self.reactor.wait(&mut self.poll, &mut self.events, until);
        }
    }

    /// Lets the pump do what can be done without waiting. Returns whether it goes on.
    fn turn(&mut self) -> bool {
        self.looked = self.reactor.now();
        // One that panics is gone.
        if let Some(mut pump) = self.pump.take()
            && Pin::new(&mut pump).poll(&mut Context::from_waker(&self.waker)).is_pending()
        {
            self.pump = Some(pump);
        }
        self.pump.is_some()
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        // Whatever has panicked need not be in order.
        if let Some(client) = self.client.take()
            && !std::thread::panicking()
        {
            let closed = client.shutdown();
            drop(client);
            self.wait_for(closed, None);
        }
    }
}

/// Spares most looks at the clock while there is always an answer at once: one look costs as much as the
/// rest of it.
///
/// Only the time between two answers can be long, where the caller works. While it is short, some answers
/// go without a look; once it was not, none does.
#[derive(Debug, Default)]
struct Pace {
    /// When the clock was looked at last.
    last: Instant,
    /// The number of answers until the next look.
    untimed: u32,
}

impl Pace {
    /// Returns the time, or `None` if so little has passed since it was returned that it does not matter.
    fn now(&mut self, clock: impl FnOnce() -> Instant) -> Option<Instant> {
        if self.untimed > 0 {
            self.untimed -= 1;
            return None;
        }
        let now = clock();
        // At the present pace the next look comes after an eighth of the stride.
        if now.saturating_duration_since(self.last) < STRIDE / 8 {
            self.untimed = UNTIMED - 1;
        }
        self.last = now;
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for the time after each of these steps, in microseconds, and returns where there was a look.
    fn looks(steps: &[u64]) -> Vec<usize> {
        let mut pace = Pace::default();
        let mut micros = 0;
        let mut looks = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            micros += step;
            if pace.now(|| Instant::from_micros(micros)).is_some() {
                looks.push(index);
            }
        }
        looks
    }

    #[test]
    fn while_answers_come_fast_one_in_eight_looks_at_the_clock() {
        assert_eq!(looks(&[1; 25]), [0, 8, 16, 24]);
    }

    #[test]
    fn a_caller_that_works_for_long_between_answers_has_a_look_with_each() {
        assert_eq!(looks(&[10_000; 5]), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_caller_that_becomes_slow_has_a_look_after_seven_more_and_then_with_each() {
        let mut steps = vec![1];
        steps.extend([10_000; 9]);
        assert_eq!(looks(&steps), [0, 8, 9]);
    }
}
