//! The certificate that `openssl req -x509` makes is marked as an authority, and people use it for
//! the server itself: it is trusted where it was given, and nothing else is because of it.

mod identity;
mod wrong;

use pushest_proto::{AuthEndpoint, Config, DialFailure, Event, Loss};

use self::identity::Identity;
use self::wrong::Wrong;
use crate::conformance::driver::{Driver, DriverClient, Settings, TlsLibrary, Unmet};
use crate::conformance::patience::{Expect, PATIENCE, started_with};
use crate::conformance::{Remote, in_process};
use crate::protocol::App;
use crate::{AuthorizationEndpoint, Builder, Certificate, ReceivedRequest, Reply, Server};

/// As openssl 3.0 made it:
/// `openssl req -x509 -new -key key.pem -days 36500 -subj /CN=localhost -addext
/// subjectAltName=DNS:localhost,IP:127.0.0.1`
const OPENSSL: &str = include_str!("certificates/openssl.pem");

/// The key of this certificate, which is for nothing else than these scenarios.
const OPENSSL_KEY: &str = include_str!("certificates/key.pem");

fn trusting(pem: &str) -> Settings {
    Settings::default().authority_pem(Some(pem.to_owned()))
}

fn config(host: &str, port: u16) -> Config {
    let builder = Config::builder("app-key").secret("app-secret").host(host).port(port).tls(true);
    builder.stop_on_refusal(true).build().expect("valid")
}

pub fn a_certificate_that_openssl_made_for_the_server_is_trusted_where_it_was_given<D: Driver>() {
    let made = Identity::from_pem(OPENSSL, OPENSSL_KEY);
    let server = Builder::default().tls_config(made.config()).start().expect("a server");
    for host in ["localhost", "127.0.0.1"] {
        let mut client = started_with::<D>(config(host, server.port()), trusting(OPENSSL));
        client.must_subscribe("private-orders");
        client.shutdown(PATIENCE).expect("closed");
    }
    // That of the testkit is of the same kind.
    let server = Server::builder().tls(Certificate::SelfSigned).start().expect("a server");
    let settings = trusting(server.authority_pem().expect("a TLS server"));
    started_with::<D>(config("localhost", server.port()), settings).must_connect();
}

/// Returns an endpoint that shows this certificate.
fn endpoint(
    app: &App,
    shown: &Identity,
    respond: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
) -> AuthorizationEndpoint {
    AuthorizationEndpoint::start_tls_with(app, shown.config(), respond).expect("an endpoint")
}

/// Dials what shows the certificate, and returns why it was refused.
fn refusal<D: Driver>(wrong: &Wrong) -> String {
    let shows = endpoint(&App::default(), &wrong.shown, |_| Reply::silence());
    let mut client = started_with::<D>(config("localhost", shows.port()), trusting(&wrong.given));
    let Err(Unmet::Failed(error)) = client.connected(PATIENCE) else {
        panic!("{} must not be trusted; {:?}", wrong.what, client.status())
    };
    let loss = client.status().last_loss.expect("why");
    let is_certificate = matches!(*loss, Loss::Dial(DialFailure::Tls { certificate: true, .. }));
    assert!(is_certificate, "{}: {loss:?}", wrong.what);
    assert!(shows.requests().is_empty(), "{}", wrong.what);
    error
}

/// What OpenSSL takes of the certificates that rustls does not: it looks at the subject where there are no
/// names, lets an authority be a server, and does not look at the version and the signature of what is trusted by
/// itself.
const TAKEN_BY_OPENSSL: [&str; 5] = [
    "an authority under the given one",
    "of an address where a name is meant",
    "of no name but the subject's",
    "of version 1",
    "signed with SHA-1",
];

/// Returns those that the driver's library must refuse, with words of its own where it is not rustls.
fn refused<D: Driver>(all: Vec<Wrong>) -> impl Iterator<Item = Wrong> {
    let is_rustls = D::TLS == TlsLibrary::Rustls;
    let refused = move |wrong: &Wrong| is_rustls || !TAKEN_BY_OPENSSL.contains(&wrong.what);
    let words = move |wrong: Wrong| if is_rustls { wrong } else { Wrong { words: "", ..wrong } };
    all.into_iter().filter(refused).map(words)
}

pub fn what_is_wrong_with_a_certificate_that_was_given_counts_all_the_same<D: Driver>() {
    for wrong in refused::<D>(wrong::given()) {
        let error = refusal::<D>(&wrong);
        assert!(error.contains(wrong.words), "{}: {error}", wrong.what);
    }
}

pub fn no_other_certificate_is_trusted_because_one_was_given<D: Driver>() {
    let all = wrong::others();
    assert!(all.len() >= 20, "{}", all.len());
    for wrong in refused::<D>(all) {
        let error = refusal::<D>(&wrong);
        assert!(error.contains(wrong.words), "{}: {error}", wrong.what);
    }
}

/// Returns a client whose server speaks no TLS, and whose endpoint does.
fn asking<D: Driver>(remote: &Remote, port: u16, given: &str) -> D::Client {
    let endpoint = AuthEndpoint::new(&format!("https://localhost:{port}/auth"));
    let settings = trusting(given).endpoint(Some(endpoint));
    started_with::<D>(remote.builder().build().expect("valid"), settings)
}

pub fn an_endpoint_with_the_certificate_that_was_given_is_trusted_and_with_a_wrong_one_not<
    D: Driver,
>() {
    let (remote, server) = in_process();
    let made = Identity::from_pem(OPENSSL, OPENSSL_KEY);
    let app = endpoint(server.app(), &made, |asked| asked.grant("ann"));
    asking::<D>(&remote, app.port(), OPENSSL).must_subscribe("private-orders");

    for wrong in refused::<D>(wrong::given().into_iter().chain(wrong::others()).collect()) {
        let app = endpoint(server.app(), &wrong.shown, |asked| asked.grant("ann"));
        let mut client = asking::<D>(&remote, app.port(), &wrong.given);
        client.want("private-orders");
        let text = client.wait_for(|event| match event {
            Event::SubscriptionFailed { reason, .. } => Some(reason.to_string()),
            Event::Subscribed { .. } => panic!("{} must not be trusted", wrong.what),
            _ => None,
        });
        assert!(text.contains(wrong.words), "{}: {text}", wrong.what);
        assert!(app.requests().is_empty(), "{}", wrong.what);
    }
}
