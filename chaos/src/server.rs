//! A real Sockudo, again and again on the same port.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::Process;

/// Where the server's program and its configuration are.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) config: PathBuf,
}

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    /// The process in whose network namespace it runs, if that is not ours.
    pub(crate) namespace: Option<u32>,
}

impl Place {
    /// Returns a free port of the loopback interface.
    pub(crate) fn free() -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, free_port()).into(), namespace: None }
    }

    /// Returns the command that runs a program there, without any variables: a server may take
    /// settings from many with common names, such as HOST and DEBUG.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = match self.namespace {
            None => Command::new(program),
            Some(holder) => {
                let mut command = Command::new("nsenter");
                command.args(["--net", "--target", &holder.to_string(), "--"]).arg(program);
                command
            }
        };
        command.env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }
}

/// A server, running or between two runs.
#[derive(Debug)]
pub(crate) struct Server {
    program: Program,
    place: Place,
    /// Settings beside those of the configuration.
    variables: Vec<(&'static str, String)>,
    process: Option<Process>,
    log: PathBuf,
}

impl Server {
    /// Starts one on a free port.
    pub(crate) fn start(
        program: &Program,
        variables: &[(&'static str, String)],
    ) -> Result<Self, String> {
        Self::start_at(Place::free(), program, variables)
    }

    /// Starts one at a place of its own.
    pub(crate) fn start_at(
        place: Place,
        program: &Program,
        variables: &[(&'static str, String)],
    ) -> Result<Self, String> {
        let address = place.address;
        let log = format!("pushest-chaos-{}-{address}.log", std::process::id());
        let mut server = Self {
            program: program.clone(),
            place,
            variables: variables.to_vec(),
            process: None,
            log: std::env::temp_dir().join(log),
        };
        server.restart()?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// Runs it anew, and waits until it takes connections.
    pub(crate) fn restart(&mut self) -> Result<(), String> {
        let failed = |error: io::Error| format!("{:?} does not start: {error}", self.program.path);
        let log = File::create(&self.log).map_err(failed)?;
        let mut command = self.place.command(&self.program.path);
        command
            .args(["--config".as_ref(), self.program.config.as_os_str()])
            .env("HOST", self.place.address.ip().to_string())
            .env("PORT", self.place.address.port().to_string())
            .env("RUST_LOG", "warn")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log);
        let process = self.process.insert(Process::start(&mut command).map_err(failed)?);
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.place.address).is_err() {
            if process.ended().is_some() || Instant::now() > deadline {
                return Err(format!("the server does not answer; its log:\n{}", self.log_end()));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Tells it to end: it closes its connections in order.
    pub(crate) fn terminate(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate();
            process.wait(Duration::from_secs(4));
        }
    }

    pub(crate) fn stop(&self) {
        self.process.iter().for_each(Process::stop);
    }

    pub(crate) fn resume(&self) {
        self.process.iter().for_each(Process::resume);
    }

    /// Returns the last lines of its log.
    pub(crate) fn log_end(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_file(&self.log);
    }
}

/// Returns a port that nothing listens at, below those that the kernel gives to outgoing
/// connections: it must stay free while the server is down.
fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(20_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
