//! What a client sends: client events, and subscriptions until all are confirmed; beside a bare loop
//! that writes the same frames and counts the answers.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::task::Poll;

use futures_util::future::poll_fn;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use pushest_tokio::proto::Signer;
use pushest_tokio::{Client, CommandError, Config, Event, FlushError, Options, Overflow, SocketId};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async_with_config;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message};

use crate::Problem;
use crate::clocks::Clocks;
use crate::receive::READ_BUFFER;

/// How much is gathered before it is written out: the client's own, and the bare loop's.
const WRITE_BUFFER: usize = 4 * 1024;

const CHAT: &str = "private-chat";
const KEY: &str = "app-key";
const SECRET: &str = "app-secret";

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Client events, until the pong to a ping behind them is there.
    Trigger,
    /// Subscriptions to public channels, until all are confirmed.
    Public,
    /// Subscriptions to private channels, until all are confirmed.
    Private,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Trigger, Self::Public, Self::Private];

    /// Returns the task's name in commands and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    fn channel(self, number: u64) -> String {
        match self {
            Self::Private => format!("private-{number}"),
            _ => format!("channel-{number}"),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|task| task.name() == name);
        known.ok_or_else(|| format!("no task {name:?}"))
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// What is sent.
    pub task: Task,
    /// By our client; otherwise by a bare loop.
    pub is_ours: bool,
    /// Where the server listens.
    pub address: SocketAddr,
    /// The number of client events or subscriptions.
    pub count: u64,
}

/// What it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// From the first frame to the last answer.
    pub spent: Clocks,
    /// What signing alone took of it; the bare loop has its signatures before it begins.
    pub signing: Clocks,
}

/// The data of a client event.
#[derive(Serialize)]
struct Moved {
    n: u64,
    text: &'static str,
}

impl Moved {
    fn new(n: u64) -> Self {
        Self { n, text: "some words of a text as people write them, and then some more of them" }
    }
}

/// Sends everything, and waits for the answers.
pub fn measure(order: Order) -> Result<Spent, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { if order.is_ours { ours(order).await } else { bare(order).await } })
}

async fn ours(order: Order) -> Result<Spent, Problem> {
    let config = Config::builder(KEY)
        .secret(SECRET)
        .host(&order.address.ip().to_string())
        .port(order.address.port())
        .build()?;
    let options = Options::default().read_buffer(READ_BUFFER).overflow(Overflow::Wait);
    let client = Client::with_options(config, options);
    let socket_id = client.connected().await?;
    let mut taken = Spent::default();
    match order.task {
        Task::Trigger => {
            client.subscribe(CHAT)?.detach();
            client.subscribed(&CHAT.parse()?).await?;
            let started = Clocks::now();
            for number in 0..order.count {
                let data = Moved::new(number);
                while let Err(error) = client.trigger(CHAT, "client-moved", &data) {
                    match error {
                        // The client's own task writes them out meanwhile.
                        CommandError::OutgoingFull { .. } => tokio::task::yield_now().await,
                        error => return Err(error.into()),
                    }
                }
            }
            while let Err(error) = client.flush().await {
                match error {
                    FlushError::Command(CommandError::OutgoingFull { .. }) => {
                        tokio::task::yield_now().await;
                    }
                    error => return Err(error.into()),
                }
            }
            taken.spent = started.elapsed();
        }
        Task::Public | Task::Private => {
            let mut events = client.events();
            let started = Clocks::now();
            for number in 0..order.count {
                client.subscribe(&order.task.channel(number))?.detach();
            }
            let mut confirmed = 0;
            while confirmed < order.count {
                match events.recv().await.ok_or("it ended early")? {
                    Event::Subscribed { .. } => confirmed += 1,
                    event @ Event::SubscriptionFailed { .. } => {
                        return Err(format!("not subscribed: {event:?}").into());
                    }
                    _ => {}
                }
            }
            taken.spent = started.elapsed();
            if order.task == Task::Private {
                taken.signing = signing(order, &socket_id).1;
            }
        }
    }
    client.shutdown().await;
    Ok(taken)
}

/// Returns the signatures of all subscriptions, and what they take.
fn signing(order: Order, socket_id: &SocketId) -> (Vec<String>, Clocks) {
    let signer = Signer::new(KEY, SECRET);
    let started = Clocks::now();
    let signatures = (0..order.count)
        .map(|number| signer.channel(socket_id, &order.task.channel(number), None))
        .collect();
    (signatures, started.elapsed())
}

async fn bare(order: Order) -> Result<Spent, Problem> {
    let stream = TcpStream::connect(order.address).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{}/app/{KEY}?protocol=7", order.address);
    let config =
        WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
    let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await?;
    let established = socket.next().await.ok_or(ENDED)??;
    let socket_id = socket_id(&established)?;
    let signatures = match order.task {
        Task::Private => signing(order, &socket_id).0,
        Task::Trigger | Task::Public => Vec::new(),
    };
    let started = Clocks::now();
    match order.task {
        Task::Trigger => {
            for number in 0..order.count {
                let data = Moved::new(number);
                socket.feed(message("client-moved", Some(CHAT), data)?).await?;
            }
            socket.send(Message::text(r#"{"event":"pusher:ping","data":{}}"#)).await?;
            while !socket.next().await.ok_or(ENDED)??.to_text()?.contains("pusher:pong") {}
        }
        Task::Public | Task::Private => {
            let frames = (0..order.count).map(|number| {
                let auth = signatures.get(number as usize).map(String::as_str);
                let channel = order.task.channel(number);
                message("pusher:subscribe", None, Subscribe { channel: &channel, auth })
            });
            exchange(&mut socket, frames, order.count).await?;
        }
    }
    let spent = Spent { spent: started.elapsed(), signing: Clocks::default() };
    socket.close(None).await?;
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
    Ok(spent)
}

const ENDED: &str = "the connection ended early";

/// The data of a subscription.
#[derive(Serialize)]
struct Subscribe<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<&'a str>,
}

/// Encodes what a client sends.
fn message(
    event: &str,
    channel: Option<&str>,
    data: impl Serialize,
) -> Result<Message, serde_json::Error> {
    #[derive(Serialize)]
    struct Frame<'a, D> {
        event: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        channel: Option<&'a str>,
        data: D,
    }
    Ok(Message::text(serde_json::to_string(&Frame { event, channel, data })?))
}

fn socket_id(established: &Message) -> Result<SocketId, Problem> {
    #[derive(Deserialize)]
    struct Frame {
        data: String,
    }
    #[derive(Deserialize)]
    struct Data {
        socket_id: String,
    }
    let frame: Frame = serde_json::from_str(established.to_text()?)?;
    let data: Data = serde_json::from_str(&frame.data)?;
    Ok(SocketId::new(&data.socket_id).ok_or("it is no socket id")?)
}

/// Writes all frames, reads meanwhile, and is done with the last confirmation.
async fn exchange<S>(
    socket: &mut S,
    mut frames: impl Iterator<Item = Result<Message, serde_json::Error>>,
    mut unconfirmed: u64,
) -> Result<(), Problem>
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    poll_fn(|context| {
        loop {
            while let Poll::Ready(message) = socket.poll_next_unpin(context) {
                let message = message.ok_or(ENDED)??;
                unconfirmed -= u64::from(message.to_text()?.contains("subscription_succeeded"));
                if unconfirmed == 0 {
                    return Poll::Ready(Ok(()));
                }
            }
            if socket.poll_ready_unpin(context)?.is_pending() {
                return Poll::Pending;
            }
            match frames.next() {
                Some(frame) => socket.start_send_unpin(frame?)?,
                None => {
                    // Whether that is done by now or not, the answers are waited for.
                    let _ = socket.poll_flush_unpin(context)?;
                    return Poll::Pending;
                }
            }
        }
    })
    .await
}
