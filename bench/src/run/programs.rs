//! The programs that take part: this one again and again, and the peers.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::Problem;

/// The time after which a program that has not ended is ended: far more than any should take.
const PATIENCE: Duration = Duration::from_secs(120);

/// This program, to be started once more.
pub(super) fn this_program() -> Result<Command, Problem> {
    Ok(Command::new(std::env::current_exe()?))
}

/// The program `weigh`, which is built beside this one.
pub(super) fn weigh() -> Result<Command, Problem> {
    Ok(Command::new(std::env::current_exe()?.with_file_name("weigh")))
}

/// Runs a program to its end, and returns what it has printed.
pub(super) fn answer(mut command: Command) -> Result<String, Problem> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(
        |error| -> Problem { format!("{}: {error}", command.get_program().display()).into() },
    )?;
    let mut stdout = child.stdout.take().expect("it is piped");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text).map(|_| text);
        // The receiver of this channel may have given up.
        let _ = sender.send(read);
    });
    let text = match receiver.recv_timeout(PATIENCE) {
        Ok(text) => text?,
        Err(_) => {
            child.kill()?;
            child.wait()?;
            return Err(format!("not done within {PATIENCE:?}").into());
        }
    };
    let status = child.wait()?;
    if status.success() { Ok(text) } else { Err(format!("it failed: {status}").into()) }
}

/// A program that runs beside this one, and prints lines. It ends with its standard input.
pub(super) struct Beside {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
}

impl Beside {
    pub(super) fn start(name: &'static str, mut command: Command) -> Result<Self, Problem> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // The other end goes when the run does.
                let _ = sender.send(line);
            }
        });
        Ok(Self { name, child, lines })
    }

    /// Returns the next line that it prints within this time.
    pub(super) fn line(&self, patience: Duration) -> Result<String, Problem> {
        self.lines.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("the {} says nothing", self.name).into(),
            RecvTimeoutError::Disconnected => format!("the {} has ended", self.name).into(),
        })
    }

    /// Ends it. All that it has printed must have been received.
    pub(super) fn end(mut self) -> Result<(), Problem> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        match self.lines.recv() {
            Ok(line) => Err(format!("nobody received this: {line}").into()),
            Err(_) if status.success() => Ok(()),
            Err(_) => Err(format!("the {} failed: {status}", self.name).into()),
        }
    }
}

impl Drop for Beside {
    /// After an error it is still there, but for one that has ended already.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The time within which a server says where it listens, and what it wrote.
const SOON: Duration = Duration::from_secs(10);

/// One of this program's servers, in a process of its own.
pub(super) struct Server {
    program: Beside,
    address: String,
    authority: Option<PathBuf>,
}

impl Server {
    /// Starts the flood server; with TLS if there is a file to write the authority's certificate to.
    pub(super) fn flood(authority: Option<&Path>) -> Result<Self, Problem> {
        let mut command = this_program()?;
        command.arg("flood-server");
        if let Some(path) = authority {
            command.arg("--authority").arg(path);
        }
        let mut server = Self::start("flood server", command)?;
        server.authority = authority.map(Path::to_owned);
        Ok(server)
    }

    /// Starts the server of a crowd.
    pub(super) fn crowd() -> Result<Self, Problem> {
        let mut command = this_program()?;
        command.arg("crowd-server");
        Self::start("crowd server", command)
    }

    /// Starts the server that confirms and counts.
    pub(super) fn answering() -> Result<Self, Problem> {
        let mut command = this_program()?;
        command.arg("answering-server");
        Self::start("answering server", command)
    }

    fn start(name: &'static str, command: Command) -> Result<Self, Problem> {
        let program = Beside::start(name, command)?;
        let address = program.line(SOON)?;
        Ok(Self { program, address, authority: None })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// Returns what the server reports of the last client.
    pub(super) fn report<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        Ok(serde_json::from_str(&self.program.line(SOON)?)?)
    }

    /// Ends it. All that it has reported must have been compared.
    pub(super) fn end(self) -> Result<(), Problem> {
        self.program.end()
    }
}

/// Other libraries: one program each, in one folder, which is called with the server's address, the
/// channel, the event's name, and the marks.
#[derive(Debug, Default)]
pub(super) struct Peers {
    programs: Vec<(String, PathBuf)>,
}

impl Peers {
    pub(super) fn find(folder: Option<&Path>) -> Result<Self, Problem> {
        let mut programs = Vec::new();
        if let Some(folder) = folder {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path().canonicalize()?;
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                programs.push((name, path));
            }
        }
        programs.sort();
        Ok(Self { programs })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.programs.iter().map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn command(&self, name: &str) -> Result<Command, Problem> {
        let found = self.programs.iter().find(|(known, _)| known == name);
        let (_, path) = found.ok_or_else(|| format!("no peer {name}"))?;
        Ok(Command::new(path))
    }
}
