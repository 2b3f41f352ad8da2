//! Whether a client does what it is for, and why not.

#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{ChannelName, ConnectionState, Loss, RequestFailure};

use crate::snapshot::{Ending, Snapshot};

/// How a client is: what is said of it, and each reason.
///
/// | it is | where |
/// |---|---|
/// | **down** | it is not to be connected: [disconnected](HealthReason::Disconnected), [shut down](HealthReason::ShutDown), [ended](HealthReason::Ended), [refused for good](HealthReason::Refused); it has not been connected for [`HealthRules::down_after`] ([`HealthReason::Away`]); or nothing runs it ([`HealthReason::Stalled`]) |
/// | **degraded** | it is [not connected](HealthReason::Reconnecting) for less than that, or [drains](HealthReason::Draining); channels [failed](HealthReason::ChannelsFailed), are [unconfirmed for long](HealthReason::ChannelsUnconfirmed), or [cannot be authorized](HealthReason::AuthorizationsFailing); the [sign-in failed](HealthReason::SignInFailed); receivers [lose events](HealthReason::ReceiversLagging) or [hold up reading](HealthReason::ReadingPaused) |
/// | **healthy** | there is no reason for anything else |
///
/// Its [`Display`](std::fmt::Display) is one line: the state, and the reasons.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// What is said of it.
    pub state: HealthState,
    /// Why; empty if it is healthy. What makes it down stands first.
    pub reasons: Vec<HealthReason>,
}

/// What is said of a client. The worse is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HealthState {
    /// It does what it is for.
    Healthy,
    /// It works in part, or is likely to work again by itself.
    Degraded,
    /// It does not work, and either will not by itself or has not for long.
    Down,
}

/// Why a client is not healthy.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum HealthReason {
    /// Down: the program has disconnected it, or has not connected it yet.
    Disconnected,
    /// Down: the program has shut it down.
    ShutDown,
    /// Down: its last handle is gone, or what ran it.
    Ended,
    /// Down: the server, or what stands before it, refused for good.
    Refused {
        /// What it said.
        loss: Option<Arc<Loss>>,
    },
    /// Down: there has been no connection for long.
    Away {
        /// How long.
        away_for: Duration,
        /// How the last connection or attempt ended.
        loss: Option<Arc<Loss>>,
    },
    /// Down: something has been due for long that was not done. The client's task or thread is
    /// blocked, or a connection without a thread is not carried.
    Stalled {
        /// How long.
        overdue_for: Duration,
    },
    /// Degraded: there is no connection, and the client tries to have one.
    Reconnecting {
        /// How long there has been none.
        away_for: Duration,
        /// How the last connection or attempt ended; `None` before the first has.
        loss: Option<Arc<Loss>>,
    },
    /// Degraded: it drains.
    Draining,
    /// Degraded: subscriptions failed.
    ChannelsFailed {
        /// How many.
        channels: usize,
        /// One of them.
        channel: ChannelName,
        /// Why that one did.
        reason: RequestFailure,
    },
    /// Degraded: channels have been wanted for long, and the server has not confirmed them.
    ChannelsUnconfirmed {
        /// How many are not confirmed, for however long.
        channels: usize,
        /// The one that has waited longest.
        channel: ChannelName,
        /// How long that one has.
        unconfirmed_for: Duration,
    },
    /// Degraded: authorizations cannot be had.
    AuthorizationsFailing {
        /// For how many channels.
        channels: usize,
        /// One of them.
        channel: ChannelName,
        /// Why.
        reason: RequestFailure,
    },
    /// Degraded: the sign-in failed.
    SignInFailed {
        /// Why.
        reason: RequestFailure,
    },
    /// Degraded: a receiver was too slow lately, and has lost events.
    ReceiversLagging {
        /// How long ago that happened last.
        last_dropped: Duration,
        /// Number of events that receivers have lost since the client began.
        dropped: u64,
        /// The channel whose receiver it was, if it was one channel's.
        channel: Option<ChannelName>,
    },
    /// Degraded: a full receiver has held up reading for long.
    ReadingPaused {
        /// How long.
        paused_for: Duration,
    },
}

/// From when on what counts.
///
/// ```
/// # use pushest_driver::HealthRules;
/// use std::time::Duration;
///
/// let rules = HealthRules::default().down_after(Duration::from_secs(10));
/// # let _ = rules;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthRules {
    /// How long a client may be without a connection before it is down. 60 s.
    pub down_after: Duration,
    /// How long a channel may be unconfirmed, while connected, before the client is degraded. 30 s.
    pub unconfirmed_after: Duration,
    /// How long after a receiver has lost events the client is degraded. 60 s.
    pub lagging_within: Duration,
    /// How long a full receiver may hold up reading before the client is degraded. 10 s.
    pub paused_after: Duration,
    /// How long something may be due before the client is down. 10 s. Less than 1 s counts as 1 s:
    /// what is due for less is not reported ([`Snapshot::overdue_for`]).
    pub stalled_after: Duration,
}

impl Default for HealthRules {
    fn default() -> Self {
        Self {
            down_after: Duration::from_secs(60),
            unconfirmed_after: Duration::from_secs(30),
            lagging_within: Duration::from_secs(60),
            paused_after: Duration::from_secs(10),
            stalled_after: Duration::from_secs(10),
        }
    }
}

impl HealthRules {
    /// Sets how long a client may be without a connection before it is down.
    #[must_use]
    pub fn down_after(mut self, time: Duration) -> Self {
        self.down_after = time;
        self
    }

    /// Sets how long a channel may be unconfirmed before the client is degraded.
    #[must_use]
    pub fn unconfirmed_after(mut self, time: Duration) -> Self {
        self.unconfirmed_after = time;
        self
    }

    /// Sets how long after a receiver has lost events the client is degraded.
    #[must_use]
    pub fn lagging_within(mut self, time: Duration) -> Self {
        self.lagging_within = time;
        self
    }

    /// Sets how long a full receiver may hold up reading before the client is degraded.
    #[must_use]
    pub fn paused_after(mut self, time: Duration) -> Self {
        self.paused_after = time;
        self
    }

    /// Sets how long something may be due before the client is down. Less than 1 s counts as 1 s:
    /// what is due for less is not reported ([`Snapshot::overdue_for`]).
    #[must_use]
    pub fn stalled_after(mut self, time: Duration) -> Self {
        self.stalled_after = time;
        self
    }
}

impl Health {
    /// Returns whether there is nothing to say against it.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.state == HealthState::Healthy
    }

    /// Returns whether it does not work: what a page for a load balancer answers with status 503.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.state == HealthState::Down
    }
}

impl Snapshot {
    /// Returns how the client was at that moment, by these rules.
    #[must_use]
    pub fn health(&self, rules: &HealthRules) -> Health {
        let mut reasons = Vec::new();
        reasons.extend(self.why_down(rules));
        let state = if reasons.is_empty() { HealthState::Degraded } else { HealthState::Down };
        reasons.extend(self.why_degraded(rules));
        let state = if reasons.is_empty() { HealthState::Healthy } else { state };
        Health { state, reasons }
    }

    fn why_down(&self, rules: &HealthRules) -> Option<HealthReason> {
        let loss = self.last_loss.clone();
        Some(match (self.ending, self.state) {
            (Some(Ending::Ended), _) => HealthReason::Ended,
            (_, ConnectionState::Refused) => HealthReason::Refused { loss },
            (Some(Ending::ShutDown), _) => HealthReason::ShutDown,
            (_, ConnectionState::Disconnected) => HealthReason::Disconnected,
            _ => match (self.away_for, self.overdue_for) {
                (_, Some(overdue_for)) if overdue_for >= rules.stalled_after => {
                    HealthReason::Stalled { overdue_for }
                }
                (Some(away_for), _) if away_for >= rules.down_after => {
                    HealthReason::Away { away_for, loss }
                }
                _ => return None,
            },
        })
    }

    fn why_degraded(&self, rules: &HealthRules) -> impl Iterator<Item = HealthReason> {
        let Self { channels, queues, .. } = self;
        let reconnecting = self
            .away_for
            .filter(|time| *time < rules.down_after)
            .map(|away_for| HealthReason::Reconnecting { away_for, loss: self.last_loss.clone() });
        let draining = (self.ending == Some(Ending::Draining)).then_some(HealthReason::Draining);
        let failed = channels.failure.clone().map(|one| HealthReason::ChannelsFailed {
            channels: channels.failed,
            channel: one.channel,
            reason: one.reason,
        });
        let unauthorized =
            channels.unauthorized_failure.clone().map(|one| HealthReason::AuthorizationsFailing {
                channels: channels.unauthorized,
                channel: one.channel,
                reason: one.reason,
            });
        let longest = channels.longest_unconfirmed.clone();
        let unconfirmed = longest.filter(|one| one.unconfirmed_for >= rules.unconfirmed_after);
        let unconfirmed = unconfirmed.map(|one| HealthReason::ChannelsUnconfirmed {
            channels: channels.unconfirmed,
            channel: one.channel,
            unconfirmed_for: one.unconfirmed_for,
        });
        let not_signed_in =
            self.sign_in_failure.clone().map(|reason| HealthReason::SignInFailed { reason });
        let last_dropped = queues.last_dropped.filter(|ago| *ago < rules.lagging_within);
        let lagging = last_dropped.map(|last_dropped| HealthReason::ReceiversLagging {
            last_dropped,
            dropped: queues.dropped,
            channel: queues.last_lagging.clone(),
        });
        let paused_for = queues.paused_for.filter(|time| *time >= rules.paused_after);
        let paused = paused_for.map(|paused_for| HealthReason::ReadingPaused { paused_for });
        [reconnecting, draining, failed, unauthorized, unconfirmed, not_signed_in, lagging, paused]
            .into_iter()
            .flatten()
    }
}

impl HealthReason {
    /// Returns the kind of the reason, without what it is about: a label for metrics and alerts.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::ShutDown => "shut_down",
            Self::Ended => "ended",
            Self::Refused { .. } => "refused",
            Self::Away { .. } => "away",
            Self::Stalled { .. } => "stalled",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Draining => "draining",
            Self::ChannelsFailed { .. } => "channels_failed",
            Self::ChannelsUnconfirmed { .. } => "channels_unconfirmed",
            Self::AuthorizationsFailing { .. } => "authorizations_failing",
            Self::SignInFailed { .. } => "sign_in_failed",
            Self::ReceiversLagging { .. } => "receivers_lagging",
            Self::ReadingPaused { .. } => "reading_paused",
        }
    }
}

impl HealthState {
    /// Returns the state as a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}
