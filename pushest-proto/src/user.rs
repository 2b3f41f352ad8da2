//! Signing in as a user: once per connection, and again after every reconnect ([protocol,
//! sign-in](crate::protocol#sign-in)).

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use crate::action::{Action, Frame};
use crate::auth::request::{Authorization, AuthorizationRequest, AuthorizationSubject, Denied};
use crate::context::{Context, Wire};
use crate::event::Event;
use crate::event::failure::RequestFailure;
use crate::id::Ticket;
use crate::memory;
use crate::order::Order;
use crate::time::Instant;
use crate::wire::lists::MOST_WATCHED;
use crate::wire::{decode, encode};

/// How far the sign-in is on the present connection.
#[derive(Debug)]
enum Phase {
    /// Nothing has been sent.
    Idle,
    Authorizing(Ticket),
    /// The authorization is there, the frame waits to be polled.
    Authorized(Authorization),
    /// The frame was polled, and the server has not answered.
    SigningIn,
    /// The authorization was not to be had; the next try has its time.
    Pausing,
    SignedIn,
    /// Nothing more is tried on this connection.
    Failed,
}

/// The user that the session signs in as.
#[derive(Debug)]
pub(crate) struct User {
    /// Whether the user wants to be signed in, and with what.
    wanted: bool,
    user_data: Option<String>,
    phase: Phase,
    /// The sign-in's place among what is due, while it is.
    due: Option<Order>,
    deadline: Option<Instant>,
    authorizations: u32,
    /// A failure that outlasts connections.
    denied: bool,
    /// The size of the frame that was sent last.
    frame_bytes: usize,
    /// The user that the frame is about has a watchlist.
    watches: bool,
    /// The frame was unanswered when the server last closed a connection with 1009.
    is_suspect: bool,
    last_failure: Option<Denied>,
    /// The user's id, once the server has confirmed it, on this or a former connection.
    id: Option<Box<str>>,
}

impl User {
    pub(crate) fn new() -> Self {
        Self {
            wanted: false,
            user_data: None,
            phase: Phase::Idle,
            due: None,
            deadline: None,
            authorizations: 0,
            denied: false,
            frame_bytes: 0,
            watches: false,
            is_suspect: false,
            last_failure: None,
            id: None,
        }
    }

    /// The id of the user that is signed in on the present connection.
    pub(crate) fn signed_in(&self) -> Option<&str> {
        self.id.as_deref().filter(|_| matches!(self.phase, Phase::SignedIn))
    }

    /// Whether the server may tell who of the user's watchlist comes and goes: the user has one, be
    /// it by what was sent or by what the server confirmed, and has signed in on this connection.
    /// Sockudo tells of it before it confirms.
    pub(crate) fn watches(&self) -> bool {
        self.watches && matches!(self.phase, Phase::SigningIn | Phase::SignedIn)
    }

    /// What it keeps alive, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let authorized = match &self.phase {
            Phase::Authorized(granted) => granted.heap_bytes(),
            _ => 0,
        };
        let user_data = self.user_data.as_ref().map_or(0, String::capacity);
        memory::allocation(user_data)
            + memory::optional_text(self.id.as_deref())
            + self.last_failure.as_ref().map_or(0, Denied::heap_bytes)
            + authorized
    }

    /// Whether the server has not answered yet.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.phase, Phase::SigningIn)
    }

    pub(crate) fn due_front(&self) -> Option<Order> {
        self.due
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The user wants to be signed in, with this data.
    pub(crate) fn want(
        &mut self,
        data: Option<String>,
        connected: bool,
        context: &mut Context<'_>,
    ) {
        let same = self.wanted && self.user_data == data;
        let is_running = !matches!(self.phase, Phase::Idle | Phase::Failed | Phase::Pausing);
        if same && is_running {
            return;
        }
        self.rest(context);
        self.wanted = true;
        self.user_data = data;
        self.authorizations = 0;
        self.denied = false;
        self.is_suspect = false;
        self.last_failure = None;
        if connected {
            self.due = Some(context.pending.next_order());
        }
    }

    /// The connection was established.
    pub(crate) fn connected(&mut self, context: &mut Context<'_>) {
        if self.wanted && !self.denied {
            self.due = Some(context.pending.next_order());
        }
    }

    /// The connection is gone. A refusal may have been its reason.
    pub(crate) fn lost(&mut self, context: &mut Context<'_>) {
        self.rest(context);
        self.authorizations = 0;
        self.last_failure = None;
    }

    /// What the sign-in needs next.
    pub(crate) fn pop_due(&mut self, wire: Wire<'_>, context: &mut Context<'_>) -> Option<Action> {
        self.due = None;
        match core::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle => {
                if let Some(text) = self.signed(wire, context) {
                    self.watches = self.user_data.as_deref().is_some_and(decode::has_watchlist);
                    return Some(self.signing_in(wire, text, context));
                }
                let ticket = context.next_ticket(wire.connection);
                self.authorizations += 1;
                self.phase = Phase::Authorizing(ticket);
                self.deadline = Some(context.now + context.config.timeouts.authorization);
                Some(Action::Authorize(AuthorizationRequest {
                    ticket,
                    socket_id: wire.socket_id.clone(),
                    subject: AuthorizationSubject::User { user_data: self.user_data.clone() },
                    attempt: self.authorizations,
                    last_failure: self.last_failure.clone(),
                }))
            }
            Phase::Authorized(granted) => {
                let data = granted.user_data.as_deref().unwrap_or_default();
                let text = encode::sign_in(&granted.auth, data);
                self.watches = decode::has_watchlist(data);
                Some(self.signing_in(wire, text, context))
            }
            other => {
                self.phase = other;
                None
            }
        }
    }

    /// Whether this ticket's answer is for the sign-in.
    pub(crate) fn waits_for(&self, ticket: Ticket) -> bool {
        matches!(self.phase, Phase::Authorizing(own) if own == ticket)
    }

    pub(crate) fn authorized(
        &mut self,
        answer: Result<Authorization, Denied>,
        context: &mut Context<'_>,
    ) {
        self.phase = Phase::Idle;
        self.deadline = None;
        let usable = answer.and_then(|granted| match granted.user_data.as_deref() {
            None => Err(Denied::refused(None, "the answer has no `user_data` that is a string")),
            Some(data) if decode::user_of(data).is_none() => {
                Err(Denied::refused(None, "the answer's `user_data` has no `id`"))
            }
            Some(_) => Ok(granted),
        });
        match usable {
            Ok(granted) => {
                self.phase = Phase::Authorized(granted);
                self.due = Some(context.pending.next_order());
            }
            Err(denied @ Denied::Refused { .. }) => {
                self.denied = true;
                self.fail(RequestFailure::Denied(denied), context);
            }
            Err(denied @ Denied::Unavailable { .. }) => self.unavailable(denied, context),
        }
    }

    /// The server confirmed. Answers the user's id if that was waited for.
    pub(crate) fn succeeded(
        &mut self,
        id: &str,
        user_data: &str,
        context: &mut Context<'_>,
    ) -> bool {
        // What the server was never asked, because the authorizer refused, it cannot confirm.
        let was_asked = matches!(self.phase, Phase::SigningIn | Phase::Failed) && !self.denied;
        if !was_asked || !self.wanted {
            return false;
        }
        self.phase = Phase::SignedIn;
        self.is_suspect = false;
        self.deadline = None;
        self.id = Some(id.into());
        self.watches |= decode::has_watchlist(user_data);
        let (user_id, user_data) = (id.into(), user_data.into());
        context.pending.keep(Event::SignedIn { user_id, user_data });
        true
    }

    /// The server refused.
    pub(crate) fn refused(&mut self, reason: RequestFailure, context: &mut Context<'_>) {
        if self.is_unanswered() {
            self.fail(reason, context);
        }
    }

    /// The size of the frame, if it is unanswered.
    pub(crate) fn unanswered_bytes(&self) -> Option<usize> {
        self.is_unanswered().then_some(self.frame_bytes)
    }

    /// Whether the frame was unanswered at the last close with 1009, too.
    pub(crate) fn is_suspect(&self) -> bool {
        self.is_suspect
    }

    pub(crate) fn suspect_unanswered(&mut self) {
        self.is_suspect |= self.is_unanswered();
    }

    pub(crate) fn forget_suspect(&mut self) {
        self.is_suspect = false;
    }

    /// The server will not read the frame: it is not sent again.
    pub(crate) fn failed_for_size(&mut self, context: &mut Context<'_>) {
        self.denied = true;
        self.fail(RequestFailure::TooLarge { bytes: self.frame_bytes }, context);
    }

    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>) {
        if self.deadline.is_none_or(|deadline| deadline > context.now) {
            return;
        }
        self.deadline = None;
        match &self.phase {
            Phase::Authorizing(_) => {
                self.rest(context);
                let denied = Denied::unavailable(None, "no answer within the timeout");
                self.unavailable(denied, context);
            }
            Phase::SigningIn => self.fail(RequestFailure::NoAnswer, context),
            Phase::Pausing => {
                self.phase = Phase::Idle;
                self.due = Some(context.pending.next_order());
            }
            _ => debug_assert!(false, "a deadline without a phase that ends"),
        }
    }

    /// The frame, if the secret is there to sign it with.
    fn signed(&self, wire: Wire<'_>, context: &mut Context<'_>) -> Option<String> {
        let data = self.user_data.as_deref()?;
        let auth = context.signed(|signer| signer.user(wire.socket_id, data))?;
        Some(encode::sign_in(&auth, data))
    }

    fn signing_in(&mut self, wire: Wire<'_>, text: String, context: &mut Context<'_>) -> Action {
        self.phase = Phase::SigningIn;
        self.frame_bytes = text.len();
        self.deadline = Some(context.now + context.config.timeouts.subscribe);
        Action::Send(Frame { connection: wire.connection, text })
    }

    fn unavailable(&mut self, denied: Denied, context: &mut Context<'_>) {
        let delay = context.delay_after(&denied, self.authorizations);
        self.phase = Phase::Pausing;
        self.deadline = Some(context.now + delay);
        let last = self.last_failure.replace(denied.clone());
        // What repeats the last failure of this connection is no news.
        if last.is_none_or(|last| !denied.repeats(&last)) {
            let reason = RequestFailure::AuthorizationUnavailable(denied);
            context.pending.keep(Event::SignInFailed { reason, retry_in: Some(delay) });
        }
    }

    fn fail(&mut self, reason: RequestFailure, context: &mut Context<'_>) {
        self.phase = Phase::Failed;
        self.deadline = None;
        context.pending.keep(Event::SignInFailed { reason, retry_in: None });
    }

    /// Back to `Idle`: no answer is waited for.
    fn rest(&mut self, context: &mut Context<'_>) {
        self.due = None;
        self.deadline = None;
        if let Phase::Authorizing(ticket) = core::mem::replace(&mut self.phase, Phase::Idle) {
            context.pending.abandon(ticket);
        }
    }
}

/// Checks what a user gave as user data (JSON): an object with an `id` that is a string and not
/// empty, and at most 100 ids in `watchlist` ([protocol, sign-in](crate::protocol#sign-in)).
pub(crate) fn check(user_data: &str) -> Result<(), &'static str> {
    let value: serde_json::Value = serde_json::from_str(user_data).map_err(|_| "it is not JSON")?;
    let Some(object) = value.as_object() else { return Err("it is not an object") };
    match object.get("id").map(|id| id.as_str().unwrap_or_default().to_string()) {
        None => return Err("it has no `id`"),
        Some(id) if id.is_empty() => return Err("its `id` is not a string, or empty"),
        Some(_) => {}
    }
    match object.get("watchlist").map(serde_json::Value::as_array) {
        None => Ok(()),
        Some(None) => Err("its `watchlist` is not an array"),
        Some(Some(ids)) if ids.len() > MOST_WATCHED => Err("its `watchlist` has more than 100 ids"),
        Some(Some(ids)) if !ids.iter().all(serde_json::Value::is_string) => {
            Err("its `watchlist` holds something else than strings")
        }
        Some(Some(_)) => Ok(()),
    }
}
