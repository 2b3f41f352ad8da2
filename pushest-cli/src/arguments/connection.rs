//! Which app, and how to reach it.

use std::path::PathBuf;

use clap::Args;

/// Which app.
#[derive(Args, Clone, Default)]
pub(crate) struct AppOptions {
    /// The app's key
    #[arg(long, help_heading = "Connection")]
    pub(crate) key: Option<String>,

    /// The app's id, which the HTTP API needs
    #[arg(long, help_heading = "Connection", value_name = "ID")]
    pub(crate) app_id: Option<String>,

    /// The app's secret; other users of this machine may see it here: prefer PUSHER_APP_SECRET
    #[arg(long, help_heading = "Connection")]
    pub(crate) secret: Option<String>,

    /// All in one: pusher://KEY:SECRET@HOST:PORT/PATH, pushers://… for TLS,
    /// https://KEY:SECRET@HOST/apps/ID, or the WebSocket's own wss://HOST/app/KEY; key and secret
    /// are percent-encoded
    #[arg(long, help_heading = "Connection", conflicts_with = "key")]
    pub(crate) url: Option<String>,
}

/// Which app, and where.
#[derive(Args, Default)]
pub(crate) struct ConnectionOptions {
    #[command(flatten)]
    pub(crate) app: AppOptions,

    /// A cluster of the hosted service, such as eu [default: mt1]
    #[arg(long, help_heading = "Connection", conflicts_with_all = ["url", "host"])]
    pub(crate) cluster: Option<String>,

    /// The host of your own server: a name or an IP address, such as [fe80::1%eth0]; HOST:PORT; or
    /// ws://HOST:PORT/PATH, or wss:// with TLS. May be given several times, for the nodes of a cluster:
    /// when one is lost or refuses, the next one is tried, in a random order. The HTTP API is called at
    /// the first
    #[arg(long, help_heading = "Connection", conflicts_with = "url")]
    pub(crate) host: Vec<String>,

    /// The port, where --host does not say it [default: 443 with TLS, else 80]
    #[arg(
        long,
        help_heading = "Connection",
        conflicts_with = "url",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub(crate) port: Option<u16>,

    /// A path before /app/KEY
    #[arg(long, help_heading = "Connection", conflicts_with = "url")]
    pub(crate) path: Option<String>,

    /// Use TLS, or not [default: yes for a cluster and for port 443, else no]
    #[arg(
        long,
        help_heading = "Connection",
        conflicts_with = "url",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub(crate) tls: Option<bool>,

    /// The key of the app's encrypted channels; prefer PUSHER_ENCRYPTION_MASTER_KEY_BASE64
    #[arg(long, help_heading = "Connection", value_name = "BASE64")]
    pub(crate) master_key: Option<String>,

    /// Ask this URL for authorizations, in place of a secret: a POST with socket_id and
    /// channel_name, for a sign-in with socket_id alone, as pusher-js sends it
    #[arg(
        long,
        help_heading = "Connection",
        value_name = "URL",
        conflicts_with_all = ["secret", "master_key"]
    )]
    pub(crate) auth_endpoint: Option<String>,

    /// Ask this URL, and not that of --auth-endpoint, for the authorizations of sign-ins [default:
    /// the same URL]
    #[arg(long, help_heading = "Connection", value_name = "URL")]
    pub(crate) user_auth_endpoint: Option<String>,

    /// A header for each of these requests; may be given several times. With NAME:@FILE the value
    /// is read from the file for each request, and stands where other users do not see it
    #[arg(long, help_heading = "Connection", value_name = "NAME:VALUE")]
    pub(crate) auth_header: Vec<String>,

    /// A header for the connection to the server and for each request of its HTTP API, such as
    /// `Origin: https://shop.example`; may be given several times, and with NAME:@FILE as for
    /// --auth-header (once for the HTTP API)
    #[arg(long, help_heading = "Connection", value_name = "NAME:VALUE")]
    pub(crate) header: Vec<String>,

    /// Connect through this proxy, whatever the environment says: http://HOST:PORT (CONNECT) or
    /// socks5://HOST:PORT; one with a password stands in PUSHEST_PROXY, and not here
    #[arg(long, help_heading = "Connection", value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// Connect without a proxy, whatever the environment says
    #[arg(long, help_heading = "Connection", conflicts_with = "proxy")]
    pub(crate) no_proxy: bool,

    /// Reach the server over this Unix socket, such as one of nginx: nothing is resolved, and no proxy
    /// counts; --host or --url still say the name for the request and the certificate
    #[cfg(unix)]
    #[arg(long, help_heading = "Connection", value_name = "PATH", conflicts_with = "proxy")]
    pub(crate) unix_socket: Option<PathBuf>,

    /// Trust the certificates in this file (PEM), too: of authorities, or of a server that signed
    /// itself, as `openssl req -x509` makes them
    ///
    /// There is no --insecure. With it, any machine on the way could pose as the server, read every
    /// event and sign in as the user, unnoticed; and what is tried with it goes to
    /// production with it. The certificate of a server of your own, given here, is all that it takes.
    #[arg(long, help_heading = "Connection", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Show the certificate in this file (PEM), and those between it and its authority, to a server
    /// that demands one of its clients
    ///
    /// An endpoint for authorizations is shown it only where its host is the server's.
    #[arg(long, help_heading = "Connection", value_name = "FILE")]
    pub(crate) client_cert: Option<PathBuf>,

    /// The private key of --client-cert (PEM: PKCS #8, PKCS #1 or SEC 1, without a password)
    /// [default: it is in the same file]
    #[arg(long, help_heading = "Connection", value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,
}
