//! Carries out what the plan says.

use std::thread;
use std::time::{Duration, Instant};

use super::Stage;
use crate::plan::{Fault, Round, ServerFault, TROUBLE};
use crate::proxy::{Cut, Way};

impl Stage {
    /// Breaks the server, and mends it.
    pub(super) fn break_server(&mut self, fault: ServerFault) -> Result<(), String> {
        let server = &mut self.server;
        match fault {
            ServerFault::Kill { down } => {
                server.kill();
                thread::sleep(down);
                server.restart()
            }
            ServerFault::KillTwice { down, up } => {
                server.kill();
                thread::sleep(down);
                server.restart()?;
                thread::sleep(up);
                server.kill();
                server.restart()
            }
            ServerFault::Terminate { down } => {
                server.terminate();
                thread::sleep(down);
                server.restart()
            }
            ServerFault::Stop { time } => {
                server.stop();
                thread::sleep(time);
                server.resume();
                Ok(())
            }
            ServerFault::StopAndKill { time, down } => {
                server.stop();
                thread::sleep(time);
                server.kill();
                thread::sleep(down);
                server.restart()
            }
        }
    }

    /// Does what the round does to the clients, and mends all of it.
    pub(super) fn trouble(&mut self, round: &Round) -> Result<(), String> {
        let begun = Instant::now();
        let mut steps = Vec::new();
        for (index, fault) in round.direct.iter().chain(&round.proxied).enumerate() {
            steps.extend(steps_of(*fault).into_iter().map(|(after, step)| (after, index, step)));
        }
        steps.extend(round.kill_after.map(|after| (after, 0, Step::KillServer)));
        steps.sort_by_key(|(after, ..)| *after);
        for (after, index, step) in steps {
            thread::sleep(after.saturating_sub(begun.elapsed()));
            let directs = self.direct.len();
            let peer = self.direct.iter_mut().chain(&mut self.proxied).nth(index);
            let peer = peer.expect("there is a fault for each client");
            match step {
                Step::Tell(command) => peer.tell(command),
                Step::Stop => peer.process().stop(),
                Step::Resume => peer.process().resume(),
                Step::Set(way) => self.proxies[index - directs].set(way),
                Step::Cut(cut) => self.proxies[index - directs].cut(cut),
                Step::KillServer => {
                    self.server.kill();
                    self.server.restart()?;
                }
            }
        }
        Ok(())
    }
}

/// One thing that is done at a point in time.
#[derive(Debug, Clone, Copy)]
enum Step {
    Tell(&'static str),
    Stop,
    Resume,
    Set(Way),
    Cut(Cut),
    KillServer,
}

/// Returns what is done for a fault, and when; its mending is the last of it.
fn steps_of(fault: Fault) -> Vec<(Duration, Step)> {
    let start = Duration::ZERO;
    let mended = (TROUBLE, Step::Set(Way::Clear));
    match fault {
        Fault::Stop(time) => vec![(start, Step::Stop), (time, Step::Resume)],
        Fault::Pause => vec![(start, Step::Tell("pause")), (TROUBLE, Step::Tell("resume"))],
        Fault::Block => vec![(start, Step::Tell("block")), (TROUBLE, Step::Tell("resume"))],
        Fault::Way(way) => vec![(start, Step::Set(way)), mended],
        // There is another upgrade once the connection is gone.
        Fault::WayAndCut(way @ Way::Answer(_), cut) => {
            vec![(start, Step::Set(way)), (start, Step::Cut(cut)), mended]
        }
        Fault::WayAndCut(way, cut) => {
            vec![(start, Step::Set(way)), (TROUBLE, Step::Cut(cut)), mended]
        }
        Fault::Cut(cut, times) => {
            (0..times).map(|time| (TROUBLE * time / times, Step::Cut(cut))).collect()
        }
    }
}
