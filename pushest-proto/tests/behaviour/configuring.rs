//! Configurations from code and environment variables.

use std::collections::HashMap;
use std::time::Duration;

use pushest_proto::{BackoffConfig, Config, ConfigError, Limits, Timeouts};

/// Scheme, host, port and path of the WebSocket URL.
pub(crate) fn address(config: &Config) -> String {
    let url = config.endpoint().url(config.key());
    url.split_once("?protocol=7&client=pushest-rust&version=").expect("a query").0.to_string()
}

fn from_variables(variables: &[(&str, &str)]) -> Result<(String, bool), ConfigError> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    let config = Config::from_variables(|name| variables.get(name).map(ToString::to_string))?;
    Ok((address(&config), config.has_secret()))
}

#[test]
fn a_builder_says_it_all() {
    let built = |builder: pushest_proto::ConfigBuilder| address(&builder.build().unwrap());
    assert_eq!(built(Config::builder("k")), "wss://ws-mt1.pusher.com:443/app/k");
    assert_eq!(built(Config::builder("k").cluster("eu")), "wss://ws-eu.pusher.com:443/app/k");
    let own = Config::builder("k").host("example.org");
    assert_eq!(built(own.clone()), "ws://example.org:80/app/k");
    assert_eq!(built(own.clone().tls(true)), "wss://example.org:443/app/k");
    assert_eq!(built(own.clone().port(443)), "wss://example.org:443/app/k");
    assert_eq!(built(own.clone().port(443).tls(false)), "ws://example.org:443/app/k");
    assert_eq!(
        built(own.clone().port(6001).path("/a/b/").cluster("eu")),
        "ws://example.org:6001/a/b/app/k"
    );
    assert_eq!(built(Config::builder("k").host("::1").port(1)), "ws://[::1]:1/app/k");
    assert_eq!(built(Config::builder("k").host("[::1]").port(1)), "ws://[::1]:1/app/k");
    assert_eq!(built(Config::builder("k").host("127.0.0.1").port(1)), "ws://127.0.0.1:1/app/k");
}

#[test]
fn an_endpoint_gives_the_parts_of_a_hand_written_upgrade() {
    for (host, authority) in [("::1", "[::1]:6001"), ("example.org", "example.org:6001")] {
        let config = Config::builder("k").host(host).port(6001).path("/a").build().unwrap();
        let endpoint = config.endpoint();
        let target = endpoint.request_target("k");
        assert_eq!(endpoint.authority(), authority);
        assert!(target.starts_with("/a/app/k?protocol=7&client="), "{target}");
        assert_eq!(endpoint.url("k"), format!("ws://{authority}{target}"));
    }
}

/// Proxies that match the host exactly answer 404 to one with a default port.
#[test]
fn the_host_of_an_upgrade_names_no_port_that_is_the_schemes_default() {
    let authority = |builder: pushest_proto::ConfigBuilder| {
        builder.build().expect("valid").endpoint().authority()
    };
    let own = |port| Config::builder("k").host("example.org").port(port);
    assert_eq!(authority(own(80)), "example.org");
    assert_eq!(authority(own(443)), "example.org");
    assert_eq!(authority(own(443).tls(false)), "example.org:443");
    assert_eq!(authority(own(80).tls(true)), "example.org:80");
    assert_eq!(authority(Config::builder("k").cluster("eu")), "ws-eu.pusher.com");
    assert_eq!(authority(Config::builder("k").host("::1")), "[::1]");
    assert_eq!(authority(Config::builder("k").host("::1").tls(true).port(8443)), "[::1]:8443");
}

#[test]
fn a_bad_value_is_refused_by_name_and_rule() {
    let refused = |builder: pushest_proto::ConfigBuilder| builder.build().unwrap_err().to_string();
    assert!(refused(Config::builder("")).starts_with("the key \"\" is not a key"));
    assert!(refused(Config::builder("a/b")).starts_with("the key \"a/b\" is not a key"));
    assert_eq!(refused(Config::builder("k").secret(" ")), "the secret is empty");
    assert!(refused(Config::builder("k").cluster("EU")).starts_with("\"EU\" is not a cluster"));
    for host in ["", "http://x", "x:80", "x/y", "a b", "[x]", "-x", "1:2", "a%b", "\u{202e}a"] {
        let error = refused(Config::builder("k").host(host));
        assert!(error.contains("is not a host"), "{error}");
    }
    assert!(refused(Config::builder("k").port(0)).starts_with("\"0\" is not a port"));
    for path in ["x", "/a b", "/a?b", "/a#b", "/ä"] {
        let error = refused(Config::builder("k").path(path));
        assert!(error.contains("is not a path"), "{error}");
    }
    let pasted = refused(Config::builder("k").path("/app/k?token=hush#hush"));
    assert!(pasted.starts_with("\"/app/k?…\" is not a path"), "{pasted}");
    // What is not quoted is missed, so that the text says why.
    let why = "\"…\" (not shown: it may hold a secret) is not a ";
    for builder in [
        Config::builder("k:hush"),
        Config::builder("k").cluster("k:hush@eu"),
        Config::builder("k").host("http://k:hush@h"),
        Config::builder("k").path("https://k:hush@h/p"),
    ] {
        let error = refused(builder);
        assert!(error.contains(why) && !error.contains("hush"), "{error}");
    }
    for bytes in [0, 31, 33] {
        assert_eq!(
            refused(Config::builder("k").master_key(&vec![7; bytes])),
            format!("the master key has {bytes} bytes: it must have 32")
        );
    }
    let base64 = |text: &str| refused(Config::builder("k").master_key_base64(text));
    assert_eq!(base64("AAAA"), "the master key has 3 bytes: it must have 32");
    assert_eq!(base64("not base64!"), "the master key is not base64");
    let timeouts = Timeouts::default().pong(Duration::ZERO);
    assert!(refused(Config::builder("k").timeouts(timeouts)).contains("cannot be the pong"));
    let backoff = BackoffConfig::default().maximum(Duration::MAX);
    assert!(refused(Config::builder("k").backoff(backoff)).contains("maximum backoff"));
    let initial = Duration::from_secs(60);
    let backoff = BackoffConfig::default().initial(initial);
    assert!(refused(Config::builder("k").backoff(backoff)).contains("longer than the maximum"));
    for limits in [
        Limits::default().message(0),
        Limits::default().message(usize::MAX),
        Limits::default().channels(0),
    ] {
        assert!(refused(Config::builder("k").limits(limits)).contains("cannot be the limit"));
    }
}

#[test]
fn the_variables_of_pusher_are_read() {
    let read = |variables: &[(&str, &str)]| from_variables(variables).unwrap();
    assert_eq!(
        read(&[("PUSHER_URL", "https://k:s@api-eu.pusher.com/apps/1")]),
        ("wss://ws-eu.pusher.com:443/app/k".into(), true)
    );
    assert_eq!(
        read(&[("PUSHER_APP_KEY", "k"), ("PUSHER_APP_CLUSTER", "us2"), ("PUSHER_APP_ID", "1")]),
        ("wss://ws-us2.pusher.com:443/app/k".into(), false)
    );
    let local = [
        ("PUSHER_APP_KEY", "k"),
        ("PUSHER_APP_SECRET", "s"),
        ("PUSHER_APP_CLUSTER", "mt1"),
        ("PUSHER_HOST", "127.0.0.1"),
        ("PUSHER_PORT", "6001"),
        ("PUSHER_SCHEME", "http"),
    ];
    assert_eq!(read(&local), ("ws://127.0.0.1:6001/app/k".into(), true));
    assert_eq!(read(&local[..5]).0, "wss://127.0.0.1:6001/app/k");
    let empty = [("PUSHER_APP_KEY", "k"), ("PUSHER_HOST", ""), ("PUSHER_PORT", " ")];
    assert_eq!(read(&empty).0, "wss://ws-mt1.pusher.com:443/app/k");
    let both = [("PUSHER_URL", "http://k:s@h:1/apps/1"), ("PUSHER_PORT", "2")];
    assert_eq!(read(&both).0, "ws://h:2/app/k");
}

#[test]
fn a_host_may_be_pasted_with_its_scheme_its_port_and_a_slash() {
    let read = |variables: &[(&str, &str)]| {
        from_variables(&[&[("PUSHER_APP_KEY", "k")], variables].concat()).unwrap().0
    };
    let host = |value| read(&[("PUSHER_HOST", value)]);
    assert_eq!(host("http://example.org:6001/"), "ws://example.org:6001/app/k");
    assert_eq!(host("HTTPS://example.org"), "wss://example.org:443/app/k");
    assert_eq!(host("example.org:6001"), "wss://example.org:6001/app/k");
    assert_eq!(host("example.org/"), "wss://example.org:443/app/k");
    assert_eq!(host("[::1]:6001"), "wss://[::1]:6001/app/k");
    assert_eq!(host("::1"), "wss://[::1]:443/app/k");
    assert_eq!(host("https://api-eu.pusher.com"), "wss://ws-eu.pusher.com:443/app/k");
    // What has a variable of its own is said there.
    let variables =
        [("PUSHER_HOST", "http://h:6001"), ("PUSHER_PORT", "8080"), ("PUSHER_SCHEME", "HTTPS")];
    assert_eq!(read(&variables), "wss://h:8080/app/k");
    let reverb = [("REVERB_APP_KEY", "r"), ("REVERB_HOST", "http://h:8080/")];
    assert_eq!(from_variables(&reverb).unwrap().0, "ws://h:8080/app/r");
}

#[test]
fn the_variables_of_reverb_are_read_where_there_are_none_of_pusher() {
    let reverb = [
        ("REVERB_APP_KEY", "r"),
        ("REVERB_APP_SECRET", "s"),
        ("REVERB_HOST", "localhost"),
        ("REVERB_PORT", "8080"),
        ("REVERB_SCHEME", "http"),
    ];
    assert_eq!(from_variables(&reverb).unwrap(), ("ws://localhost:8080/app/r".into(), true));
    assert_eq!(
        from_variables(&reverb[..2]),
        Err(ConfigError::Missing { what: "REVERB_HOST" }),
        "its key is not for the hosted service"
    );
    let mut both = reverb.to_vec();
    both.push(("PUSHER_APP_KEY", "p"));
    assert_eq!(from_variables(&both).unwrap().0, "wss://ws-mt1.pusher.com:443/app/p");
}

#[test]
fn bad_variables_are_refused() {
    let key = ("PUSHER_APP_KEY", "k");
    let error = from_variables(&[]).expect_err("there is no key");
    assert!(matches!(error, ConfigError::NoVariable { what: "key", .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "no key was given: none of the variables PUSHER_URL, PUSHER_APP_KEY, REVERB_APP_KEY is set"
    );
    // What a backend needs, too, where it is missing: of the variables that were looked for, and no others.
    for (set, secret, app_id) in [
        ("PUSHER_APP_KEY", "PUSHER_URL, PUSHER_APP_SECRET", "PUSHER_URL, PUSHER_APP_ID"),
        ("PUSHER_URL", "PUSHER_APP_SECRET", "PUSHER_APP_ID"),
        ("REVERB_APP_KEY", "REVERB_APP_SECRET", "REVERB_APP_ID"),
    ] {
        for (what, variables) in [("secret", secret), ("app id", app_id)] {
            let error = ConfigError::Missing { what };
            let error = error.__of_variables(|name| (name == set).then(|| "sentinel".to_owned()));
            let told = match variables.contains(',') {
                true => format!("none of the variables {variables} is set"),
                false => format!("the variable {variables} is not set"),
            };
            assert_eq!(error.to_string(), format!("no {what} was given: {told}"));
        }
    }
    let refused = |name: &'static str, value: &str| {
        let error = from_variables(&[key, (name, value)]).expect_err(value);
        let ConfigError::Variable { name: named, problem } = &error else { panic!("{error:?}") };
        assert_eq!((*named, error.to_string()), (name, format!("{name} {problem}")));
        assert!(!error.to_string().contains(value), "{error}");
    };
    for port in ["x", "0", "65536", "+80", "8 0", "6001sEcret"] {
        refused("PUSHER_PORT", port);
    }
    refused("PUSHER_SCHEME", "gopher");
    refused("PUSHER_APP_KEY", "key:sEcret");
    refused("PUSHER_APP_CLUSTER", "EU");
    for host in ["https://key:sEcret@h", "key:sEcret@h", "sEcret@h", "h/path", "h:x", "gopher://h"]
    {
        refused("PUSHER_HOST", host);
    }
    assert!(from_variables(&[("PUSHER_URL", "nonsense")]).is_err());
}
