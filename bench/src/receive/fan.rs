//! Many receivers of one channel, in one process on tokio with one thread.

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::client_async_with_config;
use tungstenite::Message;

use super::floor::upgrade::{self, Handshake, Next};
use super::ours::{counting, settings};
use super::{Target, Way};
use crate::Problem;
use crate::tally::{Report, Tally};

/// The number of frames that may wait for one receiver of the bare loop.
const WAITING: usize = 1_000;

/// Receives the flood with this many receivers, each of which gets all of it. The report is that of all
/// together.
pub fn receive(way: Way, target: &Target, receivers: u64) -> Result<Report, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match way {
        Way::Count => runtime.block_on(bare(target, receivers)),
        Way::Subscription => runtime.block_on(ours(target, receivers)),
        _ => Err(format!("{} does not fan out", way.name()).into()),
    }
}

/// A bare loop that gives each frame to a task for each receiver, as a program without us would.
async fn bare(target: &Target, receivers: u64) -> Result<Report, Problem> {
    let stream = tokio::net::TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let (url, config) = (upgrade::url(target), Some(upgrade::config()));
    let (mut socket, _) = client_async_with_config(url, stream, config).await?;
    let mut handshake = Handshake::new(target);
    loop {
        match handshake.on(&socket.next().await.ok_or(ENDED)??) {
            Next::Answer(answers) => {
                for answer in answers {
                    socket.send(answer).await?;
                }
            }
            Next::Wait => {}
            Next::Done => break,
        }
    }
    let (mut senders, mut tasks) = (Vec::new(), Vec::new());
    for _ in 0..receivers {
        let (sender, mut frames) = mpsc::channel::<Message>(WAITING);
        let mut tally = Tally::new(target.flood.frames_seen());
        senders.push(sender);
        tasks.push(tokio::spawn(async move {
            while let Some(frame) = frames.recv().await {
                if tally.sized(frame.len()) {
                    return Ok(tally.report());
                }
            }
            Err(ENDED.into())
        }));
    }
    for _ in 0..target.flood.frames {
        let frame = socket.next().await.ok_or(ENDED)??;
        for sender in &senders {
            sender.send(frame.clone()).await?;
        }
    }
    together(tasks).await
}

/// One client with this many subscriptions, each with a task.
async fn ours(target: &Target, receivers: u64) -> Result<Report, Problem> {
    let (config, options) = settings(target)?;
    let client = pushest_tokio::Client::with_options(config, options);
    let mut tasks = Vec::new();
    for _ in 0..receivers {
        let mut subscription = client.subscribe(&target.flood.to_string())?;
        let mut tally = Tally::new(target.flood.events());
        tasks.push(tokio::spawn(async move {
            while let Some(event) = subscription.recv().await {
                if counting::event(&mut tally, &event)? {
                    return Ok(tally.report());
                }
            }
            Err(counting::ended())
        }));
    }
    let report = together(tasks).await;
    client.shutdown().await;
    report
}

const ENDED: &str = "the connection ended early";

/// Returns the books of all receivers: from when the first of them started its clocks until the last has
/// everything.
async fn together(tasks: Vec<JoinHandle<Result<Report, Problem>>>) -> Result<Report, Problem> {
    let mut reports = Vec::new();
    for task in tasks {
        reports.push(task.await??);
    }
    Report::together(&reports).ok_or_else(|| "there is no receiver".into())
}
