//! Authorizing with an HTTP client of one's own: anything that can send a POST will do, here a few
//! lines over tokio's TCP. (For the usual case there is `Options::auth_endpoint`.)
//!
//!     cargo run -p pushest-tokio --example own_http_client
//!
//! It brings its own Pusher server and the app's own endpoint, both on the loopback interface, and
//! ends by itself.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use pushest_testkit::Server;
use pushest_tokio::proto::{EndpointAnswer, Signer, SocketId};
use pushest_tokio::{
    AuthEndpoint, Authorization, AuthorizationRequest, Client, Config, Denied, Event, Options,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let app = start_app().await?;

    // The client has the key, but not the secret.
    let endpoint = AuthEndpoint::new(&format!("http://{app}/pusher/auth"));
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
) -> Result<Authorization, Denied> {
    let post = endpoint.request(&request);
    let (status, body) = send(&post.url, &post.content_type, &post.body)
        .await
        // Worth another try: the client makes it by itself, with backoff.
        .map_err(|error| Denied::unavailable(None, &error.to_string()))?;
    EndpointAnswer { status, retry_after: None, location: None, body: body.as_bytes() }.read()
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

/// The app's own server, which has the secret. It lets everybody see the orders, and nothing else.
async fn start_app() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Err(error) = answer(stream).await {
                eprintln!("the app's server: {error}");
            }
        }
    });
    Ok(address)
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    // A form this small comes in one piece.
    let mut buffer = vec![0; 4096];
    let length = stream.read(&mut buffer).await?;
    let request = String::from_utf8_lossy(&buffer[..length]);
    let form = request.split_once("\r\n\r\n").map_or("", |(_, form)| form);
    let field = |name: &str| {
        form.split('&').filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name)
    };
    let socket_id = field("socket_id").and_then(|(_, id)| SocketId::new(id));
    let (status, body) = match (socket_id, field("channel_name")) {
        (Some(socket_id), Some((_, channel @ "private-orders"))) => {
            let auth = Signer::new("app-key", "app-secret").channel(&socket_id, channel, None);
            ("200 OK", format!(r#"{{"auth":"{auth}"}}"#))
        }
        _ => ("403 Forbidden", "only orders are for everybody".to_string()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await
}
