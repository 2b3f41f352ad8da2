//! Publishes numbered events over the HTTP API, and takes down how each call ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::app;
use crate::channels::{ChannelSpec, Kind};
use crate::http;
use crate::log::Log;

/// Maximum number of events in one call ([protocol, HTTP API](pushest_proto::protocol#http-api)).
const BATCH: usize = 10;

/// Publishes from its start until it is dropped.
#[derive(Debug)]
pub(crate) struct Publisher {
    goes_on: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Publisher {
    /// Publishes an event to each channel each `interval`. A channel's events go out one
    /// after the other, so that their order is that of their numbers.
    pub(crate) fn start(
        server: SocketAddr,
        channels: &[ChannelSpec],
        log: &Arc<Log>,
        interval: Duration,
    ) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let all: Vec<(usize, ChannelSpec)> = channels.iter().cloned().enumerate().collect();
        let threads = all.chunks(BATCH).map(|channels| {
            let (channels, log, goes_on) = (channels.to_vec(), log.clone(), goes_on.clone());
            thread::spawn(move || {
                while goes_on.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    publish(server, &channels, &log);
                    thread::sleep(interval.saturating_sub(begun.elapsed()));
                }
            })
        });
        Self { threads: threads.collect(), goes_on }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Publishes one event to each of these channels.
fn publish(server: SocketAddr, channels: &[(usize, ChannelSpec)], log: &Log) {
    let mut numbers = Vec::new();
    let mut batch = Vec::new();
    for (index, channel) in channels {
        let number = log.begin(*index);
        numbers.push((*index, number));
        let mut data = number.to_string();
        if channel.kind == Kind::Encrypted {
            data = encrypted(&channel.name, &data);
        }
        batch.push(json!({ "name": "number", "channel": channel.name, "data": data }));
    }
    let body = json!({ "batch": batch }).to_string();
    let answered = http::post(server, "batch_events", &body).is_ok();
    for (index, number) in numbers {
        log.end(index, number, answered);
    }
}

/// Returns an encrypted channel's data ([protocol, encrypted
/// channels](pushest_proto::protocol#encrypted-channels)).
fn encrypted(channel: &str, data: &str) -> String {
    let key: [u8; 32] =
        Sha256::new().chain_update(channel).chain_update(app::MASTER_KEY).finalize().into();
    let nonce: [u8; 24] = std::array::from_fn(|_| fastrand::u8(..));
    let ciphertext = XSalsa20Poly1305::new((&key).into())
        .encrypt((&nonce).into(), data.as_bytes())
        .expect("the data is short");
    json!({ "nonce": BASE64.encode(nonce), "ciphertext": BASE64.encode(ciphertext) }).to_string()
}
