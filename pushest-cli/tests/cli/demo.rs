use std::time::{Duration, Instant};

use crate::support::pushest;

#[test]
fn it_ends_well_and_in_time_and_shows_a_recovery() {
    for runtime in crate::runtime::RUNTIMES {
        ends_well(runtime);
    }
}

fn ends_well(runtime: &str) {
    let begun = Instant::now();
    let ended = pushest(&["demo", "--runtime", runtime]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(15));
    let text = ended.stdout.join("\n");
    let steps = [
        "the backend publishes on orders: ada receives shipped {\"id\":7}",
        "grace receives shipped {\"id\":9}",
        "private",
        "presence",
        "encrypted",
        "cache miss",
        "#server-to-user-ada",
        "loss",
        "recovery",
        "gap",
        "signed in again",
        "every step went well",
    ];
    for step in steps {
        assert!(text.contains(step), "no {step} in {text}");
    }
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn its_steps_are_json_on_demand() {
    let ended = pushest(&["demo", "--json"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for line in &ended.stdout {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["type"], "step");
        assert!(line["step"].is_string() && line["text"].is_string(), "{line}");
        assert!(line["elapsed_ms"].is_u64(), "{line}");
    }
}
