//! What a message is, and which part it concerns.

use alloc::boxed::Box;

use bytes::Bytes;
use bytestring::ByteString;

use super::Session;
use crate::action::Action;
use crate::agenda::Key;
use crate::channel::Channel;
use crate::channel::index::Found;
use crate::channel::name::ChannelName;
use crate::channel::table::Channels;
use crate::connection::Phase;
use crate::event::channel_event::ChannelEvent;
use crate::event::names::EventName;
use crate::event::{Event, LimitReached, MalformedReason};
use crate::heartbeat::RoundTrip;
use crate::id::ConnectionId;
use crate::memory;
use crate::order::Order;
use crate::queue::fill;
use crate::request::Said;
use crate::text::clip;
use crate::timers::Timer;
use crate::wire::decode::{self, Control, SignedIn};
use crate::wire::envelope::{self, Envelope};
use crate::wire::lists::{self, MOST_WATCHED, Watchlist};

impl Session {
    #[inline]
    pub(super) fn route(&mut self, connection: ConnectionId, message: Bytes) {
        let message = match ByteString::try_from(message) {
            Ok(message) => message,
            Err(_) => return self.malformed(MalformedReason::NotUtf8, ""),
        };
        let Ok(envelope) = envelope::scan(&message) else {
            return self.malformed(MalformedReason::NotAnObject, &message);
        };
        let name = envelope.event.and_then(|token| self.names.name(token, &message));
        let Some(name) = name else {
            return self.malformed(MalformedReason::NoEvent, &message);
        };
        if let Some(control) = name.control(&message) {
            self.quiet = false;
            return self.control(connection, control, &envelope, &message);
        }
        let found = found(&self.channels, &envelope, &message);
        if let Ok(Found { passing: Some(channel), key }) = found {
            debug_assert!(self.channels.get(key).passes_events_on());
            debug_assert_eq!(self.channels.get(key).name().id(), channel.id());
            let bytes = memory::allocation(message.len()) + name.heap_bytes();
            let (data, user_id) = (envelope.data, envelope.user_id);
            if let Some(place) = self.pending.place(bytes) {
                let event = ChannelEvent::new(channel.clone(), message, name, data, user_id);
                debug_assert_eq!(bytes, event.content_bytes());
                fill(place, Action::Emit(Event::Channel(event)));
            }
            self.statistics.events += 1;
            return;
        }
        let found = found.map(|found| found.key);
        self.event_for(found, name, &envelope, message);
    }

    /// Takes an event that is not simply passed on.
    #[inline(never)]
    fn event_for(
        &mut self,
        found: Result<Key, NotFound>,
        name: EventName,
        envelope: &Envelope,
        message: ByteString,
    ) {
        let (channels, _, mut context) = self.parts();
        match heard(channels, found) {
            Addressee::Wanted(key, channel) | Addressee::Renewed(key, channel) => {
                let (data, user_id) = (envelope.data, envelope.user_id);
                let event = ChannelEvent::new(channel.name().clone(), message, name, data, user_id);
                if channel.receive(event, &mut context) {
                    channels.tell(key, Said::KeyOutdated, &mut context);
                    self.quiet = false;
                }
                self.channels.note_passing(key);
                self.statistics.events += 1;
            }
            Addressee::Unwanted => self.statistics.unwanted += 1,
            Addressee::Nobody => self.unrouted(name.of(&message), envelope, &message),
            Addressee::Unreadable => self.malformed(MalformedReason::BadChannel, &message),
        }
    }

    fn control(
        &mut self,
        connection: ConnectionId,
        control: Control,
        envelope: &Envelope,
        message: &str,
    ) {
        let payload = || decode::payload(envelope.data, message);
        match control {
            Control::Established => match decode::established(&payload()) {
                _ if self.connection.phase != Phase::Opening(connection) => {
                    self.malformed(MalformedReason::Unexpected, message);
                }
                Some(established) => {
                    let lost = established.lost;
                    self.established(connection, established);
                    self.partly(None, 1, lost, message);
                }
                None => self.malformed(MalformedReason::BadData, message),
            },
            Control::Ping => {
                if self.heartbeat.pong_owed == Order::NEVER {
                    self.heartbeat.pong_owed = self.pending.next_order();
                }
            }
            Control::Pong => self.pong(),
            Control::Error => self.server_error(connection, envelope, message),
            Control::SignedIn => self.signed_in(&payload(), message),
            Control::WatchlistEvents if !self.user.watches() => {
                self.malformed(MalformedReason::Unexpected, message);
            }
            Control::WatchlistEvents => match lists::watchlist_events(&payload(), MOST_WATCHED) {
                Some(watchlist) => self.watchlist(watchlist, message),
                None => self.malformed(MalformedReason::BadData, message),
            },
            Control::SubscriptionSucceeded
            | Control::SubscriptionError
            | Control::MemberAdded
            | Control::MemberRemoved
            | Control::SubscriptionCount
            | Control::CacheMiss => self.channel_control(control, envelope, message),
        }
    }

    fn channel_control(&mut self, control: Control, envelope: &Envelope, message: &str) {
        let payload = || decode::payload(envelope.data, message);
        let (channels, _, mut context) = self.parts();
        let (key, channel) = match addressee(channels, envelope, message) {
            Addressee::Wanted(key, channel) => (key, channel),
            Addressee::Renewed(_, channel) => {
                if let Control::SubscriptionSucceeded | Control::SubscriptionError = control {
                    channel.answered_former();
                }
                self.statistics.unwanted += 1;
                return;
            }
            Addressee::Unwanted => {
                self.statistics.unwanted += 1;
                return;
            }
            // Poxa's names no channel (docs/protocol.md#poxa).
            Addressee::Nobody if control == Control::SubscriptionError => {
                return self.nameless_subscription_error(&payload());
            }
            Addressee::Nobody | Addressee::Unreadable => {
                return self.malformed(MalformedReason::BadChannel, message);
            }
        };
        let name = channel.name().clone();
        // How many parts could be read, and how many not.
        let read = match control {
            Control::SubscriptionSucceeded => self.subscription_succeeded(key, &payload()),
            Control::SubscriptionError => return self.subscription_error(key, &payload()),
            _ => channel.hear(control, &payload(), &mut context),
        };
        match read {
            Some((kept, lost)) => self.partly(Some(name), kept, lost, message),
            None => self.malformed_in(Some(name), MalformedReason::BadData, message),
        }
    }

    fn signed_in(&mut self, payload: &str, message: &str) {
        let Some(SignedIn { id, user_data, lost }) = decode::signed_in(payload) else {
            return self.malformed(MalformedReason::BadData, message);
        };
        let (channels, user, mut context) = self.parts();
        if user.succeeded(&id, &user_data, &mut context) {
            channels.signed_in(&id, &mut context);
        }
        self.partly(None, 1, lost, message);
    }

    /// Takes a confirmation, which counts whatever the list of members looks like. Returns how many
    /// of its members could be read, and how many not; `None` if nothing of it could be.
    fn subscription_succeeded(&mut self, key: Key, payload: &str) -> Option<(u64, u64)> {
        let (channels, _, mut context) = self.parts();
        let channel = channels.get(key);
        let most = context.config.limits.members;
        let is_presence = channel.is_presence();
        let members = if is_presence { lists::members(payload, most) } else { None };
        let read = members.as_ref().map(|list| (list.members.len() as u64, list.lost));
        let round_trip = channel.round_trip(context.now);
        let now = context.moment();
        channels.succeeded(key, members, &mut context);
        if let Some(round_trip) = round_trip {
            self.silence.round_trip(round_trip, now, false);
        }
        if is_presence { read } else { Some((0, 0)) }
    }

    fn pong(&mut self) {
        self.sent.pong();
        let Some((ping, round_trip)) = self.heartbeat.answered(self.now) else { return };
        let round_trip = match round_trip {
            RoundTrip::Measured(time) => time,
            // A server that leaves a ping unanswered must not make this ever longer.
            RoundTrip::Within(most) => {
                return self.silence.round_trip_within(most.min(self.config.timeouts.pong));
            }
        };
        self.silence.round_trip(round_trip, self.wall_clock.moment(self.now), true);
        if let Some(ping) = ping {
            if self.heartbeat.oldest_of_user().is_none() {
                self.timers.disarm(Timer::Flush);
            }
            self.pending.keep(Event::Pong { ping, round_trip });
        }
    }

    /// Takes an event that names no channel. Some servers send `online` and `offline` as events of
    /// their own ([protocol, watchlist](crate::protocol#watchlist)).
    fn unrouted(&mut self, name: &str, envelope: &Envelope, message: &str) {
        let payload = || decode::payload(envelope.data, message);
        let watchlist = match name {
            "online" => lists::watchlist_event(true, &payload(), MOST_WATCHED),
            "offline" => lists::watchlist_event(false, &payload(), MOST_WATCHED),
            _ => None,
        };
        match watchlist {
            Some(watchlist) if self.user.watches() => self.watchlist(watchlist, message),
            Some(_) => self.malformed(MalformedReason::Unexpected, message),
            None => {
                let event = Event::Unrouted { name: clip(name), message: Box::from(message) };
                self.pending.push(Action::Emit(event));
            }
        }
    }

    fn watchlist(&mut self, watchlist: Watchlist, message: &str) {
        let (kept, dropped, lost) = (watchlist.kept(), watchlist.dropped, watchlist.lost);
        for (online, user_ids) in watchlist.changes {
            self.pending.push(Action::Emit(Event::Watchlist { online, user_ids }));
        }
        if dropped > 0 {
            let limit = Event::LimitReached(LimitReached::Watchlist { dropped });
            self.pending.push(Action::Emit(limit));
        }
        self.partly(None, kept, lost, message);
    }

    /// Reports a message of which some parts could not be read, if there are any.
    fn partly(&mut self, channel: Option<ChannelName>, kept: u64, lost: u64, message: &str) {
        if lost > 0 {
            self.malformed_in(channel, MalformedReason::Partly { kept, lost }, message);
        }
    }

    fn malformed(&mut self, problem: MalformedReason, message: &str) {
        self.malformed_in(None, problem, message);
    }

    fn malformed_in(
        &mut self,
        channel: Option<ChannelName>,
        problem: MalformedReason,
        message: &str,
    ) {
        self.statistics.malformed += 1;
        let event = Event::Malformed { problem, channel, message: clip(message) };
        self.pending.push(Action::Emit(event));
    }
}

/// The part of the session that a message is for.
pub(super) enum Addressee<'a> {
    Wanted(Key, &'a mut Channel),
    /// A wanted channel whose subscription is made anew with other member data: the events of the
    /// former one are meant, and what the server says of it is not.
    Renewed(Key, &'a mut Channel),
    /// A channel that is not wanted, or not anymore.
    Unwanted,
    /// The message names no channel.
    Nobody,
    /// The channel is not a string.
    Unreadable,
}

/// Why there is no channel that a message is for.
#[derive(Debug, Clone, Copy)]
enum NotFound {
    Unknown,
    Nobody,
    Unreadable,
}

pub(super) fn addressee<'a>(
    channels: &'a mut Channels,
    envelope: &Envelope,
    message: &str,
) -> Addressee<'a> {
    let found = found(channels, envelope, message).map(|found| found.key);
    heard(channels, found)
}

/// Looks up the channel that a message names.
#[inline(always)]
fn found<'a>(
    channels: &'a Channels,
    envelope: &Envelope,
    message: &str,
) -> Result<Found<'a>, NotFound> {
    let token = envelope.channel.ok_or(NotFound::Nobody)?;
    if let Some(name) = token.plain_bytes(message) {
        return channels.find(name).ok_or(NotFound::Unknown);
    }
    let content = token.string(message).ok_or(NotFound::Unreadable)?;
    if envelope::is_plain(content) {
        return channels.find(content.as_bytes()).ok_or(NotFound::Unknown);
    }
    if envelope::has_control(content) {
        return Err(NotFound::Unreadable);
    }
    let name = envelope::unescaped(token.of(message));
    name.and_then(|name| channels.find(name.as_bytes())).ok_or(NotFound::Unknown)
}

/// Returns what a message means to the channel that was looked up.
fn heard(channels: &mut Channels, found: Result<Key, NotFound>) -> Addressee<'_> {
    let key = match found {
        Ok(key) => key,
        Err(NotFound::Unknown) => return Addressee::Unwanted,
        Err(NotFound::Nobody) => return Addressee::Nobody,
        Err(NotFound::Unreadable) => return Addressee::Unreadable,
    };
    let channel = channels.get_mut(key);
    if !channel.is_wanted() {
        Addressee::Unwanted
    } else if channel.is_heard() {
        Addressee::Wanted(key, channel)
    } else if channel.is_renewed() {
        Addressee::Renewed(key, channel)
    } else {
        Addressee::Unwanted
    }
}
