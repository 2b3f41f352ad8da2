//! A whole run: each round measures every client once, each against a server of its own.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use crate::Problem;
use crate::measure::Measured;

/// What is to be measured.
pub(crate) struct Order {
    pub(crate) rounds: u64,
    pub(crate) events: u64,
    /// The program for npm's `pusher`; without one it is left out.
    pub(crate) peer: Option<String>,
    pub(crate) out: Option<String>,
    pub(crate) has_budgets: bool,
}

/// What this program can be, and what each is.
const CLIENTS: [(&str, &str); 8] = [
    ("tokio", "pushest-tokio, one thread"),
    ("tokio-threads", "pushest-tokio, two threads"),
    ("smol", "pushest-async-std on smol"),
    ("blocking", "pushest-blocking, 16 threads"),
    ("signing", "the core alone: built, signed, read"),
    ("hyper", "the core's requests over hyper-util, one thread"),
    ("ureq", "the core's requests over ureq, 16 threads"),
    ("sockudo-http", "the crate sockudo-http 2.2.0, one thread"),
];

const PEER: (&str, &str) = ("pusher", "npm's pusher");

/// At most this much of the processor time of others, for one event.
const BUDGETS: [(&str, f64); 2] = [("pusher", 0.33), ("sockudo-http", 1.0)];

#[derive(Serialize)]
struct Row {
    client: &'static str,
    what: &'static str,
    samples: Vec<Measured>,
}

pub(crate) fn run(order: &Order) -> Result<(), Problem> {
    let machine = machine();
    let peer = order.peer.iter().map(|_| PEER);
    let mut rows: Vec<Row> = CLIENTS
        .into_iter()
        .chain(peer)
        .map(|(client, what)| Row { client, what, samples: Vec::new() })
        .collect();
    for round in 1..=order.rounds {
        for row in &mut rows {
            eprintln!("round {round}: {}", row.client);
            row.samples.push(measured(row.client, order)?);
        }
    }
    let table = format!("{machine}\n\n{}", table(&rows, order));
    println!("{table}");
    if let Some(folder) = &order.out {
        std::fs::create_dir_all(folder)?;
        std::fs::write(Path::new(folder).join("publishing.md"), &table)?;
        let json = serde_json::to_string_pretty(&rows)?;
        std::fs::write(Path::new(folder).join("publishing.json"), json + "\n")?;
    }
    if order.has_budgets { budgets(&rows) } else { Ok(()) }
}

/// The machine, and what it is busy with before the run.
fn machine() -> String {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    let (info, load) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
    let mut models =
        info.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = models.next().map_or("a processor without a name", |(_, model)| model.trim());
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    let load = load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown");
    format!("{model}, {count} at a time; the load before the run was {load}.")
}

fn measured(client: &str, order: &Order) -> Result<Measured, Problem> {
    let this = std::env::current_exe()?;
    let mut server =
        Command::new(&this).arg("server").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(server.stdout.take().ok_or("no output")?);
    let mut address = String::new();
    said.read_line(&mut address)?;
    let mut command = match &order.peer {
        Some(peer) if client == PEER.0 => {
            let mut node = Command::new("node");
            node.arg(peer);
            node
        }
        _ => {
            let mut own = Command::new(&this);
            own.arg(client);
            own
        }
    };
    // A peer under `set`-able limits would not be measured as it comes.
    let events = order.events.to_string();
    command.args(["--address", address.trim(), "--events", &events]).stdin(Stdio::null());
    let output = command.stderr(Stdio::inherit()).output()?;
    drop(server.stdin.take());
    let mut count = String::new();
    said.read_to_string(&mut count)?;
    server.wait()?;
    if !output.status.success() {
        return Err(format!("{client} ended with {}", output.status).into());
    }
    let measured: Measured = serde_json::from_slice(&output.stdout)?;
    let served = if client == "signing" { order.events } else { count.trim().parse()? };
    if served != order.events || measured.events != order.events {
        return Err(format!("{client}: {served} requests came of {} events", order.events).into());
    }
    Ok(measured)
}

/// The median, and the least and the most.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

/// Of one client to another, within each round.
fn ratios(rows: &[Row], client: &str, to: &str) -> Option<Vec<f64>> {
    let samples = |name| rows.iter().find(|row| row.client == name).map(|row| &row.samples);
    let pairs = samples(client)?.iter().zip(samples(to)?);
    Some(pairs.map(|(own, other)| own.cpu_ns / other.cpu_ns).collect())
}

fn table(rows: &[Row], order: &Order) -> String {
    let mut text = format!(
        "Publishing {} events of 208 bytes, 16 in flight, {} rounds: the median (the least to the most).\n\n\
         | | processor time of an event | × sockudo-http | × npm's pusher | events a second | memory |\n\
         |---|---|---|---|---|---|\n",
        order.events, order.rounds
    );
    for row in rows {
        let of = |pick: fn(&Measured) -> f64| spread(row.samples.iter().map(pick).collect());
        let (cpu, least, most) = of(|one| one.cpu_ns / 1_000.0);
        let (a_second, ..) = of(|one| 1e9 / one.wall_ns);
        let (memory, ..) = of(|one| one.memory_kib as f64 / 1_024.0);
        let beside = |to| match ratios(rows, row.client, to) {
            Some(ratios) => format!("{:.2}", spread(ratios).0),
            None => "-".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {cpu:.1} µs ({least:.1} to {most:.1}) | {} | {} | {a_second:.0} | {memory:.1} MiB |",
            row.what,
            beside("sockudo-http"),
            beside("pusher")
        );
    }
    text
}

fn budgets(rows: &[Row]) -> Result<(), Problem> {
    let mut broken = Vec::new();
    for client in ["tokio", "tokio-threads", "smol", "blocking"] {
        for (to, most) in BUDGETS {
            let Some(ratios) = ratios(rows, client, to) else { continue };
            let (median, ..) = spread(ratios);
            if median > most {
                broken.push(format!(
                    "{client} takes {median:.2} × the processor time of {to}, at most {most}"
                ));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ").into()) }
}
