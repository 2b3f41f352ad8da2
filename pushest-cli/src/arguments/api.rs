//! What the commands are told that call the HTTP API.

use std::time::Duration;

use clap::Args;
use pushest_tokio::api::ApiLimits;

use super::{ConnectionOptions, seconds};

/// Which app's HTTP API, and how long a call may take.
#[derive(Args)]
pub(crate) struct ApiArguments {
    /// Give each call up after so long
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Take these characters in names of channels, too, such as ':#' for Sockudo, beside letters, digits
    /// and _ - = @ , . ;
    #[arg(long, value_name = "CHARACTERS")]
    pub(crate) name_characters: Option<String>,

    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
}

#[derive(Args)]
pub(crate) struct PublishArguments {
    /// `CHANNEL… EVENT [DATA]`: one channel and the event's name, or any number of channels, the name
    /// and the data. The data goes out as it stands; `-` reads it from standard input, and @FILE from
    /// a file [default of the data: {}]
    #[arg(
        value_name = "WORD",
        required_unless_present = "batch",
        conflicts_with = "batch",
        allow_negative_numbers = true
    )]
    pub(crate) words: Vec<String>,

    /// Send to all connections of this user, in place of channels
    #[arg(long, value_name = "ID", conflicts_with = "batch")]
    pub(crate) to_user: Option<String>,

    /// Leave out the connection with this socket id
    #[arg(long, value_name = "SOCKET_ID", conflicts_with = "batch")]
    pub(crate) socket_id: Option<String>,

    /// Publish only what goes out encrypted: on an encrypted channel, with the master key
    #[arg(long, conflicts_with = "to_user")]
    pub(crate) encrypted: bool,

    /// Publish the events that come on standard input, one JSON object a line: channel, name, data,
    /// and maybe socket_id
    #[arg(long)]
    pub(crate) batch: bool,

    /// Maximum size of an event's data, for servers that take more or less than the hosted service, such
    /// as 102400 for Soketi
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = ApiLimits::default().event_data,
        value_parser = size
    )]
    pub(crate) max_data: usize,

    /// Publish the event this number of times, one after the other
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        conflicts_with = "batch"
    )]
    pub(crate) count: Option<u64>,

    /// Publish at most this number of events a second
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(crate) rate: Option<f64>,

    #[command(flatten)]
    pub(crate) api: ApiArguments,
}

#[derive(Args)]
pub(crate) struct ChannelsArguments {
    /// Only channels whose names begin with this
    #[arg(long, value_name = "PREFIX")]
    pub(crate) prefix: Option<String>,

    /// Say how many connections are subscribed to each, if the app has that enabled
    #[arg(long)]
    pub(crate) subscription_count: bool,

    /// Say how many users each has; needs a --prefix that begins with presence-
    #[arg(long)]
    pub(crate) user_count: bool,

    #[command(flatten)]
    pub(crate) api: ApiArguments,
}

#[derive(Args)]
pub(crate) struct ChannelArguments {
    /// The channel
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Say how many connections are subscribed, if the app has that enabled
    #[arg(long)]
    pub(crate) subscription_count: bool,

    /// Say what a cache channel keeps, if the server tells
    #[arg(long)]
    pub(crate) cache: bool,

    #[command(flatten)]
    pub(crate) api: ApiArguments,
}

#[derive(Args)]
pub(crate) struct UsersArguments {
    /// A presence channel
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) api: ApiArguments,
}

#[derive(Args)]
pub(crate) struct TerminateArguments {
    /// The user's id
    #[arg(value_name = "USER")]
    pub(crate) user: String,

    #[command(flatten)]
    pub(crate) api: ApiArguments,
}

/// A number of bytes, up to what is read of an input.
fn size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| (1..=64 * 1024 * 1024).contains(size));
    size.ok_or_else(|| "not a number of bytes, from 1 to 67108864".to_owned())
}

/// A number of events a second, between one in eleven days and a million.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (1e-6..=1e6).contains(rate));
    rate.ok_or_else(|| "not a number of events a second, from 0.000001 to 1000000".to_owned())
}
