//! Asking the app's own HTTP endpoint for authorizations. What is sent and what answers mean is the
//! core's ([`AuthEndpoint`]); here it is carried there and back, on a thread that may block.

mod addresses;
mod asker;
mod connect;
mod pipe;
mod route;
mod socket;
#[cfg(any(feature = "tls", feature = "native-tls"))]
mod tls;
mod tunnel;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use pushest_proto::{
    AuthEndpoint, Authorization, AuthorizationError, AuthorizationRequest, DialFailure, Endpoint,
};
use ureq::http::Uri;
use ureq::http::uri::Authority;

use self::asker::{Asker, paused};
use self::route::Route;
use crate::authorizations::{no_thread, not_carried_out};
use crate::authorizer::Authorizer;
use crate::connector::ConnectorPurpose;
use crate::dial::host_name::{HostNameError, ascii_url};
use crate::dial::proxy::pauses;
use crate::dial::proxy::target::Target as ProxyTarget;
use crate::dial::within::{share, within};
use crate::dial::{Dialer, address};
use crate::options::AuthHeaders;
use crate::threads::Threads;
use crate::unstable::traits::Runtime;

/// At most eight threads a process, six of them for one endpoint: one that hangs leaves two to the
/// others.
static THREADS: Threads = Threads::new("pushest-http", 8, 6);

/// No clock overflows within it, and no request lasts longer.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// An authorizer that asks an HTTP endpoint.
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

/// Ends the requests that still run, and with them their threads.
impl<R> Drop for HttpAuthorizer<R> {
    fn drop(&mut self) {
        self.asker.shut_down();
    }
}

impl<R: Runtime> Authorizer for HttpAuthorizer<R> {
    fn authorize(
        &self,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Authorization, AuthorizationError>> {
        let (asker, runtime) = (self.asker.clone(), self.runtime.clone());
        // What waits for its name or for a thread has less time left.
        let deadline = Instant::now() + asker.timeout.min(LONGEST);
        Box::pin(async move {
            let mut asked = asker.endpoint.request(&request);
            // Not quoted: of a malformed URL it may be a part of the password.
            let no_name = |_: HostNameError| {
                AuthorizationError::refused(None, "the endpoint's URL names no host")
            };
            asked.url = ascii_url(&asked.url).map_err(no_name)?.into_owned();
            let (url, zone) = without_zone(&asked.url);
            let target = Target::of(&url)?;
            let host = match zone {
                Some(zone) => format!("{}%{zone}", target.host()).into(),
                None => Cow::Borrowed(target.host()),
            };
            let about = target.authority.as_str();
            let answer = if asker.dialer.has_connector() {
                let endpoint = target.endpoint(&host)?;
                let dialer = asker.dialer.clone();
                let purpose = ConnectorPurpose::AuthorizationEndpoint;
                let left = deadline.saturating_duration_since(Instant::now());
                let stream = dialer.connect(&*runtime, endpoint, purpose, left).await;
                let (near, far) = pipe::pipe(stream.map_err(unresolved)?);
                asked.url = url.into_owned();
                let asking = move || near.carry(|| asker.ask(&request, asked, deadline));
                far.carry(THREADS.run(about, move || unlogged(asking))).await
            } else {
                let route = asker.route(&*runtime, &target, &host, deadline).await?;
                asked.url = url.into_owned();
                let asking = move || route.carry(|| asker.ask(&request, asked, deadline));
                THREADS.run(about, move || unlogged(asking)).await
            };
            match answer {
                Some(Ok(granted)) => granted,
                Some(Err(error)) => no_thread(&error),
                None => not_carried_out(),
            }
        })
    }
}

impl Asker {
    /// Chooses the way to a target: through the proxy, where there is one for it, which then resolves the
    /// target's name.
    async fn route<R: Runtime>(
        &self,
        runtime: &R,
        target: &Target,
        host: &str,
        deadline: Instant,
    ) -> Result<Route, AuthorizationError> {
        let proxied = ProxyTarget::new(target.host(), target.port);
        let proxy = self.dialer.proxies().of(target.is_tls, target.host(), target.port).cloned();
        let Some(proxy) = proxy else {
            let resolved = address::of_host(runtime, host, target.port).await;
            let addresses = resolved.map_err(unresolved)?;
            return Ok(Route { target: proxied, proxy: None, addresses });
        };
        let failed = |why: &str| unresolved(DialFailure::Proxy(proxy.failed(why).into()));
        if let Some(left) = self.dialer.pauses().left(&proxy, runtime.now()) {
            let failure = DialFailure::Proxy(proxy.failed(&pauses::told(left)).into());
            return Err(paused(&failure.to_string(), Some(left)));
        }
        let left = share(deadline.saturating_duration_since(Instant::now()));
        let (name, port) = (proxy.host(), proxy.port());
        let resolving = address::of_host(runtime, &name, port);
        let addresses = match within(runtime, runtime.now() + left, resolving).await {
            Some(Ok(addresses)) => addresses,
            Some(Err(DialFailure::Dns(problem))) => {
                return Err(failed(&format!("its name does not resolve: {problem}")));
            }
            Some(Err(other)) => return Err(failed(&other.to_string())),
            None => return Err(failed("its name does not resolve in time")),
        };
        Ok(Route { target: proxied, proxy: Some(proxy), addresses })
    }
}

const NO_PORT: &str = "what follows the host of the endpoint's URL is no port; in a user and a \
                       password `@` is %40, `:` is %3A, `/` is %2F, `?` is %3F, `#` is %23";

/// Returns the URL without the zone of an IPv6 address, and the zone. It begins with `%25` (RFC
/// 6874) or, as people write it, `%`, and is for this machine's resolver alone.
fn without_zone(url: &str) -> (Cow<'_, str>, Option<&str>) {
    let whole = (Cow::Borrowed(url), None);
    let Some((scheme, rest)) = url.split_once("://[") else { return whole };
    let Some((address, rest)) = rest.split_once(']') else { return whole };
    // Not one of what follows the host.
    let Some((address, zone)) = address.split_once('%').filter(|_| !scheme.contains('/')) else {
        return whole;
    };
    let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
    // As for the server's address (`Endpoint::host`).
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(1..=64).contains(&zone.len()) || !zone.bytes().all(allowed) {
        return whole;
    }
    (format!("{scheme}://[{address}]{rest}").into(), Some(zone))
}

/// Where a URL points to.
struct Target {
    authority: Authority,
    port: u16,
    is_tls: bool,
}

impl Target {
    fn of(url: &str) -> Result<Self, AuthorizationError> {
        let bad = |text| move || AuthorizationError::refused(None, text);
        let no_url = bad("the endpoint's URL is not a URL");
        let uri: Uri = url.parse().map_err(|_| no_url())?;
        let (usual_port, is_tls) = match uri.scheme_str() {
            Some("http") => (80, false),
            Some("https") => (443, true),
            _ => return Err(bad("the endpoint's URL is not an HTTP URL")()),
        };
        let authority = uri.authority().cloned().ok_or_else(no_url)?;
        // What is no port may be a password with a `/`, and what precedes it no host.
        let written = authority.as_str().strip_prefix(authority.host()).ok_or_else(no_url)?;
        let port = match written.strip_prefix(':').unwrap_or(written) {
            "" => usual_port,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port != 0).ok_or_else(no_url)?
            }
            _ => return Err(bad(NO_PORT)()),
        };
        Ok(Self { authority, port, is_tls })
    }

    fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns where to connect to, for a host that may have a zone.
    fn endpoint(&self, host: &str) -> Result<Endpoint, AuthorizationError> {
        let endpoint = Endpoint::new(host).and_then(|endpoint| endpoint.with_port(self.port));
        // Not quoted, as above.
        let no_host = |_| AuthorizationError::refused(None, "the endpoint's URL names no host");
        Ok(endpoint.map_err(no_host)?.with_tls(self.is_tls))
    }
}

fn unresolved(failure: DialFailure) -> AuthorizationError {
    let text = match &failure {
        // The name is not quoted: where a `/` of a password was not encoded, it is the beginning of the password.
        DialFailure::Dns(problem) => format!("the endpoint's name does not resolve: {problem}"),
        other => other.to_string(),
    };
    AuthorizationError::unavailable(None, &text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_host_and_one_port() {
        for (url, host, port) in [
            ("http://h/", "h", 80),
            ("HTTPS://h?x", "h", 443),
            ("https://h:/", "h", 443),
            ("http://h:8080/@a:b", "h", 8080),
            ("http://[::1]:8/", "::1", 8),
            ("https://[::1]", "::1", 443),
        ] {
            let target = Target::of(url).expect(url);
            assert_eq!((target.host(), target.port), (host, port), "{url}");
        }
    }

    #[test]
    fn a_password_that_is_not_percent_encoded_is_taken_for_no_host_and_no_port() {
        for url in [
            "http://user:pa/ss@host/",
            "http://user:pa?ss@host/",
            "http://user:pa#ss@host/",
            "http://user:1a/ss@host/",
            "http://user:+1/ss@host/",
        ] {
            let Err(AuthorizationError::Refused { message, .. }) = Target::of(url) else {
                panic!("{url}")
            };
            assert!(message.contains("%2F") && !message.contains("ss@"), "{message}");
        }
        for url in ["http://h:0/", "http://h:65536/", "ftp://h/", "http:///", "h", "http://a b/"] {
            assert!(Target::of(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_zone_of_an_address_leaves_the_url() {
        let split = |url| {
            let (url, zone) = without_zone(url);
            (url.into_owned(), zone)
        };
        let bare = "http://[fe80::1]:8/a?b".to_string();
        assert_eq!(split("http://[fe80::1%25eth0]:8/a?b"), (bare.clone(), Some("eth0")));
        assert_eq!(split("http://[fe80::1%eth0]:8/a?b"), (bare.clone(), Some("eth0")));
        assert_eq!(split("http://[fe80::1%25]:8/a?b"), (bare.clone(), Some("25")));
        for url in [&bare, "http://h/[a%25b]", "http://h/?to=http://[a%25b]/", "http://[a%25 b]/"] {
            assert_eq!(split(url), (url.to_string(), None));
        }
    }
}
