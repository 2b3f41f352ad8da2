//! Keys and ids stand in request lines, headers and signed texts: what could break out of them is refused,
//! wherever it comes from (docs/protocol.md#signed-requests).

use crate::{KEY, SECRET};
use pushest_proto::webhook::Webhooks;
use pushest_proto::{Config, ConfigError};

const BAD: [&str; 19] = [
    "a\nb",
    "a\n",
    "\na",
    "a\r\nX-Evil: 1",
    "a\tb",
    "a\0b",
    "a b",
    "a ",
    "a:b",
    "a@b",
    "a/b",
    "a?b",
    "a#b",
    "a&b",
    "a=b",
    "a%0Ab",
    "\u{e9}",
    "a\u{2028}b",
    "a\u{202e}b",
];

#[test]
fn of_a_builder() {
    for bad in BAD {
        let key = Config::builder(bad).app_id("3").secret(SECRET).build().unwrap_err();
        let id = Config::builder(KEY).app_id(bad).secret(SECRET).build().unwrap_err();
        let of_webhooks = Webhooks::new(bad, SECRET).unwrap_err();
        assert!(matches!(key, ConfigError::Key { .. }), "{bad:?}: {key}");
        assert!(matches!(id, ConfigError::AppId { .. }), "{bad:?}: {id}");
        assert_eq!(of_webhooks, key);
        for text in [key.to_string(), id.to_string()] {
            let odd = |character: char| character.is_control() || !character.is_ascii();
            assert!(!text.replace(['\u{e9}', '…'], "").contains(odd), "{text}");
        }
    }
    for (key, id) in [("", "3"), (KEY, ""), (KEY, "."), (KEY, "..")] {
        Config::builder(key).app_id(id).secret(SECRET).build().unwrap_err();
    }
    // As long as it is, of it only the beginning is repeated.
    let long = "k".repeat(100_000);
    let errors = [Config::builder(&long).build(), Config::builder(KEY).app_id(&long).build()];
    for error in errors.map(Result::unwrap_err) {
        assert!(format!("{error}{error:?}").len() < 1000);
    }
}

#[test]
fn of_variables() {
    let read = |name: &'static str, value: &str| {
        let given =
            [("PUSHER_APP_KEY", KEY), ("PUSHER_APP_ID", "3"), ("PUSHER_APP_SECRET", SECRET)];
        Config::from_variables(|other| match given.iter().find(|(known, _)| *known == other) {
            Some(_) if other == name => Some(value.to_owned()),
            found => found.map(|(_, value)| (*value).to_owned()),
        })
    };
    for name in ["PUSHER_APP_KEY", "PUSHER_APP_ID"] {
        for bad in BAD {
            // What stands around it got there by pasting, or from a file.
            if bad.trim() == "a" {
                let config = read(name, bad).unwrap();
                assert!(config.key() == "a" || config.app_id() == Some("a"), "{bad:?}");
                continue;
            }
            let error = read(name, bad).unwrap_err();
            assert!(matches!(error, ConfigError::Variable { .. }), "{bad:?}: {error}");
            let text = error.to_string();
            assert!(text.starts_with(name) && !text.contains(bad), "{text}");
        }
    }
}

#[test]
fn of_a_url() {
    for bad in BAD {
        let encoded: String = bad.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for url in [
            format!("pusher://{encoded}:{SECRET}@localhost"),
            format!("ws://localhost/app/{encoded}"),
            format!("http://{encoded}:{SECRET}@localhost/apps/3"),
            format!("http://{KEY}:{SECRET}@localhost/apps/{encoded}"),
            format!("http://{KEY}:{SECRET}@localhost/apps/{bad}"),
        ] {
            // Around a URL white space means nothing.
            let Err(error) = Config::from_url(&url) else {
                assert_eq!(url.trim_end(), format!("http://{KEY}:{SECRET}@localhost/apps/a"));
                continue;
            };
            assert!(matches!(error, ConfigError::Url { .. }), "{url}: {error}");
            assert!(!error.to_string().contains(SECRET), "{error}");
        }
    }
}
