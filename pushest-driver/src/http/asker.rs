//! One request to an endpoint, on a thread that may block: what goes there, and what comes back.

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use pushest_proto::{
    AuthEndpoint, Authorization, AuthorizationError, AuthorizationRequest, EndpointAnswer,
    EndpointRequest,
};
use ureq::unversioned::transport::Connector;
use ureq::{Agent, Error, http};

use super::addresses::NoResolver;
use super::connect::RaceConnector;
use super::socket;
use super::tunnel::ProxyFailed;
use crate::dial::Dialer;
use crate::masking::Mask;
use crate::options::AuthHeaders;
use crate::retry_after;

/// Maximum size of a response, which is a signature and a member's data.
const MOST_ANSWER: u64 = 1024 * 1024;

/// Maximum number of bytes that are read of an error page, of which a few words are shown. What is
/// masked in it must be there as a whole.
const MOST_ERROR: u64 = 16 * 1024;

/// How long an error page may take once its status is known.
const LONGEST_ERROR: Duration = Duration::from_secs(1);

/// Room for what is shown of an error page, which the core cuts.
const MOST_MASKED: usize = 4 * 1024;

type Granted = Result<Authorization, AuthorizationError>;

/// Asks the endpoint of one client.
pub(super) struct Asker {
    agent: Agent,
    pub(super) endpoint: AuthEndpoint,
    headers: Option<AuthHeaders>,
    pub(super) timeout: Duration,
    pub(super) dialer: Arc<Dialer>,
}

impl Asker {
    pub(super) fn new(
        endpoint: AuthEndpoint,
        headers: Option<AuthHeaders>,
        dialer: &Arc<Dialer>,
    ) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A POST with an app's tokens does not go where an answer points.
            .max_redirects(0)
            .user_agent(concat!("pushest-rust/", env!("CARGO_PKG_VERSION")))
            // The connector goes through that of the options; ureq would look for another one.
            .proxy(None)
            .build();
        let connector = connector(RaceConnector::new(), dialer);
        let agent = Agent::with_parts(config, connector, NoResolver);
        let timeout = dialer.config().timeouts().authorization;
        Self { agent, endpoint, headers, timeout, dialer: dialer.clone() }
    }

    /// Ends the requests that run, and all later ones.
    pub(super) fn shut_down(&self) {
        self.agent.clone().shutdown();
    }

    /// Blocks until there is an answer, at most until the deadline.
    pub(super) fn ask(
        &self,
        request: &AuthorizationRequest,
        mut asked: EndpointRequest,
        deadline: Instant,
    ) -> Granted {
        if let Some(fresh) = &self.headers {
            asked = asked.with_headers(fresh(request)?);
        }
        socket::until(deadline, || self.exchange(&asked, deadline))
    }

    fn exchange(&self, asked: &EndpointRequest, deadline: Instant) -> Granted {
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(self.timed_out());
        }
        let post = post(asked)?;
        let post = self.agent.configure_request(post).timeout_global(Some(remaining)).build();
        let answer = self.agent.run(post).map_err(|error| self.denied(&error))?;

        let (head, body) = answer.into_parts();
        let is_success = head.status.is_success();
        let (most, status) =
            (if is_success { MOST_ANSWER } else { MOST_ERROR }, head.status.as_u16());
        if !is_success {
            socket::no_longer_than(LONGEST_ERROR);
        }
        let mut bytes = Vec::new();
        // One more than allowed shows that there is more.
        let read = body.into_reader().take(most + 1).read_to_end(&mut bytes);
        match read {
            // The status says what there is to know; of the page, what came is shown.
            Err(_) if !is_success => {}
            Err(error) => return Err(self.denied(&Error::from(error))),
            Ok(_) if is_success && bytes.len() as u64 > MOST_ANSWER => {
                return Err(AuthorizationError::refused(
                    Some(status),
                    "the answer is larger than 1 MiB",
                ));
            }
            Ok(_) => {}
        }
        let header = |name| head.headers.get(name).map(http::HeaderValue::as_bytes);
        let location = header(http::header::LOCATION).map(String::from_utf8_lossy);
        let answer = EndpointAnswer::new(status, &bytes)
            .retry_after(
                header(http::header::RETRY_AFTER)
                    .and_then(|value| retry_after::pause(value, SystemTime::now())),
            )
            .location(location.as_deref());
        answer.read_masked(|text| mask(asked).shown(text.as_bytes(), MOST_MASKED).into())
    }

    /// Returns the error where there is no response. The texts hold nothing of the request but the
    /// addresses of the endpoint at most.
    fn denied(&self, error: &Error) -> AuthorizationError {
        let text = match error {
            Error::Timeout(_) => return self.timed_out(),
            Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                return self.timed_out();
            }
            Error::HostNotFound => "the endpoint's name does not resolve".to_string(),
            Error::Io(error) => format!("no answer: {error}"),
            Error::Protocol(_) => "the answer is not HTTP".to_string(),
            Error::LargeResponseHeader(..) => "the answer's headers are too large".to_string(),
            Error::Other(error) => match error.downcast_ref::<ProxyFailed>() {
                Some(failed) => return paused(&format!("no answer: {failed}"), failed.pause),
                None => format!("no answer: {error}"),
            },
            Error::BadUri(_) | Error::Http(_) => {
                return AuthorizationError::refused(None, "the endpoint's URL is not an HTTP URL");
            }
            Error::TlsRequired | Error::Tls(_) => {
                let text = "https:// needs one of the features tls-ring, tls-aws-lc and native-tls";
                return AuthorizationError::refused(None, text);
            }
            _ => "no answer".to_string(),
        };
        AuthorizationError::unavailable(None, &text)
    }

    fn timed_out(&self) -> AuthorizationError {
        AuthorizationError::unavailable(None, &format!("no answer within {:?}", self.timeout))
    }
}

#[cfg(any(feature = "tls", feature = "native-tls"))]
fn connector(race: RaceConnector, dialer: &Arc<Dialer>) -> impl Connector {
    race.chain(super::tls::TlsConnector::new(dialer.clone()))
}

#[cfg(not(any(feature = "tls", feature = "native-tls")))]
fn connector(race: RaceConnector, _: &Arc<Dialer>) -> impl Connector {
    race
}

fn post(asked: &EndpointRequest) -> Result<http::Request<String>, AuthorizationError> {
    let content_type = http::HeaderValue::from_str(&asked.content_type);
    let content_type = content_type.map_err(|_| bad_header("Content-Type"))?;
    let mut post = http::Request::post(&asked.url).header("Content-Type", content_type);
    for (name, value) in &asked.headers {
        let mut value = http::HeaderValue::from_str(value).map_err(|_| bad_header(name))?;
        value.set_sensitive(true);
        let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad_header(name))?;
        post = post.header(name, value);
    }
    post.body(asked.body.clone())
        .map_err(|_| AuthorizationError::refused(None, "the endpoint's URL is not a URL"))
}

/// Returns the error where something on the way asks for a pause.
pub(super) fn paused(text: &str, pause: Option<Duration>) -> AuthorizationError {
    let mut error = AuthorizationError::unavailable(None, text);
    if let AuthorizationError::Unavailable { retry_after, .. } = &mut error {
        *retry_after = pause;
    }
    error
}

fn bad_header(name: &str) -> AuthorizationError {
    AuthorizationError::refused(None, &format!("{name:?} cannot be sent as a header"))
}

/// Hides what was sent from an error page, which may repeat it.
fn mask(asked: &EndpointRequest) -> Mask {
    let mut mask = Mask::default();
    asked.sent_values().for_each(|value| mask.hide_header(value));
    mask
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
