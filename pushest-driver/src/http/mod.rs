//! Asking the app's own HTTP endpoint for authorizations. What is sent and what answers mean is the
//! core's ([`AuthEndpoint`]); here it is carried there and back, on a thread that may block.

#[cfg(feature = "tls")]
mod tls;

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use pushest_proto::{AuthEndpoint, Authorization, AuthorizationRequest, Denied, EndpointAnswer};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, TcpConnector};
use ureq::{Agent, Error, http};

use crate::authorizer::{Authorizer, not_carried_out};
use crate::dial::Dialer;
use crate::options::AuthHeaders;
use crate::runtime::{Runtime, unblocked};

/// No answer needs more: an authorization is a signature and a member's data.
const MOST_ANSWER: u64 = 1024 * 1024;

type Granted = Result<Authorization, Denied>;

/// Asks an endpoint.
pub(crate) struct HttpAuthorizer<R> {
    asker: Arc<Asker>,
    runtime: Arc<R>,
}

struct Asker {
    agent: Agent,
    endpoint: AuthEndpoint,
    headers: Option<AuthHeaders>,
    timeout: Duration,
}

impl<R: Runtime> HttpAuthorizer<R> {
    pub(crate) fn new(
        endpoint: AuthEndpoint,
        headers: Option<AuthHeaders>,
        dialer: &Arc<Dialer>,
        runtime: Arc<R>,
    ) -> Self {
        let timeout = dialer.config().timeouts().authorization;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A POST with an app's tokens does not go where somebody points.
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .user_agent(concat!("pushest-rust/", env!("CARGO_PKG_VERSION")))
            // The connection to the server goes through none either.
            .proxy(None)
            .build();
        let agent = Agent::with_parts(config, connector(dialer), DefaultResolver::default());
        Self { asker: Arc::new(Asker { agent, endpoint, headers, timeout }), runtime }
    }
}

/// The client is gone: requests that still run end now, and with them their threads.
impl<R> Drop for HttpAuthorizer<R> {
    fn drop(&mut self) {
        self.asker.agent.clone().shutdown();
    }
}

#[cfg(feature = "tls")]
fn connector(dialer: &Arc<Dialer>) -> impl Connector {
    ().chain(TcpConnector::default()).chain(tls::TlsConnector::new(dialer.clone()))
}

#[cfg(not(feature = "tls"))]
fn connector(_: &Arc<Dialer>) -> impl Connector {
    ().chain(TcpConnector::default())
}

impl<R: Runtime> Authorizer for HttpAuthorizer<R> {
    fn authorize(&self, request: AuthorizationRequest) -> BoxFuture<'static, Granted> {
        let asker = self.asker.clone();
        let asking = unblocked(&*self.runtime, move || unlogged(|| asker.ask(&request)));
        Box::pin(async move { asking.await.unwrap_or_else(not_carried_out) })
    }
}

/// On the level `trace` ureq writes down every byte that goes and comes, tokens and keys among them.
/// What goes to `tracing` can be kept from that here.
fn unlogged<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), work)
}

impl Asker {
    /// Blocks until there is an answer, at most for the timeout.
    fn ask(&self, request: &AuthorizationRequest) -> Granted {
        let mut asked = self.endpoint.request(request);
        if let Some(fresh) = &self.headers {
            asked.headers.extend(fresh(request));
        }
        let mut post = http::Request::post(&asked.url).header("Content-Type", asked.content_type);
        for (name, value) in &asked.headers {
            let value = http::HeaderValue::from_str(value).map_err(|_| bad_header(name))?;
            let name =
                http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad_header(name))?;
            post = post.header(name, sensitive(value));
        }
        let post = post
            .body(asked.body)
            .map_err(|_| Denied::refused(None, "the endpoint's URL is not a URL"))?;
        let answer = self.agent.run(post).map_err(|error| self.denied(&error))?;

        let (head, body) = answer.into_parts();
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let mut bytes = Vec::new();
        // One more than allowed shows that there is more.
        let read = body.into_reader().take(MOST_ANSWER + 1).read_to_end(&mut bytes);
        let status = head.status.as_u16();
        if let Err(error) = read {
            return Err(self.denied(&Error::from(error)));
        }
        if head.status.is_success() && bytes.len() as u64 > MOST_ANSWER {
            return Err(Denied::refused(Some(status), "the answer is larger than 1 MiB"));
        }
        let seconds = header(http::header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
        let answer = EndpointAnswer {
            status,
            retry_after: seconds.map(Duration::from_secs),
            location: header(http::header::LOCATION),
            body: &bytes,
        };
        answer.read()
    }

    /// What it means that there is no answer. The texts hold nothing of the request but the host's
    /// name at most.
    fn denied(&self, error: &Error) -> Denied {
        let text = match error {
            Error::Timeout(_) => format!("no answer within {:?}", self.timeout),
            Error::HostNotFound => "the endpoint's name does not resolve".to_string(),
            Error::Io(error) => format!("no answer: {error}"),
            Error::Protocol(_) => "the answer is not HTTP".to_string(),
            Error::LargeResponseHeader(..) => "the answer's headers are too large".to_string(),
            Error::Other(error) => format!("no answer: {error}"),
            Error::BadUri(_) | Error::Http(_) => {
                return Denied::refused(None, "the endpoint's URL is not an HTTP URL");
            }
            Error::TlsRequired | Error::Tls(_) => {
                let text = "https:// needs one of the features tls-ring and tls-aws-lc";
                return Denied::refused(None, text);
            }
            _ => "no answer".to_string(),
        };
        Denied::unavailable(None, &text)
    }
}

fn bad_header(name: &str) -> Denied {
    Denied::refused(None, &format!("{name:?} cannot be sent as a header"))
}

fn sensitive(mut value: http::HeaderValue) -> http::HeaderValue {
    value.set_sensitive(true);
    value
}

impl<R> fmt::Debug for HttpAuthorizer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpAuthorizer")
            .field("endpoint", &self.asker.endpoint)
            .finish_non_exhaustive()
    }
}
