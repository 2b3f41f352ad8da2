//! How much is signed for a client ([protocol, limits](crate::protocol#limits)).

use super::member::USER_ID_BYTES;
use crate::setters::setters;

/// How much a [`Signer`](crate::Signer) signs for a client. What is beyond it is refused before anything is signed.
///
/// The defaults are the hosted service's; self-hosted servers differ.
///
/// ```
/// use pushest_proto::{SignLimits, Signer};
///
/// let limits = SignLimits::default().user_info(4 * 1024);
/// assert_eq!(limits.watchlist, 100);
/// let signer = Signer::new("app-key", "app-secret").with_limits(limits);
/// assert_eq!(signer.limits(), limits);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignLimits {
    /// Maximum length of a user's id, in bytes. 128. It holds for ids in a watchlist, too.
    pub user_id: usize,
    /// Maximum size of a user's info as it is sent, in bytes. 1 KiB (1,024).
    pub user_info: usize,
    /// Maximum number of ids in a watchlist. 100.
    pub watchlist: usize,
}

impl SignLimits {
    setters! {
        /// Sets the maximum length of a user's id, in bytes.
        user_id: usize;
        /// Sets the maximum size of a user's info, in bytes.
        user_info: usize;
        /// Sets the maximum number of ids in a watchlist.
        watchlist: usize;
    }

    pub(super) const DEFAULT: Self =
        Self { user_id: USER_ID_BYTES, user_info: 1024, watchlist: 100 };
}

impl Default for SignLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
