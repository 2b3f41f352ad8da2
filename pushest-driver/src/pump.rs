//! The one future that does all the work: it carries the session's actions out, and tells it what
//! happens.
//!
//! A turn has a fixed order: drain the actions, flush, read, look at the time. After a few turns
//! it lets others run, and begins anew with reading.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pushest_proto::{Action, ConnectionId, ConnectionState, Endpoint, Event, Instant, Loss};
use tungstenite::Message;

use crate::authorizations::{Authorizations, blocking};
use crate::dial::Dialer;
#[cfg(feature = "http")]
use crate::http::HttpAuthorizer;
use crate::hub::{Hub, State};
use crate::logging::Log;
use crate::news::News;
use crate::open_socket::{Closing, OpenSocket};
use crate::options::Authority;
use crate::pump_waker::Turn;
use crate::read_bytes::ReadBytes;
use crate::socket_state::SocketState;
use crate::traffic::Traffic;
use crate::unstable::traits::Runtime;
use crate::wall_clock::WallClock;
use crate::websocket::{self, Incoming, WebSocket};

/// Messages and bytes that are read at most before they are handed to the session.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;

/// Bytes of messages that the session is told before what comes of them goes to the receivers.
const STEP_BYTES: usize = 16 * 1024;

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
    batch: (usize, usize),
    /// The time of the next turn if nothing happens before.
    deadline: Option<Instant>,
    sleep: Option<(Instant, Pin<Box<R::Sleep>>)>,
    wakers: Vec<Waker>,
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
        this.is_new_poll = true;
        // The executor may have been away for long. What has arrived meanwhile counts before any
        // deadline that has passed meanwhile.
        this.read(context);
        let hub = this.hub.clone();
        hub.pump.poll_turns(context, |context| {
            this.drive();
            let told = this.traffic;
            this.write(context);
            this.read(context);
            this.poll_authorizations(context);
            this.poll_closing(context);
            if this.is_ending && this.sockets() == 0 {
                this.tell_sockets();
                this.hub.finish();
                // The executor may keep this future after its end.
                this.sleep = None;
                return Turn::Ended;
            }
            let is_busy = !this.news.is_empty() || this.must_tell_room() || this.is_due(context);
            // It may be long until the next turn.
            if !is_busy && this.traffic != told {
                this.tell_sockets();
            }
            if is_busy { Turn::Again } else { Turn::Idle }
        })
    }
}

impl<R: Runtime> Pump<R> {
    pub(crate) fn new(hub: Arc<Hub>, runtime: Arc<R>) -> Self {
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
            authorizations: Authorizations::new(authorizer),
            is_paused: false,
            has_room: true,
            is_writable: true,
            budget: SEND_BYTES,
            is_ending: false,
            is_new_poll: true,
            read_bytes: ReadBytes::default(),
            traffic: Traffic::default(),
            batch,
            deadline: None,
            sleep: None,
            wakers: Vec::new(),
            next_dial: None,
            discarded: Vec::new(),
        }
    }

    /// Tells the session what happened and carries out what it asks for, all under one lock.
    fn drive(&mut self) {
        let hub = self.hub.clone();
        let time_of_day = hub.options.time_of_day.since_1970(&*self.runtime);
        let mut guard = hub.lock();
        let state = &mut *guard;
        if std::mem::take(&mut self.is_new_poll) {
            state.receivers.settle_left();
        }
        state.receivers.note_read(self.read_bytes.take());
        // The clock is read under the lock, so that commands cannot be ahead of it.
        let now = hub.now();
        // What follows is counted by it.
        let asks = |news: &News| matches!(news, News::Opened(_) | News::Lost(..));
        if let Some(time) = time_of_day
            && self.wall_clock.is_due(time, now, self.news.iter().any(asks))
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
        if state.is_off() {
            state.wake_closing();
        }
        state.take_wakers(&mut self.wakers);
        drop(guard);
        self.hub.hand_over();
        self.wakers.drain(..).for_each(Waker::wake);
        self.without_the_lock(now);
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

    fn tell(&mut self, state: &mut State, now: Instant) {
        let mut bytes = 0;
        let mut told = std::mem::take(&mut self.news);
        for news in told.drain(..) {
            if matches!(news, News::Opened(_)) {
                (self.has_room, self.is_writable) = (true, true);
            }
            bytes += news.bytes();
            news.tell(&mut state.session, now);
            // What a message brings may be many times as large as itself.
            if bytes >= STEP_BYTES {
                bytes = 0;
                self.carry_out_all(state, now);
            }
        }
        // Its room is needed again.
        self.news = told;
    }

    fn carry_out_all(&mut self, state: &mut State, now: Instant) {
        while let Some(action) = state.session.poll_action() {
            self.carry_out(action, state, now);
        }
        state.deliver();
    }

    /// Carries out an action under the lock. No code of the runtime or of the user runs in here:
    /// frames are only gathered.
    fn carry_out(&mut self, action: Action, state: &mut State, now: Instant) {
        match action {
            Action::Emit(event) => {
                self.log.note(&event, now);
                state.route(event, now);
            }
            Action::UpdatePresence(update) => state.route(Event::Presence(update), now),
            Action::Send(frame) => {
                if let SocketState::Open(open) = &mut self.socket
                    && open.connection == frame.connection
                {
                    let had_budget = self.budget > 0;
                    self.budget = self.budget.saturating_sub(frame.text.len());
                    open.send(Message::text(frame.text));
                    if had_budget && self.budget == 0 {
                        // The other frames stay in the session until the next turn, and what the
                        // user is to be told flows past them: the session never stores it up.
                        state.session.handle_writable(open.connection, false, now);
                    }
                }
            }
            Action::Connect { connection, endpoint } => {
                self.next_dial = Some(Box::new((connection, endpoint)));
            }
            Action::Close { connection, code } => {
                self.next_dial.take_if(|next| next.0 == connection);
                if self.socket.connection() == Some(connection) {
                    self.close(Some(code.into()), now);
                }
            }
            Action::Authorize(request) => self.authorizations.request(request),
            Action::Abandon(ticket) => self.authorizations.abandon(ticket),
        }
    }

    /// Tells the session whether the sink has room. While it has none, frames stay in the session;
    /// everything else flows past them.
    fn check_room(&mut self, state: &mut State, now: Instant) {
        if let (SocketState::Open(open), true) = (&self.socket, self.must_tell_room()) {
            self.is_writable = self.has_room;
            state.session.handle_writable(open.connection, self.has_room, now);
        }
    }

    /// Lets frames out again that waited for this turn to end, before the lock is released. They make
    /// a timeout (contract, C3), so that the next turn begins at once.
    fn renew_budget(&mut self, state: &mut State, now: Instant) {
        if let (SocketState::Open(open), 0) = (&self.socket, self.budget) {
            state.session.handle_writable(open.connection, self.is_writable, now);
        }
        self.budget = SEND_BYTES;
    }

    fn must_tell_room(&self) -> bool {
        matches!(self.socket, SocketState::Open(_)) && self.has_room != self.is_writable
    }

    /// Writes what was gathered to the sink, and flushes as far as it goes.
    fn write(&mut self, context: &mut Context<'_>) {
        if let SocketState::Open(open) = &mut self.socket {
            self.has_room = open.make_room(context);
            open.flush(context);
        }
    }

    /// Stops reading while a receiver that must not lose anything is full. The session is told, so
    /// that it does not take the silence for the server's.
    fn check_receivers(&mut self, state: &mut State, now: Instant) {
        // Before the server has said who we are there is nothing for receivers.
        let is_connected = state.session.state() == ConnectionState::Connected;
        let is_for_nobody = !is_connected || state.draining.is_some();
        let is_paused = !is_for_nobody && self.hub.congestion.is_any();
        if is_paused != self.is_paused {
            self.is_paused = is_paused;
            state.session.handle_reading(!is_paused, now);
            state.watch.note_reading(!is_paused, now);
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

    fn read(&mut self, context: &mut Context<'_>) {
        match &mut self.socket {
            SocketState::None => {}
            SocketState::Dialing(connection, since, dial) => {
                let (connection, since) = (*connection, *since);
                match dial.as_mut().poll(context) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(socket)) => {
                        tracing::debug!(target: "pushest", "open");
                        self.socket = SocketState::Open(OpenSocket::new(connection, socket, since));
                        self.news.push(News::Opened(connection));
                    }
                    Poll::Ready(Err(failure)) => {
                        self.socket = SocketState::None;
                        self.news.push(News::Lost(connection, Loss::Dial(failure)));
                    }
                }
            }
            SocketState::Open(_) if self.is_paused => {}
            SocketState::Open(_) => self.read_messages(context),
        }
        self.count_traffic();
        self.read_bytes.look(match &self.socket {
            SocketState::Open(open) => Some(open.bytes_read()),
            SocketState::None | SocketState::Dialing(..) => None,
        });
    }

    /// Counts what went over the socket since the last call: at each turn, and before it is given up.
    fn count_traffic(&mut self) {
        if let SocketState::Open(open) = &mut self.socket {
            self.traffic = self.traffic.and(open.take_traffic());
        }
    }

    fn read_messages(&mut self, context: &mut Context<'_>) {
        let (most, most_bytes) = self.batch;
        // What is left of a former batch counts, too.
        let mut bytes = self.news.iter().map(News::bytes).sum::<usize>();
        while self.news.is_empty() || (self.news.len() < most && bytes < most_bytes) {
            let SocketState::Open(open) = &mut self.socket else { return };
            let connection = open.connection;
            let Poll::Ready(read) = open.read(context) else { return open.catch_up() };
            if let Some(at) = open.take_caught_up() {
                self.news.push(News::CaughtUp(connection, at));
            }
            match read {
                Ok(Incoming::Closed(loss)) => {
                    self.news.push(News::Lost(connection, loss));
                    self.close(None, self.hub.now());
                }
                Ok(Incoming::Ping | Incoming::Pong) => {
                    self.news.push(News::Heard(connection));
                }
                Ok(Incoming::Message(message)) => {
                    bytes += message.len();
                    self.news.push(News::Received(connection, message));
                }
                Err(loss) => {
                    if let Some(code) = websocket::breach(&loss) {
                        self.close(Some(code), self.hub.now());
                    }
                    self.count_traffic();
                    self.socket = SocketState::None;
                    self.news.push(News::Lost(connection, loss));
                }
            }
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
    fn is_due(&mut self, context: &mut Context<'_>) -> bool {
        let closing = self.closing.iter().map(|closing| closing.deadline).min();
        let Some(deadline) = [self.deadline, closing].into_iter().flatten().min() else {
            self.sleep = None;
            return false;
        };
        if deadline <= self.hub.now() {
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
        let hub = self.hub.clone();
        let mut state = hub.lock();
        self.report_sockets(&mut state);
        state.take_wakers(&mut self.wakers);
        drop(state);
        self.wakers.drain(..).for_each(Waker::wake);
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
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

impl<R: Runtime> std::fmt::Debug for Pump<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pump").field("hub", &self.hub).finish_non_exhaustive()
    }
}
