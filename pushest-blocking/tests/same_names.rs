//! One program on three crates: what differs is the crate's name, `async`, `.await`, and the line
//! that starts a runtime.

const TOKIO: &str = include_str!("../../pushest-tokio/examples/tour.rs");
const ASYNC_STD: &str = include_str!("../../pushest-async-std/examples/tour.rs");
const BLOCKING: &str = include_str!("../examples/tour.rs");

/// The program without what may differ.
fn common(program: &str) -> Vec<String> {
    let starts_a_runtime = |line: &str| line.starts_with("#[") && line.contains("::main");
    let lines = program.lines().filter(|line| !line.starts_with("use ") && !starts_a_runtime(line));
    lines.map(|line| line.replace("async fn", "fn").replace(".await", "")).collect()
}

#[test]
fn the_tour_is_the_same_program_on_every_runtime() {
    let tokio = common(TOKIO);
    assert!(tokio.len() > 50 && TOKIO.contains(".await") && !BLOCKING.contains(".await"));
    assert_eq!(tokio, common(ASYNC_STD));
    assert_eq!(tokio, common(BLOCKING));
    for program in [TOKIO, ASYNC_STD, BLOCKING] {
        let mut imports = program.lines().filter(|line| line.starts_with("use pushest_"));
        let ours = imports.find(|line| !line.contains("pushest_testkit")).expect("it uses ours");
        for name in ["Client", "Config", "Subscription", "Event", "Handler", "run"] {
            assert!(ours.contains(name), "{name}: {ours}");
        }
    }
}
