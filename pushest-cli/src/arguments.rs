//! What can be written on the command line.

mod api;
mod connection;
mod endpoint;
mod help;
mod serve;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::api::{
    ApiArguments, ChannelArguments, ChannelsArguments, PublishArguments, TerminateArguments,
    UsersArguments,
};
pub(crate) use self::connection::{AppOptions, ConnectionOptions};
pub(crate) use self::endpoint::{AuthServerArguments, EndpointOptions, WebhooksArguments};
use self::help::{EXIT_STATUS, VARIABLES};
#[cfg(test)]
pub(crate) use self::serve::wrong_certificates;
pub(crate) use self::serve::{DEFAULT_APP, ServeArguments};
use crate::runtime::Runtime;

/// A command line for the Pusher Channels protocol: listen, trigger, see who is there, sign, and a
/// server for local work.
#[derive(Parser)]
#[command(name = "pushest", version, after_long_help = EXIT_STATUS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Print one JSON object a line on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Log to standard error what happens to the connection, and `serve` all that happens; with -vv
    /// each frame, too, both ways, without signatures and keys
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show everything at work: a server and two clients in this process, and a lost connection
    ///
    /// Starts the embedded server on a free port of the loopback address and runs public, private,
    /// presence, encrypted and cache channels, client events, a sign-in, and a lost connection with
    /// its recovery, over real WebSockets. Ends by itself; the exit status is 0 if every step went
    /// well.
    #[command(after_long_help = help::DEMO)]
    Demo(DemoArguments),
    /// Run a server for local work, until it is interrupted
    ///
    /// It serves one app, keeps nothing, and is no server for production: its secret is public,
    /// unless you give it another. With -v it shows connections, subscriptions, events and HTTP
    /// requests as they happen.
    #[command(after_long_help = serve::help())]
    Serve(ServeArguments),
    /// Print the events of channels as they come
    #[command(after_long_help = format!("{}\n\n{}\n\n{VARIABLES}", help::LISTEN, help::RECORD))]
    Listen(ListenArguments),
    /// Replay a recording of `listen --record`: print what `listen` printed, and check that this
    /// version does the same
    #[command(after_long_help = help::REPLAY)]
    Replay(ReplayArguments),
    /// Publish an event by the server's HTTP API, as an app's backend does
    ///
    /// It goes to all subscribers of the channels, or to a user. The exit status is 0 once the server
    /// has accepted it; an error says whether the event may have arrived all the same.
    #[command(
        override_usage = help::PUBLISH_USAGE,
        after_long_help = format!("{}\n\n{VARIABLES}", help::PUBLISH)
    )]
    #[command(mut_args(without_endpoint))]
    Publish(PublishArguments),
    /// Print which channels have subscribers
    #[command(after_long_help = format!("{}\n\n{VARIABLES}", help::CHANNELS))]
    #[command(mut_args(without_endpoint))]
    Channels(ChannelsArguments),
    /// Print whether a channel has subscribers, and on a presence channel how many users
    #[command(after_long_help = format!("{}\n\n{VARIABLES}", help::CHANNEL))]
    #[command(mut_args(without_endpoint))]
    Channel(ChannelArguments),
    /// Print the ids of the users on a presence channel, without joining it
    #[command(after_long_help = format!("{}\n\n{VARIABLES}", help::USERS))]
    #[command(mut_args(without_endpoint))]
    Users(UsersArguments),
    /// End all connections that are signed in as a user
    ///
    /// The user can connect again, unless the app's backend refuses the next sign-in.
    #[command(after_long_help = format!("{}\n\n{VARIABLES}", help::TERMINATE))]
    #[command(mut_args(without_endpoint))]
    Terminate(TerminateArguments),
    /// Send a client event to the other subscribers of a private or presence channel
    ///
    /// Subscribes first, and ends when the server has read the event. An error of the server before
    /// that makes the exit status 1 and is printed in the server's words.
    #[command(after_long_help = format!("{}\n\n{VARIABLES}", help::TRIGGER))]
    Trigger(TriggerArguments),
    /// Print who is present in a presence channel
    ///
    /// The protocol tells this to members only, so the command joins the channel for a moment. Its
    /// own entry is in the list, marked as its own; if that user was there already, it is the same
    /// entry, and no other member sees a join. What else the server says with it (a cached event or a cache
    /// miss, a count, a sign-in) comes first, as `listen` prints it.
    #[command(after_long_help = format!("{}\n\n{VARIABLES}", help::MEMBERS))]
    Members(MembersArguments),
    /// Find out what works and what does not, from the host's name to an event that is published
    ///
    /// Each step says whether it works, and if not, why, in the server's own words. What cannot be
    /// tried because an earlier step failed is skipped. The exit status is 0 if everything that was
    /// tried works, else 1.
    #[command(after_long_help = format!("{}\n\n{VARIABLES}", help::DOCTOR))]
    Doctor(DoctorArguments),
    /// Print the authorization of a subscription or a sign-in, and nothing else
    ///
    /// This is what an application's authorization endpoint answers as `auth`: KEY:SIGNATURE. For an
    /// encrypted channel, where the master key is given, a second line is its `shared_secret`. It
    /// needs the key and the secret, and dials nothing.
    #[command(after_long_help = format!("{}\n\n{VARIABLES}", help::SIGN))]
    Sign(SignArguments),
    /// Authorize clients as an app's backend does, for local work, until it is interrupted
    ///
    /// pusher-js, and other clients without the secret, subscribe to private, presence and encrypted
    /// channels and sign in with it. It signs for all that reach it: that is this machine alone,
    /// unless --bind says otherwise.
    #[command(after_long_help = format!("{}\n\n{}\n\n{VARIABLES}", help::AUTH_SERVER, help::GUARD))]
    AuthServer(AuthServerArguments),
    /// Print the webhooks that a server sends, until it is interrupted
    ///
    /// It takes webhooks that are signed with the app's secret, at any path. What is not signed, too
    /// old or larger than 1 MiB is refused, and reported on standard error.
    #[command(after_long_help = format!("{}\n\n{}\n\n{VARIABLES}", help::WEBHOOKS, help::GUARD))]
    Webhooks(WebhooksArguments),
    /// Print a script that completes this command's words in a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(CompletionsArguments),
    /// Print this help as a manual page
    #[command(after_long_help = help::MANUAL)]
    Manual(ManualArguments),
}

#[derive(Args)]
pub(crate) struct DemoArguments {
    /// Which client to use: all of them behave alike
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: Runtime,
}

#[derive(Args)]
pub(crate) struct ListenArguments {
    /// The channels
    #[arg(required_unless_present = "sign_in", value_name = "CHANNEL")]
    pub(crate) channels: Vec<String>,

    /// Print and count only events of this name; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Vec<String>,

    /// Begin each line with the time, in UTC
    #[arg(long)]
    pub(crate) timestamps: bool,

    /// End after this number of events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// End with exit status 1 after so long, counted from the start
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,

    /// Sign in as this user, such as {"id":"7","watchlist":["8"]}; with --auth-endpoint it says
    /// who, and this is null
    #[arg(long, value_name = "JSON")]
    pub(crate) sign_in: Option<String>,

    /// Record the client into this new file, for `pushest replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Hear from the system when the machine's networks change (Linux only): a connection whose own
    /// address is gone is made again at once, and a network that comes ends a pause
    #[arg(long, help_heading = "Connection")]
    pub(crate) watch_network: bool,

    #[command(flatten)]
    pub(crate) user: UserOptions,

    /// Which client to use: all of them behave alike
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: Runtime,

    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
}

#[derive(Args)]
pub(crate) struct ReplayArguments {
    /// A recording
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args)]
pub(crate) struct TriggerArguments {
    /// A private or presence channel
    #[arg(value_name = "CHANNEL")]
    pub(crate) channel: String,

    /// The event's name, which begins with `client-`
    #[arg(value_name = "EVENT")]
    pub(crate) event: String,

    /// The data (JSON)
    #[arg(value_name = "DATA", allow_hyphen_values = true)]
    pub(crate) data: String,

    /// Give up after so long
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) user: UserOptions,

    /// Which client to use: all of them behave alike
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: Runtime,

    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
}

#[derive(Args)]
pub(crate) struct MembersArguments {
    /// A presence channel
    #[arg(value_name = "CHANNEL")]
    pub(crate) channel: String,

    /// Give up after so long
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Who joins to see the others [default: `pushest-cli-` and a random number]
    #[arg(long, value_name = "ID")]
    pub(crate) user_id: Option<String>,

    /// Sign in as this user, such as {"id":"7","watchlist":["8"]}; with --auth-endpoint it says
    /// who, and this is null
    #[arg(long, value_name = "JSON")]
    pub(crate) sign_in: Option<String>,

    /// Which client to use: all of them behave alike
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: Runtime,

    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
}

#[derive(Args)]
pub(crate) struct DoctorArguments {
    /// The one channel to try [default: pushest-doctor, and the same after private-, presence- and,
    /// with a master key, private-encrypted-]
    #[arg(value_name = "CHANNEL")]
    pub(crate) channel: Option<String>,

    /// Give each step up after so long
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Who subscribes to the presence channel [default: `pushest-cli-` and a random number]
    #[arg(long, value_name = "ID")]
    pub(crate) user_id: Option<String>,

    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
}

#[derive(Args)]
pub(crate) struct SignArguments {
    /// The connection's socket id, such as 1234.5678
    #[arg(value_name = "SOCKET_ID")]
    pub(crate) socket_id: String,

    /// The channel to subscribe to
    #[arg(
        value_name = "CHANNEL",
        required_unless_present = "user_data",
        conflicts_with = "user_data"
    )]
    pub(crate) channel: Option<String>,

    /// Who subscribes to a presence channel, such as {"user_id":"7"}; signed byte for byte
    #[arg(long, value_name = "JSON", conflicts_with = "user_data")]
    pub(crate) channel_data: Option<String>,

    /// Who signs in, such as {"id":"7"}; signed byte for byte
    #[arg(long, value_name = "JSON")]
    pub(crate) user_data: Option<String>,

    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
}

#[derive(Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Args)]
pub(crate) struct ManualArguments {
    /// The command that the page is about [default: all of them]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

/// Who subscribes to presence channels.
#[derive(Args)]
pub(crate) struct UserOptions {
    /// Who subscribes; required for presence channels
    #[arg(long, value_name = "ID")]
    pub(crate) user_id: Option<String>,

    /// What the other members may know of the user
    #[arg(long, value_name = "JSON", requires = "user_id")]
    pub(crate) user_info: Option<String>,
}

/// Leaves options out of the help of what calls the HTTP API, which asks no endpoint for authorizations.
fn without_endpoint(option: Arg) -> Arg {
    let is_of_endpoint =
        ["auth_endpoint", "user_auth_endpoint", "auth_header"].contains(&option.get_id().as_str());
    if is_of_endpoint { option.hide(true) } else { option }
}

/// A positive number of seconds, fractions allowed.
fn seconds(text: &str) -> Result<Duration, String> {
    let duration = text.parse().ok().and_then(|number: f64| {
        Duration::try_from_secs_f64(number).ok().filter(|duration| !duration.is_zero())
    });
    duration.ok_or_else(|| "not a number of seconds above 0, such as 10 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn seconds_are_positive_and_may_have_fractions() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("10"), Ok(Duration::from_secs(10)));
        for text in ["0", "-1", "nan", "inf", "1e300", "soon", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
