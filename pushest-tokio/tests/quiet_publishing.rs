//! Nothing secret of a call is logged, whatever level is turned on; where one is sent again stands a line.
//! A process of its own: a subscriber is for all of it.

mod captured_log;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use pushest_tokio::{Api, Config};

use captured_log::Log;

#[tokio::test]
async fn neither_the_secret_nor_signatures_nor_data_are_logged() {
    let log = Log::default();
    // It takes the records of the `log` crate, too.
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    subscriber.with_writer(log.clone()).with_ansi(false).init();

    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let requests = asked.clone();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).expect("a request");
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            // It says all that it was told, as servers do that explain themselves.
            let status = if number == 2 { 200 } else { 429 };
            let body = if status == 200 { "{}" } else { &*request };
            let answer = format!(
                "HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            requests.lock().expect("nobody panics").push(request);
            stream.write_all(answer.as_bytes()).expect("it reads");
        }
    });
    let config = Config::builder("app-key").app_id("1").secret("secret-sentinel");
    let config = config.master_key(b"master-key-sentinel-of-32-bytes!").host("127.0.0.1");
    let api = Api::new(&config.port(port).build().expect("valid")).expect("whole");
    api.publish("private-encrypted-orders", "shipped", "data-sentinel").await.expect("published");

    let text = log.text();
    assert_eq!(text.matches("a call is sent again").count(), 2, "{text}");
    let asked = asked.lock().expect("nobody panics");
    assert_eq!(asked.len(), 3);
    for request in &*asked {
        let (_, rest) = request.split_once("auth_signature=").expect("it is signed");
        let signature = &rest[..64];
        for secret in [signature, "secret-sentinel", "master-key-sentinel", "data-sentinel"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
