use super::*;

#[test]
fn each_loss_has_its_step() {
    let endpoint = Endpoint::new("example.org").unwrap();
    let step = |loss: Loss| diagnose(&loss, None, &endpoint, Given::default()).step;
    let dial = |failure| step(Loss::Dial(failure));
    let http =
        |status| DialFailure::Http { status, retry_after: None, location: None, body: "".into() };
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
    let hint = |loss: &Loss, tls, ca_file| {
        let endpoint = Endpoint::new("example.org").unwrap().with_tls(tls);
        diagnose(loss, None, &endpoint, Given { ca_file, url: false }).hint
    };
    let unknown =
        Loss::Dial(DialFailure::Tls { certificate: true, detail: "UnknownIssuer".into() });
    assert!(hint(&unknown, true, false).unwrap().contains("--ca-file"));
    assert_eq!(hint(&unknown, true, true), None);
    let detail = "the server demands a certificate of its clients, and none was shown".into();
    let demanded = Loss::Dial(DialFailure::Tls { certificate: false, detail });
    assert!(hint(&demanded, true, false).unwrap().contains("--client-cert"));
    let tls_only = Loss::closed(Some(4000), "");
    assert!(hint(&tls_only, false, false).unwrap().contains("--tls"));
    assert_eq!(hint(&tls_only, true, false), None);
    let closed = Loss::closed(Some(4001), "");
    assert!(hint(&closed, false, false).unwrap().contains("--key"));
    assert!(!hint(&closed, false, false).unwrap().contains("cluster"));
    let hosted = diagnose(&closed, None, &Endpoint::cluster("eu").unwrap(), Given::default());
    assert!(hosted.hint.unwrap().contains("--cluster"));
}

#[test]
fn what_stands_before_the_server_has_its_hints() {
    let hint = |failure: DialFailure, tls| {
        let endpoint = Endpoint::new("example.org").unwrap().with_tls(tls);
        diagnose(&Loss::Dial(failure), None, &endpoint, Given::default()).hint.unwrap_or_default()
    };
    let http = |status, location: Option<&str>, tls| {
        let (location, body) = (location.map(Into::into), "".into());
        hint(DialFailure::Http { status, retry_after: None, location, body }, tls)
    };
    let refused = "127.0.0.1:1: Connection refused (os error 111)";
    assert!(hint(DialFailure::Connect(refused.into()), true).contains("8080"));
    assert_eq!(hint(DialFailure::Connect("no route to host".into()), true), "");
    for status in [301, 302, 307, 308] {
        let to = |url| http(status, Some(url), false);
        assert!(to("https://example.org/").contains("add --tls"));
        assert!(to("HTTPS://example.org/").contains("add --tls"));
        assert!(to("http://www.example.org/").contains("where it points"));
        assert!(http(status, Some("https://www.example.org/"), true).contains("--host"));
        assert!(http(status, None, false).contains("not followed"));
    }
    assert!(http(200, None, true).contains("web server"));
    assert!(http(401, None, true).contains("Authorization"));
    assert!(http(403, None, true).contains("Origin"));
    assert!(http(426, None, true).contains("proxy_http_version"));
    assert!(http(502, None, true).contains("proxy"));
    assert_eq!(http(429, None, true), "");
    let old = "it agreed to the upgrade, but with HTTP/1.0, which has none";
    for tls in [false, true] {
        assert!(hint(DialFailure::NotWebSocket(old.into()), tls).contains("HTTP/1.0"));
    }
}

#[test]
fn with_a_url_a_hint_names_no_option_that_is_bad_input_beside_it() {
    let hints = |given| {
        let tls = |detail: &str, certificate| {
            Loss::Dial(DialFailure::Tls { certificate, detail: detail.into() })
        };
        let http = |status, location: Option<&str>| {
            let (location, body) = (location.map(Into::into), "".into());
            Loss::Dial(DialFailure::Http { status, retry_after: None, location, body })
        };
        let losses = [
            Loss::Dial(DialFailure::Dns("unknown".into())),
            Loss::Dial(DialFailure::Upgrade("it ended".into())),
            Loss::Dial(DialFailure::Connect("connection refused".into())),
            Loss::Dial(DialFailure::NotWebSocket("junk".into())),
            tls("not TLS", false),
            tls("not valid for name", true),
            http(200, None),
            http(301, Some("https://h/")),
            http(302, None),
            http(400, None),
            http(404, None),
            Loss::closed(Some(4000), ""),
            Loss::closed(Some(4001), ""),
            Loss::reset("it ended"),
        ];
        let hosts = [Endpoint::new("h").unwrap(), Endpoint::cluster("eu").unwrap().with_tls(false)];
        let each = |endpoint: &Endpoint| {
            losses.each_ref().map(|loss| diagnose(loss, None, endpoint, given).hint.unwrap())
        };
        hosts.each_ref().map(each).concat()
    };
    let parts = ["--tls", "--key", "--host", "--port", "--path", "--cluster"];
    let names_part = |hint: &&str| parts.iter().any(|part| hint.contains(part));
    let with_url = hints(Given { url: true, ..Given::default() });
    assert!(!with_url.iter().any(names_part), "{with_url:?}");
    assert!(with_url.iter().all(|hint| hint.contains("URL") || hint.contains("--url")));
    assert!(hints(Given::default()).iter().all(names_part));
}

#[test]
fn a_certificate_that_signed_itself_has_its_hint() {
    let detail = "it signed itself (CaUsedAsEndEntity)";
    let hint = |ca_file| certificate(detail, Given { ca_file, url: false }).unwrap();
    assert!(hint(false).contains("trust it with --ca-file"));
    assert!(hint(true).contains("--ca-file names others"));
}

#[test]
fn an_error_counts_whatever_ended_the_connection_after_it() {
    let endpoint = Endpoint::new("example.org").unwrap();
    let error = |code| {
        let mut error = reported();
        error.code = code;
        error
    };
    for loss in [
        Loss::closed(Some(1000), ""),
        Loss::closed(None, ""),
        Loss::reset("it ended"),
        Loss::HandshakeTimeout,
    ] {
        let hint =
            |code| diagnose(&loss, Some(&error(Some(code))), &endpoint, Given::default()).hint;
        assert!(hint(4001).unwrap().contains("--key"), "{loss}");
        assert!(hint(4009).unwrap().contains("Origin"), "{loss}");
    }
    let closed = Loss::closed(Some(4009), "Origin not allowed");
    assert!(
        diagnose(&closed, None, &endpoint, Given::default()).hint.unwrap().contains("--header")
    );
}

#[test]
fn what_an_endpoint_answers_has_its_hints() {
    let refused = |status| {
        denied(&RequestFailure::AuthorizationRefused(AuthorizationError::refused(status, "no")))
    };
    let unavailable = |status| {
        denied(&RequestFailure::AuthorizationUnavailable(AuthorizationError::unavailable(
            status, "no",
        )))
    };
    assert!(refused(Some(419)).unwrap().contains("CSRF"));
    assert!(refused(Some(302)).unwrap().contains("--auth-header"));
    assert!(refused(Some(404)).unwrap().contains("--auth-endpoint"));
    assert!(refused(Some(200)).is_some());
    assert_eq!(refused(Some(403)), None);
    for status in [500, 502, 503, 599] {
        assert!(unavailable(Some(status)).unwrap().contains("log"), "{status}");
    }
    assert!(unavailable(None).unwrap().contains("running"));
    assert_eq!(unavailable(Some(429)), None);
    assert_eq!(denied(&RequestFailure::NoAnswer), None);
}

/// An error of a server, as only the core can make one.
fn reported() -> ServerError {
    use pushest_proto::{Action, Config, Event, Instant, Session};

    let config = Config::builder("k").host("h").build().unwrap();
    let mut session = Session::new(config, 0, Instant::ORIGIN);
    session.connect(Instant::ORIGIN);
    loop {
        match session.poll_action().expect("the error that it is told") {
            Action::Connect { connection, .. } => {
                session.handle_open(connection, Instant::ORIGIN);
                let message = br#"{"event":"pusher:error","data":{"message":"no"}}"#;
                session.handle_slice(connection, message, Instant::ORIGIN);
            }
            Action::Emit(Event::ServerError(error)) => return error,
            _ => {}
        }
    }
}
