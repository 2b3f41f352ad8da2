//! `pushest replay`: a recording lived through again.

use pushest_proto::trace::Replay;
use pushest_proto::{Action, ChannelState, Event};
use tokio::task::coop::consume_budget;

use crate::arguments::ReplayArguments;
use crate::failure::Failure;
use crate::interruption;
use crate::output::{Line, Output};
use crate::recording;

pub(crate) async fn run(arguments: &ReplayArguments, output: &Output) -> Result<(), Failure> {
    let mut replay = recording::read(&arguments.file)?;
    // Not before: until here nothing is printed, and a signal may end it in its own way.
    interruption::watch()?;
    let (recorded_by, version) = (replay.recorded_by(), env!("CARGO_PKG_VERSION"));
    if recorded_by != version {
        output.warning(format_args!(
            "recorded by version {recorded_by}, and this is {version}: they may not do the same"
        ));
    }
    let mut actions = 0;
    while let Some(action) = replay.next() {
        match action {
            Ok(action) => {
                actions += 1;
                tell(&action, &replay, output).await?;
                output.ready().await;
                // However long nothing is printed, a signal is heard.
                consume_budget().await;
            }
            Err(difference) => {
                let line = Line::Differs {
                    line: difference.line,
                    recorded: &difference.recorded,
                    replayed: &difference.replayed,
                };
                output.next_line(&line).await?;
                let line = difference.line;
                return Err(Failure::failed(format_args!("the replay differs in line {line}")));
            }
        }
    }
    output.next_line(&Line::Replayed { lines: replay.lines(), actions }).await?;
    Ok(())
}

async fn tell(action: &Action, replay: &Replay, output: &Output) -> Result<(), Failure> {
    let event = match action {
        Action::Emit(event) => event.clone(),
        Action::UpdatePresence(update) => Event::Presence(update.clone()),
        Action::Connect { endpoint, .. } => {
            let (host, port) = (endpoint.host(), endpoint.port());
            output.status(format_args!("connecting to {host}:{port}"));
            return Ok(());
        }
        _ => return Ok(()),
    };
    if let Some(line) = Line::of(&event) {
        output.next_line(&line).await?;
        return Ok(());
    }
    let state = |name: &str| Some(replay.session().channel(name)?.state());
    match &event {
        // The action that follows says where to.
        Event::State(change) if change.to == pushest_proto::ConnectionState::Connecting => {}
        // What failed follows as an event of its own, and says it all.
        Event::ServerError(error)
            if error.channel.as_ref().and_then(|name| state(name.as_str()))
                == Some(ChannelState::Failed) => {}
        event => output.tell(event).await?,
    }
    Ok(())
}
