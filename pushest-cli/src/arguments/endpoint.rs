//! What the commands are told that serve an endpoint of an app's backend.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;

use super::connection::AppOptions;
use super::seconds;

/// Where an endpoint listens, and for whom.
#[derive(Args)]
pub(crate) struct EndpointOptions {
    /// The IP address to listen on; clients that reach another one than this machine's own are
    /// trusted, too
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(crate) bind: IpAddr,

    /// Let pages of this origin ask, such as `https://shop.example`; may be given several times
    /// [default: all origins on localhost: http or https, any port]
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,

    /// Answer requests for this host, too, such as the name of a tunnel; may be given several times
    /// [default: localhost and the address that was reached]
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,

    #[command(flatten)]
    pub(crate) app: AppOptions,
}

#[derive(Args)]
pub(crate) struct AuthServerArguments {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,

    /// The user who subscribes to presence channels and signs in, for every client that asks
    /// [default: `pushest-cli-` and a random number]
    #[arg(long, value_name = "ID")]
    pub(crate) user_id: Option<String>,

    /// What others may know of the user (a JSON object)
    #[arg(long, value_name = "JSON")]
    pub(crate) user_info: Option<String>,

    /// Whose coming and going the user hears of, once signed in; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) watch: Vec<String>,

    /// Refuse this channel with 403; may be given several times
    #[arg(long, value_name = "CHANNEL")]
    pub(crate) refuse: Vec<String>,

    /// Take these characters in names of channels, too, such as ':#' for Sockudo, beside letters, digits
    /// and _ - = @ , . ;
    #[arg(long, value_name = "CHARACTERS")]
    pub(crate) name_characters: Option<String>,

    /// The key of the app's encrypted channels; prefer PUSHER_ENCRYPTION_MASTER_KEY_BASE64
    #[arg(long, help_heading = "Connection", value_name = "BASE64")]
    pub(crate) master_key: Option<String>,

    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
}

#[derive(Args)]
pub(crate) struct WebhooksArguments {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 3001)]
    pub(crate) port: u16,

    /// How old a webhook may be, by this machine's clock: servers try for 300 s
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    pub(crate) largest_age: Duration,

    /// End after this number of events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
}
