//! When the channels of a lost connection are subscribed to again.

use std::time::Duration;

use pushest_proto::{ConnectionState, Event, Instant, Session};

/// How long an estimate of what is still missing holds. The user may unsubscribe meanwhile, and of
/// what is not wanted any more nothing is heard.
const ESTIMATE: Duration = Duration::from_secs(1);

/// Follows the events between a loss and the moment when every channel has its answer again.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// There was a connection before this one.
    has_left: bool,
    /// Boxed, since most of the time there is none.
    running: Option<Box<Running>>,
}

#[derive(Debug)]
struct Running {
    recovered: Recovered,
    /// Channels that were confirmed or have failed since the connection is established.
    answered: usize,
    /// Number of answers before which looking at all channels would be in vain.
    expected: usize,
    /// When the estimate is to be made anew.
    stale_at: Instant,
}

/// The result of a recovery.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recovered {
    /// Number of channels with a gap.
    pub(super) channels: u64,
    /// The longest of these gaps.
    pub(super) gap: Duration,
    /// Number of channels whose subscription failed.
    pub(super) failed: usize,
}

impl Recovery {
    /// Takes note of an event. Of what channels carry nothing is of interest.
    pub(super) fn note(&mut self, event: &Event, now: Instant) {
        if let Event::State(change) = event {
            self.running = None;
            if change.from == ConnectionState::Connected {
                self.has_left = true;
            }
            if change.to == ConnectionState::Connected && self.has_left {
                let recovered = Recovered::default();
                let running = Running { recovered, answered: 0, expected: 0, stale_at: now };
                self.running = Some(Box::new(running));
            }
        }
        let Some(running) = &mut self.running else { return };
        match event {
            Event::Subscribed { .. } | Event::SubscriptionFailed { .. } => running.answered += 1,
            Event::Gap { silent_for, .. } => {
                running.recovered.channels += 1;
                running.recovered.gap = running.recovered.gap.max(*silent_for);
            }
            _ => {}
        }
    }

    /// Returns what became of the channels, once, when each of them has its answer; `None` where
    /// there are none. It looks at all channels after as many answers as there are channels, and
    /// once a second.
    pub(super) fn look(&mut self, session: &Session, now: Instant) -> Option<Recovered> {
        let running = self.running.as_mut()?;
        if running.answered < running.expected && now < running.stale_at {
            return None;
        }
        let channels = || session.wanted_channels();
        let failed = channels().filter(|channel| channel.failure().is_some()).count();
        let settled = channels().filter(|channel| {
            channel.failure().is_some()
                || channel.state() == pushest_proto::ChannelState::Subscribed
        });
        let waiting = channels().count() - settled.count();
        if waiting > 0 {
            running.expected = running.answered + waiting;
            running.stale_at = now + ESTIMATE;
            return None;
        }
        let recovered = Recovered { failed, ..running.recovered };
        self.running = None;
        Some(recovered).filter(|recovered| recovered.channels > 0 || recovered.failed > 0)
    }
}
