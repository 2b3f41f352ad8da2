//! Client events that wait for the rate limit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pushest_proto::{ChannelId, CommandError};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::hub::Hub;

/// Serializes the data of a client event. It runs the user's `Serialize`, which must not happen
/// under a lock.
pub(crate) fn data<T: Serialize + ?Sized>(data: &T) -> Result<Box<RawValue>, CommandError> {
    to_raw_value(data).map_err(|error| CommandError::Data { problem: error.to_string() })
}

/// Waits until a client event is allowed, and sends it; made by
/// [`Client::trigger_when_allowed`](crate::unstable::Client::trigger_when_allowed).
#[must_use = "nothing is sent unless it is awaited"]
pub struct TriggerWhenAllowed {
    hub: Arc<Hub>,
    channel: String,
    /// The subscription that it must still be, if it is one's.
    id: Option<ChannelId>,
    event: String,
    data: Result<Box<RawValue>, CommandError>,
    place: Option<usize>,
}

impl TriggerWhenAllowed {
    pub(crate) fn new(
        hub: Arc<Hub>,
        channel: &str,
        event: &str,
        data: Result<Box<RawValue>, CommandError>,
    ) -> Self {
        let (channel, event) = (channel.to_string(), event.to_string());
        Self { hub, channel, id: None, event, data, place: None }
    }

    /// Sends nothing once this subscription to the channel has ended.
    pub(crate) fn only_of(mut self, id: Option<ChannelId>) -> Self {
        self.id = id;
        self
    }
}

impl Future for TriggerWhenAllowed {
    type Output = Result<(), CommandError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let data = match &this.data {
            Ok(data) => data,
            Err(error) => return Poll::Ready(Err(error.clone())),
        };
        // Cloned and dropped without the lock.
        let mut waker = context.waker().clone();
        let (channel, id, event) = (&this.channel, this.id, &this.event);
        let place = &mut this.place;
        // The pump sends, or it keeps the time.
        let is_refused =
            |(result, _): &(Poll<Result<_, _>>, _)| matches!(result, Poll::Ready(Err(_)));
        let (result, former) = this.hub.command_unless(is_refused, |state, now| {
            if id.is_some() && state.channel(id).is_none() {
                let error = CommandError::NotSubscribed { channel: channel.clone() };
                return (Poll::Ready(Err(error)), None);
            }
            match state.session.trigger(channel, event, data, now) {
                Err(CommandError::RateLimited { retry_in, .. }) if !state.is_ending() => {
                    let allowed = Some(now + retry_in);
                    let waker = std::mem::replace(&mut waker, Waker::noop().clone());
                    (Poll::Pending, state.rate_waiters.leave(place, waker, allowed))
                }
                result => (Poll::Ready(result), None),
            }
        });
        drop(former);
        result
    }
}

impl Drop for TriggerWhenAllowed {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.hub.lock().rate_waiters.remove(place);
            drop(waker);
        }
    }
}

crate::waiting::opaque_debug!(TriggerWhenAllowed);
