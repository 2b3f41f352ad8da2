//! The program of the page "With axum" does what the page says.

#[path = "../authorized/mod.rs"]
mod authorized;
mod page;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use page::{App, BoxError, serve};
use pushest_proto::ConfigBuilder;
use pushest_testkit::{Server, Target};
use pushest_tokio::Client;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the page's program is here: without the line above it, and without its visibility.
fn program() -> String {
    let program = include_str!("page.rs").split_once("\n\n").expect("a line and a program").1;
    program.replace("pub(crate) ", "")
}

#[test]
fn the_page_shows_the_program_that_is_tested_here() {
    let page = include_str!("../../docs/axum.md");
    assert!(page.contains(&format!("```rust,no_run\n{}```\n", program())), "{}", program());
    let _: fn() -> Result<(), BoxError> = page::main;
}

struct Service {
    server: Server,
    app: Arc<App>,
    client: Client,
    address: String,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let server = Server::start().expect("a server");
        let config = ConfigBuilder::default().url(&server.url()).expect("a URL");
        let config = config.master_key(server.app().master_key().as_bytes());
        let client = Client::new(config.build().expect("valid"));
        let app = App::new(client.clone()).expect("it has the secret");
        let ada = ("t0ken".to_string(), "ada".to_string());
        app.sessions.write().expect("no writer panics").extend([ada]);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(app.clone(), listener, async { drop(stopped.await) });
        let running = tokio::spawn(async { serving.await.expect("it serves") });
        let is_there = server.until_subscribers("orders", 1);
        let waiting = tokio::task::spawn_blocking(move || is_there.wait(PATIENCE));
        waiting.await.expect("it ran").expect("it subscribes");
        Self { server, app, client, address, stop: Some(stop), running }
    }

    /// Sends a request; returns status and body.
    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(&self.address).await.expect("it listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        socket.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        let reading = socket.read_to_string(&mut answer);
        timeout(PATIENCE, reading).await.expect("in time").expect("read");
        let status = answer.split(' ').nth(1).expect("a status").parse().expect("a number");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a blank line");
        (status, body.to_string())
    }

    /// Asks until the answer has this status.
    async fn ask_until(&self, path: &str, status: u16) -> String {
        let asking = async {
            loop {
                let (got, body) = self.ask("GET", path, "", "").await;
                if got == status {
                    return body;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, asking).await.expect("in time")
    }

    async fn end(mut self) {
        drop(self.stop.take());
        timeout(PATIENCE, self.running).await.expect("in time").expect("it ends");
    }
}

#[tokio::test]
async fn it_serves_what_it_learned_and_handles_what_has_arrived_before_it_ends() {
    let service = Service::start().await;
    let (status, _) = service.ask("GET", "/orders/7", "", "").await;
    assert_eq!(status, 404);
    service.server.publish("orders", "shipped", r#"{"id":7,"state":"shipped"}"#);
    let body = service.ask_until("/orders/7", 200).await;
    assert_eq!(body, r#"{"id":7,"state":"shipped"}"#);
    service.server.publish("orders", "shipped", r#"{"id":8,"state":"shipped"}"#);
    service.client.flush().await.expect("flushed");
    let app = service.app.clone();
    service.end().await;
    assert!(app.orders.read().expect("no writer panics").contains_key(&8));
}

#[tokio::test]
async fn its_health_says_why_it_is_not_connected() {
    let service = Service::start().await;
    assert_eq!(service.ask_until("/health", 200).await, "connected");
    service.server.close(Target::All, 4003, "disabled");
    let body = service.ask_until("/health", 503).await;
    assert!(body.contains("4003") && body.contains("disabled"), "{body}");
    service.end().await;
}

#[tokio::test]
async fn it_authorizes_others_by_its_rules() {
    let service = Service::start().await;
    let url = format!("http://{}/broadcasting", service.address);
    authorized::ada_gets_what_is_hers(&service.server, &url).await;

    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let body = "socket_id=1.2&channel_name=private-ada";
    let (status, _) = service.ask("POST", "/broadcasting/auth", form, body).await;
    assert_eq!(status, 403, "nobody has signed in");
    let (status, _) = service.ask("POST", "/broadcasting/user-auth", form, body).await;
    assert_eq!(status, 403, "nobody has signed in");
    let guessed = format!("{form}Authorization: Bearer guessed\r\n");
    assert_eq!(service.ask("POST", "/broadcasting/auth", &guessed, body).await.0, 403);
    let form = format!("{form}Authorization: Bearer t0ken\r\n");
    let eve = "socket_id=1.2&channel_name=presence-room&user_id=eve";
    let (status, granted) = service.ask("POST", "/broadcasting/auth", &form, eve).await;
    assert!(status == 200 && granted.contains("ada") && !granted.contains("eve"), "{granted}");
    assert_eq!(service.ask("POST", "/broadcasting/auth", &form, "socket_id=1.2").await.0, 400);
    let body = "socket_id=1.2:presence-x&channel_name=private-ada";
    let (status, _) = service.ask("POST", "/broadcasting/auth", &form, body).await;
    assert_eq!(status, 400, "no socket id");
    service.end().await;
}

#[tokio::test]
async fn it_takes_webhooks_that_are_signed_and_new() {
    let service = Service::start().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let body = format!(
        r#"{{"time_ms":{now},"events":[{{"name":"channel_occupied","channel":"orders"}}]}}"#
    );
    let signature = signature(&body);
    let signed = format!("X-Pusher-Key: app-key\r\nX-Pusher-Signature: {signature}\r\n");
    for _ in 0..2 {
        assert_eq!(service.ask("POST", "/webhooks", &signed, &body).await.0, 200);
    }
    let forged = body.replace("orders", "others");
    assert_eq!(service.ask("POST", "/webhooks", &signed, &forged).await.0, 401);
    assert_eq!(service.ask("POST", "/webhooks", "", &body).await.0, 401);
    service.end().await;
}

/// As servers sign, with the secret of the testkit's app.
fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app-secret").expect("any length");
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
