//! How a client ends: by a shutdown, by a refusal for good, after a drain, with its last handle, and
//! with its pump.
//!
//! What ends is everything that was asked for: no channel is wanted anymore, and each receiver ends.
//! It is told why before, by the change of state that the session makes of it; this comes when the
//! pump drains the session, and until then the receivers are only marked. What is asked for after a
//! `connect` has nothing to do with it, also where that comes before the pump's turn.

use std::collections::HashSet;
use std::task::Waker;
use std::time::Duration;

use pushest_proto::{
    Action, ChannelKind, ChannelName, CommandError, ConnectionState, Event, Instant,
};

use super::{Hub, Life, Place, State};
use crate::draining::{Draining, Left};
use crate::error::{FlushError, NotConnected};
use crate::wait_list::Answer;

impl Hub {
    /// Closes the connection and ends all receivers.
    pub(crate) fn shut_down(&self) {
        self.command(State::shut);
    }

    /// Shuts down once receivers have taken what they have and the server has read what was sent, and
    /// after `limit` in any case. Returns where the number of events that are left will be.
    pub(crate) fn drain(&self, limit: Duration) -> Left {
        self.command(|state, now| {
            if state.is_over {
                return Left::new(0.into());
            }
            let deadline = now + limit;
            state.receivers.drain();
            let draining = state.draining.get_or_insert_with(|| Draining {
                deadline,
                ping: None,
                left: Left::default(),
            });
            draining.deadline = draining.deadline.min(deadline);
            draining.left.clone()
        })
    }

    /// Begins the end, as the last `Client` is gone.
    pub(crate) fn end(&self) {
        self.command(|state, now| {
            state.life = state.life.max(Life::Ending);
            state.shut(now);
        });
    }

    /// Ends everything, as the pump is gone.
    pub(crate) fn finish(&self) {
        let wakers = {
            let mut guard = self.lock();
            let state = &mut *guard;
            // From now on the state is what it is: there is no connection.
            let now = state.not_before(self.now());
            state.shut(now);
            while let Some(action) = state.session.poll_action() {
                match action {
                    Action::Emit(event) => state.route(event, now),
                    Action::UpdatePresence(update) => state.route(Event::Presence(update), now),
                    _ => {}
                }
            }
            // The pump is gone, which would hand it over.
            state.session.stop_recording();
            state.deliver();
            state.life = Life::Ended;
            state.sockets = 0;
            state.end_receivers();
            state.closing_waiters.wake_all(&mut state.wakers);
            for answer in state.pings.values_mut() {
                answer.round_trip.get_or_insert(Err(FlushError::Ended));
                state.wakers.extend(answer.waker.take());
            }
            std::mem::take(&mut state.wakers)
        };
        self.hand_over();
        self.pump.forget();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Sets whether a receiver goes on after the end that it is told of.
    pub(crate) fn set_lasting(&self, place: &Place, is_lasting: bool) {
        self.command(|state, _| {
            state.receivers.set_lasting(place.key, is_lasting);
            if state.is_over && !is_lasting {
                state.end_new(place.key, false);
            }
        });
    }
}

impl State {
    /// Disconnects, forgets what is wanted, and ends the receivers.
    pub(crate) fn shut(&mut self, now: Instant) {
        self.session.disconnect(now);
        // If the session had nothing to end, no change of state will come of it.
        let is_off = self.is_off();
        self.give_up(now);
        if is_off {
            self.tell_last();
        }
    }

    /// Forgets what is wanted, and marks the receivers.
    pub(super) fn give_up(&mut self, now: Instant) {
        self.is_over = true;
        if let Some(draining) = self.draining.take() {
            // It cannot be set already: the drain that sets it is taken.
            let _ = draining.left.set(self.receivers.unread().0);
            draining.ping.and_then(|ping| self.pings.remove(&ping));
            self.wake_closing();
        }
        let names: Vec<ChannelName> =
            self.session.wanted_channels().map(|channel| channel.name().clone()).collect();
        for name in names.iter().filter(|name| name.kind() != ChannelKind::User) {
            // It is wanted as long as this runs.
            let _ = self.session.unsubscribe(name.as_str(), now);
        }
        self.wake_subscribers();
        self.channels = Default::default();
        self.receivers.mark_all();
    }

    /// Goes on with a drain. Returns whether there is something to carry out.
    pub(crate) fn drain_on(&mut self, now: Instant) -> bool {
        let Some(draining) = &mut self.draining else { return false };
        if now < draining.deadline {
            if self.receivers.unread().1 {
                return false;
            }
            match draining.ping {
                None => match self.session.ping(now) {
                    Ok(ping) => {
                        draining.ping = Some(ping);
                        self.pings.insert(ping, Answer::default());
                        return true;
                    }
                    Err(CommandError::NotConnected { .. }) => {}
                    // Too much waits to be sent, or to be answered: that is a matter of time.
                    Err(_) => return false,
                },
                Some(ping) => {
                    if self.pings.get(&ping).is_some_and(|answer| answer.round_trip.is_none()) {
                        return false;
                    }
                }
            }
        }
        self.shut(now);
        true
    }

    /// Tells every receiver that there is no connection and none will come by itself, and ends
    /// those that are marked.
    pub(super) fn tell_end(&mut self, event: Event) {
        let marked = self.receivers.marked();
        for key in &self.listeners {
            if !self.receivers.is_marked(*key) {
                self.receivers.tell_off(*key, event.clone());
            }
        }
        self.end_marked(marked.into_iter().map(|key| (key, Some(event.clone()))));
    }

    /// Ends those that are marked where the change of state was told before: a channel's receivers,
    /// and those that were made since, do not know it yet.
    fn tell_last(&mut self) {
        let change = self.last_change.clone();
        let last = |key| {
            let change = change.as_ref().filter(|_| !self.receivers.was_told(key))?;
            Some(Event::State(change.clone()))
        };
        let marked = self.receivers.marked();
        let ends: Vec<_> = marked.into_iter().map(|key| (key, last(key))).collect();
        self.end_marked(ends);
    }

    /// Ends receivers, each with its last event.
    fn end_marked(&mut self, ends: impl IntoIterator<Item = (usize, Option<Event>)>) {
        let mut ended = HashSet::new();
        for (key, last) in ends {
            self.receivers.end(key, last, &mut self.wakers);
            ended.insert(key);
        }
        self.listeners.retain(|key| !ended.contains(key));
        self.user_listeners.retain(|key| !ended.contains(key));
    }

    /// Ends a receiver that is made, or becomes one that ends, when everything is over: told why, as
    /// the others are.
    pub(super) fn end_new(&mut self, key: usize, is_new: bool) {
        if !self.is_off() {
            self.receivers.mark(key);
            return;
        }
        let last = self.last_change.clone().filter(|_| is_new).map(Event::State);
        self.receivers.end(key, last, &mut self.wakers);
    }

    /// Returns the reason why nothing can be asked for, if there is one.
    pub(super) fn closed(&self) -> Option<NotConnected> {
        if !self.is_over {
            return None;
        }
        if self.is_ending() {
            return Some(NotConnected::Ended);
        }
        let loss = self.session.last_loss().cloned();
        let refused = self.session.state() == ConnectionState::Refused;
        Some(loss.filter(|_| refused).map_or(NotConnected::Disconnected, NotConnected::Refused))
    }

    /// Returns whether receivers that last through it have reached the end, too, until the next
    /// `connect`.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_over && self.is_off()
    }
}
