//! What the system does not give is an error with its words, and no panic. In processes of their own:
//! limits are for all of one.
#![cfg(target_os = "linux")]

use std::process::Command;

use pushest_blocking::{
    Client, Config, Connection, Event, Handler, Options, RunError, StartError, run,
};

/// Says to the second process that it is there for the test.
const VARIABLE: &str = "PUSHEST_STARTING";

/// Runs a test once more, in a process that the shell begins with a line of its own.
fn alone(name: &str, beginning: &str, test: fn()) {
    if std::env::var(VARIABLE).is_ok_and(|found| found == name) {
        return test();
    }
    let program = std::env::current_exe().expect("a test is a program");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{beginning}; exec \"$0\" \"$@\"")]).arg(program);
    shell.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(VARIABLE, name);
    let output = shell.output().expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{complained}");
    assert!(!complained.contains("panicked"), "{complained}");
}

fn config() -> Config {
    Config::builder("key").host("127.0.0.1").port(1).build().expect("valid")
}

struct Deaf;

impl Handler for Deaf {
    fn on_event(&mut self, client: &Client, _: Event) {
        client.disconnect();
    }
}

#[test]
fn without_a_free_file_descriptor_there_is_an_error_and_later_a_client() {
    let test = || {
        let held = hold_every_descriptor();
        let error = Client::try_new(config()).expect_err("there is none");
        let words = "no event queue for the connection: Too many open files (os error 24)";
        assert_eq!(error.to_string(), words);
        assert!(std::error::Error::source(&error).is_some(), "the system's error is beneath");
        let error = Client::try_with_options(config(), Options::default()).expect_err("none");
        assert!(matches!(&error, StartError::EventQueue(_)), "{error}");
        let error = Connection::try_new(config()).expect_err("there is none");
        assert_eq!(error.to_string(), words);
        assert_eq!(run(config(), Deaf), Err(RunError::Build(error.into())));

        // An event queue and its waker are three: each of them may be the one that is missing.
        let mut held = held;
        for _ in 0..2 {
            held.pop();
            Connection::try_new(config()).expect_err("there are too few");
        }
        drop(held);
        let client = Client::try_new(config()).expect("there are enough again");
        let connection = Connection::try_new(config()).expect("there are enough again");
        assert_eq!(client.status().attempt + connection.status().attempt, 2);
    };
    let name = "without_a_free_file_descriptor_there_is_an_error_and_later_a_client";
    alone(name, "ulimit -n 32", test);
}

/// Opens files until there is no descriptor left.
fn hold_every_descriptor() -> Vec<std::fs::File> {
    let mut held = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
    }
    assert!(held.len() < 32, "the limit is in force");
    held
}

#[test]
fn without_a_thread_there_is_an_error_and_the_connection_goes_on() {
    let test = || {
        let error = Client::try_new(config()).expect_err("there is none");
        let words = "no thread for the connection: Resource temporarily unavailable (os error 11)";
        assert_eq!(error.to_string(), words);
        assert_eq!(run(config(), Deaf), Err(RunError::Build(error.into())));

        let mut connection = Connection::try_new(config()).expect("it needs no thread");
        connection.subscribe("news").expect("a good channel");
        let error = connection.try_spawn().expect_err("there is none");
        assert_eq!(error.to_string(), words);
        let mut connection = error.into_connection();
        assert!(connection.channel_state("news").is_some(), "it is the same as before");
        let loss = loop {
            match connection.recv().expect("it goes on") {
                Event::State(change) if change.loss.is_some() => break change.loss,
                _ => {}
            }
        };
        assert!(loss.is_some_and(|loss| loss.to_string().contains("refused")));

        // Names are resolved on threads.
        let config = Config::builder("key").host("localhost").port(1).build().expect("valid");
        let mut connection = Connection::try_new(config).expect("it needs no thread");
        let loss = connection.find_map(|event| match event {
            Event::State(change) => change.loss,
            _ => None,
        });
        let loss = loss.expect("it cannot connect").to_string();
        assert!(loss.contains("no thread") && loss.contains("os error 11"), "{loss}");
    };
    let name = "without_a_thread_there_is_an_error_and_the_connection_goes_on";
    // No system has that much room for a thread's stack; for root no other limit holds.
    alone(name, "export RUST_MIN_STACK=90000000000000", test);
}
