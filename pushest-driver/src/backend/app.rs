//! The app whose HTTP API is called, and how its server is reached.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::{HeaderMap, HeaderValue};
use pushest_proto::api::App;
use pushest_proto::{Config, ConfigError, DialFailure};

use super::options::ApiOptions;
use crate::connector::ConnectorPurpose;
use crate::dial::{Dialer, host_name};
use crate::unstable::traits::{Dialled, Runtime};

/// The app, and how its server is reached.
pub struct Backend {
    app: App,
    dialer: Arc<Dialer>,
    options: ApiOptions,
    /// The host and port, for errors and logs.
    server: Box<str>,
    /// The same for requests.
    host: HeaderValue,
}

impl Backend {
    /// Takes the app of a configuration.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] names what is missing: the app's id, or its secret.
    pub fn new(config: &Config, options: ApiOptions) -> Result<Self, ConfigError> {
        let mut app = App::new(config)?;
        if let Some(limits) = &options.limits {
            app = app.with_limits(limits.clone());
        }
        if let Some(endpoint) = &options.endpoint {
            app = app.with_endpoint(endpoint.clone());
        }
        // A name that is none shows when it is connected to.
        let ascii = host_name::ascii(app.endpoint().clone());
        let server = ascii.as_ref().unwrap_or(app.endpoint()).authority();
        let host = HeaderValue::from_bytes(server.as_bytes());
        let host = host.expect("no host's name has control characters");
        let dialer = Arc::new(Dialer::new(config.clone(), Arc::new(options.options.clone())));
        Ok(Self { app, dialer, options, server: server.into(), host })
    }

    /// Returns the app.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Returns how long a call may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// Returns how many calls may be in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.options.in_flight
    }

    /// Returns the server's host and port, for errors and logs.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Returns the same as the header `Host`.
    pub(super) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Returns the headers that are sent beside those of each call.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.options.headers
    }

    pub(super) fn attempts(&self) -> u32 {
        self.options.attempts
    }

    pub(super) fn keep_alive(&self) -> Duration {
        self.options.keep_alive
    }

    /// Connects to the server, for a call that has this time left.
    pub(super) async fn connect<R: Runtime>(
        &self,
        runtime: &R,
        limit: Duration,
    ) -> Result<Dialled<R>, DialFailure> {
        let purpose = ConnectorPurpose::Api;
        self.dialer.connect(runtime, self.app.endpoint().clone(), purpose, limit).await
    }

    /// Returns the time since 1970.
    pub(super) fn now(&self) -> Duration {
        let now: SystemTime = self.options.options.time_of_day.of_system();
        now.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("app", &self.app)
            .field("timeout", &self.options.timeout)
            .field("in_flight", &self.options.in_flight)
            .finish_non_exhaustive()
    }
}
