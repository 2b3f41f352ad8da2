// Stands in a README; there, the configuration may be made in another way.
use pushest_blocking::{Client, config_from_env};

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let config = config_from_env()?;
    let client = Client::new(config);
    client.attempted()?; // why not connected
    let mut orders = client.subscribe("private-orders")?;
    orders.subscribed()?; // why not subscribed
    while let Some(event) = orders.recv() {
        println!("{event:?}");
    }
    client.shutdown();
    Ok(())
}
