//! One file per command.

pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod listen;
pub(crate) mod members;
mod once;
mod rehearsal;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod sign;
pub(crate) mod trigger;

use std::fmt::Write as _;

use pushest_driver::Client;

/// A user that nobody else is.
fn random_user() -> String {
    format!("pushest-cli-{:08x}", fastrand::u32(..))
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
