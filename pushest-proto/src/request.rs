//! The one state machine that asks for an authorization, sends, waits for the answer and tries
//! again after a pause: of each subscription, and of the sign-in.
//!
//! A [`Request`] is told what happened ([`Said`]), goes to another [`Step`], and says what is to be
//! done ([`Next`]), which [`Next::carry_out`] does. What it is for ([`Subject`]) knows the frame and
//! the events; how the two kinds of requests differ otherwise stands in their [`Rules`].
//!
//! # The table
//!
//! What no row names stays at its step, and nothing is done.
//!
//! | step | told | if | becomes | next |
//! |---|---|---|---|---|
//! | `Idle`, `Pausing`, `Failed` | `Wanted` | | `Idle` | `Queue` |
//! | any | `Changed` | | `Idle` | `Queue` |
//! | `Idle` | `Retried` | a failure | `Idle` | `Queue` |
//! | `Pausing`, `Failed` | `Retried` | | `Idle` | `Queue` |
//! | any | `Unwanted` | | `Idle` | `Rest` |
//! | `Idle` | `Connected` | no failure | `Idle` | `Queue` |
//! | `Idle` | `Turn` | signs | `Sent` | `Send` |
//! | `Idle` | `Turn` | asks, room | `Authorizing` | `Ask` |
//! | `Idle` | `Turn` | asks, no room | `Idle` | `WaitForTurn` |
//! | `Authorizing` | `Granted` | | `Ready` | `Queue` |
//! | `Authorizing` | `Denied` | | `Failed` | `Fail` |
//! | `Authorizing` | `Unavailable`, `TimeUp` | | `Pausing` | `Pause` |
//! | `Ready` | `Turn` | | `Sent` | `Send` |
//! | `Sent` | `Refused`, `TooLarge` | | `Failed` | `Fail` |
//! | `Sent` | `TimeUp` | tries left | `Pausing` | `Pause` |
//! | `Sent` | `TimeUp` | no tries left | `Failed` | `Fail` |
//! | `Pausing` | `TimeUp` | | `Idle` | `Queue` |
//! | any but `Done`, `Rekeying` | `Confirmed` | | `Done` | `Succeed` |
//! | `Done` | `KeyOutdated` | | `Rekeying` | `Queue` |
//! | `Rekeying` | `Turn` | room | `Rekeying` | `Ask` |
//! | `Rekeying` | `Turn` | no room | `Rekeying` | `WaitForTurn` |
//! | `Rekeying` | `Granted`, `Denied`, `Unavailable`, `TimeUp` | | `Done` | `Rekeyed` |
//! | any | `Lost` | | `Idle` | `Rest` |
//!
//! # Why none is forgotten (contract, C9)
//!
//! Each step is left by itself, or is an end: the [`Next`] that leads to it puts the request to
//! where it is looked at again. While a connection is established, what rests in `Idle` is not
//! wanted, or has failed for longer than the connection.
//!
//! | step | is left by | so it is reached with |
//! |---|---|---|
//! | `Idle` | its turn; without a connection, the next one | `Queue`, `WaitForTurn`, `Rest` |
//! | `Authorizing` | an answer, or its deadline | `Ask` |
//! | `Ready` | its turn | `Queue` |
//! | `Sent` | an answer, or its deadline | `Send` |
//! | `Pausing` | its deadline | `Pause` |
//! | `Done` | nothing: it has succeeded | `Succeed`, `Rekeyed` |
//! | `Rekeying` | its turn, then an answer, or its deadline | `Queue`, `Ask`, `WaitForTurn` |
//! | `Failed` | nothing: the failure was told | `Fail` |

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use crate::action::{Action, Frame};
use crate::agenda::{Agenda, Key};
use crate::auth::request::{
    Authorization, AuthorizationError, AuthorizationRequest, AuthorizationSubject,
};
use crate::backoff::Backoff;
use crate::context::Context;
use crate::event::Event;
use crate::event::failure::{RequestFailure, ServerError};
use crate::memory::allocation;
use crate::order::Order;

/// Maximum pause that a `Retry-After` can ask for; a longer one is cut to this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The state of a request on the present connection.
#[derive(Debug, Default)]
pub(crate) enum Step {
    /// Nothing is under way. With a connection, it is due if it is wanted.
    #[default]
    Idle,
    /// An authorization was asked for.
    Authorizing,
    /// The authorization is there, and the frame waits to be polled.
    Ready(Box<Authorization>),
    /// The frame was polled, and the server has not answered.
    Sent,
    /// The last try failed, and the next one has its time.
    Pausing,
    /// The server has confirmed.
    Done,
    /// It has, and what came with the authorization has to be asked for anew.
    Rekeying,
    /// Nothing more is tried on this connection.
    Failed,
}

/// An input of a request.
#[derive(Debug)]
pub(crate) enum Said {
    /// The user wants it, as before.
    Wanted,
    /// The user wants it with other data.
    Changed,
    /// The user wants it to be tried again if it has failed.
    Retried,
    Unwanted,
    /// There is a connection that it can be sent on.
    Connected,
    /// It was due, with this place among the causes.
    Turn {
        order: Order,
        /// One more authorization may be asked for.
        has_room: bool,
    },
    /// A usable authorization is there.
    Granted(Box<Authorization>),
    /// The authorization is refused for good.
    Denied(AuthorizationError),
    /// The authorization is not to be had at the moment.
    Unavailable(AuthorizationError),
    Confirmed,
    /// The server refused.
    Refused(ServerError),
    /// The server does not read a frame of this size.
    TooLarge,
    /// Its deadline has come.
    TimeUp,
    /// What came with the authorization is no longer valid.
    KeyOutdated,
    /// The connection is gone.
    Lost,
}

impl From<Result<Authorization, AuthorizationError>> for Said {
    fn from(answer: Result<Authorization, AuthorizationError>) -> Self {
        match answer {
            Ok(granted) => Self::Granted(Box::new(granted)),
            Err(denied @ AuthorizationError::Refused { .. }) => Self::Denied(denied),
            Err(denied @ AuthorizationError::Unavailable { .. }) => Self::Unavailable(denied),
        }
    }
}

/// The next thing to do for a request.
#[derive(Debug)]
pub(crate) enum Next {
    Nothing,
    /// Nothing: it waits for nothing.
    Rest,
    /// It is due, behind everything that is so already.
    Queue,
    /// It is due in the place that it had, once there is room for one more authorization.
    WaitForTurn(Order),
    Ask,
    /// The frame goes out: with this authorization, or with none, or one of our own.
    Send(Option<Box<Authorization>>),
    /// It waits; of what failed only news is told.
    Pause {
        delay: Duration,
        news: Option<RequestFailure>,
    },
    Succeed,
    /// The authorization is there once more, or will not come.
    Rekeyed(Option<Box<Authorization>>),
    Fail(RequestFailure),
}

/// How kinds of requests differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Authorizations are asked for; otherwise none is needed, or the session signs.
    pub(crate) asks: bool,
    /// Maximum number of frames without an answer, after which it has failed.
    pub(crate) tries: u32,
}

/// What a request is for.
pub(crate) trait Subject {
    fn request(&mut self) -> &mut Request;
    fn authorization_subject(&self) -> AuthorizationSubject;
    /// Writes the frame. Without an authorization, none is needed, or the session signs.
    fn frame(&mut self, granted: Option<Box<Authorization>>, context: &mut Context<'_>) -> String;
    fn failed(&self, reason: RequestFailure, retry_in: Option<Duration>) -> Event;
}

/// Something that the server is asked for once a connection.
#[derive(Debug, Default)]
pub(crate) struct Request {
    step: Step,
    /// Number of frames that went out and were not answered, since it was begun.
    tries: u32,
    /// Number of authorizations that were asked for, since it was begun.
    authorizations: u32,
    /// Why it failed, or why the last try did. A final failure outlasts the connection.
    failure: Option<Box<RequestFailure>>,
    /// The size of the frame that went out last.
    frame_bytes: usize,
    /// Its frame was unanswered when the server last closed a connection with 1009.
    is_suspect: bool,
}

impl Request {
    pub(crate) fn step(&self) -> &Step {
        &self.step
    }

    /// Returns whether the server was asked and has not answered.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.step, Step::Sent)
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.step, Step::Done | Step::Rekeying)
    }

    /// Returns whether an authorization is waited for.
    pub(crate) fn is_authorizing(&self) -> bool {
        matches!(self.step, Step::Authorizing | Step::Rekeying)
    }

    /// Returns whether it is under way, or done, so that another request for the same changes
    /// nothing.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.step, Step::Idle | Step::Pausing | Step::Failed)
    }

    /// Returns the number of frames that went out and were not answered, since it was begun.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    pub(crate) fn failure(&self) -> Option<&RequestFailure> {
        self.failure.as_deref()
    }

    /// Returns the size of its frame, if that is unanswered.
    pub(crate) fn unanswered_bytes(&self) -> Option<usize> {
        self.is_unanswered().then_some(self.frame_bytes)
    }

    /// Returns whether the frame was unanswered at the last close with 1009, too.
    pub(crate) fn is_suspect(&self) -> bool {
        self.is_suspect
    }

    /// Marks the frame as a suspect for a close with 1009, if it is unanswered.
    pub(crate) fn suspect_if_unanswered(&mut self) {
        self.is_suspect |= self.is_unanswered();
    }

    pub(crate) fn forget_suspicion(&mut self) {
        self.is_suspect = false;
    }

    /// Returns what it keeps alive, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let authorization = match &self.step {
            Step::Ready(granted) => allocation(size_of::<Authorization>()) + granted.heap_bytes(),
            _ => 0,
        };
        let failure = self.failure.as_deref();
        authorization
            + failure.map_or(0, |it| allocation(size_of::<RequestFailure>()) + it.content_bytes())
    }

    /// Goes to the next step, by the table of this module.
    pub(crate) fn on(&mut self, said: Said, rules: Rules, backoff: &mut Backoff) -> Next {
        use Step::{Authorizing, Done, Failed, Idle, Pausing, Ready, Rekeying, Sent};
        match (core::mem::take(&mut self.step), said) {
            (Idle | Pausing | Failed, Said::Wanted) | (_, Said::Changed) => self.begin(Next::Queue),
            // C9: a final failure outlasts its connection in `Idle`, where no turn comes for it.
            (Idle, Said::Retried) if self.failure.is_some() => self.begin(Next::Queue),
            (Pausing | Failed, Said::Retried) => self.begin(Next::Queue),
            (_, Said::Unwanted) => self.begin(Next::Rest),
            // C9: the way out of `Idle` for what was wanted without a connection, or has lost one.
            (Idle, Said::Connected) if self.failure.is_none() => Next::Queue,

            (Idle, Said::Turn { .. }) if !rules.asks => self.send(None),
            (Idle, Said::Turn { has_room: true, .. }) => self.ask(Authorizing),
            // C9: it was taken from what is due, so that it has to be put where turns are kept.
            (Idle, Said::Turn { order, .. }) => Next::WaitForTurn(order),
            (Authorizing, Said::Granted(granted)) => self.at(Ready(granted), Next::Queue),
            (Authorizing, Said::Denied(denied)) => {
                self.fail(RequestFailure::AuthorizationRefused(denied))
            }
            (Authorizing, Said::Unavailable(denied)) => self.unavailable(denied, backoff),
            // C9: an authorizer that does not answer is asked again.
            (Authorizing, Said::TimeUp) => self.unavailable(no_answer(), backoff),
            (Ready(granted), Said::Turn { .. }) => self.send(Some(granted)),

            (Sent, Said::Refused(error)) => self.fail(RequestFailure::Refused(error.into())),
            (Sent, Said::TooLarge) => self.fail_for_size(),
            // C9: a server that does not answer is asked again, and in the end it is a failure.
            (Sent, Said::TimeUp) if self.tries < rules.tries => self.pause(backoff),
            (Sent, Said::TimeUp) => self.fail(RequestFailure::NoAnswer),
            // C9: each pause ends in another try.
            (Pausing, Said::TimeUp) => Next::Queue,
            // However late it comes, the server has it that way.
            (Idle | Authorizing | Ready(_) | Sent | Pausing | Failed, Said::Confirmed) => {
                self.succeed()
            }

            (Done, Said::KeyOutdated) => self.at(Rekeying, Next::Queue),
            (Rekeying, Said::Turn { has_room: true, .. }) => self.ask(Rekeying),
            // C9: as for `Idle`; what waits for the key would be held forever.
            (Rekeying, Said::Turn { order, .. }) => self.at(Rekeying, Next::WaitForTurn(order)),
            (Rekeying, Said::Granted(granted)) => self.at(Done, Next::Rekeyed(Some(granted))),
            // C9: the subscription stands without, and nothing waits for what does not come.
            (Rekeying, Said::Denied(_) | Said::Unavailable(_) | Said::TimeUp) => {
                self.at(Done, Next::Rekeyed(None))
            }
            // C9: everything begins anew on the next connection, but for what would fail again.
            (_, Said::Lost) => self.lose(),
            (step, _) => self.at(step, Next::Nothing),
        }
    }

    fn at(&mut self, step: Step, next: Next) -> Next {
        self.step = step;
        next
    }

    /// Begins anew: what happened before no longer counts.
    fn begin(&mut self, next: Next) -> Next {
        *self = Self::default();
        next
    }

    fn ask(&mut self, step: Step) -> Next {
        self.authorizations += 1;
        self.at(step, Next::Ask)
    }

    fn send(&mut self, granted: Option<Box<Authorization>>) -> Next {
        self.tries += 1;
        self.at(Step::Sent, Next::Send(granted))
    }

    fn pause(&mut self, backoff: &mut Backoff) -> Next {
        let delay = backoff.delay_of(self.tries);
        self.at(Step::Pausing, Next::Pause { delay, news: None })
    }

    fn succeed(&mut self) -> Next {
        let authorizations = self.authorizations;
        *self = Self { step: Step::Done, authorizations, ..Self::default() };
        Next::Succeed
    }

    fn lose(&mut self) -> Next {
        let failure = self.failure.take().filter(|failure| failure.is_final());
        *self = Self { failure, is_suspect: self.is_suspect, ..Self::default() };
        Next::Rest
    }

    fn fail(&mut self, reason: RequestFailure) -> Next {
        self.failure = Some(Box::new(reason.clone()));
        self.at(Step::Failed, Next::Fail(reason))
    }

    fn fail_for_size(&mut self) -> Next {
        self.fail(RequestFailure::TooLarge { bytes: self.frame_bytes })
    }

    /// Pauses after an authorization that is unavailable. A failure that repeats the last one of
    /// this connection is not reported again.
    fn unavailable(&mut self, denied: AuthorizationError, backoff: &mut Backoff) -> Next {
        let at_least = match &denied {
            AuthorizationError::Unavailable { retry_after, .. } => retry_after.unwrap_or_default(),
            AuthorizationError::Refused { .. } => Duration::ZERO,
        };
        // No `Retry-After`, however long, takes a channel away for good. The jitter comes on top:
        // clients that were told the same pause must not come back at the same time.
        let delay = at_least.min(LONGEST_RETRY_AFTER) + backoff.delay_of(self.authorizations);
        let is_news = self.last_unavailable().is_none_or(|last| !denied.repeats(last));
        let reason = RequestFailure::AuthorizationUnavailable(denied);
        self.failure = Some(Box::new(reason.clone()));
        self.at(Step::Pausing, Next::Pause { delay, news: is_news.then_some(reason) })
    }

    fn last_unavailable(&self) -> Option<&AuthorizationError> {
        match self.failure.as_deref() {
            Some(RequestFailure::AuthorizationUnavailable(denied)) => Some(denied),
            _ => None,
        }
    }

    /// Returns whether it would be forgotten if it were in no place of the agenda.
    fn waits(&self) -> bool {
        !matches!(self.step, Step::Idle | Step::Done | Step::Failed)
    }
}

impl Next {
    /// Puts the request where it is looked at again, and reports its failure. Returns the frame, or
    /// the request for an authorization.
    pub(crate) fn carry_out(
        self,
        subject: &mut impl Subject,
        key: Key,
        agenda: &mut Agenda,
        context: &mut Context<'_>,
    ) -> Option<Action> {
        if matches!(self, Self::Nothing) {
            return None;
        }
        // Whatever it has waited for, it waits for no longer.
        if let Some(ticket) = agenda.remove(key) {
            context.pending.abandon(ticket);
        }
        let mut action = None;
        match self {
            Self::Nothing | Self::Rest | Self::Succeed | Self::Rekeyed(_) => {}
            // Without a connection, the next one makes it due.
            Self::Queue if context.established.is_none() => {}
            Self::Queue => agenda.queue(key, context.pending.next_order()),
            Self::WaitForTurn(order) => agenda.wait_for_turn(key, order),
            Self::Ask => action = ask(subject, key, agenda, context),
            Self::Send(granted) => {
                let text = subject.frame(granted, context);
                subject.request().frame_bytes = text.len();
                agenda.wake_at(key, context.now + context.config.timeouts.subscribe);
                let connection = context.established?.connection;
                action = Some(Action::Send(Frame { connection, text }));
            }
            Self::Pause { delay, news } => {
                agenda.wake_at(key, context.now + delay);
                if let Some(reason) = news {
                    context.pending.keep(subject.failed(reason, Some(delay)));
                }
            }
            Self::Fail(reason) => context.pending.keep(subject.failed(reason, None)),
        }
        debug_assert!(!subject.request().waits() || agenda.has(key), "C9: it would be forgotten");
        action
    }
}

fn no_answer() -> AuthorizationError {
    AuthorizationError::unavailable(None, "no answer within the timeout")
}

fn ask(
    subject: &mut impl Subject,
    key: Key,
    agenda: &mut Agenda,
    context: &mut Context<'_>,
) -> Option<Action> {
    // Turns come while a connection is established.
    let established = context.established?;
    let ticket = context.next_ticket(established.connection);
    agenda.fly(key, ticket, context.now + context.config.timeouts.authorization);
    context.statistics.authorizations += 1;
    let authorization_subject = subject.authorization_subject();
    let request = subject.request();
    Some(Action::Authorize(AuthorizationRequest {
        ticket,
        socket_id: established.socket_id.clone(),
        subject: authorization_subject,
        attempt: request.authorizations,
        last_failure: request.last_unavailable().cloned().map(Box::new),
    }))
}

#[cfg(test)]
mod tests;
