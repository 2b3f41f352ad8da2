//! An open WebSocket: sending, flushing and reading, without ever waiting.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use pushest_proto::{ConnectionId, Instant, Loss};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, Message};

use crate::byte_stream::Addresses;
use crate::frame_log::{self, FrameLog};
use crate::traffic::Traffic;
use crate::unstable::traits::Runtime;
use crate::websocket::{self, Incoming, WebSocket};

/// Maximum number of messages of a closing connection that are dropped before others get their
/// turn.
const DISCARDS: usize = 64;

pub(crate) struct OpenSocket<S> {
    pub(crate) connection: ConnectionId,
    socket: S,
    /// Messages that wait for the sink. The session holds frames back while it has none, so that
    /// these are those of one turn of the pump at most.
    held: VecDeque<Message>,
    /// The sink's buffer is full, so that it has to be flushed before it takes more.
    is_full: bool,
    /// Something was written and not flushed.
    is_unflushed: bool,
    /// Writing failed. What the server said before it went may still be there to be read, and a
    /// close frame says more than a broken pipe.
    broken: Option<Box<Loss>>,
    /// Everything that had arrived by then was handed out; `None` once the session was told.
    caught_up: Option<Instant>,
    /// The last such time that the session was told.
    told: Option<Instant>,
    frames: FrameLog,
    /// What went over it by the last time that this was taken.
    taken_traffic: Traffic,
}

impl<S> OpenSocket<S>
where
    S: Stream<Item = Result<Incoming, Loss>> + Sink<Message, Error = Error> + Unpin,
{
    /// Takes an open socket. `dialled` is when the dial began: nothing can have arrived before.
    pub(crate) fn new(connection: ConnectionId, socket: S, dialled: Instant) -> Self {
        Self {
            connection,
            socket,
            held: VecDeque::new(),
            is_full: false,
            is_unflushed: false,
            broken: None,
            caught_up: Some(dialled),
            told: None,
            frames: FrameLog::default(),
            taken_traffic: Traffic::default(),
        }
    }

    /// Takes a message; it goes out as soon as the sink has room.
    pub(crate) fn send(&mut self, message: Message) {
        self.held.push_back(message);
    }

    /// Writes held messages to the sink; returns whether it accepts more.
    pub(crate) fn make_room(&mut self, context: &mut Context<'_>) -> bool {
        if self.broken.is_some() {
            return false;
        }
        self.try_make_room(context).unwrap_or_else(|error| {
            self.broken = Some(Box::new(websocket::loss(&error)));
            false
        })
    }

    fn try_make_room(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        loop {
            let was_full = self.is_full;
            let room = if was_full {
                self.socket.poll_flush_unpin(context)
            } else {
                self.socket.poll_ready_unpin(context)
            };
            match room {
                Poll::Ready(result) => result?,
                Poll::Pending => return Ok(false),
            }
            self.is_full = false;
            let Some(message) = self.held.pop_front() else { return Ok(true) };
            let logged = frame_log::is_enabled().then(|| message.clone());
            match self.socket.start_send_unpin(message) {
                Ok(()) => {
                    self.is_unflushed = true;
                    if let Some(message) = logged {
                        self.frames.sent(&message);
                    }
                }
                Err(Error::WriteBufferFull(message)) if !was_full => {
                    self.held.push_front(*message);
                    self.is_full = true;
                }
                Err(Error::WriteBufferFull(message)) => {
                    tracing::warn!(
                        target: "pushest",
                        bytes = message.len(),
                        "a frame is larger than what can ever be sent, and was dropped"
                    );
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes out what was sent, as far as it goes.
    pub(crate) fn flush(&mut self, context: &mut Context<'_>) {
        if !self.is_unflushed || self.broken.is_some() {
            return;
        }
        match self.socket.poll_flush_unpin(context) {
            Poll::Ready(Ok(())) => self.is_unflushed = false,
            Poll::Ready(Err(error)) => self.broken = Some(Box::new(websocket::loss(&error))),
            Poll::Pending => {}
        }
    }

    /// Reads the next message, or how the connection was lost. After a close frame of the server
    /// the socket is for [`Closing`].
    #[inline]
    pub(crate) fn read(&mut self, context: &mut Context<'_>) -> Poll<Result<Incoming, Loss>> {
        match self.socket.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(incoming))) => {
                self.frames.received(&incoming);
                // The sink has queued the pong by itself.
                self.is_unflushed |= incoming == Incoming::Ping;
                Poll::Ready(Ok(incoming))
            }
            Poll::Ready(Some(Err(loss))) => Poll::Ready(Err(loss)),
            Poll::Ready(None) => Poll::Ready(Err(Loss::reset("it ended without a close frame"))),
            Poll::Pending => match self.broken.take() {
                Some(loss) => Poll::Ready(Err(*loss)),
                None => Poll::Pending,
            },
        }
    }
}

impl<S> OpenSocket<S> {
    /// Returns the time up to which the session has been handed everything that had arrived, if it
    /// is later than the one that was returned last.
    ///
    /// The session needs it before the next message only: an empty socket with no message behind it
    /// proves nothing, since that of a path that has gone dark is empty, too.
    pub(crate) fn take_caught_up(&mut self) -> Option<Instant> {
        let caught_up = self.caught_up.take().filter(|at| self.told.is_none_or(|told| *at > told));
        self.told = caught_up.or(self.told);
        caught_up
    }
}

impl<R: Runtime> OpenSocket<WebSocket<R>> {
    /// Takes note that [`OpenSocket::read`] had nothing to hand out.
    pub(crate) fn catch_up(&mut self) {
        self.caught_up = self.socket.caught_up().or(self.caught_up);
    }

    /// Returns what went over it since the last call.
    pub(crate) fn take_traffic(&mut self) -> Traffic {
        let all = self.socket.traffic();
        all.since(std::mem::replace(&mut self.taken_traffic, all))
    }

    /// Returns the addresses of its two ends.
    pub(crate) fn addresses(&self) -> Option<Addresses> {
        self.socket.addresses()
    }

    /// Returns how many bytes were read so far, those of frames included that are no messages.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.socket.bytes_read()
    }
}

/// A connection in its closing handshake.
pub(crate) struct Closing<S> {
    open: OpenSocket<S>,
    /// The deadline of the handshake, after which the socket is dropped.
    pub(crate) deadline: Instant,
}

impl<S> Closing<S>
where
    S: Stream<Item = Result<Incoming, Loss>> + Sink<Message, Error = Error> + Unpin,
{
    /// Begins the handshake. With a code, the close frame is ours to send, after all that was sent
    /// before; without one, the server has sent its own, and the sink answers it.
    pub(crate) fn new(mut open: OpenSocket<S>, code: Option<u16>, deadline: Instant) -> Self {
        match code {
            Some(code) => {
                let frame = CloseFrame { code: code.into(), reason: "".into() };
                open.send(Message::Close(Some(frame)));
            }
            None => open.is_unflushed = true,
        }
        Self { open, deadline }
    }

    /// Gives the handshake up. Returns the socket, for the caller to drop without the lock.
    pub(crate) fn into_open(self) -> OpenSocket<S> {
        self.open
    }

    /// Goes on with the handshake. Returns whether it is done.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, now: Instant) -> bool {
        if now >= self.deadline {
            return true;
        }
        self.open.make_room(context);
        self.open.flush(context);
        for _ in 0..DISCARDS {
            match self.open.socket.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(incoming))) => self.open.frames.received(&incoming),
                Poll::Ready(Some(Err(_)) | None) => return true,
                Poll::Pending => return self.open.broken.is_some(),
            }
        }
        context.waker().wake_by_ref();
        false
    }
}

impl<R: Runtime> Closing<WebSocket<R>> {
    /// Returns what went over it since the last call.
    pub(crate) fn take_traffic(&mut self) -> Traffic {
        self.open.take_traffic()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::Waker;

    use pushest_proto::{Action, Config, Session};

    use super::*;

    /// A socket that takes a number of bytes before it has to be flushed, and blocks as told.
    #[derive(Default)]
    struct Socket {
        capacity: usize,
        buffered: usize,
        is_blocked: bool,
        is_broken: bool,
        sent: Vec<Message>,
        incoming: VecDeque<Result<Incoming, Loss>>,
    }

    impl Sink<Message> for Socket {
        type Error = Error;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            if self.is_blocked { Poll::Pending } else { Poll::Ready(Ok(())) }
        }

        fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
            if self.buffered + message.len() > self.capacity {
                return Err(Error::WriteBufferFull(Box::new(message)));
            }
            self.buffered += message.len();
            self.sent.push(message);
            Ok(())
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            if self.is_broken {
                return Poll::Ready(Err(Error::Io(std::io::ErrorKind::BrokenPipe.into())));
            }
            if self.is_blocked {
                return Poll::Pending;
            }
            self.buffered = 0;
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }
    }

    impl Stream for Socket {
        type Item = Result<Incoming, Loss>;

        fn poll_next(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Incoming, Loss>>> {
            self.incoming.pop_front().map_or(Poll::Pending, |message| Poll::Ready(Some(message)))
        }
    }

    fn open(capacity: usize) -> OpenSocket<Socket> {
        let config = Config::builder("key").build().unwrap();
        let mut session = Session::new(config, 1, Instant::ORIGIN);
        session.connect(Instant::ORIGIN);
        let connection = loop {
            if let Some(Action::Connect { connection, .. }) = session.poll_action() {
                break connection;
            }
        };
        let socket = Socket { capacity, ..Socket::default() };
        OpenSocket::new(connection, socket, Instant::ORIGIN)
    }

    fn context() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn up_to_when_everything_was_read_is_told_once_and_never_taken_back() {
        let mut open = open(10);
        // Before it was dialled nothing had arrived.
        assert_eq!(open.take_caught_up(), Some(Instant::ORIGIN));
        assert_eq!(open.take_caught_up(), None);
        for (micros, is_told) in [(5, true), (5, false), (4, false), (6, true)] {
            let at = Instant::from_micros(micros);
            open.caught_up = Some(at);
            assert_eq!(open.take_caught_up(), is_told.then_some(at), "{micros}");
        }
    }

    #[test]
    fn a_frame_that_finds_no_room_goes_after_a_flush() {
        let mut open = open(10);
        for text in ["12345678", "abcdefgh"] {
            open.send(Message::text(text));
        }
        open.socket.is_blocked = true;
        assert!(!open.make_room(&mut context()));
        open.socket.is_blocked = false;
        assert!(open.make_room(&mut context()));
        assert_eq!(open.socket.sent, [Message::text("12345678"), Message::text("abcdefgh")]);
    }

    #[test]
    fn a_frame_that_never_fits_holds_up_nothing() {
        let mut open = open(10);
        open.send(Message::text("much longer than that"));
        open.send(Message::text("short"));
        assert!(open.make_room(&mut context()));
        assert_eq!(open.socket.sent, [Message::text("short")]);
    }

    #[test]
    fn what_the_server_said_last_is_read_before_a_broken_pipe_counts() {
        let mut open = open(10);
        open.send(Message::text("hello"));
        assert!(open.make_room(&mut context()));
        open.socket.is_broken = true;
        open.flush(&mut context());
        assert!(!open.make_room(&mut context()));
        let closed = Incoming::Closed(Loss::closed(Some(4100), "full"));
        open.socket.incoming.push_back(Ok(closed.clone()));
        assert_eq!(open.read(&mut context()), Poll::Ready(Ok(closed)));
        assert!(matches!(open.read(&mut context()), Poll::Ready(Err(Loss::Reset(_)))));
    }

    #[test]
    fn a_closing_connection_sends_everything_then_its_close_frame_and_waits_no_longer_than_told() {
        let mut open = open(1_000);
        open.send(Message::text("last"));
        let deadline = Instant::from_micros(10);
        let mut closing = Closing::new(open, Some(1000), deadline);
        assert!(!closing.poll(&mut context(), Instant::ORIGIN));
        let sent = &closing.open.socket.sent;
        assert_eq!(sent[0], Message::text("last"));
        assert!(sent[1].is_close());
        assert!(closing.poll(&mut context(), deadline));

        let mut closing = Closing::new(self::open(1_000), Some(1000), deadline);
        closing.open.socket.incoming.push_back(Err(Loss::reset("gone")));
        assert!(closing.poll(&mut context(), Instant::ORIGIN));
    }
}
