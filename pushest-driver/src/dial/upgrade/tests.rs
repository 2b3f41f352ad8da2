//! The exchange over a stream that does as it is told.

use std::collections::VecDeque;
use std::task::Waker;

use super::*;

/// A clock whose sleeps end once they are polled for the second time.
struct TwoPolls;

impl Clock for TwoPolls {
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        assert_eq!(time, Duration::from_secs(1));
        let mut polls = 0;
        Box::pin(poll_fn(move |_| {
            polls += 1;
            if polls < 2 { Poll::Pending } else { Poll::Ready(()) }
        }))
    }

    fn date(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// Once the script is over, nothing more comes.
#[derive(Default)]
struct Script {
    reads: VecDeque<io::Result<Vec<u8>>>,
    writes: Vec<Vec<u8>>,
    flushes: usize,
    most_written: Option<usize>,
    is_broken: bool,
}

impl ByteStream for Script {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(read) = self.reads.pop_front() else { return Poll::Pending };
        Poll::Ready(read.map(|bytes| {
            buffer[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_broken {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let length = self.most_written.unwrap_or(bytes.len()).min(bytes.len());
        if length == 0 {
            return Poll::Pending;
        }
        self.writes.push(bytes[..length].to_vec());
        Poll::Ready(Ok(length))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes += 1;
        Poll::Ready(Ok(()))
    }
}

fn request() -> Request {
    let headers = [("X-Long".to_string(), "x".repeat(10_000))];
    Request::new(&Endpoint::new("a.example").unwrap(), "key", &headers, [7; 16])
}

fn exchange(request: &Request) -> Exchange<'_> {
    Exchange {
        clock: &TwoPolls,
        answer: Answer::new(request),
        unsent: request.bytes(),
        is_flushed: false,
        broken: None,
        patience: None,
        buffer: vec![0; CHUNK],
    }
}

fn agreed(request: &Request) -> Vec<u8> {
    let text = format!(
        "HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\nrest",
        request.accept()
    );
    text.into_bytes()
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[test]
fn the_request_is_sent_in_one_write_and_flushed_once() {
    let request = request();
    let mut stream = Script::default();
    let mut exchange = exchange(&request);
    for _ in 0..2 {
        assert!(exchange.poll(&mut context(), &mut stream).is_pending());
    }
    assert_eq!(stream.writes, [request.bytes()]);
    assert_eq!(stream.flushes, 1);
    stream.reads.push_back(Ok(agreed(&request)));
    let answer = exchange.poll(&mut context(), &mut stream);
    assert_eq!(answer, Poll::Ready(Ok(b"rest".to_vec())));
}

#[test]
fn a_stream_that_takes_a_little_at_a_time_gets_everything() {
    let request = request();
    let mut stream = Script { most_written: Some(1_000), ..Script::default() };
    assert!(exchange(&request).poll(&mut context(), &mut stream).is_pending());
    assert_eq!(stream.writes.concat(), request.bytes());
}

#[test]
fn a_refusal_counts_though_the_request_cannot_be_written_to_its_end() {
    let request = request();
    let refusal = b"HTTP/1.1 431 Too large\r\nContent-Length: 4\r\n\r\nlong".to_vec();
    let http = |body: &str| DialFailure::Http {
        status: 431,
        retry_after: None,
        location: None,
        body: body.into(),
    };
    // The server has stopped reading, or has ended its side.
    for (is_broken, most_written) in [(false, Some(0)), (true, None)] {
        let reads = [Ok(refusal.clone())].into();
        let mut stream = Script { reads, is_broken, most_written, ..Script::default() };
        let answer = exchange(&request).poll(&mut context(), &mut stream);
        assert_eq!(answer, Poll::Ready(Err(http("long"))));
    }
    let reads = [Ok(refusal[..refusal.len() - 2].to_vec())].into();
    let mut stream = Script { reads, is_broken: true, ..Script::default() };
    let answer = exchange(&request).poll(&mut context(), &mut stream);
    assert_eq!(answer, Poll::Ready(Err(http("lo"))));
}

#[test]
fn who_agrees_before_the_request_has_gone_out_has_not_read_it() {
    let request = request();
    let reads = [Ok(agreed(&request))].into();
    let mut stream = Script { reads, most_written: Some(0), ..Script::default() };
    let answer = exchange(&request).poll(&mut context(), &mut stream);
    assert!(matches!(answer, Poll::Ready(Err(DialFailure::NotWebSocket(_)))), "{answer:?}");
}

#[test]
fn a_stream_that_breaks_or_ends_without_an_answer_is_a_lost_connection() {
    let request = request();
    let lost = |mut stream: Script| match exchange(&request).poll(&mut context(), &mut stream) {
        Poll::Ready(Err(DialFailure::Upgrade(text))) => text,
        other => panic!("{other:?}"),
    };
    let broken = lost(Script { is_broken: true, ..Script::default() });
    assert!(broken.contains("broken pipe"), "{broken}");
    let reads = [Err(ErrorKind::Interrupted.into()), Err(ErrorKind::ConnectionReset.into())].into();
    let reset = lost(Script { reads, ..Script::default() });
    assert!(reset.contains("connection reset"), "{reset}");
    let reads = [Ok(b"HTTP/1.1 ".to_vec()), Ok(Vec::new())].into();
    let ended = lost(Script { reads, ..Script::default() });
    assert_eq!(&*ended, "the server ended it in the middle of its answer");
}

#[test]
fn the_body_of_a_refusal_is_waited_for_until_the_time_is_up() {
    let request = request();
    let reads = [Ok(b"HTTP/1.1 500 Oops\r\n\r\nwell".to_vec())].into();
    let mut stream = Script { reads, ..Script::default() };
    let mut exchange = exchange(&request);
    assert!(exchange.poll(&mut context(), &mut stream).is_pending());
    match exchange.poll(&mut context(), &mut stream) {
        Poll::Ready(Err(DialFailure::Http { status: 500, body, .. })) => assert_eq!(&*body, "well"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_a_refusals_body_no_more_than_16_kib_are_waited_for() {
    let request = request();
    let head = b"HTTP/1.1 500 Oops\r\n\r\n".to_vec();
    let is_decided = |bytes: usize| {
        let body = vec![b'x'; bytes];
        let body = body.chunks(1_024).map(|chunk| Ok(chunk.to_vec()));
        let reads = [Ok(head.clone())].into_iter().chain(body).collect();
        let mut stream = Script { reads, ..Script::default() };
        exchange(&request).poll(&mut context(), &mut stream).is_ready()
    };
    assert!(!is_decided(16 * 1_024 - 1));
    assert!(is_decided(16 * 1_024));
}
