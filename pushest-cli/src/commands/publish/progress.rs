//! How far `publish` has come: what is said where it ends early.

use std::cell::Cell;

use pushest_tokio::Api;
use pushest_tokio::api::Call;

use crate::failure::Failure;
use crate::output::{Backend, Line, Output};

/// What became of the events so far.
#[derive(Default)]
pub(super) struct Progress {
    published: Cell<u64>,
    /// Events of the call in flight: a signal that ends it leaves open whether they arrived.
    in_flight: Cell<u64>,
    /// Whether the call that failed may have been carried out.
    may_have_arrived: Cell<bool>,
    /// The HTTP status of the call that failed.
    status: Cell<Option<u16>>,
}

impl Progress {
    /// Returns the number of events that the server has accepted.
    pub(super) fn published(&self) -> u64 {
        self.published.get()
    }

    /// Carries out a call that publishes this number of events.
    pub(super) async fn call<C: Call>(
        &self,
        api: &Api,
        call: C,
        events: u64,
    ) -> Result<(), Failure> {
        self.in_flight.set(events);
        let sent = api.call(call).await;
        self.in_flight.set(0);
        sent.map_err(|error| {
            self.may_have_arrived.set(error.may_have_arrived());
            self.status.set(error.status());
            after(self.published(), error.into())
        })?;
        self.published.set(self.published() + events);
        Ok(())
    }

    /// Says why not all was published: for programs with what they decide by, and after a signal for
    /// people, too, who are told of other failures at the end.
    pub(super) fn report(&self, failure: &Failure, output: &Output) {
        let (published, in_flight) = (self.published(), self.in_flight.get());
        let reason = match failure {
            // There is no reader.
            Failure::BrokenPipe => return,
            Failure::Interrupted(_) => {
                let open = match in_flight {
                    0 => String::new(),
                    count => format!("; {count} more may have arrived"),
                };
                let reason = format!("ended after {published} published events{open}");
                output.warning(&reason);
                reason
            }
            failure => failure.text().unwrap_or_default().to_owned(),
        };
        // That standard output is closed is noticed at the end.
        let _ = output.only_json(&Line::Backend(Backend::Failed {
            published,
            may_have_arrived: in_flight > 0 || self.may_have_arrived.get(),
            status: self.status.get(),
            reason: &reason,
        }));
    }
}

/// A failure, with the number of events that were published before it: then it is no longer bad
/// input alone.
pub(super) fn after(published: u64, failure: Failure) -> Failure {
    match (published, failure) {
        (1.., Failure::Input(text) | Failure::Failed(text)) => {
            Failure::failed(format_args!("after {published} published events: {text}"))
        }
        (1.., Failure::TimedOut(text)) => {
            Failure::timed_out(format_args!("after {published} published events: {text}"))
        }
        (_, failure) => failure,
    }
}
