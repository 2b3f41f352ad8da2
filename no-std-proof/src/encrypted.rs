//! An encrypted channel, opened with the key that its authorization brings.

use pushest_proto::{Authorization, Event};

use crate::{Driver, Mismatch, println};

/// The key of the second test vector (`pushest_proto::protocol#encrypted-channels`).
const SHARED_SECRET: &str = "iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=";
const SUBSCRIBED: &str = r#"{"event":"pusher_internal:subscription_succeeded","channel":"private-encrypted-room","data":"{}"}"#;
const SEALED: &str = r#"{"event":"greeting","channel":"private-encrypted-room","data":{"nonce":"4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9","ciphertext":"/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A="}}"#;

pub(crate) fn prove() -> Result<(), Mismatch> {
    let (mut driver, connection) = Driver::asking()?;
    let request = driver.ask("private-encrypted-room")?;
    let granted = Authorization::new("key:signature").shared_secret(SHARED_SECRET);
    driver.session.handle_authorization(request.ticket, Ok(granted), driver.now);
    driver.receive(connection, SUBSCRIBED);
    driver.receive(connection, SEALED);
    driver.expect("the opened event", |event| match event {
        Event::Channel(event) => {
            event.was_encrypted() && event.text() == r#"{"message":"hello world"}"#
        }
        _ => false,
    })?;
    println!("opened an encrypted event");
    Ok(())
}
