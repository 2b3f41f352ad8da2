//! What a client is doing, gathered in one look under the lock.

use std::time::Duration;

use pushest_proto::{
    ChannelState, ConnectionState, Instant, RequestFailure, SignInState, Statistics,
};

use super::{Hub, State};
use crate::snapshot::{
    ChannelCounts, ChannelFailure, ChannelSnapshot, Ending, QueueDepths, Snapshot,
    UnconfirmedChannel,
};

/// What is due for less time is on its way.
const OVERDUE: Duration = Duration::from_secs(1);

impl Hub {
    /// Counters since the client began; what was dropped includes what receivers were too slow for.
    pub(crate) fn statistics(&self) -> Statistics {
        self.statistics_of(&self.lock())
    }

    fn statistics_of(&self, state: &State) -> Statistics {
        let mut statistics = state.session.statistics();
        statistics.dropped += self.congestion.dropped();
        statistics
    }

    /// What the client is doing now; each channel by itself, if that `is_by_channel` and they are
    /// counted.
    pub(crate) fn snapshot(&self, is_by_channel: bool) -> Snapshot {
        let state = self.lock();
        let now = self.now();
        let age = |at| now.saturating_duration_since(at);
        let session = &state.session;
        let status = session.status(now);
        Snapshot {
            client: self.name.to_string(),
            state: status.state,
            state_for: age(session.state_since()),
            away_for: session.away_since().map(age),
            endpoint: status.endpoint,
            socket_id: status.socket_id,
            attempt: status.attempt,
            last_loss: status.last_loss,
            next_retry: status.next_retry,
            ending: state.ending(),
            // While actions wait this is the time of what caused them.
            overdue_for: session.poll_timeout().map(age).filter(|time| *time >= OVERDUE),
            sign_in_failure: match session.sign_in_state() {
                SignInState::Failed { reason } => Some(reason.clone()),
                _ => None,
            },
            channels: state.channels_at(now),
            statistics: self.statistics_of(&state),
            traffic: state.watch.traffic,
            queues: self.queues(&state, now),
            by_channel: if is_by_channel { state.by_channel(now) } else { Vec::new() },
        }
    }

    fn queues(&self, state: &State, now: Instant) -> QueueDepths {
        let age = |at| now.saturating_duration_since(at);
        QueueDepths {
            dropped: self.congestion.dropped(),
            last_dropped: state.watch.dropped_at.map(age),
            last_lagging: state.lagging(),
            paused_for: state.watch.paused_since.map(age),
            ..state.receivers.depths()
        }
    }
}

impl State {
    fn ending(&self) -> Option<Ending> {
        if self.is_ending() {
            Some(Ending::Ended)
        } else if self.is_over {
            Some(Ending::ShutDown)
        } else {
            self.draining.as_ref().map(|_| Ending::Draining)
        }
    }

    fn channels_at(&self, now: Instant) -> ChannelCounts {
        let session = &self.session;
        let connected = session.state() == ConnectionState::Connected;
        let connected_since = connected.then(|| session.state_since());
        let mut all = ChannelCounts::default();
        for channel in session.wanted_channels() {
            all.wanted += 1;
            let state = channel.state();
            *match state {
                ChannelState::Authorizing => &mut all.authorizing,
                ChannelState::Subscribing => &mut all.subscribing,
                ChannelState::Subscribed => &mut all.subscribed,
                ChannelState::Failed => &mut all.failed,
                // A state that is not known here is none in which events come.
                _ => &mut all.waiting,
            } += 1;
            let failed = |reason: &RequestFailure| ChannelFailure {
                channel: channel.name().clone(),
                reason: reason.clone(),
            };
            match (state, channel.failure()) {
                (ChannelState::Subscribed, _) => {}
                (ChannelState::Failed, reason) => {
                    all.failure = all.failure.or_else(|| reason.map(failed));
                }
                (_, Some(reason @ RequestFailure::AuthorizationUnavailable(_))) => {
                    all.unauthorized += 1;
                    all.unauthorized_failure.get_or_insert_with(|| failed(reason));
                }
                _ => {
                    let Some(connected) = connected_since else { continue };
                    all.unconfirmed += 1;
                    let since = channel.state_since().max(connected);
                    let unconfirmed_for = now.saturating_duration_since(since);
                    let longest = all.longest_unconfirmed.as_ref().map(|it| it.unconfirmed_for);
                    if longest.is_none_or(|longest| longest < unconfirmed_for) {
                        let channel = channel.name().clone();
                        let one = UnconfirmedChannel { channel, unconfirmed_for };
                        all.longest_unconfirmed = Some(one);
                    }
                }
            }
        }
        all
    }

    fn by_channel(&self, now: Instant) -> Vec<ChannelSnapshot> {
        let counted = self.session.wanted_channels().filter_map(|channel| {
            let statistics = channel.statistics(now)?;
            let state_for: Duration = now.saturating_duration_since(channel.state_since());
            let (channel, state) = (channel.name().clone(), channel.state());
            Some(ChannelSnapshot { channel, state, state_for, statistics })
        });
        counted.collect()
    }
}
