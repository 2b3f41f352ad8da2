//! How actions are written: with the words below, whatever the names in the code are.
//!
//! Every pattern names every field, so that a new one is written or left out on purpose. What is
//! written, a replay compares; a change of it is a new [`VERSION`](super::version::VERSION), but for
//! a member that is absent in all actions that there were before. No key of a table of the session's
//! own is among it, nor a secret: the signature of a frame is in it, which a replay must put into the
//! same place, and of what an encrypted event says only the length.

use alloc::boxed::Box;

use serde_json::value::RawValue;

use super::events::{authorization_error, event, presence};
use super::texts::ConnectionValue as Id;
use super::writer::Writer;
use crate::action::{Action, Frame};
use crate::auth::request::{AuthorizationRequest, AuthorizationSubject};
use crate::id::Ticket;

/// Returns the action as it stands in a recording.
pub(super) fn written(action: &Action) -> Box<RawValue> {
    let mut to = Writer::default();
    to.object(|to| match action {
        Action::Connect { connection, endpoint } => to.within("connect", |to| {
            to.put("connection", &Id(*connection))
                .put("host", &endpoint.host_with_zone())
                .put("port", &endpoint.port())
                .put("tls", &endpoint.is_tls())
                .put("path", endpoint.path())
        }),
        Action::Send(Frame { connection, text }) => {
            to.within("send", |to| to.put("connection", &Id(*connection)).put("text", text))
        }
        Action::Close { connection, code } => to.within("close", |to| {
            to.put("connection", &Id(*connection)).put("code", &u16::from(*code))
        }),
        Action::Authorize(request) => to.within("authorize", |to| authorize(to, request)),
        Action::Abandon(of) => to.within("abandon", |to| ticket(to, *of)),
        Action::Emit(told) => to.within("event", |to| event(to, told)),
        Action::UpdatePresence(update) => to.within("presence", |to| presence(to, update)),
    });
    RawValue::from_string(to.into_text()).expect("what was written is JSON")
}

fn authorize<'a>(to: &'a mut Writer, request: &AuthorizationRequest) -> &'a mut Writer {
    let AuthorizationRequest { ticket: of, socket_id, subject, attempt, last_failure } = request;
    ticket(to, *of).put("socket_id", socket_id.as_str());
    match subject {
        AuthorizationSubject::Channel { name, channel_data } => to.within("subscribe", |to| {
            to.put("channel", name.as_str()).put_some("channel_data", channel_data.as_ref())
        }),
        AuthorizationSubject::User { user_data } => {
            to.within("sign_in", |to| to.put_some("user_data", user_data.as_ref()))
        }
    };
    to.put("attempt", attempt);
    match last_failure {
        Some(failure) => to.within("last_failure", |to| authorization_error(to, failure)),
        None => to,
    }
}

fn ticket(to: &mut Writer, Ticket { connection, number }: Ticket) -> &mut Writer {
    to.put("connection", &Id(connection)).put("number", &number)
}
