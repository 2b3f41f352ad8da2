//! Writes down what receivers get.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::sync::{Mutex, PoisonError};

use pushest_driver::Event;
use pushest_driver::unstable::Commands;

use crate::app;
use crate::lines::{Line, Told};

/// Standard output, for all receivers.
#[derive(Debug)]
pub(crate) struct Report(Mutex<BufWriter<Stdout>>);

impl Report {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(BufWriter::new(io::stdout())))
    }

    pub(crate) fn line(&self, told: Told) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The runner is gone if this fails, and this process ends in a moment, too.
        let _ = writeln!(out, "{}", Line { at: app::now(), told });
        let _ = out.flush();
    }

    /// An event of the channel in this place; the receiver of everything knows none where the event
    /// names none.
    pub(crate) fn event(&self, channel: Option<usize>, event: &Event) {
        let odd = || Told::Odd { text: format!("{event:?}").replace('\n', " ") };
        let told = match (event, channel) {
            (Event::Channel(event), Some(channel)) => {
                let number = event.text().parse();
                number.map_or_else(|_| odd(), |number| Told::Event { channel, number })
            }
            (Event::Subscribed { .. }, Some(channel)) => Told::Subscribed { channel },
            // Every driver tells the session the wall clock, so that there is a time.
            (Event::Gap { silent_for, since: Some(since), .. }, Some(channel)) => {
                Told::Gap { channel, silent_for: *silent_for, since: *since }
            }
            (Event::Lagged { dropped: count }, channel) => Told::Lagged { channel, count: *count },
            // They come and go with what is done to the other clients; and a server that ends, is new
            // or answers too late refuses or has no event cached.
            (
                Event::Presence(_)
                | Event::SubscriptionCount { .. }
                | Event::CacheMiss { .. }
                | Event::SubscriptionFailed { .. }
                | Event::State(_)
                | Event::ServerError(_),
                _,
            ) => return,
            _ => odd(),
        };
        self.line(told);
    }

    pub(crate) fn status(&self, commands: &Commands) {
        let status = commands.status();
        let loss = status.last_loss.map(|loss| format!(", last loss: {loss}")).unwrap_or_default();
        let text = format!("{:?}{loss}", status.state).replace('\n', " ");
        let connections = commands.statistics().connections;
        self.line(Told::Status { connections, text });
    }
}
