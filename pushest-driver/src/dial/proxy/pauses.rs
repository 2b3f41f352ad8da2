//! Pauses that proxies ask for: with `Retry-After`, as servers do. The session knows of servers' alone, so
//! that a dial within the pause fails here, before anything is sent.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pushest_proto::Instant;

use super::proxies::Proxies;
use super::url::Proxy;

/// The pauses of one client's proxies, of which there are two at most. A client without a proxy has no place
/// for them.
#[derive(Debug)]
pub(crate) struct Pauses(Option<Box<Mutex<Until>>>);

type Until = Vec<(Proxy, Instant)>;

impl Pauses {
    pub(crate) fn of(proxies: &Proxies) -> Self {
        Self((!matches!(proxies, Proxies::None)).then(Box::default))
    }

    /// Notes that a proxy is to be left alone until then.
    pub(super) fn begin(&self, proxy: &Proxy, until: Instant) {
        let Some(mut all) = self.lock() else { return };
        all.retain(|(other, _)| other != proxy);
        all.push((proxy.clone(), until));
    }

    /// Returns how long a proxy is to be left alone.
    pub(crate) fn left(&self, proxy: &Proxy, now: Instant) -> Option<Duration> {
        let mut all = self.lock()?;
        all.retain(|(_, until)| *until > now);
        let (_, until) = all.iter().find(|(other, _)| other == proxy)?;
        Some(until.saturating_duration_since(now))
    }

    fn lock(&self) -> Option<MutexGuard<'_, Until>> {
        // What is behind it is whole at all times.
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns what is said of a proxy that is left alone.
pub(crate) fn told(left: Duration) -> String {
    let seconds = left.as_secs_f64().ceil();
    format!("it has asked to be left alone, for {seconds} s more")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_proxy_is_left_alone_for_as_long_as_it_asked_and_no_other_is() {
        let at = |seconds| Instant::ORIGIN + Duration::from_secs(seconds);
        let proxy = |url| Proxy::parse(url).expect("a proxy");
        let (one, other) = (proxy("http://a"), proxy("http://b"));
        let pauses = Pauses::of(&Proxies::One(Arc::new(one.clone())));
        assert_eq!(pauses.left(&one, at(0)), None);
        pauses.begin(&one, at(30));
        assert_eq!(pauses.left(&one, at(1)), Some(Duration::from_secs(29)));
        assert_eq!(pauses.left(&other, at(1)), None);
        pauses.begin(&one, at(10));
        assert_eq!(pauses.left(&one, at(9)), Some(Duration::from_secs(1)));
        assert_eq!(pauses.left(&one, at(10)), None);
        assert!(pauses.lock().expect("there are proxies").is_empty());
        assert!(Pauses::of(&Proxies::None).lock().is_none());
        assert_eq!(
            told(Duration::from_millis(1_001)),
            "it has asked to be left alone, for 2 s more"
        );
    }
}
