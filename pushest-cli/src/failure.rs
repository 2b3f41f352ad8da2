//! Why a command did not do what it was asked to, and the exit status that says so.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use pushest_driver::SubscribeError;
use pushest_proto::{CommandError, ConfigError, NameError};

/// How a command ended when it did not end well. The texts name the value and the rule, or give
/// the server's own words; never a secret.
pub(crate) enum Failure {
    /// Bad input: nothing was sent or dialled. Exit status 2.
    Input(String),
    /// A failure or a refusal. Exit status 1.
    Failed(String),
    /// It took longer than it was to take. Exit status 1.
    TimedOut(String),
    /// Standard output is closed: the end of a pipe such as `… | head`. Exit status 0.
    BrokenPipe,
    /// A signal ended it before it was done. Exit status 128 + the signal's number.
    Interrupted(u8),
}

impl Failure {
    pub(crate) fn input(text: impl Display) -> Self {
        Self::Input(text.to_string())
    }

    pub(crate) fn failed(text: impl Display) -> Self {
        Self::Failed(text.to_string())
    }

    pub(crate) fn timed_out(text: impl Display) -> Self {
        Self::TimedOut(text.to_string())
    }

    /// Why, where there is something to say.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Input(text) | Self::Failed(text) | Self::TimedOut(text) => Some(text),
            Self::BrokenPipe | Self::Interrupted(_) => None,
        }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> ExitCode {
        match self {
            Self::Input(_) => ExitCode::from(2),
            Self::Failed(_) | Self::TimedOut(_) => ExitCode::from(1),
            Self::BrokenPipe => ExitCode::SUCCESS,
            Self::Interrupted(signal) => ExitCode::from(128 + signal),
        }
    }
}

impl From<io::Error> for Failure {
    /// An error of writing to standard output.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::BrokenPipe
        } else {
            Self::failed(format_args!("standard output cannot be written: {error}"))
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Missing { what: "key" } => Self::input(
                "no key was given: use --key, --url, or one of the variables PUSHER_URL, PUSHER_APP_KEY \
                 and REVERB_APP_KEY",
            ),
            ConfigError::Missing { what: "app id" } => Self::input(
                "no app id was given: use --app-id, a --url that ends with /apps/ID, or one of the variables \
                 PUSHER_URL, PUSHER_APP_ID and REVERB_APP_ID",
            ),
            ConfigError::Missing { what: "secret" } => Self::input(
                "no secret was given: use --secret, --url, or one of the variables PUSHER_URL, \
                 PUSHER_APP_SECRET and REVERB_APP_SECRET",
            ),
            _ => Self::input(error),
        }
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::input(error)
    }
}

impl From<SubscribeError> for Failure {
    /// What cannot be subscribed to, or the server's refusal of the connection before it was.
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Closed(reason) => Self::failed(reason),
            _ => Self::input(error),
        }
    }
}

impl From<CommandError> for Failure {
    /// What was refused without asking the server.
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotConnected { .. }
            | CommandError::NotSubscribedYet { .. }
            | CommandError::RateLimited { .. }
            | CommandError::OutgoingFull { .. } => Self::failed(error),
            CommandError::MasterKeyMissing { .. } => {
                Self::input(format_args!("{error}: give it with --master-key"))
            }
            _ => Self::input(error),
        }
    }
}
