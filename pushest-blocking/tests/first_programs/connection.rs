// Stands in a README; there, the configuration may be made in another way.
use pushest_blocking::Connection;

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let config = pushest_blocking::config_from_env()?;
    let mut connection = Connection::new(config);
    connection.attempted()?; // why not connected
    let orders = connection.subscribe("private-orders")?;
    connection.subscribed(&orders)?; // why not subscribed
    while let Some(event) = connection.recv() {
        println!("{event:?}");
    }
    Ok(())
}
