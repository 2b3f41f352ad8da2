//! `pushest_async_std` on smol, with a task for each channel.

use pushest_async_std::Client;

use super::Setup;

pub(super) fn run(setup: Setup) -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let (client, pump) = Client::with_pump(setup.config.clone(), setup.options.clone());
        smol::spawn(pump).detach();
        for receiver in setup.receivers(client.__driver())? {
            smol::spawn(receiver).detach();
        }
        setup.obey(client.__driver().commands().clone());
        setup.end.opened().await;
        client.shutdown().await;
        Ok(())
    })
}
