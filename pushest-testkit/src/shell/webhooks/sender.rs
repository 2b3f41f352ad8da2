//! The thread of one backend: it makes webhooks of events, and sends each until it is taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use super::WebhookTarget;
use super::post::{self, Url};
use super::sent::{Sent, WebhookAttempt};
use crate::protocol::sign;

/// The longest pause before a webhook comes again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Maximum number of webhooks that wait to come again: then the oldest is given up.
const MOST_WAITING: usize = 10_000;

/// Maximum size of a webhook's body in bytes, unless one event is larger.
const MOST_BYTES: usize = 256 * 1024;

pub(super) struct Sender {
    url: Url,
    settings: WebhookTarget,
    secret: String,
    events: Receiver<Vec<String>>,
    sent: Arc<Sent>,
    /// What is sent as soon as it is due, in no order.
    waiting: VecDeque<Waiting>,
}

/// A webhook that is to be sent, or sent again.
struct Waiting {
    body: String,
    attempt: u32,
    due: Instant,
    pause: Duration,
    /// When no further attempt is made.
    end: Instant,
}

impl Sender {
    pub(super) fn new(
        url: Url,
        settings: WebhookTarget,
        secret: String,
        events: Receiver<Vec<String>>,
        sent: Arc<Sent>,
    ) -> Self {
        Self { url, settings, secret, events, sent, waiting: VecDeque::new() }
    }

    /// Runs until the server ends.
    pub(super) fn run(mut self) {
        while !self.sent.is_over() {
            self.send_due();
            let next = self.waiting.iter().map(|waiting| waiting.due).min();
            let first = match next {
                Some(due) => self.events.recv_timeout(until(due)),
                None => self.events.recv().map_err(RecvTimeoutError::from),
            };
            match first {
                Ok(events) => self.gather(events),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Makes webhooks of these events, and of those that come within the time of a batch.
    fn gather(&mut self, mut events: Vec<String>) {
        let deadline = after(self.settings.batch);
        while events.len() < self.settings.events
            && let Ok(more) = self.events.recv_timeout(until(deadline))
        {
            events.extend(more);
        }
        let mut events = events.into_iter().peekable();
        while let Some(first) = events.next() {
            let (mut list, mut count) = (first, 1);
            while count < self.settings.events
                && let Some(next) = events.next_if(|next| list.len() + next.len() < MOST_BYTES)
            {
                list.push(',');
                list.push_str(&next);
                count += 1;
            }
            self.add(&list);
        }
    }

    fn add(&mut self, events: &str) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = now.saturating_sub(self.settings.age).as_millis();
        let body = format!("{{\"time_ms\":{time},\"events\":[{events}]}}");
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
        }
        let (due, pause) = (Instant::now(), self.settings.retry);
        let end = after(self.settings.patience);
        self.waiting.push_back(Waiting { body, attempt: 1, due, pause, end });
    }

    fn send_due(&mut self) {
        let begun = Instant::now();
        // Each that is due now once, in order: those that come again wait behind.
        for _ in 0..self.waiting.len() {
            let Some(mut waiting) = self.waiting.pop_front() else { return };
            if waiting.due > begun {
                self.waiting.push_back(waiting);
                continue;
            }
            let is_taken = self.send(&waiting);
            if self.sent.is_over() {
                return;
            }
            let comes_again = !is_taken || (self.settings.twice && waiting.attempt == 1);
            waiting.attempt += 1;
            waiting.due = after(waiting.pause);
            waiting.pause = waiting.pause.saturating_mul(2).min(LONGEST_PAUSE);
            if comes_again && waiting.due <= waiting.end {
                self.waiting.push_back(waiting);
            }
        }
    }

    /// Returns whether the backend has taken it.
    fn send(&self, waiting: &Waiting) -> bool {
        let body = &waiting.body;
        let signature = sign(&self.secret, body);
        let headers = [("X-Pusher-Key", &*self.settings.key), ("X-Pusher-Signature", &*signature)];
        let result = post::post(&self.url, &headers, body, &self.sent);
        let (status, problem) = match result {
            Ok(status) => (Some(status), String::new()),
            Err(error) => (None, error.to_string()),
        };
        let (url, attempt) = (self.settings.url.clone(), waiting.attempt);
        let attempt = WebhookAttempt { url, body: body.clone(), attempt, status, problem };
        let is_taken = attempt.is_taken();
        self.sent.note(attempt);
        is_taken
    }
}

/// A time too far away to be told is as good as a very late one.
fn after(pause: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(pause).unwrap_or(now + Duration::from_secs(1 << 30))
}

fn until(time: Instant) -> Duration {
    time.saturating_duration_since(Instant::now())
}
