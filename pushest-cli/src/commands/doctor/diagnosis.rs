//! From what went wrong to the step that failed, and what may help.

use pushest_proto::{AuthorizationError, DialFailure, Endpoint, Loss, RequestFailure, ServerError};

/// The steps up to an established connection, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Resolve,
    Connect,
    Tls,
    Upgrade,
    Handshake,
}

impl Step {
    pub(super) const ALL: [Self; 5] =
        [Self::Resolve, Self::Connect, Self::Tls, Self::Upgrade, Self::Handshake];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
            Self::Handshake => "handshake",
        }
    }
}

/// Where the way to a connection ended.
pub(super) struct Diagnosis {
    pub(super) step: Step,
    /// Whether the steps before it are known to work.
    pub(super) is_certain: bool,
    pub(super) hint: Option<&'static str>,
}

/// What the user gave, as far as a hint depends on it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Given {
    pub(super) ca_file: bool,
    /// `--url`, beside which the options for its parts are bad input.
    pub(super) url: bool,
}

impl Given {
    /// The hint that names what the user can change: options, or the URL.
    pub(super) fn either(self, options: &'static str, url: &'static str) -> &'static str {
        if self.url { url } else { options }
    }

    fn speaks_tls(self) -> &'static str {
        self.either(
            "if the server speaks TLS on this port, add --tls",
            "if the server speaks TLS on this port, use pushers:// or wss:// in --url",
        )
    }

    fn nobody_listens(self) -> &'static str {
        self.either(
            "nothing listens there: is the server running, and is it on another --port? Soketi and \
             Sockudo are usually on 6001, Reverb on 8080",
            "nothing listens there: is the server running, and is it on another port than the \
             URL's? Soketi and Sockudo are usually on 6001, Reverb on 8080",
        )
    }
}

const NO_UPGRADE: &str = "a proxy on the way passes the upgrade on as HTTP/1.0, or not at all: \
                          nginx \
                          needs `proxy_http_version 1.1` and the headers Upgrade and Connection";
/// What helps against a proxy that fails.
fn proxy(text: &str) -> &'static str {
    if text.contains("a user and a password") || text.contains("this user and password") {
        "give the proxy's URL with its user and password, percent-encoded, in PUSHEST_PROXY"
    } else {
        "--no-proxy connects without one, and --proxy URL through another; HTTPS_PROXY, HTTP_PROXY, \
         ALL_PROXY and NO_PROXY count where neither is given"
    }
}

const UNIX_SOCKET: &str = "a server, or what stands before it, must listen on the socket that --unix-socket \
                           names, and allow this user to connect";
const CLIENT_CERTIFICATE: &str = "--client-cert FILE and --client-key FILE name a certificate, and it must \
                                  be one that this server takes";
const HEADERS: &str = "a file that --header names must be there, and hold one header's value";
const ORIGIN: &str = "a server that allows certain origins only needs one of them: --header \
                      'Origin: https://…' with the address of the application's pages";

/// What the loss means. `error` is what the server reported last.
pub(super) fn diagnose(
    loss: &Loss,
    error: Option<&ServerError>,
    endpoint: &Endpoint,
    given: Given,
) -> Diagnosis {
    let plain = |hint| (!endpoint.is_tls()).then_some(hint);
    let certain = |step, hint| Diagnosis { step, is_certain: true, hint };
    match loss {
        Loss::Dial(failure) => match failure {
            DialFailure::Dns(_) => certain(Step::Resolve, Some(unresolved(endpoint, given))),
            DialFailure::Upgrade(_) => certain(Step::Upgrade, plain(given.speaks_tls())),
            DialFailure::Connect(text) => {
                certain(Step::Connect, text.contains("refused").then(|| given.nobody_listens()))
            }
            DialFailure::Proxy(text) => certain(Step::Connect, Some(proxy(text))),
            DialFailure::Connector(_) => certain(Step::Connect, Some(UNIX_SOCKET)),
            DialFailure::Tls { certificate: true, detail } => {
                certain(Step::Tls, certificate(detail, given))
            }
            DialFailure::Tls { certificate: false, detail } if is_of_client(detail) => {
                certain(Step::Tls, Some(CLIENT_CERTIFICATE))
            }
            DialFailure::Tls { certificate: false, .. } => {
                let hint = given.either(
                    "if the server speaks no TLS on this port, add --tls=false",
                    "if the server speaks no TLS on this port, use pusher:// or ws:// in --url",
                );
                certain(Step::Tls, Some(hint))
            }
            DialFailure::Http { status, location, .. } => {
                certain(Step::Upgrade, answered(*status, location.as_deref(), endpoint, given))
            }
            DialFailure::NotWebSocket(text) if text.contains("HTTP/1.0") => {
                certain(Step::Upgrade, Some(NO_UPGRADE))
            }
            DialFailure::NotWebSocket(_) => certain(Step::Upgrade, plain(given.speaks_tls())),
            // They are asked for before anything is resolved.
            DialFailure::Headers(_) => {
                Diagnosis { step: Step::Upgrade, is_certain: false, hint: Some(HEADERS) }
            }
            _ => Diagnosis { step: Step::Connect, is_certain: false, hint: None },
        },
        loss => {
            // An error before the handshake decides, whatever ended the connection after it.
            let code = loss.close_code().filter(|code| *code >= 4000);
            let hint = match code.or(error.and_then(|error| error.code)) {
                Some(4000) => plain(given.either(
                    "the server takes TLS only: add --tls",
                    "the server takes TLS only: use pushers:// or wss:// in --url",
                )),
                Some(4001) if endpoint.is_hosted() => Some(given.either(
                    "an app lives in one cluster only: compare --key and --cluster with it",
                    "an app lives in one cluster only: compare the URL's key and cluster with it",
                )),
                Some(4001) => Some(given.either(
                    "compare --key with the keys of the server's apps",
                    "compare the URL's key with the keys of the server's apps",
                )),
                Some(4009) => Some(ORIGIN),
                None if matches!(loss, Loss::Reset(_)) => Some(given.either(
                    "some servers do so to a key that they do not know: compare --key with theirs",
                    "some servers do so to a key that they do not know: compare the URL's key with \
                     theirs",
                )),
                _ => None,
            };
            certain(Step::Handshake, hint)
        }
    }
}

fn unresolved(endpoint: &Endpoint, given: Given) -> &'static str {
    if given.url {
        "compare the URL's host with the server's name; does this machine reach a name server?"
    } else if endpoint.is_hosted() {
        "compare --cluster with the app's; does this machine reach a name server?"
    } else {
        "compare --host with the server's name; does this machine reach a name server?"
    }
}

/// What may help with an HTTP status in the place of an upgrade.
fn answered(
    status: u16,
    location: Option<&str>,
    endpoint: &Endpoint,
    given: Given,
) -> Option<&'static str> {
    let is_plain = !endpoint.is_tls();
    let wants_tls = |url: &str| {
        let scheme = url.split("://").next().unwrap_or_default();
        is_plain && ["https", "wss"].iter().any(|secure| scheme.eq_ignore_ascii_case(secure))
    };
    match status {
        200..=299 => Some(given.either(
            "a web server answers in its place: compare --host, --port and --path with the \
             server's",
            "a web server answers in its place: compare the URL's host, port and path with the \
             server's",
        )),
        300..=399 if location.is_some_and(wants_tls) => Some(given.either(
            "redirects are not followed, and this one leads to TLS: add --tls",
            "redirects are not followed, and this one leads to TLS: use pushers:// or wss:// in \
             --url",
        )),
        300..=399 => Some(given.either(
            "redirects are not followed: connect to where it points, with --host, --port, --tls \
             and --path",
            "redirects are not followed: connect to where it points, with another --url",
        )),
        // What servers with TLS answer to those who come without.
        400 => is_plain.then(|| given.speaks_tls()),
        401 => Some("what stands before the server wants credentials: --header 'Authorization:…'"),
        403 => Some(ORIGIN),
        404 => Some(given.either(
            "a server behind a path of its own needs --path",
            "a server behind a path of its own needs that path in --url",
        )),
        426 => Some(NO_UPGRADE),
        502 | 504 => {
            Some("a proxy answers, and does not reach the server behind it: is that running?")
        }
        _ => None,
    }
}

/// Returns whether the server wants a certificate of the client, or another one.
fn is_of_client(detail: &str) -> bool {
    detail.contains("certificate of its clients") || detail.contains("refuses this client")
}

fn certificate(detail: &str, given: Given) -> Option<&'static str> {
    if detail.contains("CaUsedAsEndEntity") {
        Some(if given.ca_file {
            "it signed itself, and --ca-file names others: if it is yours, name that very one"
        } else {
            "it signed itself: if it is yours, trust it with --ca-file"
        })
    } else if detail.contains("UnknownIssuer") && !given.ca_file {
        Some("if its authority is one of your own, name that with --ca-file")
    } else if detail.contains("Expired") || detail.contains("expired") {
        Some("it ran out, unless this machine's clock is wrong")
    } else if detail.contains("NotValidForName") || detail.contains("not valid for name") {
        Some(given.either(
            "it belongs to other names than --host",
            "it belongs to other names than the URL's host",
        ))
    } else {
        None
    }
}

/// What may help where the endpoint for authorizations gave none.
pub(super) fn denied(reason: &RequestFailure) -> Option<&'static str> {
    let (RequestFailure::AuthorizationRefused(denied)
    | RequestFailure::AuthorizationUnavailable(denied)) = reason
    else {
        return None;
    };
    match denied {
        AuthorizationError::Refused { status: Some(status), .. } => match status {
            200..=299 => Some(
                "the endpoint answers with something else than an authorization: is it that URL?",
            ),
            300..=399 => Some(
                "redirects are not followed; one to a login means that the endpoint wants \
                 credentials: --auth-header",
            ),
            404 | 405 => Some(
                "the application has no such route, or none that takes a POST: compare \
                 --auth-endpoint with its routes",
            ),
            // Laravel's own status.
            419 => Some(
                "the endpoint wants a CSRF token, as Laravel's web routes do: take the route out \
                 of that check, or send X-CSRF-TOKEN and the session's cookie with \
                 --auth-header",
            ),
            _ => None,
        },
        AuthorizationError::Unavailable { status: Some(500..), .. } => {
            Some("the endpoint itself fails: the application's log says why")
        }
        AuthorizationError::Unavailable { status: None, .. } => {
            Some("is the application running, and does --auth-endpoint name its address?")
        }
        _ => None,
    }
}

/// What may help with a refused subscription.
pub(super) fn refused(reason: &RequestFailure, is_signed: bool) -> Option<&'static str> {
    match reason {
        RequestFailure::Refused(error) if is_signed && is_about_signature(error) => {
            Some("a secret that is not the app's own leads to this")
        }
        _ => None,
    }
}

fn is_about_signature(error: &ServerError) -> bool {
    let text = error.message.to_ascii_lowercase();
    matches!(error.code, Some(401 | 4009))
        || ["signature", "auth"].iter().any(|word| text.contains(word))
}

/// What may help with a refused client event.
pub(super) fn refused_event(errors: &[ServerError]) -> Option<&'static str> {
    let is_about_it = |error: &ServerError| {
        error.code == Some(4301) || error.message.to_ascii_lowercase().contains("client event")
    };
    errors
        .iter()
        .any(is_about_it)
        .then_some("an app's client events work only where they are enabled on the server")
}

#[cfg(test)]
mod tests;
