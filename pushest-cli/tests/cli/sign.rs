use pushest_proto::{ChannelName, Signer, SocketId};
use pushest_testkit::{MasterKey, Server};
use serde_json::json;

use crate::support::{Pushest, pushest, to, words};

const APP: [&str; 4] = ["--key", "278d425bdf160c739803", "--secret", "7ad3773142a6692b25b8"];

fn prints(arguments: &[&str], signature: &str) {
    let ended = pushest(&[&["sign", "1234.1234"], arguments, &APP].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, [format!("278d425bdf160c739803:{signature}")]);
    assert_eq!(ended.stderr, "");
}

#[test]
fn it_prints_the_authorization_of_a_private_channel_and_nothing_else() {
    prints(&["private-foobar"], "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4");
}

#[test]
fn it_signs_channel_data_byte_for_byte() {
    prints(
        &[
            "presence-foobar",
            "--channel-data",
            r#"{"user_id":"10","user_info":{"name":"Mr. Pusher"}}"#,
        ],
        "48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4",
    );
    prints(
        &[
            "presence-foobar",
            "--channel-data",
            r#"{"user_id":10,"user_info":{"name":"Mr. Pusher"}}"#,
        ],
        "afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c",
    );
}

#[test]
fn it_signs_a_user() {
    prints(
        &["--user-data", r#"{"id":"12345"}"#],
        "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
    );
}

#[test]
fn for_an_encrypted_channel_the_second_line_is_its_key() {
    let key = MasterKey::default();
    let words = ["sign", "1.2", "private-encrypted-diary"];
    let ended = pushest(&[&words[..], &APP].concat());
    assert_eq!((ended.status, ended.stdout.len()), (Some(0), 1), "{ended:?}");
    assert!(ended.stderr.contains("warning: private-encrypted-diary is an enc"), "{ended:?}");
    assert!(ended.stderr.contains("--master-key"), "{ended:?}");
    let auth = &ended.stdout[0];
    let with_key = ["--master-key", &key.to_base64()];
    let signed = pushest(&[&words[..], &APP, &with_key].concat());
    let [first, second] = &signed.stdout[..] else { panic!("{signed:?}") };
    assert_eq!((first, &*signed.stderr), (auth, ""));
    let name = ChannelName::new("private-encrypted-diary").unwrap();
    let signer = Signer::new(APP[1], APP[3]).with_master_key(key.as_bytes()).unwrap();
    let socket_id = SocketId::new("1.2").unwrap();
    let granted = signer.authorize_channel(&socket_id, &name, None).unwrap();
    assert_eq!(Some(second), granted.shared_secret.as_deref());
    // Of another channel the master key gives nothing away.
    let other = pushest(&[&["sign", "1.2", "private-a"], &APP[..], &with_key].concat());
    assert_eq!(other.stdout.len(), 1);
}

#[test]
fn with_json_it_is_what_an_endpoint_answers() {
    let key = MasterKey::default().to_base64();
    let line = |arguments: &[&str]| {
        let ended = pushest(&[&["sign", "1234.1234", "--json"], arguments, &APP].concat());
        assert_eq!((ended.status, ended.stdout.len()), (Some(0), 1), "{ended:?}");
        serde_json::from_str::<serde_json::Value>(&ended.stdout[0]).unwrap()
    };
    let auth =
        "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";
    assert_eq!(line(&["private-foobar"]), json!({"type": "signed", "auth": auth}));
    let data = r#"{"user_id":"10"}"#;
    let presence = line(&["presence-a", "--channel-data", data]);
    assert_eq!(presence["channel_data"], data);
    let encrypted = line(&["private-encrypted-a", "--master-key", &key]);
    assert_eq!(encrypted["shared_secret"].as_str().unwrap().len(), 44);
    let user = line(&["--user-data", r#"{"id":"7"}"#]);
    assert_eq!(user["user_data"], r#"{"id":"7"}"#);
    let keys: Vec<_> = user.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["auth", "type", "user_data"]);
}

#[test]
fn key_and_secret_may_come_from_the_environment() {
    let variables = [(
        "PUSHER_URL",
        "https://278d425bdf160c739803:7ad3773142a6692b25b8@api-eu.pusher.com/apps/3",
    )];
    let ended = Pushest::start_with(&["sign", "1234.1234", "private-foobar"], &variables).end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout[0].contains(":58df8b0c"), "{ended:?}");
}

#[test]
fn options_of_connections_are_taken_and_nothing_is_dialled() {
    let server = Server::start().unwrap();
    let ended = pushest(&words(&["sign", "1.2", "private-a"], &to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout[0].starts_with("app-key:"), "{ended:?}");
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}

#[test]
fn bad_input_is_named_and_nothing_is_printed() {
    let long = format!(r#"{{"user_id":"{}"}}"#, "x".repeat(200));
    let info = format!(r#"{{"user_id":"7","user_info":"{}"}}"#, "x".repeat(1023));
    let user = format!(r#"{{"id":"7","user_info":{{"a":"{}"}}}}"#, "x".repeat(1020));
    let ids = vec!["8"; 101];
    let watchlist = json!({"id": "7", "watchlist": ids}).to_string();
    let cases: [(&[&str], &str); 19] = [
        (&["1.2", "presence-a", "--channel-data", &long], "200 bytes, 1 to 128 are allowed"),
        (&["1.2", "presence-a", "--channel-data", &info], "1025 bytes, the limit is 1024"),
        (&["1.2", "--user-data", &user], "1028 bytes, the limit is 1024"),
        (&["1.2", "--user-data", &watchlist], "101 ids, the limit is 100"),
        (&["1.2", "--user-data", r#"{"id":"7","watchlist":[""]}"#], "id 1 of the watchlist"),
        (&["1.2", "--user-data", r#"{"id":"7","watchlist":"8"}"#], "not a list of users' ids"),
        (&["1.2", "--user-data", r#"{"id":"7","user_info":[]}"#], "not a JSON object"),
        (&["12,34", "private-a"], "\"12,34\" is not a socket id"),
        // It may be a key with its secret.
        (&["12:34", "private-a"], "\"…\" is not a socket id"),
        (&["1234.1234", "private a"], "\"private a\" is not a channel name"),
        (&["1234.1234", "news"], "public channel"),
        (&["1234.1234", "presence-a"], "--channel-data"),
        (&["1234.1234", "presence-a", "--channel-data", "{"], "\"{\" is not JSON"),
        (&["1234.1234", "presence-a", "--channel-data", "{}"], "\"user_id\""),
        (&["1234.1234", "private-a", "--channel-data", "{}"], "no presence channel"),
        (&["1234.1234", "--user-data", r#"{"id":""}"#], "\"id\""),
        (&["1234.1234", "private-a", "--user-data", "{}"], "cannot be used with"),
        (&["1234.1234"], "CHANNEL"),
        (&[], "SOCKET_ID"),
    ];
    for (arguments, text) in cases {
        let ended = pushest(&[&["sign"], arguments, &APP].concat());
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains(APP[3]), "{ended:?}");
    }
}

#[test]
fn key_and_secret_are_asked_for() {
    let ended = pushest(&["sign", "1.2", "private-a", "--key", "k"]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("--secret"), "{ended:?}");
    let ended = pushest(&["sign", "1.2", "private-a", "--secret", "hush"]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("--key") && !ended.stderr.contains("hush"), "{ended:?}");
}
