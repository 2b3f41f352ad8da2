//! What a server says of its own errors, and what these are about.

use alloc::boxed::Box;

use super::Session;
use super::routing::{Addressee, addressee};
use crate::action::Action;
use crate::agenda::Key;
use crate::attribution::{self, About};
use crate::connection::Phase;
use crate::event::Event;
use crate::event::failure::{InReplyTo, ServerError};
use crate::id::ConnectionId;
use crate::loss::Loss;
use crate::request::Said;
use crate::wire::decode::{self, ErrorData};
use crate::wire::envelope::Envelope;

impl Session {
    /// `pusher:error` is advisory on an established connection, except that it may be all that a
    /// server says about a refused subscription or sign-in ([protocol, refused
    /// subscriptions](crate::protocol#refused-subscriptions)). Instead of `connection_established`
    /// it decides like a close with its code ([protocol, refused before
    /// established](crate::protocol#refused-before-established)): what the server does after it, if
    /// anything, is not waited for.
    pub(super) fn server_error(
        &mut self,
        connection: ConnectionId,
        envelope: &Envelope,
        message: &str,
    ) {
        let data = decode::error(&decode::payload(envelope.data, message));
        let code = data.code.filter(|_| !data.is_status);
        let mut error = error_of(data);
        if self.connection.phase == Phase::Opening(connection) {
            // Nothing was asked for on this connection that it could answer.
            let loss = code.map(|code| Loss::Refused { code, message: error.message.clone() });
            self.report(error);
            if let Some(loss) = loss {
                self.give_up(loss);
            }
            return;
        }
        let about = match addressee(&mut self.channels, envelope, message) {
            Addressee::Wanted(key, channel) => {
                error.channel = Some(channel.name().clone());
                channel.request().is_unanswered().then_some(About::Subscription(key))
            }
            other => {
                let names_nothing = matches!(other, Addressee::Nobody);
                let (sent, known) = (&mut self.sent, (&self.channels, &self.user));
                let about = attribution::of_error(&error, names_nothing, sent, known);
                error.inferred = about.is_some();
                about
            }
        };
        self.answered_with(error, about);
    }

    /// Takes a `subscription_error` that names no channel: it is about the unanswered subscription,
    /// if there is just one.
    pub(super) fn nameless_subscription_error(&mut self, payload: &str) {
        let mut error = error_of(decode::error(payload));
        let about = attribution::only_unanswered(&self.channels).map(About::Subscription);
        error.inferred = about.is_some();
        self.answered_with(error, about);
    }

    pub(super) fn subscription_error(&mut self, key: Key, payload: &str) {
        let mut error = error_of(decode::error(payload));
        error.channel = Some(self.channels.get(key).name().clone());
        error.in_reply_to = Some(InReplyTo::Subscribe);
        let (channels, mut context) = self.channels();
        if channels.get(key).request().is_unanswered() {
            channels.refused(key, error, &mut context);
        } else {
            // A subscription that stands does not fall by a second answer.
            self.report(error);
        }
    }

    /// Refuses what the error is about, and reports the error.
    fn answered_with(&mut self, mut error: ServerError, about: Option<About>) {
        if let Some(about) = &about {
            about.enter(&mut error, &self.channels);
        }
        match about {
            Some(About::Subscription(key)) => {
                self.report(error.clone());
                let (channels, mut context) = self.channels();
                channels.refused(key, error, &mut context);
            }
            Some(About::SignIn) => {
                self.report(error.clone());
                let (_, user, mut context) = self.parts();
                user.tell(Said::Refused(error), &mut context);
            }
            Some(About::ClientEvent { .. }) | None => self.report(error),
        }
    }

    fn report(&mut self, error: ServerError) {
        self.statistics.server_errors += 1;
        let last = error.clone();
        match &mut self.connection.last_error {
            Some(former) => **former = last,
            none => *none = Some(Box::new(last)),
        }
        self.pending.push(Action::Emit(Event::ServerError(error)));
    }
}

fn error_of(data: ErrorData) -> ServerError {
    let ErrorData { code, message, .. } = data;
    ServerError { code, message, channel: None, in_reply_to: None, inferred: false }
}
