//! The client under test: a process of its own, so that it can be stopped. It subscribes to every
//! channel, writes a line for whatever its receivers are handed, and does as standard input says.

mod async_std;
mod blocking;
mod connection;
mod gate;
mod report;
mod smol;
mod tokio;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pushest_driver::unstable::Client;
use pushest_driver::unstable::Commands;
use pushest_driver::{
    BackoffConfig, Config, ConfigBuilder, Options, Overflow, Subscription, Timeouts,
};

use crate::app;
use crate::channels::{self, ChannelSpec};
use crate::lines::Told;
use gate::{Gate, Position};
use report::Report;

/// What carries the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// tokio with one thread.
    Tokio,
    /// tokio with two.
    TokioThreads,
    AsyncStd,
    Smol,
    /// `pushest_blocking::Client`, whose thread is in the background.
    Blocking,
    /// `pushest_blocking::Connection`, which has none.
    Connection,
}

impl Runtime {
    pub(crate) const ALL: [Self; 6] = [
        Self::Tokio,
        Self::TokioThreads,
        Self::AsyncStd,
        Self::Smol,
        Self::Blocking,
        Self::Connection,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::TokioThreads => "tokio-threads",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
            Self::Blocking => "blocking",
            Self::Connection => "connection",
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|runtime| runtime.name() == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("no runtime {text:?}: there are {}", names.join(", "))
        })
    }
}

/// What a client is started with; it reads from its command line what the runner wrote there.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) runtime: Runtime,
    /// Its name, which is its member id, too.
    pub(crate) name: String,
    /// Where its servers are: one, or several among which it chooses by itself.
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) channels: usize,
    /// Whether a full receiver is waited for, and not lagging.
    pub(crate) waits: bool,
    /// How many events a receiver of one channel may leave.
    pub(crate) queue: usize,
}

impl Start {
    /// Returns the arguments that [`Start::from_arguments`] reads.
    pub(crate) fn arguments(&self) -> [String; 6] {
        let overflow = if self.waits { "wait" } else { "lag" };
        let servers: Vec<String> = self.servers.iter().map(ToString::to_string).collect();
        [
            self.runtime.to_string(),
            self.name.clone(),
            servers.join(","),
            self.channels.to_string(),
            overflow.to_string(),
            self.queue.to_string(),
        ]
    }

    pub(crate) fn from_arguments(arguments: &[String]) -> Result<Self, String> {
        let [runtime, name, servers, channels, overflow, queue] = arguments else {
            return Err("client RUNTIME NAME ADDRESS,… CHANNELS wait|lag QUEUE".to_string());
        };
        let address = |text: &str| text.parse().map_err(|_| format!("not an address: {text:?}"));
        let number = |text: &String| text.parse().map_err(|_| format!("not a number: {text:?}"));
        Ok(Self {
            runtime: runtime.parse()?,
            name: name.clone(),
            servers: servers.split(',').map(address).collect::<Result<_, _>>()?,
            channels: number(channels)?,
            waits: overflow == "wait",
            queue: number(queue)?,
        })
    }
}

/// Runs until standard input says `quit`, or ends.
pub(crate) fn run(start: &Start) -> Result<(), Box<dyn std::error::Error>> {
    let config = reach(Config::builder(app::KEY), &start.servers)
        .secret(app::SECRET)
        .master_key(app::MASTER_KEY)
        // A round shall not take long.
        .timeouts(
            Timeouts::default()
                .dial(Duration::from_secs(2))
                .handshake(Duration::from_secs(2))
                .activity(Duration::from_secs(1))
                .pong(Duration::from_secs(1))
                .subscribe(Duration::from_secs(2))
                .stable(Duration::from_secs(1)),
        )
        .backoff(
            BackoffConfig::default()
                .initial(Duration::from_millis(200))
                .maximum(Duration::from_millis(400)),
        )
        .build()?;
    // The receiver of everything holds what the others hold together.
    let receivers = if start.runtime == Runtime::Connection { start.channels } else { 1 };
    let options = Options::default()
        .queue(start.queue * receivers, 8 * 1024 * 1024)
        .overflow(if start.waits { Overflow::Wait } else { Overflow::DropOldest });
    let setup = Setup {
        config,
        options,
        channels: channels::all(start.channels),
        name: start.name.clone(),
        receiving: Arc::new(Gate::new(Position::Open)),
        end: Arc::new(Gate::new(Position::Closed)),
        report: Arc::new(Report::new()),
    };
    match start.runtime {
        Runtime::Tokio => tokio::run(setup, 1),
        Runtime::TokioThreads => tokio::run(setup, 2),
        Runtime::AsyncStd => async_std::run(setup),
        Runtime::Smol => smol::run(setup),
        Runtime::Blocking => blocking::run(setup),
        Runtime::Connection => connection::run(setup),
    }
}

/// Sets where the client's servers are. Of several the library chooses.
fn reach(config: ConfigBuilder, servers: &[SocketAddr]) -> ConfigBuilder {
    match servers {
        [server] => config.host(&server.ip().to_string()).port(server.port()),
        several => config.endpoints(several.iter().map(|server| format!("ws://{server}"))),
    }
}

/// What is the same for all runtimes.
struct Setup {
    config: Config,
    options: Options,
    channels: Vec<ChannelSpec>,
    name: String,
    /// Closed while receivers pause.
    receiving: Arc<Gate>,
    /// Opens at the end.
    end: Arc<Gate>,
    report: Arc<Report>,
}

impl Setup {
    /// Does as standard input says from here on, on a thread.
    fn obey(&self, commands: Commands) {
        let (receiving, end) = (self.receiving.clone(), self.end.clone());
        let report = self.report.clone();
        report.line(Told::Ready);
        thread::spawn(move || {
            for line in io::stdin().lines() {
                match line.as_deref() {
                    Ok("pause") => receiving.set(Position::Closed),
                    Ok("block") => receiving.set(Position::Blocking),
                    Ok("resume") => receiving.set(Position::Open),
                    Ok("status") => report.status(&commands),
                    _ => break,
                }
            }
            receiving.set(Position::Open);
            end.set(Position::Open);
        });
    }

    /// Returns the future that receives what a channel carries, for each channel.
    fn receivers(
        &self,
        client: &Client,
    ) -> Result<Vec<impl Future<Output = ()> + Send + use<>>, pushest_driver::SubscribeError> {
        let mut receivers = Vec::new();
        for (index, channel) in self.channels.iter().enumerate() {
            let subscription =
                client.subscribe_with(&channel.name, &channel.options(&self.name))?;
            let (receiving, report) = (self.receiving.clone(), self.report.clone());
            receivers.push(receive(index, subscription, receiving, report));
        }
        Ok(receivers)
    }
}

async fn receive(
    channel: usize,
    mut subscription: Subscription,
    receiving: Arc<Gate>,
    report: Arc<Report>,
) {
    while let Some(event) = subscription.recv().await {
        report.event(Some(channel), &event);
        receiving.opened().await;
    }
}
