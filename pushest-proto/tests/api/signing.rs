//! What is signed, and how it stands in the request (docs/protocol.md#signed-requests).

use crate::{KEY, NOW, SECRET, app, config, parameter, path, request};
use pushest_proto::api::{
    ApiLimits, App, Batch, Custom, GetChannel, ListChannels, ListUsers, Method, Publish,
    RequestError, Terminate,
};
use pushest_proto::{Config, ConfigError, Endpoint, NameRules, Signer};

#[test]
fn a_request_is_signed_as_the_protocols_vector_is() {
    let body = r#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
    let request = request(&Custom::post("/events", body));
    assert_eq!(
        request.target(),
        "/apps/3/events?auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
         &body_md5=ec365a775a4cd0599faeb73354201b6f\
         &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
    );
    assert_eq!((request.method(), request.body()), (Method::Post, body));
    assert_eq!(request.headers()[0], ("Content-Type", "application/json"));
}

#[test]
fn each_call_has_its_method_path_and_body() {
    let publish = Publish::new(["a", "presence-b"], "e", r#"{"x":"é"}"#)
        .exclude("1.2")
        .with_user_count()
        .with_subscription_count();
    let publish = request(&publish);
    assert_eq!((publish.method(), path(&publish)), (Method::Post, "/apps/3/events"));
    assert_eq!(
        publish.body(),
        r#"{"name":"e","data":"{\"x\":\"é\"}","channels":["a","presence-b"],"socket_id":"1.2","info":"user_count,subscription_count"}"#
    );

    let batch =
        Batch::new([Publish::new("a", "e", ""), Publish::to_user("7", "f", "x").exclude("1.2")]);
    let batch = request(&batch);
    assert_eq!((batch.method(), path(&batch)), (Method::Post, "/apps/3/batch_events"));
    assert_eq!(
        batch.body(),
        r##"{"batch":[{"name":"e","data":"","channel":"a"},{"name":"f","data":"x","channel":"#server-to-user-7","socket_id":"1.2"}]}"##
    );

    let values = Publish::json_to_user("7", "f", &["x"]).unwrap();
    assert_eq!(
        request(&values).body(),
        r##"{"name":"f","data":"[\"x\"]","channels":["#server-to-user-7"]}"##
    );

    let channels = request(&ListChannels::new().prefix("presence-").with_user_count());
    assert_eq!((channels.method(), path(&channels)), (Method::Get, "/apps/3/channels"));
    assert_eq!(parameter(&channels, "filter_by_prefix"), Some("presence-"));
    assert_eq!(parameter(&channels, "info"), Some("user_count"));
    assert_eq!((channels.body(), parameter(&channels, "body_md5")), ("", None));
    assert_eq!(parameter(&request(&ListChannels::new()), "info"), None);

    let channel = GetChannel::new("cache-a").with_subscription_count().with_cache();
    let channel = request(&channel);
    assert_eq!((channel.method(), path(&channel)), (Method::Get, "/apps/3/channels/cache-a"));
    assert_eq!(parameter(&channel, "info"), Some("subscription_count,cache"));

    let users = request(&ListUsers::new("presence-a"));
    assert_eq!((users.method(), path(&users)), (Method::Get, "/apps/3/channels/presence-a/users"));

    let terminate = request(&Terminate::user("7"));
    assert_eq!(path(&terminate), "/apps/3/users/7/terminate_connections");
    assert_eq!((terminate.method(), terminate.body()), (Method::Post, "{}"));
    assert!(channels.is_query() && users.is_query() && channel.is_query());
    assert!(!publish.is_query() && !batch.is_query() && !terminate.is_query());
}

#[test]
fn data_of_any_type_is_encoded_once() {
    let event = Publish::json("a", "e", &serde_json::json!({"id": 7})).unwrap();
    assert_eq!(event.data(), r#"{"id":7}"#);
    assert!(request(&event).body().contains(r#""data":"{\"id\":7}""#));
    let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
    let error = Publish::json("a", "e", &unwritable).unwrap_err();
    assert!(matches!(error, RequestError::Data { .. }), "{error}");
}

#[test]
fn parameters_are_sorted_by_name_and_signed_as_they_were_before_encoding() {
    let call = Custom::get("/x").parameter("z", "1 2&é=,").parameter("after_x", "+");
    let request = request(&call);
    let signed = "GET\n/apps/3/x\nafter_x=+&auth_key=278d425bdf160c739803\
                  &auth_timestamp=1353088179&auth_version=1.0&z=1 2&é=,";
    let signature = hmac(SECRET, signed);
    assert_eq!(
        request.target(),
        format!(
            "/apps/3/x?after_x=%2B&auth_key={KEY}&auth_timestamp=1353088179&auth_version=1.0\
             &z=1%202%26%C3%A9%3D,&auth_signature={signature}"
        )
    );
}

fn hmac(secret: &str, text: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[test]
fn the_time_is_an_argument_and_changes_the_signature() {
    let call = ListChannels::new();
    let later = app().request(&call, NOW + std::time::Duration::from_millis(1_999)).unwrap();
    assert_eq!(parameter(&later, "auth_timestamp"), Some("1353088180"));
    let now = request(&call);
    assert_ne!(parameter(&later, "auth_signature"), parameter(&now, "auth_signature"));
    assert_eq!(now, request(&call));
}

#[test]
fn what_stands_in_a_path_is_encoded_and_signed_as_it_is_sent() {
    let terminate = |id: &str| path(&request(&Terminate::user(id))).to_owned();
    assert_eq!(terminate("a@b.c"), "/apps/3/users/a@b.c/terminate_connections");
    assert_eq!(
        terminate("a/../b?c#d é"),
        "/apps/3/users/a%2F..%2Fb%3Fc%23d%20%C3%A9/terminate_connections"
    );
    let rules = NameRules::default().extra_characters(":#");
    let app = app().with_limits(ApiLimits::default().channel_name(rules));
    let channel = app.request(&GetChannel::new("a:b#c"), NOW).unwrap();
    assert_eq!(path(&channel), "/apps/3/channels/a:b%23c");
    let channel = app.request(&GetChannel::new("-_=@,.;"), NOW).unwrap();
    assert_eq!(path(&channel), "/apps/3/channels/-_=@,.;");
    for dots in [".", ".."] {
        let error = app.request(&Terminate::user(dots), NOW).unwrap_err();
        assert_eq!(error, RequestError::Dots);
        assert_eq!(app.request(&GetChannel::new(dots), NOW).unwrap_err(), RequestError::Dots);
    }
}

#[test]
fn path_and_query_are_as_long_as_http_clients_take_and_no_longer() {
    let app = app();
    let call = |length: usize| Custom::get("/x").parameter("z", &"a".repeat(length));
    let shortest = request(&call(0)).target().len();
    let longest = app.request(&call(65_534 - shortest), NOW).unwrap();
    assert_eq!(longest.target().len(), 65_534);
    assert_eq!(
        app.request(&call(65_535 - shortest), NOW).unwrap_err().to_string(),
        "path and query have 65535 bytes, the limit is 65534"
    );
}

#[test]
fn the_address_is_that_of_the_configurations_server() {
    let url = |builder: pushest_proto::ConfigBuilder| {
        let app = App::new(&builder.build().unwrap()).unwrap();
        let url = app.request(&ListChannels::new(), NOW).unwrap().url();
        url.split('?').next().unwrap().to_owned()
    };
    let hosted = || Config::builder(KEY).app_id("3").secret(SECRET);
    assert_eq!(url(hosted()), "https://api-mt1.pusher.com/apps/3/channels");
    assert_eq!(url(hosted().cluster("eu")), "https://api-eu.pusher.com/apps/3/channels");
    assert_eq!(url(hosted().cluster("eu").tls(false)), "http://api-eu.pusher.com/apps/3/channels");
    assert_eq!(url(config()), "http://localhost:6001/apps/3/channels");
    assert_eq!(url(hosted().host("::1").tls(true)), "https://[::1]/apps/3/channels");
    let from_url = Config::from_url("https://k:s@api-eu.pusher.com/apps/4").unwrap();
    let app = App::new(&from_url).unwrap();
    assert_eq!((app.id(), app.key()), ("4", "k"));
    assert_eq!(app.endpoint().host(), "api-eu.pusher.com");
    let elsewhere = app.with_endpoint(Endpoint::new("ws-api.example").unwrap());
    let request = elsewhere.request(&ListChannels::new(), NOW).unwrap();
    assert!(request.url().starts_with("http://ws-api.example/apps/4/channels?"));
}

#[test]
fn a_path_before_the_api_is_sent_and_not_signed() {
    let app = App::new(&config().path("/realtime").build().unwrap()).unwrap();
    let behind = app.request(&ListChannels::new(), NOW).unwrap();
    assert_eq!(path(&behind), "/realtime/apps/3/channels");
    let direct = request(&ListChannels::new());
    assert_eq!(parameter(&behind, "auth_signature"), parameter(&direct, "auth_signature"));
}

#[test]
fn the_apps_id_comes_from_url_variables_or_builder_and_is_needed() {
    let id = |variables: &[(&str, &str)]| {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Config::from_variables(lookup).map(|config| config.app_id().map(str::to_owned))
    };
    let pusher = [("PUSHER_APP_KEY", "k"), ("PUSHER_APP_ID", " 12 "), ("REVERB_APP_ID", "no")];
    assert_eq!(id(&pusher), Ok(Some("12".into())));
    let reverb = [("REVERB_APP_KEY", "k"), ("REVERB_HOST", "h"), ("REVERB_APP_ID", "34")];
    assert_eq!(id(&reverb), Ok(Some("34".into())));
    let url = ("PUSHER_URL", "http://k:s@h/apps/56");
    assert_eq!(id(&[url]), Ok(Some("56".into())));
    assert_eq!(id(&[url, ("PUSHER_APP_ID", "78")]), Ok(Some("78".into())));
    assert_eq!(id(&[("PUSHER_APP_KEY", "k")]), Ok(None));
    for bad in ["a/b", "a b", "..", "k:5ecret@h", "é"] {
        let error = id(&[("PUSHER_APP_KEY", "k"), ("PUSHER_APP_ID", bad)]).unwrap_err();
        assert!(error.to_string().starts_with("PUSHER_APP_ID is not an app's id"), "{error}");
        let error = config().app_id(bad).build().unwrap_err();
        assert!(matches!(error, ConfigError::AppId { .. }), "{error}");
        assert!(!error.to_string().contains("5ecret"), "{error}");
        assert!(!format!("{:?}", config().app_id(bad)).contains("5ecret"));
    }

    let missing = |builder: pushest_proto::ConfigBuilder| {
        App::new(&builder.build().unwrap()).unwrap_err().to_string()
    };
    assert_eq!(missing(Config::builder("k").secret("s")), "no app id was given");
    assert_eq!(missing(Config::builder("k").app_id("3")), "no secret was given");
    let newline = Config::builder("k\r\nX-Evil: 1").app_id("3").secret("s").build().unwrap_err();
    assert!(matches!(newline, ConfigError::Key { .. }), "{newline}");
}

#[test]
fn neither_secret_nor_signature_shows_in_any_debug_output() {
    let event = Publish::new("a", "e", "for subscribers only");
    let request = request(&event);
    let signature = parameter(&request, "auth_signature").unwrap();
    assert_eq!(signature.len(), 64);
    let app = crate::sealing_app();
    let signer = Signer::new(KEY, SECRET);
    let custom = Custom::post("/x", "for subscribers only");
    let shown = format!("{request:?} {app:?} {signer:?} {event:?} {custom:?}");
    for hidden in [signature, SECRET, "for subscribers only", "115, 116", "string that is 32"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    assert!(shown.contains("auth_signature=…"), "{shown}");
}
