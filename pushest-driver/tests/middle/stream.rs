//! A stream that follows a script, and the test's end of it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pushest_driver::proto::Instant;
use pushest_driver::unstable::{Addresses, ByteStream};

use super::chance::Chance;
use super::rig::address;
use super::world::{Call, Outcome, World};

/// How one call goes, if there is anything that it could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    AtMost(usize),
    /// Not now: it is woken for by [`Socket::go_on`].
    Pending,
}

/// What stands behind all that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    InOrder,
    Reset,
}

/// The test's end of a stream.
#[derive(Clone)]
pub(super) struct Socket(Arc<Mutex<Pipe>>);

struct Pipe {
    incoming: VecDeque<u8>,
    end: Option<End>,
    reads: VecDeque<Cut>,
    reader: Waiting,
    caught_up: Option<Instant>,
    written: Vec<u8>,
    /// How much of it was flushed, so that the server has it.
    sent: usize,
    /// How many bytes are taken before the sink is full.
    room: usize,
    is_broken: bool,
    writes: VecDeque<Cut>,
    flushes: VecDeque<Cut>,
    writer: Waiting,
    is_open: bool,
    /// Cuts what no other cut was planned for.
    chance: Option<Chance>,
}

impl Pipe {
    /// How the next call goes, whose planned cuts are these.
    fn cut(planned: &mut VecDeque<Cut>, chance: &mut Option<Chance>) -> Cut {
        let by_chance = || chance.as_mut().map(Chance::cut);
        planned.pop_front().or_else(by_chance).unwrap_or(Cut::AtMost(usize::MAX))
    }
}

/// Who waits for a direction.
#[derive(Default)]
struct Waiting {
    waker: Option<Waker>,
    /// The script alone keeps it waiting.
    is_paused: bool,
}

impl Waiting {
    fn leave(&mut self, context: &Context<'_>, is_paused: bool) -> Option<Waker> {
        self.is_paused = is_paused;
        self.waker.replace(context.waker().clone())
    }
}

impl Socket {
    fn lock(&self) -> MutexGuard<'_, Pipe> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the reader and the writer, after a change.
    fn change(&self, change: impl FnOnce(&mut Pipe)) {
        let mut pipe = self.lock();
        change(&mut pipe);
        let can_read = !pipe.incoming.is_empty() || pipe.end.is_some();
        let can_write = pipe.room > 0 || pipe.is_broken;
        let reader = if can_read { pipe.reader.waker.take() } else { None };
        let writer = if can_write { pipe.writer.waker.take() } else { None };
        drop(pipe);
        [reader, writer].into_iter().flatten().for_each(Waker::wake);
    }

    pub(super) fn arrives(&self, bytes: &[u8]) {
        self.change(|pipe| pipe.incoming.extend(bytes));
    }

    pub(super) fn ends(&self, end: End) {
        self.change(|pipe| pipe.end = Some(end));
    }

    /// Takes this many bytes from here on, and then no more.
    pub(super) fn set_room(&self, bytes: usize) {
        self.change(|pipe| pipe.room = bytes);
    }

    /// Fails each write and flush from here on.
    pub(super) fn break_writing(&self) {
        self.change(|pipe| pipe.is_broken = true);
    }

    pub(super) fn cut_reads(&self, cuts: impl IntoIterator<Item = Cut>) {
        self.lock().reads.extend(cuts);
    }

    pub(super) fn cut_writes(&self, cuts: impl IntoIterator<Item = Cut>) {
        self.lock().writes.extend(cuts);
    }

    pub(super) fn cut_flushes(&self, cuts: impl IntoIterator<Item = Cut>) {
        self.lock().flushes.extend(cuts);
    }

    /// Goes on with what only the script has paused. Returns whether anything was.
    pub(super) fn go_on(&self) -> bool {
        let mut pipe = self.lock();
        let Pipe { reader, writer, .. } = &mut *pipe;
        let paused = [reader, writer].map(|waiting| {
            if std::mem::take(&mut waiting.is_paused) { waiting.waker.take() } else { None }
        });
        drop(pipe);
        paused.into_iter().flatten().map(Waker::wake).count() > 0
    }

    /// What was sent behind the first bytes.
    pub(super) fn sent_behind(&self, bytes: usize) -> Vec<u8> {
        let pipe = self.lock();
        pipe.written[bytes..pipe.sent].to_vec()
    }

    /// How many bytes were written.
    pub(super) fn written(&self) -> usize {
        self.lock().written.len()
    }

    /// How many bytes have arrived and are not read.
    pub(super) fn unread(&self) -> usize {
        self.lock().incoming.len()
    }

    /// Whether the driver holds the stream.
    pub(super) fn is_open(&self) -> bool {
        self.lock().is_open
    }

    /// The driver's end. There is one.
    pub(super) fn new(world: &World) -> (Self, Stream) {
        let socket = Self(Arc::new(Mutex::new(Pipe {
            incoming: VecDeque::new(),
            end: None,
            reads: VecDeque::new(),
            reader: Waiting::default(),
            caught_up: None,
            written: Vec::new(),
            sent: 0,
            room: usize::MAX,
            is_broken: false,
            writes: VecDeque::new(),
            flushes: VecDeque::new(),
            writer: Waiting::default(),
            is_open: true,
            chance: world.chance(),
        })));
        let local = world.local();
        let _life = world.life();
        let stream = Stream { socket: socket.clone(), world: world.clone(), local, _life };
        (socket, stream)
    }
}

/// The driver's end of a [`Socket`].
pub(super) struct Stream {
    socket: Socket,
    world: World,
    local: Option<SocketAddr>,
    _life: Arc<()>,
}

impl Stream {
    /// Runs one call, and logs it once the lock is free.
    fn call<T>(
        &self,
        call: impl FnOnce(Outcome) -> Call,
        step: impl FnOnce(&mut Pipe) -> (Poll<io::Result<T>>, Option<Waker>),
    ) -> Poll<io::Result<T>>
    where
        T: Copy + Into<Option<usize>>,
    {
        let mut pipe = self.socket.lock();
        let (result, former) = step(&mut pipe);
        drop(pipe);
        drop(former);
        let outcome = match &result {
            Poll::Pending => Outcome::Pending,
            Poll::Ready(Ok(length)) => Outcome::Done((*length).into().unwrap_or(0)),
            Poll::Ready(Err(_)) => Outcome::Failed,
        };
        self.world.called(call(outcome));
        result
    }
}

impl ByteStream for Stream {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let now = self.world.clock().now();
        self.call(Call::Read, |pipe| {
            if pipe.incoming.is_empty() {
                return match pipe.end {
                    Some(End::InOrder) => (Poll::Ready(Ok(0)), None),
                    Some(End::Reset) => (Poll::Ready(Err(ErrorKind::ConnectionReset.into())), None),
                    None => {
                        pipe.caught_up = Some(now);
                        (Poll::Pending, pipe.reader.leave(context, false))
                    }
                };
            }
            let most = match Pipe::cut(&mut pipe.reads, &mut pipe.chance) {
                Cut::Pending => return (Poll::Pending, pipe.reader.leave(context, true)),
                Cut::AtMost(most) => most,
            };
            let length = most.min(buffer.len()).min(pipe.incoming.len());
            for (place, byte) in buffer.iter_mut().zip(pipe.incoming.drain(..length)) {
                *place = byte;
            }
            (Poll::Ready(Ok(length)), None)
        })
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.call(Call::Write, |pipe| {
            if pipe.is_broken {
                return (Poll::Ready(Err(ErrorKind::BrokenPipe.into())), None);
            }
            if pipe.room == 0 {
                return (Poll::Pending, pipe.writer.leave(context, false));
            }
            let most = match Pipe::cut(&mut pipe.writes, &mut pipe.chance) {
                Cut::Pending => return (Poll::Pending, pipe.writer.leave(context, true)),
                Cut::AtMost(most) => most,
            };
            let length = most.min(bytes.len()).min(pipe.room);
            pipe.room -= length;
            pipe.written.extend_from_slice(&bytes[..length]);
            (Poll::Ready(Ok(length)), None)
        })
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.call(Call::Flush, |pipe| {
            if pipe.is_broken {
                return (Poll::Ready(Err(ErrorKind::BrokenPipe.into())), None);
            }
            match Pipe::cut(&mut pipe.flushes, &mut pipe.chance) {
                Cut::Pending => (Poll::Pending, pipe.writer.leave(context, true)),
                Cut::AtMost(_) => {
                    pipe.sent = pipe.written.len();
                    (Poll::Ready(Ok(0)), None)
                }
            }
        });
        flushed.map_ok(|_| ())
    }

    fn caught_up(&self) -> Option<Instant> {
        self.socket.lock().caught_up
    }

    fn addresses(&self) -> Option<Addresses> {
        Addresses::of(self.local.ok_or_else(|| ErrorKind::Unsupported.into()), Ok(address(1)))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut pipe = self.socket.lock();
        pipe.is_open = false;
        let Pipe { reader, writer, .. } = &mut *pipe;
        let wakers = (reader.waker.take(), writer.waker.take());
        drop(pipe);
        drop(wakers);
        self.world.called(Call::Dropped("stream"));
    }
}
