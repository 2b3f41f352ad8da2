//! What is sent: client events, and subscriptions until they are confirmed.

use super::Order;
use super::programs::{Server, answer, this_program};
use crate::Problem;
use crate::outgoing::{Spent, Task};
use crate::results::Outgoing;
use crate::server::answering::Came;

/// Bare first: it is what the other is compared with.
const NAMES: [&str; 2] = ["bare", "ours"];

/// Returns whether anything of it is to be measured.
pub(super) fn is_any(order: &Order) -> bool {
    tasks(order).next().is_some()
}

fn tasks(order: &Order) -> impl Iterator<Item = (Task, u64)> {
    let counts = if order.is_small() { [2_000, 1_000, 100] } else { [250_000, 100_000, 10_000] };
    Task::ALL.into_iter().zip(counts).filter(|(task, _)| order.wants(&format!("outgoing/{task}")))
}

/// Measures everything once a round. What both write must be the same.
pub(super) fn measure(order: &Order) -> Result<Vec<Outgoing>, Problem> {
    let of = |(task, count): (Task, u64)| {
        NAMES.map(|name| Outgoing {
            task: task.to_string(),
            name: name.to_owned(),
            count,
            rounds: Vec::new(),
        })
    };
    let mut measured: Vec<Outgoing> = tasks(order).flat_map(of).collect();
    if measured.is_empty() {
        return Ok(measured);
    }
    let server = Server::answering()?;
    for round in 1..=order.rounds {
        for both in measured.chunks_exact_mut(NAMES.len()) {
            let mut bytes = None;
            for one in both {
                let key = format!("outgoing/{}/{}", one.task, one.name);
                eprintln!("round {round}: {key}");
                let (spent, came) = send(one, &server)?;
                let (count, its) = match one.task.parse()? {
                    Task::Trigger => (came.client_events, came.client_event_bytes),
                    Task::Public | Task::Private => (came.subscribes, came.subscribe_bytes),
                };
                if count != one.count || *bytes.get_or_insert(its) != its {
                    return Err(format!("{key}: the books differ: {came:?}").into());
                }
                one.rounds.push(spent);
            }
        }
    }
    server.end()?;
    Ok(measured)
}

fn send(one: &Outgoing, server: &Server) -> Result<(Spent, Came), Problem> {
    let mut command = this_program()?;
    command.args(["outgoing", &one.task, &one.name, "--address", server.address()]);
    command.args(["--count", &one.count.to_string()]);
    let spent = serde_json::from_str(&answer(command)?)?;
    Ok((spent, server.report()?))
}
