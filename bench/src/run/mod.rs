//! The whole benchmark: each round measures everything once, so that what slows the machine for a
//! while slows all alike.

mod crowds;
mod growth;
mod machine;
mod outgoing;
mod plan;
mod programs;

use std::path::PathBuf;

use self::plan::{Plan, Planned};
use self::programs::{Peers, Server, answer, this_program};
use crate::Problem;
use crate::latency::Latency;
use crate::results::{Cell, Latencies, Results, Sample, growth_svg, markdown, svg};
use crate::server::Written;
use crate::tally::Report;

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Order {
    /// The number of rounds.
    pub rounds: u32,
    /// The number of events of 208 bytes in a flood; of larger ones fewer.
    pub events: u64,
    /// Parts of the names of what is measured; all, if there is none.
    pub only: Vec<String>,
    /// A folder of programs that are the peers.
    pub peers: Option<PathBuf>,
    /// Where the results are written.
    pub out: PathBuf,
    /// The files' name without its ending.
    pub name: String,
}

impl Order {
    /// Returns whether it is to be seen only whether all of it works.
    fn is_small(&self) -> bool {
        self.events < 100_000
    }

    /// Returns whether what has this name is to be measured.
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }
}

/// Measures, writes the files, and prints the table.
pub fn run(order: &Order) -> Result<(), Problem> {
    let peers = Peers::find(order.peers.as_deref())?;
    let plan = Plan::new(order, &peers.names());
    let is_more = growth::is_any(order) || outgoing::is_any(order) || crowds::is_any(order);
    if plan.is_empty() && !is_more {
        return Err(format!("nothing has a name with {:?}", order.only).into());
    }
    let mut results = Results {
        machine: machine::describe(),
        rounds: order.rounds,
        events: order.events,
        ..Results::default()
    };
    floods(order, &plan, &peers, &mut results)?;
    results.growth = growth::measure(order)?;
    results.outgoing = outgoing::measure(order)?;
    (results.crowds, results.weights) = crowds::measure(order)?;
    if !plan.latencies.is_empty() {
        latencies(order, &plan, &mut results)?;
    }
    if plan.core {
        results.core = core(order)?;
    }
    save(order, &results)
}

fn floods(order: &Order, plan: &Plan, peers: &Peers, results: &mut Results) -> Result<(), Problem> {
    results.cells = plan.floods.iter().map(Planned::cell).collect();
    if plan.floods.is_empty() {
        return Ok(());
    }
    let scratch = order.out.join("authority.pem");
    let plain = Server::flood(None)?;
    let tls = Server::flood(Some(&scratch))?;
    for round in 1..=order.rounds {
        for (planned, cell) in plan.floods.iter().zip(&mut results.cells) {
            eprintln!("round {round}: {}", planned.key());
            let server = if planned.section == "tls" { &tls } else { &plain };
            let sample = sample(planned, server, peers);
            cell.samples.push(sample.map_err(|problem| format!("{}: {problem}", planned.key()))?);
        }
    }
    plain.end()?;
    tls.end()?;
    std::fs::remove_file(scratch)?;
    Ok(())
}

/// One receiver of one flood, whose books and the server's must be the same.
fn sample(planned: &Planned, server: &Server, peers: &Peers) -> Result<Sample, Problem> {
    let channel = planned.flood.to_string();
    let command = match planned.receiver {
        Some(receiver) => {
            let mut command = this_program()?;
            command.args(["receive", &receiver.to_string()]);
            command.args(["--address", server.address(), "--channel", &channel]);
            if let Some(authority) = server.authority() {
                command.arg("--authority").arg(authority);
            }
            command.args(["--whole", &planned.is_whole().to_string()]);
            command
        }
        None => {
            let marks = planned.flood.events();
            let mut command = peers.command(&planned.name)?;
            command.args([server.address(), &channel, crate::flood::EVENT]);
            command.args([marks.begin.to_string(), marks.end.to_string()]);
            command
        }
    };
    let report: Report = serde_json::from_str(&answer(command)?)?;
    let written: Written = server.report()?;
    compare(planned, &report, &written)?;
    let wall_ns = match planned.is_whole() {
        true => report.ended_ns.saturating_sub(written.began_ns),
        false => report.wall_ns,
    };
    Ok(Sample {
        wall_ns,
        cpu_ns: report.cpu_ns,
        peak_kib: report.peak_kib,
        server_cpu_ns: written.cpu_ns,
        server_frames: written.frames,
    })
}

fn compare(planned: &Planned, report: &Report, written: &Written) -> Result<(), Problem> {
    let is_floor = planned.receiver.is_some_and(|receiver| receiver.way.is_floor());
    let (count, bytes) = match is_floor {
        true => (written.frames, written.text_bytes),
        false => (written.events, written.data_bytes),
    };
    let looked = report.bytes.is_some() || report.out_of_order.is_some();
    let is_whole = written.channel == planned.flood.to_string()
        && report.events == count
        && report.bytes.is_none_or(|its| its == bytes)
        && report.out_of_order.is_none_or(|wrong| wrong == 0);
    if looked && is_whole && report.wall_ns > 0 {
        return Ok(());
    }
    Err(format!("the books differ: {report:?} of {written:?}").into())
}

fn latencies(order: &Order, plan: &Plan, results: &mut Results) -> Result<(), Problem> {
    results.latencies = plan
        .latencies
        .iter()
        .map(|(group, receiver, _)| Latencies {
            group: (*group).to_owned(),
            name: receiver.to_string(),
            rounds: Vec::new(),
        })
        .collect();
    for round in 1..=order.rounds {
        for ((group, receiver, flood), latencies) in
            plan.latencies.iter().zip(&mut results.latencies)
        {
            eprintln!("round {round}: latency/{group}/{receiver}");
            let mut command = this_program()?;
            command.args(["latency", &receiver.to_string(), "--channel", &flood.to_string()]);
            let latency: Latency = serde_json::from_str(&answer(command)?)?;
            latencies.rounds.push(latency);
        }
    }
    Ok(())
}

/// Measures the core, whose rounds are interleaved within one process.
fn core(order: &Order) -> Result<Vec<crate::core::Series>, Problem> {
    eprintln!("the core alone");
    let mut command = this_program()?;
    let most = if order.is_small() { 1_000 } else { 100_000 };
    command.args(["core", "--rounds", &order.rounds.to_string()]);
    command.args(["--events", &(order.events / 4).to_string(), "--most", &most.to_string()]);
    Ok(serde_json::from_str(&answer(command)?)?)
}

fn save(order: &Order, results: &Results) -> Result<(), Problem> {
    let path = |ending: &str| order.out.join(format!("{}.{ending}", order.name));
    let table = markdown(results);
    std::fs::write(path("json"), serde_json::to_string_pretty(results)? + "\n")?;
    std::fs::write(path("md"), &table)?;
    std::fs::write(path("svg"), svg(results))?;
    let growth = order.out.join(format!("{}-growth.svg", order.name));
    std::fs::write(growth, growth_svg(results))?;
    println!("{table}");
    println!("written: {}, .md, .svg and -growth.svg", path("json").display());
    Ok(())
}

/// Draws the picture anew from the JSON of a run.
pub fn draw(
    json: &std::path::Path,
    picture: &std::path::Path,
    is_growth: bool,
) -> Result<(), Problem> {
    let results: Results = serde_json::from_slice(&std::fs::read(json)?)?;
    let drawn = if is_growth { growth_svg(&results) } else { svg(&results) };
    Ok(std::fs::write(picture, drawn)?)
}

impl Planned {
    fn cell(&self) -> Cell {
        Cell {
            section: self.section.to_owned(),
            group: self.group.clone(),
            name: self.name.clone(),
            frames: self.frames(),
            samples: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flood::{Flood, Kind};
    use crate::receive::{Receiver, Runtime, Way};

    #[test]
    fn books_that_differ_are_refused() {
        let flood = Flood::new(Kind::Good, 208, 1_000);
        let planned =
            |way| Planned::ours("flood", "208", Receiver { runtime: Runtime::Tokio, way }, flood);
        let written = Written {
            channel: flood.to_string(),
            frames: 1_000,
            events: 1_000,
            text_bytes: 208_000,
            data_bytes: 100_000,
            began_ns: 1,
            cpu_ns: 1,
        };
        let report = Report { events: 1_000, wall_ns: 5, ..Report::default() };
        let with = |bytes, out_of_order| Report { bytes, out_of_order, ..report.clone() };
        let ours = planned(Way::Subscription);
        let is_right = |planned: &Planned, report| compare(planned, &report, &written).is_ok();
        assert!(is_right(&ours, with(Some(100_000), None)));
        assert!(is_right(&ours, with(None, Some(0))));
        assert!(is_right(&planned(Way::Count), with(Some(208_000), None)));
        assert!(!is_right(&ours, with(Some(100_001), None)));
        assert!(!is_right(&ours, with(None, Some(1))));
        assert!(!is_right(&ours, with(None, None)), "it has not looked");
        assert!(!is_right(&ours, Report { events: 999, ..with(None, Some(0)) }));
        let other = Written { channel: "flood-good-208-999-0".into(), ..written.clone() };
        assert!(compare(&ours, &with(None, Some(0)), &other).is_err());
    }
}
