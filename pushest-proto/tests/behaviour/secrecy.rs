//! No byte of a secret shows.

use crate::harness::{Harness, asking};
use pushest_proto::{Authorization, ChannelName, Config, Signer};

const SENTINEL: &str = "5ent1nel-5ecret";

#[test]
fn no_debug_output_shows_the_secret() {
    let builder = Config::builder("key").secret(SENTINEL).host("localhost");
    assert!(!format!("{builder:?}").contains(SENTINEL));
    assert!(!format!("{:?}", builder.clone().build().unwrap()).contains(SENTINEL));
    assert!(!format!("{:?}", Signer::new("key", SENTINEL)).contains(SENTINEL));
    let sealed = [b's'; 32];
    let builder = builder.master_key(&sealed);
    assert!(!format!("{builder:?}").contains("115, 115"));
    let mut harness = Harness::new(builder);
    harness.connect();
    harness.subscribe("private-encrypted-x");
    harness.subscribe("private-x");
    harness.subscribe_as("presence-x", "me");
    // The long form shows every channel.
    let session: String = format!("{:#?}", harness.session).split_whitespace().collect();
    assert!(!session.contains(SENTINEL));
    assert!(!session.contains("115,115"));
    assert!(session.contains("SharedSecret(…)"), "that there is one");
    assert!(!session.contains("keys"), "of hash tables");
    assert!(!format!("{:?}", harness.actions).contains(SENTINEL));
    assert!(!format!("{:?}", harness.session.status(harness.now)).contains(SENTINEL));
}

#[test]
fn errors_about_a_url_do_not_quote_it() {
    for url in [
        format!("pusher//key:{SENTINEL}@host"),
        format!("ftp://key:{SENTINEL}@host"),
        format!("pusher://key:{SENTINEL}@"),
        format!("pusher://key:{SENTINEL}host"),
        format!("pusher://key:{SENTINEL}@host:99999"),
        format!("pusher://key:{SENTINEL}@ho st"),
        format!("pusher://k y:{SENTINEL}@host"),
        format!("pusher://key:{SENTINEL}%ff@host"),
        format!("pusher://key:{SENTINEL}@host/?a=b"),
        format!("https://:{SENTINEL}@host/apps/1"),
        format!("pusher://key:se@cret:{SENTINEL}/more@host"),
        format!("pusher://key:pa@{SENTINEL}/x@host"),
        format!("pusher://key:se@host:6001{SENTINEL}"),
        format!("pusher://key%3A{SENTINEL}@host"),
        format!("pusher://k:s@host/{SENTINEL} x"),
        format!("https://k:s@host/{SENTINEL}"),
        format!("{SENTINEL}://k:s@host"),
        format!("wss://host/app/key:{SENTINEL}"),
        format!("wss://api-{SENTINEL}_.pusher.com@k:s"),
    ] {
        let error = Config::from_url(&url).expect_err(&url);
        assert!(!error.to_string().contains(SENTINEL), "{error}");
        assert!(!format!("{error:?}").contains(SENTINEL), "{error:?}");
    }
}

#[test]
fn a_url_pasted_where_a_part_of_it_belongs_is_not_quoted() {
    let url = format!("https://key:{SENTINEL}@host");
    let key = format!("key:{SENTINEL}");
    for builder in [
        Config::builder(&key),
        Config::builder(&url),
        Config::builder("key").host(&url),
        Config::builder("key").host(&format!("{SENTINEL}@host")),
        Config::builder("key").cluster(&url),
        Config::builder("key").path(&url),
        Config::builder("key").path(&format!("/realtime?token={SENTINEL}")),
    ] {
        assert!(!format!("{builder:?}").contains(SENTINEL), "{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(!format!("{error:?}{error}").contains(SENTINEL), "{error:?}");
    }
    for name in [url.clone(), format!("key:{SENTINEL}@host"), url.repeat(9)] {
        let error = ChannelName::new(&name).unwrap_err();
        assert!(!format!("{error:?}{error}").contains(SENTINEL), "{error:?}");
    }
}

#[test]
fn a_frame_does_not_show_its_signature() {
    let mut harness = Harness::new(Config::builder("key").secret("secret").host("localhost"));
    harness.connect();
    harness.subscribe("private-x");
    harness.subscribe_as("presence-x", "\",\"auth\":\"me");
    harness.session.sign_in(Some(r#"{"id":"me"}"#), harness.now).unwrap();
    harness.drain();
    let shown = format!("{:?}", harness.actions);
    assert!(shown.contains("private-x") && shown.contains("pusher:signin"), "{shown}");
    let frames = harness.sent();
    assert_eq!(frames.len(), 3);
    for text in frames {
        let (_, auth) = text.split_once("\"auth\":\"key:").expect("all of them are signed");
        let (signature, rest) = auth.split_once('"').unwrap();
        assert_eq!(signature.len(), 64);
        assert!(!shown.contains(signature), "{shown}");
        assert!(shown.contains(&format!("{rest:?}")[1..]), "{shown} lacks {rest}");
    }
}

#[test]
fn a_granted_authorization_does_not_show_its_signature() {
    let granted = Authorization::new(SENTINEL).shared_secret(SENTINEL);
    assert!(!format!("{granted:?}").contains(SENTINEL));
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("private-x");
    let ticket = harness.requests()[0].ticket;
    harness.session.handle_authorization(ticket, Ok(granted), harness.now);
    assert!(!format!("{:#?}", harness.session).contains(SENTINEL));
}
