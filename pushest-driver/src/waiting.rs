//! Futures that wait for the session to get somewhere.
//!
//! Each looks at the session itself whenever it is polled, and only leaves a waker behind: nothing
//! can be missed, and all of them are cancel safe.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pushest_proto::{
    ChannelId, ChannelName, ChannelState, CommandError, ConnectionState, Instant, PingId, SocketId,
};

use crate::error::{FlushError, NotConnected, SubscriptionError};
use crate::hub::{Hub, State};
use crate::wait_list::Answer;

/// Waits for the connection; made by [`Client::connected`](struct.Client.html#method.connected).
#[must_use = "it does nothing unless awaited"]
pub struct Connected {
    hub: Arc<Hub>,
    limit: Option<(Duration, Instant)>,
    /// It waits for no later attempt, but for those at endpoints that were not tried yet.
    is_attempt: bool,
    place: Option<usize>,
}

impl Connected {
    pub(crate) fn new(hub: Arc<Hub>, timeout: Option<Duration>) -> Self {
        let limit = timeout.map(|timeout| (timeout, hub.now() + timeout));
        Self { hub, limit, is_attempt: false, place: None }
    }

    /// Waits for the attempt that is running only, and for those at further endpoints right after it.
    pub(crate) fn attempt(hub: Arc<Hub>) -> Self {
        Self { hub, limit: None, is_attempt: true, place: None }
    }
}

impl Future for Connected {
    type Output = Result<SocketId, NotConnected>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let waker = context.waker().clone();
        let mut state = this.hub.lock();
        if let Some(result) = connection(&state) {
            return Poll::Ready(result);
        }
        if this.is_attempt
            && state.session.state() == ConnectionState::Waiting
            && !state.session.is_moving_on()
            && let Some(loss) = state.session.last_loss()
        {
            return Poll::Ready(Err(NotConnected::Failed(loss.clone())));
        }
        if let Some((waited, deadline)) = this.limit
            && this.hub.now() >= deadline
        {
            return Poll::Ready(Err(NotConnected::TimedOut {
                waited,
                state: state.session.state(),
                last_loss: state.session.last_loss().cloned(),
            }));
        }
        let is_new = this.place.is_none();
        let deadline = this.limit.map(|(_, deadline)| deadline);
        let former = state.connection_waiters.leave(&mut this.place, waker, deadline);
        drop(state);
        drop(former);
        if is_new && deadline.is_some() {
            // The pump keeps the time of all waiters.
            this.hub.wake_pump();
        }
        Poll::Pending
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.hub.lock().connection_waiters.remove(place);
            drop(waker);
        }
    }
}

/// Returns the connection, if it is known how that ends.
pub(crate) fn connection(state: &State) -> Option<Result<SocketId, NotConnected>> {
    if state.is_ending() {
        return Some(Err(NotConnected::Ended));
    }
    match state.session.state() {
        ConnectionState::Connected => state.session.socket_id().cloned().map(Ok),
        ConnectionState::Refused => {
            let loss = state.session.last_loss().cloned();
            Some(Err(loss.map_or(NotConnected::Disconnected, NotConnected::Refused)))
        }
        ConnectionState::Disconnected => Some(Err(NotConnected::Disconnected)),
        ConnectionState::Connecting | ConnectionState::Waiting => None,
    }
}

/// Waits for a subscription; made by
/// [`Subscription::subscribed`](crate::Subscription::subscribed).
#[must_use = "it does nothing unless awaited"]
pub struct Subscribed {
    hub: Arc<Hub>,
    channel: ChannelName,
    /// Which of the channel's subscriptions it waits for, if there was one: a later one is not the
    /// same.
    id: Option<ChannelId>,
    place: Option<usize>,
}

impl Subscribed {
    pub(crate) fn new(hub: Arc<Hub>, channel: ChannelName, id: Option<ChannelId>) -> Self {
        Self { hub, channel, id, place: None }
    }
}

impl Future for Subscribed {
    type Output = Result<(), SubscriptionError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let waker = context.waker().clone();
        let mut state = this.hub.lock();
        let is_same = state.channel(this.id).is_some();
        let view = state.session.channel(this.channel.as_str()).filter(|_| is_same);
        let progress = view.map(|view| (view.state(), view.failure().cloned()));
        match progress {
            Some((ChannelState::Subscribed, _)) => return Poll::Ready(Ok(())),
            Some((ChannelState::Failed, Some(reason))) => {
                let channel = this.channel.clone();
                return Poll::Ready(Err(SubscriptionError::Failed { channel, reason }));
            }
            _ => {}
        }
        if let Some(Err(error)) = connection(&state) {
            return Poll::Ready(Err(error.into()));
        }
        match state.channel(this.id) {
            Some(channel) => {
                let former = channel.waiters.leave(&mut this.place, waker, None);
                drop(state);
                drop(former);
                Poll::Pending
            }
            None => {
                let channel = this.channel.clone();
                Poll::Ready(Err(SubscriptionError::Closed { channel }))
            }
        }
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let mut state = self.hub.lock();
            let channel = state.channel(self.id);
            let waker = channel.and_then(|channel| channel.waiters.remove(place));
            drop(state);
            drop(waker);
        }
    }
}

/// Waits for the server to have read what was sent; made by
/// [`Client::flush`](struct.Client.html#method.flush).
#[must_use = "it does nothing unless awaited"]
pub struct Flush {
    hub: Arc<Hub>,
    ping: Result<PingId, CommandError>,
}

impl Flush {
    pub(crate) fn new(hub: Arc<Hub>, ping: Result<PingId, CommandError>) -> Self {
        Self { hub, ping }
    }
}

impl Future for Flush {
    type Output = Result<Duration, FlushError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ping = match &self.ping {
            Ok(ping) => ping,
            Err(error) => return Poll::Ready(Err(error.clone().into())),
        };
        let waker = context.waker().clone();
        let mut state = self.hub.lock();
        let is_ended = state.is_ended();
        match state.pings.get_mut(ping) {
            Some(Answer { round_trip: Some(result), .. }) => Poll::Ready(result.clone()),
            Some(answer) if !is_ended => {
                let former = answer.waker.replace(waker);
                drop(state);
                drop(former);
                Poll::Pending
            }
            _ => Poll::Ready(Err(FlushError::Ended)),
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if let Ok(ping) = &self.ping {
            let answer = self.hub.lock().pings.remove(ping);
            drop(answer);
        }
    }
}

/// Waits for the connection to be closed; made by [`Client::shutdown`](struct.Client.html#method.shutdown).
#[must_use = "the connection is closed in any case, but only awaiting tells when"]
pub struct Shutdown {
    hub: Arc<Hub>,
    place: Option<usize>,
}

impl Shutdown {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, place: None }
    }
}

impl Future for Shutdown {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let waker = context.waker().clone();
        let mut state = this.hub.lock();
        let is_other = state.session.state() != ConnectionState::Disconnected;
        // What the sink waits for could only come once it has returned.
        if is_other || this.hub.is_sink_here() || (state.has_closed() && this.hub.is_handed_over())
        {
            return Poll::Ready(());
        }
        let former = state.closing_waiters.leave(&mut this.place, waker, None);
        drop(state);
        drop(former);
        Poll::Pending
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.hub.lock().closing_waiters.remove(place);
            drop(waker);
        }
    }
}

macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
pub(crate) use opaque_debug;
opaque_debug!(Connected, Subscribed, Flush, Shutdown);
