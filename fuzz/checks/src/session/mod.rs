//! Target `session`: any inputs and commands, in any order, keep the contract of the core's
//! documentation (C1–C11). C1 is that nothing here panics, with overflow checks on; the others are
//! asserted after every step.

mod driver;
mod meter;
mod settling;
mod words;

use crate::plan::{NUMBERED, Plan, SENTINEL};
use driver::Driver;
use meter::Meter;

pub use meter::Live;

/// Checks one input.
///
/// # Panics
/// If a line of the contract is broken; the message begins with its number.
pub fn check(bytes: &[u8]) {
    let Some(plan) = plan(bytes) else { return };
    let mut first = Driver::new(plan.setting);
    for step in &plan.steps {
        first.step(step);
    }
    repeats(&plan, &first);
    first.settle();
}

/// Checks one input, and the session's memory by what the allocator counts: `live` says how many
/// bytes the program has allocated and not freed. Nothing else may allocate meanwhile.
///
/// # Panics
/// As [`check`].
pub fn check_measured(bytes: &[u8], live: Live) {
    let Some(plan) = plan(bytes) else { return };
    let (meter, mut first) = Meter::new(live, plan.setting);
    for step in &plan.steps {
        first.step(step);
        meter.check(&first, "after a step");
    }
    repeats(&plan, &first);
    meter.flood(&mut first, &plan);
    first.settle();
    meter.check(&first, "settled");
}

fn plan(bytes: &[u8]) -> Option<Plan> {
    Some(Plan::read(bytes)).filter(|plan| !plan.quotes(&[SENTINEL, NUMBERED]))
}

/// C6 and C7: the same inputs without the refused commands lead to the same actions, and to the
/// same state.
fn repeats(plan: &Plan, first: &Driver) {
    let mut second = Driver::new(plan.setting);
    for (index, step) in plan.steps.iter().enumerate() {
        if first.refused.contains(&index) {
            second.skip(step);
        } else {
            second.step(step);
        }
        let told = second.digests.len();
        assert_eq!(
            first.digests.get(..told),
            Some(&*second.digests),
            "C6, C7: at step {index}, {:?}, other actions than the first time; the last: {}",
            step.input,
            second.last_action,
        );
    }
    assert_eq!(first.digests.len(), second.digests.len(), "C6, C7: fewer actions");
    assert_eq!(first.described(), second.described(), "C6, C7: another state");
}
