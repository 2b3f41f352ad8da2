//! One program on three crates: what differs is the crate's name, `async`, `.await`, and the line
//! that starts a runtime.

/// The tour of a crate in this repository.
fn tour(of: &str) -> String {
    let path = format!("{}/../{of}/examples/tour.rs", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The program without what may differ.
fn common(program: &str) -> Vec<String> {
    let starts_a_runtime = |line: &str| line.starts_with("#[") && line.contains("::main");
    let lines = program.lines().filter(|line| !line.starts_with("use ") && !starts_a_runtime(line));
    lines.map(|line| line.replace("async fn", "fn").replace(".await", "")).collect()
}

#[test]
fn the_tour_is_the_same_program_on_every_runtime() {
    let programs = ["pushest-tokio", "pushest-async-std", "pushest-blocking"].map(tour);
    let [tokio, async_std, blocking] = &programs;
    assert!(tokio.contains(".await") && !blocking.contains(".await"));
    let (tokio, async_std, blocking) = (common(tokio), common(async_std), common(blocking));
    assert!(tokio.len() > 50);
    assert_eq!(tokio, async_std);
    assert_eq!(tokio, blocking);
    for program in &programs {
        let mut imports = program.lines().filter(|line| line.starts_with("use pushest_"));
        let ours = imports.find(|line| !line.contains("pushest_testkit")).expect("it uses ours");
        for name in ["Client", "Config", "Subscription", "Event", "Handler", "run"] {
            assert!(ours.contains(name), "{name}: {ours}");
        }
    }
}
