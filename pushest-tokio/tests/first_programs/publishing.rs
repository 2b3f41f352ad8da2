// Stands in a README; there, the configuration may be made in another way.
use pushest_tokio::{ClientBuilder, Event};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    // It connects in the background, and stays connected.
    let client = ClientBuilder::default().env().build()?;
    client.attempted().await?; // why not, if the first attempt fails: a wrong key, host or port
    let mut orders = client.subscribe("orders")?;
    orders.subscribed().await?; // why not, if the server refuses: a private channel, a wrong secret
    // What a backend does, here to hear it itself; why not, if the server refuses: a wrong id or secret.
    client.api()?.publish("orders", "shipped", &[7]).await?;
    while let Some(event) = orders.recv().await {
        match event {
            Event::Channel(event) => println!("{}: {}", event.name(), event.text()),
            // The connection was lost and is back: events of that time are missing, or come twice.
            Event::Gap { silent_for, .. } => println!("refetch the last {silent_for:?}"),
            // This loop was too slow; a gap may be among what was dropped.
            Event::Lagged { dropped } => println!("{dropped} lost: refetch from your last event"),
            // The server, or the authorization, has changed its mind on a later connection.
            Event::SubscriptionFailed { reason, .. } => eprintln!("not subscribed: {reason}"),
            _ => {}
        }
    }
    client.shutdown().await; // what was triggered last goes out before the program ends
    Ok(())
}
