//! What is sent, beside the bare loop.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{Results, Spread};
use crate::outgoing::{Spent, Task};

/// One task, of one sender, over all rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// `trigger`, `public` or `private`.
    pub task: String,
    /// `bare` or `ours`.
    pub name: String,
    /// The number of client events, or of subscriptions.
    pub count: u64,
    /// What each round took.
    pub rounds: Vec<Spent>,
}

impl Outgoing {
    /// Returns the nanoseconds that each took in each round, signing apart.
    fn each(&self) -> impl Iterator<Item = f64> {
        let apart = |spent: &Spent| spent.spent.wall_ns.saturating_sub(spent.signing.wall_ns);
        self.rounds.iter().map(move |spent| apart(spent) as f64 / self.count as f64)
    }
}

impl Results {
    fn outgoing(&self, task: &str, name: &str) -> Option<&Outgoing> {
        self.outgoing.iter().find(|one| one.task == task && one.name == name)
    }

    /// Returns how many times as long ours takes as the bare loop, signing apart, round by round.
    pub fn outgoing_ratio(&self, task: Task) -> Option<Spread> {
        let ours = self.outgoing(task.name(), "ours")?;
        let bare = self.outgoing(task.name(), "bare")?;
        Some(Spread::of(ours.each().zip(bare.each()).map(|(ours, bare)| ours / bare)))
    }
}

/// Writes the table.
pub(super) fn table(results: &Results, out: &mut String) -> std::fmt::Result {
    if results.outgoing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### Sent, and answered\n")?;
    writeln!(
        out,
        "| what | sender | time ÷ the bare loop's | each, ns | a second | processor ns each | signing, ns each |"
    )?;
    writeln!(out, "|---|---|--:|--:|--:|--:|--:|")?;
    for one in &results.outgoing {
        let count = one.count as f64;
        let per = |of: fn(&Spent) -> u64| {
            Spread::of(one.rounds.iter().map(|spent| of(spent) as f64)).divided(count)
        };
        let ratio = match (&*one.name, one.task.parse()) {
            ("ours", Ok(task)) => results.outgoing_ratio(task),
            _ => None,
        };
        let what = match &*one.task {
            "trigger" => format!("{count} client events"),
            kind => format!("{count} {kind} channels subscribed to"),
        };
        writeln!(
            out,
            "| {what} | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} |",
            one.name,
            ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
            Spread::of(one.each()),
            1e9 / Spread::of(one.each()).median,
            per(|spent| spent.spent.cpu_ns),
            per(|spent| spent.signing.wall_ns),
        )?;
    }
    writeln!(out, "\nThe time is without that of signing; the processor's is with it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clocks::Clocks;

    #[test]
    fn signing_is_taken_from_our_time_before_it_is_compared() {
        let one = |name: &str, spent: u64, signing: u64| {
            let clocks = |wall_ns| Clocks { wall_ns, cpu_ns: wall_ns };
            Outgoing {
                task: "private".into(),
                name: name.into(),
                count: 10,
                rounds: vec![Spent { spent: clocks(spent), signing: clocks(signing) }],
            }
        };
        let outgoing = vec![one("bare", 1_000, 0), one("ours", 5_000, 2_000)];
        let results = Results { outgoing, ..Results::default() };
        assert_eq!(results.outgoing_ratio(Task::Private).expect("both are there").median, 3.0);
        assert_eq!(results.outgoing_ratio(Task::Public), None);
        let mut text = String::new();
        table(&results, &mut text).expect("a String takes everything");
        assert!(text.contains("| ours | 3.00 (3.00–3.00) | 300 (300–300) |"), "{text}");
    }
}
