//! What a program fetches again after events went missing.

use std::time::SystemTime;

use pushest_proto::{Event, LimitReached};

/// Events may be missing here: what to fetch, so that a program has missed nothing.
///
/// [`Refetch::asked_by`] finds it in an event of a receiver, and
/// [`Received::refetch`](crate::Received::refetch) in an item of typed events. Fetched events may be
/// among those that were received, before or after.
///
/// Exhaustive on purpose: a program that looks at it does one or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refetch {
    /// What was sent since then, by the clock of this machine: at an [`Event::Gap`].
    Since(SystemTime),
    /// Everything, for it is unknown what is missing: at an [`Event::Lagged`], where a limit cost
    /// events, and at a gap whose beginning is unknown.
    Everything,
}

impl Refetch {
    /// Returns what to fetch at this event; `None` if nothing is missing here. An event that was
    /// received and could not be read ([`Event::Malformed`], [`Event::Undecryptable`]) asks for nothing:
    /// what it was is unknown, and there may be many.
    ///
    /// ```
    /// # use pushest_driver::{Event, Refetch, Subscription};
    /// # async fn example(mut orders: Subscription) {
    /// while let Some(event) = orders.recv().await {
    ///     match Refetch::asked_by(&event) {
    ///         Some(Refetch::Since(moment)) => println!("fetch what changed since {moment:?}"),
    ///         Some(Refetch::Everything) => println!("fetch everything"),
    ///         None => println!("{event:?}"),
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn asked_by(event: &Event) -> Option<Self> {
        match event {
            Event::Gap { since, .. } => Some(Self::gap(*since)),
            Event::Lagged { .. } | Event::LimitReached(LimitReached::StoredEvents { .. }) => {
                Some(Self::Everything)
            }
            _ => None,
        }
    }

    /// Returns the moment, for an API that takes one; `None` means everything.
    ///
    /// ```
    /// # use pushest_driver::Refetch;
    /// assert_eq!(Refetch::Everything.since(), None);
    /// ```
    #[must_use]
    pub fn since(self) -> Option<SystemTime> {
        match self {
            Self::Since(moment) => Some(moment),
            Self::Everything => None,
        }
    }

    /// A gap that begins then, since 1970.
    pub(crate) fn gap(since: Option<std::time::Duration>) -> Self {
        let moment = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        moment.map_or(Self::Everything, Self::Since)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use pushest_proto::{ChannelName, Loss};

    use super::*;
    use crate::Received;

    #[test]
    fn typed_items_and_events_ask_for_the_same() {
        let lagged = Received::<()>::Lagged { dropped: 3 }.refetch();
        assert_eq!(lagged, Refetch::asked_by(&Event::Lagged { dropped: 3 }));
        assert_eq!(lagged, Some(Refetch::Everything));
        let (silent_for, since) = (Duration::from_secs(2), Some(Duration::from_secs(7)));
        let cause = Arc::new(Loss::PongTimeout);
        let channel = ChannelName::new("orders").expect("a good name");
        let gap = Event::Gap { channel, silent_for, since, cause: cause.clone() };
        let typed = Received::<()>::Gap { silent_for, since, cause }.refetch();
        assert_eq!(typed, Refetch::asked_by(&gap));
        assert!(matches!(typed, Some(Refetch::Since(_))));
    }

    #[test]
    fn a_gap_whose_beginning_is_no_time_of_this_system_asks_for_everything() {
        assert_eq!(Refetch::gap(None), Refetch::Everything);
        assert_eq!(Refetch::gap(Some(Duration::MAX)), Refetch::Everything);
        let second = Duration::from_secs(1);
        assert_eq!(Refetch::gap(Some(second)).since(), Some(SystemTime::UNIX_EPOCH + second));
    }
}
