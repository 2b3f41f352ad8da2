//! A crowd: many clients in one process on tokio with one thread, beside as many bare loops. They
//! connect, and then do nothing, or each receives a few events.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use pushest_tokio::{Client, Config, Options, Overflow};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tungstenite::Message;
use tungstenite::protocol::WebSocketConfig;

use crate::Problem;
use crate::clocks::Clocks;
use crate::flood::Marks;
use crate::receive::counting;
use crate::tally::{Report, Tally};

/// The number of connections that are made at once: few enough for the queue of any listener.
const AT_ONCE: u64 = 100;

/// How long a bare loop waits for the server's next message before it sends a ping, as the crowd's server
/// asks clients to.
const QUIET: Duration = Duration::from_secs(30);

/// A crowd that is flooded: its name is that of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flock {
    /// The number of clients.
    pub connections: u64,
    /// The number of events that each of them gets.
    pub events: u64,
}

impl fmt::Display for Flock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flock-{}-{}", self.connections, self.events)
    }
}

impl FromStr for Flock {
    type Err = String;

    fn from_str(channel: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        channel
            .strip_prefix("flock-")
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(one, two)| Some(Self { connections: number(one)?, events: number(two)? }))
            .ok_or_else(|| format!("the channel {channel:?} names no crowd"))
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Our clients; otherwise bare loops.
    pub is_ours: bool,
    /// Where the server listens.
    pub address: SocketAddr,
    /// The number of clients.
    pub connections: u64,
    /// The size of each one's read buffer in bytes.
    pub buffer: usize,
    /// How long all do nothing.
    pub idle: Duration,
    /// The number of events that each then receives; 0 for no subscription.
    pub events: u64,
}

/// Making all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// What it took.
    pub spent: Clocks,
    /// What is resident for each, in bytes.
    pub resident: u64,
}

/// What a crowd of connections did then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What doing nothing took.
    pub idle: Clocks,
    /// What was received by all together.
    pub received: Option<Report>,
}

/// Measures it. `connected` is called once all are.
pub fn measure(
    order: Order,
    connected: impl FnOnce(Connected) -> Result<(), Problem>,
) -> Result<Done, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if order.is_ours { ours(order, connected).await } else { bare(order, connected).await }
    })
}

/// Counts what all connections together take.
struct Start {
    resident: u64,
    clocks: Clocks,
}

impl Start {
    fn now() -> Result<Self, Problem> {
        Ok(Self { resident: resident()?, clocks: Clocks::now() })
    }

    fn connected(self, connections: u64) -> Result<Connected, Problem> {
        let spent = self.clocks.elapsed();
        let resident = resident()?.saturating_sub(self.resident) / connections;
        Ok(Connected { spent, resident })
    }
}

/// Returns what is resident of this process in bytes.
fn resident() -> Result<u64, Problem> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kib.ok_or("the system does not say what is resident")? * 1024)
}

async fn ours(
    order: Order,
    connected: impl FnOnce(Connected) -> Result<(), Problem>,
) -> Result<Done, Problem> {
    let config = Config::builder("app-key")
        .host(&order.address.ip().to_string())
        .port(order.address.port())
        .build()?;
    let options = Options::default().read_buffer(order.buffer).overflow(Overflow::Wait);
    let mut clients = Vec::with_capacity(order.connections as usize);
    let start = Start::now()?;
    while let left @ 1.. = order.connections - clients.len() as u64 {
        let new = || Client::with_options(config.clone(), options.clone());
        clients.extend(std::iter::repeat_with(new).take(left.min(AT_ONCE) as usize));
        for client in &clients[clients.len() - left.min(AT_ONCE) as usize..] {
            client.connected().await?;
        }
    }
    connected(start.connected(order.connections)?)?;
    let idle = rest(order.idle).await;
    if order.events == 0 {
        return Ok(Done { idle, received: None });
    }
    let flock = Flock { connections: order.connections, events: order.events };
    let mut tasks = Vec::new();
    for client in &clients {
        let mut subscription = client.subscribe(&flock.to_string())?;
        let mut tally = Tally::new(flock.marks());
        tasks.push(tokio::spawn(async move {
            while let Some(event) = subscription.recv().await {
                if counting::event(&mut tally, &event)? {
                    return Ok(tally.report());
                }
            }
            Err::<Report, Problem>(counting::ended())
        }));
    }
    let mut reports = Vec::new();
    for task in tasks {
        reports.push(task.await??);
    }
    Ok(Done { idle, received: Report::together(&reports) })
}

async fn bare(
    order: Order,
    connected: impl FnOnce(Connected) -> Result<(), Problem>,
) -> Result<Done, Problem> {
    let (told, mut tells) = unbounded_channel();
    let (begin, begins) = tokio::sync::watch::channel(false);
    let start = Start::now()?;
    let mut made = 0;
    while let left @ 1.. = order.connections - made {
        for _ in 0..left.min(AT_ONCE) {
            let bare = Bare { order, told: told.clone(), begins: begins.clone() };
            tokio::spawn(async move {
                let told = bare.told.clone();
                if let Err(problem) = bare.run().await {
                    // The other end goes when the measuring does.
                    let _ = told.send(Err(problem));
                }
            });
        }
        all(&mut tells, left.min(AT_ONCE)).await?;
        made += left.min(AT_ONCE);
    }
    connected(start.connected(order.connections)?)?;
    let idle = rest(order.idle).await;
    if order.events == 0 {
        return Ok(Done { idle, received: None });
    }
    begin.send_replace(true);
    let reports = all(&mut tells, order.connections).await?;
    Ok(Done { idle, received: Report::together(&reports) })
}

async fn all(
    tells: &mut UnboundedReceiver<Result<Report, Problem>>,
    count: u64,
) -> Result<Vec<Report>, Problem> {
    let mut reports = Vec::new();
    for _ in 0..count {
        reports.push(tells.recv().await.ok_or("all have ended")??);
    }
    Ok(reports)
}

async fn rest(idle: Duration) -> Clocks {
    let started = Clocks::now();
    tokio::time::sleep(idle).await;
    started.elapsed()
}

impl Flock {
    /// The clocks of each start at its first event.
    fn marks(self) -> Marks {
        Marks { begin: 1, end: self.events }
    }
}

/// One bare loop.
struct Bare {
    order: Order,
    /// Is told when it is connected, and when it has received everything.
    told: UnboundedSender<Result<Report, Problem>>,
    begins: tokio::sync::watch::Receiver<bool>,
}

impl Bare {
    async fn run(mut self) -> Result<(), Problem> {
        let stream = TcpStream::connect(self.order.address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{}/app/app-key?protocol=7", self.order.address);
        let config = WebSocketConfig::default().read_buffer_size(self.order.buffer);
        let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        socket.next().await.ok_or("it ended early")??;
        self.told.send(Ok(Report::default()))?;
        if self.order.events == 0 {
            // In a task of its own, which has no room for the handshake's future.
            tokio::spawn(stay(socket));
            return Ok(());
        }
        self.begins.wait_for(|begins| *begins).await?;
        let Order { connections, events, .. } = self.order;
        let report = receive(&mut socket, Flock { connections, events }).await?;
        self.told.send(Ok(report))?;
        stay(socket).await
    }
}

/// Reads what comes, and sends a ping if nothing does.
async fn stay(mut socket: WebSocketStream<TcpStream>) -> Result<(), Problem> {
    loop {
        match tokio::time::timeout(QUIET, socket.next()).await {
            Ok(message) => drop(message.ok_or("it ended early")??),
            Err(_) => {
                socket.send(Message::text(r#"{"event":"pusher:ping","data":{}}"#)).await?;
            }
        }
    }
}

async fn receive(socket: &mut WebSocketStream<TcpStream>, flock: Flock) -> Result<Report, Problem> {
    let subscribe = format!(r#"{{"event":"pusher:subscribe","data":{{"channel":"{flock}"}}}}"#);
    socket.send(Message::text(subscribe)).await?;
    socket.next().await.ok_or("it ended early")??;
    let mut tally = Tally::new(flock.marks());
    while let Some(message) = socket.next().await {
        if tally.sized(message?.len()) {
            return Ok(tally.report());
        }
    }
    Err("it ended early".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_read_from_the_name_that_it_gives_its_channel() {
        let flock = Flock { connections: 10_000, events: 25 };
        assert_eq!(flock.to_string().parse(), Ok(flock));
        for broken in ["flock-1", "flock-0-1", "flock-1-0", "flock-a-b", "news"] {
            assert!(broken.parse::<Flock>().is_err(), "{broken}");
        }
    }
}
