//! Prints what comes.
#![forbid(unsafe_code)]

use futures_util::StreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = async_nats::connect("localhost").await?;
    let mut orders = client.subscribe("orders").await?;
    while let Some(message) = orders.next().await {
        println!("{}: {:?}", message.subject, message.payload);
    }
    Ok(())
}
