//! The async clients. What receives is the same on all of them.

use pushest_driver::unstable::Client;
use pushest_driver::{Config, Options};

use super::super::{Runtime, Target, Way};
use super::counting::{self, Order};
use super::handler::Counting;
use super::settings;
use crate::Problem;
use crate::flood::EVENT;
use crate::tally::Tally;

pub(super) fn run(
    runtime: Runtime,
    way: Way,
    target: &Target,
    tally: Tally,
) -> Result<Tally, Problem> {
    let (config, options) = settings(target)?;
    match runtime {
        Runtime::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(on_tokio(config, options, way, target, tally))
        }
        Runtime::TokioThreads => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(on_tokio(config, options, way, target, tally))
        }
        Runtime::AsyncStd => {
            async_std::task::block_on(on_async_std(config, options, way, target, tally))
        }
        Runtime::Smol => smol::block_on(on_smol(config, options, way, target, tally)),
        Runtime::Blocking => Err("it is not async".into()),
    }
}

async fn on_tokio(
    config: Config,
    options: Options,
    way: Way,
    target: &Target,
    tally: Tally,
) -> Result<Tally, Problem> {
    if way == Way::Handler {
        let mut handler = Counting::new(target, tally);
        pushest_tokio::run_with_options(config, options, &mut handler).await?;
        return handler.into_tally();
    }
    let client = pushest_tokio::Client::with_options(config, options);
    let tally = receive(client.__driver(), way, target, tally).await?;
    client.shutdown().await;
    Ok(tally)
}

async fn on_async_std(
    config: Config,
    options: Options,
    way: Way,
    target: &Target,
    tally: Tally,
) -> Result<Tally, Problem> {
    if way == Way::Handler {
        let mut handler = Counting::new(target, tally);
        pushest_async_std::run_with_options(config, options, &mut handler).await?;
        return handler.into_tally();
    }
    let client = pushest_async_std::Client::with_options(config, options);
    let tally = receive(client.__driver(), way, target, tally).await?;
    client.shutdown().await;
    Ok(tally)
}

async fn on_smol(
    config: Config,
    options: Options,
    way: Way,
    target: &Target,
    tally: Tally,
) -> Result<Tally, Problem> {
    if way == Way::Handler {
        let options = options.start_disconnected();
        let (client, pump) = pushest_async_std::Client::with_pump(config, options);
        smol::spawn(pump).detach();
        let mut handler = Counting::new(target, tally);
        let driver = client.__driver();
        let channels = handler.initial_channels();
        let on_event = |event| {
            if handler.on_event(event) {
                driver.disconnect();
            }
        };
        pushest_driver::unstable::run(driver, channels, on_event).await?;
        return handler.into_tally();
    }
    let (client, pump) = pushest_async_std::Client::with_pump(config, options);
    smol::spawn(pump).detach();
    let tally = receive(client.__driver(), way, target, tally).await?;
    client.shutdown().await;
    Ok(tally)
}

async fn receive(
    client: &Client,
    way: Way,
    target: &Target,
    mut tally: Tally,
) -> Result<Tally, Problem> {
    let channel = target.flood.to_string();
    match way {
        Way::Subscription => {
            let mut subscription = client.subscribe(&channel)?;
            while let Some(event) = subscription.recv().await {
                if counting::event(&mut tally, &event)? {
                    return Ok(tally);
                }
            }
        }
        Way::Events => {
            let mut events = client.events();
            for number in 0..target.flood.channels {
                client.subscribe(&target.flood.channel(number))?.detach();
            }
            while let Some(event) = events.recv().await {
                if counting::event(&mut tally, &event)? {
                    return Ok(tally);
                }
            }
        }
        Way::Typed => {
            let mut orders = client.subscribe(&channel)?.on::<Order>(EVENT);
            while let Some(order) = orders.recv().await {
                if counting::order(&mut tally, order)? {
                    return Ok(tally);
                }
            }
        }
        Way::Count | Way::Skip | Way::Handler | Way::Connection => {
            return Err(format!("{} is no receiver of a client", way.name()).into());
        }
    }
    Err(counting::ended())
}
