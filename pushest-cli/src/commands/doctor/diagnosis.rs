//! From what went wrong to the step that failed, and what may help.

use pushest_proto::{DialFailure, Endpoint, Loss, RequestFailure, ServerError};

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

const SPEAKS_TLS: &str = "if the server speaks TLS on this port, add --tls";

pub(super) fn diagnose(loss: &Loss, endpoint: &Endpoint, has_ca_file: bool) -> Diagnosis {
    let plain = |hint| (!endpoint.is_tls()).then_some(hint);
    let certain = |step, hint| Diagnosis { step, is_certain: true, hint };
    match loss {
        Loss::Dial(failure) => match failure {
            DialFailure::Dns(_) => certain(Step::Resolve, None),
            DialFailure::Upgrade(_) => certain(Step::Upgrade, plain(SPEAKS_TLS)),
            DialFailure::Connect(_) | DialFailure::Proxy(_) => certain(Step::Connect, None),
            DialFailure::Tls { certificate: true, detail } => {
                certain(Step::Tls, certificate(detail, has_ca_file))
            }
            DialFailure::Tls { certificate: false, .. } => {
                let hint = "if the server speaks no TLS on this port, add --tls=false";
                certain(Step::Tls, Some(hint))
            }
            DialFailure::Http { status: 404, .. } => {
                certain(Step::Upgrade, Some("a server behind a path of its own needs --path"))
            }
            // What servers with TLS answer to those who come without.
            DialFailure::Http { status: 400, .. } | DialFailure::NotWebSocket(_) => {
                certain(Step::Upgrade, plain(SPEAKS_TLS))
            }
            DialFailure::Http { .. } => certain(Step::Upgrade, None),
            _ => Diagnosis { step: Step::Connect, is_certain: false, hint: None },
        },
        Loss::Reset(_) => {
            let hint =
                "some servers do so to a key that they do not know: compare --key with theirs";
            certain(Step::Handshake, Some(hint))
        }
        loss => {
            let hint = match loss.close_code() {
                Some(4000) => plain("the server takes TLS only: add --tls"),
                Some(4001) if endpoint.is_hosted() => {
                    Some("an app lives in one cluster only: compare --key and --cluster with it")
                }
                Some(4001) => Some("compare --key with the keys of the server's apps"),
                _ => None,
            };
            certain(Step::Handshake, hint)
        }
    }
}

fn certificate(detail: &str, has_ca_file: bool) -> Option<&'static str> {
    if detail.contains("UnknownIssuer") && !has_ca_file {
        Some("if its authority is one of your own, name that with --ca-file")
    } else if detail.contains("Expired") || detail.contains("expired") {
        Some("it ran out, unless this machine's clock is wrong")
    } else if detail.contains("NotValidForName") || detail.contains("not valid for name") {
        Some("it belongs to other names than --host")
    } else {
        None
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
mod tests {
    use super::*;

    #[test]
    fn each_loss_has_its_step() {
        let endpoint = Endpoint::host("example.org").unwrap();
        let step = |loss: Loss| diagnose(&loss, &endpoint, false).step;
        let dial = |failure| step(Loss::Dial(failure));
        let http = |status| DialFailure::Http {
            status,
            retry_after: None,
            location: None,
            body: "".into(),
        };
        assert_eq!(dial(DialFailure::Dns("none".into())), Step::Resolve);
        assert_eq!(dial(DialFailure::Connect("refused".into())), Step::Connect);
        assert_eq!(dial(DialFailure::Tls { certificate: true, detail: "".into() }), Step::Tls);
        assert_eq!(dial(http(404)), Step::Upgrade);
        assert_eq!(dial(DialFailure::NotWebSocket("junk".into())), Step::Upgrade);
        assert_eq!(dial(DialFailure::Upgrade("it ended".into())), Step::Upgrade);
        assert_eq!(step(Loss::HandshakeTimeout), Step::Handshake);
        assert_eq!(step(Loss::closed(Some(4001), "no app")), Step::Handshake);
    }

    #[test]
    fn hints_hold_for_what_they_are_given_for() {
        let hint = |loss: &Loss, tls, has_ca_file| {
            let endpoint = Endpoint::host("example.org").unwrap().tls(tls);
            diagnose(loss, &endpoint, has_ca_file).hint
        };
        let unknown =
            Loss::Dial(DialFailure::Tls { certificate: true, detail: "UnknownIssuer".into() });
        assert!(hint(&unknown, true, false).unwrap().contains("--ca-file"));
        assert_eq!(hint(&unknown, true, true), None);
        let tls_only = Loss::closed(Some(4000), "");
        assert!(hint(&tls_only, false, false).unwrap().contains("--tls"));
        assert_eq!(hint(&tls_only, true, false), None);
        let closed = Loss::closed(Some(4001), "");
        assert!(hint(&closed, false, false).unwrap().contains("--key"));
        assert!(!hint(&closed, false, false).unwrap().contains("cluster"));
        let hosted = diagnose(&closed, &Endpoint::cluster("eu").unwrap(), false);
        assert!(hosted.hint.unwrap().contains("--cluster"));
    }
}
