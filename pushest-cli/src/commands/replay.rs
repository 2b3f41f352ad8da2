//! `pushest replay`: a recording lived through again.

use pushest_proto::trace::Replay;
use pushest_proto::{Action, ChannelState, Event};

use crate::arguments::ReplayArguments;
use crate::failure::Failure;
use crate::output::{Line, Output};

pub(crate) fn run(arguments: &ReplayArguments, output: &Output) -> Result<(), Failure> {
    let path = arguments.file.display();
    let recording = std::fs::read_to_string(&arguments.file)
        .map_err(|error| Failure::input(format_args!("{path} cannot be read: {error}")))?;
    let mut replay = Replay::new(&recording)
        .map_err(|error| Failure::input(format_args!("{path} is damaged: {error}")))?;
    let (recorded_by, version) = (replay.recorded_by(), env!("CARGO_PKG_VERSION"));
    if recorded_by != version {
        output.warning(format_args!(
            "recorded by version {recorded_by}, and this is {version}: they may differ in words"
        ));
    }
    let mut actions = 0;
    while let Some(action) = replay.next() {
        match action {
            Ok(action) => {
                actions += 1;
                tell(&action, &replay, output)?;
            }
            Err(difference) => {
                output.line(&Line::Differs {
                    line: difference.line,
                    recorded: &difference.recorded,
                    replayed: &difference.replayed,
                })?;
                let line = difference.line;
                return Err(Failure::failed(format_args!("the replay differs in line {line}")));
            }
        }
    }
    output.line(&Line::Replayed { lines: replay.lines(), actions })?;
    Ok(())
}

fn tell(action: &Action, replay: &Replay, output: &Output) -> Result<(), Failure> {
    let event = match action {
        Action::Emit(event) => event.clone(),
        Action::UpdatePresence(update) => Event::Presence(update.clone()),
        Action::Connect { endpoint, .. } => {
            let (host, port) = (endpoint.host_name(), endpoint.port_number());
            output.status(format_args!("connecting to {host}:{port}"));
            return Ok(());
        }
        _ => return Ok(()),
    };
    if let Some(line) = Line::of(&event) {
        output.line(&line)?;
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
        event => output.report(event),
    }
    Ok(())
}
