//! A recording, and its replay.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use pushest_proto::trace::Replay;
use pushest_proto::{Config, Instant, Session, SubscribeOptions};

use crate::{Driver, KEY, Mismatch, SECRET, SUBSCRIBE, SUBSCRIBED, ensure, println};

/// More than the recording needs.
const TAPE_BYTES: usize = 16 * 1024;

pub(crate) fn prove() -> Result<(), Mismatch> {
    let config = Config::builder(KEY).secret(SECRET).host("127.0.0.1").build();
    let config = config.map_err(Mismatch::boxed)?;
    let tape = Arc::new(Tape::new());
    let recorder = tape.clone();
    let session = Session::recorded(config, 1, Instant::ORIGIN, move |line| recorder.write(line));
    let mut driver = Driver::new(session);
    let connection = driver.dial()?;
    driver.open(connection)?;
    let options = SubscribeOptions::default();
    let wanted = driver.session.subscribe("private-foobar", &options, driver.now);
    wanted.map_err(Mismatch::boxed)?;
    driver.expect_frames("the signed subscribe", &[SUBSCRIBE])?;
    driver.receive(connection, SUBSCRIBED);

    let recording = tape.text()?;
    ensure(!recording.contains(SECRET), "a recording without the secret")?;
    Replay::new(&recording).map_err(Mismatch::boxed)?.finish().map_err(Mismatch::boxed)?;
    let changed = recording.replacen("private-foobar", "private-foobaz", 1);
    let replayed = Replay::new(&changed).map_err(Mismatch::boxed)?.finish();
    ensure(replayed.is_err(), "the difference of a recording that was changed")?;
    println!("recorded a session and replayed it");
    Ok(())
}

/// Where the lines go: there is no file, and no lock either.
struct Tape {
    bytes: Vec<AtomicU8>,
    length: AtomicUsize,
}

impl Tape {
    fn new() -> Self {
        let bytes = (0..TAPE_BYTES).map(|_| AtomicU8::new(0)).collect();
        Self { bytes, length: AtomicUsize::new(0) }
    }

    /// What finds no room is counted, too, so that it is noticed.
    fn write(&self, line: &str) {
        for byte in line.bytes().chain([b'\n']) {
            let place = self.length.fetch_add(1, Ordering::Relaxed);
            if let Some(cell) = self.bytes.get(place) {
                cell.store(byte, Ordering::Relaxed);
            }
        }
    }

    fn text(&self) -> Result<String, Mismatch> {
        let length = self.length.load(Ordering::Relaxed);
        ensure(length <= TAPE_BYTES, "room for the recording")?;
        let bytes = self.bytes[..length].iter().map(|cell| cell.load(Ordering::Relaxed));
        String::from_utf8(bytes.collect()).map_err(Mismatch::boxed)
    }
}
