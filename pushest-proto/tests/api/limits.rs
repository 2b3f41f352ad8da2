//! What a server would not take is refused before anything is signed (docs/protocol.md#limits).

use crate::{NOW, app};
use pushest_proto::NameRules;
use pushest_proto::api::{
    ApiLimits, App, Batch, Call, Custom, GetChannel, ListChannels, ListUsers, Publish, Terminate,
};

fn refusal<C: Call>(call: &C) -> String {
    refusal_of(&app(), call)
}

fn refusal_of<C: Call>(app: &App, call: &C) -> String {
    app.request(call, NOW).unwrap_err().to_string()
}

fn is_taken<C: Call>(call: &C) -> bool {
    app().request(call, NOW).is_ok()
}

fn event() -> Publish {
    Publish::new("a", "e", "{}")
}

#[test]
fn too_many_channels_and_none_are_refused_with_the_numbers() {
    let channels = |count: usize| (0..count).map(|index| format!("c{index}")).collect::<Vec<_>>();
    assert!(is_taken(&Publish::new(channels(100), "e", "")));
    assert_eq!(
        refusal(&Publish::new(channels(101), "e", "")),
        "an event can go to 100 channels at once, not to 101"
    );
    assert_eq!(refusal(&Publish::new(channels(0), "e", "")), "an event needs a channel");
}

#[test]
fn too_many_events_in_a_batch_and_none_are_refused_with_the_numbers() {
    let batch = |count| Batch::new((0..count).map(|_| event()));
    assert!(is_taken(&batch(10)));
    assert_eq!(refusal(&batch(11)), "a batch can hold 10 events, not 11");
    assert_eq!(refusal(&batch(0)), "a batch needs an event");
    assert_eq!(
        refusal(&Batch::new([event(), Publish::new(["a", "b"], "e", "")])),
        "event 2 of the batch: an event of a batch goes to one channel, not to 2"
    );
}

#[test]
fn a_name_over_the_limit_is_refused_with_the_numbers() {
    let named = |name: &str| Publish::new("a", name, "");
    // Characters count, not bytes.
    assert!(is_taken(&named(&"é".repeat(200))));
    let error = refusal(&named(&"é".repeat(201)));
    assert!(error.ends_with("it has 201 characters, 1 to 200 are allowed"), "{error}");
    let error = refusal(&named(&"é".repeat(100_000)));
    assert!(error.chars().count() < 300, "{error}");
    let error = refusal(&named(""));
    assert_eq!(error, "\"\" is not an event's name: it has 0 characters, 1 to 200 are allowed");
}

#[test]
fn data_over_the_limit_is_refused_with_the_numbers() {
    let with = |bytes| Publish::new("a", "e", "x".repeat(bytes));
    assert!(is_taken(&with(10_240)) && is_taken(&with(0)));
    assert_eq!(
        refusal(&with(10_241)),
        "the data has 10241 bytes as it would be sent, the limit is 10240"
    );
    assert_eq!(
        refusal(&Batch::new([event(), with(20_000)])),
        "event 2 of the batch: the data has 20000 bytes as it would be sent, the limit is 10240"
    );
}

#[test]
fn a_channels_name_is_checked_wherever_it_stands() {
    for error in [
        refusal(&Publish::new(["a", "b c"], "e", "")),
        refusal(&GetChannel::new("b c")),
        refusal(&ListUsers::new("b c")),
    ] {
        assert!(error.starts_with("\"b c\" is not a channel name: ' ' is not among"), "{error}");
    }
    let error = refusal(&Publish::new("x".repeat(201), "e", ""));
    assert!(error.ends_with("it has 201 bytes, the limit is 200"), "{error}");
    let error = refusal(&ListChannels::new().prefix("a\n"));
    assert_eq!(error, "no channel's name begins with \"a\\n\": '\\n' is not allowed");
    assert!(is_taken(&ListChannels::new().prefix("#server-to-user-")));
    assert!(is_taken(&ListChannels::new().prefix("")));
    // A URL with a secret in it, pasted in its place.
    let pasted = "https://k:5ecret@h";
    let errors = [refusal(&ListChannels::new().prefix(pasted)), refusal(&GetChannel::new(pasted))];
    assert!(!errors.concat().contains("5ecret"), "{errors:?}");
}

#[test]
fn a_users_channel_and_a_users_id_are_checked() {
    assert!(is_taken(&Publish::to_user(&"u".repeat(128), "e", "")));
    assert!(is_taken(&Publish::new("#server-to-user-7", "e", "")));
    for id in ["", &*"u".repeat(129)] {
        let expected = format!("it has {} bytes, 1 to 128 are allowed", id.len());
        let errors = [
            refusal(&Publish::to_user(id, "e", "")),
            refusal(&Terminate::user(id)),
            refusal(&Publish::new(format!("#server-to-user-{id}"), "e", "")),
        ];
        for error in errors {
            assert!(error.contains("is not a user's id"), "{error}");
            assert!(error.ends_with(&expected), "{error}");
        }
    }
}

#[test]
fn a_bad_socket_id_is_refused() {
    for bad in ["", "1:2", "1.2\n", "x y", &*"1".repeat(101)] {
        let error = refusal(&event().exclude(bad));
        assert!(error.contains("is not a socket id: 1 to 100 letters"), "{error}");
        let error = refusal(&Batch::new([event().exclude(bad)]));
        assert!(error.starts_with("event 1 of the batch: "), "{error}");
    }
    for good in ["1234.5678", "09bd1b5d-3a0c"] {
        assert!(is_taken(&event().exclude(good)));
    }
}

#[test]
fn users_are_counted_and_named_on_presence_channels_only() {
    let error = refusal(&ListChannels::new().with_user_count());
    assert_eq!(error, "users can be counted where the prefix begins with `presence-` only");
    assert_eq!(refusal(&ListChannels::new().prefix("private-").with_user_count()), error);
    assert!(is_taken(&ListChannels::new().prefix("presence-a").with_user_count()));
    assert!(is_taken(&ListChannels::new().with_subscription_count()));
    for name in ["private-a", "a", "#server-to-user-7"] {
        for error in [
            refusal(&ListUsers::new(name)),
            refusal(&GetChannel::new(name).with_user_count().with_cache()),
        ] {
            let expected = format!("{name} is not a presence channel, and knows nothing of users");
            assert_eq!(error, expected);
        }
    }
    assert!(is_taken(&GetChannel::new("presence-a").with_user_count()));
}

#[test]
fn a_users_channel_can_be_asked_about() {
    let asked = crate::request(&GetChannel::new("#server-to-user-a b"));
    assert_eq!(crate::path(&asked), "/apps/3/channels/%23server-to-user-a%20b");
    let error = refusal(&GetChannel::new("#server-to-user-"));
    assert!(error.ends_with("it has 0 bytes, 1 to 128 are allowed"), "{error}");
}

#[test]
fn a_channel_that_is_named_twice_is_refused_with_its_name() {
    let error = refusal(&Publish::new(["a", "b", "c", "b", "a"], "e", ""));
    assert_eq!(error, "b is named twice: an event goes to a channel once");
    let users = ["#server-to-user-7", "#server-to-user-7"];
    assert!(refusal(&Publish::new(users, "e", "")).contains("is named twice"));
    // Two events of a batch may go to one channel.
    assert!(is_taken(&Batch::new([event(), event()])));
}

#[test]
fn other_servers_have_other_limits() {
    let limits = ApiLimits::default()
        .channels(2)
        .batch(1)
        .event_name(3)
        .event_data(4)
        .user_id(5)
        .channel_name(NameRules::default().bytes(6).extra_characters(":"));
    let app = app().with_limits(limits);
    assert!(app.request(&Publish::new(["a:b", "b"], "abc", "abcd"), NOW).is_ok());
    let error = refusal_of(&app, &Publish::new(["a", "b", "c"], "e", ""));
    assert_eq!(error, "an event can go to 2 channels at once, not to 3");
    assert_eq!(
        refusal_of(&app, &Batch::new([event(), event()])),
        "a batch can hold 1 events, not 2"
    );
    assert!(refusal_of(&app, &Publish::new("a", "abcd", "")).ends_with("1 to 3 are allowed"));
    assert!(refusal_of(&app, &Publish::new("a", "abc", "abcde")).ends_with("the limit is 4"));
    assert!(refusal_of(&app, &Terminate::user("abcdef")).ends_with("1 to 5 are allowed"));
    assert!(refusal_of(&app, &GetChannel::new("abcdefg")).ends_with("the limit is 6"));
}

#[test]
fn the_limits_of_the_configuration_hold_for_what_is_published_too() {
    let own = pushest_proto::Limits::default().event_data(100 * 1024);
    let app = App::new(&crate::config().limits(own).build().unwrap()).unwrap();
    assert!(app.request(&Publish::new("a", "e", "x".repeat(100_000)), NOW).is_ok());
}

#[test]
fn a_call_of_ones_own_cannot_change_what_is_signed() {
    for path in
        ["", "x", "/a b", "/a?b", "/a#b", "/../b", "/a/./b", "/%2e%2E/b", "/%zz", "/%4", "/é"]
    {
        let error = refusal(&Custom::get(path));
        assert!(error.contains("is not a path"), "{path}: {error}");
    }
    for path in ["/a", "/a/b%20c/", "/a.b/..c", "/a:b@c,d;e=f"] {
        assert!(is_taken(&Custom::get(path)), "{path}");
    }
    for name in ["", "auth_key", "auth_signature", "auth_x", "body_md5", "a&b", "A", "a=b", "a\n"] {
        let error = refusal(&Custom::get("/x").parameter(name, "1"));
        assert!(error.contains("cannot be a parameter"), "{name}: {error}");
    }
    let shown = format!("{:?}", Custom::post("/x", "the body").parameter("token", "hush"));
    assert!(shown.contains("token"), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("the body"), "{shown}");
    let twice = Custom::get("/x").parameter("a", "1").parameter("a", "2");
    assert!(refusal(&twice).contains("cannot be a parameter"));
}
