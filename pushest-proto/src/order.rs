//! The order of causes.

/// The place of a cause among all causes; actions leave in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Order(pub(crate) u64);

impl Order {
    /// After everything that will ever happen.
    pub(crate) const NEVER: Self = Self(u64::MAX);
}
