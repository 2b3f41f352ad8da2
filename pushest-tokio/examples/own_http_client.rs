//! Authorizing with an HTTP client of one's own: anything that can send a POST will do, here a few
//! lines over tokio's TCP. (For the usual case there is `Options::auth_endpoint`.)
//!
//!     cargo run -p pushest-tokio --example own_http_client
//!
//! It brings its own Pusher server and the app's own endpoint, both on the loopback interface, and
//! ends by itself.

use std::error::Error;
use std::io;

use pushest_testkit::{AuthorizationEndpoint, Reply, Server};
use pushest_tokio::proto::EndpointAnswer;
use pushest_tokio::{
    AuthEndpoint, Authorization, AuthorizationError, AuthorizationRequest, Client, Config, Event,
    Options,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    // The app's own server, which has the secret. It lets every user see the orders, and nothing
    // else.
    let app = AuthorizationEndpoint::start_with(server.app(), |request| match request.channel() {
        Some("private-orders") => request.grant("7"),
        _ => Reply::new(403, "only orders are for everybody"),
    })?;

    // The client has the key, but not the secret.
    let endpoint = AuthEndpoint::new(&app.url("/pusher/auth"));
    let options = Options::default().authorizer(move |request: AuthorizationRequest| {
        // Every attempt is asked for afresh: here is where a token would be renewed.
        println!("asking for {}, attempt {}", request.subject, request.attempt);
        ask(endpoint.clone(), request)
    });
    let config = Config::builder("app-key").host("127.0.0.1").port(server.port()).build()?;
    let client = Client::with_options(config, options);

    let mut orders = client.subscribe("private-orders")?;
    orders.subscribed().await?;
    println!("subscribed to {}", orders.name());
    server.publish("private-orders", "shipped", r#"{"id":7}"#);
    while let Some(event) = orders.recv().await {
        if let Event::Channel(event) = event {
            println!("{}: {}", event.name(), event.text());
            break;
        }
    }

    let staff = client.subscribe("private-staff")?;
    if let Err(error) = staff.subscribed().await {
        println!("{error}");
    }
    client.shutdown().await;
    Ok(())
}

/// One request. What is sent and what the answer means need not concern us: the endpoint knows.
async fn ask(
    endpoint: AuthEndpoint,
    request: AuthorizationRequest,
) -> Result<Authorization, AuthorizationError> {
    let post = endpoint.request(&request);
    let (status, body) = send(&post.url, &post.content_type, &post.body)
        .await
        // Worth another try: the client makes it by itself, with backoff.
        .map_err(|error| AuthorizationError::unavailable(None, &error.to_string()))?;
    EndpointAnswer::new(status, body.as_bytes()).read()
}

/// The HTTP client: stands for your own.
async fn send(url: &str, content_type: &str, body: &str) -> io::Result<(u16, String)> {
    let (address, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(|| io::Error::other("not an http:// URL"))?;
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /{path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_string());
    status.zip(body).ok_or_else(|| io::Error::other("the answer is not HTTP"))
}
