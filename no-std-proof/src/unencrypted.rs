//! Without encrypted channels: the name of one is refused, and the refusal says what is missing.

use alloc::string::ToString;

use pushest_proto::{Config, Instant, Session, SubscribeOptions};

use crate::{KEY, Mismatch, SECRET, ensure, missing, println};

pub(crate) fn prove() -> Result<(), Mismatch> {
    let options = SubscribeOptions::default();
    for builder in [Config::builder(KEY), Config::builder(KEY).secret(SECRET)] {
        let config = builder.host("127.0.0.1").build().map_err(Mismatch::boxed)?;
        let mut session = Session::new(config, 1, Instant::ORIGIN);
        for name in ["private-encrypted-room", "private-encrypted-cache-room"] {
            let refused = session.subscribe(name, &options, Instant::ORIGIN);
            let Err(error) = refused else { return Err(missing("the refusal")) };
            let text = error.to_string();
            ensure(text.contains(name) && text.contains("feature `encrypted`"), &text)?;
        }
        ensure(session.wanted_channels().next().is_none(), "no wanted channel")?;
        let name = "private-encryptedroom";
        session.subscribe(name, &options, Instant::ORIGIN).map_err(Mismatch::boxed)?;
    }
    println!("refused encrypted channels");
    Ok(())
}
