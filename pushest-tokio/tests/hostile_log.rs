//! What a server says appears in the log without a character that commands a terminal or begins a
//! line. A process of its own: a subscriber is for all of it.

mod captured_log;

use std::fmt;
use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pushest_testkit::{Refusal, Server, Target, UpgradeFault};
use pushest_tokio::{
    AuthorizationError, AuthorizationRequest, Client, Config, Event, Events, MalformedReason,
    Options, SubscribeOptions,
};
use serde_json::json;
use tokio::time::timeout;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

use captured_log::Log;

/// One character of each kind that must not arrive: short enough for a close frame.
const EVIL: &str = "EVIL\0\n\r\u{7}\u{8}\u{1b}[2J\u{7f}\u{9b}2J\u{2028}\u{2029}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}";

/// Writes fields as they were recorded. The subscriber's own way escapes some characters.
struct Verbatim;

impl<'writer> FormatFields<'writer> for Verbatim {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        struct Visitor<'a>(Writer<'a>, fmt::Result);
        impl tracing::field::Visit for Visitor<'_> {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
                self.1 = self.1.and_then(|()| write!(self.0, "{field}={value:?} "));
            }

            fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                self.1 = self.1.and_then(|()| write!(self.0, "{field}={value} "));
            }
        }
        let mut visitor = Visitor(writer, Ok(()));
        fields.record(&mut visitor);
        visitor.1
    }
}

async fn until(events: &mut Events, what: &str, wanted: impl Fn(&Event) -> bool) {
    let found = async { while !wanted(&events.recv().await.expect("the client lives")) {} };
    timeout(Duration::from_secs(20), found).await.expect(what);
}

/// An odd list of members, a large message, a broken close frame, an error in the place of a
/// handshake, and a page in the place of an upgrade.
async fn break_rules(server: &Server, client: &Client, events: &mut Events) {
    let list = json!({ "presence": { "ids": [EVIL, { EVIL: EVIL }], "hash": { EVIL: EVIL } } });
    server.replace_presence_data(Some(&list.to_string()));
    let odd = client.subscribe_with("presence-odd", &SubscribeOptions::member("7"));
    let odd = odd.expect("valid");
    odd.subscribed().await.expect("subscribed");
    let large = json!({ "event": EVIL, "channel": "presence-odd", "data": "x".repeat(2 << 20) });
    server.send_raw(Target::All, &large.to_string());
    until(events, "a large message", |event| {
        matches!(event, Event::Malformed { problem: MalformedReason::TooLarge { .. }, .. })
    })
    .await;

    let payload = [&4202_u16.to_be_bytes()[..], EVIL.as_bytes(), &[0xff]].concat();
    let length = u8::try_from(payload.len()).expect("no more than a close frame holds");
    server.send_bytes(Target::All, &[&[0x88, length], &payload[..]].concat());
    until(events, "the broken frame", |event| has_code(event, 4202)).await;
    client.connected().await.expect("connected");

    server.refuse_connections_with(Some(Refusal::error(4203, EVIL)));
    server.close(Target::All, 4204, "");
    until(events, "the refusal", |event| has_code(event, 4203)).await;
    let body = EVIL.to_owned();
    server.fault_upgrades(1, UpgradeFault::Refuse { status: 500, headers: Vec::new(), body });
    server.refuse_connections(None);
    client.connected().await.expect("connected");
}

fn has_code(event: &Event, code: u16) -> bool {
    let Event::State(change) = event else { return false };
    change.loss.as_ref().is_some_and(|loss| loss.close_code() == Some(code))
}

/// What is said by what a program asks for headers and authorizations, and a name that is almost
/// one of another kind.
async fn without_a_secret(server: &Server) {
    let builder = Config::builder(&server.app().key).host("127.0.0.1").port(server.port());
    let is_first = AtomicBool::new(true);
    let headers = move || {
        if is_first.swap(false, Ordering::Relaxed) { Err(EVIL.to_owned()) } else { Ok(Vec::new()) }
    };
    let deny = |_: AuthorizationRequest| ready(Err(AuthorizationError::refused(Some(403), EVIL)));
    let options = Options::default().headers_with(headers).authorizer(deny);
    let client = Client::with_options(builder.build().expect("valid"), options);
    let denied = client.subscribe("private-denied").expect("valid");
    denied.subscribed().await.expect_err("denied");
    client.subscribe("private_chat").expect("valid").subscribed().await.expect("subscribed");
    client.shutdown().await;
}

#[tokio::test]
async fn nothing_that_a_server_says_commands_the_terminal_of_those_who_read_the_log() {
    let log = Log::default();
    // Without the records of the `log` crate: there libraries write down what they read.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .fmt_fields(Verbatim)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("the first one");

    let server = Server::start().expect("a server");
    let builder = Config::builder(&server.app().key).secret(server.app().secret());
    let config = builder.host("127.0.0.1").port(server.port()).build().expect("valid");
    let client = Client::new(config);
    let mut events = client.events();
    let room = SubscribeOptions::member(EVIL).info(&json!({ "name": EVIL }).to_string());
    let room = client.subscribe_with("presence-room", &room).expect("valid");
    room.subscribed().await.expect("subscribed");

    // An event, a member, and a message of no known kind.
    server.publish("presence-room", EVIL, EVIL);
    until(&mut events, "the event", |event| matches!(event, Event::Channel(_))).await;
    let data = json!({ "user_id": format!("{EVIL}2"), "user_info": EVIL }).to_string();
    let added = json!({
        "event": "pusher_internal:member_added", "channel": "presence-room", "data": data,
    });
    server.send_raw(Target::All, &added.to_string());
    server.send_raw(Target::All, &json!({ "event": EVIL, "data": EVIL }).to_string());
    server.send_raw(Target::All, EVIL);
    until(&mut events, "junk", |event| matches!(event, Event::Malformed { .. })).await;

    // Errors: with a channel and without, of a subscription and of a sign-in.
    server.send_error(Target::All, Some(4301), EVIL);
    until(&mut events, "an error", |event| matches!(event, Event::ServerError(_))).await;
    server.deny("private-denied", EVIL);
    let denied = client.subscribe("private-denied").expect("valid");
    denied.subscribed().await.expect_err("denied");
    client.sign_in(Some(&json!({ "id": EVIL }).to_string())).expect("valid");
    client.signed_in().await.expect("signed in");
    // The server refuses the channel of a user with such an id.
    let own = format!("#server-to-user-{EVIL}");
    until(&mut events, "the channel of the user", |event| {
        matches!(event, Event::SubscriptionFailed { channel, .. } if *channel.as_str() == *own)
    })
    .await;
    let refused = json!({ "event": "pusher:signin_error", "data": { "error": EVIL } });
    server.send_raw(Target::All, &refused.to_string());

    // The end of a connection, and the refusal of the next.
    let location = "HTTP/1.1 301 Moved\r\nLocation: https://h/EVIL\u{9b}2J\r\n\r\n";
    server.fault_upgrades(1, UpgradeFault::Raw(location.as_bytes().to_vec()));
    server.close(Target::All, 4200, EVIL);
    until(
        &mut events,
        "the loss",
        |event| matches!(event, Event::State(change) if change.loss.is_some()),
    )
    .await;
    client.connected().await.expect("connected");

    break_rules(&server, &client, &mut events).await;
    client.shutdown().await;
    without_a_secret(&server).await;

    let text = log.text();
    for line in text.lines() {
        let is_ours = [" pushest: ", " pushest::frames: "].iter().any(|it| line.contains(it));
        assert!(is_ours, "{line:?} is no record of ours: {text}");
    }
    let raw = text.chars().find(|it| *it != '\n' && pushest_tokio::proto::needs_escape(*it));
    assert_eq!(raw, None, "{text:?}");
    let shown = pushest_tokio::Escaped(EVIL).to_string();
    let places = [
        "code 4200: ",
        "4301",
        "not subscribed: the server refused",
        "server-to-user-",
        "in a broken frame: its reason is not UTF-8: ",
        "refused the connection with code 4203: ",
        "the upgrade's headers could not be provided: ",
        "authorization refused with HTTP status 403: ",
    ];
    for place in places {
        let told = |line: &str| line.contains(place) && line.contains(&shown);
        assert!(text.lines().any(told), "no {place}{shown} in {text}");
    }
    for place in ["of its parts could not be read", "over the limit", "status 500: EVIL", "meant?"]
    {
        assert!(text.lines().any(|line| line.contains(place)), "no {place} in {text}");
    }
}
