//! One file per command.

mod api;
pub(crate) mod asking;
pub(crate) mod auth_server;
mod checks;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod listen;
pub(crate) mod manual;
pub(crate) mod members;
mod once;
pub(crate) mod publish;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod sign;
pub(crate) mod trigger;
pub(crate) mod webhooks;

use std::fmt::Write as _;

use pushest_driver::unstable::Client;
use pushest_proto::ChannelName;

use crate::output::Output;

/// A user id that no other client has.
fn random_user() -> String {
    format!("pushest-cli-{:08x}", fastrand::u32(..))
}

/// Warns of channels whose names are almost those of another kind: servers do not.
fn warn_of_near_misses<'a>(channels: impl IntoIterator<Item = &'a String>, output: &Output) {
    for channel in channels {
        let Ok(name) = ChannelName::new(channel) else { continue };
        let Some(meant) = name.near_miss() else { continue };
        let kind = name.kind().as_str();
        let is_same_kind = ChannelName::new(&meant).is_ok_and(|meant| meant.kind() == name.kind());
        let cache = if is_same_kind { " without a cached event" } else { "" };
        output.warning(format_args!(
            "is {meant} meant? to servers {name} is a {kind} channel{cache}"
        ));
    }
}

/// Why the client is where it is, for a message about a timeout.
fn status(client: &Client) -> String {
    let status = client.status();
    let mut text = status.state.to_string();
    if let Some(loss) = &status.last_loss {
        write!(text, "; {loss}").expect("a String takes everything");
    }
    if let Some(error) = &status.last_error {
        write!(text, "; the server reported: {error}").expect("a String takes everything");
    }
    text
}
