//! Looks into the books once everything is mended.

use std::time::{Duration, Instant};

use super::total::Total;
use super::{CHANNELS, HELD, Stage};
use crate::bookkeeping::{Book, Verdict};
use crate::client::Runtime;
use crate::peer::Peer;
use crate::plan::{Fault, Round};

/// How long until every channel must be back after the last disturbance.
const BACK: Duration = Duration::from_secs(20);

impl Stage {
    /// Waits until every channel is back, and looks whether everything arrived that had to. `held` is
    /// how much longer than any measured round trip the way of the client in that place may have held
    /// an event.
    pub(super) fn judge(
        &mut self,
        when: &str,
        held: impl Fn(usize) -> Duration,
    ) -> Result<Total, String> {
        let failed = |problem: String| format!("{when}, {problem}");
        let before: Vec<u64> = (0..CHANNELS).map(|channel| self.log.last(channel)).collect();
        let begun = Instant::now();
        self.wait(|book| {
            book.channels.iter().zip(&before).all(|(book, before)| book.newest > *before)
        })
        .map_err(failed)?;
        let back = begun.elapsed();
        let unanswered = self.log.unanswered(&self.judged, &before);
        self.judged = before;
        self.peers_mut().try_for_each(Peer::ask).map_err(failed)?;

        let mut total = Total::new(back, unanswered);
        let mut problems = Vec::new();
        for (index, peer) in self.peers().enumerate() {
            let mut book = peer.book();
            if book.lagged == 0 {
                book.check_gaps();
            }
            let is_held = held(index) > HELD;
            // What came, and was too much for its receiver, shall not count as early.
            let is_late = book.lagged == 0 || is_held;
            let held = if is_late { held(index) } else { Duration::ZERO };
            let verdict = book.verdict(&self.log, held);
            total.enter(&book, &verdict, is_held);
            let name = &peer.start.name;
            if let Some(earliest) = verdict.earliest.as_ref().filter(|_| !is_held) {
                println!("    {name}: {} ms early: {earliest}", verdict.early.as_millis());
            }
            let found = book.problems().iter().cloned().chain(lost(peer, &book, &verdict));
            problems.extend(found.map(|problem| format!("{name}: {problem}")));
        }
        if problems.is_empty() {
            return Ok(total);
        }
        problems.truncate(20);
        Err(failed(problems.join("\n    ")))
    }

    /// Checks how many gaps each channel was told, where nothing was done to the clients.
    pub(super) fn expect_gaps(&self, (from, to): (usize, usize)) -> Result<(), String> {
        for peer in self.peers() {
            let book = peer.book();
            // What a receiver was too slow for may have been a gap.
            let from = if book.lagged == 0 { from } else { 0 };
            for (channel, book) in self.channels.iter().zip(&book.channels) {
                let gaps = book.gaps.len();
                if !(from..=to).contains(&gaps) {
                    let (client, channel) = (&peer.start.name, &channel.name);
                    return Err(format!(
                        "{client}: {channel} was told {gaps} gaps, and not {from} to {to}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks that receivers which paused while everything else went on were told that they lagged.
    pub(super) fn expect_lags(&self, round: &Round) -> Result<(), String> {
        for (peer, fault) in self.proxied.iter().zip(&round.proxied) {
            // Nothing is read where the receiver itself carries the connection.
            let is_carried = peer.start.runtime != Runtime::Connection;
            let is_paused = *fault == Fault::Pause && round.kill_after.is_none() && is_carried;
            if is_paused && peer.book().lagged == 0 {
                return Err(format!("{}: nothing lagged behind a pause", peer.start.name));
            }
        }
        Ok(())
    }

    /// Waits until every client's books are like that.
    pub(super) fn wait(&mut self, is_met: impl Fn(&Book) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + BACK;
        self.peers_mut().try_for_each(|peer| peer.wait(deadline, &is_met))
    }
}

/// Returns what is wrong with what a client was not handed.
fn lost(peer: &Peer, book: &Book, verdict: &Verdict) -> Option<String> {
    if peer.start.waits && book.lagged > 0 {
        return Some(format!("{} lagged, though it waits", book.lagged));
    }
    if verdict.lost <= book.lagged || book.is_blurred() {
        return None;
    }
    let lost = verdict.lost - book.lagged;
    let first = verdict.first_lost.as_deref().unwrap_or_default();
    Some(format!("{lost} events lost outside of gaps: {first}"))
}
