//! Everything that a session is told goes through one place, which records it.

use super::Session;
use crate::command::CommandError;
use crate::input::{Applied, Input};
use crate::time::Instant;
use crate::trace::mode::Trace;

impl Session {
    /// Applies one input: what happened at `now`, or what the user wants then. This is what the
    /// methods `handle_…` and the commands do, each with its own [`Input`]; use them where you know
    /// what you tell, and this where you have it as a value: from a queue, another thread, or a
    /// script of a test.
    ///
    /// ```
    /// use pushest_proto::{Action, Applied, CommandError, Config, Input, Instant, Session};
    ///
    /// let config = Config::builder("app-key").host("localhost").build()?;
    /// let now = Instant::ORIGIN;
    /// let mut session = Session::new(config, 7, now);
    /// let subscribe = Input::Subscribe { channel: "news".into(), options: Default::default() };
    /// let Applied::Channel(name) = session.apply(subscribe, now)? else { unreachable!() };
    /// assert_eq!(name.as_str(), "news");
    /// let refused = session.apply(Input::Ping, now);
    /// assert!(matches!(refused, Err(CommandError::NotConnected { .. })));
    ///
    /// session.apply(Input::Connect, now)?;
    /// while let Some(action) = session.poll_action() {
    ///     if let Action::Connect { connection, .. } = action {
    ///         session.apply(Input::Open { connection }, now)?;
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What the command of the same name refuses; then nothing has changed. What happened
    /// ([`Input::Open`] and all that follow it) is never refused.
    pub fn apply(&mut self, input: Input<'_>, now: Instant) -> Result<Applied, CommandError> {
        if self.says_nothing_new(&input, now) {
            return Ok(Applied::Done);
        }
        self.record(&input, now);
        // A message says itself whether something has come to be due, and so do these signs of life, which move
        // the silence and its timers, and seldom more. Drivers tell one before nearly each batch. What is refused
        // changes nothing.
        let may_be_quiet = matches!(
            input,
            Input::Message { .. } | Input::CaughtUp { .. } | Input::Activity { .. }
        );
        let applied = self.carry_out(input, now)?;
        self.quiet &= may_be_quiet;
        Ok(applied)
    }

    fn carry_out(&mut self, input: Input<'_>, now: Instant) -> Result<Applied, CommandError> {
        match input {
            Input::Connect => self.want_connection(now),
            Input::Disconnect => self.want_no_connection(now),
            Input::SetEndpoint { endpoint } => self.go_on_with(endpoint, now),
            Input::Subscribe { channel, options } => {
                return self.want(&channel, &options, now).map(Applied::Channel);
            }
            Input::Unsubscribe { channel } => self.unwant(&channel, now)?,
            Input::Retry { channel } => self.try_again(&channel, now)?,
            Input::Trigger { channel, event, data } => {
                self.send_client_event(&channel, &event, &data, now)?;
            }
            Input::SignIn { user_data } => self.want_user(user_data.as_deref(), now)?,
            Input::Ping => return self.send_ping(now).map(Applied::Ping),
            Input::Open { connection } => self.on_open(connection, now),
            Input::Message { connection, message } => self.on_message(connection, message, now),
            Input::Oversized { connection, size, beginning } => {
                self.on_oversized(connection, size, &beginning, now);
            }
            Input::Activity { connection } => self.on_activity(connection, now),
            Input::CaughtUp { connection } => self.on_caught_up(connection, now),
            Input::Close { connection, loss } => self.on_close(connection, loss, now),
            Input::Authorization { ticket, answer } => self.on_authorization(ticket, answer, now),
            Input::Reading { reading } => self.on_reading(reading, now),
            Input::Writable { connection, writable } => self.on_writable(connection, writable, now),
            Input::NetworkChange => self.on_network_change(now),
            Input::WallClock { unix } => self.on_wall_clock(unix, now),
            Input::Timeout => self.on_timeout(now),
        }
        Ok(Applied::Done)
    }

    /// Applies what cannot be refused.
    pub(super) fn tell(&mut self, input: Input<'_>, now: Instant) {
        let applied = self.apply(input, now);
        debug_assert!(applied.is_ok(), "what happened is never refused");
    }

    /// Returns whether anything is recorded or replayed.
    pub(super) fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    /// Records an input, in the one place that calls the recorder. It comes before anything else
    /// that an input leads to, so that signatures and opened events stand behind it.
    fn record(&mut self, input: &Input<'_>, now: Instant) {
        if !self.is_traced() || self.is_refused_for_its_names(input) {
            return;
        }
        if let Some(trace) = &mut self.trace
            && let Trace::Recording(recorder) = &mut **trace
        {
            recorder.told(input, now, &self.config.limits);
        }
    }

    /// Returns whether a client event is refused for its names alone: its data would be in the
    /// recording for nothing.
    fn is_refused_for_its_names(&self, input: &Input<'_>) -> bool {
        match input {
            Input::Trigger { channel, event, .. } => self.triggering(channel, event).is_err(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::action::Action;
    use crate::config::Config;

    #[test]
    fn signs_of_life_do_not_make_a_batch_ask_every_source_and_what_makes_something_due_does() {
        let mut now = Instant::ORIGIN;
        let config =
            Config::builder("key").host("localhost").build().expect("a good configuration");
        let mut session = Session::new(config, 1, now);
        session.connect(now);
        let mut actions = core::iter::from_fn(|| session.poll_action());
        let Some(connection) = actions.find_map(|action| match action {
            Action::Connect { connection, .. } => Some(connection),
            _ => None,
        }) else {
            panic!("it dials")
        };
        session.handle_open(connection, now);
        let established = r#"{"event":"pusher:connection_established","data":{"socket_id":"1.2"}}"#;
        session.handle_message(connection, established.into(), now);
        while session.poll_action().is_some() {}
        let event = r#"{"event":"e","channel":"news","data":"1"}"#;
        for _ in 0..3 {
            now += Duration::from_secs(1);
            session.handle_caught_up(connection, now);
            assert!(session.quiet);
            now += Duration::from_secs(1);
            session.handle_activity(connection, now);
            assert!(session.quiet);
            session.handle_message(connection, event.into(), now);
            assert!(session.quiet && session.poll_action().is_none());
        }
        session.handle_network_change(now);
        assert!(!session.quiet && matches!(session.poll_action(), Some(Action::Send(_))));
        // Changes in a row, of which the last is looked into a second later, once something is heard.
        for heard in
            [Input::Message { connection, message: event.into() }, Input::Activity { connection }]
        {
            for _ in 0..10 {
                session.handle_network_change(now);
                while session.poll_action().is_some() {}
            }
            now += Duration::from_secs(1);
            session.apply(heard, now).expect("it happened");
            let last = core::iter::from_fn(|| session.poll_action()).last();
            assert!(matches!(last, Some(Action::Send(_))), "{last:?}");
            assert!(session.quiet);
        }
    }
}
