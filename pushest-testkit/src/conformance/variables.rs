//! Proxies that environment variables name. Variables are a process's: each scenario has one of its own, and
//! the proxy is outside of it.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use pushest_proto::AuthEndpoint;

use super::driver::{Driver, DriverClient, Settings};
use super::in_process;
use super::patience::{Expect, PATIENCE, started_with};
use super::proxy::TestProxy;
use crate::AuthorizationEndpoint;

/// Says to the second process which test it is there for.
const VARIABLE: &str = "PUSHEST_CONFORMANCE_VARIABLES";

/// Stands before what the second process says of a tunnel.
const MARK: &str = "through the proxy: ";

/// Runs the test of this name, with its path from the crate on, in a process that is to reach by a proxy what
/// is without TLS, and all but `127.0.0.1`.
///
/// # Panics
/// If the test fails there, or something else went through the proxy than it says.
pub fn run(path: &str, scenario: fn()) {
    if std::env::var(VARIABLE).is_ok_and(|name| name == path) {
        return scenario();
    }
    let proxy = TestProxy::start_for("ann", "s@cret");
    let (_, name) = path.split_once("::").expect("a path begins with the crate");
    let program = std::env::current_exe().expect("a test is a program");
    let mut command = Command::new(program);
    for name in ["https", "http", "all", "no"] {
        command.env_remove(format!("{name}_proxy"));
        command.env_remove(format!("{name}_proxy").to_ascii_uppercase());
    }
    let output = command
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env_remove("REQUEST_METHOD")
        .env(VARIABLE, path)
        .env("HTTP_PROXY", proxy.url("http://ann:s%40cret@"))
        .env("NO_PROXY", "127.0.0.1")
        .output();
    let output = output.expect("it can be started again");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    // A test that is not found does not fail.
    assert!(said.contains("1 passed"), "{said}\n{complained}");
    let mut expected: Vec<&str> =
        said.lines().filter_map(|line| Some(line.split_once(MARK)?.1)).collect();
    let mut found: Vec<String> = Vec::new();
    for asked in proxy.asked() {
        // None of TLS, which no variable names a proxy for.
        let sent = String::from_utf8_lossy(&asked.sent);
        let method = sent.split(' ').next().unwrap_or_default();
        // The client may have gone before it said anything.
        if !sent.is_empty() {
            found.push(format!("{} {method}", asked.target));
        }
    }
    expected.sort_unstable();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, expected, "{complained}");
}

/// Says that the proxy must have been asked for this host and port, for requests of this method.
pub(super) fn proxied(host: &str, port: u16, method: &str) {
    println!("\n{MARK}{host}:{port} {method}");
}

pub fn what_the_variables_exempt_is_reached_straight_and_the_rest_through_the_proxy<D: Driver>() {
    let (remote, server) = in_process();
    for host in ["127.0.0.1", "localhost"] {
        let config = remote.signing().host(host).build().expect("valid");
        let mut client = started_with::<D>(config, Settings::default().proxy_from_env(true));
        client.must_subscribe("private-orders");
        client.shutdown(PATIENCE).expect("closed");
    }
    proxied("localhost", server.port(), "GET");
}

pub fn an_endpoint_that_the_variables_exempt_is_asked_straight<D: Driver>() {
    let (remote, server) = in_process();
    let app = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/auth", app.port());
        let settings =
            Settings::default().endpoint(Some(AuthEndpoint::new(&url))).proxy_from_env(true);
        let mut client = started_with::<D>(remote.builder().build().expect("valid"), settings);
        client.must_subscribe("private-orders");
        client.shutdown(PATIENCE).expect("closed");
    }
    assert_eq!(app.requests().len(), 2);
    proxied("localhost", app.port(), "POST");
}

/// Tells what each connection begins with, and closes it then.
fn listen(to: Sender<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut first = [0; 8];
            if stream.read_exact(&mut first).is_ok() && to.send(first.to_vec()).is_err() {
                return;
            }
        }
    });
    port
}

/// Two URLs of one host and one port: the one without TLS has a proxy, the other one none.
pub fn two_endpoints_of_one_host_and_port_have_each_the_way_of_its_scheme<D: Driver>() {
    let (remote, _server) = in_process();
    let (sender, begun) = channel();
    let port = listen(sender);
    let endpoint = AuthEndpoint::new(&format!("https://localhost:{port}/auth"))
        .user_url(&format!("http://localhost:{port}/user"));
    let settings = Settings::default().endpoint(Some(endpoint)).proxy_from_env(true);
    let mut client = started_with::<D>(remote.builder().build().expect("valid"), settings);
    client.must_connect();
    for round in 0..20 {
        client.want(&format!("private-{round}"));
        // It may be under way.
        let _ = client.sign_in(None);
    }
    let (mut handshakes, mut posts) = (0, 0);
    client.until("both to have been asked", |_| {
        for first in begun.try_iter() {
            match &first[..] {
                [0x16, ..] => handshakes += 1,
                b"POST /us" => posts += 1,
                // What is for the proxy alone.
                other => panic!("{:?}", String::from_utf8_lossy(other)),
            }
        }
        handshakes >= 20 && posts >= 1
    });
    client.shutdown(PATIENCE).expect("closed");
    proxied("localhost", port, "POST");
}
