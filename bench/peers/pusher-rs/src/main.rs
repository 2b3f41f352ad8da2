//! Receives a flood with the crate `pusher-rs`, and prints the books as `bench receive` does:
//!
//! ```sh
//! pusher-rs one|many ADDRESS CHANNEL EVENT BEGIN END
//! ```
//!
//! with one thread or many.
#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use pusher_rs::{PusherClient, PusherConfig};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// The number of events after which the numbers begin anew.
const FRAMES: u64 = 256;

struct Tally {
    marks: (u64, u64),
    events: u64,
    out_of_order: u64,
    started: Option<(Instant, Duration)>,
    done: Option<oneshot::Sender<serde_json::Value>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [threads, address, channel, event, begin, end] = arguments.as_slice() else {
        return Err("pusher-rs one|many ADDRESS CHANNEL EVENT BEGIN END".into());
    };
    let marks = (begin.parse()?, end.parse()?);
    let mut builder = match threads.as_str() {
        "one" => Builder::new_current_thread(),
        "many" => Builder::new_multi_thread(),
        other => return Err(format!("threads can be one or many, not {other}").into()),
    };
    let runtime = builder.enable_all().build()?;
    println!("{}", runtime.block_on(receive(address, channel, event, marks))?);
    Ok(())
}

async fn receive(
    address: &str,
    channel: &str,
    event: &str,
    marks: (u64, u64),
) -> Result<serde_json::Value, Box<dyn Error>> {
    let mut client = PusherClient::new(PusherConfig {
        app_key: "app-key".into(),
        app_secret: "app-secret".into(),
        host: Some(address.to_owned()),
        use_tls: false,
        ..PusherConfig::default()
    })?;
    let (done, books) = oneshot::channel();
    let tally =
        Mutex::new(Tally { marks, events: 0, out_of_order: 0, started: None, done: Some(done) });
    client
        .bind(event, move |event| {
            let mut tally = tally.lock().expect("nothing panics under the lock");
            tally.count(event.data["n"].as_u64());
        })
        .await?;
    client.connect().await?;
    client.subscribe(channel).await?;
    let books = tokio::time::timeout(Duration::from_secs(110), books).await??;
    client.disconnect().await?;
    Ok(books)
}

impl Tally {
    fn count(&mut self, number: Option<u64>) {
        self.out_of_order += u64::from(number != Some(self.events % FRAMES));
        self.events += 1;
        if self.events == self.marks.0 {
            self.started = Some((Instant::now(), processor_time()));
        } else if self.events == self.marks.1
            && let (Some((wall, cpu)), Some(done)) = (self.started, self.done.take())
        {
            let books = serde_json::json!({
                "events": self.events,
                "out_of_order": self.out_of_order,
                "wall_ns": wall.elapsed().as_nanos() as u64,
                "cpu_ns": (processor_time() - cpu).as_nanos() as u64,
                "peak_kib": peak_kib(),
            });
            // The receiver may have given up.
            let _ = done.send(books);
        }
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("the clock does not go below zero")
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}
