//! Every committed input, once more: what the fuzzer has found interesting or wrong stays right.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use pushest_fuzz::TARGETS;

#[test]
fn the_committed_inputs_of_every_target_pass() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let mut failed = Vec::new();
    for (target, check) in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(corpus.join(target)).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            inputs += 1;
            if panic::catch_unwind(AssertUnwindSafe(|| check(&input))).is_err() {
                failed.push(path);
            }
        }
        assert!(inputs > 0, "{target} has no corpus");
    }
    assert!(failed.is_empty(), "these inputs fail: {failed:#?}");
}
