//! What is too large: messages of the server for us, and frames of ours for the server.

use core::time::Duration;

use super::Session;
use super::routing::{Addressee, addressee};
use crate::action::Action;
use crate::attribution::{self, About};
use crate::event::{Event, MalformedReason};
use crate::id::ConnectionId;
use crate::loss::Loss;
use crate::request::{Request, Said};
use crate::text::{KEPT_BYTES, clip};
use crate::time::Instant;
use crate::wire::decode::Control;
use crate::wire::envelope;

/// RFC 6455, section 7.4.1: a message too big to process.
const TOO_BIG: u16 = 1009;

/// A message beyond the transport limit within this time after another one is no first failure,
/// however long the connection between them was established.
const MEMORY_OF_SIZE: Duration = Duration::from_secs(60);

impl Session {
    /// Takes a message over the limit, of which only the size and the beginning are looked at.
    pub(super) fn on_oversized(
        &mut self,
        connection: ConnectionId,
        size: usize,
        message: &[u8],
        now: Instant,
    ) {
        let beginning = &message[..message.len().min(KEPT_BYTES)];
        self.advance(now);
        if self.is_open(connection) {
            self.heard();
            self.statistics.messages += 1;
            // A driver says the size, which need not be that of anything.
            self.statistics.bytes = self.statistics.bytes.saturating_add(size as u64);
            self.oversized(size, beginning);
        }
    }

    fn oversized(&mut self, size: usize, beginning: &[u8]) {
        // It may be cut within a character.
        let beginning = beginning.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let envelope = envelope::scan_beginning(beginning);
        let name = envelope.event.and_then(|token| token.string(beginning));
        let is_list = name.and_then(Control::named) == Some(Control::SubscriptionSucceeded);
        let (channels, _, mut context) = self.parts();
        let key = match addressee(channels, &envelope, beginning) {
            Addressee::Wanted(key, _) => Some(key),
            Addressee::Renewed(_, channel) if is_list => {
                channel.answered_former();
                None
            }
            Addressee::Renewed(key, _) => Some(key),
            // Reverb names the channel behind the data.
            Addressee::Nobody if is_list => attribution::only_unanswered_presence(channels),
            Addressee::Nobody | Addressee::Unwanted | Addressee::Unreadable => None,
        };
        let channel = key.map(|key| {
            // However long its list of members is, the subscription stands. Some servers name the
            // event behind the data; to what was not subscribed to nothing else comes.
            if is_list || (name.is_none() && channels.get(key).request().is_unanswered()) {
                channels.succeeded(key, None, &mut context);
            }
            channels.tell_gap(key, &mut context)
        });
        self.statistics.malformed += 1;
        let problem = MalformedReason::TooLarge { size, limit: self.config.limits.message };
        let event = Event::Malformed { problem, channel, message: clip(beginning) };
        self.pending.push(Action::Emit(event));
    }

    /// Learns from the end of a connection, before what was unanswered on it is forgotten.
    pub(super) fn learn_from_size(&mut self, loss: &Loss) {
        match (loss, loss.close_code()) {
            (Loss::TooLarge { .. }, _) => self.connection.too_large_at = Some(self.now),
            (_, Some(TOO_BIG)) => self.closed_for_size(),
            (Loss::Closed { .. } | Loss::BadClose { .. }, _) => self.forget_suspects(),
            _ => {}
        }
    }

    /// Forgets the suspects: the next close with 1009 is not one of several in a row.
    pub(super) fn forget_suspects(&mut self) {
        self.requests().for_each(Request::forget_suspicion);
    }

    fn closed_for_size(&mut self) {
        let largest = self.connection.largest_frame;
        let about = attribution::of_size(largest, &self.channels, &self.user);
        let (channels, user, mut context) = self.parts();
        match about {
            Some(About::Subscription(key)) => {
                drop(channels.tell(key, Said::TooLarge, &mut context))
            }
            Some(About::SignIn) => drop(user.tell(Said::TooLarge, &mut context)),
            Some(About::ClientEvent { .. }) | None => {}
        }
        self.requests().for_each(Request::suspect_if_unanswered);
    }

    fn requests(&mut self) -> impl Iterator<Item = &mut Request> {
        self.channels.requests_mut().chain([self.user.request_mut()])
    }

    /// Returns until when earlier failures count, although the connection is established: a server
    /// that sends what is beyond the transport limit soon after each connection is a failure each
    /// time.
    pub(super) fn failures_count_until(&self) -> Option<Instant> {
        let until = self.connection.too_large_at? + MEMORY_OF_SIZE;
        (until > self.now).then_some(until)
    }
}
