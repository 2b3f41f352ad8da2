//! What fails stands in the log as a warning, and how the connection does as information: each kind
//! at most once a second, with the client and the connection that it is about, and without secrets. A
//! process of its own: a subscriber is for all of it.

mod captured_log;

use std::future::ready;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pushest_testkit::{Server, Target};
use pushest_tokio::{
    Authorization, AuthorizationError, AuthorizationRequest, Client, Config, ConfigBuilder, Event,
    Limits, Options, SubscribeOptions,
};
use tokio::time::{sleep, timeout};
use tracing_subscriber::filter::LevelFilter;

use captured_log::Log;

const MASTER_KEY: &str = "bWFzdGVyLWtleS1zZW50aW5lbC0zMi1ieXRlcy14eXo=";

/// The log of all clients of the process, from the level of information on.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO);
        let subscriber = subscriber.with_ansi(false).with_writer(log.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).expect("the first one");
        log
    })
}

/// The lines of one client.
fn lines(client: &str) -> Vec<String> {
    let text = log().text();
    let names = [" ", "}"].map(|end| format!("connection{{client={client}{end}"));
    let is_its = |line: &&str| names.iter().any(|name| line.contains(name));
    text.lines().filter(is_its).map(str::to_owned).collect()
}

/// Waits for a line of a client's with all of these words.
async fn until(client: &str, words: &[&str]) -> String {
    let begun = Instant::now();
    loop {
        let found = lines(client);
        let mut found = found.into_iter();
        if let Some(line) = found.find(|line| words.iter().all(|word| line.contains(word))) {
            return line;
        }
        let is_late = begun.elapsed() > Duration::from_secs(20);
        assert!(!is_late, "no {words:?} in {:#?}", lines(client));
        sleep(Duration::from_millis(5)).await;
    }
}

fn config(server: &Server) -> ConfigBuilder {
    let builder = Config::builder(&server.app().key).secret(server.app().secret());
    builder.host("127.0.0.1").port(server.port())
}

fn client(name: &str, config: ConfigBuilder, options: Options) -> Client {
    log();
    Client::with_options(config.build().expect("valid"), options.name(name))
}

#[tokio::test]
async fn a_connection_that_is_lost_and_back_is_told_with_its_gap_host_and_socket() {
    let server = Server::start().expect("a server");
    let client = client("lost", config(&server), Options::default());
    let socket_id = client.connected().await.expect("connected");
    let first = until("lost", &[" INFO ", ": connected as "]).await;
    let orders = client.subscribe("private-orders").expect("valid");
    let news = client.subscribe("news").expect("valid");
    orders.subscribed().await.expect("subscribed");
    news.subscribed().await.expect("subscribed");
    assert!(!lines("lost").iter().any(|line| line.contains("recovered")), "nothing was lost");

    server.close(Target::All, 4200, "the server restarts");
    let lost = until("lost", &[" WARN ", ": lost: ", "code 4200: the server restarts"]).await;
    for line in [&first, &lost] {
        let port = format!(" port={}", server.port());
        let socket_id = format!(" socket_id={socket_id}");
        for field in [" host=127.0.0.1", &*port, " tls=false", &*socket_id] {
            assert!(line.contains(field), "no {field} in {line}");
        }
    }
    assert!(lost.contains("; next attempt in "), "{lost}");
    let recovered = until("lost", &[" INFO ", ": recovered: 2 channels", "channels=2"]).await;
    assert!(recovered.contains(" gap=") && recovered.contains(" failed=0"), "{recovered}");
    let now = client.connected().await.expect("connected");
    assert_ne!(now, socket_id);
    assert!(recovered.contains(&format!(" socket_id={now}")), "{recovered}");
    client.shutdown().await;
    until("lost", &[" INFO ", ": disconnected"]).await;
}

#[tokio::test]
async fn an_attempt_that_fails_and_a_refusal_for_good_are_warnings_with_their_reasons() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let builder = Config::builder("key").host("127.0.0.1").port(port);
    let client = self::client("no-server", builder, Options::default());
    until("no-server", &[" WARN ", ": not connected: the server could not be reached", "refused"])
        .await;
    drop(client);

    let server = Server::start().expect("a server");
    let builder = Config::builder("unknown-key").host("127.0.0.1").port(server.port());
    let client = self::client("refused", builder, Options::default());
    until("refused", &[" WARN ", ": refused for good: ", "code 4001"]).await;
    drop(client);
}

#[tokio::test]
async fn subscriptions_and_sign_ins_that_fail_are_warnings_with_channel_and_reason() {
    let server = Server::start().expect("a server");
    server.deny("private-denied", "not for you");
    let client = self::client("denied", config(&server), Options::default());
    let denied = client.subscribe("private-denied").expect("valid");
    denied.subscribed().await.expect_err("denied");
    let words = [" WARN ", ": not subscribed: the server refused", "not for you"];
    let line = until("denied", &words).await;
    assert!(line.contains(" channel=private-denied"), "{line}");

    let answer = |request: AuthorizationRequest| {
        ready(match request.subject.channel().map(|name| name.as_str()) {
            Some("private-refused") => Err(AuthorizationError::refused(Some(403), "no entry")),
            Some(_) => Err(AuthorizationError::unavailable(Some(503), "down")),
            None => Err(AuthorizationError::refused(None, "who are you")),
        })
    };
    let builder = Config::builder(&server.app().key).host("127.0.0.1").port(server.port());
    let client = self::client("asking", builder, Options::default().authorizer(answer));
    let _refused = client.subscribe("private-refused").expect("valid");
    let _unavailable = client.subscribe("private-unavailable").expect("valid");
    client.sign_in(Some(r#"{"id":"7"}"#)).expect("valid");
    let words = [" WARN ", "authorization refused with HTTP status 403: no entry"];
    assert!(until("asking", &words).await.contains(" channel=private-refused"));
    let words =
        [" WARN ", "authorization unavailable with HTTP status 503: down; next attempt in "];
    assert!(until("asking", &words).await.contains(" channel=private-unavailable"));
    until("asking", &[" WARN ", ": not signed in: authorization refused: who are you"]).await;
}

#[tokio::test]
async fn what_is_dropped_unread_or_refused_later_is_a_warning() {
    let server = Server::start().expect("a server");
    let builder = config(&server).limits(Limits::default().members(1));
    let options = Options::default().queue(2, 1_000_000);
    let client = self::client("dropped", builder, options);
    let mut news = client.subscribe("news").expect("valid");
    news.subscribed().await.expect("subscribed");
    for number in 0..10 {
        server.publish("news", "number", &number.to_string());
    }
    let line = until("dropped", &[" WARN ", ": too slow: ", "of a receiver of news"]).await;
    assert!(line.contains(" channel=news") && line.contains(" events="), "{line}");
    let lagged = async {
        while !matches!(news.recv().await.expect("the client lives"), Event::Lagged { .. }) {}
    };
    timeout(Duration::from_secs(20), lagged).await.expect("it is told");

    server.send_error(Target::All, Some(4301), "no client events here");
    until("dropped", &[" WARN ", "the server reports an error: no client events here"]).await;
    server.send_raw(Target::All, "junk");
    until("dropped", &[" WARN ", ": a malformed message: not a JSON object"]).await;
    let room = client.subscribe_with("presence-room", &SubscribeOptions::member("1"));
    room.as_ref().expect("valid").subscribed().await.expect("subscribed");
    let data = r#"{"user_id":"2"}"#;
    let added = serde_json::json!({
        "event": "pusher_internal:member_added", "channel": "presence-room", "data": data,
    });
    server.send_raw(Target::All, &added.to_string());
    until("dropped", &[" WARN ", ": a limit was reached: 1 members of presence-room"]).await;
}

#[tokio::test]
async fn no_secret_stands_in_a_line_though_everything_fails_that_has_one() {
    let server = Server::start().expect("a server");
    let granted = |request: AuthorizationRequest| {
        let mut granted = Authorization::new("app-key:signature-sentinel");
        if request.attempt == 1 {
            granted = granted.shared_secret("c2hhcmVkLXNlY3JldC1zZW50aW5lbC0zMi1ieXRlcy4=");
        }
        ready(Ok(granted))
    };
    let options = Options::default().authorizer(granted);
    let options = options.header("Authorization", "Bearer header-sentinel").expect("valid");
    let builder = Config::builder(&server.app().key).host("127.0.0.1").port(server.port());
    let asking = self::client("secrets", builder, options);
    let _refused = asking.subscribe("private-encrypted-orders").expect("valid");
    until("secrets", &[" WARN ", ": not subscribed: "]).await;

    // The key of the app's master key, and data that another one has made.
    let builder = config(&server).master_key_base64(MASTER_KEY);
    let opening = self::client("secrets-2", builder, Options::default());
    let orders = opening.subscribe("private-encrypted-orders").expect("valid");
    orders.subscribed().await.expect("subscribed");
    server.publish_encrypted("private-encrypted-orders", "number", "7");
    let words = [" WARN ", "the event number could not be decrypted: "];
    assert!(until("secrets-2", &words).await.contains(" channel=private-encrypted-orders"));
    server.close(Target::All, 4001, "no such app");
    until("secrets", &[" WARN ", ": refused for good: "]).await;
    until("secrets-2", &[" WARN ", ": refused for good: "]).await;

    let text = log().text();
    let key = server.app().master_key().shared_secret("private-encrypted-orders");
    let secrets = ["sentinel", "c2hhcmVk", MASTER_KEY, &*key, server.app().secret()];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// The number that a line says were kept silent.
fn suppressed(line: &str) -> usize {
    let Some((_, rest)) = line.split_once(" suppressed=") else { return 0 };
    rest.split(' ').next().expect("a number").parse().expect("a number")
}

#[tokio::test]
async fn a_flood_is_one_line_a_second_and_every_line_of_it_is_counted() {
    const FLOOD: usize = 3_000;
    let server = Server::start().expect("a server");
    let client = self::client("flood", config(&server), Options::default());
    client.connected().await.expect("connected");
    let begun = Instant::now();
    for _ in 0..FLOOD {
        server.send_raw(Target::All, "junk");
    }
    // The last ones are counted by themselves, though nothing follows.
    loop {
        let found = lines("flood");
        let found: Vec<_> = found.iter().filter(|line| line.contains("malformed")).collect();
        // A line that sums others up has no message of its own.
        let own = found.iter().filter(|line| !line.contains("more within a second")).count();
        let told = own + found.iter().map(|line| suppressed(line)).sum::<usize>();
        let seconds = begun.elapsed().as_secs_f64();
        assert!(found.len() as f64 <= seconds + 1.0, "{seconds}: {found:#?}");
        if told == FLOOD {
            assert!(found.len() > 1 && found.len() < 15, "{found:#?}");
            break;
        }
        assert!(told < FLOOD && seconds < 20.0, "{told}: {found:#?}");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(lines("flood").iter().all(|line| !line.contains("DEBUG")));
}

#[tokio::test]
async fn what_goes_well_and_what_channels_carry_is_no_line() {
    let server = Server::start().expect("a server");
    let client = self::client("quiet", config(&server), Options::default());
    let mut news = client.subscribe("news").expect("valid");
    news.subscribed().await.expect("subscribed");
    for number in 0..100 {
        server.publish("news", "number", &number.to_string());
    }
    let mut left = 100;
    while left > 0 {
        let event = timeout(Duration::from_secs(20), news.recv()).await.expect("it comes");
        left -= usize::from(matches!(event, Some(Event::Channel(_))));
    }
    let lines = lines("quiet");
    assert!(matches!(&*lines, [connected] if connected.contains(": connected as ")), "{lines:#?}");
}

#[tokio::test]
async fn clients_without_a_name_have_numbers_and_names_are_escaped() {
    log();
    let server = Server::start().expect("a server");
    let config = || config(&server).build().expect("valid");
    let (one, other) = (Client::new(config()), Client::new(config()));
    one.connected().await.expect("connected");
    other.connected().await.expect("connected");
    let evil = self::client("evil\n\u{1b}[2J", self::config(&server), Options::default());
    evil.connected().await.expect("connected");
    until(r"evil\n\u{1b}[2J", &[": connected as "]).await;
    let text = log().text();
    for client in [&one, &other] {
        let socket_id = client.connected().await.expect("connected");
        let connected = format!(": connected as {socket_id}");
        let line = text.lines().find(|line| line.contains(&connected)).expect("it is told");
        let (_, name) = line.split_once("client=").expect("it has a name");
        let (name, _) = name.split_once(' ').expect("it ends");
        assert!(name.parse::<u32>().is_ok_and(|number| number > 0), "{line}");
    }
}
