//! From options and environment variables to a configuration. Nothing here touches the network.

use std::env;
use std::time::Duration;

use pushest_driver::Options;
use pushest_proto::{
    Action, AuthEndpoint, Config, ConfigBuilder, ConnectionState, Instant, Loss, Session, Signer,
    Timeouts,
};

use crate::arguments::ConnectionOptions;
use crate::failure::Failure;

/// As the official libraries name the option that it stands for.
const MASTER_KEY_VARIABLE: &str = "PUSHER_ENCRYPTION_MASTER_KEY_BASE64";

/// Everything that a client needs to connect, validated.
pub(crate) struct Connection {
    pub(crate) config: Config,
    pub(crate) options: Options,
    /// Somebody else says who subscribes and signs in.
    pub(crate) has_endpoint: bool,
}

impl Connection {
    /// For commands that end when they are refused.
    pub(crate) fn new(options: &ConnectionOptions) -> Result<Self, Failure> {
        Self::with_config(options, builder(options, &variable)?.stop_on_refusal(true).build()?)
    }

    /// For a command that looks at each step, none of which may take longer than this.
    pub(crate) fn impatient(options: &ConnectionOptions, limit: Duration) -> Result<Self, Failure> {
        let timeouts = Timeouts {
            dial: limit,
            handshake: limit,
            pong: limit,
            subscribe: limit,
            authorization: limit,
            ..Timeouts::default()
        };
        Self::with_config(options, builder(options, &variable)?.timeouts(timeouts).build()?)
    }

    /// For commands that outlive refusals.
    pub(crate) fn lasting(options: &ConnectionOptions) -> Result<Self, Failure> {
        Self::with_config(options, builder(options, &variable)?.build()?)
    }

    fn with_config(options: &ConnectionOptions, config: Config) -> Result<Self, Failure> {
        let mut driver = Options::default();
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
        if let Some(path) = &options.ca_file {
            let endpoint = config.endpoint();
            let asked = [auth_url, options.user_auth_endpoint.as_deref()];
            let asks_tls = asked.into_iter().flatten().any(|url| url.starts_with("https://"));
            if !endpoint.is_tls() && !asks_tls {
                return Err(Failure::input(format_args!(
                    "--ca-file is for TLS, and {}:{} is reached without: add --tls",
                    endpoint.host_name(),
                    endpoint.port_number(),
                )));
            }
            driver = driver.ca_file(path).map_err(Failure::input)?;
        }
        if let Some(url) = auth_url {
            driver = driver.auth_endpoint(auth_endpoint(url, options)?);
        }
        Ok(Self { config, options: driver, has_endpoint: auth_url.is_some() })
    }

    /// Whether channels that are signed can be subscribed to at all.
    pub(crate) fn can_sign(&self) -> bool {
        self.config.has_secret() || self.has_endpoint
    }

    /// Where it connects to, for people.
    pub(crate) fn address(&self) -> String {
        let endpoint = self.config.endpoint();
        let url = endpoint.url(self.config.key());
        url.split_once("/app/").map_or(url.as_str(), |(address, _)| address).to_owned()
    }
}

/// The endpoint with its headers, whose values may be secrets: no error names one.
fn auth_endpoint(url: &str, options: &ConnectionOptions) -> Result<AuthEndpoint, Failure> {
    let mut endpoint = AuthEndpoint::new(endpoint_url("--auth-endpoint", url)?);
    if let Some(url) = &options.user_auth_endpoint {
        endpoint = endpoint.user_url(endpoint_url("--user-auth-endpoint", url)?);
    }
    options.auth_header.iter().try_fold(endpoint, |endpoint, header| {
        let Some((name, value)) = header.split_once(':') else {
            return Err(Failure::input("an --auth-header has no colon: write 'Name: value'"));
        };
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            // Not quoted: with the colon forgotten or misplaced it holds a part of the value.
            return Err(Failure::input(
                "what stands before the colon is not the name of an --auth-header: letters, digits \
                 and !#$%&'*+-.^_`|~",
            ));
        }
        let value = value.trim();
        if !value.bytes().all(|byte| byte.is_ascii_graphic() || b" \t".contains(&byte)) {
            return Err(Failure::input(format_args!(
                "the value of the --auth-header {name:?} may hold visible ASCII characters, space \
                 and tab"
            )));
        }
        Ok(endpoint.header(name, value))
    })
}

/// The URL, if it is one that can be asked. Any part of it may be a secret, of a wrong one all the
/// more: no error quotes it.
fn endpoint_url<'a>(option: &str, url: &'a str) -> Result<&'a str, Failure> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
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
    let has_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    if host.is_empty() || !has_port || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
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
    config.signer().cloned().ok_or_else(|| {
        Failure::input("no secret was given: use --secret, --url or PUSHER_APP_SECRET")
    })
}

/// Whether a client that is to stop on refusals would stop on this.
pub(crate) fn is_refusal(config: &Config, loss: &Loss) -> bool {
    // The policy is the core's: a session that lives for this question only answers it.
    let endpoint = config.endpoint();
    let strict = Config::builder(config.key())
        .host(endpoint.host_name())
        .tls(endpoint.is_tls())
        .stop_on_refusal(true)
        .build();
    let Ok(strict) = strict else { return false };
    let mut session = Session::new(strict, 0, Instant::default());
    session.connect(Instant::default());
    while let Some(action) = session.poll_action() {
        if let Action::Connect { connection, .. } = action {
            session.handle_close(connection, loss.clone(), Instant::default());
        }
    }
    session.state() == ConnectionState::Refused
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
    let left = |name: &str| variable(name).and_then(|value| reduced(options, name, value));
    let mut builder = match &app.url {
        Some(url) => ConfigBuilder::default().url(url)?,
        None => ConfigBuilder::default().variables(left)?,
    };
    if let Some(key) = &app.key {
        builder = builder.key(key);
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
    if let Some(host) = &options.host {
        builder = builder.host(host).tls(options.port == Some(443));
    }
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

/// What is left of a variable where options win over it: with another server nothing about the
/// address, with an endpoint for authorizations no secret.
fn reduced(options: &ConnectionOptions, name: &str, value: String) -> Option<String> {
    let is_elsewhere = options.host.is_some() || options.cluster.is_some();
    let signs = options.auth_endpoint.is_none();
    match name {
        "PUSHER_URL" if is_elsewhere || !signs => {
            Some(reduced_url(&value, is_elsewhere, signs).unwrap_or(value))
        }
        "PUSHER_URL" => Some(value),
        _ if name.ends_with("_APP_SECRET") => signs.then_some(value),
        _ => (!is_elsewhere || name.ends_with("_APP_KEY")).then_some(value),
    }
}

fn reduced_url(url: &str, is_elsewhere: bool, signs: bool) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (mut user, server) = authority.rsplit_once('@')?;
    if !signs {
        user = user.split(':').next()?;
    }
    // The hosted service, until the options say where.
    let elsewhere = || format!("https://{user}@api.pusher.com/apps/0");
    Some(if is_elsewhere { elsewhere() } else { format!("{scheme}://{user}@{server}{path}") })
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
        expect(&["--key=k", "--cluster=eu"], &[], ["wss://ws-eu.pusher.com:443", "k", ""]);
        expect(
            &["--key=k", "--cluster=eu", "--tls=false"],
            &[],
            ["ws://ws-eu.pusher.com:80", "k", ""],
        );
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
        assert!(error(&["--key=k", "--host=http://h"], &[]).contains("\"http://h\""));
        assert!(error(&["--key=k"], &[("PUSHER_PORT", "x")]).contains("\"x\""));
        assert!(error(&["--key=k", "--url=pusher://k:hush@h"], &[]).contains("--url"));
        assert!(error(&["--key=k", "--host=h", "--cluster=eu"], &[]).contains("--cluster"));
    }

    #[test]
    fn only_refusals_count_as_refusals() {
        use pushest_proto::DialFailure;

        let config = Config::builder("k").host("h").build().unwrap();
        let http = |status| {
            let (retry_after, location) = (None, None);
            Loss::Dial(DialFailure::Http { status, retry_after, location, body: "".into() })
        };
        assert!(is_refusal(&config, &http(404)));
        assert!(is_refusal(&config, &Loss::closed(Some(4001), "no such app")));
        assert!(!is_refusal(&config, &http(503)));
        assert!(!is_refusal(&config, &Loss::Dial(DialFailure::Connect("refused".into()))));
        assert!(!is_refusal(&config, &Loss::closed(Some(4200), "again")));
    }
}
