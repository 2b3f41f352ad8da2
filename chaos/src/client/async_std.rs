//! `pushest_async_std` on async-std, with a task for each channel.

use async_std::task;
use pushest_async_std::Client;

use super::Setup;

pub(super) fn run(setup: Setup) -> Result<(), Box<dyn std::error::Error>> {
    task::block_on(async {
        let client = Client::with_options(setup.config.clone(), setup.options.clone());
        for receiver in setup.receivers(client.__driver())? {
            task::spawn(receiver);
        }
        setup.obey(client.__driver().commands().clone());
        setup.end.opened().await;
        client.shutdown().await;
        Ok(())
    })
}
