//! What a server takes in one call ([protocol, limits](crate::protocol#limits)).

use crate::channel::name::NameRules;
use crate::config::limits::Limits;
use crate::setters::setters;

/// What a server takes in one call. A call beyond it is refused before anything is signed.
///
/// The defaults are the hosted service's; self-hosted servers differ.
///
/// ```
/// # use pushest_proto::api::ApiLimits;
/// // Soketi takes data of 100 KB.
/// let limits = ApiLimits::default().event_data(100 * 1024);
/// assert_eq!(limits.channels, 100);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiLimits {
    /// Maximum number of channels of one event. 100.
    pub channels: usize,
    /// Maximum number of events in one batch. 10.
    pub batch: usize,
    /// Maximum length of an event's name, in characters. 200.
    pub event_name: usize,
    /// Maximum size of an event's data, in bytes; on an encrypted channel that of the sealed data.
    /// 10 KiB (10,240).
    pub event_data: usize,
    /// Maximum length of a user's id, in bytes. 128.
    pub user_id: usize,
    /// Rules for a channel's name. 200 bytes of letters, digits and `_ - = @ , . ;`.
    pub channel_name: NameRules,
}

impl ApiLimits {
    setters! {
        /// Sets the maximum number of channels of one event.
        channels: usize;
        /// Sets the maximum number of events in one batch.
        batch: usize;
        /// Sets the maximum length of an event's name, in characters.
        event_name: usize;
        /// Sets the maximum size of an event's data, in bytes.
        event_data: usize;
        /// Sets the maximum length of a user's id, in bytes.
        user_id: usize;
        /// Sets the rules for names of channels.
        channel_name: NameRules;
    }
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            channels: 100,
            batch: 10,
            event_name: 200,
            event_data: 10 * 1024,
            user_id: 128,
            channel_name: NameRules::default(),
        }
    }
}

/// What a client's limits say about names and data holds for what is published, too.
impl From<&Limits> for ApiLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            event_name: limits.event_name,
            event_data: limits.event_data,
            channel_name: limits.channel_name.clone(),
            ..Self::default()
        }
    }
}
