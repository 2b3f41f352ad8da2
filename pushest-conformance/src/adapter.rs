//! The conformance suite's view of a client: what takes effect at once is the same for all drivers;
//! what waits is each driver's own ([`Waits`]).

use std::marker::PhantomData;
use std::time::Duration;

use pushest_driver::proto::{
    AuthEndpoint, AuthorizationRequest, ChannelState, CommandError, Config, Endpoint, Event,
    Member, SocketId, Statistics, Status, SubscribeOptions,
};
use pushest_driver::unstable::Client;
use pushest_driver::{Options, SubscribeError};
#[cfg(all(feature = "real-server", unix))]
use pushest_testkit::conformance::Connects;
use pushest_testkit::conformance::{
    Connector, Driver, DriverClient, Overflow, Settings, TlsLibrary, Unmet,
};

use crate::Features;

/// How a driver makes a client, and how one waits for it.
pub trait Waits: Features + Sized {
    /// Makes a client with one receiver of everything. It does nothing until `connect`.
    fn start(config: Config, options: Options) -> Self;

    /// Returns what takes commands.
    fn commands(&self) -> &Client;

    /// Subscribes without a receiver: one that is not emptied would hold up the client.
    ///
    /// # Errors
    /// The client's.
    fn subscribe(
        &mut self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<(), SubscribeError>;

    /// As [`DriverClient::connected`].
    ///
    /// # Errors
    /// As there.
    fn connected(&mut self, limit: Duration) -> Result<SocketId, Unmet>;

    /// As [`DriverClient::subscribed`].
    ///
    /// # Errors
    /// As there.
    fn subscribed(&mut self, channel: &str, limit: Duration) -> Result<(), Unmet>;

    /// As [`DriverClient::signed_in`].
    ///
    /// # Errors
    /// As there.
    fn signed_in(&mut self, limit: Duration) -> Result<String, Unmet>;

    /// As [`DriverClient::flush`].
    ///
    /// # Errors
    /// As there.
    fn flush(&mut self, limit: Duration) -> Result<Duration, Unmet>;

    /// As [`DriverClient::recv_or_end`]; no other receiver of the client holds events.
    ///
    /// # Errors
    /// As there.
    fn recv(&mut self, limit: Duration) -> Result<Option<Event>, Unmet>;

    /// As [`DriverClient::sleep`].
    fn sleep(&mut self, duration: Duration);

    /// As [`DriverClient::shutdown`].
    ///
    /// # Errors
    /// As there.
    fn shutdown(&mut self, limit: Duration) -> Result<(), Unmet>;

    /// As [`DriverClient::drain`].
    fn drain(&mut self, limit: Duration) -> usize;
}

/// The driver that waits like this.
#[derive(Debug)]
pub struct Adapted<W>(W);

impl<W: Waits> Driver for Adapted<W> {
    type Client = Self;

    fn client(config: Config, settings: Settings) -> Self {
        Self(W::start(config, options::<W>(settings).start_disconnected()))
    }
}

/// The driver that waits like this, and has the system's library speak TLS.
#[derive(Debug)]
pub struct OverNativeTls<W>(PhantomData<W>);

impl<W: Waits> Driver for OverNativeTls<W> {
    type Client = Adapted<W>;

    const TLS: TlsLibrary = TlsLibrary::Native;

    fn client(config: Config, settings: Settings) -> Adapted<W> {
        let options = W::native_tls(options::<W>(settings));
        Adapted(W::start(config, options.start_disconnected()))
    }
}

fn options<F: Features>(settings: Settings) -> Options {
    let mut options = Options::default()
        .queue(settings.queue_events, settings.queue_bytes)
        .overflow(match settings.overflow {
            Overflow::DropOldest => pushest_driver::Overflow::DropOldest,
            Overflow::Wait => pushest_driver::Overflow::Wait,
        })
        .addresses(settings.addresses);
    if let Some(url) = settings.proxy.or_else(proxy_of_real_server) {
        options = options.proxy(&url).expect("a good URL");
    } else if settings.proxy_from_env {
        options = options.proxy_from_env().expect("good variables");
    }
    if let Some(connector) = settings.connector.or_else(connector_of_real_server) {
        options = F::connector(options, connector);
    }
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
    if let Some(endpoint) = settings.endpoint.or_else(endpoint_of_real_server) {
        options = F::auth_endpoint(options, endpoint);
    }
    if let Some(bytes) = settings.transport_limit {
        options = options.transport_limit(bytes);
    }
    if let Some(clock) = settings.time_of_day {
        options = options.time_of_day(move || clock());
    }
    if let Some(pem) = settings.authority_pem.or_else(authority_of_real_server) {
        options = F::ca_pem(options, &pem);
    }
    if let Some(pem) = settings.identity_pem.or_else(identity_of_real_server) {
        options = F::client_identity(options, &pem);
    }
    options
}

/// Returns the proxy before the real server, if the variable `PUSHEST_TEST_PROXY` names one.
#[must_use]
pub fn proxy_of_real_server() -> Option<String> {
    let variable = if cfg!(feature = "real-server") { Some("PUSHEST_TEST_PROXY") } else { None };
    std::env::var(variable?).ok()
}

/// Returns the endpoint to ask for authorizations on the real server, if the variable
/// `PUSHEST_TEST_AUTH_ENDPOINT` names its URL.
fn endpoint_of_real_server() -> Option<AuthEndpoint> {
    let variable = "PUSHEST_TEST_AUTH_ENDPOINT";
    let url = std::env::var(variable).ok().filter(|_| cfg!(feature = "real-server"))?;
    Some(AuthEndpoint::new(&url))
}

/// Returns what connects to the Unix socket before the real server, if the variable
/// `PUSHEST_TEST_UNIX_SOCKET` names one.
#[must_use]
pub fn connector_of_real_server() -> Option<Connector> {
    #[cfg(all(feature = "real-server", unix))]
    if let Some(path) = std::env::var_os("PUSHEST_TEST_UNIX_SOCKET") {
        let path = std::path::PathBuf::from(path);
        return Some(std::sync::Arc::new(move |_| Connects::ToSocket(path.clone())));
    }
    None
}

/// Returns the authority of the real server's certificate, if the variable `PUSHEST_TEST_CA_FILE` names a
/// file with it.
///
/// # Panics
/// If the file cannot be read.
#[must_use]
pub fn authority_of_real_server() -> Option<String> {
    file_for_real_server("PUSHEST_TEST_CA_FILE")
}

/// Returns the certificate and the key to show to the real server, if the variable `PUSHEST_TEST_IDENTITY`
/// names a file with them.
///
/// # Panics
/// If the file cannot be read.
#[must_use]
pub fn identity_of_real_server() -> Option<String> {
    file_for_real_server("PUSHEST_TEST_IDENTITY")
}

fn file_for_real_server(variable: &str) -> Option<String> {
    let path = std::env::var(variable).ok().filter(|_| cfg!(feature = "real-server"))?;
    Some(std::fs::read_to_string(path).expect("a file of PEM"))
}

/// Returns what a driver's wait with a limit came to.
///
/// # Errors
/// [`Unmet::TimedOut`] for `None`, and the driver's error as [`Unmet::Failed`].
pub fn met<T, E: std::fmt::Display>(waited: Option<Result<T, E>>) -> Result<T, Unmet> {
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

    fn network_changed(&mut self) {
        self.0.commands().network_changed();
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

    fn recv_or_end(&mut self, limit: Duration) -> Result<Option<Event>, Unmet> {
        self.0.recv(limit)
    }

    fn sleep(&mut self, duration: Duration) {
        self.0.sleep(duration);
    }

    fn shutdown(&mut self, limit: Duration) -> Result<(), Unmet> {
        self.0.shutdown(limit)
    }

    fn drain(&mut self, limit: Duration) -> usize {
        self.0.drain(limit)
    }
}
