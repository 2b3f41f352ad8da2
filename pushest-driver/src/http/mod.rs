//! Asking the app's own HTTP endpoint for authorizations. What is sent and what answers mean is the
//! core's ([`AuthEndpoint`]); here it is carried there and back, on a thread that may block.

mod addresses;
mod asker;
mod connect;
mod socket;
#[cfg(feature = "tls")]
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use pushest_proto::{AuthEndpoint, Authorization, AuthorizationRequest, Denied, DialFailure};
use ureq::http::Uri;
use ureq::http::uri::Authority;

use self::asker::Asker;
use crate::authorizer::{Authorizer, not_carried_out};
use crate::dial::host_name::{HostNameError, ascii_url};
use crate::dial::{Dialer, address};
use crate::options::AuthHeaders;
use crate::runtime::Runtime;
use crate::threads::Threads;

/// At most eight threads a process, six of them for one endpoint: one that hangs leaves two to the
/// others.
static THREADS: Threads = Threads::new("pushest-http", 8, 6);

/// No clock overflows within it, and no request lasts longer.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Asks an endpoint.
pub(crate) struct HttpAuthorizer<R> {
    asker: Arc<Asker>,
    runtime: Arc<R>,
}

impl<R: Runtime> HttpAuthorizer<R> {
    pub(crate) fn new(
        endpoint: AuthEndpoint,
        headers: Option<AuthHeaders>,
        dialer: &Arc<Dialer>,
        runtime: Arc<R>,
    ) -> Self {
        Self { asker: Arc::new(Asker::new(endpoint, headers, dialer)), runtime }
    }
}

/// The client is gone: requests that still run end now, and with them their threads.
impl<R> Drop for HttpAuthorizer<R> {
    fn drop(&mut self) {
        self.asker.shut_down();
    }
}

impl<R: Runtime> Authorizer for HttpAuthorizer<R> {
    fn authorize(
        &self,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Authorization, Denied>> {
        let (asker, runtime) = (self.asker.clone(), self.runtime.clone());
        // What waits for its name or for a thread has less time left.
        let deadline = Instant::now() + asker.timeout.min(LONGEST);
        Box::pin(async move {
            let mut asked = asker.endpoint.request(&request);
            // Not quoted: of a malformed URL it may be a part of the password.
            let no_name =
                |_: HostNameError| Denied::refused(None, "the endpoint's URL names no host");
            asked.url = ascii_url(&asked.url).map_err(no_name)?.into_owned();
            let target = Target::of(&asked.url)?;
            let resolved = address::of_host(&*runtime, target.host(), target.port).await;
            asker.addresses.set(&target.authority, resolved.map_err(unresolved)?);
            let about = target.authority.as_str();
            let asking =
                THREADS.run(about, move || unlogged(|| asker.ask(&request, asked, deadline)));
            asking.await.unwrap_or_else(not_carried_out)
        })
    }
}

/// Where a URL points to.
struct Target {
    authority: Authority,
    port: u16,
}

impl Target {
    fn of(url: &str) -> Result<Self, Denied> {
        let bad = |text| move || Denied::refused(None, text);
        let no_url = bad("the endpoint's URL is not a URL");
        let uri: Uri = url.parse().map_err(|_| no_url())?;
        let usual_port = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(bad("the endpoint's URL is not an HTTP URL")()),
        };
        let authority = uri.authority().cloned().ok_or_else(no_url)?;
        let port = authority.port_u16().unwrap_or(usual_port);
        Ok(Self { authority, port })
    }

    fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }
}

fn unresolved(failure: DialFailure) -> Denied {
    let text = match &failure {
        DialFailure::Dns(problem) => format!("the endpoint's name does not resolve: {problem}"),
        other => other.to_string(),
    };
    Denied::unavailable(None, &text)
}

/// On the level `trace` ureq writes down every byte that goes and comes, tokens and keys among them.
/// What goes to `tracing` can be kept from that here.
fn unlogged<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), work)
}

impl<R> fmt::Debug for HttpAuthorizer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpAuthorizer").field("asker", &self.asker).finish_non_exhaustive()
    }
}
