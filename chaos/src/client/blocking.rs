//! `pushest_blocking::Client`, with a thread for each channel.

use std::thread;

use pushest_blocking::Client;

use super::Setup;

pub(super) fn run(setup: Setup) -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::with_options(setup.config.clone(), setup.options.clone().into());
    for (index, channel) in setup.channels.iter().enumerate() {
        let subscription = client.subscribe_with(&channel.name, &channel.options(&setup.name))?;
        let (receiving, report) = (setup.receiving.clone(), setup.report.clone());
        thread::spawn(move || {
            for event in subscription {
                report.event(Some(index), &event);
                receiving.wait();
            }
        });
    }
    setup.obey(client.__driver().commands().clone());
    setup.end.wait();
    client.shutdown();
    Ok(())
}
