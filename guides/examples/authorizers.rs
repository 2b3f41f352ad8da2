//! The two endpoints that the pages show, for the app of the server in `PUSHEST_TEST_URL`, until its
//! standard input ends. Ada has signed in, with a token. The first line names their URLs:
//! `pushest-testkit/official/endpoints.mjs` asks them with pusher-js.

#[path = "../tests/axum/page.rs"]
#[allow(dead_code, reason = "the page's own main is another one")]
mod axum_page;
#[path = "../tests/plain/page.rs"]
#[allow(dead_code, reason = "the page's own main is another one")]
mod plain_page;

use std::error::Error;
use std::io::Read as _;
use std::net::TcpListener;
use std::thread;

use pushest_proto::ConfigBuilder;
use pushest_tokio::Client;

/// What `official/endpoints.mjs` publishes with.
const MASTER_KEY: [u8; 32] = [7; 32];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = std::env::var("PUSHEST_TEST_URL")?;
    let config = ConfigBuilder::default().url(&url)?.master_key(&MASTER_KEY).build()?;
    let signer = config.signer().ok_or("the URL has no secret")?.clone();
    let ada = || [("t0ken".to_string(), "ada".to_string())];

    let plain = TcpListener::bind("127.0.0.1:0")?;
    let plain_address = plain.local_addr()?;
    let app = plain_page::App::new(signer);
    app.sessions.write().expect("no writer panics").extend(ada());
    thread::spawn(move || plain_page::serve(&plain, &app));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let axum_address = listener.local_addr()?;
    let app = axum_page::App::new(Client::new(config))?;
    app.sessions.write().expect("no writer panics").extend(ada());
    println!("http://{axum_address}/broadcasting http://{plain_address}/pusher");
    let stop = async {
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        drop(ended.await);
    };
    axum_page::serve(app, listener, stop).await
}
