//! The conformance suite's view of every client whose methods are futures: one adapter, which the
//! crates of the runtimes include. Their futures are neutral; only the pump needs a runtime.

use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use pushest_driver::proto::{AuthorizationRequest, SocketId, Statistics, Status, SubscribeOptions};
use pushest_driver::proto::{ChannelState, CommandError, Config, Endpoint, Event, Member};
use pushest_driver::{Client, Events, Options, TypedEvents};
use pushest_testkit::conformance::{Driver, DriverClient, Overflow, Settings, Unmet};

/// How a runtime makes a client and runs it.
pub(crate) trait Start: 'static {
    /// The runtime's own client.
    type Client: AsRef<Client>;

    /// Makes it, and sees to its being run.
    fn start(config: Config, options: Options) -> Self::Client;
}

/// The driver of a runtime.
pub(crate) struct On<S>(PhantomData<S>);

/// A client with its one receiver.
pub(crate) struct Blocking<C> {
    client: C,
    events: Events,
    /// Keep their channels, and receive nothing: a queue that nobody empties would hold up the
    /// client.
    channels: HashMap<String, TypedEvents<()>>,
}

impl<S: Start> Driver for On<S> {
    type Client = Blocking<S::Client>;

    fn client(config: Config, settings: Settings) -> Self::Client {
        let client = S::start(config, options(settings).start_disconnected());
        let events = client.as_ref().events();
        Blocking { client, events, channels: HashMap::new() }
    }
}

fn options(settings: Settings) -> Options {
    let mut options = Options::default()
        .queue(settings.queue_events, settings.queue_bytes)
        .overflow(match settings.overflow {
            Overflow::DropOldest => pushest_driver::Overflow::DropOldest,
            Overflow::Wait => pushest_driver::Overflow::Wait,
        })
        .addresses(settings.addresses);
    if let Some(authorizer) = settings.authorizer {
        options = options.authorizer(move |request: AuthorizationRequest| authorizer(request));
    }
    if let Some(pem) = settings.authority_pem {
        options = trusting(options, &pem);
    }
    options
}

#[cfg(feature = "tls")]
fn trusting(options: Options, pem: &str) -> Options {
    options.ca_pem(pem).expect("certificates")
}

#[cfg(not(feature = "tls"))]
fn trusting(_: Options, _: &str) -> Options {
    panic!("this build has no TLS")
}

impl<C: AsRef<Client>> DriverClient for Blocking<C> {
    fn connect(&mut self) {
        self.client.as_ref().connect();
    }

    fn disconnect(&mut self) {
        self.client.as_ref().disconnect();
    }

    fn set_endpoint(&mut self, endpoint: Endpoint) {
        self.client.as_ref().set_endpoint(endpoint);
    }

    fn subscribe(&mut self, channel: &str, options: &SubscribeOptions) -> Result<(), String> {
        let subscription = self.client.as_ref().subscribe_with(channel, options);
        let subscription = subscription.map_err(|error| error.to_string())?;
        self.channels.insert(channel.to_string(), subscription.on("no event has this name"));
        Ok(())
    }

    fn unsubscribe(&mut self, channel: &str) -> Result<(), CommandError> {
        self.client.as_ref().unsubscribe(channel)?;
        self.channels.remove(channel);
        Ok(())
    }

    fn retry(&mut self, channel: &str) -> Result<(), CommandError> {
        self.client.as_ref().retry(channel)
    }

    fn trigger(
        &mut self,
        channel: &str,
        event: &str,
        data: &serde_json::Value,
    ) -> Result<(), CommandError> {
        self.client.as_ref().trigger(channel, event, data)
    }

    fn sign_in(&mut self, user_data: Option<&str>) -> Result<(), String> {
        self.client.as_ref().sign_in(user_data).map_err(|error| error.to_string())
    }

    fn signed_in_user(&self) -> Option<String> {
        self.client.as_ref().signed_in_user()
    }

    fn status(&self) -> Status {
        self.client.as_ref().status()
    }

    fn channel_state(&self, channel: &str) -> Option<ChannelState> {
        self.client.as_ref().channel_state(channel)
    }

    fn members(&self, channel: &str) -> Vec<Member> {
        self.client.as_ref().members(channel)
    }

    fn me(&self, channel: &str) -> Option<Member> {
        self.client.as_ref().me(channel)
    }

    fn statistics(&self) -> Statistics {
        self.client.as_ref().statistics()
    }

    fn connected(&mut self, limit: Duration) -> Result<SocketId, Unmet> {
        met(self.client.as_ref().connected(), limit)
    }

    fn subscribed(&mut self, channel: &str, limit: Duration) -> Result<(), Unmet> {
        met(self.channels[channel].subscribed(), limit)
    }

    fn signed_in(&mut self, limit: Duration) -> Result<String, Unmet> {
        met(self.client.as_ref().signed_in(), limit)
    }

    fn flush(&mut self, limit: Duration) -> Result<Duration, Unmet> {
        met(self.client.as_ref().flush(), limit)
    }

    fn recv(&mut self, limit: Duration) -> Option<Event> {
        block_on(self.events.recv(), limit).flatten()
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn shutdown(&mut self, limit: Duration) -> Result<(), Unmet> {
        block_on(self.client.as_ref().shutdown(), limit).ok_or(Unmet::TimedOut)
    }
}

fn met<T, E: std::fmt::Display>(
    future: impl Future<Output = Result<T, E>>,
    limit: Duration,
) -> Result<T, Unmet> {
    let result = block_on(future, limit).ok_or(Unmet::TimedOut)?;
    result.map_err(|error| Unmet::Failed(error.to_string()))
}

/// What the future comes to, if it does within the limit; else it is dropped.
fn block_on<T>(future: impl Future<Output = T>, limit: Duration) -> Option<T> {
    let deadline = Instant::now() + limit;
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let rest = deadline.saturating_duration_since(Instant::now());
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
