//! Publishes numbered events through the nodes in turn, with the HTTP API of `pushest_blocking`.
//!
//! The number stands in the event's name, too, so that whoever sees an encrypted event knows which it is.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pushest_blocking::api::Publish;
use pushest_blocking::{Api, ApiOptions, Config, ConfigError};

use crate::app;
use crate::channels::ChannelSpec;
use crate::log::Log;

/// How many channels one thread publishes on.
const BATCH: usize = 5;
/// A call to a node that does not answer is given up then. The event may still be published, later.
const LIMIT: Duration = Duration::from_secs(2);

/// Publishes from its start until it is dropped, except while it is paused.
#[derive(Debug)]
pub(super) struct Publisher {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    ends: AtomicBool,
    is_paused: Mutex<bool>,
    resumed: Condvar,
    /// How many threads are within a call.
    calling: AtomicUsize,
}

impl Publisher {
    /// Publishes an event to each channel each `interval`. The events of a channel go out one after the
    /// other, each through another node than the one before.
    pub(super) fn start(
        nodes: &[SocketAddr],
        channels: &[ChannelSpec],
        log: &Arc<Log>,
        interval: Duration,
    ) -> Result<Self, ConfigError> {
        let shared = Arc::new(Shared {
            ends: AtomicBool::new(false),
            is_paused: Mutex::new(false),
            resumed: Condvar::new(),
            calling: AtomicUsize::new(0),
        });
        let all: Vec<(usize, ChannelSpec)> = channels.iter().cloned().enumerate().collect();
        let mut threads = Vec::new();
        for (first, channels) in all.chunks(BATCH).enumerate() {
            let apis: Vec<Api> = nodes.iter().map(api).collect::<Result<_, _>>()?;
            let (channels, log, shared) = (channels.to_vec(), log.clone(), shared.clone());
            threads.push(thread::spawn(move || {
                for api in apis.iter().cycle().skip(first) {
                    if !shared.begin() {
                        return;
                    }
                    let begun = Instant::now();
                    publish(api, &channels, &log);
                    shared.calling.fetch_sub(1, Ordering::SeqCst);
                    thread::sleep(interval.saturating_sub(begun.elapsed()));
                }
            }));
        }
        Ok(Self { shared, threads })
    }

    /// Publishes nothing until [`Publisher::resume`]. Returns once every call has ended.
    pub(super) fn pause(&self) {
        *self.shared.paused() = true;
        while self.shared.calling.load(Ordering::SeqCst) > 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(super) fn resume(&self) {
        *self.shared.paused() = false;
        self.shared.resumed.notify_all();
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        self.resume();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn paused(&self) -> MutexGuard<'_, bool> {
        self.is_paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while it is paused, and counts a call as begun. Returns whether there is to be one.
    fn begin(&self) -> bool {
        let mut is_paused = self.paused();
        while *is_paused && !self.ends.load(Ordering::SeqCst) {
            is_paused = self.resumed.wait(is_paused).unwrap_or_else(PoisonError::into_inner);
        }
        self.calling.fetch_add(1, Ordering::SeqCst);
        let goes_on = !self.ends.load(Ordering::SeqCst);
        if !goes_on {
            self.calling.fetch_sub(1, Ordering::SeqCst);
        }
        goes_on
    }
}

/// Returns the number in the name of an event that was published here.
pub(super) fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("number-")?.parse().ok()
}

fn api(node: &SocketAddr) -> Result<Api, ConfigError> {
    let config = Config::builder(app::KEY).app_id(app::ID).secret(app::SECRET);
    let config = config.master_key(app::MASTER_KEY).host(&node.ip().to_string()).port(node.port());
    // What a node did not take is not taken to be published, and the next goes to another.
    Api::with_options(&config.build()?, ApiOptions::default().timeout(LIMIT).attempts(1))
}

/// Publishes one event to each of these channels, by one call.
fn publish(api: &Api, channels: &[(usize, ChannelSpec)], log: &Log) {
    let numbers: Vec<u64> = channels.iter().map(|(channel, _)| log.begin(*channel)).collect();
    let events = channels.iter().zip(&numbers).map(|((_, channel), number)| {
        Publish::new(channel.name.as_str(), format!("number-{number}"), number.to_string())
    });
    let answered = api.publish_batch(events).is_ok();
    for ((channel, _), number) in channels.iter().zip(&numbers) {
        log.end(*channel, *number, answered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_stands_in_the_name() {
        assert_eq!(number_of("number-17"), Some(17));
        assert_eq!(number_of("number-"), None);
        assert_eq!(number_of("client-number-17"), None);
    }
}
