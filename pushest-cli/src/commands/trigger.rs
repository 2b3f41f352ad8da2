//! `pushest trigger`: a client event, and whether the server took it.

use serde_json::value::RawValue;

use super::checks::Checks;
use super::once::Once;
use crate::arguments::TriggerArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Line, Output};

pub(crate) async fn run(arguments: &TriggerArguments, output: &Output) -> Result<(), Failure> {
    let TriggerArguments { channel, event, data, .. } = arguments;
    let connection = Connection::new(&arguments.connection, Some(arguments.timeout))?;
    super::warn_of_near_misses([channel], output);
    let data: Box<RawValue> = serde_json::from_str(data).map_err(|error| {
        Failure::input(format_args!(
            "the data {data:?} is not JSON: {error}; a text needs quotes of its own: '\"text\"'"
        ))
    })?;
    let checks = Checks::new(&connection);
    let options = checks.user(&arguments.user, std::slice::from_ref(channel))?;
    checks.subscribe(channel, &options)?;
    checks.trigger(channel, event, &data)?;

    let mut once = Once::connect(connection, arguments.runtime, arguments.timeout, output)?;
    let subscription = once.subscribe(channel, &options).await?;
    once.client.trigger(channel, event, &*data)?;
    let flush = once.client.flush();
    let (flushed, errors) = once.during(flush).await?;
    once.leave(subscription).await;
    // The connection is ordered: an error that came before the pong is about the event.
    if !errors.is_empty() {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        return Err(Failure::failed(format_args!("the server says: {}", errors.join("; "))));
    }
    let round_trip = flushed.map_err(Failure::failed)?;
    let round_trip_ms = (round_trip.as_secs_f64() * 1e6).round() / 1e3;
    output.line(&Line::Triggered { channel, event, round_trip_ms })?;
    Ok(())
}
