//! What [`__client_commands`](crate::__client_commands) names. The driver's own client is written with
//! it, so that nothing stands here that is built on that client.

pub use pushest_proto::{
    ChannelState, ChannelStatistics, CommandError, Config, Endpoint, Member, Statistics, Status,
};
pub use {serde, serde_json};

pub use crate::commands::Commands;
pub use crate::error::SignInError;
pub use crate::health::{Health, HealthRules};
pub use crate::snapshot::Snapshot;
