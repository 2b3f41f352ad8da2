//! `pushest_tokio`, with a task for each channel.

use pushest_tokio::Client;
use tokio::runtime::Builder;

use super::Setup;

pub(super) fn run(setup: Setup, threads: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()?.block_on(async {
        let client = Client::with_options(setup.config.clone(), setup.options.clone());
        for receiver in setup.receivers(client.__driver())? {
            tokio::spawn(receiver);
        }
        setup.obey(client.__driver().commands().clone());
        setup.end.opened().await;
        client.shutdown().await;
        Ok(())
    })
}
