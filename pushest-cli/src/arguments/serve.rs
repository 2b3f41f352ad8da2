//! What `pushest serve` is told.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use pushest_testkit::{Certificate, Profile};

use super::seconds;
use crate::faults::{self, Fault};

/// Id, key and secret of the app that `serve` serves unless told otherwise.
pub(crate) const DEFAULT_APP: (&str, &str, &str) = ("1", "app-key", "app-secret");

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

    /// Which server to behave like, where servers differ
    #[arg(long, value_name = "NAME", default_value = "standard", value_parser = profiles())]
    pub(crate) profile: Profile,

    /// Speak TLS, with a certificate made at the start for localhost and the address; the authority
    /// that signed it is in a file that the command names, and removes at the end
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    pub(crate) tls: bool,

    /// Speak TLS with this certificate (PEM), and those between it and its authority
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Speak TLS with a certificate as --tls makes it, that clients refuse: expired, for another
    /// name, or signed by itself, which they take where --ca-file names it
    #[arg(
        long,
        value_name = "NAME",
        value_parser = certificates(),
        conflicts_with_all = ["tls_cert", "tls_key"]
    )]
    pub(crate) tls_fault: Option<Certificate>,

    /// Misbehave in this way, see below; may be given several times
    #[arg(long, value_name = "NAME[=VALUE][/COUNT]", value_parser = faults::parse)]
    pub(crate) fault: Vec<Fault>,

    /// How often the faults strike that befall the connections there are
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) fault_every: Duration,

    /// Send webhooks to this URL (http://…), signed, until they are taken; may be given several
    /// times
    #[arg(long, value_name = "URL")]
    pub(crate) webhooks: Vec<String>,

    /// Begin each line with the time, in UTC
    #[arg(long)]
    pub(crate) timestamps: bool,
}

impl ServeArguments {
    pub(crate) fn is_tls(&self) -> bool {
        self.tls || self.tls_fault.is_some() || self.tls_cert.is_some()
    }
}

fn profiles() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(Profile::ALL.map(Profile::name))
        .map(|name| Profile::from_name(&name).expect("it is one of these names"))
}

/// All that the testkit makes, but for the one that is right.
pub(crate) fn wrong_certificates() -> impl Iterator<Item = Certificate> {
    Certificate::ALL.into_iter().filter(|certificate| *certificate != Certificate::Valid)
}

fn certificates() -> impl TypedValueParser<Value = Certificate> {
    PossibleValuesParser::new(wrong_certificates().map(Certificate::name)).map(|name| {
        let named = wrong_certificates().find(|certificate| certificate.name() == name);
        named.expect("it is one of these names")
    })
}

/// What stands below the options in the help.
pub(super) fn help() -> String {
    format!("{SERVE}\n\n{}", faults::help())
}

const SERVE: &str = "\
The first line says where it listens, and the lines behind it are commands to paste. The secret
stands in them if it is the public one, app-secret: it protects nothing, and a server
that others can reach needs one of its own, which is then shown as SECRET. With -v what happens goes
to standard error, a line each; with -vv each message, too, without signatures and keys. What clients
send is shown with control and invisible characters escaped.

Profiles: standard is the protocol as documented. The others differ from it as these servers do:
hosted (pusher.com), soketi, reverb (Laravel), sockudo, poxa, pusher-fake.

With --json all of it is on standard output, one object a line:
  {\"type\":\"listening\",\"time\":…,\"host\":…,\"port\":…,\"app_id\":…,\"key\":…,\"profile\":…,\"tls\":…,
   \"ca_file\":…,\"example\":…}
      ca_file: for --ca-file of the other commands, with --tls; else null
And with -v:
  {\"type\":\"request\",…,\"method\":…,\"path\":…,\"status\":…,\"reason\":…}
      upgrades to a WebSocket, too (101); the query, which holds signatures, is left out
  {\"type\":\"connected\",…,\"socket_id\":…}
  {\"type\":\"refused\",…,\"code\":…,\"reason\":…}
      a connection, before it was established
  {\"type\":\"disconnected\",…,\"socket_id\":…,\"code\":…,\"reason\":…}
      code: the one that the server closed it with, if it did
  {\"type\":\"subscribed\",…,\"socket_id\":…,\"channel\":…,\"user_id\":…}, the same without user_id with
   \"unsubscribed\", and with a reason with \"subscription_refused\"
  {\"type\":\"signed_in\",…,\"socket_id\":…,\"user_id\":…}
  {\"type\":\"sign_in_refused\",…,\"socket_id\":…,\"reason\":…}
  {\"type\":\"client_event\",…,\"socket_id\":…,\"channel\":…,\"event\":…,\"data\":…,\"receivers\":…}
  {\"type\":\"client_event_refused\",…,\"socket_id\":…,\"channel\":…,\"event\":…,\"reason\":…}
  {\"type\":\"published\",…,\"channel\":…,\"event\":…,\"data\":…,\"receivers\":…}
  {\"type\":\"webhook_sent\",…,\"url\":…,\"attempt\":…,\"status\":…,\"reason\":…}
      reason: why there was no answer
  {\"type\":\"fault\",…,\"fault\":…}
      a fault has struck
  {\"type\":\"missed\",…,\"count\":…}
      more happened than could be written
And with -vv:
  {\"type\":\"received\",…,\"socket_id\":…,\"text\":…}, and the same with \"sent\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_app_is_that_of_the_testkit() {
        let app = pushest_testkit::protocol::App::default();
        assert_eq!(DEFAULT_APP, (&*app.id, &*app.key, app.secret()));
        // PyPI's `pusher` refuses others.
        assert!(app.id.bytes().all(|byte| byte.is_ascii_digit()), "{}", app.id);
    }

    #[test]
    fn every_profile_is_named_in_the_help() {
        for profile in Profile::ALL {
            assert!(SERVE.contains(profile.name()), "{}", profile.name());
        }
    }
}
