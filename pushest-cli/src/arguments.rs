//! What can be written on the command line.

mod connection;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::connection::ConnectionOptions;
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

    /// Log to standard error what happens to the connection; -vv logs everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  a failure, a refusal or a timeout; standard error says which
  2  bad input: nothing was sent
  130, 143  ended by SIGINT or SIGTERM before it was done

Where nobody reads the output, a command that is done waits for it to be read. A signal, or the
--timeout of `listen`, ends it within a second, and what was not printed is counted on standard
error; a second signal ends it at once. What servers and other users say is shown with control
characters, invisible characters and those that set the direction of text escaped, as \\u{1b};
with --json they stand as JSON's own escapes, and the values are exact.";

const VARIABLES: &str = "\
Environment variables (options win over them; --url replaces them all):
  PUSHER_URL, PUSHER_APP_KEY, PUSHER_APP_SECRET, PUSHER_APP_CLUSTER, PUSHER_HOST, PUSHER_PORT,
  PUSHER_SCHEME; where neither PUSHER_URL nor PUSHER_APP_KEY is set, REVERB_APP_KEY,
  REVERB_APP_SECRET, REVERB_HOST, REVERB_PORT, REVERB_SCHEME. With --host or --cluster the
  variables' whole address (host, port, scheme) is left out.
  PUSHER_ENCRYPTION_MASTER_KEY_BASE64 is what --master-key is, with --url, too.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show everything at work: a server and two clients in this process, and a lost connection
    ///
    /// Starts the embedded server on a free port of the loopback address and runs public, private,
    /// presence, encrypted and cache channels, client events, a sign-in, and a lost connection with
    /// its recovery, over real WebSockets. Ends by itself; the exit status is 0 if every step went
    /// well.
    Demo(DemoArguments),
    /// Run a server for local work, until it is interrupted
    Serve(ServeArguments),
    /// Print the events of channels as they come
    #[command(after_long_help = format!("{LISTEN_HELP}\n\n{RECORD_HELP}\n\n{VARIABLES}"))]
    Listen(ListenArguments),
    /// Replay a recording of `listen --record`: print what `listen` printed, and check that this
    /// version does the same
    #[command(after_long_help = REPLAY_HELP)]
    Replay(ReplayArguments),
    /// Send a client event to the other subscribers of a private or presence channel
    ///
    /// Subscribes first, and ends when the server has read the event. An error of the server before
    /// that makes the exit status 1 and is printed in the server's words.
    #[command(after_long_help = VARIABLES)]
    Trigger(TriggerArguments),
    /// Print who is present in a presence channel
    ///
    /// The protocol tells this to members only, so the command joins the channel for a moment. Its
    /// own entry is in the list, marked as its own; if that user was there already, it is the same
    /// entry, and nobody sees a join. What else the server says with it (a cached event or a cache
    /// miss, a count, a sign-in) comes first, as `listen` prints it.
    #[command(after_long_help = VARIABLES)]
    Members(MembersArguments),
    /// Find out what works and what does not, from the host's name to a client event
    ///
    /// Each step says whether it works, and if not, why, in the server's own words. What cannot be
    /// tried because an earlier step failed is skipped. The exit status is 0 if everything that was
    /// tried works, else 1.
    #[command(after_long_help = format!("{DOCTOR_HELP}\n\n{VARIABLES}"))]
    Doctor(DoctorArguments),
    /// Print the authorization of a subscription or a sign-in, and nothing else
    ///
    /// This is what an application's authorization endpoint answers as `auth`: KEY:SIGNATURE. It
    /// needs the key and the secret, and dials nothing.
    #[command(after_long_help = VARIABLES)]
    Sign(SignArguments),
}

const LISTEN_HELP: &str = "\
Standard output has one line per event, flushed at once; what happens to the connection goes to
standard error. When the connection is lost, it is made again, every channel is subscribed again,
and a gap line tells that events may be missing. A channel that the server refuses is reported; if
none is left, or the sign-in is refused, the exit status is 1. Interrupting a listener that has no
--count is its normal end, with exit status 0.

With --json each line is one of these:
  {\"type\":\"event\",\"channel\":…,\"event\":…,\"data\":…,\"user_id\":…,\"decrypted\":…}
      data: the value; a string that holds JSON is decoded. user_id: the member that sent a client
      event, else null. decrypted: whether the data came encrypted
  {\"type\":\"undecryptable\",\"channel\":…,\"event\":…,\"reason\":…}
      an encrypted event that could not be opened; it does not count
  {\"type\":\"members\",\"channel\":…,\"joined\":[{\"user_id\":…,\"user_info\":…}],\"left\":[…]}
      the whole list came with a subscription: the difference to what was known
  {\"type\":\"joined\",\"channel\":…,\"user_id\":…,\"user_info\":…}, and the same with \"left\"
  {\"type\":\"gap\",\"channel\":…,\"silent_ms\":…,\"since_ms\":…,\"cause\":…}
      events of the last silent_ms milliseconds may be missing, those sent from since_ms on:
      milliseconds since 1970 (UTC), or null
  {\"type\":\"subscription_count\",\"channel\":…,\"count\":…}
  {\"type\":\"cache_miss\",\"channel\":…}
  {\"type\":\"unrouted\",\"event\":…,\"message\":…}
      a message that belongs to no channel and that the protocol does not know; standard error has
      a warning besides
  {\"type\":\"lagged\",\"dropped\":…}
      the reader of this output was too slow: so many of the oldest events that waited are gone
  {\"type\":\"signed_in\",\"user_id\":…}
      again after every reconnection; events to the user come on #server-to-user-ID
  {\"type\":\"online\",\"user_ids\":[…]}, and the same with \"offline\"
      users of the watchlist
With --event NAME only events of that name, gaps and lags are printed.

A channel whose name is almost one of another kind (private_chat, prescence-room) is warned about.
Where no connection can be made, `pushest doctor` with the same options tells which step fails.";

const RECORD_HELP: &str = "\
With --record FILE everything that the client is told, asked and answers goes into a new file, for a
report of a fault; `pushest replay FILE` lives through it again. It has everything that the server
sent, member data and user data: look it through before you show it to anybody. No secret, no key
and no token is in it, and of encrypted events neither key nor text: they replay as asterisks. The
file is readable for its owner only, and written out every second and at the end. An existing file
is not overwritten.";

const REPLAY_HELP: &str = "\
Nothing is dialled. Standard output has the lines of `listen`, and at last the verdict; what happened
to the connection goes to standard error. The exit status is 0 if the replay does what was recorded,
1 if it does something else, and 2 if the file cannot be read as a recording: the line and the rule
are named. No line may be longer than 64 MiB.

With --json the verdict is one of these:
  {\"type\":\"replayed\",\"lines\":…,\"actions\":…}
      so many lines, and so many actions that are equal
  {\"type\":\"differs\",\"line\":…,\"recorded\":…,\"replayed\":…}
      the first line at which they differ";

const DOCTOR_HELP: &str = "\
The steps: resolve, connect, tls, upgrade (to WebSocket), handshake (of the protocol), sign,
subscribing (public, private, presence, encrypted, as far as they are asked for) and trigger: the
event client-pushest-doctor, which other subscribers of the channel receive.

With --json each step is a line:
  {\"type\":\"check\",\"step\":…,\"result\":\"ok\" or \"failed\" or \"skipped\",\"text\":…,\"hint\":… or null}";

#[derive(Args)]
pub(crate) struct DemoArguments {
    /// Which client to use: all of them behave alike
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: Runtime,
}

#[derive(Args)]
pub(crate) struct ServeArguments {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 6001)]
    pub(crate) port: u16,

    /// The IP address to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(crate) host: IpAddr,

    /// The app's id, for the HTTP API
    #[arg(long, default_value = DEFAULT_APP.0)]
    pub(crate) app_id: String,

    /// The app's key
    #[arg(long, default_value = DEFAULT_APP.1)]
    pub(crate) key: String,

    /// The app's secret
    #[arg(long, default_value = DEFAULT_APP.2)]
    pub(crate) secret: String,
}

/// Id, key and secret of the app that `serve` serves unless told otherwise.
pub(crate) const DEFAULT_APP: (&str, &str, &str) = ("app-id", "app-key", "app-secret");

#[derive(Args)]
pub(crate) struct ListenArguments {
    /// The channels
    #[arg(required_unless_present = "sign_in", value_name = "CHANNEL")]
    pub(crate) channels: Vec<String>,

    /// Print and count only events of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,

    /// End after so many events
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

    #[test]
    fn the_default_app_is_that_of_the_testkit() {
        let app = pushest_testkit::protocol::App::default();
        assert_eq!(DEFAULT_APP, (&*app.id, &*app.key, app.secret()));
    }
}
