//! A bare loop over the WebSocket stream of each async runtime.

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tungstenite::{Error, Message};

use super::super::{Runtime, Target};
use super::Floor;
use super::upgrade::{self, Handshake, Next};
use crate::Problem;
use crate::tally::Tally;

pub(super) fn run(runtime: Runtime, target: &Target, floor: Floor) -> Result<Tally, Problem> {
    match runtime {
        Runtime::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(on_tokio(target, floor))
        }
        Runtime::TokioThreads => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(on_tokio(target, floor))
        }
        Runtime::AsyncStd => async_std::task::block_on(on_async_std(target, floor)),
        Runtime::Smol => smol::block_on(on_async_std(target, floor)),
        Runtime::Blocking => Err("it has no async loop".into()),
    }
}

async fn on_tokio(target: &Target, floor: Floor) -> Result<Tally, Problem> {
    let stream = tokio::net::TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let (url, config) = (upgrade::url(target), Some(upgrade::config()));
    match &target.authority {
        None => {
            let upgraded = tokio_tungstenite::client_async_with_config(url, stream, config).await?;
            receive(target, upgraded.0, floor).await
        }
        Some(authority) => {
            let (name, tls) = upgrade::tls(target, authority)?;
            let stream = tokio_rustls::TlsConnector::from(tls).connect(name, stream).await?;
            let upgraded = tokio_tungstenite::client_async_with_config(url, stream, config).await?;
            receive(target, upgraded.0, floor).await
        }
    }
}

/// smol runs it, too: its sockets are of the same kind.
async fn on_async_std(target: &Target, floor: Floor) -> Result<Tally, Problem> {
    let stream = async_std::net::TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let (url, config) = (upgrade::url(target), Some(upgrade::config()));
    match &target.authority {
        None => {
            let upgraded = async_tungstenite::client_async_with_config(url, stream, config).await?;
            receive(target, upgraded.0, floor).await
        }
        Some(authority) => {
            let (name, tls) = upgrade::tls(target, authority)?;
            let stream = futures_rustls::TlsConnector::from(tls).connect(name, stream).await?;
            let upgraded = async_tungstenite::client_async_with_config(url, stream, config).await?;
            receive(target, upgraded.0, floor).await
        }
    }
}

async fn receive<S>(target: &Target, mut socket: S, mut floor: Floor) -> Result<Tally, Problem>
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    let mut handshake = Handshake::new(target);
    loop {
        let message = socket.next().await.ok_or("the connection ended early")??;
        match handshake.on(&message) {
            Next::Answer(answers) => {
                for answer in answers {
                    socket.send(answer).await?;
                }
            }
            Next::Wait => {}
            Next::Done => break,
        }
    }
    while let Some(message) = socket.next().await {
        if floor.frame(&message?) {
            return Ok(floor.tally);
        }
    }
    Err("the connection ended early".into())
}
