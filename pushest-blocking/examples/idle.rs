//! What an idle client costs: the CPU time of this process and the wakeups of its thread over ten
//! seconds, with a heartbeat each second.
//!
//!     cargo run --release -p pushest-blocking --example idle
//!
//! The server is a process of its own, so that only the client is measured. Linux only: the time is
//! what the scheduler counts in /proc/self/task.

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
    let timeouts = Timeouts::default().activity(Duration::from_secs(1));
    let config = Config::builder("app-key").host("127.0.0.1").port(port).timeouts(timeouts);
    let client = Client::new(config.build()?);
    client.connected_timeout(TIME)?;
    let subscription = client.subscribe("news")?;
    subscription.subscribed()?;

    let (before, wakeups) = (cpu_time()?, client.wakeups());
    std::thread::sleep(TIME);
    let (spent, wakeups) = (cpu_time()? - before, client.wakeups() - wakeups);
    println!(
        "idle for {TIME:?}, a heartbeat each second: {spent:?} of CPU time, {wakeups} wakeups"
    );
    Ok(())
}

/// What all threads of this process have run so far, as the scheduler counts it.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let counts = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = counts.split_whitespace().next().ok_or("a thread has run for some time")?;
        nanoseconds += first.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
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
