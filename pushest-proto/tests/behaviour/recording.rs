//! What a session records, and that it replays to the same.

use std::sync::{Arc, Mutex};

use crate::harness::SECRET;
use pushest_proto::trace::Replay;
use pushest_proto::{Config, Instant, Session};

/// Keys that tests use; none of them may be in a recording.
const KEYS: [&str; 3] = [
    SECRET,
    "iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
];

/// The recording of a session. Dropped at the end of a test, it replays, and has no key in it.
pub(crate) struct Recording(Arc<Mutex<String>>);

impl Recording {
    pub(crate) fn of(config: Config, seed: u64, now: Instant) -> (Session, Self) {
        let text = Arc::new(Mutex::new(String::new()));
        let writer = text.clone();
        let sink = move |line: &str| {
            let mut text = writer.lock().unwrap();
            text.push_str(line);
            text.push('\n');
        };
        (Session::recorded(config, seed, now, sink), Self(text))
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let text = self.text();
        for key in KEYS {
            assert!(!text.contains(key), "{key} is in the recording:\n{text}");
        }
        if let Err(difference) = Replay::new(&text).unwrap().finish() {
            panic!("{difference}; the recording:\n{text}");
        }
    }
}
