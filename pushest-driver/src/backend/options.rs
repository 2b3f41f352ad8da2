//! How the HTTP API is called.

use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use pushest_proto::Endpoint;
use pushest_proto::api::ApiLimits;

use crate::error::OptionsError;
use crate::options::{Options, check_header};

/// How an `Api` calls the server. `ApiOptions::default()` suits most.
///
/// ```
/// # use pushest_driver::{ApiOptions, Options};
/// use std::time::Duration;
///
/// let options = ApiOptions::default().in_flight(64).timeout(Duration::from_secs(3));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct ApiOptions {
    pub(crate) options: Options,
    pub(crate) timeout: Duration,
    pub(crate) in_flight: usize,
    pub(crate) attempts: u32,
    pub(crate) keep_alive: Duration,
    pub(crate) limits: Option<ApiLimits>,
    pub(crate) endpoint: Option<Endpoint>,
    /// Their values are marked as sensitive, and show in no `Debug` output.
    pub(crate) headers: HeaderMap,
}

/// Headers of a request itself, besides those of a WebSocket upgrade.
const OWN_HEADERS: [&str; 3] = ["content-type", "expect", "te"];

impl ApiOptions {
    /// Sets how long one call may take: waiting for its turn, connecting, all attempts and the
    /// pauses between them. 10 s.
    ///
    /// A query over a connection that was kept must hear something within a quarter of what is left of it.
    /// If it does not, the connection may be dead, and the query is asked again over a new one, unless
    /// [`attempts`](Self::attempts) are used up. A call that may change something waits on.
    ///
    /// ```
    /// # use pushest_driver::ApiOptions;
    /// let options = ApiOptions::default().timeout(std::time::Duration::from_secs(3));
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the maximum number of calls in flight, each of which has a connection; further ones
    /// wait for their turn, in the order in which they came. At least 1. 16.
    ///
    /// ```
    /// # use pushest_driver::ApiOptions;
    /// let options = ApiOptions::default().in_flight(64);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn in_flight(mut self, calls: usize) -> Self {
        self.in_flight = calls.max(1);
        self
    }

    /// Sets how often one call is sent at most. It is sent again only where nothing can arrive
    /// twice: no connection came about, the server says that it has done nothing (429, 503 with
    /// `Retry-After`), or the call only asks. Pauses grow from 100 ms to 2 s, with jitter, and
    /// `Retry-After` counts where that is longer; a pause beyond the call's time is not begun. At
    /// least 1: never again. 4.
    ///
    /// ```
    /// # use pushest_driver::ApiOptions;
    /// let options = ApiOptions::default().attempts(1);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets how long a connection is kept for the next call; less where the server says so
    /// (`Keep-Alive: timeout=…`), and zero for never. One that the server has closed meanwhile is
    /// replaced before anything is sent. 30 s.
    ///
    /// It is closed then, whether a call is made or not, by one thread that all handles of the process
    /// share: `pushest-idle`, which is there only while connections are kept. Where no thread can be
    /// started, none is kept.
    ///
    /// ```
    /// # use pushest_driver::ApiOptions;
    /// let options = ApiOptions::default().keep_alive(std::time::Duration::from_secs(5));
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn keep_alive(mut self, time: Duration) -> Self {
        self.keep_alive = time;
        self
    }

    /// Sets what the server takes in one call, where that is not what the hosted service does. By
    /// default the configuration's [`Limits`](crate::Limits) decide about names and data.
    ///
    /// ```
    /// # use pushest_driver::{ApiOptions, api::ApiLimits};
    /// let options = ApiOptions::default().limits(ApiLimits::default().event_data(100 * 1024));
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn limits(mut self, limits: ApiLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Sets where the HTTP API is, for servers that have it elsewhere than the WebSocket. By
    /// default [`Endpoint::api`] of the configuration's endpoint; of several endpoints that of the first,
    /// as they were given. Calls go nowhere else when it is down: what was published once must not be
    /// published twice, and a balancer before the nodes, or a program that makes another `Api`, can choose.
    ///
    /// ```
    /// # use pushest_driver::{ApiOptions, Endpoint};
    /// let endpoint = Endpoint::new("127.0.0.1")?.with_port(9601)?;
    /// let options = ApiOptions::default().endpoint(endpoint);
    /// # let _ = options;
    /// # Ok::<(), pushest_driver::ConfigError>(())
    /// ```
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Adds a header to each request, such as one for a gateway before the server. It is not signed, and
    /// replaces none that a call has itself. The `Api` that a client gives sends those of
    /// [`Options::header`], and none of [`Options::headers_with`].
    ///
    /// ```
    /// # use pushest_driver::ApiOptions;
    /// let options = ApiOptions::default().header("X-Gateway-Token", "t0ken")?;
    /// # let _ = options;
    /// # Ok::<(), pushest_driver::OptionsError>(())
    /// ```
    ///
    /// # Errors
    /// [`OptionsError::Header`] if it is not a header, or one that belongs to the request itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, OptionsError> {
        check_header(name, value)?;
        if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            let rule = "it belongs to the request itself";
            return Err(OptionsError::Header { name: name.to_string(), rule });
        }
        let name = HeaderName::try_from(name).expect("it was checked");
        let mut value = HeaderValue::try_from(value).expect("it was checked");
        value.set_sensitive(true);
        self.headers.append(name, value);
        Ok(self)
    }

    /// Sets how connections are made, as a client's are: certificate authorities or your own TLS
    /// configuration, a proxy, a connector, addresses instead of those of the host's name, and the time of
    /// the day, with which calls are signed. Nothing else of these options counts here.
    ///
    /// ```
    /// # use pushest_driver::{ApiOptions, Options};
    /// let options = Options::default().addresses(["192.0.2.7:443".parse()?]);
    /// let options = ApiOptions::default().options(options);
    /// # let _ = options;
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn options(mut self, options: impl Into<Options>) -> Self {
        self.options = options.into();
        self
    }
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            options: Options::default(),
            timeout: Duration::from_secs(10),
            in_flight: 16,
            attempts: 4,
            keep_alive: Duration::from_secs(30),
            limits: None,
            endpoint: None,
            headers: HeaderMap::new(),
        }
    }
}

impl ApiOptions {
    /// Takes a client's options, with those of its headers that are none of a request's own.
    pub(crate) fn of_client(options: Options) -> Self {
        let headers = options.headers.clone();
        let with = |api: Self, (name, value): &(String, String)| {
            api.clone().header(name, value).unwrap_or(api)
        };
        headers.iter().fold(Self::default().options(options), with)
    }
}
