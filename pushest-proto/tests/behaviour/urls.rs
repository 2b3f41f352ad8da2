//! Configurations from URLs.

use pushest_proto::{Config, ConfigError, Endpoint, Signer, SocketId};

use crate::configuring::address;

fn from_url(url: &str) -> Result<(String, bool), ConfigError> {
    Config::from_url(url).map(|config| (address(&config), config.has_secret()))
}

#[test]
fn urls_are_read() {
    let read = |url: &str| from_url(url).unwrap();
    assert_eq!(read("pusher://k:s@host:6001/p/q"), ("ws://host:6001/p/q/app/k".into(), true));
    assert_eq!(read("pusher://k@host"), ("ws://host:80/app/k".into(), false));
    assert_eq!(read("pusher://k:s@host:443"), ("ws://host:443/app/k".into(), true));
    assert_eq!(read("pushers://k:s@host/"), ("wss://host:443/app/k".into(), true));
    assert_eq!(read("PUSHERS://k:s%3A%40@[::1]:8443"), ("wss://[::1]:8443/app/k".into(), true));
    assert_eq!(
        read("https://k:s@api-eu.pusher.com/apps/123"),
        ("wss://ws-eu.pusher.com:443/app/k".into(), true)
    );
    assert_eq!(read("https://k:s@API-EU.pusher.com/apps/1").0, "wss://ws-eu.pusher.com:443/app/k");
    assert_eq!(
        read("http://k:s@api.pusherapp.com/apps/123"),
        ("ws://ws-mt1.pusher.com:80/app/k".into(), true)
    );
    assert_eq!(
        read("Https://k:s@api-eu.pusher.com/apps/123/").0,
        "wss://ws-eu.pusher.com:443/app/k"
    );
    assert_eq!(read("pusher://k:s@host//").0, "ws://host:80/app/k");
    assert_eq!(read("pusher://k:s@host/p//").0, "ws://host:80/p/app/k");
    assert_eq!(read(" pusher://k:s@host\n").0, "ws://host:80/app/k");
    assert_eq!(
        read("http://k:s@127.0.0.1:6001/apps/app-id"),
        ("ws://127.0.0.1:6001/app/k".into(), true)
    );
}

#[test]
fn ws_and_wss_are_read_as_pusher_and_pushers() {
    let read = |url: &str| from_url(url).unwrap();
    assert_eq!(read("ws://k:s@host:6001/p"), ("ws://host:6001/p/app/k".into(), true));
    assert_eq!(read("WSS://k:s@host"), ("wss://host:443/app/k".into(), true));
    assert_eq!(read("ws://k@host:443"), ("ws://host:443/app/k".into(), false));
}

#[test]
fn the_websockets_own_url_is_read_as_browsers_show_it() {
    let read = |url: &str| from_url(url).unwrap();
    let query = "?protocol=7&client=js&version=8.4.0&flash=false";
    for (url, address) in [
        ("ws://host:6001/app/k", "ws://host:6001/app/k"),
        ("ws://host/p/q/app/k/", "ws://host:80/p/q/app/k"),
        ("Wss://host/app/app/k", "wss://host:443/app/app/k"),
        ("wss://[::1]:8443/app/k", "wss://[::1]:8443/app/k"),
        ("wss://ws-eu.pusher.com/app/k", "wss://ws-eu.pusher.com:443/app/k"),
    ] {
        assert_eq!(read(url), (address.into(), false), "{url}");
        assert_eq!(read(&format!("{url}{query}")), (address.into(), false), "{url}");
    }
    // Somebody added what signs.
    let url = format!("wss://k:s@host/p/app/k{query}");
    assert_eq!(read(&url), ("wss://host:443/p/app/k".into(), true));
    // The hosted service is known by its host.
    let hosted = |url| Config::from_url(url).unwrap().endpoint().is_hosted();
    assert!(hosted("wss://ws-eu.pusher.com/app/k"));
    assert!(!hosted("wss://ws-eu.example.org/app/k"));
}

#[test]
fn a_percent_encoded_secret_signs_like_the_plain_one() {
    use crate::harness::{Harness, SECRET};
    let encoded: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let key = crate::harness::KEY;
    let url = format!("pusher://{key}:{encoded}@localhost:6001");
    let config = pushest_proto::ConfigBuilder::default().url(&url).unwrap();
    let mut harness = Harness::new(config);
    harness.connect();
    harness.subscribe("private-foobar");
    assert!(harness.sent()[0].contains("58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369"));
}

#[test]
fn what_is_not_percent_encoded_is_refused_with_that_hint() {
    for url in [
        "pusher://key:se@cret:sEcret/more@host",
        "pusher://key:pa@sEcret/x@host",
        "pusher://key:pa/sEcret@host",
        "pusher://key:pa?sEcret@host",
        "pusher://key:pa#sEcret@host",
        "pusher://key:pa:sEcret@host",
        "pusher://key:pa@sEcret@host",
        "pusher://key:%sEcret@host",
        "pusher://key:pa%2sEcret@host",
        "pusher://key:pa\\sEcret@host",
        "pusher://key:pa sEcret@host",
        "pusher://key:sécret@host",
        "pusher://k@y:sEcret@host",
        "pusher://k/y:sEcret@host",
        "ws://key:pa/app/sEcret@host",
        "wss://host/app/key?auth=a@b",
        "https://key:pa/apps/1@sEcret@host/apps/1",
    ] {
        let error = Config::from_url(url).expect_err(url).to_string();
        assert!(error.contains("percent-encoded") && error.contains("%40"), "{url}: {error}");
        assert!(!error.contains("sEcret"), "{error}");
    }
    // Encoded, or harmless as it is, each of them signs.
    let socket_id = SocketId::new("1.2").unwrap();
    for (encoded, secret) in [
        ("a%40b%3Ac%2Fd%3Fe%23f%25g", "a@b:c/d?e#f%g"),
        ("%C3%A9%20", "é "),
        ("a!$&'()*+,;=-._~z", "a!$&'()*+,;=-._~z"),
    ] {
        let config = Config::from_url(&format!("pusher://key:{encoded}@host")).unwrap();
        let auth = |signer: &Signer| signer.channel(&socket_id, "private-a", None);
        assert_eq!(config.signer().map(auth), Some(auth(&Signer::new("key", secret))));
    }
}

#[test]
fn malformed_urls_are_refused() {
    for url in [
        "",
        "k:s@host",
        "wss://",
        "ws://host",
        "ws://host/app/",
        "ws://host/app/k/more",
        "ws://host/app/k#fragment",
        "ws://host/app/k%2f",
        "ws://k:s@host/app/other",
        "ws://k:s@host/path?protocol=7",
        "pusher://host/app/k",
        "pusher://host",
        "pusher://k:s@",
        "pusher://k:s@:80",
        "pusher://k:s@host:",
        "pusher://k:s@host:0",
        "pusher://k:s@host:65536",
        "pusher://k:s@host:8o",
        "pusher://k:s@host:+80",
        "pusher://k:s@[::1",
        "pusher://k:s@[::1]x",
        "pusher://:s@host",
        "https://k:s@host/nonsense",
        "https://k:s@host/prefix/apps/1",
        "https://k:s@host",
        "pusher://k:@host",
        "pusher://k:s@host/a?b",
        "pusher://%ff:s@host",
        "pusher://k:s@ho st",
        "pusher://k:s@host/ä",
        "pusher://k:s@host/a b",
        "pusher://k:s@fe80::1",
        "pusher://k:s@[fe80::1%25]",
        "pusher://k:s@[1.2.3.4%25eth0]",
        "pusher://k:s@host%25eth0",
        "pusher://k:s@a%40b",
        "pusher://k:s@\u{202e}host",
        "pusher://k:%20@host",
    ] {
        assert!(from_url(url).is_err(), "{url}");
    }
}

#[test]
fn a_name_beyond_ascii_stays_as_it_was_given_until_a_driver_makes_it_ascii() {
    for url in ["pushers://k@bücher.example:6001/p", "pushers://k@b%C3%BCcher.example:6001/p"] {
        let config = Config::from_url(url).unwrap();
        let endpoint = config.endpoint();
        assert_eq!(endpoint.host(), "bücher.example");
        let ascii = endpoint.clone().with_host("xn--bcher-kva.example").unwrap();
        assert_eq!(
            ascii.url("k").split_once('?').unwrap().0,
            "wss://xn--bcher-kva.example:6001/p/app/k"
        );
        assert_eq!(ascii.with_host("bücher.example").as_ref(), Ok(endpoint));
    }
}

#[test]
fn the_zone_of_an_address_is_for_the_system_alone() {
    let url = |host: &str| Config::from_url(&format!("pusher://k@{host}:6001")).unwrap();
    let configs = [
        url("[fe80::1%25eth0]"),
        url("[fe80::1%eth0]"),
        Config::builder("k").host("fe80::1%eth0").port(6001).tls(false).build().unwrap(),
        Config::builder("k").host("[fe80::1%eth0]").port(6001).tls(false).build().unwrap(),
    ];
    for config in configs {
        let endpoint = config.endpoint();
        assert_eq!(endpoint.host(), "fe80::1");
        assert_eq!(endpoint.zone(), Some("eth0"));
        assert_eq!(endpoint.host_with_zone(), "fe80::1%eth0");
        assert_eq!(endpoint.authority(), "[fe80::1]:6001");
        assert_eq!(address(&config), "ws://[fe80::1]:6001/app/k");
        assert!(format!("{endpoint:?}").contains("fe80::1%eth0"));
    }
    for host in ["fe80::1%", "fe80::1%a/b", "fe80::1%a%b", "1.2.3.4%eth0", "host%eth0"] {
        assert!(Endpoint::new(host).is_err(), "{host}");
    }
    let mapped = Endpoint::new("::ffff:127.0.0.1").unwrap().with_port(1).unwrap();
    assert_eq!((mapped.authority().as_str(), mapped.zone()), ("[::ffff:127.0.0.1]:1", None));
}
