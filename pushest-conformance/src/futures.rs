//! Waiting for clients whose methods are futures. The futures are neutral; only the pump needs a
//! runtime.

mod called;
mod received;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use pushest_driver::proto::{AuthEndpoint, ChannelName, Config, Event, SocketId, SubscribeOptions};
use pushest_driver::unstable::Client;
use pushest_driver::{Events, Options, SubscribeError, Subscription};
use pushest_testkit::conformance::{Connector, Unmet};

use crate::{Adapted, Features, Waits, met};

/// The driver of a runtime.
pub type On<S> = Adapted<Futures<S>>;

/// How a runtime makes a client and runs it.
pub trait Start: Features {
    /// The runtime's own client.
    type Client;

    /// Makes it, and sees to its being run.
    fn start(config: Config, options: Options) -> Self::Client;

    /// Returns what it is made of.
    fn driver(client: &Self::Client) -> &Client;
}

/// A client with its one receiver.
pub struct Futures<S: Start> {
    client: S::Client,
    events: Events,
    runtime: PhantomData<S>,
}

impl<S: Start> fmt::Debug for Futures<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Futures").field(S::driver(&self.client)).finish()
    }
}

impl<S: Start> Features for Futures<S> {
    fn auth_endpoint(options: Options, endpoint: AuthEndpoint) -> Options {
        S::auth_endpoint(options, endpoint)
    }

    fn ca_pem(options: Options, pem: &str) -> Options {
        S::ca_pem(options, pem)
    }

    fn connector(options: Options, connector: Connector) -> Options {
        S::connector(options, connector)
    }

    fn client_identity(options: Options, pem: &str) -> Options {
        S::client_identity(options, pem)
    }

    fn native_tls(options: Options) -> Options {
        S::native_tls(options)
    }
}

impl<S: Start> Waits for Futures<S> {
    fn start(config: Config, options: Options) -> Self {
        let client = S::start(config, options);
        let events = S::driver(&client).events();
        Self { client, events, runtime: PhantomData }
    }

    fn commands(&self) -> &Client {
        S::driver(&self.client)
    }

    fn subscribe(
        &mut self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<(), SubscribeError> {
        S::driver(&self.client).subscribe_with(channel, options).map(Subscription::detach)
    }

    fn connected(&mut self, limit: Duration) -> Result<SocketId, Unmet> {
        met(block_on(S::driver(&self.client).connected(), limit))
    }

    fn subscribed(&mut self, channel: &str, limit: Duration) -> Result<(), Unmet> {
        let channel = ChannelName::new(channel).expect("it was subscribed to");
        met(block_on(S::driver(&self.client).subscribed(&channel), limit))
    }

    fn signed_in(&mut self, limit: Duration) -> Result<String, Unmet> {
        met(block_on(S::driver(&self.client).signed_in(), limit))
    }

    fn flush(&mut self, limit: Duration) -> Result<Duration, Unmet> {
        met(block_on(S::driver(&self.client).flush(), limit))
    }

    fn recv(&mut self, limit: Duration) -> Result<Option<Event>, Unmet> {
        block_on(self.events.recv(), limit).ok_or(Unmet::TimedOut)
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn shutdown(&mut self, limit: Duration) -> Result<(), Unmet> {
        block_on(S::driver(&self.client).shutdown(), limit).ok_or(Unmet::TimedOut)
    }

    fn drain(&mut self, limit: Duration) -> usize {
        block_on(S::driver(&self.client).drain(limit), Duration::MAX).expect("without a limit")
    }
}

/// Returns the output of the future, or drops it at the limit.
pub fn block_on<T>(future: impl Future<Output = T>, limit: Duration) -> Option<T> {
    let deadline = Instant::now().checked_add(limit);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let rest = deadline.map_or(limit, |at| at.saturating_duration_since(Instant::now()));
        if rest.is_zero() {
            return None;
        }
        std::thread::park_timeout(rest);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
