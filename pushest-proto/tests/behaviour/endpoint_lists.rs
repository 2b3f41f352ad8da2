//! Lists of endpoints, as they are given: every spelling of one, and what is refused.

use pushest_proto::{Config, ConfigBuilder, ConfigError, Endpoint};

fn builder() -> ConfigBuilder {
    Config::builder("app-key")
}

fn urls(builder: ConfigBuilder) -> Vec<String> {
    builder.build().unwrap().endpoints().iter().map(ToString::to_string).collect()
}

fn error(list: &[&str]) -> ConfigError {
    builder().endpoints(list).build().expect_err(&format!("{list:?}"))
}

#[test]
fn an_endpoint_of_a_list_is_a_host_with_or_without_a_port_or_a_url() {
    let list = [
        "a.example",
        "B.example:6001",
        "127.0.0.1:6002",
        "::1",
        "[::2]",
        "[::3]:6003",
        "[fe80::1%eth0]:6004",
        "ws://c.example/realtime/",
        "WSS://d.example",
        "wss://[::4]:8443/rt",
        "e.example:443",
        "bücher.example",
    ];
    let expected = [
        "ws://a.example:80",
        "ws://B.example:6001",
        "ws://127.0.0.1:6002",
        "ws://[::1]:80",
        "ws://[::2]:80",
        "ws://[::3]:6003",
        "ws://[fe80::1%eth0]:6004",
        "ws://c.example:80/realtime",
        "wss://d.example:443",
        "wss://[::4]:8443/rt",
        "wss://e.example:443",
        "ws://bücher.example:80",
    ];
    assert_eq!(urls(builder().endpoints(list)), expected);
    // As they are written they can be given again.
    assert_eq!(urls(builder().endpoints(expected)), expected);
    let config = builder().endpoints(list).build().unwrap();
    assert_eq!(config.endpoint(), &config.endpoints()[0]);
    assert!(format!("{config:?}").contains("d.example"));
}

#[test]
fn port_path_and_tls_hold_for_those_that_do_not_say_it_themselves() {
    let config = builder().endpoints(["a", "b:1", "ws://c", "wss://d:2/own"]);
    assert_eq!(
        urls(config.clone().port(6001).path("/rt").tls(true)),
        ["wss://a:6001/rt", "wss://b:1/rt", "ws://c:6001/rt", "wss://d:2/own"]
    );
    assert_eq!(urls(config.tls(true)), ["wss://a:443", "wss://b:1", "ws://c:80", "wss://d:2/own"]);
    let of_url = ConfigBuilder::default().url("pushers://k:s@h:6001/rt").unwrap();
    assert_eq!(urls(of_url.endpoints(["a", "b"])), ["wss://a:6001/rt", "wss://b:6001/rt"]);
}

#[test]
fn the_later_of_a_host_and_a_list_counts_and_both_win_over_a_cluster() {
    let list = ["a", "b"];
    assert_eq!(urls(builder().host("h").endpoints(list)), ["ws://a:80", "ws://b:80"]);
    assert_eq!(urls(builder().endpoints(list).host("h")), ["ws://h:80"]);
    assert_eq!(urls(builder().endpoints(["c", "d"]).endpoints(["e"])), ["ws://e:80"]);
    for config in [builder().cluster("eu").endpoints(list), builder().endpoints(list).cluster("eu")]
    {
        assert_eq!(urls(config), ["ws://a:80", "ws://b:80"]);
    }
    let url = "pusher://k:s@h:6001";
    assert_eq!(urls(builder().endpoints(list).url(url).unwrap()), ["ws://h:6001"]);
    assert_eq!(urls(builder().endpoints(list).without_address()), ["wss://ws-mt1.pusher.com:443"]);
    let variables = |name: &str| (name == "PUSHER_HOST").then(|| "h".to_owned());
    assert_eq!(urls(builder().endpoints(list).variables(variables).unwrap()), ["wss://h:443"]);
    let hosted = |name: &str| (name == "PUSHER_HOST").then(|| "api-eu.pusher.com".to_owned());
    let hosted = builder().endpoints(list).variables(hosted).unwrap();
    assert_eq!(urls(hosted), ["wss://ws-eu.pusher.com:443"]);
    // Reverb's variables need a host, unless there is a list.
    let reverb = |name: &str| (name == "REVERB_APP_KEY").then(|| "k".to_owned());
    let of_reverb = ConfigBuilder::default().endpoints(list).variables(reverb).unwrap();
    assert_eq!(urls(of_reverb), ["ws://a:80", "ws://b:80"]);
}

#[test]
fn a_variable_names_one_host() {
    let two = |name: &str| (name == "PUSHER_HOST").then(|| "a.example,b.example".to_owned());
    let error = builder().variables(two).unwrap_err().to_string();
    assert!(error.starts_with("PUSHER_HOST is not a host"), "{error}");
}

#[test]
fn a_list_without_an_endpoint_and_one_that_is_too_long_are_refused() {
    assert_eq!(error(&[]), ConfigError::NoEndpoints);
    assert!(error(&[]).to_string().contains("empty"));
    let many: Vec<String> = (0..33).map(|number| format!("node-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(error(&many), ConfigError::TooManyEndpoints { limit: 32 });
    assert!(error(&many).to_string().contains("more than 32 entries"));
    assert_eq!(urls(builder().endpoints(&many[..32])).len(), 32);
    // However long it is.
    let endless = (0_u64..).map(|number| format!("node-{number}"));
    let error = builder().endpoints(endless).build().unwrap_err();
    assert_eq!(error, ConfigError::TooManyEndpoints { limit: 32 });
}

#[test]
fn the_same_endpoint_twice_is_refused_however_it_is_spelled() {
    let spellings = [
        ("a.example", "a.example"),
        ("a.example", "A.Example"),
        ("a.example", "a.example."),
        ("a.example", "a.example:80"),
        ("a.example", "ws://a.example/"),
        ("a.example:443", "wss://a.example"),
        // With and without TLS.
        ("ws://a.example:443", "wss://a.example"),
        ("ws://a.example", "wss://a.example:80"),
        ("ws://a.example:6001", "wss://a.example:6001"),
        ("[::1]:6001", "[0:0:0:0:0:0:0:1]:6001"),
        ("::1", "[::1]"),
        ("[2001:DB8::A]", "2001:db8:0::000a"),
        ("127.0.0.1:6001", "[::ffff:127.0.0.1]:6001"),
        ("127.0.0.1", "127.0.0.1."),
        ("bücher.example", "BÜCHER.example"),
        ("[fe80::1%eth0]", "fe80:0::1%eth0"),
        ("ws://a.example/rt", "ws://a.example/rt/"),
    ];
    for (one, other) in spellings {
        for list in [[one, "between", other], [other, "between", one]] {
            let error = error(&list);
            assert!(matches!(error, ConfigError::SameEndpoint { .. }), "{list:?}: {error}");
            assert!(error.to_string().contains("in the list of endpoints twice"), "{error}");
        }
        let defaults = [one, other].map(|text| builder().endpoints([text]).build().unwrap());
        assert!(defaults[0].endpoint().is_same(defaults[1].endpoint()));
    }
    // The port of the builder is part of it.
    let list = builder().port(6001).endpoints(["a", "a:6001"]).build().unwrap_err().to_string();
    assert!(list.contains("ws://a:6001 is in the list"), "{list}");
    for (one, other) in [
        ("a.example", "b.example"),
        ("a.example", "a.example:6001"),
        ("ws://a.example:6001/1", "ws://a.example:6001/2"),
        ("[fe80::1%eth0]", "[fe80::1%eth1]"),
        ("ws://a.example:8080", "wss://a.example:8443"),
        // Ports 80 and 443.
        ("ws://a.example", "wss://a.example"),
    ] {
        assert_eq!(urls(builder().endpoints([one, other])).len(), 2, "{one} {other}");
    }
}

#[test]
fn what_is_no_endpoint_is_named_with_its_place_and_nothing_of_a_secret_is() {
    for junk in [
        "",
        " ",
        "a b",
        "-a",
        ".a",
        "a,b",
        "a/path",
        "a..b",
        "..",
        "a.b..",
        "http/x",
        "%zz",
        "a\u{200b}b",
        "\u{1b}[2J",
    ] {
        let error = error(&["good", junk]);
        let expected = ConfigError::Endpoint { endpoint: error_value(junk), number: 2 };
        assert_eq!(error, expected, "{junk:?}");
        assert!(error.to_string().contains("number 2 of the list, is not an endpoint"), "{error}");
    }
    for hushed in [
        "hush@a",
        "key:hush@a",
        "key:hush",
        "ws://key:hush@a",
        "pusher://key:hush@a:6001",
        "http://key:hush",
        "ws://a:hush/x",
        "::1:hush",
        "fe80::1%",
        "[10.0.0.1]:hush",
        "[10.0.0.1]",
        "a..b:80",
        "ws://a/x?hush",
        "ws://a/x#hush",
        "ws://",
        "ws:///hush",
        "a:1:2:hush",
        "a:+80",
        "a: 80",
        "a:",
        "[::1",
        "[::1]x",
        "[a]",
    ] {
        let error = error(&[hushed]);
        assert!(matches!(error, ConfigError::Endpoint { number: 1, .. }), "{hushed}: {error}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{hushed}: {error}");
        assert!(!format!("{:?}", builder().endpoints([hushed])).contains("hush"), "{hushed}");
    }
    // A number may be a password, but for that of an address.
    for (list, port) in [
        ("a:0", "0"),
        ("a:70000", "***"),
        ("[::1]:65536", "65536"),
        ("ws://10.0.0.1:99999/x", "99999"),
        ("10.0.0.1:12345678901", "***"),
    ] {
        assert_eq!(error(&[list]), ConfigError::Port { port: port.to_owned() });
    }
    for hushed in ["a:123456", "a:1234567890", "a:12345678901234567890", "ws://a:99999/x"] {
        assert_eq!(error(&[hushed]), ConfigError::Port { port: "***".to_owned() });
    }
    // Scheme and host are shown of what has no `@`.
    for (text, shown) in [
        ("http://a.example:6001/x", "http://a.example…"),
        ("https://a.example", "https://a.example…"),
        ("a.example:+80", "a.example…"),
        ("ws://a.example/x?y", "ws://a.example…"),
        ("ws://hush@a.example:6001", "…"),
        ("[::1]x", "…"),
    ] {
        let expected = ConfigError::Endpoint { endpoint: shown.to_owned(), number: 1 };
        assert_eq!(error(&[text]), expected, "{text}");
    }
    assert_eq!(
        builder().port(0).endpoints(["a", "b"]).build().unwrap_err(),
        ConfigError::Port { port: "0".to_owned() }
    );
    assert!(matches!(
        builder().path("x").endpoints(["a", "b"]).build(),
        Err(ConfigError::Path { .. })
    ));
}

#[test]
fn an_address_that_may_end_in_a_port_needs_brackets_in_a_list() {
    for text in ["::1:6001", "fe80::1:443", "2001:db8::1:80", "ws://::1:6001/rt", "1::2:3"] {
        let error = error(&["a", text]);
        let address = text.trim_start_matches("ws://").trim_end_matches("/rt");
        assert_eq!(error, ConfigError::Brackets { address: address.to_owned() });
        let text = error.to_string();
        assert!(text.contains(&format!("[{address}]")) && text.contains("[::1]:6001"), "{text}");
    }
    // The whole of these is an address.
    for address in ["::1", "fe80::abc:f", "2001:db8:0:1:2:3:4:80", "::1:0", "::2:6001%eth0"] {
        let list = urls(builder().endpoints([address]));
        assert!(list[0].starts_with("ws://[") && list[0].ends_with("]:80"), "{list:?}");
    }
    assert_eq!(urls(builder().endpoints(["[::1:6001]"])), ["ws://[::1:6001]:80"]);
}

/// A value as errors show it.
fn error_value(text: &str) -> String {
    if text.contains(':') { "…".to_owned() } else { text.to_owned() }
}

#[test]
fn an_endpoint_is_written_as_it_can_be_read() {
    for url in ["ws://a:80", "wss://a:443/rt", "ws://[::1]:6001", "wss://[fe80::1%eth0]:8443/x"] {
        let config = builder().endpoints([url]).build().unwrap();
        assert_eq!(config.endpoint().to_string(), url);
    }
    assert_eq!(Endpoint::cluster("eu").unwrap().to_string(), "wss://ws-eu.pusher.com:443");
}

#[cfg(feature = "serde")]
mod files {
    use serde_json::{Value, json};

    use super::*;

    fn read(file: &Value) -> Result<Vec<String>, String> {
        let config: Result<Config, _> = serde_json::from_value(file.clone());
        let config = config.map_err(|error| error.to_string())?;
        Ok(config.endpoints().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_file_has_a_list() {
        let file = json!({ "key": "k", "port": 6001, "endpoints": ["a", "wss://b:8443"] });
        assert_eq!(read(&file).unwrap(), ["ws://a:6001", "wss://b:8443"]);
        let of_url = json!({ "url": "pushers://k:s@h:6001/rt", "endpoints": ["a", "b"] });
        assert_eq!(read(&of_url).unwrap(), ["wss://a:6001/rt", "wss://b:6001/rt"]);
        let beside = json!({ "key": "k", "cluster": "eu", "endpoints": ["a"] });
        assert_eq!(read(&beside).unwrap(), ["ws://a:80"]);
        let absent = json!({ "key": "k", "host": "h", "endpoints": null });
        assert_eq!(read(&absent).unwrap(), ["ws://h:80"]);
    }

    #[test]
    fn what_is_wrong_with_it_is_said() {
        for (list, text) in [
            (json!([]), "the list of endpoints is empty"),
            (json!(["a", "A."]), "twice"),
            (json!(["a b"]), "is not an endpoint"),
            (json!("a"), "`endpoints` must be a list of texts"),
            (json!([7]), "`endpoints` must be"),
            (json!([null]), "`endpoints` must be"),
            (json!({}), "`endpoints` must be"),
            (json!(vec!["a"; 100_000]), "more than 32"),
        ] {
            let error = read(&json!({ "key": "k", "endpoints": list })).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
        let both = json!({ "key": "k", "host": "h", "endpoints": ["a"] });
        assert!(read(&both).unwrap_err().contains("a host was given beside a list of endpoints"));
        let secret = json!({ "key": "k", "endpoints": ["pusher://k:hush@h"] });
        assert!(!read(&secret).unwrap_err().contains("hush"));
    }
}
