//! Target `model`: the same inputs as those of `session`, against a small model of what must be so
//! after each of them: the connection's state, the wanted channels and how far each one is, what
//! the server was told, who is signed in, and who is present.
//!
//! So that the model stays small, everything is polled after each input, the driver can always
//! write, and of all deadlines only that of the next attempt passes.

mod channels;
mod gaps;
mod reference;
mod server_says;
mod sizes;

use std::collections::{BTreeMap, BTreeSet};

use pushest_proto::{
    Action, AuthorizationSubject, ConnectionId, Endpoint, Instant, PresenceChange, Session, Ticket,
};

use crate::frame::Frame;
use crate::plan::{Input, Plan, Setting, Step, Wall, Which};
use crate::session::authorization;
use gaps::Gaps;
use reference::Reference;

/// Checks one input.
///
/// # Panics
/// If the session and the model differ.
pub fn check(bytes: &[u8]) {
    let plan = Plan::read(bytes);
    let mut pair = Pair::new(plan.setting);
    for step in &plan.steps {
        pair.step(step);
        pair.compare(step);
        pair.compare_pause(step);
    }
}

struct Pair {
    session: Session,
    reference: Reference,
    setting: Setting,
    gaps: Gaps,
    wall: Wall,
    now: Instant,
    connections: Vec<ConnectionId>,
    /// The requests so far, and what each was for.
    tickets: Vec<(Ticket, Option<String>)>,
    /// The subscriptions of the present connection as the server sees them.
    served: BTreeSet<String>,
    /// Members as the updates tell them.
    told_members: BTreeMap<String, BTreeMap<String, Option<String>>>,
}

impl Pair {
    fn new(setting: Setting) -> Self {
        let now = Instant::from_micros(1_000_000);
        Self {
            session: Session::new(setting.config(), setting.seed, now),
            reference: Reference::new(setting),
            setting,
            gaps: Gaps::default(),
            wall: Wall::new(),
            now,
            connections: Vec::new(),
            tickets: Vec::new(),
            served: BTreeSet::new(),
            told_members: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        let now = if step.stale { Instant::ORIGIN } else { self.now };
        let (session, reference) = (&mut self.session, &mut self.reference);
        match &step.input {
            Input::Connect => {
                session.connect(now);
                reference.connect();
            }
            Input::Disconnect => {
                session.disconnect(now);
                reference.disconnect();
            }
            Input::SetEndpoint => {
                session.set_endpoint(Endpoint::host("elsewhere").expect("a host"), now);
                reference.set_endpoint();
            }
            Input::Open(which) => {
                if let Some((connection, is_last)) = self.connection(*which) {
                    self.session.handle_open(connection, now);
                    let was_opening = self.reference.is_opening;
                    self.reference.opened(is_last);
                    if self.reference.is_opening && !was_opening {
                        self.gaps.opened(self.now);
                    }
                }
            }
            Input::Message(which, message) => {
                if let Some((connection, is_last)) = self.connection(*which) {
                    let Some(heard) = message.known() else { return };
                    self.session.handle_message(connection, message.written(7).into(), now);
                    if is_last {
                        if self.reference.is_open() {
                            self.gaps.heard(self.now);
                        }
                        self.reference.heard(heard);
                    }
                }
            }
            Input::Activity => {
                if let Some((connection, _)) = self.connection(Which::Last) {
                    self.session.handle_activity(connection, now);
                    if self.reference.is_open() {
                        self.gaps.heard(self.now);
                    }
                }
            }
            Input::Close(which, loss) => {
                if let Some((connection, is_last)) = self.connection(*which) {
                    self.session.handle_close(connection, loss.clone(), now);
                    if is_last {
                        self.reference.lost(loss);
                    }
                }
            }
            Input::Authorization { back, answer } => {
                let back = usize::from(*back) % self.tickets.len().max(1);
                if let Some((ticket, subject)) = self.tickets.iter().rev().nth(back) {
                    session.handle_authorization(*ticket, authorization(*answer), now);
                    reference.authorized(*ticket, subject.as_deref(), *answer);
                }
            }
            Input::CaughtUp(which, read_at) => {
                if let Some((connection, is_last)) = self.connection(*which) {
                    let at = read_at.at(self.now);
                    self.session.handle_caught_up(connection, at);
                    if is_last && self.reference.is_open() {
                        self.gaps.caught_up(at);
                    }
                }
            }
            Input::WallClock(step) => {
                let unix = self.wall.step(*step, now);
                session.handle_wall_clock(unix, now);
                self.gaps.wall_clock(unix, now);
            }
            Input::Reading(reading) => {
                session.handle_reading(*reading, now);
                if self.reference.is_connected() {
                    self.gaps.reading(*reading, self.now);
                }
            }
            // The model's driver can always write.
            Input::Writable(_) => {}
            Input::NetworkChange => session.handle_network_change(now),
            Input::Timeout => session.handle_timeout(now),
            Input::Subscribe(channel, options) => {
                let is_taken = session.subscribe(channel, options, now).is_ok();
                assert_eq!(is_taken, reference.subscribe(channel, options), "subscribe {channel}");
            }
            Input::Unsubscribe(channel) => {
                let is_taken = session.unsubscribe(channel, now).is_ok();
                assert_eq!(is_taken, reference.unsubscribe(channel), "unsubscribe {channel}");
                self.told_members.remove(*channel);
            }
            Input::Retry(channel) => {
                let is_taken = session.retry(channel, now).is_ok();
                assert_eq!(is_taken, reference.retry(channel), "retry {channel}");
            }
            Input::Trigger(channel, event) => {
                let is_taken = session.trigger(channel, event, &1, now).is_ok();
                assert_eq!(is_taken, reference.trigger(channel, event), "trigger on {channel}");
            }
            Input::SignIn(data) => {
                let is_taken = session.sign_in(*data, now).is_ok();
                assert_eq!(is_taken, reference.sign_in(*data), "sign_in {data:?}");
            }
            Input::Ping => {
                assert_eq!(session.ping(now).is_ok(), reference.is_connected(), "ping");
            }
            Input::Pass(duration) => match (session.status().next_retry, session.poll_timeout()) {
                (Some(retry), _) => {
                    self.now = self.now.max(retry);
                    reference.retried();
                }
                // What has a deadline does not happen, and client events have their second.
                (None, Some(deadline)) if !self.setting.rate_limited => {
                    let before = Instant::from_micros(deadline.as_micros() - 1);
                    self.now = self.now.max((self.now + *duration).min(before));
                }
                (None, _) => {}
            },
            Input::PassToDeadline { .. } => {
                if let Some(retry) = session.status().next_retry {
                    self.now = self.now.max(retry);
                    reference.retried();
                }
            }
            Input::PollOne => {}
        }
        self.drain();
        self.gaps.retain(|name| self.session.channel(name).is_some());
    }

    /// A connection, and whether it is the last one.
    fn connection(&self, which: Which) -> Option<(ConnectionId, bool)> {
        let last = *self.connections.last()?;
        let connection = match which {
            Which::Last => last,
            Which::Former(index) => self.connections[usize::from(index) % self.connections.len()],
        };
        Some((connection, connection == last))
    }

    fn drain(&mut self) {
        self.session.handle_timeout(self.now);
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Connect { connection, .. } => {
                    self.connections.push(connection);
                    self.served.clear();
                }
                Action::Send(frame) => {
                    let bytes = frame.text.len();
                    self.reference.largest_frame = bytes.max(self.reference.largest_frame);
                    match Frame::read(&frame.text) {
                        Frame::Subscribe(channel) => {
                            let index = self.reference.find(&channel).expect("a wanted channel");
                            self.reference.channels[index].frame.bytes = bytes;
                            self.gaps.subscribes(&channel, self.now);
                            self.served.insert(channel);
                        }
                        Frame::Unsubscribe(channel) => {
                            assert!(self.served.remove(&channel), "{channel} was not subscribed");
                            if self.session.channel(&channel).is_some() {
                                self.gaps.renews(&channel, self.now);
                            }
                        }
                        Frame::SignIn => self.reference.user.frame.bytes = bytes,
                        Frame::Ping => self.gaps.sends(self.now),
                        Frame::Other => {}
                    }
                }
                Action::Authorize(request) => {
                    let subject = match &request.subject {
                        AuthorizationSubject::Channel { name, .. } => Some(name.to_string()),
                        AuthorizationSubject::User { .. } => None,
                    };
                    self.reference.asked(request.ticket, subject.as_deref());
                    self.tickets.push((request.ticket, subject));
                }
                Action::UpdatePresence(update) => {
                    let members = self.told_members.entry(update.channel.to_string()).or_default();
                    let (joined, left) = match update.change {
                        PresenceChange::Reset { joined, left } => (joined, left),
                        PresenceChange::Joined(member) => (vec![member], Vec::new()),
                        PresenceChange::Left(member) => (Vec::new(), vec![member]),
                    };
                    for member in left {
                        assert!(members.remove(member.id()).is_some(), "{member:?} was not there");
                    }
                    for member in joined {
                        let info = member.info_json().map(str::to_owned);
                        members.insert(member.id().to_owned(), info);
                    }
                }
                Action::Emit(event) => self.gaps.told(&event, self.now),
                Action::Close { .. } | Action::Abandon(_) => {}
            }
        }
    }

    /// A pause is bounded when it begins; it may be cut short later.
    fn compare_pause(&mut self, step: &Step) {
        let Some(bounds) = self.reference.pause.take() else { return };
        let retry = self.session.status().next_retry.expect("an attempt that will come");
        let pause = retry.saturating_duration_since(self.now);
        assert!(bounds.contains(&pause), "{pause:?}, and not {bounds:?}, after {step:?}");
    }

    fn compare(&self, step: &Step) {
        let (session, reference) = (&self.session, &self.reference);
        assert_eq!(session.state(), reference.state(), "state, after {step:?}");
        assert_eq!(session.signed_in_user(), reference.signed_in_user(), "after {step:?}");
        let wanted: Vec<_> = session
            .wanted_channels()
            .map(|channel| (channel.name().as_str(), channel.state()))
            .collect();
        let expected: Vec<_> = reference.wanted().collect();
        assert_eq!(wanted, expected, "wanted channels, after {step:?}");
        if reference.is_connected() {
            let expected: BTreeSet<_> = reference.told().map(str::to_owned).collect();
            assert_eq!(self.served, expected, "as the server sees it, after {step:?}");
        }
        for channel in session.wanted_channels() {
            let members: BTreeMap<_, _> = channel
                .members()
                .map(|member| (member.id().to_owned(), member.info_json().map(str::to_owned)))
                .collect();
            let name = channel.name().as_str();
            assert_eq!(Some(&members), reference.members(name), "of {name}, after {step:?}");
            let is_known = Some(channel.members_known());
            assert_eq!(is_known, reference.knows_members(name), "of {name}, after {step:?}");
            let told = self.told_members.get(name);
            assert_eq!(members, told.cloned().unwrap_or_default(), "of {name}, as was told");
        }
    }
}
