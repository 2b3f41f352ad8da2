//! What is too large: messages of the server for us, and frames of ours for the server.

use core::time::Duration;

use super::Session;
use super::routing::Addressee;
use crate::action::Action;
use crate::event::failure::RequestFailure;
use crate::event::{Event, Malformation};
use crate::id::ConnectionId;
use crate::loss::Loss;
use crate::request::Said;
use crate::text::{KEPT_BYTES, clip};
use crate::time::Instant;
use crate::trace::line::Line;
use crate::wire::decode::Control;
use crate::wire::envelope;

/// RFC 6455, section 7.4.1: a message too big to process.
const TOO_BIG: u16 = 1009;

/// A message beyond the transport limit within this time after another one is no first failure,
/// however long the connection between them was established.
const MEMORY_OF_SIZE: Duration = Duration::from_secs(60);

impl Session {
    /// A message over the limit: only its size and its beginning are looked at.
    pub(crate) fn handle_oversized(
        &mut self,
        connection: ConnectionId,
        size: usize,
        message: &[u8],
        now: Instant,
    ) {
        let beginning = &message[..message.len().min(KEPT_BYTES)];
        self.note(|| {
            let (at, connection, beginning) = (now.as_micros(), connection.0, beginning.into());
            Line::Oversized { at, connection, size, beginning }
        });
        self.advance(now);
        if self.is_open(connection) {
            self.heard();
            self.statistics.messages += 1;
            self.statistics.bytes += size as u64;
            self.oversized(size, beginning);
        }
    }

    fn oversized(&mut self, size: usize, beginning: &[u8]) {
        // It may be cut within a character.
        let beginning = beginning.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let envelope = envelope::scan_beginning(beginning);
        let name = envelope.event.and_then(|token| token.string(beginning));
        let is_list = name.and_then(Control::named) == Some(Control::SubscriptionSucceeded);
        let key = match self.channel_of(&envelope, beginning) {
            Addressee::Wanted(key) => Some(key),
            Addressee::Renewed(key) if is_list => {
                self.channels.answered_former(key);
                None
            }
            Addressee::Renewed(key) => Some(key),
            // Reverb names the channel behind the data.
            Addressee::Nobody if is_list => self.channels.only_unanswered_presence(),
            Addressee::Nobody | Addressee::Unwanted | Addressee::Unreadable => None,
        };
        let mut channel = None;
        if let Some(key) = key {
            let (channels, mut context) = self.channels();
            channel = Some(channels.name(key).clone());
            // However long its list of members is, the subscription stands. Some servers name the
            // event behind the data; to what was not subscribed to nothing else comes.
            if is_list || (name.is_none() && channels.is_unanswered(key)) {
                channels.succeeded(key, None, &mut context);
            }
            channels.tell_gap(key, &mut context);
        }
        let problem = Malformation::TooLarge { size, limit: self.config.limits.message };
        let event = Event::Malformed { problem, channel, message: clip(beginning) };
        self.pending.push(Action::Emit(event));
    }

    /// Learns from the end of a connection, before what was unanswered on it is forgotten.
    ///
    /// A server that closes with 1009 does not say which frame was too large for it. It was the
    /// largest one of the connection: what the server had read before is smaller. If it is
    /// unanswered, it is sent again on the next connection, so that it fails if it was unanswered
    /// at the former such close, too; if it is one that is not sent again (a client event, or the
    /// subscribe of a channel that is no longer wanted), nothing fails. Each pair of closes takes
    /// one frame away, and the others come through in the end (contract, C9).
    pub(super) fn learn_from_size(&mut self, loss: &Loss) {
        match (loss, loss.close_code()) {
            (Loss::TooLarge { .. }, _) => self.connection.too_large_at = Some(self.now),
            (_, Some(TOO_BIG)) => self.closed_for_size(),
            (Loss::Closed { .. } | Loss::BadClose { .. }, _) => self.forget_suspects(),
            _ => {}
        }
    }

    /// The next close with 1009 is not one of several in a row.
    pub(super) fn forget_suspects(&mut self) {
        self.channels.forget_suspects();
        self.user.request_mut().forget_suspicion();
    }

    fn closed_for_size(&mut self) {
        let channel = self.channels.largest_unanswered();
        let of_channel = channel.map_or(0, |(bytes, _)| bytes);
        let of_sign_in = self.user.request().unanswered_bytes().unwrap_or(0);
        if of_channel.max(of_sign_in) < self.connection.largest_frame {
            // It is not sent again.
        } else if of_sign_in > of_channel {
            if self.user.request().is_suspect() {
                let (user, mut context) = self.user();
                user.tell(Said::TooLarge, &mut context);
            }
        } else if let Some((bytes, key)) = channel
            && self.channels.is_suspect(key)
        {
            let reason = RequestFailure::TooLarge { bytes };
            self.channels.fail(key, reason, &mut self.pending);
        }
        self.channels.suspect_unanswered();
        self.user.request_mut().suspect_if_unanswered();
    }

    /// Until when earlier failures count, although the connection is established: a server that
    /// sends what is beyond the transport limit soon after each connection is a failure each time.
    pub(super) fn failures_count_until(&self) -> Option<Instant> {
        let until = self.connection.too_large_at? + MEMORY_OF_SIZE;
        (until > self.now).then_some(until)
    }
}
