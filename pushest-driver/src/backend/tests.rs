//! One request after the other over a stream that does as it is told.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{Method, Request};
use pushest_proto::Config;
use pushest_proto::api::ListChannels;

use super::app::Backend;
use super::calling::Calling;
use super::connection::{Broken, Connection};
use super::options::ApiOptions;
use super::received::Received;
use super::seen::Seen;
use crate::byte_stream::ByteStream;
use crate::options::Options;

/// What a server does next.
enum Step {
    /// It waits for something of a request.
    Hears,
    Says(Vec<u8>),
    Closes,
    Resets,
}

type Steps = Arc<Mutex<VecDeque<Step>>>;

#[derive(Default)]
struct Script {
    steps: Steps,
    /// Maximum number of bytes of one read; 0 for any.
    piece: usize,
    has_heard: bool,
    written: Arc<Mutex<Vec<u8>>>,
    /// How many bytes are taken, and whether writing fails then.
    takes: Option<(usize, bool)>,
    read: Arc<Mutex<usize>>,
}

impl ByteStream for Script {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut steps = self.steps.lock().expect("unbroken");
        loop {
            match steps.front_mut() {
                Some(Step::Hears) if self.has_heard => {
                    self.has_heard = false;
                    steps.pop_front();
                }
                Some(Step::Says(bytes)) if bytes.is_empty() => drop(steps.pop_front()),
                Some(Step::Says(bytes)) => {
                    let most = if self.piece == 0 { buffer.len() } else { self.piece };
                    let length = bytes.len().min(most).min(buffer.len());
                    buffer[..length].copy_from_slice(&bytes[..length]);
                    bytes.drain(..length);
                    *self.read.lock().expect("unbroken") += length;
                    return Poll::Ready(Ok(length));
                }
                Some(Step::Closes) => return Poll::Ready(Ok(0)),
                Some(Step::Resets) => return Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
                Some(Step::Hears) | None => return Poll::Pending,
            }
        }
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let length = match &mut self.takes {
            None => bytes.len(),
            Some((0, true)) => return Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
            Some((0, false)) => return Poll::Pending,
            Some((left, _)) => {
                let length = bytes.len().min(*left);
                *left -= length;
                length
            }
        };
        self.has_heard = true;
        self.written.lock().expect("unbroken").extend_from_slice(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Polls it as often as anything may come of it; `None` if it waits for ever.
fn run<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..200_000).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

fn over(script: Script) -> Connection<Script> {
    run(Connection::over(script)).expect("at once").expect("nothing was said yet")
}

fn request() -> Request<String> {
    let mut request = Request::new("{}".to_owned());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = "/apps/7/events?a=b".parse().expect("a target");
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("127.0.0.1:9"));
    headers.insert(CONTENT_LENGTH, 2.into());
    request
}

/// Sends a request, and returns whether something of it was written, too.
fn exchange(connection: &mut Connection<Script>) -> (Result<Received, String>, bool) {
    let seen = Arc::<Seen>::default();
    let text = |broken| match broken {
        Broken::Lost(text) => format!("lost: {text}"),
        Broken::NotHttp(text) => format!("not HTTP: {text}"),
        Broken::SpeaksTls => "it speaks TLS".to_owned(),
        Broken::Refused(failure) => format!("refused: {failure}"),
    };
    let outcome = match run(connection.send(request(), &seen)) {
        Some(Ok((mut received, body))) => {
            let is_refusal = received.is_refusal();
            match run(connection.read(&mut received, body)) {
                _ if is_refusal => Ok(received),
                Some(Ok(())) => Ok(received),
                Some(Err(broken)) => Err(text(broken)),
                None => Err("it waits for the body".to_owned()),
            }
        }
        Some(Err(broken)) => Err(text(broken)),
        None => Err("it waits for a head".to_owned()),
    };
    (outcome, seen.is_sent())
}

/// A server that says this to the first request.
fn says(response: impl AsRef<[u8]>, behind: Step) -> Script {
    let steps = [Step::Hears, Step::Says(response.as_ref().to_vec()), behind];
    Script { steps: Arc::new(Mutex::new(steps.into())), ..Script::default() }
}

/// Reads a response in one piece and byte by byte, which must come to the same; then the connection
/// ends.
fn read(response: &[u8]) -> Result<Received, String> {
    let [whole, in_pieces] = [0, 1].map(|piece| {
        let script = Script { piece, ..says(response, Step::Closes) };
        exchange(&mut over(script)).0
    });
    let told = |result: &Result<Received, String>| match result {
        Ok(received) => format!("{} {:?}", received.status, received.body),
        Err(problem) => problem.clone(),
    };
    assert_eq!(told(&whole), told(&in_pieces), "{:?}", String::from_utf8_lossy(response));
    whole
}

fn body(response: &str) -> Result<String, String> {
    read(response.as_bytes()).map(|received| String::from_utf8(received.body).expect("text"))
}

#[test]
fn a_request_is_written_as_servers_know_it() {
    let script = Script::default();
    let written = script.written.clone();
    assert!(exchange(&mut over(script)).0.is_err(), "nobody answers");
    let expected = "POST /apps/7/events?a=b HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\
                    Content-Length: 2\r\n\r\n{}";
    assert_eq!(String::from_utf8_lossy(&written.lock().expect("unbroken")), expected);
}

#[test]
fn a_path_for_a_proxys_sake_is_sent_as_servers_take_it() {
    let config = Config::builder("key").app_id("7").secret("s3cret").host("127.0.0.1");
    let config = config.path("/a|b/<c>%60`").build().expect("WebSockets take it");
    let backend = Backend::new(&config, ApiOptions::default()).expect("a whole configuration");
    let mut calling = Calling::new(&backend, ListChannels::new()).expect("it breaks no rule");
    let request = calling.sending().expect("it has a target").request();
    assert_eq!(request.uri().path(), "/a|b/%3Cc%3E%60%60/apps/7/channels");
    let shown = format!("{:?}", calling.sending().expect("the same"));
    let shown = format!("{shown} {calling:?}");
    let (_, signature) =
        request.uri().query().and_then(|all| all.rsplit_once('=')).expect("signed");
    assert!(!shown.contains(signature), "{shown}");
}

#[test]
fn headers_that_are_given_go_with_each_request_and_show_in_no_debug_output() {
    let config = Config::builder("key").app_id("7").secret("s3cret").host("127.0.0.1");
    let config = config.build().expect("valid");
    let options = ApiOptions::default();
    let options = options.header("X-Gateway", "t0ken").expect("a header");
    let options = options.header("x-gateway", "another").expect("a header");
    let shown = format!("{options:?}");
    assert!(shown.contains("x-gateway") && !shown.contains("t0ken"), "{shown}");
    let backend = Backend::new(&config, options).expect("a whole configuration");
    let mut calling = Calling::new(&backend, ListChannels::new()).expect("it breaks no rule");
    let request = calling.sending().expect("it has a target").request();
    let values: Vec<_> = request.headers().get_all("x-gateway").iter().collect();
    assert_eq!(values, ["t0ken", "another"]);
    for name in ["Host", "content-length", "Transfer-Encoding", "Content-Type", "a b", ""] {
        ApiOptions::default().header(name, "x").expect_err(name);
    }
    for value in ["a\r\nX-Evil: 1", "\0", "é"] {
        ApiOptions::default().header("X-Gateway", value).expect_err(value);
    }
}

#[test]
fn a_clients_headers_go_with_its_api_but_for_those_of_a_request_itself() {
    let options = Options::default();
    let options = options.header("Origin", "https://a.example").expect("a header");
    let options = options.header("Content-Type", "text/x").expect("upgrades may have it");
    let config = Config::builder("key").app_id("7").secret("s3cret").host("127.0.0.1");
    let config = config.build().expect("valid");
    let api = ApiOptions::of_client(options);
    let backend = Backend::new(&config, api).expect("a whole configuration");
    let mut calling = Calling::new(&backend, ListChannels::new()).expect("it breaks no rule");
    let request = calling.sending().expect("it has a target").request();
    assert_eq!(request.headers()["origin"], "https://a.example");
    let types: Vec<_> = request.headers().get_all("content-type").iter().collect();
    assert!(!types.iter().any(|value| *value == "text/x"), "{types:?}");
}

#[test]
fn an_alert_of_tls_is_told_from_what_is_no_http() {
    let tls = |response: &[u8]| read(response).expect_err("no answer");
    assert_eq!(tls(b"\x15\x03\x01\x00\x02\x02("), "it speaks TLS");
    assert_eq!(tls(b"\x15\x03"), "it speaks TLS");
    assert!(tls(b"\x16\x03\x01\x00\x02").starts_with("not HTTP: "));
}

#[test]
fn a_body_ends_where_its_head_says() {
    for (response, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}rest", "{}"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", "{}"),
        ("HTTP/1.1 200\r\n\r\n{\"a\":1}", "{\"a\":1}"),
        ("HTTP/1.0 200 OK\r\n\r\n{}", "{}"),
        ("HTTP/1.1 204 -\r\n\r\n", ""),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n",
            "{}",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nContent-Length: 9\r\n\r\n\
             02\r\n{}\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
            "{}",
        ),
        ("HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", "{}"),
        ("HTTP/1.1 100 -\r\n\r\nHTTP/1.1 103 -\r\nLink: a\r\n\r\nHTTP/1.1 200 -\r\n\r\n{}", "{}"),
    ] {
        assert_eq!(body(response).as_deref(), Ok(expected), "{response}");
    }
}

#[test]
fn what_is_cut_short_or_breaks_a_rule_is_no_answer() {
    for (response, problem) in [
        ("", "lost: the server closed it, before an answer"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "lost: the server closed it, in the head of the answer"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
            "lost: the server closed it, in the middle of the answer",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            "lost: the server closed it, in the middle of the answer",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3, 2\r\n\r\n{}",
            "not HTTP: its answer has no length that could be read",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
            "not HTTP: its answer has no length that could be read",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{}",
            "not HTTP: its answer has a transfer coding that was not asked for",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}",
            "not HTTP: its answer is compressed",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "not HTTP: its answer breaks the rules of chunks",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
            "not HTTP: its answer breaks the rules of chunks",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
            "not HTTP: its answer breaks the rules of chunks",
        ),
        (
            "HTTP/1.1 101 Switching\r\n\r\n",
            "not HTTP: it changes the protocol without being asked to",
        ),
        ("SSH-2.0-OpenSSH_9.6\r\n", "not HTTP: it does not answer with HTTP/1.1"),
        ("<html>", "not HTTP: it does not answer with HTTP/1.1"),
        ("\u{15}\u{3}\u{1}", "it speaks TLS"),
    ] {
        assert_eq!(body(response), Err(problem.to_owned()), "{response}");
    }
    let bond = body("HTTP/1.1 007 Bond\r\n\r\n{}").expect_err("that is no status");
    assert!(bond.starts_with("not HTTP: its answer is not HTTP: "), "{bond}");
}

#[test]
fn a_reset_is_the_end_of_the_connection_and_says_so() {
    for (response, place) in [
        ("", "before an answer"),
        ("HTTP/1.1 200 -\r\nContent-Length: 9\r\n\r\n{", "in the middle"),
    ] {
        let problem = exchange(&mut over(says(response, Step::Resets))).0.expect_err("it is lost");
        assert!(problem.contains(place) && problem.contains("reset"), "{problem}");
    }
    // All of it is there where only the end of the connection was missing.
    let script = says("HTTP/1.1 200 -\r\n\r\n{}", Step::Resets);
    assert_eq!(exchange(&mut over(script)).0.expect("whole").body, b"{}");
}

#[test]
fn what_came_of_a_refusal_counts_and_it_is_bounded() {
    for (response, expected) in [
        ("HTTP/1.1 500 -\r\nContent-Length: 100\r\n\r\nsorry", "sorry"),
        ("HTTP/1.1 502 -\r\nTransfer-Encoding: chunked\r\n\r\n3\r\noh!x", "oh!"),
        ("HTTP/1.1 503 -\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc", ""),
        ("HTTP/1.1 503 -\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", ""),
    ] {
        let received = read(response.as_bytes()).expect(response);
        assert_eq!((&*received.body, received.keeps()), (expected.as_bytes(), None), "{response}");
    }
    let long = format!("HTTP/1.1 413 -\r\n\r\n{}", "x".repeat(100_000));
    let received = exchange(&mut over(says(long, Step::Closes))).0.expect("a refusal");
    assert_eq!((received.body.len(), received.keeps()), (16 * 1024, None));
    let huge = format!("HTTP/1.1 200 -\r\n\r\n{}", "x".repeat(16 * 1024 * 1024 + 1));
    let problem = exchange(&mut over(says(huge, Step::Closes))).0.expect_err("too large");
    assert_eq!(problem, "not HTTP: its answer is larger than 16 MiB");
}

#[test]
fn heads_are_bounded_and_those_before_the_answers_count() {
    let one = "HTTP/1.1 103 -\r\nLink: a\r\n\r\n".repeat(10_000);
    let many_lines = format!("HTTP/1.1 200 -\r\n{}\r\n", "A: b\r\n".repeat(200));
    let long_line = format!("HTTP/1.1 200 -\r\nA: {}", "b".repeat(200_000));
    for response in [one, many_lines, long_line] {
        let script = says(response, Step::Closes);
        let read = script.read.clone();
        let problem = exchange(&mut over(script)).0.expect_err("it has no end");
        assert!(problem.contains("larger than 64 KiB, or has more than 100 headers"), "{problem}");
        assert!(*read.lock().expect("unbroken") <= 68 * 1024);
    }
}

#[test]
fn a_connection_lasts_unless_something_says_otherwise() {
    let whole = "Content-Length: 0\r\n";
    for (head, keeps) in [
        (format!("HTTP/1.1 200 OK\r\n{whole}"), Some(Duration::MAX)),
        (
            format!("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=9\r\n{whole}"),
            Some(Duration::from_secs(5)),
        ),
        (format!("HTTP/1.1 429 -\r\n{whole}"), Some(Duration::MAX)),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n".to_owned(),
            Some(Duration::MAX),
        ),
        (format!("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\n{whole}"), None),
        (format!("HTTP/1.0 200 OK\r\n{whole}"), None),
        (format!("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n{whole}"), Some(Duration::MAX)),
        (format!("HTTP/1.1 200 OK\r\n{whole}\r\nHTTP/1.1 200 OK\r\n{whole}"), None),
    ] {
        let script = says(format!("{head}\r\n"), Step::Hears);
        let received = exchange(&mut over(script)).0;
        assert_eq!(received.expect("whole").keeps(), keeps, "{head}");
    }
    let unbounded = read(b"HTTP/1.1 200 OK\r\n\r\n{}").expect("whole");
    assert_eq!(unbounded.keeps(), None);
}

#[test]
fn a_kept_connection_is_written_on_only_while_it_is_silent() {
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    for step in [None, Some(Step::Closes), Some(Step::Resets), Some(Step::Says(whole.to_vec()))] {
        let script = says(whole, Step::Hears);
        let (written, steps) = (script.written.clone(), script.steps.clone());
        let requests = || {
            let written = written.lock().expect("unbroken");
            String::from_utf8_lossy(&written).matches("POST").count()
        };
        let mut connection = over(script);
        let (received, is_sent) = exchange(&mut connection);
        assert_eq!(received.expect("whole").keeps(), Some(Duration::MAX));
        assert_eq!((is_sent, requests()), (true, 1));
        let is_silent = step.is_none();
        match step {
            None => steps.lock().expect("unbroken").push_back(Step::Says(whole.to_vec())),
            Some(step) => steps.lock().expect("unbroken").push_front(step),
        }
        let (received, is_sent) = exchange(&mut connection);
        assert_eq!((received.is_ok(), is_sent), (is_silent, is_silent), "{received:?}");
        assert_eq!(requests(), if is_silent { 2 } else { 1 });
    }
}

#[test]
fn a_server_that_speaks_before_it_is_asked_is_none_of_the_kind_and_is_told_nothing() {
    let steps = Arc::new(Mutex::new([Step::Says(b"+OK ready\r\n".to_vec())].into()));
    let script = Script { steps, ..Script::default() };
    let written = script.written.clone();
    let (received, is_sent) = exchange(&mut over(script));
    assert_eq!(received.expect_err("no answer"), "not HTTP: it speaks before it is asked");
    assert!(!is_sent && written.lock().expect("unbroken").is_empty());
}

#[test]
fn an_answer_before_the_end_of_the_request_counts_and_is_the_last_one() {
    let early = "HTTP/1.1 413 -\r\nContent-Length: 9\r\n\r\ntoo large";
    for fails in [false, true] {
        let script = Script { takes: Some((10, fails)), ..says(early, Step::Hears) };
        let (received, is_sent) = exchange(&mut over(script));
        let received = received.expect("a refusal");
        assert_eq!((&*received.body, received.keeps(), is_sent), (&b"too large"[..], None, true));
    }
    // Without an answer it says why.
    let script = Script { takes: Some((10, true)), ..says("", Step::Hears) };
    let (received, is_sent) = exchange(&mut over(script));
    assert_eq!(received.expect_err("it is lost"), "lost: broken pipe, before an answer");
    assert!(is_sent);
    let script = Script { takes: Some((0, true)), ..says("", Step::Hears) };
    let (received, is_sent) = exchange(&mut over(script));
    assert!(received.is_err() && !is_sent);
}
