//! What has become of the networks of the machine, as far as it concerns one client.

/// What has happened since a client looked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct NetworkNews {
    /// The local address of the connection is no longer the machine's.
    pub(crate) address_gone: bool,
    /// Packets of the connection take another way than before, or none, or may have done so meanwhile.
    pub(crate) path_changed: bool,
    /// There is something new that a dial may succeed with.
    pub(crate) came: bool,
    /// Something is gone that a dial may be under way with.
    pub(crate) went: bool,
}

impl NetworkNews {
    /// Returns both together.
    #[cfg(all(feature = "network-watch", target_os = "linux"))]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            address_gone: self.address_gone || other.address_gone,
            path_changed: self.path_changed || other.path_changed,
            came: self.came || other.came,
            went: self.went || other.went,
        }
    }
}
