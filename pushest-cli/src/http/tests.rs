//! Slow clients, in time that the test moves.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::output::Form;

/// For what is no waiting.
const MOMENT: Duration = Duration::from_secs(1);

/// A reply that fills what the client does not read.
struct Large;

impl Replies for Large {
    fn has(&self, _path: &str) -> bool {
        true
    }

    async fn reply(&self, _asked: Asked) -> Reply {
        Reply::text(200, "x".repeat(1000))
    }
}

/// Connects a client, whose connection is over when the task is.
fn client() -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = duplex(1024);
    let output = Output::new(Form::default()).unwrap();
    let guard = Guard::new(&[], &[]).ok().unwrap();
    let service = Arc::new(Service { guard, output, replies: Large });
    let connection = tokio::spawn(async move {
        let (_stopping, stopped) = watch::channel(());
        let connection = service.connection(server, Ipv4Addr::LOCALHOST.into(), stopped);
        timeout(10 * LIFETIME, connection).await.expect("it is let go");
    });
    (client, connection)
}

/// What came until the connection was over, and after which time it was.
async fn ends(mut client: DuplexStream, connection: JoinHandle<()>) -> (String, Duration) {
    let begun = Instant::now();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    connection.await.unwrap();
    (String::from_utf8(answer).unwrap(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_head_is_let_go() {
    let (mut client, connection) = client();
    client.write_all(b"POST / HTTP/1.1\r\nHost: local").await.unwrap();
    let (_, elapsed) = ends(client, connection).await;
    assert!((PATIENCE..PATIENCE + MOMENT).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_body_is_answered_408_and_let_go() {
    let (mut client, connection) = client();
    let head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n1234";
    client.write_all(head).await.unwrap();
    let (answer, elapsed) = ends(client, connection).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!((PATIENCE..PATIENCE + MOMENT).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_replies_is_let_go() {
    let (mut client, connection) = client();
    let begun = Instant::now();
    let request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    while client.write_all(request).await.is_ok() {}
    connection.await.unwrap();
    let elapsed = begun.elapsed();
    assert!((LIFETIME..LIFETIME + PATIENCE + MOMENT).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_again_and_again_is_answered_up_to_the_end_of_its_connection() {
    let (mut client, connection) = client();
    let begun = Instant::now();
    let request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let mut chunk = [0; 4096];
    loop {
        let mut reply = Vec::new();
        // It may be over by then.
        let _ = client.write_all(request).await;
        while !is_whole(&reply) {
            match client.read(&mut chunk).await {
                Ok(count @ 1..) => reply.extend_from_slice(&chunk[..count]),
                _ => break,
            }
        }
        if reply.is_empty() {
            break;
        }
        assert!(reply.starts_with(b"HTTP/1.1 200 "));
        sleep(MOMENT).await;
    }
    connection.await.unwrap();
    let elapsed = begun.elapsed();
    assert!((LIFETIME..LIFETIME + 2 * MOMENT).contains(&elapsed), "{elapsed:?}");
}

fn is_whole(reply: &[u8]) -> bool {
    let head = reply.windows(4).position(|window| window == b"\r\n\r\n");
    head.is_some_and(|head| reply.len() == head + 4 + 1000)
}

#[test]
fn only_an_address_of_this_machine_is_out_of_reach_for_others() {
    for (address, is_reached) in [
        ("127.0.0.1", false),
        ("127.8.9.10", false),
        ("::1", false),
        ("::ffff:127.0.0.1", false),
        ("0.0.0.0", true),
        ("::", true),
        ("10.0.0.7", true),
        ("::ffff:10.0.0.7", true),
    ] {
        assert_eq!(is_reached_by_others(address.parse().unwrap()), is_reached, "{address}");
    }
}
