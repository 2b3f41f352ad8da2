//! What a message is, and which part it concerns.

use alloc::boxed::Box;

use bytes::Bytes;
use bytestring::ByteString;

use super::Session;
use crate::action::Action;
use crate::agenda::Key;
use crate::channel::name::ChannelName;
use crate::connection::Phase;
use crate::event::channel_event::ChannelEvent;
use crate::event::failure::{Answers, ServerError};
use crate::event::{Event, LimitReached, Malformation};
use crate::heartbeat::RoundTrip;
use crate::id::ConnectionId;
use crate::loss::Loss;
use crate::request::Said;
use crate::text::clip;
use crate::timers::Timer;
use crate::wire::decode::{self, Control};
use crate::wire::envelope::{self, Envelope};
use crate::wire::lists::{self, MOST_WATCHED, Watchlist};

impl Session {
    pub(super) fn route(&mut self, connection: ConnectionId, message: Bytes) {
        let message = match ByteString::try_from(message) {
            Ok(message) => message,
            Err(_) => return self.malformed(Malformation::NotUtf8, ""),
        };
        let Ok(envelope) = envelope::scan(&message) else {
            return self.malformed(Malformation::NotAnObject, &message);
        };
        let name = envelope.event.and_then(|token| self.names.name(token, &message));
        let Some(name) = name else {
            return self.malformed(Malformation::NoEvent, &message);
        };
        if let Some(control) = Control::named(name.of(&message)) {
            return self.control(connection, control, &envelope, &message);
        }
        match self.channel_of(&envelope, &message) {
            Addressee::Wanted(key) | Addressee::Renewed(key) => {
                let (channels, mut context) = self.channels();
                channels.tell_gap(key, &mut context);
                let channel = channels.name(key).clone();
                let is_protocol = name.of(&message).starts_with("pusher");
                let event =
                    ChannelEvent::new(channel, message, name, envelope.data, envelope.user_id);
                if channels.is_encrypted(key) && !is_protocol {
                    channels.encrypted(key, event, &mut context);
                    self.statistics.events += 1;
                    return;
                }
                self.statistics.events += 1;
                self.pending.push(Action::Emit(Event::Channel(event)));
            }
            Addressee::Unwanted => self.statistics.unwanted += 1,
            Addressee::Nobody if self.watchlist_event(name.of(&message), &envelope, &message) => {}
            Addressee::Nobody => {
                let event = Event::Unrouted {
                    name: clip(name.of(&message)),
                    message: Box::from(&*message),
                };
                self.pending.push(Action::Emit(event));
            }
            Addressee::Unreadable => self.malformed(Malformation::BadChannel, &message),
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
                    self.malformed(Malformation::Unexpected, message);
                }
                Some(established) => {
                    let lost = established.lost;
                    self.established(connection, established);
                    self.partly(None, 1, lost, message);
                }
                None => self.malformed(Malformation::BadData, message),
            },
            Control::Ping => {
                if self.heartbeat.pong_owed.is_none() {
                    self.heartbeat.pong_owed = Some(self.pending.next_order());
                }
            }
            Control::Pong => self.pong(),
            Control::Error => self.server_error(connection, envelope, message),
            Control::SignedIn => match decode::signed_in(&payload()) {
                Some(signed_in) => {
                    let (user, mut context) = self.user();
                    if user.succeeded(&signed_in.id, &signed_in.user_data, &mut context) {
                        self.channels.signed_in(&signed_in.id, &mut self.pending);
                    }
                    self.partly(None, 1, signed_in.lost, message);
                }
                None => self.malformed(Malformation::BadData, message),
            },
            Control::WatchlistEvents if !self.user.watches() => {
                self.malformed(Malformation::Unexpected, message);
            }
            Control::WatchlistEvents => match lists::watchlist_events(&payload(), MOST_WATCHED) {
                Some(watchlist) => self.watchlist(watchlist, message),
                None => self.malformed(Malformation::BadData, message),
            },
            _ => match self.channel_of(envelope, message) {
                Addressee::Wanted(key) => self.channel_control(key, control, &payload(), message),
                Addressee::Renewed(key) => {
                    self.statistics.unwanted += 1;
                    if let Control::SubscriptionSucceeded | Control::SubscriptionError = control {
                        self.channels.answered_former(key);
                    }
                }
                Addressee::Unwanted => self.statistics.unwanted += 1,
                // Poxa's names no channel (docs/protocol.md#poxa).
                Addressee::Nobody if control == Control::SubscriptionError => {
                    self.nameless_subscription_error(&payload());
                }
                Addressee::Nobody | Addressee::Unreadable => {
                    self.malformed(Malformation::BadChannel, message);
                }
            },
        }
    }

    fn channel_control(&mut self, key: Key, control: Control, payload: &str, message: &str) {
        let (channels, mut context) = self.channels();
        let channel = channels.name(key).clone();
        match control {
            Control::SubscriptionSucceeded => {
                let most = context.config.limits.members;
                let is_presence = channels.is_presence(key);
                let members = if is_presence { lists::members(payload, most) } else { None };
                let read = members.as_ref().map(|list| (list.members.len(), list.lost));
                let round_trip = channels.round_trip(key, context.now);
                let now = context.wall_clock.moment(context.now);
                // Whatever the list looks like, the subscription stands.
                channels.succeeded(key, members, &mut context);
                if let Some(round_trip) = round_trip {
                    self.silence.round_trip(round_trip, now, false);
                }
                match read {
                    Some((kept, lost)) => self.partly(Some(channel), kept as u64, lost, message),
                    None if is_presence => {
                        self.malformed_in(Some(channel), Malformation::BadData, message)
                    }
                    None => {}
                }
            }
            Control::SubscriptionError => {
                let data = decode::error(payload);
                let error = ServerError {
                    code: data.code,
                    message: data.message,
                    channel: Some(channel),
                    answers: Some(Answers::Subscribe),
                    inferred: false,
                };
                if channels.is_unanswered(key) {
                    channels.refused(key, error, context.pending);
                } else {
                    // A subscription that stands does not fall by a second answer.
                    self.report(error);
                }
            }
            Control::MemberAdded => match lists::member(payload) {
                Some((member, lost)) => {
                    channels.joined(key, member, &mut context);
                    self.partly(Some(channel), 1, lost, message);
                }
                None => self.malformed_in(Some(channel), Malformation::BadData, message),
            },
            Control::MemberRemoved => match decode::user_id(payload) {
                Some(id) => channels.left(key, &id, &mut context),
                None => self.malformed_in(Some(channel), Malformation::BadData, message),
            },
            Control::SubscriptionCount => match decode::subscription_count(payload) {
                Some((count, lost)) => {
                    channels.tell_gap(key, &mut context);
                    channels.set_count(key, count);
                    let event = Event::SubscriptionCount { channel: channel.clone(), count };
                    self.pending.push(Action::Emit(event));
                    self.partly(Some(channel), 1, lost, message);
                }
                None => self.malformed_in(Some(channel), Malformation::BadData, message),
            },
            Control::CacheMiss => {
                channels.tell_gap(key, &mut context);
                self.pending.push(Action::Emit(Event::CacheMiss { channel }));
            }
            Control::Established
            | Control::Ping
            | Control::Pong
            | Control::Error
            | Control::SignedIn
            | Control::WatchlistEvents => {
                debug_assert!(false, "these concern no channel");
            }
        }
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

    /// Some servers send `online` and `offline` as events of their own ([protocol,
    /// watchlist](crate::protocol#watchlist)). Answers whether it was one.
    fn watchlist_event(&mut self, name: &str, envelope: &Envelope, message: &str) -> bool {
        let online = match name {
            "online" => true,
            "offline" => false,
            _ => return false,
        };
        let payload = decode::payload(envelope.data, message);
        let Some(watchlist) = lists::watchlist_event(online, &payload, MOST_WATCHED) else {
            return false;
        };
        if self.user.watches() {
            self.watchlist(watchlist, message);
        } else {
            self.malformed(Malformation::Unexpected, message);
        }
        true
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

    /// `pusher:error` is advisory on an established connection, except that it may be all that a
    /// server says about a refused subscription or sign-in ([protocol, refused
    /// subscriptions](crate::protocol#refused-subscriptions)). Instead of `connection_established`
    /// it decides like a close with its code ([protocol, refused before
    /// established](crate::protocol#refused-before-established)): what the server does after it, if
    /// anything, is not waited for.
    fn server_error(&mut self, connection: ConnectionId, envelope: &Envelope, message: &str) {
        let data = decode::error(&decode::payload(envelope.data, message));
        let mut error = ServerError {
            code: data.code,
            message: data.message,
            channel: None,
            answers: None,
            inferred: true,
        };
        if self.connection.phase == Phase::Opening(connection) {
            // Nothing was asked for on this connection that it could answer.
            error.inferred = false;
            let code = error.code.filter(|_| !data.is_status);
            let loss = code.map(|code| Loss::Refused { code, message: error.message.clone() });
            self.report(error);
            if let Some(loss) = loss {
                self.give_up(loss);
            }
            return;
        }
        let mut refused = None;
        match self.channel_of(envelope, message) {
            Addressee::Wanted(key) => {
                error.inferred = false;
                error.channel = Some(self.channels.name(key).clone());
                refused = Some(key).filter(|key| self.channels.is_unanswered(*key));
            }
            _ if data.code == Some(4301) => {
                if let Some((channel, event)) = self.sent.refused(&error.message) {
                    error.channel = Some(channel);
                    error.answers = Some(Answers::ClientEvent { event });
                }
            }
            // These are about the connection and about the watchlist.
            _ if matches!(data.code, Some(4000..=4008 | 4010..=4299 | 4302)) => {}
            Addressee::Nobody => refused = self.unanswered(&mut error),
            Addressee::Renewed(_) | Addressee::Unwanted | Addressee::Unreadable => {}
        }
        if let Some(key) = refused {
            error.channel = Some(self.channels.name(key).clone());
            error.answers = Some(Answers::Subscribe);
        }
        error.inferred &= error.answers.is_some();
        self.report(error.clone());
        if let Some(key) = refused {
            self.channels.refused(key, error, &mut self.pending);
        } else if error.answers == Some(Answers::SignIn) {
            let (user, mut context) = self.user();
            user.tell(Said::Refused(error), &mut context);
        }
    }

    /// It can only be about the subscription that is unanswered, if there is just one.
    fn nameless_subscription_error(&mut self, payload: &str) {
        let data = decode::error(payload);
        let refused = self.channels.only_unanswered();
        let error = ServerError {
            code: data.code,
            message: data.message,
            channel: refused.map(|key| self.channels.name(key).clone()),
            answers: refused.map(|_| Answers::Subscribe),
            inferred: refused.is_some(),
        };
        self.report(error.clone());
        if let Some(key) = refused {
            self.channels.refused(key, error, &mut self.pending);
        }
    }

    fn report(&mut self, error: ServerError) {
        self.connection.last_error = Some(error.clone());
        let event = Event::ServerError(error);
        self.pending.push(Action::Emit(event));
    }

    /// What an error that names nothing is about: the unanswered channel that its message names,
    /// else the only thing that is unanswered.
    fn unanswered(&self, error: &mut ServerError) -> Option<Key> {
        if let Some(key) = self.channels.named_in(&error.message) {
            // A channel that waits for no answer is not refused, and neither is another one.
            return Some(key).filter(|key| self.channels.is_unanswered(*key));
        }
        if !self.user.request().is_unanswered() {
            return self.channels.only_unanswered();
        }
        let text = error.message.to_ascii_lowercase();
        let speaks_of_it = ["signin", "sign in", "sign-in", "user_data", "user data"]
            .iter()
            .any(|words| text.contains(words));
        if speaks_of_it || self.channels.unanswered() == 0 {
            error.answers = Some(Answers::SignIn);
        }
        None
    }

    pub(super) fn channel_of(&self, envelope: &Envelope, message: &str) -> Addressee {
        let Some(token) = envelope.channel else {
            return Addressee::Nobody;
        };
        let Some(content) = token.string(message).filter(|_| !token.control) else {
            return Addressee::Unreadable;
        };
        let key = if token.escaped {
            let name = envelope::unescaped(token.of(message));
            name.and_then(|name| self.channels.wanted_key(&name))
        } else {
            self.channels.wanted_key(content)
        };
        match key {
            Some(key) if self.channels.is_heard(key) => Addressee::Wanted(key),
            Some(key) if self.channels.is_renewed(key) => Addressee::Renewed(key),
            _ => Addressee::Unwanted,
        }
    }

    /// The message was understood, but for some of its parts, if there are any.
    fn partly(&mut self, channel: Option<ChannelName>, kept: u64, lost: u64, message: &str) {
        if lost > 0 {
            self.malformed_in(channel, Malformation::Partly { kept, lost }, message);
        }
    }

    fn malformed(&mut self, problem: Malformation, message: &str) {
        self.malformed_in(None, problem, message);
    }

    fn malformed_in(&mut self, channel: Option<ChannelName>, problem: Malformation, message: &str) {
        let event = Event::Malformed { problem, channel, message: clip(message) };
        self.pending.push(Action::Emit(event));
    }
}

/// Whom a message is for.
pub(super) enum Addressee {
    Wanted(Key),
    /// A wanted channel whose subscription is made anew with other member data: the events of the
    /// former one are meant, and what the server says of it is not.
    Renewed(Key),
    /// A channel that is not wanted, or not anymore.
    Unwanted,
    /// The message names no channel.
    Nobody,
    /// The channel is not a string.
    Unreadable,
}
