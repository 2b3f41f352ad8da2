//! What the pump does under the hub's lock: it tells the session the news and carries out what the
//! session asks for.

use pushest_proto::{Action, ConnectionState, Event, Instant};
use tungstenite::Message;

use super::{Pump, SEND_BYTES};
use crate::hub::State;
use crate::news::News;
use crate::socket_state::SocketState;
use crate::unstable::traits::Runtime;

/// Bytes of messages that the session is told before what comes of them is taken from it.
const STEP_BYTES: usize = 16 * 1024;

/// Bytes of events that are staged before receivers get them: what a batch brings is usually less, so
/// that each receiver gets it at one go.
const STAGED_BYTES: usize = 256 * 1024;

impl<R: Runtime> Pump<R> {
    /// Tells the session the news.
    pub(super) fn tell(&mut self, state: &mut State, now: Instant) {
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
                self.carry_out_actions(state, now);
                if state.receivers.staged_bytes() >= STAGED_BYTES {
                    state.deliver();
                }
            }
        }
        // Its room is needed again.
        self.news = told;
    }

    /// Carries out all that the session asks for, and gives receivers what was staged.
    pub(super) fn carry_out_all(&mut self, state: &mut State, now: Instant) {
        self.carry_out_actions(state, now);
        state.deliver();
    }

    fn carry_out_actions(&mut self, state: &mut State, now: Instant) {
        while let Some(action) = state.session.poll_action() {
            self.carry_out(action, state, now);
        }
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
    pub(super) fn check_room(&mut self, state: &mut State, now: Instant) {
        if let (SocketState::Open(open), true) = (&self.socket, self.must_tell_room()) {
            self.is_writable = self.has_room;
            state.session.handle_writable(open.connection, self.has_room, now);
        }
    }

    /// Lets frames out again that waited for this turn to end, before the lock is released. They make
    /// a timeout (contract, C3), so that the next turn begins at once.
    pub(super) fn renew_budget(&mut self, state: &mut State, now: Instant) {
        if let (SocketState::Open(open), 0) = (&self.socket, self.budget) {
            state.session.handle_writable(open.connection, self.is_writable, now);
        }
        self.budget = SEND_BYTES;
    }

    pub(super) fn must_tell_room(&self) -> bool {
        matches!(self.socket, SocketState::Open(_)) && self.has_room != self.is_writable
    }

    /// Stops reading while a receiver that must not lose anything is full. The session is told, so
    /// that it does not take the silence for the server's.
    pub(super) fn check_receivers(&mut self, state: &mut State, now: Instant) {
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
}
