//! The loop that carries a client: it polls the pump and sleeps in between, in whatever thread runs
//! it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pushest_driver::proto::Instant;
use pushest_driver::unstable::Client;
use pushest_driver::unstable::{self, Pump};
use pushest_driver::{Config, Options, StartError};

use crate::reactor::Reactor;
use crate::sockets::Sockets;

/// Maximum number of events of one wait; the next one has the rest. Each of them means the same.
pub(crate) const EVENTS: usize = 16;

/// While there is always an answer at once, the connection is looked at this often.
const STRIDE: Duration = Duration::from_millis(5);

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
        let now = self.reactor.now();
        let until = limit.map(|limit| now + limit);
        // What is there already need not wait for the sockets; but a flood of it must not keep
        // commands, heartbeats and the server's messages waiting either.
        let is_due = now >= self.looked + STRIDE;
        if self.reactor.take_woken() || is_due {
            if is_due {
                self.reactor.look_again();
            }
            self.turn();
        }
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            return Some(answer);
        }
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
