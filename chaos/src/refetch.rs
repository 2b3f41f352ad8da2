//! Whether refetching what a gap says brings every event, in each of the ways to lose some.
//!
//! The backend's log has each event with its sending time. What a client was not handed, it asks the
//! log for: all that was sent since the time that the channel's gap names; and, looked at separately,
//! all of the last `silent_for`. With what it was handed that must be everything.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::app;
use crate::bookkeeping::{Book, Order, Verdict};
use crate::channels;
use crate::client::{Runtime, Start};
use crate::log::Log;
use crate::peer::Peer;
use crate::proxy::{Proxy, Way};
use crate::publisher::Publisher;
use crate::server::{Program, Server};

/// One of each kind.
const CHANNELS: usize = 5;
/// Each channel carries an event each.
const INTERVAL: Duration = Duration::from_millis(100);
/// How many events a receiver of one channel may leave.
const QUEUE: usize = 16;
/// How long until every channel must be back after the last disturbance.
const BACK: Duration = Duration::from_secs(30);

/// How long before the disturbance a gap may begin: by what the client has measured or must suppose of
/// its round trips.
const EARLY: Duration = Duration::from_secs(5);

/// A way to lose events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// Receivers pause, the server sends and is killed, and another takes its place; the client,
    /// which waits for its receivers, learns of it when they go on.
    Pause,
    /// The same, with receivers that block the threads that they run on.
    Block,
    /// Receivers pause, and the server closes the connection in order.
    PauseToClose,
    /// The process is stopped for a minute. The server pings it, and then closes the connection.
    Stop,
    /// The way goes dark in both directions, while its connections stay open.
    Dark,
    /// The same, in the direction of the client only.
    DarkToClient,
}

impl Case {
    const ALL: [Self; 6] =
        [Self::Pause, Self::Block, Self::PauseToClose, Self::Stop, Self::Dark, Self::DarkToClient];

    fn name(self) -> &'static str {
        match self {
            Self::Pause => "pauses while the server ends",
            Self::Block => "blocks while the server ends",
            Self::PauseToClose => "pauses while the server closes",
            Self::Stop => "stopped for a minute",
            Self::Dark => "behind a way that goes dark",
            Self::DarkToClient => "behind one dark to the client",
        }
    }

    /// Settings of the server.
    fn settings(self) -> Vec<(&'static str, String)> {
        match self {
            Self::PauseToClose => vec![("SHUTDOWN_GRACE_PERIOD", "1".to_string())],
            // It pings after this many seconds, and closes 30 s later.
            Self::Stop => vec![("ACTIVITY_TIMEOUT", "10".to_string())],
            _ => Vec::new(),
        }
    }

    fn is_proxied(self) -> bool {
        matches!(self, Self::Dark | Self::DarkToClient)
    }

    /// Returns how long the disturbance lasts.
    fn time(self) -> Duration {
        Duration::from_secs(match self {
            Self::Pause | Self::Block | Self::PauseToClose => 15,
            Self::Stop => 60,
            Self::Dark | Self::DarkToClient => 8,
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Runs all cases on these runtimes, side by side, so that the minute passes once.
pub(crate) fn run(program: &Program, runtimes: &[Runtime]) -> Result<(), String> {
    let begun = Instant::now();
    let mut problems = Vec::new();
    thread::scope(|scope| {
        let cases =
            Case::ALL.map(|case| (case, scope.spawn(move || play(case, program, runtimes))));
        for (case, thread) in cases {
            let result = thread.join().unwrap_or_else(|_| Err("it panicked".to_string()));
            if let Err(problem) = result {
                problems.push(format!("{case}: {problem}"));
            }
        }
    });
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    let cases = Case::ALL.len() * runtimes.len();
    println!("{cases} clients in {} s: all of them have every event", begun.elapsed().as_secs());
    Ok(())
}

fn play(case: Case, program: &Program, runtimes: &[Runtime]) -> Result<(), String> {
    let mut server = Server::start(program, &case.settings())?;
    let channels = channels::all(CHANNELS);
    let log = Arc::new(Log::new(CHANNELS));
    let proxy = Proxy::start(server.address()).map_err(|error| error.to_string())?;
    let mut peers = Vec::new();
    for &runtime in runtimes {
        peers.push(Peer::start(
            Start {
                runtime,
                name: runtime.to_string(),
                servers: vec![if case.is_proxied() { proxy.address() } else { server.address() }],
                channels: CHANNELS,
                waits: true,
                queue: QUEUE,
            },
            Book::new(&channels, Order::Strict),
        )?);
    }
    wait(&mut peers, |book| book.channels.iter().all(|book| book.subscribed > 0))?;
    peers.iter_mut().try_for_each(Peer::ask)?;
    peers.iter().for_each(|peer| peer.book().turn());
    let publisher = Publisher::start(server.address(), &channels, &log, INTERVAL);
    wait(&mut peers, |book| book.channels.iter().all(|book| book.newest > 20))?;

    let begun = app::now();
    disturb(case, &mut server, &proxy, &mut peers)?;
    let before: Vec<u64> = (0..CHANNELS).map(|channel| log.last(channel)).collect();
    wait(&mut peers, |book| {
        book.channels.iter().zip(&before).all(|(book, before)| book.newest > *before)
    })?;
    drop(publisher);
    let mut problems = Vec::new();
    for peer in &mut peers {
        if let Err(problem) = judge(case, begun, peer, &log) {
            problems.push(format!("{}: {problem}", peer.start.name));
        }
    }
    if problems.is_empty() {
        return peers.into_iter().try_for_each(Peer::quit);
    }
    Err(problems.join("\n    "))
}

fn disturb(
    case: Case,
    server: &mut Server,
    proxy: &Proxy,
    peers: &mut [Peer],
) -> Result<(), String> {
    let tell = |peers: &mut [Peer], command| peers.iter_mut().for_each(|peer| peer.tell(command));
    match case {
        Case::Pause | Case::Block | Case::PauseToClose => {
            tell(peers, if case == Case::Block { "block" } else { "pause" });
            thread::sleep(case.time() * 2 / 3);
            if case == Case::PauseToClose {
                server.terminate()
            } else {
                server.kill()
            }
            server.restart()?;
            thread::sleep(case.time() / 3);
            tell(peers, "resume");
        }
        Case::Stop => {
            peers.iter_mut().for_each(|peer| peer.process().stop());
            thread::sleep(case.time());
            peers.iter_mut().for_each(|peer| peer.process().resume());
        }
        Case::Dark | Case::DarkToClient => {
            proxy.set(Way::Dark { to_client: true, to_server: case == Case::Dark });
            thread::sleep(case.time());
            proxy.set(Way::Clear);
        }
    }
    Ok(())
}

/// Looks whether the client has everything, and says what it took.
fn judge(case: Case, begun: Duration, peer: &mut Peer, log: &Log) -> Result<(), String> {
    peer.ask()?;
    let mut book = peer.book();
    book.check_gaps();
    if let Some(problem) = book.problems().first() {
        return Err(problem.clone());
    }
    for channel in &book.channels {
        let Some(earliest) = channel.gaps.iter().map(|gap| gap.since).min() else {
            return Err("a channel was told no gap".to_string());
        };
        // An upper bound is no excuse for refetching everything.
        if earliest + EARLY < begun {
            let early = (begun - earliest).as_secs_f64();
            return Err(format!("a gap begins {early:.1} s before anything happened"));
        }
    }
    let missed = |way: &str, verdict: &Verdict| {
        let first = verdict.first_lost.clone().unwrap_or_default();
        let lost = verdict.lost;
        if lost == 0 {
            Ok(())
        } else {
            Err(format!("{lost} events do not come back {way}: {first}"))
        }
    };
    let verdict = book.refetched(log);
    let is_vacuous = verdict.in_gaps == 0 && verdict.lost == 0;
    if is_vacuous {
        return Err("nothing was lost, so that nothing is shown".to_string());
    }
    missed("by the time that the gap names", &verdict)?;
    missed("by the last `silent_for`", &book.refetched_by_silence(log))?;
    let silent = book.channels.iter().flat_map(|book| &book.gaps).map(|gap| gap.silent_for);
    println!(
        "{case:<30} {:<13} {:>5} events handed over, {:>4} refetched; silent for up to {:.1} s",
        peer.start.name,
        book.events(),
        verdict.in_gaps,
        silent.max().unwrap_or_default().as_secs_f64()
    );
    Ok(())
}

fn wait(peers: &mut [Peer], is_met: impl Fn(&Book) -> bool) -> Result<(), String> {
    let deadline = Instant::now() + BACK;
    peers.iter_mut().try_for_each(|peer| peer.wait(deadline, &is_met))
}
