//! The channels that everything happens on.

use pushest_driver::SubscribeOptions;

/// What kind of channel it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Public,
    Private,
    Presence,
    Cache,
    Encrypted,
}

/// One channel. Both sides know it by its place in the list of [`all`].
#[derive(Debug, Clone)]
pub(crate) struct ChannelSpec {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl ChannelSpec {
    /// Returns what a client of this name subscribes with.
    pub(crate) fn options(&self, client: &str) -> SubscribeOptions {
        match self.kind {
            Kind::Presence => SubscribeOptions::member(client),
            _ => SubscribeOptions::default(),
        }
    }
}

/// This many channels, of each kind in turn.
pub(crate) fn all(count: usize) -> Vec<ChannelSpec> {
    let kinds = [
        (Kind::Public, ""),
        (Kind::Private, "private-"),
        (Kind::Presence, "presence-"),
        (Kind::Cache, "cache-"),
        (Kind::Encrypted, "private-encrypted-"),
    ];
    (0..count)
        .map(|index| {
            let (kind, prefix) = kinds[index % kinds.len()];
            ChannelSpec { name: format!("{prefix}chaos-{index}"), kind }
        })
        .collect()
}
