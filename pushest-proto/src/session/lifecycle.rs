//! From dialling to established, what follows from a loss, and the heartbeat's timers.

use alloc::sync::Arc;
use core::time::Duration;

use super::Session;
use crate::attribution;
use crate::backoff::{FLOOR, JITTER};
use crate::connection::Phase;
use crate::endpoints::Next;
use crate::event::Event;
use crate::id::ConnectionId;
use crate::loss::{CloseCode, Loss};
use crate::order::Order;
use crate::policy::Policy;
use crate::request::Said;
use crate::status::StateChange;
use crate::timers::Timer;
use crate::wire::decode::Established;

impl Session {
    /// Begins an attempt.
    pub(super) fn dial(&mut self) {
        let connection = &mut self.connection;
        let id = connection.next_id();
        self.statistics.dials += 1;
        connection.attempt = connection.attempt.saturating_add(1);
        connection.socket_id = None;
        connection.largest_frame = 0;
        self.is_changed = false;
        self.timers.disarm_all();
        self.timers.arm(Timer::Dial, self.now + self.config.timeouts.dial);
        self.enter(Phase::Connecting(id), None, None);
        self.connection.connect_due = Some(self.pending.next_order());
    }

    pub(super) fn open(&mut self, connection: ConnectionId) {
        self.connection.phase = Phase::Opening(connection);
        self.connection.writable = true;
        self.silence.begin(self.wall_clock.moment(self.now));
        self.timers.disarm(Timer::Dial);
        self.timers.arm(Timer::Handshake, self.now + self.config.timeouts.handshake);
    }

    pub(super) fn established(&mut self, connection: ConnectionId, established: Established) {
        self.statistics.connections += 1;
        self.is_changed = false;
        self.heartbeat.begin(self.config.timeouts.activity, established.activity_timeout);
        self.heartbeat.last_heard = self.now;
        self.timers.disarm(Timer::Handshake);
        self.timers.arm(Timer::Activity, self.heartbeat.silent_at());
        self.timers.arm(Timer::Stable, self.now + self.config.timeouts.stable);
        self.connection.socket_id = Some(established.socket_id);
        self.enter(Phase::Established(connection), None, None);
        self.rate.reset();
        // The sign-in first: it takes no channel's turn, and one channel waits for it.
        let (channels, user, mut context) = self.parts();
        user.connected(&mut context);
        channels.connected(&mut context);
    }

    /// Ends the present connection or attempt, and decides what comes next.
    pub(super) fn lose(&mut self, loss: Loss) {
        let limit = self.config.backoff.retry_after_limit;
        let loss = loss.clipped().with_retry_after_up_to(limit);
        let established = self.connection.established().is_some();
        let tls = self.endpoint().is_tls();
        // Judged before the end: it matters whether the server had established the connection
        // (docs/protocol.md#refused-before-established).
        let policy = loss.policy(tls, established, self.config.stop_on_refusal);
        let is_dial = matches!(loss, Loss::Dial(_));
        self.statistics.count_loss(&loss, established);
        let loss = self.end_connection(loss);
        match self.pause_after(policy, is_dial) {
            Some(mut delay) => {
                self.timers.arm(Timer::Retry, self.now + delay);
                // What it was begun with may be what failed, and the next one has what came meanwhile. Of
                // several endpoints the next is soon another's.
                let is_changed = core::mem::take(&mut self.is_changed);
                if is_changed && !self.connection.endpoints.are_several() {
                    self.hasten();
                    let retry = self.timers.deadline(Timer::Retry);
                    delay = retry.map_or(delay, |retry| retry.saturating_duration_since(self.now));
                }
                self.enter(Phase::Waiting, Some(loss), Some(delay));
            }
            // No timer is armed: only the user's `connect` leads out of it.
            None => {
                self.statistics.refusals += 1;
                self.enter(Phase::Refused, Some(loss), None);
            }
        }
    }

    /// Chooses where the next attempt goes, and returns how long it waits; `None` if there is none.
    fn pause_after(&mut self, policy: Policy, is_dial: bool) -> Option<Duration> {
        let (endpoints, now) = (&mut self.connection.endpoints, self.now);
        self.connection.not_before = now;
        match policy {
            Policy::SwitchToTls => endpoints.switch_to_tls(),
            // What a server says of the app or the protocol it would say at another endpoint, too; a
            // dial that is refused says something of this one (docs/protocol.md#several-endpoints).
            Policy::Stop if !(is_dial && endpoints.are_several()) => return None,
            _ if endpoints.are_several() => {
                let next = endpoints.move_on(policy.pause(), policy == Policy::Stop, now);
                return self.pause_before(next, policy);
            }
            _ => {}
        }
        Some(match policy {
            Policy::BackOff(at_least) => {
                self.connection.not_before = now + at_least;
                self.backoff.next_delay(at_least)
            }
            _ => self.backoff.next_immediate(),
        })
    }

    /// Returns how long the attempt at one of several endpoints waits; `None` if there is none.
    fn pause_before(&mut self, next: Next, policy: Policy) -> Option<Duration> {
        match next {
            Next::AtOnce => Some(self.backoff.next_endpoint()),
            Next::Later(at_least) if at_least.is_zero() && policy == Policy::Immediately => {
                Some(self.backoff.next_immediate())
            }
            Next::Later(at_least) => {
                self.connection.not_before = self.now + at_least;
                Some(self.backoff.next_delay(at_least))
            }
            Next::Nothing => None,
        }
    }

    /// Gives the present connection up by the session's own decision.
    pub(super) fn give_up(&mut self, loss: Loss) {
        self.close(CloseCode::Away);
        self.lose(loss);
    }

    /// Asks for a close frame, or for the end of a dial. A dial that was not polled yet is simply
    /// forgotten.
    pub(super) fn close(&mut self, code: CloseCode) {
        if self.connection.connect_due.take().is_some() {
            return;
        }
        if let Some(id) = self.connection.phase.connection() {
            self.connection.close_due = Some((self.pending.next_order(), id, code));
        }
    }

    /// Forgets everything that belongs to the present connection. Returns how it ended.
    pub(super) fn end_connection(&mut self, loss: Loss) -> Arc<Loss> {
        let loss = Arc::new(loss);
        // The close may be the answer to what is unanswered (docs/protocol.md#close-codes): that is
        // looked at before it is forgotten.
        self.learn_from_size(&loss);
        let (user, mut context) = self.user();
        if let Some(error) = attribution::sign_in_refused_by(&loss) {
            user.tell(Said::Refused(error), &mut context);
        }
        user.lost(&mut context);
        self.sent.clear();
        // Before the heartbeat ends: a ping without a pong bounds what was read.
        let since = self.read_until();
        let (channels, mut context) = self.channels();
        channels.lost(since, &loss, &mut context);
        for ping in self.heartbeat.end().chain(self.outgoing.take_pings()) {
            self.pending.keep(Event::PingLost { ping });
        }
        // After `disconnect`, frames that were accepted go out before the `Close`. After a loss
        // they are dropped: a client event belongs to the moment, and may have arrived
        // (docs/protocol.md#client-events).
        if !self.connection.sends_before_close {
            self.outgoing.clear();
        }
        self.timers.disarm_all();
        self.connection.socket_id = None;
        self.connection.last_loss = Some(loss.clone());
        loss
    }

    /// Changes the phase, and tells it where the public state changes.
    pub(super) fn enter(&mut self, phase: Phase, loss: Option<Arc<Loss>>, delay: Option<Duration>) {
        let from = self.connection.phase.state();
        self.connection.go_to(phase, self.now);
        self.pending.keep(Event::State(StateChange {
            from,
            to: phase.state(),
            attempt: self.connection.attempt,
            socket_id: self.connection.socket_id.clone(),
            loss,
            retry_in: delay,
        }));
    }

    pub(super) fn network_changed(&mut self) {
        match self.connection.phase {
            Phase::Established(_) => {
                self.heartbeat.is_in_doubt = !self.heartbeat.reading;
                if self.heartbeat.change(self.now) {
                    self.check_for_life(self.config.timeouts.after_change());
                } else {
                    self.check_later();
                }
            }
            // What was sent over a path that is gone is not answered, and the attempt would wait for
            // that as long as it may.
            Phase::Connecting(_) => self.hurry(Timer::Dial),
            Phase::Opening(_) => self.hurry(Timer::Handshake),
            Phase::Waiting => self.hasten(),
            Phase::Idle | Phase::Refused => {}
        }
    }

    /// Brings the next attempt forward. What a server asked for holds; of several endpoints each may be
    /// tried again, since what has failed may have failed for the network. What changed may have changed
    /// for many clients at the same moment, so that those whose pauses are as short already keep theirs,
    /// and the others draw.
    fn hasten(&mut self) {
        let retry = self.timers.deadline(Timer::Retry);
        let is_later = |earliest| retry.is_none_or(|retry| retry > earliest + JITTER);
        let mut earliest = self.now + FLOOR;
        if !self.connection.endpoints.are_several() {
            earliest = earliest.max(self.connection.not_before);
        }
        if !is_later(earliest) || !self.hints_to_dial.take(self.now) {
            return;
        }
        if let Some(not_before) = self.connection.endpoints.begin_pass(self.now) {
            self.connection.not_before = not_before;
            earliest = earliest.max(not_before);
        }
        if is_later(earliest) {
            self.timers.arm(Timer::Retry, earliest + self.backoff.jitter());
        }
    }

    /// Gives an attempt that is under way no more time than a sign of life has after a change.
    fn hurry(&mut self, timer: Timer) {
        self.is_changed = true;
        let latest = self.now + self.config.timeouts.after_change();
        if self.timers.deadline(timer).is_some_and(|deadline| deadline > latest)
            && self.hints_to_give_up.take(self.now)
        {
            self.timers.arm(timer, latest);
        }
    }

    /// Notes that something arrived, whatever it was: the server is alive.
    pub(super) fn heard(&mut self) {
        self.heartbeat.last_heard = self.now;
        self.silence.heard(self.now, &self.wall_clock);
        if self.timers.is_armed(Timer::Pong) {
            self.timers.disarm(Timer::Pong);
            if self.heartbeat.take_check(self.now) {
                self.check_for_life(self.config.timeouts.after_change());
            } else {
                self.timers.arm(Timer::Activity, self.heartbeat.next_check());
            }
        }
    }

    /// Notes that the driver stopped or resumed reading. While it does not read, no pong can be
    /// missed; but the server needs to hear from us.
    pub(super) fn reading_changed(&mut self, reading: bool) {
        self.heartbeat.set_reading(reading);
        self.timers.disarm(Timer::Pong);
        self.timers.disarm(Timer::Flush);
        self.timers.arm(Timer::Activity, self.now + self.heartbeat.activity());
        if reading {
            self.heartbeat.resumed = self.now;
            let pause = self.now.saturating_duration_since(self.heartbeat.paused);
            let pinged = self.heartbeat.oldest_unanswered().is_some();
            self.silence.resumed(self.wall_clock.moment(self.now), pause, pinged);
            if self.heartbeat.oldest_of_user().is_some() {
                self.timers.arm(Timer::Flush, self.now + self.config.timeouts.pong);
            }
            if core::mem::take(&mut self.heartbeat.is_in_doubt) {
                if self.heartbeat.change(self.now) {
                    self.check_for_life(self.config.timeouts.after_change());
                } else {
                    self.check_later();
                }
            }
        } else {
            self.heartbeat.paused = self.now;
        }
    }

    pub(super) fn timer_due(&mut self, timer: Timer) {
        match timer {
            Timer::Dial => self.give_up(Loss::Dial(crate::dial_failure::DialFailure::Timeout)),
            Timer::Handshake => self.give_up(Loss::HandshakeTimeout),
            Timer::Activity => self.activity_due(),
            Timer::Pong => self.give_up(Loss::PongTimeout),
            Timer::Flush => self.flush_due(),
            Timer::Retry => self.dial(),
            Timer::Stable => match self.failures_count_until() {
                Some(until) => self.timers.arm(Timer::Stable, until),
                None => {
                    self.backoff.reset();
                    self.connection.endpoints.proved();
                    self.connection.attempt = 1;
                }
            },
        }
    }

    fn activity_due(&mut self) {
        // Messages do not move the timer, which would cost time on each of them: it finds out here
        // whether there were any.
        let next_check = self.heartbeat.next_check();
        if next_check > self.now {
            self.timers.arm(Timer::Activity, next_check);
            return;
        }
        if self.heartbeat.take_check(self.now) {
            self.check_for_life(self.config.timeouts.after_change());
        } else {
            self.pending.rest();
            self.check_for_life(self.config.timeouts.pong);
        }
        if !self.heartbeat.reading {
            // Nothing is heard, so the server needs to hear from us.
            self.timers.arm(Timer::Activity, self.now + self.heartbeat.activity());
        }
    }

    /// Sends a ping, and expects anything at all within this time. What is expected earlier stays so:
    /// a network that changes again and again must not put it off.
    fn check_for_life(&mut self, within: Duration) {
        if self.heartbeat.ping_due == Order::NEVER {
            self.heartbeat.ping_due = self.pending.next_order();
            // Also where a message or another sign of life, which else makes nothing due, was waited for.
            self.quiet = false;
        }
        let latest = self.now + within;
        let is_earlier = self.timers.deadline(Timer::Pong).is_none_or(|deadline| deadline > latest);
        if self.heartbeat.reading && is_earlier {
            self.timers.disarm(Timer::Activity);
            self.timers.arm(Timer::Pong, latest);
        }
    }

    /// Has the change looked into once its time has come. While a ping is waited for, that is once
    /// something is heard.
    fn check_later(&mut self) {
        let next_check = self.heartbeat.next_check();
        if self.timers.deadline(Timer::Activity).is_some_and(|deadline| deadline > next_check) {
            self.timers.arm(Timer::Activity, next_check);
        }
    }

    /// Reports the user's pings that have waited for the pong timeout as lost.
    fn flush_due(&mut self) {
        let pong = self.config.timeouts.pong;
        while let Some(sent) = self.heartbeat.oldest_of_user() {
            // The timer was armed anew when reading resumed: what was sent before may be older.
            if sent + pong > self.now {
                self.timers.arm(Timer::Flush, sent + pong);
                return;
            }
            if let Some(ping) = self.heartbeat.take_overdue(sent) {
                self.pending.keep(Event::PingLost { ping });
            }
        }
    }
}
