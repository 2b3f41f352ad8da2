//! Compares counted instructions with the committed ones. Where the compiler, valgrind, libc and
//! what the processor can do are those that the figures were counted with, the counts are the same
//! in every run, and what costs more has become slower.

mod counted;
mod environment;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::environment::Environment;
use crate::Problem;

/// What may be added to a figure, in percent, before the check fails.
const ALLOWED: u128 = 3;

/// The committed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Figures {
    counted_with: Environment,
    instructions: BTreeMap<String, u64>,
}

/// Writes what was counted as the figures to hold from now on.
///
/// # Errors
/// If nothing was counted, or a file cannot be read or written.
pub fn accept(counted: &Path, figures: &Path) -> Result<(), Problem> {
    let instructions = counted::read(counted)?;
    let new = Figures { counted_with: Environment::here()?, instructions };
    if let Ok(old) = std::fs::read(figures) {
        let old: Figures = serde_json::from_slice(&old)?;
        print!("{}", compare(&old, &new).0);
    }
    std::fs::write(figures, serde_json::to_string_pretty(&new)? + "\n")?;
    println!("{} figures written to {}", new.instructions.len(), figures.display());
    Ok(())
}

/// Prints what was counted beside the figures.
///
/// # Errors
/// If something costs more than it may, in the figures' own environment; and anywhere, if something
/// was not counted or has no figure.
pub fn check(counted: &Path, figures: &Path) -> Result<(), Problem> {
    let old: Figures = serde_json::from_slice(&std::fs::read(figures)?)?;
    let new = Figures { counted_with: Environment::here()?, instructions: counted::read(counted)? };
    let (table, problems) = compare(&old, &new);
    print!("{table}");
    if !old.instructions.keys().eq(new.instructions.keys()) {
        return Err("not the same things were counted: accept the figures anew".into());
    }
    let differences = old.counted_with.differences(&new.counted_with);
    if !differences.is_empty() {
        println!("only printed, since here it is different:");
        differences.iter().for_each(|difference| println!("  {difference}"));
        return Ok(());
    }
    if problems.is_empty() {
        println!("{} figures hold", new.instructions.len());
        return Ok(());
    }
    Err(format!("more than {ALLOWED} % over the figure: {}", problems.join(", ")).into())
}

/// Returns a table, and the names of what costs more than it may.
fn compare(old: &Figures, new: &Figures) -> (String, Vec<String>) {
    let mut table = String::new();
    let mut problems = Vec::new();
    for (name, count) in &new.instructions {
        let floor = beside_skip(name, *count, new);
        let Some(figure) = old.instructions.get(name) else {
            table += &format!("{name:44} {count:>12}  (new){floor}\n");
            continue;
        };
        let change = (*count as f64 / *figure as f64 - 1.0) * 100.0;
        table += &format!("{name:44} {count:>12}  {change:+.2} %{floor}\n");
        // In whole numbers: what is just allowed must not fail for a rounding error.
        if u128::from(*count) * 100 > u128::from(*figure) * (100 + ALLOWED) {
            problems.push(name.clone());
        }
    }
    (table, problems)
}

/// Returns how many times as much an event costs as skipping it as JSON, where both were counted.
fn beside_skip(name: &str, count: u64, new: &Figures) -> String {
    let shape = name.strip_prefix("events/");
    let floor = shape.map(|shape| format!("skipped_by_serde_json/{shape}"));
    let floor = floor.and_then(|floor| new.instructions.get(&floor));
    floor.map_or(String::new(), |floor| {
        format!("  {:.2} x skipping it as JSON", count as f64 / *floor as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_three_percent_is_a_problem_and_less_is_none() {
        let of = |counts: &[(&str, u64)]| Figures {
            counted_with: Environment::default(),
            instructions: counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        };
        let old = of(&[("a", 1_000), ("b", 1_000), ("c", 1_000)]);
        let new = of(&[("a", 1_030), ("b", 1_031), ("c", 10), ("d", 1)]);
        let (table, problems) = compare(&old, &new);
        assert_eq!(problems, ["b"]);
        assert!(table.contains("+3.10 %") && table.contains("-99.00 %") && table.contains("(new)"));
        let with_floor = of(&[("events/x", 500), ("skipped_by_serde_json/x", 1_000)]);
        let (table, _) = compare(&with_floor, &with_floor);
        assert_eq!(table.matches("0.50 x skipping it as JSON").count(), 1);
    }
}
