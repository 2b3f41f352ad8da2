//! The runs recorded: each client's recording replays to the same actions, byte for byte.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use pushest_proto::trace::Replay;

use crate::run::Run;

/// Fewer than of the runs that are not recorded: a recording takes its time.
const SEEDS: u64 = 300;

type Recording = Arc<Mutex<String>>;

#[test]
fn what_the_clients_of_a_run_recorded_replays_byte_for_byte() {
    let (mut lines, mut kinds) = (0, BTreeSet::new());
    for seed in 0..SEEDS {
        for (client, recording) in recorded(seed).iter().enumerate() {
            let recording = recording.lock().unwrap();
            let replay = Replay::new(&recording).unwrap_or_else(|error| panic!("{error}"));
            lines += replay.lines();
            if let Err(difference) = replay.finish() {
                panic!("seed {seed}, client {client}: {difference}");
            }
            assert!(!recording.contains("app-secret"), "seed {seed}, client {client}");
            kinds.extend(recording.lines().map(kind));
        }
    }
    assert!(lines > 100_000, "{lines}");
    // All but what these links and this server do not do: other WebSocket frames, and encryption.
    let all = "action authorization caught_up close connect disconnect drained message \
               network_change open ping reading retry set_endpoint sign_in signed subscribe \
               timeout trace trigger unsubscribe wall_clock writable";
    assert_eq!(kinds, all.split_whitespace().map(String::from).collect());
}

#[test]
fn the_same_run_records_the_same() {
    let texts = |seed| -> Vec<String> {
        recorded(seed).iter().map(|recording| recording.lock().unwrap().clone()).collect()
    };
    for seed in 0..10 {
        assert_eq!(texts(seed), texts(seed), "seed {seed}");
    }
}

/// What a line is about: `{"KIND":…}`.
fn kind(line: &str) -> String {
    line.split('"').nth(1).unwrap_or(line).to_owned()
}

/// The recordings of the clients of a run.
fn recorded(seed: u64) -> Vec<Recording> {
    let recordings = Mutex::new(Vec::new());
    let run = Run::with_clients(seed, |world, config| {
        let recording = Recording::default();
        recordings.lock().expect("nobody panics").push(recording.clone());
        world.add_recorded_client(config, move |line| {
            let mut recording = recording.lock().expect("nobody panics");
            recording.push_str(line);
            recording.push('\n');
        })
    });
    run.finish();
    recordings.into_inner().expect("nobody panics")
}
