//! A server for thousands of connections in one thread. It answers pings, and floods a channel that all
//! of a crowd have subscribed to: each connection in turn gets a few events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};
use tungstenite::Message;
use tungstenite::protocol::WebSocketConfig;

use super::{subscribed, succeeded};
use crate::Problem;
use crate::crowd::Flock;
use crate::frames::{Frames, event};

/// The size of the frames' texts in bytes.
pub const SIZE: usize = 208;

/// The number of events that a connection gets before the next one gets some.
const TURN: usize = 16;

/// The crowds that gather, each by the name of its channel: how many are there, and whether it begins.
type Gathering = Arc<Mutex<HashMap<String, (u64, watch::Sender<bool>)>>>;

/// Serves all connections. `activity_timeout` is what it tells clients to send a ping after.
pub async fn serve(listener: TcpListener, activity_timeout: Duration) -> Result<(), Problem> {
    let gathering = Gathering::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let gathering = gathering.clone();
        tokio::spawn(async move {
            if let Err(problem) = connection(stream, activity_timeout, gathering).await {
                eprintln!("crowd server: {problem}");
            }
        });
    }
}

async fn connection(
    stream: TcpStream,
    activity_timeout: Duration,
    gathering: Gathering,
) -> Result<(), Problem> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(512);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    let seconds = activity_timeout.as_secs();
    socket.send(Message::text(format!(
        r#"{{"event":"pusher:connection_established","data":"{{\"socket_id\":\"4711.1147\",\"activity_timeout\":{seconds}}}"}}"#
    ))).await?;
    while let Some(message) = socket.next().await {
        // A client that has what it wanted may go in any way.
        let Ok(message) = message else { return Ok(()) };
        let Message::Text(text) = message else { continue };
        if text.contains(r#""pusher:ping""#) {
            socket.send(Message::text(r#"{"event":"pusher:pong","data":"{}"}"#)).await?;
        } else if let Some(channel) = subscribed(&text)? {
            socket.send(Message::text(succeeded(&channel))).await?;
            let flock: Flock = channel.parse()?;
            gathered(&gathering, flock).await?;
            flood(&mut socket, flock).await?;
        }
    }
    Ok(())
}

/// Waits until all of the crowd have subscribed.
async fn gathered(gathering: &Gathering, flock: Flock) -> Result<(), Problem> {
    let mut begins = {
        let mut gathering = gathering.lock().unwrap_or_else(PoisonError::into_inner);
        let (there, begins) =
            gathering.entry(flock.to_string()).or_insert_with(|| (0, watch::Sender::new(false)));
        *there += 1;
        if *there == flock.connections {
            begins.send_replace(true);
        }
        begins.subscribe()
    };
    begins.wait_for(|begins| *begins).await?;
    Ok(())
}

async fn flood(socket: &mut WebSocketStream<TcpStream>, flock: Flock) -> Result<(), Problem> {
    let frames = frames(flock);
    let mut left = flock.events as usize;
    while left > 0 {
        let count = left.min(TURN);
        socket.get_mut().write_all(frames.bytes(0, count)).await?;
        left -= count;
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn frames(flock: Flock) -> Frames {
    let channel = flock.to_string();
    Frames::of((0..TURN as u64).map(|number| event(&channel, number, SIZE)))
}
