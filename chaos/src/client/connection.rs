//! `pushest_blocking::Connection`, which this thread carries. While its receiver pauses nothing is
//! read, sent or answered.

use std::collections::HashMap;
use std::time::Duration;

use pushest_blocking::{Connection, RecvError};

use super::Setup;

pub(super) fn run(setup: Setup) -> Result<(), Box<dyn std::error::Error>> {
    let options = setup.options.clone().into();
    let mut connection = Connection::with_options(setup.config.clone(), options);
    let mut places = HashMap::new();
    for (index, channel) in setup.channels.iter().enumerate() {
        let name = connection.subscribe_with(&channel.name, &channel.options(&setup.name))?;
        places.insert(name, index);
    }
    setup.obey(connection.__driver().commands().clone());
    while !setup.end.is_open() {
        match connection.recv_timeout(Duration::from_millis(100)) {
            Ok(event) => {
                let place = event.channel().and_then(|name| places.get(name)).copied();
                setup.report.event(place, &event);
            }
            Err(RecvError::Timeout) => {}
            Err(RecvError::Closed) => return Err("the connection is off".into()),
        }
        setup.receiving.wait();
    }
    connection.shutdown();
    Ok(())
}
