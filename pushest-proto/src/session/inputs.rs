//! What happened, and what it changes.

use bytes::Bytes;

use super::Session;
use crate::auth::request::{Authorization, AuthorizationError};
use crate::connection::Phase;
use crate::id::{ConnectionId, Ticket};
use crate::loss::Loss;
use crate::time::Instant;

impl Session {
    pub(super) fn on_open(&mut self, connection: ConnectionId, now: Instant) {
        self.advance(now);
        if self.connection.phase == Phase::Connecting(connection)
            && self.connection.connect_due.is_none()
        {
            self.open(connection);
        }
    }

    pub(super) fn on_message(&mut self, connection: ConnectionId, message: Bytes, now: Instant) {
        if message.len() > self.config.limits.message {
            self.quiet = false;
            return self.on_oversized(connection, message.len(), &message, now);
        }
        self.advance(now);
        if self.is_open(connection) {
            self.heard();
            self.statistics.messages += 1;
            self.statistics.bytes = self.statistics.bytes.saturating_add(message.len() as u64);
            self.route(connection, message);
        }
    }

    pub(super) fn on_activity(&mut self, connection: ConnectionId, now: Instant) {
        self.advance(now);
        if self.is_open(connection) {
            self.heard();
        }
    }

    pub(super) fn on_close(&mut self, connection: ConnectionId, loss: Loss, now: Instant) {
        self.advance(now);
        if self.connection.is_current(connection) && self.connection.connect_due.is_none() {
            self.lose(loss);
        } else if self.connection.close_due.is_some_and(|(_, id, _)| id == connection) {
            // It was about to be closed: nothing can be sent on it anymore.
            self.connection.close_due = None;
            self.connection.sends_before_close = false;
            self.outgoing.clear();
        }
    }

    pub(super) fn on_authorization(
        &mut self,
        ticket: Ticket,
        answer: Result<Authorization, AuthorizationError>,
        now: Instant,
    ) {
        let answer = Authorization::bounded_answer(answer, self.config.limits.signed_data);
        self.advance(now);
        let (channels, user, mut context) = self.parts();
        if user.waits_for(ticket) {
            user.authorized(ticket, answer, &mut context);
        } else {
            channels.authorized(ticket, answer, &mut context);
        }
    }

    pub(super) fn on_reading(&mut self, reading: bool, now: Instant) {
        self.advance(now);
        if self.heartbeat.reading == reading || self.connection.established().is_none() {
            return;
        }
        self.reading_changed(reading);
    }

    pub(super) fn on_writable(&mut self, connection: ConnectionId, writable: bool, now: Instant) {
        self.advance(now);
        if self.connection.is_current(connection) {
            self.connection.writable = writable;
        }
    }

    pub(super) fn on_network_change(&mut self, now: Instant) {
        self.advance(now);
        self.network_changed();
    }

    pub(super) fn on_timeout(&mut self, now: Instant) {
        self.advance(now);
        while let Some(timer) = self.timers.take_due(self.now) {
            self.timer_due(timer);
        }
        let (channels, user, mut context) = self.parts();
        channels.handle_timeout(&mut context);
        user.handle_timeout(&mut context);
    }
}
