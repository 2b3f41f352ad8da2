//! Since when events of a channel may be missing ([`Event::Gap`]).

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use super::name::ChannelName;
use crate::context::Context;
use crate::event::Event;
use crate::loss::{self, Loss};
use crate::memory::allocation;
use crate::wall_clock::Moment;

/// The gap of one channel, and what decides whether the next loss leaves one.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// When the server was first told on this connection that the channel is wanted: nothing that
    /// this connection may lose was sent before.
    told_since: Option<Moment>,
    /// The gap that is not reported yet: since when events may be missing, and why.
    gap: Option<(Moment, Arc<Loss>)>,
    /// Something of the channel was told since it was wanted, or since the last gap: a loss leaves
    /// a gap.
    was_told_of: bool,
    /// Number of subscribes on this connection that the server has not answered.
    unanswered: u32,
    /// Few channels ever have one: it takes no room in the others.
    renewal: Option<Box<Renewal>>,
}

/// The subscription ends, and a new one with other member data takes its place on the same
/// connection. What the server sends to the channel between the two does not come.
#[derive(Debug)]
enum Renewal {
    /// The unsubscribe was not polled.
    Due,
    /// The unsubscribe was polled at this moment, or a former one that left a gap was.
    Begun(Moment),
    /// A subscribe was confirmed at this moment while more than one was unanswered. Servers answer
    /// in order, so that it may be a former one: then events go on missing until the next answer.
    Confirmed(Moment),
}

impl Renewal {
    /// Returns since when events may be missing.
    fn began(&self) -> Option<Moment> {
        match self {
            Self::Due => None,
            Self::Begun(at) | Self::Confirmed(at) => Some(*at),
        }
    }
}

impl Gaps {
    /// Begins a subscription with other member data, while the server knows of the former one.
    pub(super) fn renew(&mut self) {
        self.renewal.get_or_insert_with(|| Box::new(Renewal::Due));
    }

    pub(super) fn is_renewed(&self) -> bool {
        self.renewal.is_some()
    }

    /// Returns whether there is none to be told, and it is known that the next loss leaves one.
    pub(super) fn is_told(&self) -> bool {
        self.was_told_of && self.gap.is_none() && self.renewal.is_none()
    }

    /// Notes that an unsubscribe was polled although the channel is wanted.
    pub(super) fn unsubscribed(&mut self, now: Moment) {
        if let Some(renewal) = self.renewal.as_deref_mut() {
            *renewal = Renewal::Begun(renewal.began().unwrap_or(now));
        }
    }

    /// Notes that a subscribe was polled.
    pub(super) fn subscribing(&mut self, now: Moment) {
        // A subscription that is made anew with other data is the same one to the user.
        self.told_since.get_or_insert(now);
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Notes that the server answered a subscribe.
    pub(super) fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Returns whether the next answer is one to a subscribe of the present subscription.
    pub(super) fn is_answer_ours(&self) -> bool {
        self.renewal.is_none() || self.unanswered <= 1
    }

    /// Notes a confirmation. Returns whether it may be the first confirmation of the subscription
    /// with other member data.
    pub(super) fn confirmed(&mut self, now: Moment) -> bool {
        self.answered();
        let Some(began) = self.renewal.take().and_then(|renewal| renewal.began()) else {
            return false;
        };
        if self.unanswered > 0 {
            self.renewal = Some(Box::new(Renewal::Confirmed(now)));
        }
        if self.was_told_of {
            self.gap.get_or_insert_with(|| (began, Arc::new(Loss::Resubscribed)));
        }
        true
    }

    /// Opens a gap: the connection is gone, and with it what was sent after `since`.
    pub(super) fn lost(&mut self, since: Moment, loss: &Arc<Loss>) {
        self.unanswered = 0;
        let told_since = self.told_since.take();
        let renewed = self.renewal.take().and_then(|renewal| renewal.began());
        if !core::mem::take(&mut self.was_told_of) || self.gap.is_some() {
            return;
        }
        let began = told_since.map_or(since, |asked| asked.max(since));
        let renewed = renewed.unwrap_or(began);
        let cause =
            if began.is_after(renewed) { Arc::new(Loss::Resubscribed) } else { loss.clone() };
        self.gap = Some((began.min_of_each(renewed), cause));
    }

    /// Forgets everything, as the user no longer wants the channel.
    pub(super) fn forget(&mut self) {
        *self = Self { unanswered: self.unanswered, ..Self::default() };
    }

    /// Returns what a gap that was not told keeps alive, in bytes.
    pub(super) fn memory(&self) -> usize {
        let share = |cause| loss::loss(cause) - loss::others_share(cause);
        let renewal = self.renewal.as_ref().map_or(0, |_| allocation(size_of::<Renewal>()));
        renewal + self.gap.as_ref().map_or(0, |(_, cause)| share(cause))
    }

    /// Reports the gap, if there is one, before something else of the channel is reported. While
    /// the subscription is made anew it is not over, and waits for the confirmation. Returns its
    /// length, if it was reported.
    pub(super) fn tell(
        &mut self,
        channel: &ChannelName,
        context: &mut Context<'_>,
    ) -> Option<Duration> {
        self.was_told_of = true;
        if matches!(self.renewal.as_deref(), Some(Renewal::Begun(_))) {
            return None;
        }
        self.end(channel, context)
    }

    /// Reports the gap, if there is one, and closes it: what comes from now on is not missing. Returns
    /// its length.
    pub(super) fn end(
        &mut self,
        channel: &ChannelName,
        context: &mut Context<'_>,
    ) -> Option<Duration> {
        self.was_told_of = true;
        let (began, cause) = self.gap.take()?;
        let silent_for = context.moment().since(began);
        let since = context.wall_clock.unix_of(began, context.now);
        let channel = channel.clone();
        context.statistics.count_gap(silent_for);
        context.pending.keep(Event::Gap { channel, silent_for, since, cause });
        Some(silent_for)
    }
}

#[cfg(test)]
impl Gaps {
    /// A gap that was not told.
    pub(super) fn since(began: Moment, cause: Arc<Loss>) -> Self {
        Self { gap: Some((began, cause)), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{shared, text};
    use crate::time::Instant;
    use crate::wall_clock::WallClock;

    #[test]
    fn a_gap_is_counted_with_its_part_of_the_loss_that_caused_it() {
        assert_eq!(Gaps::default().memory(), 0);
        let began = WallClock::default().moment(Instant::ORIGIN);
        let cause = Arc::new(Loss::reset("gone"));
        let bytes = shared(size_of::<Loss>()) + text("gone");
        let one = Gaps::since(began, cause);
        assert_eq!(one.memory(), bytes);
        let cause = one.gap.as_ref().map(|(_, cause)| cause.clone()).expect("it was just made");
        let another = Gaps::since(began, cause);
        assert_eq!([one.memory(), another.memory()], [bytes / 2; 2]);
    }
}
