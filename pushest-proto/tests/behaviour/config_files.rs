//! A configuration that is read by serde.

use std::time::Duration;

use pushest_proto::{BackoffConfig, Config, ConfigBuilder, Limits, NameRules, SocketId, Timeouts};
use serde_json::{Value, json};

fn read(file: &Value) -> Result<Config, String> {
    let of_text = serde_json::from_str(&file.to_string()).map_err(|error| error.to_string());
    // The same for a source that says no place.
    let of_value: Result<Config, _> = serde_json::from_value(file.clone());
    assert_eq!(of_text.is_ok(), of_value.is_ok());
    of_text
}

/// The error without the place in the text.
#[track_caller]
fn refused(file: &Value) -> String {
    let error = read(file).map(|_| ()).expect_err("it is refused");
    error.rsplit_once(" at line").map_or(error.clone(), |(error, _)| error.to_string())
}

/// What the page shows says everything that a builder can be told.
#[test]
fn the_pages_example_is_the_configuration_that_a_builder_makes() {
    let page = include_str!("../../docs/serialized.md");
    let (_, section) = page.split_once("\n## A configuration\n").expect("a heading");
    let (_, block) = section.split_once("\n```json\n").expect("a block of JSON");
    let (block, _) = block.split_once("\n```\n").expect("its end");
    let config: Config = serde_json::from_str(block).expect("it is valid");

    let ms = Duration::from_millis;
    let mut timeouts = Timeouts::default();
    (timeouts.dial, timeouts.handshake, timeouts.activity) = (ms(5_000), ms(5_001), ms(60_000));
    (timeouts.pong, timeouts.subscribe) = (ms(10_000), ms(10_001));
    (timeouts.authorization, timeouts.stable) = (ms(10_002), ms(10_003));
    timeouts.pong_after_change = ms(10_004);
    let mut backoff = BackoffConfig::schedule([ms(1_000), ms(5_000)]);
    (backoff.initial, backoff.maximum) = (ms(500), ms(20_000));
    backoff.retry_after_limit = ms(60_000);
    let mut rules = NameRules::default();
    (rules.bytes, rules.extra_characters) = (106, ":#".into());
    let mut limits = Limits::default();
    (limits.message, limits.channels, limits.members) = (65_536, 100, 101);
    (limits.member_bytes, limits.stored_events, limits.stored_bytes) = (102, 103, 104);
    (limits.outgoing, limits.channel_name) = (105, rules);
    (limits.event_name, limits.event_data, limits.signed_data) = (107, 108, 109);
    let built = Config::builder("app-key")
        .app_id("123")
        .secret("app-secret")
        .master_key(b"01234567890123456789012345678901")
        .host("ws.example.org")
        .port(6001)
        .path("/realtime")
        .tls(true)
        .client_events_per_second(Some(10))
        .stop_on_refusal(true)
        .channel_statistics(true)
        .timeouts(timeouts)
        .backoff(backoff)
        .limits(limits)
        .build()
        .expect("valid");
    assert_eq!(format!("{config:?}"), format!("{built:?}"));
    let socket_id = SocketId::new("1.2").expect("a good id");
    let signed = |config: &Config| config.signer().expect("a secret").user(&socket_id, "{}");
    assert_eq!(signed(&config), signed(&built));
}

#[test]
fn what_is_not_said_is_as_a_builder_leaves_it() {
    let config = read(&json!({ "key": "app-key" })).expect("valid");
    let built = Config::builder("app-key").build().expect("valid");
    assert_eq!(format!("{config:?}"), format!("{built:?}"));
    let nulls = json!({ "key": "app-key", "secret": null, "port": null, "timeouts": null,
        "backoff": { "schedule_ms": null, "initial_ms": null }, "limits": { "channel_name": null },
        "client_events_per_second": null, "stop_on_refusal": null, "url": null, "cluster": null });
    assert_eq!(format!("{:?}", read(&nulls).expect("valid")), format!("{built:?}"));
    let partly = json!({ "key": "app-key", "timeouts": { "dial_ms": 7 }, "cluster": "eu" });
    let config = read(&partly).expect("valid");
    let expected = built.timeouts().clone().dial(Duration::from_millis(7));
    assert_eq!(config.timeouts(), &expected);
    assert_eq!(config.endpoint().host(), "ws-eu.pusher.com");
}

#[test]
fn of_a_url_counts_what_no_other_setting_says_wherever_it_stands() {
    let url = "pushers://app-key:url-secret@example.org:6001/realtime";
    for file in [
        format!(r#"{{"url":"{url}","host":"other.example","key":"other"}}"#),
        format!(r#"{{"host":"other.example","key":"other","url":"{url}"}}"#),
    ] {
        let config: Config = serde_json::from_str(&file).expect("valid");
        assert_eq!((config.key(), config.endpoint().host()), ("other", "other.example"));
        assert_eq!((config.endpoint().port(), config.endpoint().path()), (6001, "/realtime"));
        assert!(config.has_secret() && config.endpoint().is_tls());
    }
}

#[test]
fn numbers_and_truth_values_may_be_texts() {
    let config = read(&json!({ "key": "k", "host": "localhost", "port": "6001", "tls": "true",
        "client_events_per_second": "3", "timeouts": { "dial_ms": "50" } }));
    let config = config.expect("valid");
    assert_eq!((config.endpoint().port(), config.endpoint().is_tls()), (6001, true));
    assert_eq!(config.timeouts().dial, Duration::from_millis(50));
    let unlimited = json!({ "key": "k", "client_events_per_second": "unlimited" });
    assert!(
        format!("{:?}", read(&unlimited).expect("valid"))
            .contains("client_events_per_second: None")
    );
}

#[test]
fn what_breaks_a_rule_is_refused_in_the_words_of_the_builder() {
    let key = |settings: Value| {
        let mut all = json!({ "key": "app-key" });
        all.as_object_mut().expect("a map").extend(settings.as_object().expect("a map").clone());
        all
    };
    let builder = || Config::builder("app-key");
    let timeouts = |dial| Timeouts::default().dial(dial);
    let limits = |message| Limits::default().message(message);
    let too_many: Vec<Duration> = vec![Duration::from_secs(1); 1_000];
    for (file, builder) in [
        (json!({}), ConfigBuilder::default()),
        (json!({ "key": "a key" }), Config::builder("a key")),
        (json!({ "key": "KEY:SECRET" }), Config::builder("KEY:SECRET")),
        (key(json!({ "secret": " " })), builder().secret(" ")),
        (key(json!({ "app_id": "." })), builder().app_id(".")),
        (key(json!({ "cluster": "EU" })), builder().cluster("EU")),
        (key(json!({ "host": "http://x" })), builder().host("http://x")),
        (key(json!({ "port": 0 })), builder().port(0)),
        (key(json!({ "path": "x y" })), builder().path("x y")),
        (
            key(json!({ "client_events_per_second": 0 })),
            builder().client_events_per_second(Some(0)),
        ),
        (key(json!({ "master_key_base64": "AAAA" })), builder().master_key_base64("AAAA")),
        (key(json!({ "master_key_base64": "%%" })), builder().master_key_base64("%%")),
        (
            key(json!({ "timeouts": { "dial_ms": 0 } })),
            builder().timeouts(timeouts(Duration::ZERO)),
        ),
        (
            key(json!({ "timeouts": { "dial_ms": u64::MAX } })),
            builder().timeouts(timeouts(Duration::from_millis(u64::MAX))),
        ),
        (key(json!({ "limits": { "message": 0 } })), builder().limits(limits(0))),
        (
            key(json!({ "backoff": { "schedule_ms": [] } })),
            builder().backoff(BackoffConfig::schedule([])),
        ),
        (
            key(json!({ "backoff": { "schedule_ms": vec![1_000; 1_000] } })),
            builder().backoff(BackoffConfig::schedule(too_many.clone())),
        ),
    ] {
        let of_builder = builder.build().expect_err("the builder refuses it").to_string();
        assert_eq!(refused(&file), of_builder, "{file}");
    }
    let url = "pusher://KEY:SECRET@host:nine";
    let of_builder = ConfigBuilder::default().url(url).expect_err("no port").to_string();
    assert_eq!(refused(&json!({ "url": url })), of_builder);
}

#[test]
fn an_unknown_setting_is_refused_by_name() {
    for (file, name) in [
        (json!({ "key": "k", "secrte": "s" }), "unknown field `secrte`, expected one of `url`"),
        (json!({ "key": "k", "timeouts": { "dial": 5 } }), "unknown field `timeouts.dial`"),
        (json!({ "key": "k", "backoff": { "jitter": 5 } }), "unknown field `backoff.jitter`"),
        (
            json!({ "key": "k", "limits": { "channel_name": { "byte": 1 } } }),
            "unknown field `limits.channel_name.byte`",
        ),
        (json!({ "pusher://KEY:SECRET@host": 1 }), "unknown field `…`"),
    ] {
        let error = refused(&file);
        assert!(error.starts_with(name), "{error}");
        assert!(!error.contains("SECRET"), "{error}");
    }
    let long = "x".repeat(100_000);
    assert!(refused(&json!({ "key": "k", long: 1 })).len() < 1_000);
    let twice: Result<Config, _> = serde_json::from_str(r#"{"key":"a","key":"b"}"#);
    assert!(twice.expect_err("twice").to_string().starts_with("duplicate field `key`"));
}

#[test]
fn a_value_of_another_type_is_refused_by_the_name_of_its_setting_and_quoted_nowhere() {
    let wrong = [
        json!("hunter2"),
        json!(["hunter2"]),
        json!({ "hunter:2": "hunter2" }),
        json!(-7_777_777),
        json!(7_777.777),
        json!(7_777_777_777_777_777_777_u64),
        json!(true),
    ];
    let mut refusals = 0;
    let text = ["key", "app_id", "secret", "master_key_base64", "cluster", "host", "path", "url"];
    let others =
        ["port", "tls", "client_events_per_second", "stop_on_refusal", "timeouts", "backoff"];
    for setting in text.into_iter().chain(others).chain(["limits"]) {
        for value in &wrong {
            let Err(error) = read(&json!({ setting: value })) else { continue };
            refusals += 1;
            assert!(!error.contains("hunter") && !error.contains("7777"), "{setting}: {error}");
        }
    }
    assert!(refusals > 60, "{refusals}");
    for (file, error) in [
        (json!({ "secret": 12_345 }), "`secret` must be a text, in quotes"),
        (json!({ "port": 70_000 }), "`port` must be a number from 1 to 65535"),
        (json!({ "tls": "yes" }), "`tls` must be true or false"),
        (json!({ "timeouts": 5 }), "`timeouts` must be a table of settings"),
        (
            json!({ "timeouts": { "dial_ms": 1.5 } }),
            "`timeouts.dial_ms` must be a whole number of milliseconds",
        ),
        (
            json!({ "backoff": { "schedule_ms": ["SECRET"] } }),
            "`backoff.schedule_ms` must be a whole number of milliseconds",
        ),
        (
            json!({ "backoff": { "schedule_ms": 5 } }),
            "`backoff.schedule_ms` must be a list of whole numbers of milliseconds",
        ),
        (json!({ "limits": { "message": -1 } }), "`limits.message` must be a whole number"),
        (
            json!({ "client_events_per_second": "many" }),
            "`client_events_per_second` must be a whole number, or \"unlimited\"",
        ),
        (json!("pusher://KEY:SECRET@host"), "a configuration must be a table of settings"),
    ] {
        assert_eq!(refused(&file), error, "{file}");
    }
}

#[test]
fn a_builder_is_read_without_what_is_still_to_be_told() {
    let builder: ConfigBuilder =
        serde_json::from_str(r#"{ "cluster": "eu" }"#).expect("no key yet");
    let config = builder.key("app-key").secret("app-secret").build().expect("valid");
    assert!(config.has_secret());
    let debug = format!("{config:?}");
    assert!(!debug.contains("app-secret"), "{debug}");
}

/// With serde_json's `arbitrary_precision`, which any crate of a program may switch on for all of it,
/// each number comes as a map of this form.
#[test]
fn numbers_are_read_in_the_form_that_arbitrary_precision_gives_them() {
    let number = |text: &str| json!({ "$serde_json::private::Number": text });
    let file = |port: &Value| {
        json!({
            "key": "k", "host": "h", "port": port, "client_events_per_second": number("7"),
            "timeouts": { "dial_ms": number("5000") }, "limits": { "channels": number("9") },
            "backoff": { "schedule_ms": [number("1"), number("2")] },
        })
    };
    let config = read(&file(&number("6001"))).expect("valid");
    assert_eq!(config.endpoint().port(), 6001);
    assert_eq!(config.timeouts().dial, Duration::from_millis(5000));
    assert_eq!(config.limits().channels, 9);
    for text in ["70000", "-1", "1.5", "6e3", ""] {
        let error = refused(&file(&number(text)));
        assert_eq!(error, "`port` must be a number from 1 to 65535", "{text}");
    }
    let error = refused(&json!({ "secret": number("12345") }));
    assert_eq!(error, "`secret` must be a text, in quotes");
}
