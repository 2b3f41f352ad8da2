//! `pushest members`: who is present.

use pushest_proto::{ChannelKind, SubscribeOptions};

use super::once::Once;
use super::rehearsal::Rehearsal;
use crate::arguments::MembersArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Line, Output};

pub(crate) async fn run(arguments: &MembersArguments, output: &Output) -> Result<(), Failure> {
    let MembersArguments { channel, user_id, .. } = arguments;
    let connection = Connection::new(&arguments.connection)?;
    let user_id = user_id.clone().unwrap_or_else(|| {
        let number = fastrand::u32(..);
        format!("pushest-cli-{number:08x}")
    });
    let options = SubscribeOptions::member(&user_id);
    let name = Rehearsal::new(&connection.config).subscribe(channel, &options)?;
    if name.kind() != ChannelKind::Presence {
        return Err(Failure::input(format_args!(
            "{channel:?} has no members: only presence channels do, and their names begin with \
             `presence-`"
        )));
    }

    let mut once = Once::connect(connection, arguments.timeout, output)?;
    let subscription = once.subscribe(channel, &options).await?;
    let members = once.client.members(channel);
    once.leave(subscription).await;
    for member in &members {
        let me = member.id() == user_id;
        output.line(&Line::Member { channel, user: member.into(), me })?;
    }
    Ok(())
}
