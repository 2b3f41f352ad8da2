//! Servers that are reached over a Unix socket.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use pushest_testkit::{AuthorizationEndpoint, Certificate, Server};
use tempfile::TempDir;

use crate::support::{Ended, Pushest, WAIT, words};

/// A server without a port, and the socket before it.
struct Socket {
    server: Arc<Server>,
    path: PathBuf,
    _folder: TempDir,
}

impl Socket {
    fn start(server: Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.sock");
        let (server, listener) = (Arc::new(server), UnixListener::bind(&path).unwrap());
        let to = server.clone();
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                to.accept(stream.unwrap()).unwrap();
            }
        });
        Self { server, path, _folder: folder }
    }

    /// The options that lead there, under a name that only the request knows.
    fn options(&self) -> Vec<String> {
        let path = self.path.display();
        ["--host=behind.invalid", "--port=4711", "--key=app-key", &format!("--unix-socket={path}")]
            .map(str::to_owned)
            .to_vec()
    }

    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        Pushest::start_with(&words(arguments, &self.options()), variables).end()
    }
}

fn without_port() -> Socket {
    Socket::start(Server::builder().without_port().start().unwrap())
}

#[test]
fn each_of_our_clients_and_the_api_reach_a_server_over_a_unix_socket() {
    let socket = without_port();
    // A proxy counts for nothing: there is none.
    let variables = [("ALL_PROXY", "http://127.0.0.1:1")];
    for runtime in ["tokio", "async-std", "blocking"] {
        let arguments = ["members", "presence-room", "--secret=app-secret", "--user-id=ada"];
        let ended = socket.run(&[&arguments[..], &["--runtime", runtime]].concat(), &variables);
        assert_eq!(ended.status, Some(0), "{runtime}: {ended:?}");
        assert_eq!(ended.stdout, ["ada  (this command)"]);
        let route = format!(
            "connecting to ws://behind.invalid:4711 over the Unix socket {}",
            socket.path.display()
        );
        assert_eq!(ended.stderr, route);
    }
    for head in socket.server.upgrade_heads() {
        assert!(head.contains("\r\nHost: behind.invalid:4711\r\n"), "{head}");
    }
    let arguments = ["publish", "orders", "shipped", "7", "--secret=app-secret", "--app-id=1"];
    let ended = socket.run(&arguments, &[]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = socket.run(&["doctor", "--secret=app-secret", "--app-id=1"], &[]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let text = ended.stdout.join("\n");
    assert!(text.contains("server.sock accepts connections"), "{text}");
    assert!(text.contains("the server is reached over a Unix socket"), "{text}");
}

#[test]
fn a_listener_comes_back_over_a_unix_socket() {
    let socket = without_port();
    let options = socket.options();
    let arguments = ["listen", "news", "--count=2", "--json"];
    let mut listener = Pushest::start(&words(&arguments, &options));
    let connecting = listener.stdout.json_of("state");
    assert_eq!(connecting["unix_socket"], socket.path.to_str().unwrap());
    assert_eq!(connecting["proxy"], serde_json::Value::Null);
    socket.server.wait_for_subscribers("news", 1, WAIT).unwrap();
    socket.server.publish("news", "headline", "rain");
    listener.stdout.until("rain");
    socket.server.drop_connections(pushest_testkit::Target::All);
    socket.server.wait_for_subscribers("news", 1, WAIT).unwrap();
    socket.server.publish("news", "headline", "sun");
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn tls_is_spoken_over_a_unix_socket_and_an_endpoint_is_reached_at_its_own_address() {
    let server = Server::builder().without_port().tls(Certificate::Valid).start().unwrap();
    let socket = Socket::start(server);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, socket.server.authority_pem().unwrap()).unwrap();
    let endpoint = AuthorizationEndpoint::start(socket.server.app()).unwrap();
    endpoint.grant("ada");
    let (path, file, url) = (socket.path.display(), file.display(), endpoint.url("/auth"));
    for runtime in ["tokio", "async-std", "blocking"] {
        let options = [
            "members",
            "presence-room",
            "--host=localhost",
            "--tls",
            "--key=app-key",
            &format!("--unix-socket={path}"),
            &format!("--ca-file={file}"),
            &format!("--auth-endpoint={url}"),
            &format!("--runtime={runtime}"),
        ];
        let ended = Pushest::start(&options).end();
        assert_eq!(ended.status, Some(0), "{runtime}: {ended:?}");
        assert_eq!(ended.stdout, ["ada  (this command)"]);
    }
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn a_socket_that_is_not_there_is_told_by_its_path_and_no_path_is_bad_input() {
    let socket = without_port();
    std::fs::remove_file(&socket.path).unwrap();
    let arguments = ["members", "presence-room", "--secret=app-secret", "--timeout=2"];
    let ended = socket.run(&arguments, &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the connector failed: \""), "{ended:?}");
    assert!(ended.stderr.contains("server.sock\": "), "{ended:?}");
    let ended = socket.run(&["doctor", "--secret=app-secret"], &[]);
    let text = ended.stdout.join("\n") + &ended.stderr;
    assert!(text.contains("must listen on the socket that --unix-socket names"), "{text}");

    let refused = |path: &str, rule: &str| {
        let path = format!("--unix-socket={path}");
        let options = ["listen", "news", "--key=k", "--host=h", &path];
        let ended = Pushest::start(&options).end();
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("--unix-socket"), "{ended:?}");
        assert!(ended.stderr.contains(rule), "{ended:?}");
    };
    refused("", "a value is required");
    refused(&"x".repeat(200), "cannot be the path of a socket");
    let both = ["listen", "news", "--key=k", "--unix-socket=/x", "--proxy=http://h:1"];
    let ended = Pushest::start(&both).end();
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--proxy"), "{ended:?}");
}
