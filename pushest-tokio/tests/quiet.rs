//! Nothing secret is logged, whatever level is turned on. A process of its own: a subscriber is for
//! all of it.

mod captured_log;
mod common;

use pushest_testkit::{AuthorizationEndpoint, Server};
use pushest_tokio::{AuthEndpoint, Client, Options};

use captured_log::Log;
use common::{Target, subscribed};

#[tokio::test]
async fn neither_tokens_nor_keys_nor_signatures_are_logged() {
    let log = Log::default();
    // It takes the records of the `log` crate, too.
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    subscriber.with_writer(log.clone()).with_ansi(false).init();

    let server = Server::start().expect("a server");
    let target = Target {
        key: server.app().key.clone(),
        secret: server.app().secret().to_string(),
        host: "127.0.0.1".to_string(),
        port: server.port(),
    };
    let endpoint = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    let asks = AuthEndpoint::new(&endpoint.url("/auth")).parameter("tenant", "tenant-sentinel");
    let options = Options::default().auth_endpoint(asks).auth_headers(|_| {
        vec![("Authorization".to_string(), "Bearer header-sentinel".to_string())]
    });
    let client = Client::with_options(target.builder().build().expect("valid"), options);
    let channel = "private-encrypted-orders";
    drop(subscribed(&client, channel).await);

    let text = log.text();
    assert!(text.contains("pushest: "), "{text}");
    // Where every byte would be, in rows that cut words into pieces.
    assert!(!text.contains("ureq"), "{text}");
    let key = server.app().master_key().shared_secret(channel);
    for secret in ["tenant-sentinel", "header-sentinel", &*key, &*target.secret] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
