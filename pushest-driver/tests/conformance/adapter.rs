//! The conformance suite's view of a client: what takes effect at once is the same for all drivers;
//! what waits is each driver's own ([`Waits`]). The crates of the runtimes include this.

use std::time::Duration;

use pushest_driver::proto::{
    AuthEndpoint, ChannelState, CommandError, Config, Endpoint, Event, Member,
};
use pushest_driver::proto::{AuthorizationRequest, SocketId, Statistics, Status, SubscribeOptions};
use pushest_driver::{Commands, Options, SubscribeError};
use pushest_testkit::conformance::{Driver, DriverClient, Overflow, Settings, Unmet};

/// How a driver makes a client, and how one waits for it.
pub(crate) trait Waits: Sized + 'static {
    /// Makes a client with one receiver of everything. It does nothing until it is told to connect.
    fn start(config: Config, options: Options) -> Self;

    /// What takes commands.
    fn commands(&self) -> &Commands;

    /// Subscribes without a receiver: one that nobody empties would hold up the client.
    fn subscribe(
        &mut self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<(), SubscribeError>;

    /// As those of [`DriverClient`]; of its receivers, only that of [`Waits::recv`] holds events.
    fn connected(&mut self, limit: Duration) -> Result<SocketId, Unmet>;
    fn subscribed(&mut self, channel: &str, limit: Duration) -> Result<(), Unmet>;
    fn signed_in(&mut self, limit: Duration) -> Result<String, Unmet>;
    fn flush(&mut self, limit: Duration) -> Result<Duration, Unmet>;
    fn recv(&mut self, limit: Duration) -> Option<Event>;
    fn sleep(&mut self, duration: Duration);
    fn shutdown(&mut self, limit: Duration) -> Result<(), Unmet>;
}

/// The driver that waits like this.
pub(crate) struct Adapted<W>(W);

impl<W: Waits> Driver for Adapted<W> {
    type Client = Self;

    fn client(config: Config, settings: Settings) -> Self {
        Self(W::start(config, options(settings).start_disconnected()))
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
    if let Some(bytes) = settings.all_queues {
        options = options.all_queues(bytes).expect("enough");
    }
    for (name, value) in settings.headers {
        options = options.header(&name, &value).expect("a good header");
    }
    if let Some(provider) = settings.header_provider {
        options = options.headers_with(move || provider());
    }
    if let Some(authorizer) = settings.authorizer {
        options = options.authorizer(move |request: AuthorizationRequest| authorizer(request));
    }
    if let Some(endpoint) = settings.endpoint {
        options = asking(options, endpoint);
    }
    if let Some(bytes) = settings.transport_limit {
        options = options.transport_limit(bytes);
    }
    if let Some(clock) = settings.time_of_day {
        options = options.time_of_day(move || clock());
    }
    if let Some(pem) = settings.authority_pem {
        options = trusting(options, &pem);
    }
    options
}

#[cfg(feature = "http")]
fn asking(options: Options, endpoint: AuthEndpoint) -> Options {
    options.auth_endpoint(endpoint)
}

#[cfg(not(feature = "http"))]
fn asking(_: Options, _: AuthEndpoint) -> Options {
    panic!("this build asks no endpoint")
}

#[cfg(feature = "tls")]
fn trusting(options: Options, pem: &str) -> Options {
    options.ca_pem(pem).expect("certificates")
}

#[cfg(not(feature = "tls"))]
fn trusting(_: Options, _: &str) -> Options {
    panic!("this build has no TLS")
}

/// What a driver's wait with a limit came to.
pub(crate) fn met<T, E: std::fmt::Display>(waited: Option<Result<T, E>>) -> Result<T, Unmet> {
    waited.ok_or(Unmet::TimedOut)?.map_err(|error| Unmet::Failed(error.to_string()))
}

impl<W: Waits> DriverClient for Adapted<W> {
    fn connect(&mut self) {
        self.0.commands().connect();
    }

    fn disconnect(&mut self) {
        self.0.commands().disconnect();
    }

    fn set_endpoint(&mut self, endpoint: Endpoint) {
        self.0.commands().set_endpoint(endpoint);
    }

    fn subscribe(&mut self, channel: &str, options: &SubscribeOptions) -> Result<(), String> {
        self.0.subscribe(channel, options).map_err(|error| error.to_string())
    }

    fn unsubscribe(&mut self, channel: &str) -> Result<(), CommandError> {
        self.0.commands().unsubscribe(channel)
    }

    fn retry(&mut self, channel: &str) -> Result<(), CommandError> {
        self.0.commands().retry(channel)
    }

    fn trigger(
        &mut self,
        channel: &str,
        event: &str,
        data: &serde_json::Value,
    ) -> Result<(), CommandError> {
        self.0.commands().trigger(channel, event, data)
    }

    fn sign_in(&mut self, user_data: Option<&str>) -> Result<(), String> {
        self.0.commands().sign_in(user_data).map_err(|error| error.to_string())
    }

    fn signed_in_user(&self) -> Option<String> {
        self.0.commands().signed_in_user()
    }

    fn status(&self) -> Status {
        self.0.commands().status()
    }

    fn channel_state(&self, channel: &str) -> Option<ChannelState> {
        self.0.commands().channel_state(channel)
    }

    fn members(&self, channel: &str) -> Vec<Member> {
        self.0.commands().members(channel)
    }

    fn members_known(&self, channel: &str) -> bool {
        self.0.commands().members_known(channel)
    }

    fn me(&self, channel: &str) -> Option<Member> {
        self.0.commands().me(channel)
    }

    fn statistics(&self) -> Statistics {
        self.0.commands().statistics()
    }

    fn connected(&mut self, limit: Duration) -> Result<SocketId, Unmet> {
        self.0.connected(limit)
    }

    fn subscribed(&mut self, channel: &str, limit: Duration) -> Result<(), Unmet> {
        self.0.subscribed(channel, limit)
    }

    fn signed_in(&mut self, limit: Duration) -> Result<String, Unmet> {
        self.0.signed_in(limit)
    }

    fn flush(&mut self, limit: Duration) -> Result<Duration, Unmet> {
        self.0.flush(limit)
    }

    fn recv(&mut self, limit: Duration) -> Option<Event> {
        self.0.recv(limit)
    }

    fn sleep(&mut self, duration: Duration) {
        self.0.sleep(duration);
    }

    fn shutdown(&mut self, limit: Duration) -> Result<(), Unmet> {
        self.0.shutdown(limit)
    }
}
