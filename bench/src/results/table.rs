//! The results as Markdown: ratios first.

use std::fmt::Write;

use super::budgets::{budgets, is_floor, latency_ratio};
use super::{Cell, Results, Spread};

/// Writes all of it.
pub fn markdown(results: &Results) -> String {
    let mut text = String::new();
    write_all(results, &mut text).expect("a String takes everything");
    text
}

fn write_all(results: &Results, out: &mut String) -> std::fmt::Result {
    machine(results, out)?;
    for (section, group) in results.groups() {
        match section {
            "bad" => {}
            _ => flood(results, section, group, out)?,
        }
    }
    peers(results, out)?;
    bad(results, out)?;
    latencies(results, out)?;
    super::outgoing::table(results, out)?;
    super::crowds::tables(results, out)?;
    super::growth::tables(results, out)?;
    core(results, out)?;
    promises(results, out)
}

fn machine(results: &Results, out: &mut String) -> std::fmt::Result {
    let machine = &results.machine;
    writeln!(
        out,
        "{} rounds on {}: {}, {} MiB, Linux {}; {}. Load before: {:.2}.",
        results.rounds,
        machine.date,
        machine.processor,
        machine.memory_mib,
        machine.kernel,
        machine.versions.join(", "),
        machine.load_before
    )?;
    writeln!(
        out,
        "\nEach number is the median of the rounds, and behind it the least and the most. Ratios are \
         taken round by round."
    )
}

fn flood(results: &Results, section: &str, group: &str, out: &mut String) -> std::fmt::Result {
    let here = |cell: &&Cell| cell.section == section && cell.group == group;
    let ours: Vec<_> = results.cells.iter().filter(here).filter(|cell| !cell.is_peer()).collect();
    if ours.is_empty() {
        return Ok(());
    }
    let over = if section == "tls" { " over TLS" } else { "" };
    writeln!(out, "\n### Frames of {group} bytes{over}\n")?;
    writeln!(
        out,
        "| receiver | speed ÷ (floor + skip) | speed ÷ floor | ns an event | processor ns an event | peak MiB |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|")?;
    for cell in ours {
        let against = |way| {
            results
                .floor(cell, way)
                .map_or(String::new(), |floor| format!("{:.2}", cell.speed_against(floor)))
        };
        let name =
            if is_floor(&cell.name) { format!("*{}*", cell.name) } else { cell.name.clone() };
        row(out, &[name, against("skip"), against("count")], cell)?;
    }
    let cells = results.cells.iter().filter(here);
    let samples = cells
        .flat_map(|cell| &cell.samples)
        .map(|sample| sample.server_cpu_ns as f64 / sample.server_frames as f64);
    writeln!(out, "\nThe server spent {:.0} processor ns a frame.", Spread::of(samples))
}

fn row(out: &mut String, head: &[String], cell: &Cell) -> std::fmt::Result {
    let peak = cell.peak_kib() as f64 / 1024.0;
    writeln!(out, "| {} | {:.0} | {:.0} | {peak:.1} |", head.join(" | "), cell.wall(), cell.cpu())
}

fn peers(results: &Results, out: &mut String) -> std::fmt::Result {
    let peers: Vec<_> = results.cells.iter().filter(|cell| cell.is_peer()).collect();
    if peers.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### Other libraries\n")?;
    writeln!(
        out,
        "| library | bytes | speed of tokio/subscription ÷ its | of tokio/typed ÷ its | ns an event | processor ns an event | peak MiB |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|--:|")?;
    for cell in peers {
        let ours = |name| {
            results
                .cell(&cell.section, &cell.group, name)
                .map_or(String::new(), |ours| format!("{:.1}", ours.speed_against(cell)))
        };
        let head = [
            cell.name.clone(),
            cell.group.clone(),
            ours("tokio/subscription"),
            ours("tokio/typed"),
        ];
        row(out, &head, cell)?;
    }
    Ok(())
}

fn bad(results: &Results, out: &mut String) -> std::fmt::Result {
    let cells: Vec<_> = results.cells.iter().filter(|cell| cell.section == "bad").collect();
    if cells.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### Floods that no channel wants\n")?;
    writeln!(
        out,
        "| receiver | frames | time ÷ that of good ones | ns a frame | processor ns a frame | peak MiB |"
    )?;
    writeln!(out, "|---|---|--:|--:|--:|--:|")?;
    for cell in cells {
        let against = results
            .cell("bad", "good", &cell.name)
            .map_or(String::new(), |good| format!("{:.2}", good.speed_against(cell)));
        row(out, &[cell.name.clone(), cell.group.clone(), against], cell)?;
    }
    Ok(())
}

fn latencies(results: &Results, out: &mut String) -> std::fmt::Result {
    if results.latencies.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### From the server's write to the user's hand, 1,000 events a second\n")?;
    writeln!(
        out,
        "| receiver | events | p50 ÷ the bare loop's | p99 ÷ the bare loop's | p50 µs | p99 µs | slowest µs |"
    )?;
    writeln!(out, "|---|---|--:|--:|--:|--:|--:|")?;
    for latency in &results.latencies {
        let ratio = |which| {
            latency_ratio(results, &latency.group, &latency.name, which)
                .map_or(String::new(), |ratio| format!("{ratio:.2}"))
        };
        let micros = |of: fn(&crate::latency::Latency) -> u64| {
            Spread::of(latency.rounds.iter().map(|round| of(round) as f64)).divided(1_000.0)
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {:.0} | {:.0} | {:.0} |",
            latency.name,
            latency.group,
            ratio(0),
            ratio(1),
            micros(|round| round.p50_ns),
            micros(|round| round.p99_ns),
            micros(|round| round.max_ns)
        )?;
    }
    Ok(())
}

fn core(results: &Results, out: &mut String) -> std::fmt::Result {
    if results.core.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### The core alone (processor time)\n")?;
    writeln!(out, "| what | time ÷ skipping the same | ns each |")?;
    writeln!(out, "|---|--:|--:|")?;
    for series in &results.core {
        let skip = series.name.replacen("core/", "skip/", 1);
        let ratio =
            if skip == series.name { None } else { results.core_ratio(&series.name, &skip) };
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let each = Spread::of(series.rounds.iter().map(|round| round.cpu_ns as f64));
        writeln!(out, "| {} | {ratio} | {:.0} |", series.name, each.divided(series.events as f64))?;
    }
    Ok(())
}

fn promises(results: &Results, out: &mut String) -> std::fmt::Result {
    let budgets = budgets(results);
    if budgets.is_empty() {
        return Ok(());
    }
    let met = budgets.iter().filter(|budget| budget.is_met()).count();
    writeln!(out, "\n### Budgets: {met} of {} met\n", budgets.len())?;
    writeln!(out, "| what | budget | measured | |")?;
    writeln!(out, "|---|--:|--:|---|")?;
    for budget in budgets {
        let is_met = if budget.is_met() { "met" } else { "**missed**" };
        writeln!(
            out,
            "| {} | {} | {:.2} | {is_met} |",
            budget.what, budget.bound, budget.measured
        )?;
    }
    Ok(())
}
