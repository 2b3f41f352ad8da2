//! Waiting in a thread for what the loop does in another.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use pushest_driver::{
    ChannelName, Client as DriverClient, CommandError, ConnectionState, FlushError, NotConnected,
    NotSignedIn, SocketId, Status, SubscriptionError,
};
use serde::Serialize;

use crate::carrier::is_carried_here;
use crate::reactor::LoopId;
use crate::{Client, Connection};

/// Waits for the future's answer, at most for `limit`. `None`, too, if this is the thread that carries
/// the loop from which the answer would have to come, and it is not there yet.
pub(crate) fn wait_for_on<F: Future>(
    carried_by: LoopId,
    future: F,
    limit: Option<Duration>,
) -> Option<F::Output> {
    let is_vain = is_carried_here(carried_by);
    wait_for(future, if is_vain { Some(Duration::ZERO) } else { limit })
}

/// Waits for a subscription.
pub(crate) fn subscribed(
    carried_by: LoopId,
    subscribed: pushest_driver::Subscribed,
) -> Result<(), SubscriptionError> {
    let subscribed = wait_for_on(carried_by, subscribed, None);
    subscribed.unwrap_or(Err(SubscriptionError::NotConnected(NotConnected::OwnThread)))
}

/// Waits for the future's answer, at most for `limit`.
fn wait_for<F: Future>(future: F, limit: Option<Duration>) -> Option<F::Output> {
    // One that is too far away to be said is none.
    let until = limit.and_then(|limit| Instant::now().checked_add(limit));
    let mut future = pin!(future);
    THIS.with(|waker| {
        let context = &mut Context::from_waker(waker);
        loop {
            if let Poll::Ready(answer) = future.as_mut().poll(context) {
                return Some(answer);
            }
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return None,
                Some(remaining) => thread::park_timeout(remaining),
            }
        }
    })
}

/// Waits for as long as it takes.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    wait_for(future, None).expect("without a limit there is an answer")
}

thread_local! {
    static THIS: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What waits and is the same with a thread and without: `wait_for` of the type takes what makes
/// the driver's future, and a limit.
macro_rules! waits {
    ($type:ident, [$($this:tt)*], $self:ident) => {
        impl $type {
            /// Waits until connected, and answers the socket id.
            ///
            /// # Errors
            /// [`NotConnected`](crate::NotConnected) once no connection will come by itself:
            /// refused or disconnected. Other failures are tried again and keep it waiting; see
            /// `connected_timeout`.
            pub fn connected($($this)*) -> Result<SocketId, NotConnected> {
                let connected = $self.wait(|client| client.connected());
                connected.unwrap_or(Err(NotConnected::OwnThread))
            }

            /// Waits until the attempt to connect that is running has succeeded or failed, and
            /// returns the socket id. For a program that is to end, or to say why, where its first
            /// attempt fails: with a wrong key, host or port, without a network. The client goes on
            /// trying meanwhile, until it is dropped.
            ///
            /// # Errors
            /// As `connected`, and [`NotConnected::Failed`] with what went wrong: at once where the
            /// attempt has failed already and the next one waits for its time.
            pub fn attempted($($this)*) -> Result<SocketId, NotConnected> {
                let attempted = $self.wait(|client| client.attempted());
                attempted.unwrap_or(Err(NotConnected::OwnThread))
            }

            /// Waits until connected, for `timeout` at most, and returns the socket id. The client
            /// goes on trying after that.
            ///
            /// # Errors
            /// As `connected`, and [`NotConnected::TimedOut`] after `timeout`, with the state and the
            /// last loss.
            pub fn connected_timeout(
                $($this)*,
                timeout: Duration,
            ) -> Result<SocketId, NotConnected> {
                let connected = $self.wait(|client| client.connected_timeout(timeout));
                connected.unwrap_or(Err(NotConnected::OwnThread))
            }

            /// Waits until the server has confirmed the subscription to a channel; at once if it
            /// has.
            ///
            /// # Errors
            /// As [`Subscription::subscribed`](crate::Subscription::subscribed).
            pub fn subscribed($($this)*, channel: &ChannelName) -> Result<(), SubscriptionError> {
                let subscribed = $self.wait(|client| client.subscribed(channel));
                subscribed.unwrap_or(Err(NotConnected::OwnThread.into()))
            }

            /// Waits until the server has confirmed the subscription to a channel, for `timeout` at
            /// most. The channel stays wanted after that.
            ///
            /// # Errors
            /// As `subscribed`, and after `timeout`: [`SubscriptionError::TimedOut`], or
            /// [`SubscriptionError::NotConnected`] if there is no connection then.
            pub fn subscribed_timeout(
                $($this)*,
                channel: &ChannelName,
                timeout: Duration,
            ) -> Result<(), SubscriptionError> {
                let subscribed = $self.wait_for(|client| client.subscribed(channel), Some(timeout));
                subscribed.unwrap_or_else(|| {
                    let waited = timeout;
                    let late = SubscriptionError::TimedOut { channel: channel.clone(), waited };
                    Err($self.unconnected(timeout).map_or(late, Into::into))
                })
            }

            /// Waits until the server has confirmed the sign-in, and answers the user's id; at once
            /// if it has.
            ///
            /// # Errors
            /// As [`signed_in`](pushest_driver::Client::signed_in).
            pub fn signed_in($($this)*) -> Result<String, NotSignedIn> {
                let signed_in = $self.wait(|client| client.signed_in());
                signed_in.unwrap_or(Err(NotConnected::OwnThread.into()))
            }

            /// Waits until the server has confirmed the sign-in, for `timeout` at most, and returns
            /// the user's id. The client goes on with it after that.
            ///
            /// # Errors
            /// As `signed_in`, and after `timeout`: [`NotSignedIn::TimedOut`], or
            /// [`NotSignedIn::NotConnected`] if there is no connection then.
            pub fn signed_in_timeout($($this)*, timeout: Duration) -> Result<String, NotSignedIn> {
                let signed_in = $self.wait_for(|client| client.signed_in(), Some(timeout));
                signed_in.unwrap_or_else(|| {
                    let late = NotSignedIn::TimedOut { waited: timeout };
                    Err($self.unconnected(timeout).map_or(late, Into::into))
                })
            }

            /// Sends a client event as soon as the rate allows, and waits for that; see
            /// [`trigger_when_allowed`](pushest_driver::Client::trigger_when_allowed).
            ///
            /// # Errors
            /// As [`trigger`](pushest_driver::Commands::trigger), but for the rate.
            pub fn trigger_when_allowed<T: Serialize + ?Sized>(
                $($this)*,
                channel: &str,
                event: &str,
                data: &T,
            ) -> Result<(), CommandError> {
                let triggering = |client: &DriverClient| {
                    client.trigger_when_allowed(channel, event, data)
                };
                let triggered = $self.wait(triggering);
                triggered.unwrap_or_else(|| $self.trigger(channel, event, data))
            }

            /// Sends a ping, waits for its pong, and returns the round trip: the server has then
            /// read everything that was sent before, and its replies have arrived. It is also the
            /// way to ask whether the server is there.
            ///
            /// # Errors
            /// No connection, or it was lost before the pong came.
            pub fn flush($($this)*) -> Result<Duration, FlushError> {
                $self.wait(|client| client.flush()).unwrap_or(Err(FlushError::OwnThread))
            }

            /// Sends a ping, waits for its pong for `timeout` at most, and returns the round trip.
            ///
            /// # Errors
            /// As `flush`, and [`FlushError::TimedOut`] after `timeout`.
            pub fn flush_timeout($($this)*, timeout: Duration) -> Result<Duration, FlushError> {
                let flushed = $self.wait_for(|client| client.flush(), Some(timeout));
                flushed.unwrap_or(Err(if $self.is_carried_here() {
                    FlushError::OwnThread
                } else {
                    FlushError::TimedOut { waited: timeout }
                }))
            }

            /// Ends all receivers and subscriptions, closes the connection, and waits until it is
            /// closed: a moment if the server answers, two seconds at most if it does not. Everything
            /// that was triggered before has then arrived at a server that reads.
            ///
            /// Receivers still return what they have, then an
            /// [`Event::State`](crate::Event::State) of
            /// [`Disconnected`](crate::ConnectionState::Disconnected), and then `None`, whoever holds
            /// them and other clones of the client. The ended subscriptions stay ended after a
            /// [`connect`](pushest_driver::Commands::connect), which begins without a channel; to
            /// pause, call [`disconnect`](pushest_driver::Commands::disconnect).
            pub fn shutdown($($this)*) {
                $self.wait(|client| client.shutdown());
            }

            /// Lets receivers in other threads take what they have, and then shuts down as `shutdown`
            /// does. Returns the number of events that were left unread, of all receivers together,
            /// which can still be received; 0 if there was nothing to drain.
            ///
            /// From this call on no receiver is given anything new; what arrives meanwhile is read,
            /// for pongs and the server's close, and dropped. Once every receiver has taken what it
            /// has, or is dropped, and the server has read everything that was triggered, the
            /// connection is closed; after `limit` it is closed in any case, which takes two seconds
            /// more at most. What was taken may still be being handled: join the threads that receive,
            /// too. A `Connection` does not wait for itself as a receiver. On the client's own thread
            /// this only begins it.
            pub fn drain($($this)*, limit: Duration) -> usize {
                $self.wait(|client| client.drain(limit)).unwrap_or_default()
            }

            /// Why there is no connection after this wait, if there is none or it could not be waited
            /// for.
            fn unconnected(&self, waited: Duration) -> Option<NotConnected> {
                if self.is_carried_here() {
                    return Some(NotConnected::OwnThread);
                }
                let Status { state, last_loss, .. } = self.status();
                let is_connected = state == ConnectionState::Connected;
                (!is_connected).then_some(NotConnected::TimedOut { waited, state, last_loss })
            }

            /// `None` where nothing can be waited for.
            fn wait<F: Future>(
                $($this)*,
                future: impl FnOnce(&DriverClient) -> F,
            ) -> Option<F::Output> {
                $self.wait_for(future, None)
            }
        }
    };
}

waits!(Client, [&self], self);
waits!(Connection, [&mut self], self);
