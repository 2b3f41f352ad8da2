//! `pushest serve`: the embedded server for local work.

use std::net::IpAddr;

use pushest_proto::Config;
use pushest_testkit::Server;

use crate::arguments::{DEFAULT_APP, ServeArguments};
use crate::failure::Failure;
use crate::interruption;
use crate::output::{Line, Output};

pub(crate) async fn run(arguments: &ServeArguments, output: &Output) -> Result<(), Failure> {
    let ServeArguments { port, host, app_id, key, secret } = arguments;
    // Clients could not name another key, nor sign with an empty secret.
    Config::builder(key).secret(secret).build()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    if app_id.is_empty() || !app_id.bytes().all(plain) {
        return Err(Failure::input(format_args!(
            "{app_id:?} is not an app id: it stands in URLs, and may hold letters, digits and \
             `- _ . ~`"
        )));
    }
    // Set up first: a signal may come as soon as the address is known.
    interruption::watch()?;
    let server =
        Server::builder().host(*host).port(*port).app(app_id, key, secret).start().map_err(
            |error| Failure::failed(format_args!("cannot listen on {host}:{port}: {error}")),
        )?;
    let (host, port) = (server.addr().ip(), server.port());
    let example = example(host, port, key, secret);
    output.line(&Line::Listening { host, port, app_id, key, example })?;
    // A signal is how a server ends.
    let result = tokio::select! {
        _ = interruption::first() => Ok(()),
        error = output.failed() => Err(error.into()),
    };
    drop(server);
    result
}

/// Two commands to paste. The secret stands in them only if it is the one that everybody knows.
fn example(host: IpAddr, port: u16, key: &str, secret: &str) -> Vec<String> {
    let host = if host.is_unspecified() { "127.0.0.1".to_owned() } else { host.to_string() };
    let secret = if secret == DEFAULT_APP.2 { secret } else { "SECRET" };
    let server = format!("--host {host} --port {port} --key {key} --secret {secret}");
    vec![
        format!("  pushest listen private-chat {server}"),
        format!("  pushest trigger private-chat client-hello '{{\"text\":\"hello\"}}' {server}"),
    ]
}
