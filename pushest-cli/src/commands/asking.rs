//! `pushest channels`, `channel`, `users` and `terminate`: what a server is asked by the HTTP API.

use pushest_proto::ChannelKind;
use pushest_tokio::api::{Counts, GetChannel, ListChannels, ListUsers, Terminate};

use super::api::{api, call};
use crate::arguments::{ChannelArguments, ChannelsArguments, TerminateArguments, UsersArguments};
use crate::failure::Failure;
use crate::output::{Backend, Line, Output};

pub(crate) async fn channels(
    arguments: &ChannelsArguments,
    output: &Output,
) -> Result<(), Failure> {
    let mut list = ListChannels::new();
    if let Some(prefix) = &arguments.prefix {
        list = list.prefix(prefix);
    }
    if arguments.user_count {
        list = list.with_user_count();
    }
    if arguments.subscription_count {
        list = list.with_subscription_count();
    }
    let answer = call(&arguments.api, list).await?;
    let lines = answer.channels.iter().map(|(channel, counts)| line(channel, true, counts, None));
    output.lines(lines.collect::<Vec<_>>().into_iter()).await?;
    Ok(())
}

pub(crate) async fn channel(arguments: &ChannelArguments, output: &Output) -> Result<(), Failure> {
    let name = &arguments.name;
    super::warn_of_near_misses([name], output);
    let mut asked = GetChannel::new(name);
    // What is no name is refused by the call.
    if ChannelKind::of(name) == ChannelKind::Presence {
        asked = asked.with_user_count();
    }
    if arguments.subscription_count {
        asked = asked.with_subscription_count();
    }
    if arguments.cache {
        asked = asked.with_cache();
    }
    let answer = call(&arguments.api, asked).await?;
    output.line(&line(name, answer.occupied, &answer.counts, answer.cache.as_deref()))?;
    Ok(())
}

pub(crate) async fn users(arguments: &UsersArguments, output: &Output) -> Result<(), Failure> {
    let channel = &*arguments.name;
    let users = call(&arguments.api, ListUsers::new(channel)).await?;
    let lines = users.iter().map(|user_id| Line::Backend(Backend::User { channel, user_id }));
    output.lines(lines).await?;
    Ok(())
}

pub(crate) async fn terminate(
    arguments: &TerminateArguments,
    output: &Output,
) -> Result<(), Failure> {
    let user_id = &*arguments.user;
    api(&arguments.api)?.call(Terminate::user(user_id)).await?;
    output.line(&Line::Backend(Backend::Terminated { user_id }))?;
    Ok(())
}

fn line<'a>(channel: &'a str, occupied: bool, counts: &Counts, cache: Option<&'a str>) -> Line<'a> {
    let (user_count, subscription_count) = (counts.user_count, counts.subscription_count);
    Line::Backend(Backend::channel(channel, occupied, user_count, subscription_count, cache))
}
