//! From options and environment variables to a configuration. Nothing here touches the network.

use std::env;

use percent_encoding::percent_decode_str;
use pushest_proto::{Action, Config, ConfigBuilder, ConnectionState, Instant, Loss, Session};
use pushest_tokio::Options;

use crate::arguments::{AppOptions, ConnectionOptions};
use crate::failure::Failure;

/// Everything that a client needs to connect, validated.
pub(crate) struct Connection {
    pub(crate) config: Config,
    pub(crate) options: Options,
}

impl Connection {
    /// For commands that end when they are refused.
    pub(crate) fn new(options: &ConnectionOptions) -> Result<Self, Failure> {
        Self::with_config(options, builder(options, &variable)?.stop_on_refusal(true).build()?)
    }

    /// For commands that outlive refusals.
    pub(crate) fn lasting(options: &ConnectionOptions) -> Result<Self, Failure> {
        Self::with_config(options, builder(options, &variable)?.build()?)
    }

    fn with_config(options: &ConnectionOptions, config: Config) -> Result<Self, Failure> {
        let mut driver = Options::default();
        if let Some(path) = &options.ca_file {
            let endpoint = config.endpoint();
            if !endpoint.is_tls() {
                return Err(Failure::input(format_args!(
                    "--ca-file is for TLS, and {}:{} is reached without: add --tls",
                    endpoint.host_name(),
                    endpoint.port_number(),
                )));
            }
            driver = driver.ca_file(path).map_err(Failure::input)?;
        }
        Ok(Self { config, options: driver })
    }

    /// Where it connects to, for people.
    pub(crate) fn address(&self) -> String {
        let endpoint = self.config.endpoint();
        let url = endpoint.url(self.config.key());
        url.split_once("/app/").map_or(url.as_str(), |(address, _)| address).to_owned()
    }
}

/// The app's key and secret, where no connection is needed.
pub(crate) fn key_and_secret(options: &ConnectionOptions) -> Result<(String, String), Failure> {
    // What is not needed must still not be wrong.
    builder(options, &variable)?.build()?;
    match app(&options.app, &variable)? {
        App { key: Some(key), secret: Some(secret) } => Ok((key, secret)),
        _ => Err(Failure::input("no secret was given: use --secret, --url or PUSHER_APP_SECRET")),
    }
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
    let App { key, secret } = app(&options.app, variable)?;
    let Some(key) = key else {
        return Err(Failure::input("no key was given: use --key, --url or PUSHER_APP_KEY"));
    };
    let mut builder = if let Some(url) = &options.app.url {
        ConfigBuilder::default().url(url)?
    } else if options.host.is_some() || options.cluster.is_some() {
        // Another server: what the variables say about the address is about a different one.
        ConfigBuilder::default()
    } else {
        ConfigBuilder::default().variables(variable)?
    };
    builder = builder.key(&key);
    if let Some(secret) = secret {
        builder = builder.secret(&secret);
    }
    if let Some(cluster) = &options.cluster {
        builder = builder.cluster(cluster);
    }
    if let Some(host) = &options.host {
        builder = builder.host(host);
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

/// Key and secret as they were given. It cannot be printed: it holds a secret.
#[derive(Default)]
struct App {
    key: Option<String>,
    secret: Option<String>,
}

fn app(options: &AppOptions, variable: &dyn Fn(&str) -> Option<String>) -> Result<App, Failure> {
    let found = match &options.url {
        Some(url) => of_url(url)?,
        None => of_variables(variable)?,
    };
    Ok(App {
        key: options.key.clone().or(found.key),
        secret: options.secret.clone().or(found.secret),
    })
}

/// By the rules of [`ConfigBuilder::variables`], whose result does not show the secret.
fn of_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<App, Failure> {
    let get = |name: &str| {
        variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let url = get("PUSHER_URL");
    let is_reverb = url.is_none() && get("PUSHER_APP_KEY").is_none();
    let prefix = if is_reverb && get("REVERB_APP_KEY").is_some() { "REVERB" } else { "PUSHER" };
    let app = url.map_or_else(|| Ok(App::default()), |url| of_url(&url))?;
    Ok(App {
        key: get(&format!("{prefix}_APP_KEY")).or(app.key),
        secret: get(&format!("{prefix}_APP_SECRET")).or(app.secret),
    })
}

fn of_url(url: &str) -> Result<App, Failure> {
    // All rules about URLs stand in the core; what passes them has the shape that is read here.
    ConfigBuilder::default().url(url)?.build()?;
    let authority = url.split("://").nth(1).and_then(|rest| rest.split('/').next());
    let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
    let (key, secret) = match user.and_then(|user| user.split_once(':')) {
        Some((key, secret)) => (Some(key), Some(secret)),
        None => (user, None),
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Ok(App { key: key.map(decoded), secret: secret.map(decoded) })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};

    /// The endpoint's URL up to the app, and the key and secret, that options and variables give.
    fn resolved(options: &[&str], variables: &[(&str, &str)]) -> Result<[String; 3], String> {
        let words = [&["pushest", "listen", "news"], options].concat();
        let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Listen(arguments) = arguments.command else { unreachable!() };
        let variable = |name: &str| {
            let found = variables.iter().find(|(candidate, _)| *candidate == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let text = |failure| match failure {
            Failure::Input(text) => text,
            _ => unreachable!("resolving fails on bad input only"),
        };
        let config = builder(&arguments.connection, &variable).map_err(text)?.build();
        let config = config.map_err(|error| error.to_string())?;
        let app = app(&arguments.connection.app, &variable).map_err(text)?;
        assert_eq!(app.key.as_deref(), Some(config.key()));
        assert_eq!(app.secret.is_some(), config.has_secret());
        let url = config.endpoint().url(config.key());
        let address = url.split_once("/app/").unwrap().0.to_owned();
        Ok([address, app.key.unwrap(), app.secret.unwrap_or_default()])
    }

    fn expect(options: &[&str], variables: &[(&str, &str)], wanted: [&str; 3]) {
        assert_eq!(resolved(options, variables), Ok(wanted.map(str::to_owned)));
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
        let both = [variables[0], ("PUSHER_APP_SECRET", "newer")];
        expect(&[], &both, ["wss://ws-eu.pusher.com:443", "k", "newer"]);
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
            Loss::Dial(DialFailure::Http { status, retry_after, location })
        };
        assert!(is_refusal(&config, &http(404)));
        assert!(is_refusal(&config, &Loss::closed(Some(4001), "no such app")));
        assert!(!is_refusal(&config, &http(503)));
        assert!(!is_refusal(&config, &Loss::Dial(DialFailure::Connect("refused".into()))));
        assert!(!is_refusal(&config, &Loss::closed(Some(4200), "again")));
    }
}
