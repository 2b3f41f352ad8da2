//! What a lost connection, or one that could not be made, asks for.

use core::time::Duration;

/// Over capacity: the protocol asks for at least this pause ([protocol, close
/// codes](crate::protocol#close-codes)).
pub(crate) const OVER_CAPACITY_PAUSE: Duration = Duration::from_secs(1);

/// What a loss asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// The same again cannot succeed: stop, and say why.
    Stop,
    /// Use TLS from now on, and connect as with [`Policy::Immediately`].
    SwitchToTls,
    /// Connect after nothing but jitter, under the loop guard.
    Immediately,
    /// Connect after backoff, and not before this pause.
    BackOff(Duration),
}

impl Policy {
    /// Returns how long the server asks not to be dialled.
    pub(crate) fn pause(self) -> Duration {
        match self {
            Self::BackOff(pause) => pause,
            Self::Stop | Self::SwitchToTls | Self::Immediately => Duration::ZERO,
        }
    }

    /// What a code asks for ([protocol, close codes](crate::protocol#close-codes)).
    pub(crate) fn of_code(code: u16, tls: bool, established: bool) -> Self {
        match code {
            // Sockudo also closes with 4000 when something went wrong inside: a connection that
            // was established cannot have lacked TLS.
            4000 if established => Self::BackOff(Duration::ZERO),
            4000 if !tls => Self::SwitchToTls,
            // The whole range means: the same connection cannot succeed.
            4000..=4099 => Self::Stop,
            4100..=4199 => Self::BackOff(OVER_CAPACITY_PAUSE),
            4200..=4299 => Self::Immediately,
            _ => Self::BackOff(Duration::ZERO),
        }
    }
}
