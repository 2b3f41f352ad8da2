//! The app on the server, as `.ci/sockudo.toml` has it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const ID: &str = "1";
pub(crate) const KEY: &str = "app-key";
pub(crate) const SECRET: &str = "app-secret";
/// For the encrypted channels.
pub(crate) const MASTER_KEY: &[u8; 32] = b"chaos is a ladder of 32 bytes...";

/// Returns the time since 1970 by the wall clock, which all processes of this machine share.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970")
}
