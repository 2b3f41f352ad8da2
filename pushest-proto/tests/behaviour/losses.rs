//! What a loss says to people who read it.

use std::time::Duration;

use crate::harness::{Harness, signing};
use pushest_proto::{DialFailure, Loss};

#[test]
fn a_loss_says_what_was_learned() {
    for (loss, text) in [
        (Loss::closed(None, ""), "the server closed the connection without a code"),
        (Loss::closed(Some(4200), ""), "the server closed the connection with code 4200"),
        (
            Loss::closed(Some(4004), "over quota"),
            "the server closed the connection with code 4004: over quota",
        ),
        (Loss::reset("broken pipe"), "the connection was lost: broken pipe"),
        (
            Loss::Refused { code: 4001, message: "no such app".into() },
            "the server refused the connection with code 4001: no such app",
        ),
        (
            Loss::Refused { code: 4100, message: "".into() },
            "the server refused the connection with code 4100",
        ),
        (
            Loss::bad_close(Some(4001), "its reason is too long: no such app"),
            "the server closed the connection with code 4001, in a broken frame: its reason is too \
             long: no such app",
        ),
        (
            Loss::bad_close(None, "one byte"),
            "the server closed the connection with a broken close frame: one byte",
        ),
        (
            Loss::TooLarge { limit: 1_024 },
            "the server sent a message over the transport limit of 1024 bytes; where such messages \
             are meant, raise the option `transport_limit`",
        ),
        (Loss::HandshakeTimeout, "the server did not establish the connection in time"),
        (Loss::PongTimeout, "the server did not answer a ping in time"),
        (Loss::AddressGone, "the address that the connection was made from is gone"),
        (Loss::EndpointChanged, "the endpoint was changed"),
        (Loss::Disconnected, "disconnected by the user"),
        (Loss::Resubscribed, "subscribed again with other member data"),
        (Loss::Dial(DialFailure::Timeout), "the connection could not be made in time"),
    ] {
        assert_eq!(loss.to_string(), text);
    }
}

#[test]
fn a_failed_dial_says_what_stood_in_its_way() {
    let answered = |retry_after, location: Option<&str>, body: &str| DialFailure::Http {
        status: 503,
        retry_after,
        location: location.map(Into::into),
        body: body.into(),
    };
    let http = |retry_after, location| answered(retry_after, location, "");
    let pause = Some(Duration::from_secs(7));
    for (failure, text) in [
        (DialFailure::Dns("no such host".into()), "the host could not be resolved: no such host"),
        (DialFailure::Connect("refused".into()), "the server could not be reached: refused"),
        (
            DialFailure::Tls { certificate: true, detail: "expired".into() },
            "the server's certificate was refused: expired",
        ),
        (DialFailure::Tls { certificate: false, detail: "cut off".into() }, "TLS failed: cut off"),
        (DialFailure::Proxy("407".into()), "the proxy failed: 407"),
        (DialFailure::Connector("no tunnel".into()), "the connector failed: no tunnel"),
        (http(None, None), "the server answered with HTTP status 503"),
        (
            http(pause, None),
            "the server answered with HTTP status 503; the next attempt waits at least 7 s",
        ),
        (
            http(pause, Some("/other")),
            "the server answered with HTTP status 503 and points to /other; the next attempt waits \
             at least 7 s",
        ),
        (
            DialFailure::Http { status: 404, retry_after: pause, location: None, body: "".into() },
            "the server answered with HTTP status 404",
        ),
        (
            answered(pause, None, "come back later"),
            "the server answered with HTTP status 503: come back later; the next attempt waits at \
             least 7 s",
        ),
        (
            DialFailure::Upgrade("the server ended it".into()),
            "the connection was lost during the upgrade: the server ended it",
        ),
        (DialFailure::NotWebSocket("SSH".into()), "what answered is not WebSocket: SSH"),
        (DialFailure::Timeout, "the connection could not be made in time"),
        (
            DialFailure::Headers("no token".into()),
            "the upgrade's headers could not be provided: no token",
        ),
        (DialFailure::Unsupported("no TLS".into()), "this build cannot connect there: no TLS"),
    ] {
        assert_eq!(failure.to_string(), text);
    }
}

#[test]
fn the_debug_output_counts_failures_and_keeps_the_jitter_to_itself() {
    let mut harness = Harness::with_seed(signing(), 0x0005_eed0);
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::Dial(DialFailure::Timeout));
    let debug = format!("{:?}", harness.session);
    assert!(debug.contains("Backoff { failures: 1, immediate: 0, .. }"), "{debug}");
    assert!(!debug.contains("Rng"), "{debug}");
}

#[test]
fn a_refusal_is_what_the_same_connection_cannot_overcome() {
    let http = |status| {
        let (retry_after, location, body) = (None, None, "".into());
        Loss::Dial(DialFailure::Http { status, retry_after, location, body })
    };
    let refused = |code| Loss::Refused { code, message: "".into() };
    let certificate = |certificate| Loss::Dial(DialFailure::Tls { certificate, detail: "".into() });
    for refusal in [
        http(301),
        http(404),
        Loss::closed(Some(4001), "no such app"),
        refused(4001),
        certificate(true),
        Loss::Dial(DialFailure::Dns("unknown".into())),
        Loss::Dial(DialFailure::Unsupported("no TLS".into())),
        // With TLS already, "TLS only" cannot be met.
        Loss::closed(Some(4000), "TLS only"),
    ] {
        assert!(refusal.is_refusal(), "{refusal:?}");
    }
    for passing in [
        http(429),
        http(500),
        http(503),
        Loss::closed(Some(4100), "over capacity"),
        Loss::closed(Some(4200), "again"),
        Loss::closed(Some(1006), ""),
        Loss::closed(None, ""),
        refused(4200),
        certificate(false),
        Loss::Dial(DialFailure::Connect("refused".into())),
        Loss::Dial(DialFailure::Timeout),
        Loss::HandshakeTimeout,
        Loss::PongTimeout,
        Loss::AddressGone,
        Loss::Disconnected,
        Loss::Resubscribed,
    ] {
        assert!(!passing.is_refusal(), "{passing:?}");
    }
}
