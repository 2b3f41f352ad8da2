//! The program of the page "Streams of your own": a listener that reaches its server over a Unix socket.

use std::path::PathBuf;

use pushest_tokio::{Client, ClientBuilder, Event, connected_stream};
use tokio::net::UnixStream;

/// Reaches the server over the Unix socket at this path, again after each loss.
pub(crate) fn over(path: PathBuf, builder: ClientBuilder) -> ClientBuilder {
    builder.connector(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(connected_stream) }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("the path of a Unix socket is missing")?;
    let builder = ClientBuilder::default().env(); // whose host stands in the request, and nowhere else
    let client: Client = over(path.into(), builder).build()?;
    client.attempted().await?; // "the connector failed: No such file or directory"
    let mut orders = client.subscribe("orders")?;
    while let Some(event) = orders.recv().await {
        if let Event::Channel(event) = event {
            println!("{}: {}", event.name(), event.text());
        }
    }
    Ok(())
}
