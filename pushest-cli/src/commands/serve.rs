//! `pushest serve`: the embedded server for local work.

mod authority;

use std::convert::Infallible;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use pushest_proto::Config;
use pushest_testkit::{Builder, Certificate, Happening, Server};
use tokio::time::sleep;

use self::authority::AuthorityFile;
use crate::arguments::{DEFAULT_APP, ServeArguments};
use crate::failure::Failure;
use crate::interruption;
use crate::output::{Line, Output, Served};

/// Maximum number of happenings that wait to be written.
const WAITING: usize = 1024;

pub(crate) async fn run(
    arguments: &ServeArguments,
    verbose: u8,
    output: &Output,
) -> Result<(), Failure> {
    let ServeArguments { port, host, app_id, key, secret, profile, .. } = arguments;
    // Clients could not name another key, nor sign with an empty secret.
    Config::builder(key).secret(secret).build()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    if app_id.is_empty() || !app_id.bytes().all(plain) {
        return Err(Failure::input(format_args!(
            "{app_id:?} is not an app id: it stands in URLs, and may hold letters, digits and \
             `- _ . ~`"
        )));
    }
    let builder = Server::builder().profile(*profile).host(*host).port(*port);
    let mut builder = with_tls(builder.app(app_id, key, secret), arguments)?;
    let mut happenings = None;
    if verbose > 0 {
        let (sender, receiver) = sync_channel(WAITING);
        builder = builder.observe(sender).observe_frames(verbose > 1);
        happenings = Some(receiver);
    }
    // Set up first: a signal may come as soon as the address is known.
    interruption::watch()?;
    let server = builder.start().map_err(|error| {
        Failure::failed(format_args!("cannot listen on {host}:{port}: {error}"))
    })?;
    for url in &arguments.webhooks {
        server.webhooks(url).map_err(Failure::input)?;
    }
    arguments.fault.iter().for_each(|fault| fault.switch_on(&server));
    let authority = server.authority_pem().map(AuthorityFile::new).transpose()?;
    let line = listening(&server, arguments, authority.as_ref());
    output.line(&line)?;
    let shown = happenings.map(|happenings| show(happenings, output.clone())).transpose()?;
    // A signal is how a server ends.
    let result = tokio::select! {
        _ = interruption::first() => Ok(()),
        error = output.failed() => Err(error.into()),
        never = strike(arguments, &server, output, verbose) => match never {},
    };
    drop(server);
    if let Some(thread) = shown {
        // It ends with what had happened; that it panicked was printed.
        let _ = thread.join();
    }
    result
}

fn with_tls(builder: Builder, arguments: &ServeArguments) -> Result<Builder, Failure> {
    let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) else {
        let made = arguments.tls_fault.or(arguments.tls.then_some(Certificate::Valid));
        return Ok(match made {
            Some(certificate) => builder.tls(certificate),
            None => builder,
        });
    };
    let read = |path: &Path| {
        fs::read(path).map_err(|error| {
            Failure::input(format_args!("{} cannot be read: {error}", path.display()))
        })
    };
    let (chain, private) = (read(certificate)?, read(key)?);
    builder.identity(&chain, &private).map_err(|error| {
        let (certificate, key) = (certificate.display(), key.display());
        Failure::input(format_args!("--tls-cert {certificate}, --tls-key {key}: {error}"))
    })
}

fn listening<'a>(
    server: &Server,
    arguments: &'a ServeArguments,
    authority: Option<&'a AuthorityFile>,
) -> Line<'a> {
    let (host, port) = (server.addr().ip(), server.port());
    let ca_file = authority.map(AuthorityFile::path);
    Line::Listening {
        host,
        port,
        app_id: &arguments.app_id,
        key: &arguments.key,
        profile: arguments.profile.name(),
        tls: server.is_tls(),
        ca_file,
        example: example(host, port, arguments, ca_file),
    }
}

/// Commands to paste. The secret stands in them only if it is the public one.
fn example(
    host: IpAddr,
    port: u16,
    arguments: &ServeArguments,
    ca_file: Option<&str>,
) -> Vec<String> {
    let host = if host.is_unspecified() { "127.0.0.1".to_owned() } else { host.to_string() };
    let secret = &*arguments.secret;
    let secret = if secret == DEFAULT_APP.2 { secret } else { "SECRET" };
    let key = quoted(&arguments.key);
    let tls = match ca_file {
        Some(path) => format!(" --tls --ca-file {}", quoted(path)),
        None if arguments.is_tls() => " --tls".to_owned(),
        None => String::new(),
    };
    let server = format!("--host {host} --port {port}{tls} --key {key} --secret {secret}");
    let app_id = &arguments.app_id;
    let mut lines = vec![
        format!("  pushest listen private-chat {server}"),
        format!("  pushest trigger private-chat client-hello '{{\"text\":\"hello\"}}' {server}"),
        format!(
            "  pushest publish private-chat hello '{{\"text\":\"hello\"}}' {server} --app-id {app_id}"
        ),
    ];
    // A URL cannot say which authority is trusted, and other words would have to be encoded in it.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    if ca_file.is_none() && arguments.key.bytes().chain(secret.bytes()).all(is_plain) {
        let (scheme, key) = (if arguments.is_tls() { "https" } else { "http" }, &arguments.key);
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        lines.push(format!(
            "  export PUSHER_URL={scheme}://{key}:{secret}@{host}:{port}/apps/{app_id}"
        ));
    }
    lines
}

/// A word as a shell reads it as one.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Writes what happens, on a thread of its own: a slow reader does not hold up the server.
fn show(happenings: Receiver<Happening>, output: Output) -> Result<JoinHandle<()>, Failure> {
    let write = move || {
        for happening in happenings {
            if let Some(served) = Served::of(&happening) {
                // That standard output is closed ends the command.
                let _ = output.line(&Line::Served(served));
            }
        }
    };
    let thread = thread::Builder::new().name("happenings".to_owned()).spawn(write);
    thread.map_err(|error| Failure::failed(format_args!("no thread: {error}")))
}

/// Lets the faults strike that befall the connections there are.
async fn strike(
    arguments: &ServeArguments,
    server: &Server,
    output: &Output,
    verbose: u8,
) -> Infallible {
    let mut times = 0;
    loop {
        sleep(arguments.fault_every).await;
        for fault in &arguments.fault {
            if fault.strike(server, times) && verbose > 0 {
                let fault = fault.to_string();
                // That standard output is closed ends the command.
                let _ = output.line(&Line::Served(Served::Fault { fault: &fault }));
            }
        }
        times += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_word_as_it_was() {
        assert_eq!(quoted("app-key"), "app-key");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $HOME; rm"), r"'it'\''s $HOME; rm'");
        assert_eq!(quoted(""), "''");
    }
}
