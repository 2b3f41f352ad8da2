//! The one future that does all the work: it carries the session's actions out, and tells it what
//! happens.
//!
//! A turn has a fixed order: drain the actions, wake whom they concern, flush, read, look at the time.
//! After a millisecond, or 32 turns, it lets others run, and begins anew with reading. The clock is read at each
//! turn's end: what was read is told with the time of the look behind it.
//!
//! After a full batch there is usually another one, and receivers are woken only once that was told,
//! too, or after [`UNWOKEN_TURNS`] of them: for a receiver on another thread, its sleep after each batch and
//! the wake cost more than the batch. Where a queue could be filled by that many, each batch wakes.
//!
//! A receiver on the pump's own thread runs only once the pump lets it: after each full batch, of fewer
//! bytes. What it receives is still in the processor's caches then, and so little of it waits that the
//! allocator does not give its memory back to the system, only to ask for it again.

mod network;
mod reading;
mod telling;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pushest_proto::{ConnectionId, Endpoint, Instant};

use crate::authorizations::{Authorizations, blocking};
use crate::dial::Dialer;
#[cfg(feature = "http")]
use crate::http::HttpAuthorizer;
use crate::hub::{Hub, State};
use crate::logging::Log;
use crate::network::NetworkWatch;
use crate::news::News;
use crate::open_socket::Closing;
use crate::options::Authority;
use crate::pump_waker::Turn;
use crate::queue::sleeper::Thread;
use crate::read_bytes::ReadBytes;
use crate::socket_state::SocketState;
use crate::traffic::Traffic;
use crate::unstable::traits::Runtime;
use crate::wall_clock::WallClock;
use crate::websocket::WebSocket;

/// Messages and bytes that are read at most before they are handed to the session.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;

/// The same bytes where a receiver on the pump's thread waits for them.
const BATCH_BYTES_HERE: usize = 32 * 1024;

/// Full batches that are told at most before receivers are woken.
const UNWOKEN_TURNS: u8 = 4;

/// After this time others run, though there is more to do. Each such pause costs the executor some work, and far
/// more where the task then moves to another thread.
const LONGEST_POLL: Duration = Duration::from_millis(1);

/// Bytes of frames that are taken from the session before the sink gets them.
const SEND_BYTES: usize = 64 * 1024;

/// Maximum time for the closing handshake, after which the socket is dropped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Maximum number of connections in their closing handshake.
const MOST_CLOSING: usize = 4;

/// Runs a client: made by [`unstable::client`](crate::unstable::client), spawned by the runtime's
/// crate. It ends once the last clone of the client is dropped and the connection closed.
#[must_use = "nothing happens unless it runs"]
pub struct Pump<R: Runtime> {
    hub: Arc<Hub>,
    runtime: Arc<R>,
    dialer: Arc<Dialer>,
    socket: SocketState<WebSocket<R>>,
    log: Log,
    closing: Vec<Closing<WebSocket<R>>>,
    /// What has happened since the session was told last.
    news: Vec<News>,
    wall_clock: WallClock,
    network: Option<NetworkWatch>,
    authorizations: Authorizations,
    /// A receiver is full: nothing is read.
    is_paused: bool,
    /// The sink has room.
    has_room: bool,
    /// The session knows that the sink has room.
    is_writable: bool,
    /// Bytes of frames that this turn may still take from the session.
    budget: usize,
    is_ending: bool,
    /// Other tasks could run since the session was told last.
    is_new_poll: bool,
    read_bytes: ReadBytes,
    traffic: Traffic,
    /// Messages, and bytes of them, that are read before the session is told: less than it stores.
    largest_batch: (usize, usize),
    /// The receiver that was woken last had waited on the thread that this runs on.
    receives_here: bool,
    /// The time of the next turn if nothing happens before.
    deadline: Option<Instant>,
    sleep: Option<(Instant, Pin<Box<R::Sleep>>)>,
    wakers: Vec<Waker>,
    /// Full batches that were told in this poll.
    full_batches: u8,
    /// Receivers have room for a few of them.
    wakes_late: bool,
    /// The dial to begin, and what to drop, once the lock is released.
    next_dial: Option<Box<(ConnectionId, Endpoint)>>,
    discarded: Vec<SocketState<WebSocket<R>>>,
}

impl<R: Runtime> Future for Pump<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let span = this.log.span();
        let _entered = span.enter();
        (this.is_new_poll, this.full_batches) = (true, 0);
        // The executor may have been away for long. What has arrived meanwhile counts before any
        // deadline that has passed meanwhile.
        this.read(context);
        this.look_at_network();
        let hub = this.hub.clone();
        let runtime = this.runtime.clone();
        let begun = hub.now();
        let mut now = begun;
        let yield_now = |context: &mut Context<'_>| runtime.yield_now(context);
        let polled = hub.pump.poll_turns(context, yield_now, |context| {
            this.drive(now);
            let told = this.traffic;
            this.write(context);
            this.read(context);
            if this.news.is_empty() {
                this.wake();
            }
            this.look_at_network();
            this.poll_authorizations(context);
            this.poll_closing(context);
            if this.is_ending && this.sockets() == 0 {
                this.tell_sockets();
                this.hub.finish();
                // The executor may keep this future after its end.
                this.sleep = None;
                this.network = None;
                return Turn::Ended;
            }
            now = this.hub.now();
            let is_busy =
                !this.news.is_empty() || this.must_tell_room() || this.is_due(now, context);
            // It may be long until the next turn.
            if !is_busy && this.traffic != told {
                this.tell_sockets();
            }
            let is_full = this.receives_here && this.full_batches > 0;
            let is_long = now.saturating_duration_since(begun) >= LONGEST_POLL;
            match is_busy {
                true if is_full || is_long => Turn::Yield,
                true => Turn::Again,
                false => Turn::Idle,
            }
        });
        this.wake();
        polled
    }
}

impl<R: Runtime> Pump<R> {
    pub(crate) fn new(hub: Arc<Hub>, runtime: Arc<R>, network: Option<NetworkWatch>) -> Self {
        let dialer = Arc::new(Dialer::new(hub.config.clone(), hub.options.clone()));
        let authorizer = hub.options.authority.clone().map(|authority| match authority {
            Authority::Own(authorizer) => authorizer,
            Authority::Blocking(authorizer) => blocking(authorizer),
            #[cfg(feature = "http")]
            Authority::Endpoint(endpoint) => {
                let headers = hub.options.auth_headers.clone();
                Arc::new(HttpAuthorizer::new(*endpoint, headers, &dialer, runtime.clone()))
            }
        });
        let limits = hub.config.limits();
        // An event takes some hundred bytes beside its message.
        let most = BATCH.min(limits.stored_events / 4).min(limits.stored_bytes / 1024);
        let batch = (most.max(1), BATCH_BYTES.min(limits.stored_bytes / 4));
        let unwoken = 2 * usize::from(UNWOKEN_TURNS);
        let wakes_late = hub.options.queue_events >= unwoken * batch.0
            && hub.options.queue_bytes >= unwoken * batch.1;
        let log = Log::new(hub.name.clone());
        Self {
            hub,
            runtime,
            dialer,
            socket: SocketState::None,
            log,
            closing: Vec::new(),
            news: Vec::new(),
            wall_clock: WallClock::default(),
            network,
            authorizations: Authorizations::new(authorizer),
            is_paused: false,
            has_room: true,
            is_writable: true,
            budget: SEND_BYTES,
            is_ending: false,
            is_new_poll: true,
            read_bytes: ReadBytes::default(),
            traffic: Traffic::default(),
            largest_batch: batch,
            receives_here: false,
            deadline: None,
            sleep: None,
            wakers: Vec::new(),
            full_batches: 0,
            wakes_late,
            next_dial: None,
            discarded: Vec::new(),
        }
    }

    /// Tells the session what happened by `now` and carries out what it asks for, all under one lock.
    fn drive(&mut self, now: Instant) {
        let hub = self.hub.clone();
        let is_more_likely = self.is_more_likely();
        // What follows these is counted by it.
        let asks = |news: &News| matches!(news, News::Opened(_) | News::Lost(..));
        let is_asked = self.news.iter().any(asks);
        let is_new_poll = std::mem::take(&mut self.is_new_poll);
        let time_of_day = (is_new_poll || is_asked)
            .then(|| hub.options.time_of_day.since_1970(&*self.runtime))
            .flatten();
        let mut guard = hub.lock();
        let state = &mut *guard;
        let now = state.not_before(now);
        if is_new_poll {
            state.receivers.settle_left();
        }
        state.receivers.note_read(self.read_bytes.take());
        if let Some(time) = time_of_day
            && self.wall_clock.is_due(time, now, is_asked)
        {
            state.session.handle_wall_clock(time, now);
        }
        self.tell(state, now);
        if state.session.poll_timeout().is_some_and(|due| due <= now) {
            state.session.handle_timeout(now);
        }
        state.wake_overdue(now);
        self.check_room(state, now);
        self.carry_out_all(state, now);
        if let Some(thread) = state.receivers.take_woken_on() {
            self.receives_here = thread == Thread::current();
        }
        if state.drain_on(now) {
            self.carry_out_all(state, now);
        }
        self.renew_budget(state, now);
        self.is_ending = state.is_ending();
        if self.is_ending {
            state.end_receivers();
        }
        self.check_receivers(state, now);
        self.report_sockets(state);
        let dropped = hub.congestion.dropped();
        state.watch.note(dropped, now);
        self.log.look(state, dropped, now);
        let due = [state.session.poll_timeout(), state.next_deadline(), self.log.due()];
        self.deadline = due.into_iter().flatten().min();
        state.wake_if_closed();
        state.take_wakers(&mut self.wakers);
        drop(guard);
        self.hub.hand_over();
        if !is_more_likely || self.is_paused || self.is_ending {
            self.wake();
        }
        self.without_the_lock(now);
    }

    /// Returns whether what was read is a full batch, with room for another one before anybody is woken.
    fn is_more_likely(&mut self) -> bool {
        let (most, most_bytes) = self.batch();
        let bytes = || self.news.iter().map(News::bytes).sum::<usize>();
        let is_full = self.news.len() >= most || bytes() >= most_bytes;
        self.full_batches += u8::from(is_full);
        is_full && self.wakes_late && !self.full_batches.is_multiple_of(UNWOKEN_TURNS)
    }

    /// Returns how many messages, and bytes of them, are read before the session is told.
    fn batch(&self) -> (usize, usize) {
        let (most, most_bytes) = self.largest_batch;
        (most, if self.receives_here { most_bytes.min(BATCH_BYTES_HERE) } else { most_bytes })
    }

    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    /// Runs code of others, which may call back into the client: the log's subscriber, the
    /// runtime's sockets and timers, the futures of an authorizer.
    fn without_the_lock(&mut self, now: Instant) {
        self.authorizations.let_go();
        self.log.write();
        if let Some((connection, endpoint)) = self.next_dial.take().map(|next| *next) {
            self.dial(connection, endpoint, now);
            self.tell_sockets();
        }
        drop(std::mem::take(&mut self.discarded));
    }

    /// Writes what was gathered to the sink, and flushes as far as it goes.
    fn write(&mut self, context: &mut Context<'_>) {
        if let SocketState::Open(open) = &mut self.socket {
            self.has_room = open.make_room(context);
            open.flush(context);
        }
    }

    fn dial(&mut self, connection: ConnectionId, endpoint: Endpoint, now: Instant) {
        self.close(Some(pushest_proto::CloseCode::Away.into()), now);
        self.log.dialling(connection, &endpoint);
        let dial = self.dialer.dial(&self.runtime, endpoint);
        self.socket = SocketState::Dialing(connection, now, dial);
    }

    /// Gives the socket up: a dial at once, an open connection with a close frame.
    fn close(&mut self, code: Option<u16>, now: Instant) {
        match std::mem::replace(&mut self.socket, SocketState::None) {
            SocketState::Open(open) => {
                if self.closing.len() >= MOST_CLOSING {
                    let oldest = self.closing.remove(0);
                    self.discarded.push(SocketState::Open(oldest.into_open()));
                }
                self.closing.push(Closing::new(open, code, now + CLOSE_TIMEOUT));
            }
            SocketState::None => {}
            former => self.discarded.push(former),
        }
    }

    fn poll_authorizations(&mut self, context: &mut Context<'_>) {
        let news = &mut self.news;
        self.authorizations.poll(context, |ticket, answer| {
            news.push(News::Answered(ticket, Box::new(answer)));
        });
    }

    fn poll_closing(&mut self, context: &mut Context<'_>) {
        if self.closing.is_empty() {
            return;
        }
        let now = self.hub.now();
        self.closing.retain_mut(|closing| {
            let is_done = closing.poll(context, now);
            self.traffic = self.traffic.and(closing.take_traffic());
            !is_done
        });
        self.tell_sockets();
    }

    /// Returns whether the deadline has come; otherwise arranges to be woken then.
    fn is_due(&mut self, now: Instant, context: &mut Context<'_>) -> bool {
        let closing = self.closing.iter().map(|closing| closing.deadline).min();
        let Some(deadline) = [self.deadline, closing].into_iter().flatten().min() else {
            self.sleep = None;
            return false;
        };
        if deadline <= now {
            return true;
        }
        // One that ends early does no harm, and deadlines mostly move away.
        if self.sleep.as_ref().is_none_or(|(until, _)| *until > deadline) {
            self.sleep = Some((deadline, Box::pin(self.runtime.sleep_until(deadline))));
        }
        // A `sleep_until` that has come is not polled again.
        self.sleep.take_if(|(_, sleep)| sleep.as_mut().poll(context).is_ready()).is_some()
    }

    fn sockets(&self) -> usize {
        self.closing.len() + usize::from(self.socket.connection().is_some())
    }

    /// Reports the sockets, and what went over them, where the lock is free.
    fn tell_sockets(&mut self) {
        // Before the lock is taken: the list that is empty then is given for the one of the hub.
        self.wake();
        let hub = self.hub.clone();
        let mut state = hub.lock();
        self.report_sockets(&mut state);
        state.take_wakers(&mut self.wakers);
        drop(state);
        self.wake();
    }

    fn report_sockets(&self, state: &mut State) {
        state.watch.traffic = self.traffic;
        state.set_sockets(self.sockets());
    }
}

impl<R: Runtime> Drop for Pump<R> {
    fn drop(&mut self) {
        self.hub.finish();
        // Those that a panic kept from being woken.
        self.wake();
    }
}

impl<R: Runtime> std::fmt::Debug for Pump<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pump").field("hub", &self.hub).finish_non_exhaustive()
    }
}
