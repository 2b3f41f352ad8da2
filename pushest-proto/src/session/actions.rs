//! The next action. Each source of actions keeps the place of its cause; the oldest goes first.

use super::Session;
use crate::action::{Action, Frame};
use crate::connection::Phase;
use crate::id::ConnectionId;
use crate::order::Order;
use crate::outgoing::{ClientEvent, Item};
use crate::pending::Front;
use crate::timers::Timer;
use crate::trace::mode::Trace;
use crate::wire::encode;

/// Where an action can come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Pending(Front),
    Connect,
    Close,
    Pong,
    Ping,
    SignIn,
    Channel,
    Outgoing,
}

impl Session {
    /// Takes the next action, in the order of the causes; `None` when there is none.
    #[must_use = "an action that is not carried out is lost"]
    pub fn poll_action(&mut self) -> Option<Action> {
        if !self.is_traced() {
            return self.next_action();
        }
        let action = self.next_action();
        if let Some(Trace::Recording(recorder)) = self.trace() {
            recorder.polled(action.as_ref());
        }
        action
    }

    #[inline]
    fn next_action(&mut self) -> Option<Action> {
        if self.quiet {
            debug_assert!(matches!(self.next_source(), None | Some(Source::Pending(_))));
            return self.pending.pop_front();
        }
        self.next_of_all()
    }

    /// Asks every source.
    #[inline(never)]
    fn next_of_all(&mut self) -> Option<Action> {
        loop {
            let Some(source) = self.next_source() else {
                self.quiet = true;
                self.pending.settle();
                return None;
            };
            let action = match source {
                Source::Pending(front) => self.pending.pop(front),
                Source::Connect => self.take_connect(),
                Source::Close => self.take_close(),
                Source::Pong => self.take_pong(),
                Source::Ping => self.take_ping(),
                Source::SignIn => {
                    let (user, mut context) = self.user();
                    user.pop_due(&mut context)
                }
                Source::Channel => {
                    let (channels, mut context) = self.channels();
                    channels.pop_due(&mut context)
                }
                Source::Outgoing => self.take_outgoing(),
            };
            if let Some(Action::Send(frame)) = &action {
                self.statistics.sent_messages += 1;
                self.statistics.sent_bytes += frame.text.len() as u64;
                let largest = &mut self.connection.largest_frame;
                *largest = frame.text.len().max(*largest);
            }
            // What was due may need nothing anymore, such as a channel whose turn comes too early;
            // the next source may have something.
            if action.is_some() {
                return action;
            }
        }
    }

    /// Returns the source whose cause is the oldest.
    pub(super) fn next_source(&self) -> Option<Source> {
        let connection = &self.connection;
        let is_open = matches!(connection.phase, Phase::Opening(_) | Phase::Established(_));
        // The last frames of a connection go out in any case: nothing comes after its close to keep
        // them for, and what was accepted is bounded.
        let frames = connection.writable && is_open || connection.sends_before_close;
        let established = frames && !matches!(connection.phase, Phase::Opening(_));
        let never = Order::NEVER;
        let when = |allowed: bool, order: Order| if allowed { order } else { never };
        let front = |allowed: bool, order: Option<Order>| when(allowed, order.unwrap_or(never));
        let (order, place) = self.pending.front();
        let mut oldest = (order, Source::Pending(place));
        // A fold over plain numbers: this runs once for each action.
        for (order, source) in [
            (connection.connect_due.unwrap_or(never), Source::Connect),
            (connection.close_due.map_or(never, |(order, ..)| order), Source::Close),
            (when(frames, self.heartbeat.pong_owed), Source::Pong),
            (when(established, self.heartbeat.ping_due), Source::Ping),
            (front(established, self.user.due_front()), Source::SignIn),
            (front(established, self.channels.due_front()), Source::Channel),
            (front(established, self.outgoing.front()), Source::Outgoing),
        ] {
            if order < oldest.0 {
                oldest = (order, source);
            }
        }
        (oldest.0 != never).then_some(oldest.1)
    }

    fn take_connect(&mut self) -> Option<Action> {
        self.connection.connect_due = None;
        let connection = self.connection.phase.connection()?;
        Some(Action::Connect { connection, endpoint: self.endpoint().clone() })
    }

    fn take_close(&mut self) -> Option<Action> {
        let (_, connection, code) = self.connection.close_due.take()?;
        self.connection.sends_before_close = false;
        Some(Action::Close { connection, code })
    }

    fn take_pong(&mut self) -> Option<Action> {
        self.heartbeat.pong_owed = Order::NEVER;
        self.frame(encode::PONG)
    }

    fn take_ping(&mut self) -> Option<Action> {
        self.heartbeat.ping_due = Order::NEVER;
        self.heartbeat.sent(None, self.now);
        self.sent.ping();
        self.frame(encode::PING)
    }

    fn take_outgoing(&mut self) -> Option<Action> {
        match self.outgoing.pop()? {
            Item::ClientEvent(ClientEvent { channel, event, text }) => {
                let connection = self.sending_on()?;
                self.statistics.client_events += 1;
                self.sent.event(channel, event);
                Some(Action::Send(Frame { connection, text }))
            }
            Item::Ping(ping) => {
                self.heartbeat.sent(Some(ping), self.now);
                self.sent.ping();
                if self.heartbeat.reading && !self.timers.is_armed(Timer::Flush) {
                    self.timers.arm(Timer::Flush, self.now + self.config.timeouts.pong);
                }
                self.frame(encode::PING)
            }
        }
    }

    fn frame(&self, text: &str) -> Option<Action> {
        let connection = self.sending_on()?;
        Some(Action::Send(Frame { connection, text: text.into() }))
    }

    /// Returns the connection that frames go out on: the present one, or one that is about to be
    /// closed.
    fn sending_on(&self) -> Option<ConnectionId> {
        match self.connection.close_due {
            Some((_, connection, _)) if self.connection.sends_before_close => Some(connection),
            _ => self.connection.phase.connection(),
        }
    }
}
