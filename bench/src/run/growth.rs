//! What an event costs as something grows: channels, receivers, the payload, clients in a process. (The
//! core alone has its own curves of channels and members.)

use super::machine;
use super::plan::Planned;
use super::programs::{Peers, Server, answer, this_program};
use super::{Order, sample};
use crate::Problem;
use crate::clocks::Clocks;
use crate::crowd::{Done, Flock};
use crate::flood::{Flood, Kind};
use crate::frames::event;
use crate::receive::{READ_BUFFER, Receiver, Runtime, Way};
use crate::results::{Curve, Point};
use crate::server::crowd::SIZE;
use crate::server::{Written, data_of};
use crate::tally::Report;

/// One point of one curve.
struct Subject {
    curve: &'static str,
    x: u64,
    name: String,
    how: How,
}

enum How {
    Flood(Planned),
    Fan { way: Way, flood: Flood, receivers: u64 },
    Crowd { is_ours: bool, flock: Flock },
}

/// Returns whether anything of it is to be measured.
pub(super) fn is_any(order: &Order) -> bool {
    !subjects(order).is_empty()
}

/// Measures everything once a round.
pub(super) fn measure(order: &Order) -> Result<Vec<Curve>, Problem> {
    let subjects = subjects(order);
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    let mut curves: Vec<Curve> = Vec::new();
    let server = Server::flood(None)?;
    for round in 1..=order.rounds {
        for subject in &subjects {
            let Subject { curve, x, name, how } = subject;
            eprintln!("round {round}: growth/{curve}/{x}/{name}");
            let measured = how.measure(&server);
            let (events, clocks) =
                measured.map_err(|problem| format!("growth/{curve}/{x}/{name}: {problem}"))?;
            let at = curves.iter().position(|known| known.name == *curve);
            let at = at.unwrap_or_else(|| {
                curves.push(Curve { name: (*curve).to_owned(), points: Vec::new() });
                curves.len() - 1
            });
            let points = &mut curves[at].points;
            match points.iter_mut().find(|point| point.x == *x && point.name == *name) {
                Some(point) => point.rounds.push(clocks),
                None => {
                    let (name, rounds) = (name.clone(), vec![clocks]);
                    points.push(Point { x: *x, name, events, rounds });
                }
            }
        }
    }
    server.end()?;
    Ok(curves)
}

fn subjects(order: &Order) -> Vec<Subject> {
    let most = if order.is_small() { 100 } else { u64::MAX };
    let up_to = |most: u64| move |x: &u64| *x <= most;
    let events = order.events / 8;
    let mut subjects = Vec::new();
    let mut floods = |curve: &'static str, x: u64, flood: Flood, ways: [Way; 3]| {
        for way in ways {
            let receiver = Receiver { runtime: Runtime::Tokio, way };
            let planned = Planned::ours("growth", &format!("{curve}/{x}"), receiver, flood);
            let name = receiver.to_string();
            subjects.push(Subject { curve, x, name, how: How::Flood(planned) });
        }
    };
    for x in [1, 10, 100, 1_000, 10_000, 100_000].into_iter().filter(up_to(most)) {
        let flood = Flood { channels: x, ..Flood::new(Kind::Good, 208, events) };
        floods("channels", x, flood, [Way::Count, Way::Skip, Way::Events]);
    }
    for x in [208, 1_024, 8_192, 65_536, 1_000_000] {
        let flood = Flood::new(Kind::Good, x as usize, (events * 2 * 208 / x).max(20));
        floods("bytes", x, flood, [Way::Count, Way::Skip, Way::Subscription]);
    }
    for x in [1, 10, 100, 1_000].into_iter().filter(up_to(most)) {
        let flood = Flood::new(Kind::Good, 208, (events / x).max(20));
        for way in [Way::Count, Way::Subscription] {
            let name = Receiver { runtime: Runtime::Tokio, way }.to_string();
            let how = How::Fan { way, flood, receivers: x };
            subjects.push(Subject { curve: "receivers", x, name, how });
        }
    }
    let most = most.min(machine::open_files().saturating_sub(100));
    for x in [1, 10, 100, 1_000, 10_000].into_iter().filter(up_to(most)) {
        let flock = Flock { connections: x, events: (events / x).max(16) };
        for (is_ours, name) in [(false, "tokio/count"), (true, "tokio/subscription")] {
            let (name, how) = (name.to_owned(), How::Crowd { is_ours, flock });
            subjects.push(Subject { curve: "clients", x, name, how });
        }
    }
    subjects.retain(|it| order.wants(&format!("growth/{}/{}/{}", it.curve, it.x, it.name)));
    subjects
}

impl How {
    /// Returns the number of events, and what they took.
    fn measure(&self, server: &Server) -> Result<(u64, Clocks), Problem> {
        match self {
            Self::Flood(planned) => {
                let sample = sample(planned, server, &Peers::default())?;
                let spent = Clocks { wall_ns: sample.wall_ns, cpu_ns: sample.cpu_ns };
                Ok((planned.frames(), spent))
            }
            Self::Fan { way, flood, receivers } => {
                let mut command = this_program()?;
                command.args(["fan", way.name(), "--address", server.address()]);
                command.args(["--channel", &flood.to_string()]);
                command.args(["--receivers", &receivers.to_string()]);
                let report: Report = serde_json::from_str(&answer(command)?)?;
                let written: Written = server.report()?;
                let bytes = if way.is_floor() { written.text_bytes } else { written.data_bytes };
                let expected = (written.events * receivers, Some(bytes * receivers));
                compare(&report, expected)?;
                let marks = flood.events();
                Ok(((marks.end - marks.begin) * receivers, spent(&report)))
            }
            Self::Crowd { is_ours, flock } => {
                let server = Server::crowd()?;
                let mut command = this_program()?;
                command.args(["crowd", if *is_ours { "ours" } else { "bare" }]);
                command.args(["--address", server.address()]);
                command.args(["--connections", &flock.connections.to_string()]);
                command.args(["--buffer", &READ_BUFFER.to_string()]);
                command.args(["--events", &flock.events.to_string()]);
                let answer = answer(command)?;
                let last = answer.lines().last().ok_or("it says nothing")?;
                let done: Done = serde_json::from_str(last)?;
                let report = done.received.ok_or("it has received nothing")?;
                let events = flock.connections * flock.events;
                let one = event(&flock.to_string(), 0, SIZE);
                let bytes = if *is_ours { data_of(&one)? } else { SIZE as u64 };
                compare(&report, (events, Some(events * bytes)))?;
                server.end()?;
                Ok((events - 1, spent(&report)))
            }
        }
    }
}

fn spent(report: &Report) -> Clocks {
    Clocks { wall_ns: report.wall_ns, cpu_ns: report.cpu_ns }
}

fn compare(report: &Report, expected: (u64, Option<u64>)) -> Result<(), Problem> {
    if (report.events, report.bytes) == expected && report.wall_ns > 0 {
        return Ok(());
    }
    Err(format!("the books differ: {report:?}, and not {expected:?}").into())
}
