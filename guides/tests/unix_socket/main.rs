//! The program of the page "Streams of your own" does what the page says.
#![cfg(unix)]

#[allow(dead_code, reason = "its own main is for users")]
mod page;

use std::sync::Arc;
use std::time::Duration;

use pushest_testkit::{Server, Target};
use pushest_tokio::{ApiOptions, Client, Event, Loss, NotConnected, Options, connected_stream};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use page::over;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_page_shows_the_program_that_is_tested_here() {
    let program = include_str!("page.rs");
    let program = program.split_once("\n\n").expect("lines and a program").1;
    let program = program.replace("pub(crate) ", "");
    let page = include_str!("../../docs/own-streams.md");
    assert!(page.contains(&format!("```rust,no_run\n{program}```\n")), "{program}");
}

#[tokio::test]
async fn a_client_reaches_its_server_over_a_unix_socket_and_comes_back() {
    let folder = std::env::temp_dir().join(format!("pushest-guides-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("server.sock");
    let server = Arc::new(Server::builder().without_port().start().expect("a server"));
    let builder = || {
        let app = server.app();
        let builder = Client::builder(&app.key).secret(app.secret()).app_id(&app.id);
        over(path.clone(), builder.host("behind.invalid"))
    };
    // Nothing listens yet.
    let client = builder().build().expect("valid");
    let failed = timeout(PATIENCE, client.attempted()).await.expect("in time");
    let Err(NotConnected::Failed(loss)) = failed else { panic!("{failed:?}") };
    assert!(loss.to_string().starts_with("the connector failed: "), "{loss}");
    assert!(matches!(*loss, Loss::Dial(_)), "{loss:?}");

    let listener = UnixListener::bind(&path).expect("a socket");
    let accepting = server.clone();
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepting.accept(stream).expect("accepted");
        }
    });
    client.connect();
    let mut orders = client.subscribe("orders").expect("a good channel");
    timeout(PATIENCE, orders.subscribed()).await.expect("in time").expect("subscribed");

    server.drop_connections(Target::All);
    let silent_for = loop {
        match timeout(PATIENCE, orders.recv()).await.expect("in time").expect("the client lives") {
            Event::Gap { silent_for, .. } => break silent_for,
            _ => continue,
        }
    };
    assert!(silent_for < PATIENCE, "{silent_for:?}");

    let socket = path.clone();
    let options = Options::default().connector(move |_| {
        let path = socket.clone();
        async move { UnixStream::connect(path).await.map(connected_stream) }
    });
    let config = pushest_tokio::Config::builder(&server.app().key).host("behind.invalid");
    let config = config.secret(server.app().secret()).app_id(&server.app().id);
    let config = config.build().expect("valid");
    let api = ApiOptions::default().options(options);
    let api = pushest_tokio::Api::with_options(&config, api).expect("whole");
    for number in [7, 8] {
        let published = timeout(PATIENCE, api.publish("orders", "shipped", &number));
        published.await.expect("in time").expect("published");
        let text = loop {
            match timeout(PATIENCE, orders.recv()).await.expect("in time").expect("it lives") {
                Event::Channel(event) => break event.text().into_owned(),
                _ => continue,
            }
        };
        assert_eq!(text, number.to_string());
    }
    // With a client's own API it is the same.
    let api = client.api().expect("whole");
    let published = timeout(PATIENCE, api.publish("orders", "shipped", &9));
    published.await.expect("in time").expect("published");
    client.shutdown().await;
    accepting.abort();
    std::fs::remove_dir_all(&folder).expect("removed");
}
