//! Carries a handshake over a runtime's stream.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use pushest_proto::Instant;
use zeroize::Zeroizing;

use super::handshake::Handshake;
use crate::byte_stream::ByteStream;
use crate::unstable::traits::Runtime;

/// How long the body of a refusal is waited for, from the end of its head on.
const REFUSAL: Duration = Duration::from_secs(1);

/// What has come of a handshake that failed.
pub(super) struct Failed {
    /// The text of the failure.
    pub(super) why: String,
    /// The pause that the proxy asks for.
    pub(super) pause: Option<Duration>,
}

/// Carries the handshake to its end, at most until the deadline. What follows it is still in the
/// stream.
pub(super) async fn talk<R: Runtime>(
    runtime: &R,
    stream: &mut impl ByteStream,
    handshake: Handshake,
    deadline: Instant,
    date: impl Fn() -> SystemTime,
) -> Result<(), Failed> {
    let mut talk = Talk::new(handshake);
    let mut refused_until = None;
    let mut alarm: Option<(Instant, Pin<Box<R::Sleep>>)> = None;
    let talked = poll_fn(|context| {
        if let Poll::Ready(done) = talk.poll(context, stream, &date) {
            return Poll::Ready(done);
        }
        let mut until = deadline;
        if talk.handshake.is_refusal() {
            until = until.min(*refused_until.get_or_insert_with(|| runtime.now() + REFUSAL));
        }
        loop {
            if runtime.now() >= until {
                return Poll::Ready(Err(talk.handshake.end("it did not answer in time")));
            }
            let (_, sleep) = match &mut alarm {
                Some(alarm) if alarm.0 == until => alarm,
                _ => alarm.insert((until, Box::pin(runtime.sleep_until(until)))),
            };
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            // It may have ended early.
            alarm = None;
        }
    })
    .await;
    talked.map_err(|why| Failed { why, pause: talk.handshake.pause() })
}

/// A handshake under way.
struct Talk {
    handshake: Handshake,
    unsent: Zeroizing<Vec<u8>>,
    is_flushed: bool,
    /// Writing failed. What the proxy said before it went may still be there to be read.
    broken: Option<io::Error>,
    buffer: Vec<u8>,
}

impl Talk {
    fn new(mut handshake: Handshake) -> Self {
        let unsent = Zeroizing::new(handshake.take_unsent());
        Self { handshake, unsent, is_flushed: false, broken: None, buffer: Vec::new() }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut impl ByteStream,
        date: &impl Fn() -> SystemTime,
    ) -> Poll<Result<(), String>> {
        loop {
            if self.broken.is_none()
                && let Poll::Ready(Err(error)) = self.poll_send(context, stream)
            {
                self.broken = Some(error);
            }
            self.buffer.resize(self.handshake.most(), 0);
            match stream.poll_read(context, &mut self.buffer) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(self.end("it closed the connection")));
                }
                Poll::Ready(Ok(length)) => {
                    if self.handshake.read(&self.buffer[..length], date())? {
                        return Poll::Ready(self.agreed());
                    }
                    let next = Zeroizing::new(self.handshake.take_unsent());
                    if !next.is_empty() {
                        self.unsent.extend_from_slice(&next);
                        self.is_flushed = false;
                    }
                }
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.end(&error.to_string()))),
                Poll::Pending => break,
            }
        }
        match self.broken.take() {
            Some(error) => Poll::Ready(Err(self.end(&error.to_string()))),
            None => Poll::Pending,
        }
    }

    /// The rest of a request would be taken for what goes through the tunnel.
    fn agreed(&self) -> Result<(), String> {
        if self.unsent.is_empty() && self.broken.is_none() {
            Ok(())
        } else {
            Err("it agreed before it had been asked".to_string())
        }
    }

    fn end(&mut self, why: &str) -> String {
        self.handshake.end(why)
    }

    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut impl ByteStream,
    ) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(stream.poll_write(context, &self.unsent)) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if !self.is_flushed {
            ready!(stream.poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use super::*;
    use crate::dial::proxy::target::Target;
    use crate::dial::proxy::url::Proxy;

    /// A proxy that says what it is told to, in pieces; then it is silent, or closes.
    #[derive(Default)]
    struct Script {
        says: VecDeque<u8>,
        /// Maximum number of bytes of one read and one write.
        most: usize,
        closes: bool,
        is_broken: bool,
        heard: Vec<u8>,
        flushed: usize,
    }

    impl ByteStream for Script {
        fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            assert!(!buffer.is_empty(), "nothing is wanted");
            let length = self.says.len().min(buffer.len()).min(self.most);
            if length == 0 && !self.closes {
                return Poll::Pending;
            }
            for (to, from) in buffer.iter_mut().zip(self.says.drain(..length)) {
                *to = from;
            }
            Poll::Ready(Ok(length))
        }

        fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            if self.is_broken {
                return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
            }
            let length = bytes.len().min(self.most);
            self.heard.extend_from_slice(&bytes[..length]);
            Poll::Ready(Ok(length))
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushed = self.heard.len();
            Poll::Ready(Ok(()))
        }
    }

    fn talk(url: &str) -> Talk {
        let proxy = Proxy::parse(url).expect("a proxy");
        Talk::new(Handshake::new(&proxy, &Target::new("h", 80)).expect("a short name"))
    }

    fn poll(talk: &mut Talk, script: &mut Script) -> Poll<Result<(), String>> {
        let context = &mut Context::from_waker(Waker::noop());
        talk.poll(context, script, &|| SystemTime::UNIX_EPOCH)
    }

    fn says(bytes: &[u8], most: usize) -> Script {
        Script { says: bytes.iter().copied().collect(), most, ..Script::default() }
    }

    const SOCKS: &[u8] = &[5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, b'h', b'i'];

    #[test]
    fn each_kind_opens_in_pieces_of_any_size_and_leaves_what_follows_in_the_stream() {
        for most in [1, 2, 3, 7, 1_000] {
            for (url, answer) in [
                ("http://ann:x@p", &b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nhi"[..]),
                ("socks5://ann:x@p", SOCKS),
            ] {
                let (mut talk, mut script) = (talk(url), says(answer, most));
                assert_eq!(poll(&mut talk, &mut script), Poll::Ready(Ok(())), "{url} {most}");
                assert_eq!(script.says, b"hi");
                // All of it went out, and was flushed.
                assert_eq!(script.flushed, script.heard.len());
                let last = if url.starts_with("http") { b'\n' } else { 80 };
                assert_eq!(script.heard.last(), Some(&last));
            }
        }
    }

    #[test]
    fn a_proxy_that_says_nothing_is_waited_for_and_one_that_closes_has_failed() {
        for url in ["http://p", "socks5://p"] {
            let mut silent = says(b"", 1_000);
            let mut waiting = talk(url);
            assert!(poll(&mut waiting, &mut silent).is_pending());
            assert_eq!(waiting.end("it did not answer in time"), "it did not answer in time");
            let mut closes = Script { closes: true, ..says(b"", 1_000) };
            let text = "it closed the connection".to_string();
            assert_eq!(poll(&mut talk(url), &mut closes), Poll::Ready(Err(text)));
        }
    }

    #[test]
    fn what_a_proxy_said_before_it_closed_counts_though_nothing_can_be_written() {
        let answer = b"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\ndown";
        let mut script = Script { is_broken: true, closes: true, ..says(answer, 1_000) };
        let Poll::Ready(Err(text)) = poll(&mut talk("http://p"), &mut script) else {
            panic!("it is refused")
        };
        assert_eq!(text, "it answered with HTTP status 502: down");
        let mut broken = Script { is_broken: true, ..says(b"", 1_000) };
        let Poll::Ready(Err(text)) = poll(&mut talk("socks5://p"), &mut broken) else {
            panic!("nothing can be written")
        };
        assert!(text.contains("broken pipe"), "{text}");
        let agreed = b"HTTP/1.1 200 OK\r\n\r\n";
        let mut script = Script { is_broken: true, ..says(agreed, 1_000) };
        let Poll::Ready(Err(text)) = poll(&mut talk("http://p"), &mut script) else {
            panic!("it has not read the request")
        };
        assert_eq!(text, "it agreed before it had been asked");
    }
}
