//! Whether each channel is counted.

use super::{Config, ConfigBuilder};

impl Config {
    /// Returns whether each channel is counted ([`ConfigBuilder::channel_statistics`]).
    #[must_use]
    pub fn has_channel_statistics(&self) -> bool {
        self.settings.channel_statistics
    }
}

impl ConfigBuilder {
    /// Counts the events, bytes and gaps of each channel, and keeps when its last event came
    /// ([`ChannelStatistics`](crate::ChannelStatistics)). Off by default. It takes about 100 bytes a
    /// channel and a few additions an event; nothing is allocated, and no clock is read, for an event.
    /// What is counted of a channel goes when it is unsubscribed from; the totals in
    /// [`Statistics`](crate::Statistics) stay.
    ///
    /// ```
    /// # use pushest_proto::Config;
    ///
    /// let config = Config::builder("app-key").channel_statistics(true).build()?;
    /// assert!(config.has_channel_statistics());
    /// # Ok::<(), pushest_proto::ConfigError>(())
    /// ```
    #[must_use]
    pub fn channel_statistics(mut self, count: bool) -> Self {
        self.channel_statistics = count;
        self
    }
}
