//! The state that client handles, receivers and the pump share: the session, and its receivers.
//!
//! The lock is held for single steps only, never across an await, and nothing of the user's runs
//! under it: wakers, authorizers, sinks, the log and the runtime's sockets are called once it is
//! released; wakers are cloned before it is taken. Order of locks: hub, then queue or recording.

mod ending;
mod leaving;
mod numbers;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use pushest_proto::{
    ChannelId, ChannelKind, ChannelName, CommandError, Config, ConnectionState, Event, Instant,
    LimitReached, PingId, Session, StateChange, SubscribeOptions,
};

use crate::draining::Draining;
use crate::error::{FlushError, SignInError, SubscribeError};
use crate::options::Options;
use crate::pump_waker::PumpWaker;
use crate::queue::Queue;
use crate::queue::congestion::{Congestion, Relief};
use crate::queue::reader::Reader;
use crate::receivers::Receivers;
use crate::recording::Recording;
use crate::registry::{ChannelEntry, Registry};
use crate::sync::{Mutex, MutexGuard};
use crate::wait_list::{Answer, WaitList};
use crate::watch::Watch;
use crate::websocket;

/// A clock: the time since an origin that does not change.
pub(crate) type Clock = Box<dyn Fn() -> Instant + Send + Sync>;

pub(crate) struct Hub {
    state: Mutex<State>,
    pub(crate) pump: PumpWaker,
    clock: Clock,
    pub(crate) config: Config,
    pub(crate) options: Arc<Options>,
    /// The client's name in the log.
    pub(crate) name: Arc<str>,
    pub(crate) congestion: Arc<Congestion>,
    pub(crate) recording: Option<Recording>,
    /// The runtime's `Api`, once it was asked for.
    #[cfg(feature = "api")]
    pub(crate) api: std::sync::OnceLock<Box<dyn std::any::Any + Send + Sync>>,
}

/// The stages of a client's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    Running,
    /// The last `Client` is gone; the pump closes the connection.
    Ending,
    /// The pump is gone.
    Ended,
}

pub(crate) struct State {
    pub(crate) session: Session,
    life: Life,
    /// Shut down, or refused for good: nothing is wanted until the next `connect`.
    pub(crate) is_over: bool,
    /// The change of state that was told last.
    last_change: Option<StateChange>,
    /// The latest time that the session was told anything at.
    latest: Instant,
    pub(crate) draining: Option<Draining>,
    pub(crate) watch: Watch,
    pub(crate) receivers: Receivers,
    /// Receivers of everything.
    listeners: Vec<usize>,
    /// Receivers of the signed-in user's events.
    user_listeners: Vec<usize>,
    channels: Registry,
    pub(crate) pings: HashMap<PingId, Answer>,
    pub(crate) connection_waiters: WaitList,
    pub(crate) sign_in_waiters: WaitList,
    /// Futures that wait for the next client event that is allowed.
    pub(crate) rate_waiters: WaitList,
    pub(crate) closing_waiters: WaitList,
    /// Sockets and dials that the pump holds.
    pub(crate) sockets: usize,
    /// Wakers to call when the lock is released.
    wakers: Vec<Waker>,
}

/// A place among the receivers.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) key: usize,
    pub(crate) reader: Reader,
}

impl Hub {
    pub(crate) fn new(config: Config, options: Options, clock: Clock) -> Self {
        let (session, recording) = options.recording.session(config.clone(), seed(), clock());
        let congestion = Arc::new(Congestion::new(&options));
        let state = State {
            session,
            life: Life::Running,
            is_over: false,
            last_change: None,
            latest: Instant::ORIGIN,
            draining: None,
            watch: Watch::default(),
            receivers: Receivers::new(
                congestion.clone(),
                websocket::most_buffer(options.read_buffer),
            ),
            listeners: Vec::new(),
            user_listeners: Vec::new(),
            channels: Registry::default(),
            pings: HashMap::new(),
            connection_waiters: WaitList::default(),
            sign_in_waiters: WaitList::default(),
            rate_waiters: WaitList::default(),
            closing_waiters: WaitList::default(),
            sockets: 0,
            wakers: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            pump: PumpWaker::default(),
            clock,
            config,
            name: options.name_in_log().into(),
            options: Arc::new(options),
            congestion,
            recording,
            #[cfg(feature = "api")]
            api: std::sync::OnceLock::new(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        (self.clock)()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // The core does not panic, and what it leaves behind is whole after every call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a step under the lock, and wakes the pump for what it leaves to do.
    pub(crate) fn command<T>(&self, step: impl FnOnce(&mut State, Instant) -> T) -> T {
        self.command_unless(|_| false, step)
    }

    /// Runs a step that may be refused, and then leaves the session as it was (contract, C6).
    pub(crate) fn try_command<T, E>(
        &self,
        step: impl FnOnce(&mut State, Instant) -> Result<T, E>,
    ) -> Result<T, E> {
        self.command_unless(Result::is_err, step)
    }

    /// Runs a step, and wakes the pump unless the step's result says that it was refused.
    pub(crate) fn command_unless<T>(
        &self,
        is_refused: impl FnOnce(&T) -> bool,
        step: impl FnOnce(&mut State, Instant) -> T,
    ) -> T {
        let mut state = self.lock();
        // Under the lock, so that of two commands the later one has the later time.
        let now = state.not_before(self.now());
        let result = step(&mut state, now);
        wake(state);
        // A recording has the refused ones, too, and it is the pump that hands it over.
        if !is_refused(&result) || !self.is_handed_over() {
            self.pump.wake();
        }
        result
    }

    pub(crate) fn wake_pump(&self) {
        self.pump.wake();
    }

    /// Wakes the pump if reading can go on.
    pub(crate) fn relieve(&self, relief: Relief) {
        if relief == Relief::All {
            self.pump.wake();
        }
    }

    pub(crate) fn listen(&self) -> Place {
        let mut state = self.lock();
        let place = self.receiver(&mut state);
        state.listeners.push(place.key);
        place
    }

    /// Makes a receiver for what the server sends to the signed-in user.
    pub(crate) fn listen_as_user(&self) -> Place {
        let mut state = self.lock();
        let place = self.receiver(&mut state);
        state.user_listeners.push(place.key);
        place
    }

    fn receiver(&self, state: &mut State) -> Place {
        let queue = Arc::new(Queue::new(&self.options, self.congestion.clone()));
        let key = state.receivers.insert(queue.clone());
        if state.is_over {
            state.end_new(key, true);
        }
        Place { key, reader: Reader::new(queue) }
    }

    /// Makes a channel wanted, and a receiver for it. Returns its place and the channel's name,
    /// which has the id of the subscription.
    pub(crate) fn subscribe(
        &self,
        name: &str,
        options: &SubscribeOptions,
    ) -> Result<(Place, ChannelName), SubscribeError> {
        self.try_command(|state, now| {
            if ChannelKind::of(name).is_signed() && !self.can_authorize() {
                let rules = &self.config.limits().channel_name;
                let channel = ChannelName::with_rules(name, rules).map_err(CommandError::from)?;
                return Err(SubscribeError::NoAuthorizer { channel });
            }
            if let Some(reason) = state.closed() {
                return Err(SubscribeError::Closed(reason));
            }
            let name = state.session.subscribe(name, options, now)?;
            let id = name.id().expect("a name that a session returns has an id");
            let place = self.receiver(state);
            state.channels.get_or_insert(id).receivers.push(place.key);
            Ok((place, name))
        })
    }

    /// Signs in as a user.
    pub(crate) fn sign_in(&self, user_data: Option<&str>) -> Result<(), SignInError> {
        if !self.can_authorize() {
            return Err(SignInError::NoAuthorizer);
        }
        self.try_command(|state, now| {
            state.session.sign_in(user_data, now)?;
            Ok(())
        })
    }

    fn can_authorize(&self) -> bool {
        self.config.has_secret() || self.options.authority.is_some()
    }

    /// Hands the recorded lines to the user's sink, which must not happen under the lock.
    pub(crate) fn hand_over(&self) {
        let Some(recording) = &self.recording else { return };
        recording.hand_over();
        // Those that wait for the end of the connection wait for the end of its recording, too.
        let mut state = self.lock();
        state.wake_if_closed();
        wake(state);
    }

    /// Returns whether there is no recording, or the user's sink has all of it.
    pub(crate) fn is_handed_over(&self) -> bool {
        self.recording.as_ref().is_none_or(Recording::is_handed_over)
    }

    /// Returns whether it is the recording's sink that calls this, on which the pump waits.
    pub(crate) fn is_sink_here(&self) -> bool {
        self.recording.as_ref().is_some_and(Recording::is_sink_here)
    }
}

/// Releases the lock, and then calls the wakers that were gathered under it.
fn wake(mut state: MutexGuard<'_, State>) {
    let wakers = std::mem::take(&mut state.wakers);
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

impl State {
    /// Returns whether the last `Client` is gone.
    pub(crate) fn is_ending(&self) -> bool {
        self.life >= Life::Ending
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.life == Life::Ended
    }

    /// Returns whether there is no connection, none will come by itself, and all that was told.
    pub(crate) fn is_off(&self) -> bool {
        let is_off = matches!(
            self.session.state(),
            ConnectionState::Refused | ConnectionState::Disconnected
        );
        // While actions wait, there is a timeout (contract, C3).
        is_off && self.session.poll_timeout().is_none()
    }

    /// Returns the time, or the latest that the session was told anything at if that is later: the pump
    /// looks at the clock before it takes the lock, and a command may come between.
    pub(crate) fn not_before(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// Returns the id of the channel's current subscription.
    pub(crate) fn current(&self, name: &str) -> Option<ChannelId> {
        self.session.channel(name)?.name().id()
    }

    /// Returns the channel's entry, if this is still the current subscription.
    pub(crate) fn channel(&mut self, id: Option<ChannelId>) -> Option<&mut ChannelEntry> {
        self.channels.get_mut(id?)
    }

    /// Forgets a subscription that has ended, and ends its receivers.
    pub(crate) fn forget(&mut self, id: Option<ChannelId>) {
        let Some(mut channel) = id.and_then(|id| self.channels.remove(id)) else { return };
        channel.waiters.wake_all(&mut self.wakers);
        for key in channel.receivers {
            // What the batch has brought so far still belongs to it.
            self.receivers.end(key, None, &mut self.wakers);
        }
    }

    /// Stages an event for every receiver that wants it.
    pub(crate) fn route(&mut self, event: Event, now: Instant) {
        match &event {
            Event::Pong { ping, round_trip } => {
                return self.answer_ping(*ping, Ok(*round_trip));
            }
            Event::PingLost { ping } => return self.answer_ping(*ping, Err(FlushError::Lost)),
            Event::State(change) => {
                self.last_change = Some(change.clone());
                self.connection_waiters.wake_all(&mut self.wakers);
                match change.to {
                    ConnectionState::Refused | ConnectionState::Disconnected => {
                        self.sign_in_waiters.wake_all(&mut self.wakers);
                        self.wake_subscribers();
                        if change.to == ConnectionState::Refused {
                            self.give_up(now);
                        }
                        return self.tell_end(event);
                    }
                    ConnectionState::Connected => self.sign_in_waiters.wake_all(&mut self.wakers),
                    ConnectionState::Connecting | ConnectionState::Waiting => {}
                }
            }
            Event::SignedIn { .. } | Event::SignInFailed { retry_in: None, .. } => {
                self.sign_in_waiters.wake_all(&mut self.wakers);
            }
            // It is not known whose they were.
            Event::LimitReached(LimitReached::StoredEvents { .. }) if self.draining.is_none() => {
                for key in self.receivers.keys() {
                    self.receivers.stage(key, event.clone());
                }
                return;
            }
            _ => {}
        }
        let keys = match event.channel() {
            None => &[],
            Some(name) => match self.channels.receiving(name, &self.session) {
                Some(channel) => {
                    if matches!(event, Event::Subscribed { .. } | Event::SubscriptionFailed { .. })
                    {
                        channel.waiters.wake_all(&mut self.wakers);
                    }
                    &*channel.receivers
                }
                None if name.kind() == ChannelKind::User => &*self.user_listeners,
                None => &[],
            },
        };
        if self.draining.is_some() {
            return;
        }
        let mut keys = self.listeners.iter().chain(keys);
        let Some(mut key) = keys.next() else { return };
        for next in keys {
            self.receivers.stage(*key, event.clone());
            key = next;
        }
        // The last one gets the event itself; usually it is the only one.
        self.receivers.stage(*key, event);
    }

    fn answer_ping(&mut self, ping: PingId, result: Result<std::time::Duration, FlushError>) {
        if let Some(answer) = self.pings.get_mut(&ping) {
            answer.round_trip = Some(result);
            self.wakers.extend(answer.waker.take());
        }
    }

    fn wake_subscribers(&mut self) {
        for channel in self.channels.iter_mut() {
            channel.waiters.wake_all(&mut self.wakers);
        }
    }

    /// Delivers the staged events to the queues.
    pub(crate) fn deliver(&mut self) {
        self.receivers.deliver(&mut self.wakers);
    }

    /// Ends all receivers.
    pub(crate) fn end_receivers(&mut self) {
        self.receivers.end_all(&mut self.wakers);
        self.connection_waiters.wake_all(&mut self.wakers);
        self.rate_waiters.wake_all(&mut self.wakers);
        self.sign_in_waiters.wake_all(&mut self.wakers);
        self.wake_subscribers();
    }

    /// Returns the channel whose receiver dropped events last. It looks at all channels.
    pub(crate) fn lagging(&self) -> Option<ChannelName> {
        let id = self.channels.of_receiver(self.receivers.lagging()?)?;
        let mut names = self.session.wanted_channels().map(|channel| channel.name());
        names.find(|name| name.id() == Some(id)).cloned()
    }

    /// Returns the earliest deadline of any waiter.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let lists = [&self.connection_waiters, &self.rate_waiters];
        let drained = self.draining.as_ref().map(|draining| draining.deadline);
        lists.into_iter().filter_map(WaitList::next_deadline).chain(drained).min()
    }

    pub(crate) fn wake_overdue(&mut self, now: Instant) {
        self.connection_waiters.wake_overdue(now, &mut self.wakers);
        self.rate_waiters.wake_overdue(now, &mut self.wakers);
    }

    pub(crate) fn set_sockets(&mut self, sockets: usize) {
        if self.sockets != sockets {
            self.sockets = sockets;
            self.wake_closing();
        }
    }

    /// Wakes those that wait for the end of the connection if it has come. Before, they would only look
    /// again; one that runs the pump itself would wake itself by that, and never sleep.
    pub(crate) fn wake_if_closed(&mut self) {
        if self.has_closed() {
            self.wake_closing();
        }
    }

    /// Returns whether nothing is left of the connection, and none will come by itself.
    pub(crate) fn has_closed(&self) -> bool {
        self.is_ended() || (self.sockets == 0 && self.is_off())
    }

    pub(crate) fn wake_closing(&mut self) {
        self.closing_waiters.wake_all(&mut self.wakers);
    }

    /// Takes the wakers to call after releasing the lock, behind those that `taken` has. The room of
    /// `taken` is given for them, so that a batch allocates nothing.
    pub(crate) fn take_wakers(&mut self, taken: &mut Vec<Waker>) {
        if taken.is_empty() {
            std::mem::swap(&mut self.wakers, taken);
        } else {
            taken.append(&mut self.wakers);
        }
    }
}

/// Returns the seed of everything random in a session. Every `RandomState` has keys of its own,
/// which begin with what the operating system gave; its hash of nothing is a number that cannot be
/// guessed.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("config", &self.config)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
