//! The example `prometheus`, run as a program: what its pages say while all is well, without a server,
//! and after a refusal. Each test runs itself once more, as the program.

#[path = "../examples/prometheus.rs"]
mod program;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pushest_testkit::Server;

/// Says to the second process that it is the program.
const VARIABLE: &str = "PUSHEST_PROMETHEUS";

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running program, ended when dropped.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    /// Starts it by running this test again.
    fn start(test: &str, server: &Server, key: &str) -> Self {
        let url = format!("http://{key}:app-secret@127.0.0.1:{}/apps/1", server.port());
        let mut child = Command::new(std::env::current_exe().expect("a test is a program"))
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, "1")
            .env("PUSHER_URL", url)
            .env("CHANNELS", "news,private-chat")
            .env("METRICS_ADDRESS", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started again");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert!(stdout.read_line(&mut line).expect("text") > 0, "it says no address");
        }
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.expect("an address").to_string();
        // What else it prints is of no interest, and must not hold it up.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("valid");
        stream
    }

    /// Asks for a page; returns the head and the body.
    fn get(&self, path: &str) -> (String, String) {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.to_string(), body.to_string())
    }

    /// Asks for a page until its head has `status` and its body this line, or this beginning of one.
    fn until(&self, path: &str, status: &str, line: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (head, body) = self.get(path);
            let has_status = head.starts_with(&format!("HTTP/1.1 {status}"));
            if has_status && body.lines().any(|it| it.starts_with(line)) {
                return body;
            }
            assert!(Instant::now() < deadline, "no {status} with {line}: {head}\n{body}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the program, in the second process.
fn be_the_program_if_asked() {
    if std::env::var_os(VARIABLE).is_some() {
        program::main().expect("it does not end");
    }
}

#[test]
fn the_pages_say_what_the_client_does_and_nothing_of_the_secret() {
    be_the_program_if_asked();
    let server = Server::start().expect("a server");
    let test = "the_pages_say_what_the_client_does_and_nothing_of_the_secret";
    let program = Program::start(test, &server, "app-key");
    // Whoever connects and says nothing keeps nobody else waiting.
    let _silent = program.connect();
    program.until("/metrics", "200", "pushest_channels{client=\"orders\",state=\"subscribed\"} 2");
    for number in 0..3 {
        server.publish("news", "number", &number.to_string());
    }
    let page = program.until("/metrics", "200", "pushest_events_total{client=\"orders\"} 3");
    for line in [
        "# TYPE pushest_events counter",
        "pushest_connected{client=\"orders\"} 1.0",
        "pushest_health{client=\"orders\"} 0.0",
        "pushest_dials_total{client=\"orders\"} 1",
        "pushest_failed_dials_total{client=\"orders\",kind=\"dns\"} 0",
        "pushest_channels{client=\"orders\",state=\"failed\"} 0.0",
        "pushest_channel_events_total{client=\"orders\",channel=\"news\"} 3",
        "pushest_channel_events_total{client=\"orders\",channel=\"private-chat\"} 0",
        "pushest_channel_last_event_age_seconds{client=\"orders\",channel=\"news\"} ",
        "pushest_receivers{client=\"orders\"} 1.0",
        "pushest_gap_seconds_total{client=\"orders\"} 0.0",
        "# EOF",
    ] {
        assert!(page.lines().any(|it| it.starts_with(line)), "no {line} in\n{page}");
    }
    // Each name is announced once, also where it has several labels.
    let mut names: Vec<_> = page.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(all > 25 && names.len() == all, "{page}");
    assert!(!page.contains("app-secret"), "{page}");
    let (head, body) = program.get("/health");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, "healthy\n");
    assert!(program.get("/nothing").0.starts_with("HTTP/1.1 404"));

    drop(server);
    let body = program.until("/health", "200", "degraded: not connected for ");
    assert!(!body.contains("app-secret"), "{body}");
    let reason = "pushest_health_reason{client=\"orders\",reason=\"reconnecting\"} 1";
    let page = program.until("/metrics", "200", reason);
    assert!(page.contains("pushest_losses_total{client=\"orders\"} 1\n"), "{page}");
    assert!(page.contains("pushest_connected{client=\"orders\"} 0.0\n"), "{page}");
}

#[test]
fn a_client_that_is_refused_is_down_and_the_page_still_answers() {
    be_the_program_if_asked();
    let server = Server::start().expect("a server");
    let test = "a_client_that_is_refused_is_down_and_the_page_still_answers";
    let program = Program::start(test, &server, "app-kee");
    let body = program.until("/health", "503", "down: refused for good: ");
    assert!(body.contains("4001"), "{body}");
    let page = program.until("/metrics", "200", "pushest_refusals_total{client=\"orders\"} 1");
    assert!(page.contains("pushest_health{client=\"orders\"} 2.0\n"), "{page}");
    let handshake = "pushest_failed_dials_total{client=\"orders\",kind=\"handshake\"} 1\n";
    assert!(page.contains(handshake), "{page}");
}
