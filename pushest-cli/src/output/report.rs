//! What is said on standard error about an event that is no result.

use pushest_proto::{ConnectionState, Event, InReplyTo, LimitReached, ServerError};

use super::Output;

impl Output {
    /// Says what happened, where it is nothing for standard output.
    pub(crate) fn report(&self, event: &Event) {
        match event {
            Event::State(change) if change.to == ConnectionState::Waiting => self.warning(change),
            Event::State(change) => self.status(change),
            Event::Subscribed { channel } => {
                self.status(format_args!("subscribed to {channel}"));
            }
            Event::SubscriptionFailed { channel, reason, retry_in: Some(pause) } => {
                let pause = pause.as_secs_f64();
                self.warning(format_args!("{channel}: {reason}; again in {pause:.1} s"));
            }
            Event::SubscriptionFailed { channel, reason, retry_in: None } => {
                self.warning(format_args!("{channel}: {reason}"));
            }
            Event::SignInFailed { reason, retry_in: Some(pause) } => {
                let pause = pause.as_secs_f64();
                self.warning(format_args!("not signed in: {reason}; again in {pause:.1} s"));
            }
            Event::SignInFailed { reason, retry_in: None } => {
                self.warning(format_args!("not signed in: {reason}"));
            }
            // What failed follows as an event of its own, and says it all.
            Event::ServerError(ServerError { in_reply_to: Some(InReplyTo::SignIn), .. }) => {}
            Event::ServerError(error) => {
                self.warning(format_args!("the server reports: {error}"));
            }
            Event::Malformed { problem, channel: Some(channel), message } => {
                self.warning(format_args!(
                    "a malformed message on {channel} ({problem}): {message}"
                ));
            }
            Event::Malformed { problem, channel: None, message } => {
                self.warning(format_args!("a malformed message ({problem}): {message}"));
            }
            Event::LimitReached(LimitReached::Members { channel, dropped }) => {
                self.warning(format_args!(
                    "{channel} has more members than are kept: {dropped} are left out"
                ));
            }
            Event::LimitReached(LimitReached::Watchlist { dropped }) => {
                self.warning(format_args!(
                    "the server tells of more users than a watchlist can have: {dropped} are left \
                     out"
                ));
            }
            // Messages that belong to no channel, pings, and what later versions know.
            _ => {}
        }
    }
}
