//! Where the system gives no file descriptor or no thread, the program says so and ends.

use std::process::{Command, Stdio};

const RUNTIMES: [&str; 3] = ["tokio", "async-std", "blocking"];

/// What it says on standard error, and its status, behind a line of the shell's.
fn listens_after(line: &str, runtime: &str) -> (Option<i32>, String) {
    let options = "--key k --secret s --host 127.0.0.1 --port 1 --timeout 0.2 --runtime";
    let line = format!("{line}; exec \"$0\" listen news {options} {runtime}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line, env!("CARGO_BIN_EXE_pushest")]).stdin(Stdio::null());
    let output = shell.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn however_few_file_descriptors_there_are_it_says_so_and_ends() {
    let mut kinds = [false; 3];
    // With three the system cannot even load it.
    for limit in 5..24 {
        for runtime in RUNTIMES {
            let (status, said) = listens_after(&format!("ulimit -n {limit}"), runtime);
            assert!(!said.contains("panicked"), "{limit} for {runtime}: {said}");
            if status == Some(127) {
                continue;
            }
            // Once there are enough, nothing listens on the port.
            assert_eq!(status, Some(1), "{limit} for {runtime}: {said}");
            let words = ["oo many open files", "refused"];
            assert!(
                words.iter().any(|words| said.contains(words)),
                "{limit} for {runtime}: {said}"
            );
            let found = ["error: it cannot start: ", "error: no event queue", "Connection refused"];
            for (kind, words) in kinds.iter_mut().zip(found) {
                *kind |= said.contains(words);
            }
        }
    }
    assert_eq!(kinds, [true; 3]);
}

#[test]
fn without_threads_it_says_so_and_ends() {
    for runtime in RUNTIMES {
        // No system has that much room for a thread's stack; for root no other limit holds.
        let (status, said) = listens_after("export RUST_MIN_STACK=90000000000000", runtime);
        let words =
            "error: it cannot start: no thread: Resource temporarily unavailable (os error 11)";
        assert_eq!((status, said.trim_end()), (Some(1), words));
    }
}
