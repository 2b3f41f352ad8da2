//! From options and environment variables to a configuration. Nothing here touches the network.

use std::env;
use std::time::Duration;

use pushest_driver::Options;
use pushest_driver::unstable::{ascii_host_name, check_endpoints};
use pushest_proto::{
    AuthEndpoint, AuthorizationError, Config, ConfigBuilder, Endpoint, Signer, Timeouts,
};

use crate::app_url::of_url;
use crate::arguments::{AppOptions, ConnectionOptions};
use crate::failure::Failure;
use crate::headers::Headers;
use crate::proxy::with_proxy;
use crate::route::Routes;
use crate::runtime::Runtime;
use crate::tls::with_tls;
use crate::unix_socket::UnixSocket;

/// As the official libraries name the option that it stands for.
const MASTER_KEY_VARIABLE: &str = "PUSHER_ENCRYPTION_MASTER_KEY_BASE64";

/// Everything that a client needs to connect, validated.
pub(crate) struct Connection {
    pub(crate) config: Config,
    /// For a client of tokio.
    pub(crate) options: Options,
    pub(crate) unix_socket: Option<UnixSocket>,
    /// Whether an authorization endpoint says who subscribes and signs in.
    pub(crate) has_endpoint: bool,
}

impl Connection {
    /// For commands that end when they are refused, or once this time is over.
    pub(crate) fn new(
        options: &ConnectionOptions,
        limit: Option<Duration>,
    ) -> Result<Self, Failure> {
        let builder = builder(options, &variable)?.timeouts(within(limit)).stop_on_refusal(true);
        Self::with_config(options, builder.build()?)
    }

    /// For a command that looks at each step, none of which may take longer than this.
    pub(crate) fn impatient(options: &ConnectionOptions, limit: Duration) -> Result<Self, Failure> {
        let timeouts = Timeouts::default()
            .dial(limit)
            .handshake(limit)
            .pong(limit)
            .subscribe(limit)
            .authorization(limit);
        Self::with_config(options, builder(options, &variable)?.timeouts(timeouts).build()?)
    }

    /// For commands that outlive refusals, and end once this time is over.
    pub(crate) fn lasting(
        options: &ConnectionOptions,
        limit: Option<Duration>,
    ) -> Result<Self, Failure> {
        let builder = builder(options, &variable)?.timeouts(within(limit));
        Self::with_config(options, builder.build()?)
    }

    fn with_config(options: &ConnectionOptions, config: Config) -> Result<Self, Failure> {
        for endpoint in config.endpoints() {
            ascii_host_name(endpoint.host()).map_err(Failure::input)?;
        }
        check_endpoints(&config)?;
        let unix_socket = UnixSocket::given(options)?;
        let driver = match &unix_socket {
            Some(socket) => socket.within(Options::default(), Runtime::Tokio),
            None => with_proxy(Options::default(), options)?,
        };
        let mut driver = with_headers(driver, &options.header)?;
        let auth_url = options.auth_endpoint.as_deref();
        if auth_url.is_some() && config.has_secret() {
            return Err(Failure::input(
                "--auth-endpoint stands for the secret, and --url holds one: leave one of them out",
            ));
        }
        if auth_url.is_none() && !options.auth_header.is_empty() {
            return Err(Failure::input("--auth-header is for --auth-endpoint, which is not given"));
        }
        if auth_url.is_none() && options.user_auth_endpoint.is_some() {
            // Not clap's: it lifts a requirement that conflicts with what is given, as --secret.
            return Err(Failure::input(
                "--user-auth-endpoint is beside --auth-endpoint, which is not given",
            ));
        }
        driver = with_tls(driver, options, &config)?;
        if let Some(url) = auth_url {
            let headers = Headers::parse("--auth-header", &options.auth_header)?;
            driver = driver.auth_endpoint(auth_endpoint(url, options, &headers)?);
            if headers.names_of_files().next().is_some() {
                driver = driver.try_auth_headers(move |_| {
                    headers
                        .read()
                        .map_err(|problem| AuthorizationError::unavailable(None, &problem))
                });
            }
        }
        let has_endpoint = auth_url.is_some();
        Ok(Self { config, options: driver, unix_socket, has_endpoint })
    }

    /// The options for a client of this runtime.
    pub(crate) fn options_for(&self, runtime: Runtime) -> Options {
        let options = self.options.clone();
        match &self.unix_socket {
            Some(socket) => socket.within(options, runtime),
            None => options,
        }
    }

    /// Whether channels that are signed can be subscribed to at all.
    pub(crate) fn can_sign(&self) -> bool {
        self.config.has_secret() || self.has_endpoint
    }

    /// The ways to the endpoints.
    pub(crate) fn routes(&self) -> Routes {
        Routes::new(&self.options, self.unix_socket.as_ref(), self.config.endpoints().len())
    }
}

/// The timeouts of a command that ends once this time is over. What is silent on the way to the server has nine
/// tenths of the dial, and is told before that; a server that is silent is waited for to the end.
fn within(limit: Option<Duration>) -> Timeouts {
    let timeouts = Timeouts::default();
    let longest = timeouts.dial;
    let dial = |limit: Duration| (limit + limit / 20).clamp(Duration::from_millis(1), longest);
    match limit.filter(|limit| *limit < longest).map(dial) {
        Some(limit) => timeouts.dial(limit),
        None => timeouts,
    }
}

/// The headers of the connection to the server.
fn with_headers(mut driver: Options, given: &[String]) -> Result<Options, Failure> {
    let headers = Headers::parse("--header", given)?;
    for (name, value) in &headers.fixed {
        driver = driver.header(name, value).map_err(Failure::input)?;
    }
    for name in headers.names_of_files() {
        // What belongs to the upgrade itself is refused whatever its value.
        Options::default().header(name, "").map_err(Failure::input)?;
    }
    let has_files = headers.names_of_files().next().is_some();
    Ok(if has_files { driver.headers_with(move || headers.read()) } else { driver })
}

fn auth_endpoint(
    url: &str,
    options: &ConnectionOptions,
    headers: &Headers,
) -> Result<AuthEndpoint, Failure> {
    let mut endpoint = AuthEndpoint::new(endpoint_url("--auth-endpoint", url)?);
    if let Some(url) = &options.user_auth_endpoint {
        endpoint = endpoint.user_url(endpoint_url("--user-auth-endpoint", url)?);
    }
    let add =
        |endpoint: AuthEndpoint, (name, value): &(String, String)| endpoint.header(name, value);
    Ok(headers.fixed.iter().fold(endpoint, add))
}

/// The URL, if it is one that can be asked. Any part of it may be a secret, of a wrong one all the
/// more: no error quotes it.
fn endpoint_url<'a>(option: &str, url: &'a str) -> Result<&'a str, Failure> {
    let is_http = |scheme: &str| ["http", "https"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    let rest = url.split_once("://").filter(|(scheme, _)| is_http(scheme)).map(|(_, rest)| rest);
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if authority.contains('@') {
        return Err(Failure::input(format_args!(
            "the URL of {option} holds credentials: give them as --auth-header 'Authorization: …'"
        )));
    }
    let (host, port) = match authority.rsplit_once(':') {
        // The colon is one of an IPv6 address.
        Some((_, port)) if port.ends_with(']') => (authority, None),
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse().is_ok_and(|port: u16| port > 0)
    };
    let has_port = port.is_none_or(is_port);
    let is_host = !host.is_empty() && ascii_host_name(host).is_ok();
    // The name alone may have letters beyond ASCII.
    let is_ascii_else = url.replacen(host, "", 1).is_ascii();
    let is_visible = url.chars().all(|letter| letter.is_ascii_graphic() || !letter.is_ascii());
    if !is_host || !has_port || !is_ascii_else || !is_visible {
        return Err(Failure::input(format_args!(
            "the value of {option} is not the URL of an endpoint: it starts with http:// or \
             https:// and a host, with or without a port, and holds visible ASCII characters, such \
             as https://example.org/pusher/auth"
        )));
    }
    Ok(url)
}

/// Signs as the app, where no connection is needed.
pub(crate) fn signer(options: &ConnectionOptions) -> Result<Signer, Failure> {
    // What is not needed must still not be wrong.
    let config = builder(options, &variable)?.build()?;
    secret(&config).cloned()
}

/// The app, where no connection is needed.
pub(crate) fn app(app: &AppOptions, master_key: Option<&str>) -> Result<Config, Failure> {
    let (app, master_key) = (app.clone(), master_key.map(str::to_owned));
    let options = ConnectionOptions { app, master_key, ..ConnectionOptions::default() };
    Ok(builder(&options, &variable)?.build()?)
}

/// What signs as the app, which must have been given.
pub(crate) fn secret(config: &Config) -> Result<&Signer, Failure> {
    config.signer().ok_or_else(|| pushest_proto::ConfigError::Missing { what: "secret" }.into())
}

fn variable(name: &str) -> Option<String> {
    // Text that is not UTF-8 must not pass for unset: validation names it.
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// What the options say, and where they say nothing, the variables.
fn builder(
    options: &ConnectionOptions,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<ConfigBuilder, Failure> {
    let app = &options.app;
    let is_elsewhere = !options.host.is_empty() || options.cluster.is_some();
    let mut builder = match &app.url {
        Some(url) => of_url(url, app.app_id.as_deref())?,
        None => ConfigBuilder::default().variables(|name| left(is_elsewhere, name, variable))?,
    };
    if app.url.is_none() && is_elsewhere {
        builder = builder.without_address();
    }
    if app.url.is_none() && options.auth_endpoint.is_some() {
        builder = builder.without_secret();
    }
    if let Some(key) = &app.key {
        builder = builder.key(key);
    }
    if let Some(id) = &app.app_id {
        builder = builder.app_id(id);
    }
    if let Some(secret) = &app.secret {
        builder = builder.secret(secret);
    }
    let master_key = || variable(MASTER_KEY_VARIABLE).filter(|key| !key.trim().is_empty());
    if let Some(master_key) = options.master_key.clone().or_else(master_key) {
        builder = builder.master_key_base64(&master_key);
    }
    if let Some(cluster) = &options.cluster {
        builder = builder.cluster(cluster).tls(true);
    }
    builder = match options.host.as_slice() {
        [] => builder,
        [host] if !is_of_list(host) => builder.host(host).tls(options.port == Some(443)),
        hosts => builder.endpoints(hosts),
    };
    if let Some(port) = options.port {
        builder = builder.port(port);
    }
    if let Some(path) = &options.path {
        builder = builder.path(path);
    }
    if let Some(tls) = options.tls {
        builder = builder.tls(tls);
    }
    Ok(builder)
}

/// Returns whether it is read as an entry of a list: it is a URL, a port stands behind the host, be it right
/// or wrong, or the end of an address may be one.
fn is_of_list(host: &str) -> bool {
    let port = host.rsplit_once(':').map(|(_, port)| port);
    let is_number = |port: &str| !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit());
    let has_port = Endpoint::new(host).is_err() && port.is_some_and(is_number);
    has_port || host.contains("://") || host.parse::<std::net::Ipv6Addr>().is_ok()
}

/// What is left of the variables where options say which server: nothing about an address, right
/// or wrong. What `PUSHER_URL` says of it is taken out later: the rest of it counts.
fn left(
    is_elsewhere: bool,
    name: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    const ADDRESS: [&str; 4] = ["_APP_CLUSTER", "_HOST", "_PORT", "_SCHEME"];
    if !is_elsewhere || !ADDRESS.iter().any(|part| name.ends_with(part)) {
        return variable(name);
    }
    // It would be missed.
    (name == "REVERB_HOST").then(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn resolved(options: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
        let words = [&["pushest", "listen", "news"], options].concat();
        let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Listen(arguments) = arguments.command else { unreachable!() };
        let variable = |name: &str| {
            let found = variables.iter().find(|(candidate, _)| *candidate == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let config = builder(&arguments.connection, &variable);
        config.and_then(|builder| Ok(builder.build()?)).map_err(|failure| match failure {
            Failure::Input(text) => text,
            _ => unreachable!("resolving fails on bad input only"),
        })
    }

    /// The endpoint's URL up to the app, the key, and the secret, which only its signatures show.
    fn expect(options: &[&str], variables: &[(&str, &str)], wanted: [&str; 3]) {
        let config = resolved(options, variables).unwrap();
        let [address, key, secret] = wanted;
        let url = config.endpoint().url(config.key());
        assert_eq!((url.split_once("/app/").unwrap().0, config.key()), (address, key));
        let socket_id = pushest_proto::SocketId::new("1.2").unwrap();
        let auth = |signer: &Signer| signer.channel(&socket_id, "private-a", None);
        let wanted = (!secret.is_empty()).then(|| auth(&Signer::new(key, secret)));
        assert_eq!(config.signer().map(auth), wanted);
    }

    #[test]
    fn options_alone_describe_a_server() {
        expect(&["--key", "k"], &[], ["wss://ws-mt1.pusher.com:443", "k", ""]);
        expect(
            &["--key", "k", "--secret", "s", "--host", "::1", "--port", "6001", "--path", "/rt"],
            &[],
            ["ws://[::1]:6001/rt", "k", "s"],
        );
        expect(&["--key=k", "--host=h", "--tls"], &[], ["wss://h:443", "k", ""]);
        expect(&["--key=k", "--host=h:6001"], &[], ["ws://h:6001", "k", ""]);
        expect(&["--key=k", "--host=h:443"], &[], ["wss://h:443", "k", ""]);
        expect(&["--key=k", "--host=[::1]:7", "--tls"], &[], ["wss://[::1]:7", "k", ""]);
        expect(&["--key=k", "--host=::1", "--port=443"], &[], ["wss://[::1]:443", "k", ""]);
        expect(&["--key=k", "--host=ws://h:9/rt"], &[], ["ws://h:9/rt", "k", ""]);
        expect(&["--key=k", "--host=wss://h", "--path=/rt"], &[], ["wss://h:443/rt", "k", ""]);
        expect(&["--key=k", "--cluster=eu"], &[], ["wss://ws-eu.pusher.com:443", "k", ""]);
        expect(
            &["--key=k", "--cluster=eu", "--tls=false"],
            &[],
            ["ws://ws-eu.pusher.com:80", "k", ""],
        );
    }

    #[test]
    fn several_hosts_are_the_nodes_of_a_cluster() {
        let urls = |options: &[&str], variables: &[(&str, &str)]| -> Result<Vec<String>, String> {
            let config = resolved(&[&["--key=k"][..], options].concat(), variables)?;
            Ok(config.endpoints().iter().map(ToString::to_string).collect())
        };
        let refused = |options: &[&str]| urls(options, &[]).expect_err("it is refused");
        let two = ["--host=a", "--host=b:6002"];
        assert_eq!(urls(&two, &[]), Ok(vec!["ws://a:80".into(), "ws://b:6002".into()]));
        let all = [&two[..], &["--port=6001", "--path=/rt", "--tls"]].concat();
        let expected = vec!["wss://a:6001/rt".into(), "wss://b:6002/rt".into()];
        // The address of the variables does not count.
        let variables = [("PUSHER_HOST", "h"), ("PUSHER_PORT", "1"), ("PUSHER_SCHEME", "https")];
        assert_eq!(urls(&all, &variables), Ok(expected));
        assert_eq!(urls(&two, &variables), Ok(vec!["ws://a:80".into(), "ws://b:6002".into()]));
        assert!(refused(&["--host=a", "--host=A."]).contains("twice"));
        assert!(refused(&["--host=a", "--host=a b"]).contains("\"a b\", number 2 of the list"));
        assert!(refused(&["--host=a", "--host="]).contains("\"\", number 2 of the list"));
        assert!(refused(&["--host=a:0"]).contains("\"0\" is not a port"));
        assert!(refused(&["--host=::1:6001"]).contains("as in [::1:6001], or [::1]:6001"));
        assert!(refused(&["--host=http://h:9"]).contains("\"http://h…\", number 1 of the list"));
        assert!(refused(&["--host=a..b"]).contains("is not a host"));
        assert!(refused(&["--host=a", "--host=b", "--cluster=eu"]).contains("--cluster"));
        assert!(refused(&["--host=a", "--host=b", "--url=pusher://k@h"]).contains("--url"));
    }

    #[test]
    fn a_url_describes_everything_and_variables_are_left_out() {
        let variables = [("PUSHER_APP_KEY", "other"), ("PUSHER_APP_SECRET", "other")];
        expect(
            &["--url", "pusher://k:s%2F@127.0.0.1:6001/rt"],
            &variables,
            ["ws://127.0.0.1:6001/rt", "k", "s/"],
        );
        expect(&["--url=pushers://k@h", "--secret=s"], &variables, ["wss://h:443", "k", "s"]);
    }

    #[test]
    fn variables_count_where_options_say_nothing() {
        let variables = [
            ("PUSHER_APP_KEY", "k"),
            ("PUSHER_APP_SECRET", "s"),
            ("PUSHER_HOST", "h"),
            ("PUSHER_PORT", "6001"),
            ("PUSHER_SCHEME", "http"),
            ("REVERB_APP_KEY", "not this"),
        ];
        expect(&[], &variables, ["ws://h:6001", "k", "s"]);
        expect(&["--port=7000"], &variables, ["ws://h:7000", "k", "s"]);
        expect(&["--key=other", "--secret=x"], &variables, ["ws://h:6001", "other", "x"]);
        expect(&["--host=other"], &variables, ["ws://other:80", "k", "s"]);
        expect(&["--cluster=eu"], &variables, ["wss://ws-eu.pusher.com:443", "k", "s"]);
    }

    #[test]
    fn the_url_variable_gives_the_app_to_another_server() {
        let variables = [("PUSHER_URL", "https://k:s@api-eu.pusher.com/apps/3")];
        expect(&[], &variables, ["wss://ws-eu.pusher.com:443", "k", "s"]);
        expect(&["--host=localhost", "--port=6001"], &variables, ["ws://localhost:6001", "k", "s"]);
        expect(&["--host=h", "--port=443"], &variables, ["wss://h:443", "k", "s"]);
        let elsewhere = [("PUSHER_URL", "pusher://k:s%2F@h:6001/rt")];
        expect(&["--cluster=eu"], &elsewhere, ["wss://ws-eu.pusher.com:443", "k", "s/"]);
        expect(&["--host=other"], &elsewhere, ["ws://other:80", "k", "s/"]);
        let both = [variables[0], ("PUSHER_APP_SECRET", "newer")];
        expect(&[], &both, ["wss://ws-eu.pusher.com:443", "k", "newer"]);
    }

    #[test]
    fn an_endpoint_stands_for_the_secret_of_variables() {
        let endpoint = "--auth-endpoint=http://127.0.0.1/auth";
        let variables = [("PUSHER_APP_KEY", "k"), ("PUSHER_APP_SECRET", "s")];
        expect(&["--host=h", endpoint], &variables, ["ws://h:80", "k", ""]);
        let variables = [("PUSHER_URL", "pusher://k:s@h:6001/rt")];
        expect(&[endpoint], &variables, ["ws://h:6001/rt", "k", ""]);
        expect(&[endpoint, "--host=other"], &variables, ["ws://other:80", "k", ""]);
    }

    #[test]
    fn reverb_is_understood() {
        let variables = [
            ("REVERB_APP_KEY", "k"),
            ("REVERB_APP_SECRET", "s"),
            ("REVERB_HOST", "h"),
            ("REVERB_PORT", "8080"),
            ("REVERB_SCHEME", "http"),
        ];
        expect(&[], &variables, ["ws://h:8080", "k", "s"]);
        expect(&["--host=other"], &variables, ["ws://other:80", "k", "s"]);
        expect(&["--host=other"], &variables[..2], ["ws://other:80", "k", "s"]);
        expect(&["--cluster=eu"], &variables, ["wss://ws-eu.pusher.com:443", "k", "s"]);
    }

    #[test]
    fn the_websockets_own_url_may_get_its_secret_from_elsewhere() {
        let url = "wss://h/rt/app/k?protocol=7&client=js";
        expect(&["--url", url], &[], ["wss://h:443/rt", "k", ""]);
        expect(&["--url", url, "--secret=s"], &[], ["wss://h:443/rt", "k", "s"]);
        let variables = [("PUSHER_URL", url), ("PUSHER_APP_SECRET", "s")];
        expect(&[], &variables, ["wss://h:443/rt", "k", "s"]);
        expect(&["--host=other"], &variables, ["ws://other:80", "k", "s"]);
    }

    #[test]
    fn a_master_key_comes_from_the_option_or_the_variable() {
        let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        let has_key = |options: &[&str], variables: &[(&str, &str)]| {
            resolved(options, variables).map(|config| config.has_master_key())
        };
        assert_eq!(has_key(&["--key=k"], &[]), Ok(false));
        assert_eq!(has_key(&["--key=k", "--master-key", key], &[]), Ok(true));
        assert_eq!(has_key(&["--key=k"], &[(MASTER_KEY_VARIABLE, key)]), Ok(true));
        let error = has_key(&["--key=k"], &[(MASTER_KEY_VARIABLE, "aHVzaA==")]).unwrap_err();
        assert_eq!(error, "the master key has 4 bytes: it must have 32");
    }

    #[test]
    fn what_is_wrong_is_named_and_secrets_are_not() {
        let error = |options: &[&str], variables: &[(&str, &str)]| {
            let error = resolved(options, variables).unwrap_err();
            assert!(!error.contains("hush"), "{error}");
            error
        };
        assert!(error(&[], &[]).contains("--key"));
        assert!(error(&["--key=a b"], &[]).contains("\"a b\""));
        assert!(error(&["--key=k", "--secret= "], &[]).contains("secret is empty"));
        assert!(error(&["--url=ftp://k:hush@h"], &[]).contains("unknown scheme"));
        assert!(error(&["--key=k", "--host=a b"], &[]).contains("\"a b\""));
        assert!(error(&["--key=k", "--host=http://k:hush@h"], &[]).contains("not an endpoint"));
        assert!(error(&["--key=k", "--host=k:hush"], &[]).contains("is not a host"));
        assert!(error(&["--key=k:hush"], &[]).contains("is not a key"));
        assert!(error(&["--key=k"], &[("PUSHER_PORT", "hush")]).contains("PUSHER_PORT"));
        let url = ("PUSHER_URL", "pusher://k:se@cret:hush/more@h");
        for options in [&["--host=h"][..], &["--cluster=eu"], &["--auth-endpoint=http://h/"], &[]] {
            assert!(error(options, &[url]).contains("percent-encoded"), "{options:?}");
        }
        assert!(error(&["--key=k", "--url=pusher://k:hush@h"], &[]).contains("--url"));
        assert!(error(&["--key=k", "--host=h", "--cluster=eu"], &[]).contains("--cluster"));
    }
}
