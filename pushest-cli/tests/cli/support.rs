//! Runs the program and reads its output, each wait bounded.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use pushest_testkit::Server;
use serde_json::Value;

/// Longer than anything takes, so that only a fault reaches it.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// The program, running. Killed when dropped.
pub(crate) struct Pushest {
    child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

/// The lines of one stream, as they come.
pub(crate) struct Lines {
    receiver: Receiver<String>,
    all: Vec<String>,
}

/// How the program ended, and all that it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
}

impl Pushest {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let (mut child, stdout) = spawn(arguments, variables);
        let stderr = child.stderr.take().unwrap();
        Self { child, stdout: Lines::of(stdout), stderr: Lines::of(stderr) }
    }

    /// A program whose streams lead somewhere else, or are read as ever where they are `None`.
    pub(crate) fn start_into(arguments: &[&str], stdout: Stdio, stderr: Option<Stdio>) -> Self {
        let mut command = command(arguments, &[]);
        command.stdout(stdout).stderr(stderr.unwrap_or_else(Stdio::piped));
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take();
        let stderr = stderr.map_or_else(|| Lines::of(std::io::empty()), Lines::of);
        Self { child, stdout: Lines::of(std::io::empty()), stderr }
    }

    /// A program whose standard output is closed as soon as anybody writes to it.
    pub(crate) fn start_unread(arguments: &[&str]) -> Self {
        let (mut child, stdout) = spawn(arguments, &[]);
        drop(stdout);
        let stderr = child.stderr.take().unwrap();
        Self { child, stdout: Lines::of(std::io::empty()), stderr: Lines::of(stderr) }
    }

    /// Waits for it to end by itself.
    pub(crate) fn end(mut self) -> Ended {
        self.stdout.finish();
        self.stderr.finish();
        // Both streams are closed, so that the end is near.
        let status = self.child.wait().unwrap().code();
        let stdout = std::mem::take(&mut self.stdout.all);
        Ended { status, stdout, stderr: self.stderr.all.join("\n") }
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The names of its threads, each cut to 15 bytes as the system keeps them.
    #[cfg(target_os = "linux")]
    pub(crate) fn threads(&self) -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
        // A thread may end while they are listed.
        names.flatten().map(|name| name.trim_end().to_owned()).collect()
    }

    /// Whether SIGINT and SIGTERM do not end it by themselves any more.
    #[cfg(target_os = "linux")]
    pub(crate) fn handles_signals(&self) -> bool {
        const INT_AND_TERM: u64 = 1 << (2 - 1) | 1 << (15 - 1);
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
        caught & INT_AND_TERM == INT_AND_TERM
    }

    /// Sends a signal that it may handle, such as `INT`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Pushest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program whose streams are all read and written by the test.
pub(crate) fn piped(arguments: &[&str]) -> Child {
    command(arguments, &[]).stdin(Stdio::piped()).spawn().unwrap()
}

fn spawn(arguments: &[&str], variables: &[(&str, &str)]) -> (Child, ChildStdout) {
    let mut child = command(arguments, variables).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    (child, stdout)
}

fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushest"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_proxy = text.to_ascii_uppercase().ends_with("_PROXY");
        if text.starts_with("PUSHER_") || text.starts_with("REVERB_") || is_proxy {
            command.env_remove(&name);
        }
    }
    command.args(arguments).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { receiver, all: Vec::new() }
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> String {
        match self.receiver.recv_timeout(WAIT) {
            Ok(line) => {
                self.all.push(line.clone());
                line
            }
            Err(error) => panic!("no further line ({error}); so far {:#?}", self.all),
        }
    }

    /// The next line that contains a text.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + WAIT;
        while Instant::now() < deadline {
            let line = self.next();
            if line.contains(text) {
                return line;
            }
        }
        panic!("no line with {text:?}; so far {:#?}", self.all)
    }

    /// The next line, which is JSON, as [`result`] has it: those about the connection are passed over.
    pub(crate) fn json(&mut self) -> Value {
        loop {
            if let Some(line) = result(&self.next()) {
                return line;
            }
        }
    }

    /// The next line of this type, which is JSON, whole.
    pub(crate) fn json_of(&mut self, kind: &str) -> Value {
        let line = self.until(&format!("{{\"type\":\"{kind}\","));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    /// Reads until the stream ends.
    fn finish(&mut self) {
        loop {
            match self.receiver.recv_timeout(WAIT) {
                Ok(line) => self.all.push(line),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end; {:#?}", self.all),
            }
        }
    }
}

/// What a line of JSON says without its time, which has its form; `None` for one that is about the
/// connection, where that is not what a test looks at.
pub(crate) fn result(line: &str) -> Option<Value> {
    const CONNECTION: [&str; 10] = [
        "state",
        "subscribed",
        "subscription_failed",
        "sign_in_failed",
        "server_error",
        "malformed",
        "limit_reached",
        "warning",
        "note",
        "error",
    ];
    let mut value: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    let object = value.as_object_mut().unwrap();
    if let Some(time) = object.remove("time") {
        assert_is_time(time.as_str().unwrap());
    }
    (!CONNECTION.iter().any(|kind| value["type"] == *kind)).then_some(value)
}

/// RFC 3339 with milliseconds, in UTC, such as 2026-11-26T15:17:42.034Z; of today, or nearly.
pub(crate) fn assert_is_time(time: &str) {
    let form = time.replace(|character: char| character.is_ascii_digit(), "0");
    assert_eq!(form, "0000-00-00T00:00:00.000Z", "{time}");
    assert!((2024..2100).contains(&time[..4].parse().unwrap()), "{time}");
}

/// Runs it to its end.
pub(crate) fn pushest(arguments: &[&str]) -> Ended {
    Pushest::start(arguments).end()
}

/// The options that lead to a server.
pub(crate) fn to(server: &Server) -> Vec<String> {
    let app = server.app();
    let options = [
        ("--host", server.addr().ip().to_string()),
        ("--port", server.port().to_string()),
        ("--key", app.key.clone()),
        ("--secret", app.secret().to_owned()),
    ];
    options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

/// These words, and the options that lead to a server.
pub(crate) fn words<'a>(words: &[&'a str], server: &'a [String]) -> Vec<&'a str> {
    words.iter().copied().chain(server.iter().map(String::as_str)).collect()
}

/// A listener that is subscribed to `channel`.
pub(crate) fn listener(server: &Server, channel: &str, options: &[&str]) -> Pushest {
    let subscribers = server.subscribers(channel);
    let arguments = [&["listen", channel], options].concat();
    let listener = Pushest::start(&words(&arguments, &to(server)));
    server.wait_for_subscribers(channel, subscribers + 1, WAIT).unwrap();
    listener
}
