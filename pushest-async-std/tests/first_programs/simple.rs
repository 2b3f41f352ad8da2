// Stands in a README; there, the configuration may be made in another way.
use pushest_async_std::{Client, config_from_env};

#[async_std::main]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let config = config_from_env()?;
    let client = Client::new(config);
    client.attempted().await?; // why not connected
    let mut orders = client.subscribe("private-orders")?;
    orders.subscribed().await?; // why not subscribed
    while let Some(event) = orders.recv().await {
        println!("{event:?}");
    }
    client.shutdown().await;
    Ok(())
}
