//! Prints what comes.
#![forbid(unsafe_code)]

use futures_util::StreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(feature = "tls")]
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is one")?;
    let url = "wss://ws-eu.pusher.com/app/app-key?protocol=7";
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    while let Some(message) = socket.next().await {
        println!("{}", message?);
    }
    Ok(())
}
