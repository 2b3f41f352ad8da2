//! Random bytes through every target: a little fuzzing in each run of the tests, always the same.

use std::panic::{self, AssertUnwindSafe};

use pushest_fuzz::TARGETS;

/// The first byte of an input of the sessions' plans: mostly what leads somewhere, and anything.
const LIKELY: [u8; 27] = [
    0, 0, 3, 3, 3, 25, 25, 25, 26, 26, 26, 27, 28, 28, 29, 6, 9, 14, 14, 14, 20, 21, 15, 30, 10,
    10, 11,
];

#[test]
fn random_bytes_break_nothing() {
    for (target, check) in TARGETS {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let length = random.usize(0..400);
            let input: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            try_out(target, check, &input);
        }
    }
}

/// Walks on which a session connects, subscribes, is answered and loses its connection again and
/// again. Each step has its first byte, and more than it needs: the rest begins another step.
#[test]
fn random_walks_of_sessions_break_nothing() {
    for (target, check) in TARGETS {
        if !["session", "model"].contains(&target) {
            continue;
        }
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..10_000 {
            let mut input = vec![random.u8(..), random.u8(..)];
            for _ in 0..random.usize(0..40) {
                input.push(LIKELY[random.usize(0..LIKELY.len())] | (random.u8(..) & 0xc0));
                if random.bool() {
                    input.push(random.u8(..));
                }
            }
            try_out(target, check, &input);
        }
    }
}

fn try_out(target: &str, check: fn(&[u8]), input: &[u8]) {
    if let Err(finding) = panic::catch_unwind(AssertUnwindSafe(|| check(input))) {
        eprintln!("{target}, input: {input:?}");
        panic::resume_unwind(finding);
    }
}
