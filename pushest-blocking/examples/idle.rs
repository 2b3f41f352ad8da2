//! What an idle client costs: the CPU time of this process and the wakeups of its thread over ten
//! seconds, with a heartbeat each second.
//!
//!     cargo run --release -p pushest-blocking --example idle
//!
//! The server is a process of its own, so that only the client is measured. Linux only: the time is
//! that of /proc/self/stat.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pushest_blocking::{Client, Config, Timeouts};
use pushest_testkit::Server;

const TIME: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve();
    }
    let (mut child, port) = start_server()?;
    let measured = measure(port);
    child.kill()?;
    child.wait()?;
    measured
}

fn measure(port: u16) -> Result<(), Box<dyn Error>> {
    let timeouts = Timeouts { activity: Duration::from_secs(1), ..Timeouts::default() };
    let config = Config::builder("app-key").host("127.0.0.1").port(port).timeouts(timeouts);
    let client = Client::new(config.build()?);
    client.connected_within(TIME)?;
    let subscription = client.subscribe("news")?;
    subscription.subscribed()?;

    let (ticks, wakeups) = (cpu_ticks()?, client.wakeups());
    std::thread::sleep(TIME);
    let (ticks, wakeups) = (cpu_ticks()? - ticks, client.wakeups() - wakeups);
    println!(
        "idle for {TIME:?}, a heartbeat each second: {} ms of CPU time, {wakeups} wakeups",
        ticks * 10
    );
    Ok(())
}

/// User and system time, in the kernel's ticks of 10 ms.
fn cpu_ticks() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // The second field, a name in parentheses, may hold spaces.
    let (_, fields) = text.rsplit_once(')').ok_or("a process has a name")?;
    let mut times = fields.split_whitespace().skip(11);
    let mut next = || times.next().ok_or("a process has times");
    Ok(next()?.parse::<u64>()? + next()?.parse::<u64>()?)
}

fn start_server() -> Result<(Child, u16), Box<dyn Error>> {
    let itself = std::env::current_exe()?;
    let mut child =
        Command::new(itself).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("the server has an output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok((child, line.trim().parse()?))
}

/// Until the other process ends, whose end of the pipe closes then.
fn serve() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    println!("{}", server.port());
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}
