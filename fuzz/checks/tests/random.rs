//! Random bytes through every target: a little fuzzing in each run of the tests, always the same.

use std::panic::{self, AssertUnwindSafe};

use pushest_fuzz::TARGETS;

#[test]
fn random_bytes_break_nothing() {
    for (target, check) in TARGETS {
        let mut random = fastrand::Rng::with_seed(7);
        for number in 0..3_000 {
            let length = random.usize(0..400);
            let input: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            if let Err(finding) = panic::catch_unwind(AssertUnwindSafe(|| check(&input))) {
                eprintln!("{target}, input {number}: {input:?}");
                panic::resume_unwind(finding);
            }
        }
    }
}
