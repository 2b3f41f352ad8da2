use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::task::Waker;

use futures_util::future::{BoxFuture, Either};
use pushest_proto::Instant;

use super::polled::PolledSocket;
use super::*;
use crate::byte_stream::ByteStream;
use crate::unstable::traits::Transport;

const LIMIT: usize = 16 * 1024 * 1024;

/// A stream that brings these pieces, and takes what is written unless it is blocked.
#[derive(Default)]
struct Pieces {
    incoming: VecDeque<Vec<u8>>,
    has_ended: bool,
    is_blocked: bool,
    written: Vec<u8>,
    caught_up: Option<Instant>,
}

impl ByteStream for Pieces {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(piece) = self.incoming.front_mut() else {
            return if self.has_ended { Poll::Ready(Ok(0)) } else { Poll::Pending };
        };
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        piece.drain(..length);
        if piece.is_empty() {
            self.incoming.pop_front();
        }
        Poll::Ready(Ok(length))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_blocked {
            return Poll::Pending;
        }
        self.written.extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn caught_up(&self) -> Option<Instant> {
        self.caught_up
    }
}

/// A runtime that does nothing but make WebSockets.
struct Scripted;

impl Runtime for Scripted {
    type Tcp = Pieces;
    type Tls = Infallible;
    type Socket = PolledSocket<Transport<Self>>;
    type Sleep = std::future::Pending<()>;

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        std::future::pending()
    }

    fn connect(&self, _: SocketAddr) -> BoxFuture<'static, io::Result<Pieces>> {
        Box::pin(async { Ok(Pieces::default()) })
    }

    fn websocket(transport: Transport<Self>, config: WebSocketConfig) -> Self::Socket {
        PolledSocket::new(transport, config)
    }

    fn transport(socket: &Self::Socket) -> &Transport<Self> {
        socket.stream()
    }

    fn into_transport(socket: Self::Socket) -> Transport<Self> {
        socket.into_stream()
    }
}

impl WebSocket<Scripted> {
    fn stream(&mut self) -> &mut Pieces {
        match self.socket().stream_mut().stream_mut() {
            Either::Left(stream) => stream,
            Either::Right(_) => unreachable!("there is no TLS"),
        }
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 127][..], &(payload.len() as u64).to_be_bytes(), payload].concat()
}

fn text(payload: &[u8]) -> Vec<u8> {
    frame(0x81, payload)
}

fn websocket(pieces: impl IntoIterator<Item = Vec<u8>>) -> WebSocket<Scripted> {
    let stream = Pieces { incoming: pieces.into_iter().collect(), ..Pieces::default() };
    WebSocket::new(Either::Left(stream), Vec::new(), config(&Limits::default(), LIMIT, 4 * 1024))
}

fn next(websocket: &mut WebSocket<Scripted>) -> Poll<Option<Result<Incoming, Loss>>> {
    websocket.poll_next_unpin(&mut Context::from_waker(Waker::noop()))
}

fn message(websocket: &mut WebSocket<Scripted>) -> Bytes {
    match next(websocket) {
        Poll::Ready(Some(Ok(Incoming::Message(bytes)))) => bytes,
        other => panic!("{other:?}"),
    }
}

/// Returns whether a message is all that its memory is used for.
fn is_alone(bytes: Bytes) -> bool {
    let length = bytes.len();
    bytes.try_into_mut().is_ok_and(|bytes| bytes.capacity() <= length + LARGE)
}

#[test]
fn a_small_message_keeps_no_large_buffer_alive() {
    let large = vec![b'x'; 2_000_000];
    let mut socket = websocket([[text(b"before"), text(&large)].concat()]);
    assert_eq!(message(&mut socket), "before");
    assert_eq!(message(&mut socket).len(), large.len());
    assert!(!socket.follower().has_met_large(), "it has begun anew");
    let mut kept = Vec::new();
    for _ in 0..50 {
        socket.stream().incoming.push_back([text(b"one"), text(b"two")].concat());
        kept.push(message(&mut socket));
        assert_eq!(message(&mut socket), "two");
    }
    drop(socket);
    let last = kept.pop().unwrap();
    drop(kept);
    assert!(is_alone(last));
}

#[test]
fn while_nothing_can_be_written_small_messages_are_copied_out_of_the_large_buffer() {
    let large = text(&vec![b'x'; 2_000_000]);
    let mut socket = websocket([[frame(0x89, b"ping"), large, text(b"small")].concat()]);
    socket.stream().is_blocked = true;
    assert_eq!(next(&mut socket), Poll::Ready(Some(Ok(Incoming::Ping))));
    drop(message(&mut socket));
    assert!(socket.follower().has_met_large(), "the pong is still to be written");
    assert!(is_alone(message(&mut socket)));
    assert!(next(&mut socket).is_pending());
    socket.stream().is_blocked = false;
    // Nothing more has to come for the buffer to go.
    assert!(next(&mut socket).is_pending());
    assert!(!socket.follower().has_met_large());
    let pong = std::mem::take(&mut socket.stream().written);
    assert_eq!((pong[0], pong[1], pong.len()), (0x8a, 0x80 | 4, 2 + 4 + 4));
}

#[test]
fn a_large_message_in_any_pieces_and_frames_comes_whole_and_so_does_what_is_behind_it() {
    let part = vec![b'x'; 100_000];
    let bytes = [
        text(b"first"),
        frame(0x01, &part),
        frame(0x89, b""),
        frame(0x00, b""),
        frame(0x00, &part),
        frame(0x80, b"end"),
        text(b"second"),
        frame(0x82, &part),
        text(b""),
        text(b"third"),
    ]
    .concat();
    for size in [1, 2, 3, 9, 1_000, 4_096, 65_536, 1_000_000] {
        let mut socket = websocket(bytes.chunks(size).map(<[u8]>::to_vec));
        assert_eq!(message(&mut socket), "first");
        assert_eq!(next(&mut socket), Poll::Ready(Some(Ok(Incoming::Ping))));
        assert_eq!(message(&mut socket).len(), 200_003);
        assert_eq!(message(&mut socket), "second");
        assert_eq!(message(&mut socket).len(), 100_000);
        assert_eq!(message(&mut socket), "");
        assert_eq!(message(&mut socket), "third");
        assert!(next(&mut socket).is_pending());
        assert!(!socket.follower().has_met_large() && socket.follower().messages() == 7, "{size}");
    }
}

#[test]
fn what_came_behind_the_answer_to_the_upgrade_is_followed_too() {
    let bytes = [text(b"first"), text(&vec![b'x'; 100_000]), text(b"second")].concat();
    for cut in [0, 1, 12, 15, 20, 25, 40, 4_000] {
        let stream = Pieces { incoming: [bytes[cut..].to_vec()].into(), ..Pieces::default() };
        let config = config(&Limits::default(), LIMIT, 4 * 1024);
        let mut socket = WebSocket::new(Either::Left(stream), bytes[..cut].to_vec(), config);
        assert_eq!(message(&mut socket), "first");
        assert_eq!(message(&mut socket).len(), 100_000);
        assert!(!socket.follower().has_met_large(), "{cut}");
        assert_eq!(message(&mut socket), "second");
    }
}

#[test]
fn over_the_limit_of_the_transport_nothing_is_read_and_a_control_frame_fits_any_limit() {
    let limits = Limits::default().message(10);
    for (limit, size, fits) in
        [(1, 125, true), (1, 126, false), (200, 200, true), (200, 201, false)]
    {
        let stream = Pieces { incoming: [text(&vec![b'x'; size])].into(), ..Pieces::default() };
        let mut socket =
            WebSocket::new(Either::Left(stream), Vec::new(), config(&limits, limit, 4 * 1024));
        let limit = limit.max(125);
        match next(&mut socket) {
            Poll::Ready(Some(Ok(Incoming::Message(_)))) => assert!(fits, "{size}"),
            Poll::Ready(Some(Err(loss))) => {
                assert!(!fits && loss == Loss::TooLarge { limit }, "{loss:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_code_of_a_close_frame_is_the_one_that_the_server_sent() {
    let closed = |code: u16, reason: &[u8]| frame(0x88, &[&code.to_be_bytes(), reason].concat());
    let long = "x".repeat(300);
    for (bytes, code, keeps_the_rules) in [
        (closed(4001, b"no"), Some(4001), true),
        (closed(1014, b""), Some(1014), true),
        (closed(1005, b""), Some(1005), false),
        (closed(4001, b"\xff"), Some(4001), false),
        (closed(4009, long.as_bytes()), Some(4009), false),
        (frame(0x08, &4001_u16.to_be_bytes()), Some(4001), false),
        (frame(0x88, b"x"), None, false),
        (frame(0x88, b""), None, true),
    ] {
        let mut socket = websocket([bytes.clone()]);
        let loss = match next(&mut socket) {
            Poll::Ready(Some(Ok(Incoming::Closed(loss)) | Err(loss))) => loss,
            other => panic!("{other:?}"),
        };
        assert_eq!(loss.close_code(), code, "{loss:?}");
        assert_eq!(matches!(loss, Loss::Closed { .. }), keeps_the_rules, "{loss:?}");
        // Cut off right behind its code, it has still said it.
        if code.is_some() && bytes.len() > 12 {
            let mut cut = websocket([bytes[..12].to_vec()]);
            cut.stream().has_ended = true;
            let Poll::Ready(Some(Err(Loss::BadClose { code: told, .. }))) = next(&mut cut) else {
                panic!("{bytes:?}")
            };
            assert_eq!(told, code);
        }
    }
}

#[test]
fn without_a_close_frame_it_is_told_how_it_ended() {
    let mut socket = websocket([text(b"\xff")]);
    assert!(matches!(next(&mut socket), Poll::Ready(Some(Err(Loss::Reset(_))))));
    assert!(matches!(next(&mut socket), Poll::Ready(None)), "and is not read again");
    let mut socket = websocket([text(b"x")[..5].to_vec()]);
    socket.stream().has_ended = true;
    assert!(matches!(next(&mut socket), Poll::Ready(Some(Err(Loss::Reset(_))))));
}

#[test]
fn what_the_stream_does_not_take_waits_for_a_flush() {
    let mut socket = websocket([]);
    let context = &mut Context::from_waker(Waker::noop());
    assert!(socket.poll_ready_unpin(context).is_ready());
    socket.stream().is_blocked = true;
    // More than what is gathered before it is written.
    socket.start_send_unpin(Message::text("x".repeat(10_000))).unwrap();
    assert!(socket.poll_ready_unpin(context).is_pending());
    assert!(socket.poll_flush_unpin(context).is_pending());
    socket.stream().is_blocked = false;
    assert!(socket.poll_ready_unpin(context).is_ready());
    assert!(socket.stream().written.len() > 10_000);
}

/// Numbers that look random and are the same in each run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Frames that mostly follow the rules, the payload's length written in any of the three ways.
fn some_frames(numbers: &mut Numbers) -> Vec<u8> {
    let firsts = [0x81, 0x81, 0x82, 0x01, 0x00, 0x80, 0x80, 0x89, 0x8a, 0x88, 0xc1, 0x83];
    let mut bytes = Vec::new();
    for _ in 0..numbers.below(12) {
        // The last of them break a rule, or close.
        let kinds = if numbers.below(8) == 0 { firsts.len() } else { 9 };
        let first = firsts[numbers.below(kinds)];
        let length = [0, 1, 5, 125, 126, 300, 65_535, 70_000][numbers.below(8)];
        let length = if first & 0x08 != 0 { length.min(125) } else { length };
        bytes.push(first);
        match (numbers.below(3), u16::try_from(length)) {
            (0, Ok(short @ 0..126)) => bytes.push(u8::try_from(short).unwrap()),
            (0 | 1, Ok(length)) => {
                bytes.push(126);
                bytes.extend(length.to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.resize(bytes.len() + length, b'a');
        if length > 0 && numbers.below(40) == 0 {
            // No UTF-8.
            *bytes.last_mut().unwrap() = 0xff;
        }
    }
    bytes
}

/// Returns what tungstenite makes of the bytes by itself.
fn by_itself(bytes: &[u8]) -> Vec<Option<Bytes>> {
    let incoming = bytes.chunks(bytes.len().max(1)).map(<[u8]>::to_vec).collect();
    let stream = Pieces { incoming, ..Pieces::default() };
    let mut socket = PolledSocket::new(stream, config(&Limits::default(), LIMIT, 4 * 1024));
    let mut brought = Vec::new();
    loop {
        match socket.poll_next_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(Message::Text(text)))) => brought.push(Some(text.into())),
            Poll::Ready(Some(Ok(Message::Binary(bytes)))) => brought.push(Some(bytes)),
            Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Poll::Pending => return brought,
            Poll::Ready(_) => {
                brought.push(None);
                return brought;
            }
        }
    }
}

#[test]
fn whatever_comes_it_brings_what_tungstenite_brings_by_itself() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut messages, mut ends) = (0, 0);
    for _ in 0..400 {
        let bytes = some_frames(&mut numbers);
        let size = [1, 2, 7, 100, 4_096, 1_000_000][numbers.below(6)];
        let mut socket = websocket(bytes.chunks(size).map(<[u8]>::to_vec));
        let mut brought = Vec::new();
        loop {
            match next(&mut socket) {
                Poll::Ready(Some(Ok(Incoming::Message(message)))) => brought.push(Some(message)),
                Poll::Ready(Some(Ok(Incoming::Ping | Incoming::Pong))) => {}
                Poll::Pending => break,
                Poll::Ready(_) => {
                    brought.push(None);
                    break;
                }
            }
        }
        messages += brought.iter().flatten().count();
        ends += brought.iter().filter(|message| message.is_none()).count();
        assert_eq!(brought, by_itself(&bytes), "{:?}", &bytes[..bytes.len().min(40)]);
        if !brought.contains(&None) && socket.follower().is_between_messages() {
            assert!(!socket.follower().has_met_large(), "no large buffer is left");
        }
    }
    assert!(messages > 200 && ends > 50, "{messages} messages, {ends} ends");
}

#[test]
fn a_frame_before_the_close_frame_that_broke_a_rule_is_not_told_as_a_close_frame_cut_off() {
    let close = frame(0x88, &[0x0f, 0xa1, b'n', b'o']);
    for before in [
        frame(0x81, b"\xff"),
        frame(0xc1, b"compressed"),
        frame(0x80, b"continues nothing"),
        frame(0x89, &[b'x'; 126]),
        [frame(0x01, b"part"), text(b"within it")].concat(),
    ] {
        let bytes = [&before[..], &close].concat();
        // The header has ten bytes. What has come of the frame may end anywhere behind it.
        for come in before.len() + 2..bytes.len() {
            let mut socket = websocket([bytes[..come].to_vec()]);
            let Poll::Ready(Some(Err(loss))) = next(&mut socket) else { panic!("{before:?}") };
            assert!(matches!(loss, Loss::Reset(_)), "{come} of {before:?}: {loss:?}");
        }
        // One that is there, whole, says more than what broke the rule.
        let Poll::Ready(Some(Err(loss))) = next(&mut websocket([bytes])) else { panic!() };
        assert_eq!(loss, Loss::closed(Some(4001), "no"));
    }
}

#[test]
fn a_message_over_the_limit_is_told_though_a_close_frame_came_behind_it() {
    let (part, over) = (vec![b'x'; LIMIT / 2 + 1], vec![b'x'; LIMIT + 1]);
    let close = frame(0x88, &[0x0f, 0xa1, b'n', b'o']);
    for before in [
        text(&over),
        [text(b"small"), text(&over)].concat(),
        [frame(0x01, &part), frame(0x80, &part)].concat(),
        // Its end never comes: the close frame stands in the midst of it.
        [frame(0x01, &part), frame(0x00, &part)].concat(),
    ] {
        let mut socket = websocket([[&before[..], &close].concat()]);
        let loss = loop {
            match next(&mut socket) {
                Poll::Ready(Some(Ok(Incoming::Message(small)))) => assert_eq!(small, "small"),
                Poll::Ready(Some(Err(loss))) => break loss,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(loss, Loss::TooLarge { limit: LIMIT });
    }
    // A close frame of this length is still one.
    let mut socket = websocket([frame(0x88, &[&[0x0f, 0xa1], &over[..]].concat())]);
    let Poll::Ready(Some(Err(loss))) = next(&mut socket) else { panic!() };
    assert_eq!(loss.close_code(), Some(4001), "{loss:?}");
}

#[test]
fn an_end_without_a_close_frame_is_told_in_these_words() {
    let mut socket = websocket([text(b"x")]);
    assert_eq!(message(&mut socket), "x");
    socket.stream().has_ended = true;
    let ended = Loss::reset("it ended without a close frame");
    assert_eq!(next(&mut socket), Poll::Ready(Some(Err(ended.clone()))));
    // As rustls says it of a server that ended TCP without ending TLS.
    let error =
        io::Error::new(io::ErrorKind::UnexpectedEof, "close_notify, and where to read of it");
    assert_eq!(loss(&tungstenite::Error::Io(error)), ended);
    // What did not end in order is told as what it is.
    let error = io::Error::new(io::ErrorKind::ConnectionReset, "reset by peer");
    assert!(loss(&tungstenite::Error::Io(error)).to_string().contains("reset by peer"));
}

#[test]
fn what_has_arrived_is_handed_out_between_messages_and_never_within_one() {
    let first = text(b"first");
    let (half, rest) = first.split_at(first.len() / 2);
    let now = Instant::from_micros(7);
    let stream = Pieces { caught_up: Some(now), ..Pieces::default() };
    // The first half came with the answer to the upgrade.
    let config = config(&Limits::default(), LIMIT, 4 * 1024);
    let mut socket = WebSocket::<Scripted>::new(Either::Left(stream), half.to_vec(), config);
    assert!(next(&mut socket).is_pending());
    assert_eq!(socket.caught_up(), None, "half a message");
    socket.stream().incoming.push_back(rest.to_vec());
    assert_eq!(message(&mut socket), "first");
    assert!(next(&mut socket).is_pending());
    assert_eq!(socket.caught_up(), Some(now));

    socket.stream().incoming.push_back([frame(0x01, b"sec"), frame(0x89, b"")].concat());
    assert_eq!(next(&mut socket), Poll::Ready(Some(Ok(Incoming::Ping))));
    assert!(next(&mut socket).is_pending());
    assert_eq!(socket.caught_up(), None, "a ping between the frames of a message");
    socket.stream().incoming.push_back(frame(0x80, b"ond"));
    assert_eq!(message(&mut socket), "second");
    assert!(next(&mut socket).is_pending());
    assert_eq!(socket.caught_up(), Some(now));

    // Behind a large message it is another WebSocket over the same stream.
    socket.stream().incoming.push_back(text(&vec![b'x'; 2_000_000])[..1_000_000].to_vec());
    assert!(next(&mut socket).is_pending());
    assert_eq!(socket.caught_up(), None);
    socket.stream().incoming.push_back(vec![b'x'; 1_000_010]);
    assert_eq!(message(&mut socket).len(), 2_000_000);
    assert!(next(&mut socket).is_pending());
    assert_eq!(socket.caught_up(), Some(now));
    socket.stream().caught_up = None;
    assert_eq!(socket.caught_up(), None, "the runtime does not know");
}
