//! The one thread: it waits for sockets, commands and time, and drives the broker.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant as Clock};

use mio::event::Source;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use pushest_proto::Instant;
use slab::Slab;

use super::View;
use super::accepted_socket::{AcceptedSocket, DRIP, Progress, Shared};
use super::fault_queue::FaultQueue;
use super::own_stream::{OwnStream, Woken};
use super::transport::Raw;
use super::wait::Waiter;
use super::watcher::{RETRY, Watcher};
use super::webhooks::Backends;
use crate::protocol::{Action, NO_CLOSE_FRAME, PeerId, Target};

/// A command of another thread to the loop.
pub(super) type Command = Box<dyn FnOnce(&mut EventLoop) + Send>;

const LISTENER: Token = Token(usize::MAX);
pub(super) const WAKER: Token = Token(usize::MAX - 1);

/// Maximum time that a closed WebSocket may take to answer the close frame.
const LINGER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct EventLoop {
    poll: Poll,
    /// `None` for a server without a port.
    listener: Option<TcpListener>,
    commands: mpsc::Receiver<Command>,
    origin: Clock,
    pub(super) shared: Shared,
    sockets: Slab<AcceptedSocket>,
    last_socket: u64,
    /// Sockets that may have more to read than their budget allowed.
    unread: VecDeque<usize>,
    /// Streams that wake by themselves; `None` before there is one.
    woken: Option<Arc<Woken>>,
    /// Sockets that something was written to since they were flushed.
    unflushed: Vec<usize>,
    /// Closed WebSockets, by the time that they are dropped: all wait equally long.
    lingering: VecDeque<(Instant, usize, u64)>,
    waiters: Vec<Waiter>,
    watcher: Watcher,
    pub(super) backends: Backends,
    pub(super) is_stopped: bool,
}

impl EventLoop {
    pub(super) fn new(
        poll: Poll,
        mut listener: Option<TcpListener>,
        commands: mpsc::Receiver<Command>,
        shared: Shared,
        watcher: Watcher,
    ) -> io::Result<Self> {
        if let Some(listener) = &mut listener {
            listener.register(poll.registry(), LISTENER, Interest::READABLE)?;
        }
        Ok(Self {
            poll,
            listener,
            commands,
            origin: Clock::now(),
            shared,
            sockets: Slab::new(),
            last_socket: 0,
            unread: VecDeque::new(),
            woken: None,
            unflushed: Vec::new(),
            lingering: VecDeque::new(),
            waiters: Vec::new(),
            watcher,
            backends: Backends::default(),
            is_stopped: false,
        })
    }

    /// Runs until a command stops it; all sockets are closed when it returns.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        while !self.is_stopped {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Nothing can be heard any more, so nothing can be answered.
                Err(_) => break,
            }
            self.tick();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    WAKER => {}
                    Token(index) => self.read(index),
                }
            }
            self.unread.extend(self.woken.iter().flat_map(|woken| woken.take()));
            for _ in 0..self.unread.len() {
                if let Some(index) = self.unread.pop_front() {
                    self.read(index);
                }
            }
            while !self.is_stopped
                && let Ok(command) = self.commands.try_recv()
            {
                self.tick();
                command(&mut self);
            }
            self.tick();
            self.shared.broker.handle_timeout(self.shared.now);
            self.drip();
            self.settle();
            self.drop_lingering();
        }
        self.watcher.finish();
    }

    /// Carries out what the broker has decided and tells those who wait for it.
    pub(super) fn settle(&mut self) {
        // Writing can decide something new: a client that lets too much pile up is closed.
        loop {
            while let Some(action) = self.shared.broker.poll_action() {
                self.act(action);
            }
            let Some(index) = self.unflushed.pop() else {
                break;
            };
            self.flush(index);
        }
        self.watcher.tell(&mut self.shared.broker);
        self.backends.tell(&mut self.shared.broker);
        let view = View::of(&self.shared);
        self.waiters.retain_mut(|waiter| !waiter.check(&view));
    }

    pub(super) fn add_waiter(&mut self, waiter: Waiter) {
        self.waiters.push(waiter);
    }

    /// Does something to the sockets of the WebSockets that `target` names.
    pub(super) fn with_sockets(
        &mut self,
        target: &Target,
        mut act: impl FnMut(&mut AcceptedSocket),
    ) {
        for peer in self.shared.broker.targets(target) {
            if let Some(&index) = self.shared.sockets.get(&peer)
                && let Some(socket) = self.sockets.get_mut(index)
            {
                act(socket);
                self.unflushed.push(index);
                self.unread.push_back(index);
            }
        }
    }

    /// Ends connections without a close frame; by a reset, or in order.
    pub(super) fn cut(&mut self, target: &Target, by_reset: bool) {
        for peer in self.shared.broker.targets(target) {
            if let Some(&index) = self.shared.sockets.get(&peer)
                && let Some(socket) = self.sockets.get(index)
            {
                if by_reset {
                    socket.transport.reset_on_close();
                } else {
                    socket.transport.shutdown();
                }
                self.drop_link(index);
            }
        }
    }

    fn tick(&mut self) {
        let micros = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shared.now = Instant::from_micros(micros);
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.unread.is_empty() {
            return Some(Duration::ZERO);
        }
        let retry = self.watcher.owes().then_some(RETRY);
        self.until_next().into_iter().chain(retry).min()
    }

    /// Returns how long it is until something is due.
    fn until_next(&self) -> Option<Duration> {
        let lingering = self.lingering.front().map(|&(at, ..)| at);
        let dripping = self.shared.dripping.front().map(|&(at, ..)| at);
        let broker = self.shared.broker.poll_timeout();
        let next = broker.into_iter().chain(lingering).chain(dripping).min()?;
        let micros = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        let rest = next.saturating_duration_since(Instant::from_micros(micros));
        // The system counts in milliseconds: rounded down, the loop would spin through the last.
        Some(if rest.is_zero() { rest } else { rest + Duration::from_millis(1) })
    }

    fn accept(&mut self) {
        loop {
            let Some(listener) = &self.listener else { return };
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // There is no connection left, or no descriptor: the next one brings us back.
                Err(_) => return,
            };
            // Small messages are not to wait for larger ones; without it they only come later.
            let _ = stream.set_nodelay(true);
            let entry = self.sockets.vacant_entry();
            let interest = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, Token(entry.key()), interest).is_ok() {
                self.last_socket += 1;
                let may_be_tls = self.shared.tls.is_some();
                let stream = Raw::Tcp(stream);
                entry.insert(AcceptedSocket::new(self.last_socket, stream, may_be_tls));
            }
        }
    }

    /// Takes a stream that was handed over.
    pub(super) fn adopt(&mut self, mut stream: OwnStream, woken: &Arc<Woken>) -> io::Result<()> {
        let entry = self.sockets.vacant_entry();
        let index = entry.key();
        stream.register(index, self.poll.registry(), woken)?;
        self.woken.get_or_insert_with(|| woken.clone());
        self.last_socket += 1;
        let (stream, may_be_tls) = (Raw::Own(stream), self.shared.tls.is_some());
        entry.insert(AcceptedSocket::new(self.last_socket, stream, may_be_tls));
        self.unread.push_back(index);
        Ok(())
    }

    fn read(&mut self, index: usize) {
        let Some(socket) = self.sockets.get_mut(index) else {
            return;
        };
        match socket.read(index, &mut self.shared) {
            Progress::Waiting => self.unflushed.push(index),
            Progress::More => {
                self.unflushed.push(index);
                self.unread.push_back(index);
            }
            Progress::Over => {
                // Who has said all it wanted may still be owed an answer.
                socket.flush();
                self.drop_link(index);
            }
        }
    }

    fn flush(&mut self, index: usize) {
        let Some(socket) = self.sockets.get_mut(index) else {
            return;
        };
        if socket.flush() == Progress::Over {
            self.drop_link(index);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send { peer, text } => {
                let Some((index, socket)) = self.socket_of(peer) else {
                    return;
                };
                if socket.send(text) {
                    self.unflushed.push(index);
                } else {
                    self.too_slow(peer);
                }
            }
            Action::Close { peer, code, reason } => {
                let Some((index, socket)) = self.socket_of(peer) else {
                    return;
                };
                if code == NO_CLOSE_FRAME {
                    // What was sent before is still to arrive.
                    socket.flush();
                    socket.transport.shutdown();
                    self.drop_link(index);
                    return;
                }
                socket.close(code, &reason);
                let id = socket.id;
                self.unflushed.push(index);
                self.lingering.push_back((self.shared.now + LINGER, index, id));
            }
            Action::Reset { peer } => {
                let Some((index, socket)) = self.socket_of(peer) else {
                    return;
                };
                // What was sent before is still to arrive, where the system lets it.
                socket.flush();
                socket.transport.reset_on_close();
                self.drop_link(index);
            }
        }
    }

    /// Closes a client that does not read what it is sent.
    pub(super) fn too_slow(&mut self, peer: PeerId) {
        let reason = "Too slow: messages have piled up";
        self.shared.broker.close(&Target::Peer(peer), 4100, reason);
    }

    fn socket_of(&mut self, peer: PeerId) -> Option<(usize, &mut AcceptedSocket)> {
        let index = *self.shared.sockets.get(&peer)?;
        self.sockets.get_mut(index).map(|socket| (index, socket))
    }

    fn drop_link(&mut self, index: usize) {
        let Some(socket) = self.sockets.try_remove(index) else {
            return;
        };
        socket.transport.deregister(self.poll.registry());
        if let Some(peer) = socket.peer() {
            self.shared.sockets.remove(&peer);
            self.shared.broker.disconnected(peer, self.shared.now);
        }
    }

    /// Sends what is due of the answers that go out in pieces.
    fn drip(&mut self) {
        while let Some(&(at, index, id)) = self.shared.dripping.front()
            && at <= self.shared.now
        {
            self.shared.dripping.pop_front();
            let Some(socket) = self.sockets.get_mut(index).filter(|socket| socket.id == id) else {
                continue;
            };
            match socket.transport.drip() {
                Ok(false) => self.unflushed.push(index),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => self.drop_link(index),
                _ => self.shared.dripping.push_back((self.shared.now + DRIP, index, id)),
            }
        }
    }

    fn drop_lingering(&mut self) {
        while let Some(&(at, index, id)) = self.lingering.front()
            && at <= self.shared.now
        {
            self.lingering.pop_front();
            if self.sockets.get(index).is_some_and(|socket| socket.id == id) {
                self.drop_link(index);
            }
        }
    }
}

/// Returns the loop's shared part before anything has happened.
pub(super) fn shared(
    broker: crate::protocol::Broker,
    tls: Option<std::sync::Arc<rustls::ServerConfig>>,
    plain_clients: super::PlainClients,
    write_limit: usize,
    is_recording: bool,
) -> Shared {
    Shared {
        broker,
        sockets: HashMap::new(),
        tls,
        plain_clients,
        upgrade_faults: FaultQueue::default(),
        api_faults: FaultQueue::default(),
        api_requests: 0,
        upgrade_targets: VecDeque::new(),
        upgrade_heads: VecDeque::new(),
        dripping: VecDeque::new(),
        upgrades: 0,
        received: is_recording.then(VecDeque::new),
        write_limit,
        now: Instant::ORIGIN,
    }
}
