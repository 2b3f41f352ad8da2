//! The server's side: the testkit's server in a process of its own, ordered about over a pipe.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use pushest_testkit::{Server, Target};

use super::ACTIVITY;

/// How long the server may take to see the last connection go.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const KEY: &str = "app-key";
pub(crate) const SECRET: &str = "app-secret";
pub(crate) const PUBLIC: &str = "news";
pub(crate) const PRIVATE: &str = "private-orders";

/// In the child: one line in for each order, one line out when it is carried out. It ends with its
/// input, so that it never outlives the process that started it.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().app("1", KEY, SECRET).activity_timeout(ACTIVITY).start()?;
    let mut output = io::stdout();
    writeln!(output, "{}", server.addr())?;
    for line in io::stdin().lines() {
        match line?.as_str() {
            "publish" => {
                server.publish(PUBLIC, "headline", r#"{"text":"rain"}"#);
                server.publish(PRIVATE, "App\\Events\\OrderShipped", r#"{"order":7}"#);
            }
            "drop" => server.drop_connections(Target::All),
            "end" => {
                server.wait_for_connections(0, PATIENCE)?;
                writeln!(output, "end")?;
                return Ok(());
            }
            other => return Err(format!("no such order: {other}").into()),
        }
        writeln!(output, "done")?;
    }
    Ok(())
}

/// In the parent: the child, ended and reaped when dropped.
pub(crate) struct ServerProcess {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl ServerProcess {
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().expect("it was asked for a pipe");
        let answers = BufReader::new(child.stdout.take().expect("it was asked for a pipe"));
        let mut server = Self { child, orders, answers, address: ([127, 0, 0, 1], 0).into() };
        server.address = server.answer()?.parse()?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns when the server has done it.
    pub(crate) fn order(&mut self, order: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.orders, "{order}")?;
        self.answer()
    }

    /// Ends it, once it has seen every connection go.
    pub(crate) fn end(mut self) -> Result<(), Box<dyn Error>> {
        self.order("end")?;
        Ok(())
    }

    fn answer(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the server has ended".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It has ended by itself, or something went wrong and its work is of no use anymore.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
