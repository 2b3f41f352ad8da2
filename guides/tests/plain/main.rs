//! The program of the page "Without a framework" does what the page says.

#[path = "../authorized/mod.rs"]
mod authorized;
mod page;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use page::{App, serve};
use pushest_proto::Signer;
use pushest_testkit::Server;

const PATIENCE: Duration = Duration::from_secs(20);
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const ADA: &str = "Authorization: Bearer t0ken\r\n";

/// What the page's program is here: without the line above it, and without its visibility.
fn program() -> String {
    let program = include_str!("page.rs").split_once("\n\n").expect("a line and a program").1;
    program.replace("pub(crate) ", "")
}

#[test]
fn the_page_shows_the_program_that_answers_here() {
    let page = include_str!("../../docs/without-a-framework.md");
    assert!(page.contains(&format!("```rust,no_run\n{}```\n", program())), "{}", program());
    let _: fn() -> Result<(), Box<dyn Error>> = page::main;
}

/// Starts the service, which ends with the process. Returns its address.
fn start(server: &Server) -> String {
    let signer = Signer::new(&server.app().key, server.app().secret());
    let signer = signer.with_master_key(server.app().master_key().as_bytes());
    let app = App::new(signer.expect("32 bytes"));
    let ada = ("t0ken".to_string(), "ada".to_string());
    app.sessions.write().expect("no writer panics").extend([ada]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || serve(&listener, &app));
    address
}

/// Sends bytes; returns status and body.
fn send(address: &str, request: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(address).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    // Who is refused early may not have read all of it.
    let _ = socket.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = socket.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..count]);
    }
    let answer = String::from_utf8(bytes).expect("text");
    let status = answer.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, answer.split_once("\r\n\r\n").expect("a blank line").1.to_string())
}

fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}");
    send(address, &format!("{head}Content-Length: {length}\r\n\r\n{body}"))
}

#[tokio::test]
async fn without_a_framework_it_authorizes_others_by_its_rules() {
    let server = Server::start().expect("a server");
    let address = start(&server);
    authorized::ada_gets_what_is_hers(&server, &format!("http://{address}/pusher")).await;
}

#[test]
fn without_a_framework_it_signs_for_nobody_whom_it_does_not_know() {
    let server = Server::start().expect("a server");
    let address = start(&server);
    let body = "socket_id=1.2&channel_name=private-ada";
    for path in ["/pusher/auth", "/pusher/user-auth"] {
        let guessed = format!("{FORM}Authorization: Bearer guessed\r\n");
        let twice = format!("{FORM}{ADA}{ADA}");
        for headers in [FORM, &guessed, &twice] {
            assert_eq!(ask(&address, "POST", path, headers, body).0, 403, "{headers}");
        }
        let known = format!("{FORM}{ADA}");
        let (status, granted) = ask(&address, "POST", path, &known, body);
        assert!(status == 200 && granted.starts_with(r#"{"auth":"app-key:"#), "{granted}");
    }
    let known = format!("{FORM}{ADA}");
    let eve = "socket_id=1.2&channel_name=presence-room&user_id=eve";
    let (status, granted) = ask(&address, "POST", "/pusher/auth", &known, eve);
    assert!(status == 200 && granted.contains("ada") && !granted.contains("eve"), "{granted}");
    for channel in ["private-bob", "private-encrypted-bob", "news"] {
        let body = format!("socket_id=1.2&channel_name={channel}");
        assert_eq!(ask(&address, "POST", "/pusher/auth", &known, &body).0, 403, "{channel}");
    }
    for body in [
        "socket_id=1.2:presence-x&channel_name=private-ada",
        "socket_id=1.2&channel_name=private-ada:x",
        "socket_id=1.2&channel_name=:user::",
        "socket_id=1.2&channel_name=%23server-to-user-ada",
        "socket_id=1.2",
        "",
    ] {
        assert_eq!(ask(&address, "POST", "/pusher/auth", &known, body).0, 400, "{body}");
    }
}

#[test]
fn without_a_framework_what_is_no_request_of_its_kind_has_its_status() {
    let server = Server::start().expect("a server");
    let address = start(&server);
    let post = "POST /pusher/auth HTTP/1.1\r\n";
    let large = "y".repeat(20_000);
    for (request, status) in [
        ("GET /pusher/auth HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_string(), 405),
        ("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_string(), 404),
        (format!("{post}\r\n"), 411),
        (format!("{post}Content-Length: +1\r\n\r\n"), 400),
        (format!("{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), 411),
        (format!("{post}Content-Length: 70000\r\n\r\n"), 413),
        (format!("{post}Content-Length: 99999999999999999999999\r\n\r\n"), 413),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 501),
        (format!("{post}X: {large}"), 431),
        ("SSH-2.0-x\r\n\r\n".to_string(), 400),
    ] {
        assert_eq!(send(&address, &request).0, status, "{request:.80}");
    }
}
