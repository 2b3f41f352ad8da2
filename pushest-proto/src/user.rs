//! Signing in as a user: once per connection, and again after every reconnect ([protocol,
//! sign-in](crate::protocol#sign-in)).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::time::Duration;

use crate::action::Action;
use crate::agenda::{Agenda, Key};
use crate::auth::request::{Authorization, AuthorizationError, AuthorizationSubject};
use crate::context::Context;
use crate::event::Event;
use crate::event::failure::RequestFailure;
use crate::id::Ticket;
use crate::memory;
use crate::order::Order;
use crate::request::{Next, Request, Rules, Said, Step, Subject};
use crate::status::SignInState;
use crate::time::Instant;
use crate::wire::lists::MOST_WATCHED;
use crate::wire::{decode, encode};

/// The sign-in's key in its agenda, where it is alone: its authorization takes no channel's room.
const SIGN_IN: Key = 0;

/// The user that the session signs in as.
#[derive(Debug, Default)]
pub(crate) struct User {
    sign_in: SignIn,
    agenda: Agenda,
}

#[derive(Debug, Default)]
struct SignIn {
    /// Whether the user wants to be signed in, and with what.
    is_wanted: bool,
    user_data: Option<String>,
    request: Request,
    /// The user that the frame is about has a watchlist.
    watches: bool,
    /// The user's id, once the server has confirmed it, on this or a former connection.
    id: Option<Box<str>>,
    /// Why it failed on the last connection, until the next one is established.
    former_failure: Option<Box<RequestFailure>>,
}

impl Subject for SignIn {
    fn request(&mut self) -> &mut Request {
        &mut self.request
    }

    fn authorization_subject(&self) -> AuthorizationSubject {
        AuthorizationSubject::User { user_data: self.user_data.clone() }
    }

    fn frame(&mut self, granted: Option<Box<Authorization>>, context: &mut Context<'_>) -> String {
        let (auth, data) = match &granted {
            Some(granted) => (Cow::from(&granted.auth), granted.user_data.as_deref()),
            None => {
                let data = self.user_data.as_deref();
                let signed = |data| context.signed(|signer, id| signer.user(id, data));
                (data.and_then(signed).unwrap_or_default().into(), data)
            }
        };
        let data = data.unwrap_or_default();
        self.watches = decode::has_watchlist(data);
        encode::sign_in(&auth, data)
    }

    fn failed(&self, reason: RequestFailure, retry_in: Option<Duration>) -> Event {
        Event::SignInFailed { reason, retry_in }
    }
}

impl User {
    /// Returns the state of the sign-in, as users see it.
    pub(crate) fn state(&self) -> SignInState<'_> {
        let SignIn { is_wanted, request, id, former_failure, .. } = &self.sign_in;
        match request.step() {
            _ if !is_wanted => SignInState::NotAsked,
            Step::Idle | Step::Failed => match request.failure().or(former_failure.as_deref()) {
                Some(reason) => SignInState::Failed { reason },
                None => SignInState::Waiting,
            },
            Step::Pausing => SignInState::Waiting,
            Step::Authorizing | Step::Ready(_) => SignInState::Authorizing,
            Step::Sent => SignInState::SigningIn,
            Step::Done | Step::Rekeying => {
                SignInState::SignedIn { user_id: id.as_deref().unwrap_or_default() }
            }
        }
    }

    /// Returns the id of the user that is signed in on the present connection.
    pub(crate) fn signed_in(&self) -> Option<&str> {
        self.sign_in.id.as_deref().filter(|_| self.sign_in.request.is_done())
    }

    /// Returns whether the server may tell who of the user's watchlist comes and goes: the user has
    /// one, be it by what was sent or by what the server confirmed, and has signed in on this
    /// connection. Sockudo tells of it before it confirms.
    pub(crate) fn watches(&self) -> bool {
        let SignIn { request, watches, .. } = &self.sign_in;
        *watches && (request.is_unanswered() || request.is_done())
    }

    /// Returns what it keeps alive, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let SignIn { user_data, request, id, former_failure, .. } = &self.sign_in;
        let failure = former_failure.as_deref().map_or(0, |failure| {
            memory::allocation(size_of::<RequestFailure>()) + failure.content_bytes()
        });
        failure
            + memory::allocation(user_data.as_ref().map_or(0, String::capacity))
            + memory::optional_text(id.as_deref())
            + request.memory()
            + self.agenda.memory()
    }

    pub(crate) fn request(&self) -> &Request {
        &self.sign_in.request
    }

    pub(crate) fn request_mut(&mut self) -> &mut Request {
        &mut self.sign_in.request
    }

    pub(crate) fn due_front(&self) -> Option<Order> {
        self.agenda.front()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.agenda.next_deadline()
    }

    /// Wants the user signed in, with this data.
    pub(crate) fn want(&mut self, data: Option<String>, context: &mut Context<'_>) {
        let SignIn { is_wanted, user_data, .. } = &mut self.sign_in;
        let is_same = *is_wanted && *user_data == data;
        (*is_wanted, *user_data) = (true, data);
        self.sign_in.former_failure = None;
        self.tell(if is_same { Said::Wanted } else { Said::Changed }, context);
    }

    /// Makes the sign-in due on a new connection.
    pub(crate) fn connected(&mut self, context: &mut Context<'_>) {
        self.sign_in.former_failure = None;
        if self.sign_in.is_wanted {
            self.tell(Said::Connected, context);
        }
    }

    /// Resets the sign-in to what outlives a connection. A refusal may have been the reason of the
    /// loss.
    pub(crate) fn lost(&mut self, context: &mut Context<'_>) {
        let SignIn { request, former_failure, .. } = &mut self.sign_in;
        if let (Step::Failed, Some(reason)) = (request.step(), request.failure()) {
            *former_failure = Some(Box::new(reason.clone()));
        }
        self.tell(Said::Lost, context);
    }

    /// Takes what the sign-in needs next.
    pub(crate) fn pop_due(&mut self, context: &mut Context<'_>) -> Option<Action> {
        let (order, _) = self.agenda.pop()?;
        self.tell(Said::Turn { order, has_room: self.agenda.has_room() }, context)
    }

    /// Returns whether this ticket's answer is for the sign-in.
    pub(crate) fn waits_for(&self, ticket: Ticket) -> bool {
        self.agenda.waits_for(ticket)
    }

    /// Takes an authorizer's answer.
    pub(crate) fn authorized(
        &mut self,
        ticket: Ticket,
        answer: Result<Authorization, AuthorizationError>,
        context: &mut Context<'_>,
    ) {
        self.agenda.landed(ticket);
        let usable = answer.and_then(|granted| match granted.user_data.as_deref() {
            None => Err(AuthorizationError::refused(
                None,
                "the answer has no `user_data` that is a string",
            )),
            Some(data) if decode::user_of(data).is_none() => {
                Err(AuthorizationError::refused(None, "the answer's `user_data` has no `id`"))
            }
            Some(_) => Ok(granted),
        });
        context.statistics.count_authorization(&usable);
        self.tell(usable.into(), context);
    }

    /// Takes a confirmation. Returns whether it was waited for.
    pub(crate) fn succeeded(
        &mut self,
        id: &str,
        user_data: &str,
        context: &mut Context<'_>,
    ) -> bool {
        // What the server was not asked since the user began to want it, it cannot confirm.
        if self.sign_in.request.tries() == 0 {
            return false;
        }
        self.tell(Said::Confirmed, context);
        self.sign_in.id = Some(id.into());
        self.sign_in.watches |= decode::has_watchlist(user_data);
        let (user_id, user_data) = (id.into(), user_data.into());
        context.pending.keep(Event::SignedIn { user_id, user_data });
        true
    }

    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>) {
        if self.agenda.pop_overdue(context.now).is_some() {
            if self.sign_in.request.is_authorizing() {
                context.statistics.unavailable_authorizations += 1;
            }
            self.tell(Said::TimeUp, context);
        }
    }

    /// Tells the request what happened, and does what it makes of that. Returns what a turn leads
    /// to.
    pub(crate) fn tell(&mut self, said: Said, context: &mut Context<'_>) -> Option<Action> {
        let Self { sign_in, agenda } = self;
        // A sign-in is not sent twice on a connection.
        let rules = Rules { asks: context.config.signer.is_none(), tries: 1 };
        let next = sign_in.request.on(said, rules, context.backoff);
        if let Next::Fail(_) = next {
            context.statistics.failed_sign_ins += 1;
        }
        next.carry_out(sign_in, SIGN_IN, agenda, context)
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
