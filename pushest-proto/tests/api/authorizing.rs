//! What an app's backend signs for its clients, and what it refuses
//! (docs/protocol.md#authorization-endpoint).

use crate::{KEY, MASTER_KEY, SECRET, config};
use pushest_proto::{
    AuthReply, Authorization, ChannelForm, ChannelName, ConfigError, EndpointAnswer, FormError,
    MemberData, NameRules, SignError, SignLimits, Signer, SocketId, UserData, UserForm,
};
use serde_json::json;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json; charset=UTF-8";

fn signer() -> Signer {
    Signer::new(KEY, SECRET)
}

fn socket_id() -> SocketId {
    SocketId::new("1234.1234").unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn authorize(name: &str, member: Option<&MemberData>) -> Result<Authorization, SignError> {
    signer().authorize_channel(&socket_id(), &channel(name), member)
}

fn asked(body: &str) -> Result<ChannelForm, FormError> {
    ChannelForm::read(FORM, body.as_bytes())
}

#[test]
fn private_presence_and_users_are_signed_as_the_protocols_vectors_are() {
    let private = authorize("private-foobar", None).unwrap();
    assert_eq!(
        private.to_json(),
        format!(
            r#"{{"auth":"{KEY}:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}}"#
        )
    );
    let member = MemberData::new(10).info(r#"{"name":"Mr. Pusher"}"#);
    let presence = authorize("presence-foobar", Some(&member)).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&presence.to_json()).unwrap(),
        json!({
            "auth": format!("{KEY}:48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4"),
            "channel_data": r#"{"user_id":"10","user_info":{"name":"Mr. Pusher"}}"#,
        })
    );
    let user = signer().authenticate_user(&socket_id(), &UserData::new("12345")).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&user.to_json()).unwrap(),
        json!({
            "auth": format!("{KEY}:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"),
            "user_data": r#"{"id":"12345"}"#,
        })
    );
}

#[test]
fn an_encrypted_channel_gets_its_key_with_the_authorization() {
    let signer = signer().with_master_key(MASTER_KEY).unwrap();
    let name = channel("private-encrypted-bla");
    let granted = signer.authorize_channel(&socket_id(), &name, None).unwrap();
    assert_eq!(granted.auth, signer.channel(&socket_id(), name.as_str(), None));
    // 6b40e92b… of the protocol's vector, in base64.
    let secret = "a0DpK+rFcIG022xpuiP0x8E24H4ybS8zCHP4PN1i3To=";
    assert_eq!(granted.shared_secret.as_ref().unwrap().as_str(), secret);
    assert!(granted.to_json().ends_with(&format!(r#","shared_secret":"{secret}"}}"#)));
    // A configuration's signer has its master key, too.
    let config = config().master_key(MASTER_KEY).build().unwrap();
    let same = config.signer().unwrap().authorize_channel(&socket_id(), &name, None);
    assert_eq!(same, Ok(granted));

    let error = authorize("private-encrypted-bla", None).unwrap_err();
    assert_eq!(error, SignError::MasterKeyMissing { channel: name });
    let short = Signer::new("k", "s").with_master_key(&[0; 31]).unwrap_err();
    assert_eq!(short, ConfigError::MasterKey { bytes: 31 });
}

#[test]
fn what_is_granted_is_what_a_client_reads() {
    let member = MemberData::new("\"é\u{1}").info(r#"{"a": [1, "\u00e9"]}"#);
    let signer = signer().with_master_key(MASTER_KEY).unwrap();
    for name in ["private-a", "presence-a", "private-encrypted-a"] {
        let granted =
            signer.authorize_channel(&socket_id(), &channel(name), Some(&member)).unwrap();
        let body = granted.to_json();
        let answer = EndpointAnswer::new(200, body.as_bytes());
        assert_eq!(answer.read(), Ok(granted));
    }
    let user = UserData::new("7").info(r#"{"a":1}"#).watchlist(["8", "9"]);
    let granted = signer.authenticate_user(&socket_id(), &user).unwrap();
    let data = granted.user_data.as_deref();
    assert_eq!(data, Some(r#"{"id":"7","user_info":{"a":1},"watchlist":["8","9"]}"#));
    assert_eq!(Authorization::from_json(&granted.to_json()), Ok(granted));
}

#[test]
fn a_member_is_needed_on_presence_channels_and_left_out_on_others() {
    let error = authorize("presence-a", None).unwrap_err();
    assert_eq!(error, SignError::MemberMissing { channel: channel("presence-a") });
    let member = MemberData::new("7");
    let private = authorize("private-a", Some(&member)).unwrap();
    assert_eq!(
        (private.channel_data.as_ref(), &private),
        (None, &authorize("private-a", None).unwrap())
    );
}

#[test]
fn a_public_channel_is_never_signed() {
    for name in ["news", "cache-news", "presence", "privat-x"] {
        let error = authorize(name, Some(&MemberData::new("7"))).unwrap_err();
        assert_eq!(error, SignError::Public { channel: channel(name) });
    }
}

#[test]
fn who_cannot_be_signed_is_refused_with_the_numbers() {
    for id in [String::new(), "x".repeat(129)] {
        let expected = SignError::UserId { length: id.len(), limit: 128 };
        assert_eq!(authorize("presence-a", Some(&MemberData::new(&id))), Err(expected.clone()));
        let error = signer().authenticate_user(&socket_id(), &UserData::new(&id)).unwrap_err();
        assert_eq!(error, expected);
    }
    for info in ["", "{", "{} {}", "'x'"] {
        let error = authorize("presence-a", Some(&MemberData::new("7").info(info))).unwrap_err();
        assert!(error.to_string().starts_with("the user's info is not JSON: "), "{error}");
    }
    let ids = (0..101).map(|id| id.to_string());
    let error = signer().authenticate_user(&socket_id(), &UserData::new("7").watchlist(ids));
    assert_eq!(error.unwrap_err().to_string(), "the watchlist has 101 ids, the limit is 100");
}

#[test]
fn the_limits_of_who_is_signed_are_checked_before_and_are_the_programs() {
    let info = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    let of_member = |signer: &Signer, info: &str| {
        let member = MemberData::new("7").info(info);
        signer.authorize_channel(&socket_id(), &channel("presence-a"), Some(&member))
    };
    let of_user = |signer: &Signer, user: UserData| signer.authenticate_user(&socket_id(), &user);
    // What is around the JSON is not sent.
    for info in [info(1024), format!(" {}\n", info(1024))] {
        of_member(&signer(), &info).unwrap();
        of_user(&signer(), UserData::new("7").info(info)).unwrap();
    }
    for size in [1025, 5 * 1024] {
        let expected = SignError::UserInfoTooLarge { size, limit: 1024 };
        assert_eq!(of_member(&signer(), &info(size)), Err(expected.clone()));
        assert_eq!(of_user(&signer(), UserData::new("7").info(info(size))), Err(expected));
    }
    for (id, length) in [(String::new(), 0), ("x".repeat(129), 129)] {
        let user = UserData::new("7").watchlist(["8".to_owned(), id]);
        let expected = SignError::WatchedId { position: 2, length, limit: 128 };
        assert_eq!(of_user(&signer(), user), Err(expected));
    }
    let text = SignError::UserInfoTooLarge { size: 1025, limit: 1024 }.to_string();
    assert_eq!(text, "the user's info has 1025 bytes, the limit is 1024");

    let own = signer().with_limits(SignLimits::default().user_id(200).user_info(10).watchlist(1));
    of_user(&own, UserData::new("x".repeat(200)).watchlist(["y".repeat(200)])).unwrap();
    let error = of_user(&own, UserData::new("x".repeat(201))).unwrap_err();
    assert_eq!(error, SignError::UserId { length: 201, limit: 200 });
    let error = of_user(&own, UserData::new("7").watchlist(["8", "9"])).unwrap_err();
    assert_eq!(error, SignError::Watchlist { count: 2, limit: 1 });
    let error = of_member(&own, &info(11)).unwrap_err();
    assert_eq!(error, SignError::UserInfoTooLarge { size: 11, limit: 10 });
}

#[test]
fn the_info_of_a_user_who_signs_in_is_an_object() {
    for info in ["7", "null", "[1]", "\"ada\"", " true "] {
        let error =
            signer().authenticate_user(&socket_id(), &UserData::new("7").info(info)).unwrap_err();
        assert_eq!(error, SignError::NotAnObject, "{info}");
        // What members tell each other may be anything.
        authorize("presence-a", Some(&MemberData::new("7").info(info))).unwrap();
    }
}

#[test]
fn the_form_that_our_client_sends_is_read() {
    use pushest_proto::{Action, AuthEndpoint, Config, Instant, Session, SubscribeOptions};
    let config = Config::builder(KEY).host("localhost").build().unwrap();
    let now = Instant::ORIGIN;
    let mut session = Session::new(config, 7, now);
    session.subscribe("private-x=y", &SubscribeOptions::default(), now).unwrap();
    session.sign_in(None, now).unwrap();
    session.connect(now);
    let endpoint = AuthEndpoint::new("http://localhost/auth").parameter("tenant", "a b&c");
    let mut forms = Vec::new();
    while let Some(action) = session.poll_action() {
        match action {
            Action::Connect { connection, .. } => {
                session.handle_open(connection, now);
                let established = br#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#;
                session.handle_slice(connection, established, now);
            }
            Action::Authorize(request) => forms.push(endpoint.request(&request)),
            _ => {}
        }
    }
    let [user, channel] = &forms[..] else { panic!("{forms:?}") };
    let asked = ChannelForm::read(&channel.content_type, channel.body.as_bytes()).unwrap();
    assert_eq!((asked.socket_id.as_str(), asked.channel.as_str()), ("1.2", "private-x=y"));
    assert_eq!(asked.parameter("tenant"), Some("a b&c"));
    let asked = UserForm::read(&user.content_type, user.body.as_bytes()).unwrap();
    assert_eq!((asked.socket_id.as_str(), asked.parameter("tenant")), ("1.2", Some("a b&c")));
}

#[test]
fn json_is_read_where_the_content_type_says_so() {
    let body = r#" {"channel_name":"private-\u0061","socket_id":"1.2","n":7,"token":"t"} "#;
    for kind in [JSON, "Application/JSON", "application/vnd.api+json"] {
        let asked = ChannelForm::read(kind, body.as_bytes()).unwrap();
        assert_eq!((asked.socket_id.as_str(), asked.channel.as_str()), ("1.2", "private-a"));
        assert_eq!((asked.parameter("token"), asked.parameter("n")), (Some("t"), Some("7")));
    }
    for junk in ["", "[1]", "socket_id=1.2", "{", r#"{"socket_id":"1.2"} x"#, "7", "null"] {
        assert_eq!(ChannelForm::read(JSON, junk.as_bytes()), Err(FormError::NotAnObject), "{junk}");
    }
    for kind in ["", "text/plain", "multipart/form-data; boundary=x", "application/jsonp"] {
        assert_eq!(ChannelForm::read(kind, body.as_bytes()), Err(FormError::ContentType), "{kind}");
    }
}

#[test]
fn what_is_missing_twice_or_no_string_is_refused() {
    let missing = |name| Err(FormError::Missing { name });
    assert_eq!(asked(""), missing("socket_id"));
    assert_eq!(asked("socket_id=1.2"), missing("channel_name"));
    assert_eq!(asked("channel_name=private-a"), missing("socket_id"));
    let twice = asked("socket_id=1.2&channel_name=private-a&channel_name=private-b");
    assert_eq!(twice, Err(FormError::Twice { name: "channel_name" }));
    let twice = br#"{"socket_id":"1.2","socket_id":"1.3"}"#;
    assert_eq!(UserForm::read(JSON, twice), Err(FormError::Twice { name: "socket_id" }));
    let no_string = FormError::NotAString { name: "socket_id" };
    for odd in ["1.2", "true", "[\"1.2\"]", "{}"] {
        let body = format!(r#"{{"socket_id":{odd},"channel_name":"private-a"}}"#);
        assert_eq!(ChannelForm::read(JSON, body.as_bytes()), Err(no_string.clone()), "{odd}");
    }
    assert_eq!(no_string.to_string(), "`socket_id` is not a string");
    let null = br#"{"socket_id":null,"channel_name":"private-a"}"#;
    assert_eq!(ChannelForm::read(JSON, null), missing("socket_id"));
}

#[test]
fn what_stands_there_twice_is_refused_whatever_its_values_are() {
    for other in ["\"private-b\"", "[\"private-b\"]", "null", "7", "{}", "true"] {
        for (first, second) in [("\"private-a\"", other), (other, "\"private-a\"")] {
            let body = format!(
                r#"{{"socket_id":"1.2","channel_name":{first},"channel\u005fname":{second}}}"#
            );
            let twice = ChannelForm::read(JSON, body.as_bytes());
            assert_eq!(twice, Err(FormError::Twice { name: "channel_name" }), "{body}");
        }
    }
}

#[test]
fn a_parameter_of_a_json_body_may_be_of_any_kind() {
    let body = br#"{"socket_id":"1.2","tenant":7,"admin":false,"roles":["a", "b"],"none":null,"last":1,"last":null}"#;
    let asked = UserForm::read(JSON, body).unwrap();
    for (name, expected) in [
        ("tenant", Some("7")),
        ("admin", Some("false")),
        ("roles", Some(r#"["a", "b"]"#)),
        ("none", None),
        ("last", None),
        ("socket_id", None),
    ] {
        assert_eq!(asked.parameter(name), expected, "{name}");
    }
}

#[test]
fn a_client_cannot_choose_the_signed_text_by_colons() {
    for body in [
        "socket_id=1.2:private-admin&channel_name=private-a",
        "socket_id=1.2%3Aprivate-admin&channel_name=private-a",
        "socket_id=1.2::user::{}&channel_name=private-a",
        "socket_id=&channel_name=private-a",
        "socket_id=1.2%0A&channel_name=private-a",
    ] {
        let error = asked(body).unwrap_err();
        assert!(matches!(error, FormError::SocketId { .. }), "{error}");
        assert!(matches!(UserForm::read(FORM, body.as_bytes()), Err(FormError::SocketId { .. })));
        assert_eq!(AuthReply::from(error).status, 400);
    }
    for name in [
        r#":user::{"id":"admin"}"#,
        r#"private-a:{"user_id":"admin"}"#,
        r#"presence-room:{"user_id":"admin"}"#,
        "private-a:b",
        "private-a\n",
        "private-a\0",
        "private-\u{fffd}",
        "#server-to-user-admin",
        "",
    ] {
        let body = json!({"socket_id": "1.2", "channel_name": name}).to_string();
        let error = ChannelForm::read(JSON, body.as_bytes()).unwrap_err();
        assert!(matches!(error, FormError::ChannelName(_)), "{name}: {error}");
        let reply = AuthReply::from(error);
        assert_eq!(reply.status, 400);
        assert!(!reply.body.contains("auth\":"), "{}", reply.body);
    }
    // Where a server allows colons, what has no prefix is not signed all the same.
    let rules = NameRules::default().extra_characters(":{}\"");
    let body = json!({"socket_id": "1.2", "channel_name": r#":user::{"id":"admin"}"#}).to_string();
    let asked = ChannelForm::read_with_rules(JSON, body.as_bytes(), &rules).unwrap();
    let result = signer().authorize_channel(&asked.socket_id, &asked.channel, None);
    assert!(matches!(result, Err(SignError::Public { .. })), "{result:?}");
}

#[test]
fn what_a_client_says_of_itself_is_not_signed() {
    let asked = asked(
        "socket_id=1.2&channel_name=presence-a&user_id=admin&channel_data=%7B%22user_id%22%3A%22admin%22%7D",
    )
    .unwrap();
    let me = MemberData::new("me");
    let granted = signer().authorize_channel(&asked.socket_id, &asked.channel, Some(&me)).unwrap();
    assert_eq!(granted.channel_data.as_deref(), Some(r#"{"user_id":"me"}"#));
}

#[test]
fn a_refusal_is_an_answer_with_a_body() {
    let reply = AuthReply::forbidden("not \"yours\"");
    assert_eq!((reply.status, &*reply.body), (403, r#"{"error":"not \"yours\""}"#));
    let granted = authorize("private-a", None);
    let reply = AuthReply::from(granted.clone());
    assert_eq!((reply.status, reply.body), (200, granted.unwrap().to_json()));
    assert_eq!(AuthReply::from(authorize("news", None)).status, 403);
    // What the program got wrong is not the client's to read.
    let reply = AuthReply::from(authorize("presence-a", None));
    assert_eq!((reply.status, &*reply.body), (500, r#"{"error":"this could not be signed"}"#));
    let reply = AuthReply::from(asked("").unwrap_err());
    assert_eq!((reply.status, &*reply.body), (400, r#"{"error":"`socket_id` is missing"}"#));
    assert_eq!(AuthReply::CONTENT_TYPE, "application/json");
}

#[test]
fn no_signature_key_or_token_shows() {
    let signer = signer().with_master_key(MASTER_KEY).unwrap();
    let name = channel("private-encrypted-a");
    let granted = signer.authorize_channel(&socket_id(), &name, None).unwrap();
    let secret = granted.shared_secret.as_ref().unwrap().to_string();
    let signature = granted.auth.split_once(':').unwrap().1.to_owned();
    let asked = asked("socket_id=1.2&channel_name=private-a&token=t0ken").unwrap();
    let shown = format!("{signer:?} {granted:?} {:?} {asked:?}", AuthReply::from(granted.clone()));
    for hidden in [SECRET, "115, 32, 105", &*secret, &*signature, "t0ken"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    let long = format!("socket_id={}&channel_name=private-a", "x".repeat(100_000));
    let error = self::asked(&long).unwrap_err();
    assert!(error.to_string().len() < 300);
}
