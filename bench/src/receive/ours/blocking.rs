//! The client without async: with a thread in the background, and on this one.

use pushest_blocking::{Client, Connection, Options};

use super::super::{Target, Way};
use super::counting::{self, Order};
use super::handler::Counting;
use super::settings;
use crate::Problem;
use crate::flood::EVENT;
use crate::tally::Tally;

pub(super) fn run(way: Way, target: &Target, mut tally: Tally) -> Result<Tally, Problem> {
    let (config, options) = settings(target)?;
    let options: Options = options.into();
    let channel = target.flood.to_string();
    match way {
        Way::Subscription => {
            let client = Client::with_options(config, options);
            let mut subscription = client.subscribe(&channel)?;
            while let Some(event) = subscription.recv() {
                if counting::event(&mut tally, &event)? {
                    client.shutdown();
                    return Ok(tally);
                }
            }
        }
        Way::Events => {
            let client = Client::with_options(config, options);
            let mut events = client.events();
            client.subscribe(&channel)?.detach();
            while let Some(event) = events.recv() {
                if counting::event(&mut tally, &event)? {
                    client.shutdown();
                    return Ok(tally);
                }
            }
        }
        Way::Typed => {
            let client = Client::with_options(config, options);
            let mut orders = client.subscribe(&channel)?.on::<Order>(EVENT);
            while let Some(order) = orders.recv() {
                if counting::order(&mut tally, order)? {
                    client.shutdown();
                    return Ok(tally);
                }
            }
        }
        Way::Handler => {
            let mut handler = Counting::new(target, tally);
            pushest_blocking::run_with_options(config, options, &mut handler)?;
            return handler.into_tally();
        }
        Way::Connection => {
            let mut connection = Connection::with_options(config, options);
            connection.subscribe(&channel)?;
            while let Some(event) = connection.recv() {
                if counting::event(&mut tally, &event)? {
                    connection.shutdown();
                    return Ok(tally);
                }
            }
        }
        Way::Count | Way::Skip => return Err("a floor is no client".into()),
    }
    Err(counting::ended())
}
