//! Target `model`: the same inputs as those of `session`, against a small model of what must be so
//! after each of them: the connection's state, the wanted channels and how far each one is, what
//! the server was told, who is signed in, and who is present.
//!
//! So that the model stays small, everything is polled after each input, the driver can always
//! write, and of all deadlines only that of the next attempt passes.

mod channels;
mod endpoints;
mod gaps;
mod reference;
mod server_says;
mod sizes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pushest_proto::{Action, AuthorizationSubject, Instant, PresenceChange, Session};

use crate::frame::Frame;
use crate::plan::{Input, Known, Plan, Setting, Step};
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
    now: Instant,
    known: Known,
    /// What each of the requests was for: a channel, or the sign-in.
    subjects: Vec<Option<String>>,
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
            now,
            known: Known::new(),
            subjects: Vec::new(),
            served: BTreeSet::new(),
            told_members: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        let now = if step.stale { Instant::ORIGIN } else { self.now };
        match &step.input {
            Input::Message(_, message) if message.known().is_none() => return,
            Input::Pass(duration) => self.pass(*duration),
            Input::PassToDeadline { .. } => self.pass_to_retry(),
            // The model's driver can always write.
            Input::Writable(_) => {}
            input => {
                if let Some((told, at)) = input.told(&mut self.known, 7, now, self.now) {
                    self.reference.retry_in = self.session.status(self.now).next_retry;
                    let is_taken = self.session.apply(told, at).is_ok();
                    self.expect(input, at, is_taken);
                }
            }
        }
        self.drain();
        self.gaps.retain(|name| self.session.channel(name).is_some());
    }

    /// What the model makes of an input that the session has been told, and whether it agrees with
    /// a refusal.
    fn expect(&mut self, input: &Input, at: Instant, is_taken: bool) {
        let reference = &mut self.reference;
        match input {
            Input::Connect => reference.connect(self.now),
            Input::Disconnect => reference.disconnect(),
            Input::SetEndpoint => reference.set_endpoint(self.now),
            Input::NetworkChange => reference.network_changed(self.now),
            Input::Open(which) => {
                let was_opening = reference.is_opening;
                reference.opened(self.known.is_last(*which));
                if reference.is_opening && !was_opening {
                    self.gaps.opened(self.now);
                }
            }
            Input::Message(which, message) if self.known.is_last(*which) => {
                if reference.is_open() {
                    self.gaps.heard(self.now);
                }
                reference.heard(message.known().expect("others are not told"), self.now);
            }
            Input::Activity if reference.is_open() => self.gaps.heard(self.now),
            Input::Close(which, loss) if self.known.is_last(*which) => {
                reference.lost(loss, self.now);
            }
            Input::Authorization { back, answer } => {
                let place = self.known.request(*back).expect("it was told");
                let (ticket, subject) = (self.known.tickets[place], &self.subjects[place]);
                reference.authorized(ticket, subject.as_deref(), *answer);
            }
            Input::CaughtUp(which, _) if self.known.is_last(*which) && reference.is_open() => {
                self.gaps.caught_up(at);
            }
            Input::WallClock(_) => {
                let was_suspended = self.gaps.wall_clock(self.known.wall_clock(at), at);
                // The network may be another one after that.
                if was_suspended {
                    reference.network_changed(self.now);
                }
            }
            Input::Reading(reading) if reference.is_connected() => {
                self.gaps.reading(*reading, self.now);
            }
            Input::Subscribe(channel, options) => {
                assert_eq!(is_taken, reference.subscribe(channel, options), "subscribe {channel}");
            }
            Input::Unsubscribe(channel) => {
                assert_eq!(is_taken, reference.unsubscribe(channel), "unsubscribe {channel}");
                self.told_members.remove(*channel);
            }
            Input::Retry(channel) => {
                assert_eq!(is_taken, reference.retry(channel), "retry {channel}");
            }
            Input::Trigger(channel, event) => {
                assert_eq!(is_taken, reference.trigger(channel, event), "trigger on {channel}");
            }
            Input::SignIn(data) => {
                assert_eq!(is_taken, reference.sign_in(*data), "sign_in {data:?}");
            }
            Input::Ping => assert_eq!(is_taken, reference.is_connected(), "ping"),
            _ => {}
        }
    }

    /// Time passes: up to the next attempt, if there is one, or before any deadline.
    fn pass(&mut self, duration: Duration) {
        match (self.session.status(self.now).next_retry, self.session.poll_timeout()) {
            (Some(_), _) => self.pass_to_retry(),
            // What has a deadline does not happen, and client events have their second.
            (None, Some(deadline)) if !self.setting.rate_limited => {
                let before = Instant::from_micros(deadline.as_micros() - 1);
                self.now = self.now.max((self.now + duration).min(before));
            }
            (None, _) => {}
        }
    }

    fn pass_to_retry(&mut self) {
        if let Some(pause) = self.session.status(self.now).next_retry {
            self.now += pause;
            self.reference.retried();
        }
    }

    fn drain(&mut self) {
        self.session.handle_timeout(self.now);
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Connect { connection, endpoint } => {
                    self.reference.endpoints.dial(&endpoint);
                    self.known.connections.push(connection);
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
                    self.known.tickets.push(request.ticket);
                    self.subjects.push(subject);
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
        let pause = self.session.status(self.now).next_retry.expect("an attempt that will come");
        assert!(bounds.contains(&pause), "{pause:?}, and not {bounds:?}, after {step:?}");
        self.reference.endpoints.compare(self.session.endpoint());
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
