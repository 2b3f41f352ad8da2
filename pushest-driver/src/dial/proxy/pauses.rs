//! Pauses that proxies ask for: with `Retry-After`, as servers do. The session knows of servers' alone, so
//! that a dial within the pause fails here, before anything is sent.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pushest_proto::Instant;

use super::url::Proxy;

/// The pauses of one client's proxies, of which there are two at most. Most clients have none, and no place
/// for them.
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<Option<Box<All>>>);

#[derive(Debug, Default)]
struct All(Vec<(Proxy, Instant)>);

impl Pauses {
    /// Notes that a proxy is to be left alone until then.
    pub(super) fn begin(&self, proxy: &Proxy, until: Instant) {
        let mut all = self.lock();
        let All(all) = &mut **all.get_or_insert_default();
        all.retain(|(other, _)| other != proxy);
        all.push((proxy.clone(), until));
    }

    /// Returns how long a proxy is to be left alone.
    pub(crate) fn left(&self, proxy: &Proxy, now: Instant) -> Option<Duration> {
        let mut all = self.lock();
        let All(all) = &mut **all.as_mut()?;
        all.retain(|(_, until)| *until > now);
        let (_, until) = all.iter().find(|(other, _)| other == proxy)?;
        Some(until.saturating_duration_since(now))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<All>>> {
        // What is behind it is whole at all times.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what is said of a proxy that is left alone.
pub(crate) fn told(left: Duration) -> String {
    let seconds = left.as_secs_f64().ceil();
    format!("it has asked to be left alone, for {seconds} s more")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_left_alone_for_as_long_as_it_asked_and_no_other_is() {
        let at = |seconds| Instant::ORIGIN + Duration::from_secs(seconds);
        let proxy = |url| Proxy::parse(url).expect("a proxy");
        let (one, other) = (proxy("http://a"), proxy("http://b"));
        let pauses = Pauses::default();
        assert_eq!(pauses.left(&one, at(0)), None);
        pauses.begin(&one, at(30));
        assert_eq!(pauses.left(&one, at(1)), Some(Duration::from_secs(29)));
        assert_eq!(pauses.left(&other, at(1)), None);
        pauses.begin(&one, at(10));
        assert_eq!(pauses.left(&one, at(9)), Some(Duration::from_secs(1)));
        assert_eq!(pauses.left(&one, at(10)), None);
        assert!(pauses.lock().as_ref().is_some_and(|all| all.0.is_empty()));
        assert_eq!(
            told(Duration::from_millis(1_001)),
            "it has asked to be left alone, for 2 s more"
        );
    }
}
