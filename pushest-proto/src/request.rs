//! The one machine for "ask for an authorization, send, wait for the answer, pause, again": that of
//! each subscription, and that of the sign-in.
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
//! where it is looked at again. While a connection is established, what rests in `Idle` is what
//! nobody wants, and what has failed for longer than the connection.
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
use crate::auth::request::{Authorization, AuthorizationRequest, AuthorizationSubject, Denied};
use crate::backoff::Backoff;
use crate::context::Context;
use crate::event::Event;
use crate::event::failure::{RequestFailure, ServerError};
use crate::memory::allocation;
use crate::order::Order;

/// A `Retry-After` beyond this is taken as this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How far a request is on the present connection.
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

/// What a request is told.
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
    Denied(Denied),
    /// The authorization is not to be had at the moment.
    Unavailable(Denied),
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

impl From<Result<Authorization, Denied>> for Said {
    fn from(answer: Result<Authorization, Denied>) -> Self {
        match answer {
            Ok(granted) => Self::Granted(Box::new(granted)),
            Err(denied @ Denied::Refused { .. }) => Self::Denied(denied),
            Err(denied @ Denied::Unavailable { .. }) => Self::Unavailable(denied),
        }
    }
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Next {
    Nothing,
    /// It waits for nothing.
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
    /// After this number of frames without an answer it has failed.
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

/// How far something is for which the server is asked once a connection.
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

    /// Whether the server was asked and has not answered.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.step, Step::Sent)
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.step, Step::Done | Step::Rekeying)
    }

    /// Whether it is under way, or done: asked for again, it goes on.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.step, Step::Idle | Step::Pausing | Step::Failed)
    }

    /// Number of frames that went out and were not answered, since it was begun.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    pub(crate) fn failure(&self) -> Option<&RequestFailure> {
        self.failure.as_deref()
    }

    /// The size of its frame, if that is unanswered.
    pub(crate) fn unanswered_bytes(&self) -> Option<usize> {
        self.is_unanswered().then_some(self.frame_bytes)
    }

    /// Whether the frame was unanswered at the last close with 1009, too.
    pub(crate) fn is_suspect(&self) -> bool {
        self.is_suspect
    }

    /// The server closed the connection with 1009: if the frame is unanswered, it may be for that.
    pub(crate) fn suspect_if_unanswered(&mut self) {
        self.is_suspect |= self.is_unanswered();
    }

    pub(crate) fn forget_suspicion(&mut self) {
        self.is_suspect = false;
    }

    /// What it keeps alive, in bytes.
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
        match (core::mem::take(&mut self.step), said) {
            (Step::Idle | Step::Pausing | Step::Failed, Said::Wanted)
            | (Step::Pausing | Step::Failed, Said::Retried)
            | (_, Said::Changed) => self.begin(),
            // C9: a final failure outlasts its connection in `Idle`, where no turn comes for it.
            (Step::Idle, Said::Retried) if self.failure.is_some() => self.begin(),
            (_, Said::Unwanted) => {
                self.begin();
                Next::Rest
            }
            // C9: the only way out of `Idle` for what was wanted without a connection, or lost one.
            (Step::Idle, Said::Connected) if self.failure.is_none() => Next::Queue,

            (Step::Idle, Said::Turn { .. }) if !rules.asks => self.send(None),
            (Step::Ready(granted), Said::Turn { .. }) => self.send(Some(granted)),
            (Step::Idle, Said::Turn { has_room: true, .. }) => self.ask(Step::Authorizing),
            (Step::Rekeying, Said::Turn { has_room: true, .. }) => self.ask(Step::Rekeying),
            // C9: it was taken from what is due, so that it has to be put where turns are kept.
            (step @ (Step::Idle | Step::Rekeying), Said::Turn { order, has_room: false }) => {
                self.step = step;
                Next::WaitForTurn(order)
            }

            (Step::Authorizing, Said::Granted(granted)) => {
                self.step = Step::Ready(granted);
                Next::Queue
            }
            (Step::Authorizing, Said::Denied(denied)) => self.fail(RequestFailure::Denied(denied)),
            (Step::Authorizing, Said::Unavailable(denied)) => self.unavailable(denied, backoff),
            // C9: an authorizer that never answers is one that is out of order.
            (Step::Authorizing, Said::TimeUp) => {
                let denied = Denied::unavailable(None, "no answer within the timeout");
                self.unavailable(denied, backoff)
            }

            (Step::Sent, Said::Refused(error)) => self.fail(RequestFailure::Refused(error)),
            (Step::Sent, Said::TooLarge) => {
                self.fail(RequestFailure::TooLarge { bytes: self.frame_bytes })
            }
            // C9: a server that never answers is asked again, and then it is a failure.
            (Step::Sent, Said::TimeUp) if self.tries < rules.tries => {
                self.step = Step::Pausing;
                Next::Pause { delay: backoff.delay_of(self.tries), news: None }
            }
            (Step::Sent, Said::TimeUp) => self.fail(RequestFailure::NoAnswer),
            // C9: each pause ends in another try.
            (Step::Pausing, Said::TimeUp) => Next::Queue,

            (step @ (Step::Done | Step::Rekeying), Said::Confirmed) => {
                self.step = step;
                Next::Nothing
            }
            // A confirmation that comes late is one: the server has it that way.
            (_, Said::Confirmed) => self.succeed(),
            (Step::Done, Said::KeyOutdated) => {
                self.step = Step::Rekeying;
                Next::Queue
            }
            (Step::Rekeying, Said::Granted(granted)) => self.rekeyed(Some(granted)),
            // It stands without it, and nothing waits for an answer that does not come (C9).
            (Step::Rekeying, Said::Denied(_) | Said::Unavailable(_) | Said::TimeUp) => {
                self.rekeyed(None)
            }

            // C9: everything begins anew on the next connection, except what would fail again.
            (_, Said::Lost) => {
                self.failure.take_if(|failure| !failure.is_final());
                self.tries = 0;
                self.authorizations = 0;
                Next::Rest
            }
            (step, _) => {
                self.step = step;
                Next::Nothing
            }
        }
    }

    /// Whatever happened to it before no longer counts.
    fn begin(&mut self) -> Next {
        *self = Self::default();
        Next::Queue
    }

    fn ask(&mut self, step: Step) -> Next {
        self.step = step;
        self.authorizations += 1;
        Next::Ask
    }

    fn send(&mut self, granted: Option<Box<Authorization>>) -> Next {
        self.step = Step::Sent;
        self.tries += 1;
        Next::Send(granted)
    }

    fn succeed(&mut self) -> Next {
        self.step = Step::Done;
        self.tries = 0;
        self.failure = None;
        self.is_suspect = false;
        Next::Succeed
    }

    fn rekeyed(&mut self, granted: Option<Box<Authorization>>) -> Next {
        self.step = Step::Done;
        Next::Rekeyed(granted)
    }

    fn fail(&mut self, reason: RequestFailure) -> Next {
        self.step = Step::Failed;
        self.failure = Some(Box::new(reason.clone()));
        Next::Fail(reason)
    }

    /// Not for good. A failure that repeats the last one of this connection is no news.
    fn unavailable(&mut self, denied: Denied, backoff: &mut Backoff) -> Next {
        self.step = Step::Pausing;
        let at_least = match &denied {
            Denied::Unavailable { retry_after, .. } => retry_after.unwrap_or_default(),
            Denied::Refused { .. } => Duration::ZERO,
        };
        // No `Retry-After`, however long, takes a channel away for good. The jitter comes on top:
        // clients that were told the same pause must not come back at the same time.
        let delay = at_least.min(LONGEST_RETRY_AFTER) + backoff.delay_of(self.authorizations);
        let is_news = self.last_unavailable().is_none_or(|last| !denied.repeats(last));
        let reason = RequestFailure::AuthorizationUnavailable(denied);
        self.failure = Some(Box::new(reason.clone()));
        Next::Pause { delay, news: is_news.then_some(reason) }
    }

    fn last_unavailable(&self) -> Option<&Denied> {
        match self.failure.as_deref() {
            Some(RequestFailure::AuthorizationUnavailable(denied)) => Some(denied),
            _ => None,
        }
    }

    /// Whether it would be forgotten if it were in no place of the agenda.
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
            Self::Queue if context.wire.is_none() => {}
            Self::Queue => agenda.queue(key, context.pending.next_order()),
            Self::WaitForTurn(order) => agenda.wait_for_turn(key, order),
            Self::Ask => action = ask(subject, key, agenda, context),
            Self::Send(granted) => {
                let text = subject.frame(granted, context);
                subject.request().frame_bytes = text.len();
                agenda.wake_at(key, context.now + context.config.timeouts.subscribe);
                let connection = context.wire?.connection;
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

fn ask(
    subject: &mut impl Subject,
    key: Key,
    agenda: &mut Agenda,
    context: &mut Context<'_>,
) -> Option<Action> {
    // Turns come while a connection is established.
    let wire = context.wire?;
    let ticket = context.next_ticket(wire.connection);
    agenda.fly(key, ticket, context.now + context.config.timeouts.authorization);
    let authorization_subject = subject.authorization_subject();
    let request = subject.request();
    Some(Action::Authorize(AuthorizationRequest {
        ticket,
        socket_id: wire.socket_id.clone(),
        subject: authorization_subject,
        attempt: request.authorizations,
        last_failure: request.last_unavailable().cloned(),
    }))
}

#[cfg(test)]
mod tests;
