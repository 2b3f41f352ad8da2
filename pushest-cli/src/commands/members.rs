//! `pushest members`: who is present.

use std::time::Duration;

use pushest_driver::Events;
use pushest_proto::{ChannelKind, Event, MalformedReason, Member, SubscribeOptions};
use tokio::time::timeout;

use super::checks::{Checks, user_data};
use super::once::Once;
use crate::arguments::MembersArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Line, Output};

/// A server that answers no pings must not keep the list back.
const LONGEST_FLUSH: Duration = Duration::from_secs(2);

pub(crate) async fn run(arguments: &MembersArguments, output: &Output) -> Result<(), Failure> {
    let MembersArguments { channel, user_id, .. } = arguments;
    let connection = Connection::new(&arguments.connection, Some(arguments.timeout))?;
    super::warn_of_near_misses([channel], output);
    let checks = Checks::new(&connection);
    let options = match user_id {
        None if connection.has_endpoint => SubscribeOptions::default(),
        None => SubscribeOptions::member(super::random_user()),
        Some(id) => checks.user_id(id)?,
    };
    let name = checks.subscribe(channel, &options)?;
    if name.kind() != ChannelKind::Presence {
        return Err(Failure::input(format_args!(
            "{channel:?} has no members: only presence channels do, and their names begin with \
             `presence-`"
        )));
    }
    let user = arguments.sign_in.as_deref().map(user_data);
    if let Some(user) = user {
        checks.sign_in(user)?;
    }

    let mut once = Once::connect(connection, arguments.runtime, arguments.timeout, output)?;
    let mut events = once.client.events();
    if let Some(user) = user {
        once.sign_in(user).await?;
    }
    let subscription = once.subscribe(channel, &options).await?;
    // What the server says with the confirmation is there with the answer to a ping: a count, the
    // cached event or that there is none. Where the ping is lost, so are they.
    let flush = once.client.flush();
    let _ = once.during(timeout(LONGEST_FLUSH, flush)).await?;
    let is_known = once.client.members_known(channel);
    let members = once.client.members(channel);
    let me = once.client.me(channel);
    once.leave(subscription).await;
    print_events(&mut events, output).await?;
    let lines = members.iter().map(|member| {
        let me = me.as_ref().map(Member::id) == Some(member.id());
        Line::Member { channel, user: member.into(), me }
    });
    output.lines(lines).await?;
    if is_known {
        return Ok(());
    }
    let and_so = if members.is_empty() { "" } else { "; these are only those who came since" };
    Err(Failure::failed(format_args!(
        "who is present in {channel} is not known: the server's list could not be read{and_so}"
    )))
}

/// What came until now, but for who was present: that is printed as a list. What is missing from
/// the list is told on standard error.
async fn print_events(events: &mut Events, output: &Output) -> Result<(), Failure> {
    loop {
        let event = tokio::select! {
            biased;
            Some(event) = events.recv() => event,
            () = std::future::ready(()) => return Ok(()),
        };
        if matches!(event, Event::Presence(_)) {
            continue;
        }
        if let Event::Malformed { problem: MalformedReason::Partly { .. }, .. }
        | Event::LimitReached(_) = event
        {
            output.report(&event);
        }
        if let Some(line) = Line::of(&event) {
            output.next_line(&line).await?;
        }
    }
}
