//! Looks into the books once everything is mended, and asks the witnesses where something is missing.

use std::thread;
use std::time::{Duration, Instant};

use super::network;
use super::plan::Round;
use super::total::Total;
use super::{CHANNELS, Stage};
use crate::bookkeeping::{Book, Verdict};
use crate::log::Published;
use crate::peer::Peer;

/// How much longer than any round trip to its node a client's events may take: the way between the nodes,
/// and the time that processes wait for their turn. What the books needed of it is printed.
const HELD: Duration = Duration::from_millis(100);
/// How long what was published last may take to arrive everywhere.
const ARRIVAL: Duration = Duration::from_secs(3);
/// How long to wait for what should not come.
const QUIET: Duration = Duration::from_millis(200);

impl Stage {
    /// Waits until every channel is back, stops publishing, and looks whether everything arrived that had
    /// to. `broken` is what was done, and when; `moved` are the clients whose connections the balancer
    /// ended since `begun`.
    pub(super) fn judge(
        &mut self,
        broken: Option<(&Round, Duration)>,
        begun: Duration,
        moved: &[usize],
    ) -> Result<Total, String> {
        let back = self.back("once the node is back")?;
        self.publisher.pause();
        let last: Vec<u64> = (0..CHANNELS).map(|channel| self.log.last(channel)).collect();
        let holds = broken.map_or(Duration::ZERO, |(round, _)| round.fault.holds());
        let held = HELD + holds;
        self.settle(&last, held, ARRIVAL + network::recovery(holds));
        self.peers.iter_mut().try_for_each(Peer::ask)?;
        if self.observer.is_empty() {
            return Err("nothing was published in Redis: the nodes are no cluster".to_string());
        }

        let mut total = Total { back, ..Total::default() };
        let mut problems = Vec::new();
        for (client, peer) in self.peers.iter().enumerate() {
            let mut book = peer.book();
            book.check_gaps();
            let verdict = book.verdict(&self.log, held);
            enter(&mut total, &book, &verdict, !holds.is_zero());
            let mut found = book.problems().to_vec();
            found.extend(self.missing(client, &book, &verdict, &mut total));
            found.extend(self.again(&book, broken, held, &mut total));
            found.extend(self.connections(client, &book, broken, begun, moved));
            let name = &peer.start.name;
            problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
        }
        total.unanswered = self.log.unanswered(&self.judged, &last);
        self.judged = last;
        if !problems.is_empty() {
            problems.truncate(20);
            return Err(problems.join("\n    "));
        }
        self.peers.iter().for_each(|peer| peer.book().turn());
        self.publisher.resume();
        Ok(total)
    }

    /// Waits until nothing is on its way any more: nobody misses anything, or has waited for long enough.
    fn settle(&self, last: &[u64], held: Duration, limit: Duration) {
        let deadline = Instant::now() + limit;
        let all = |is_met: &dyn Fn(&mut Book) -> bool| {
            self.peers.iter().all(|peer| is_met(&mut peer.book()))
        };
        let have_all = |book: &mut Book| {
            book.channels.iter().zip(last).all(|(book, last)| book.newest >= *last)
        };
        while !all(&have_all) && Instant::now() < deadline - limit / 2 {
            thread::sleep(Duration::from_millis(10));
        }
        let miss_nothing = |book: &mut Book| {
            book.close(last);
            book.verdict(&self.log, held).lost == 0
        };
        while !all(&miss_nothing) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(QUIET);
    }

    /// Looks for who is to blame for what a client was not handed and no gap holds.
    fn missing(
        &self,
        client: usize,
        book: &Book,
        verdict: &Verdict,
        total: &mut Total,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        if book.lagged > 0 {
            problems.push(format!("{} lagged, though it waits", book.lagged));
        }
        for &(channel, number) in &verdict.lost_numbers {
            let event = self.log.get(channel, number).expect("it was judged");
            let words = book.words(channel, number, &event);
            let times = self.observer.times(channel, number);
            match self.withheld_by(client, channel, number, &event) {
                Some(node) => {
                    let count =
                        if times == 0 { &mut total.not_in_redis } else { &mut total.not_sent };
                    if *count == 0 {
                        println!(
                            "    the servers' loss: the API took {words}; it was {times} times in \
                             Redis, and node {node} did not send it to a bare WebSocket either"
                        );
                    }
                    *count += 1;
                }
                None => problems.push(format!("lost outside of gaps: {words}; {times} in Redis")),
            }
        }
        problems
    }

    /// Returns the node that a client was on when an event was published, if that node did not send it to
    /// its witness, which was subscribed all the time.
    fn withheld_by(
        &self,
        client: usize,
        channel: usize,
        number: u64,
        event: &Published,
    ) -> Option<usize> {
        let node = self.balancer.node_of(client, event.began)?;
        let witness = &self.witnesses[node];
        let was_there = witness.covers(event.began, event.ended.unwrap_or(event.began));
        (was_there && witness.times(channel, number) == 0).then_some(node)
    }

    /// Looks for the reason of what a client was handed again.
    fn again(
        &self,
        book: &Book,
        broken: Option<(&Round, Duration)>,
        held: Duration,
        total: &mut Total,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let is_held = broken.is_some_and(|(round, _)| !round.fault.is_kill());
        for (channel, page) in book.channels.iter().enumerate() {
            for &number in &page.again {
                let sent = |times: u32| times > 1;
                let by_node = self.witnesses.iter().any(|it| sent(it.times(channel, number)));
                let event = self.log.get(channel, number);
                let in_gap = event.filter(|event| is_held && book.is_in_gap(channel, event, held));
                if by_node || sent(self.observer.times(channel, number)) {
                    total.sent_twice += 1;
                } else if let Some(event) = in_gap {
                    if total.across == 0 {
                        let words = book.words(channel, number, &event);
                        println!("    again across a gap: {words}");
                    }
                    total.across += 1;
                } else {
                    let words = event.map(|event| book.words(channel, number, &event));
                    problems.push(format!("doubled: {}", words.unwrap_or_default()));
                }
            }
        }
        problems
    }

    /// Checks that a client lost no connection without a reason, and that each channel was told.
    fn connections(
        &self,
        client: usize,
        book: &Book,
        broken: Option<(&Round, Duration)>,
        begun: Duration,
        moved: &[usize],
    ) -> Option<String> {
        let (losses, visits) = (book.losses(), self.balancer.visits(client, begun).len() as u64);
        let Some((round, at)) = broken else {
            return (losses > 0).then(|| format!("{losses} losses, and nothing was done"));
        };
        if losses > visits {
            return Some(format!("{losses} losses, and {visits} connections were made"));
        }
        if losses > 0 && book.channels.iter().any(|page| page.gaps.is_empty()) {
            return Some(format!("{losses} losses, and a channel was told no gap"));
        }
        let was_on_it = self.balancer.node_of(client, at) == Some(round.node);
        let expected = u64::from(was_on_it) + u64::from(moved.contains(&client));
        if round.fault.is_kill() && losses != expected {
            return Some(format!("{losses} losses where {expected} were to be expected"));
        }
        if round.fault.is_kill() && was_on_it && self.balancer.knows_nodes(client) {
            let next = self.balancer.visits(client, at).first().map(|visit| visit.node);
            if next.is_none_or(|node| node == round.node) {
                return Some(format!("after node {} it went to {next:?}", round.node));
            }
        }
        None
    }
}

fn enter(total: &mut Total, book: &Book, verdict: &Verdict, is_held: bool) {
    total.losses += book.losses();
    total.events += book.events();
    total.in_gaps += verdict.in_gaps;
    total.gaps += book.channels.iter().map(|page| page.gaps.len() as u64).sum::<u64>();
    total.overtaken += book.channels.iter().map(|page| page.overtaken).sum::<u64>();
    let early = if is_held { &mut total.early_held } else { &mut total.early };
    *early = verdict.early.max(*early);
}
