//! What a session sends: subscriptions and client events.

use pushest_proto::{Loss, SubscribeOptions};

use super::session::{Established, drained};

/// A session without a channel, with one private channel once it is subscribed to.
#[derive(Debug)]
pub struct Single {
    established: Established,
}

impl Default for Single {
    fn default() -> Self {
        Self::new()
    }
}

impl Single {
    /// A session on an established connection.
    pub fn new() -> Self {
        Self { established: Established::new(true, |_| {}) }
    }

    /// Subscribes to a private channel: signs, and takes out the frame.
    pub fn subscribe(&mut self) {
        let now = self.established.now();
        let session = &mut self.established.session;
        session
            .subscribe("private-chat", &SubscribeOptions::default(), now)
            .expect("there is room");
        assert_eq!(drained(session).sent, 1);
    }

    /// The server confirms it.
    pub fn confirm(&mut self) {
        assert_eq!(self.established.confirm("private-chat", r#""{}""#).emitted, 1);
    }

    /// Sends a client event, and takes out the frame.
    pub fn trigger(&mut self) {
        let now = self.established.now();
        let session = &mut self.established.session;
        session.trigger("private-chat", "client-typing", "is typing", now).expect("it may be sent");
        assert_eq!(drained(session).sent, 1);
    }
}

/// A session with many private channels that the app's secret signs.
#[derive(Debug)]
pub struct Private {
    established: Established,
    names: Vec<String>,
}

impl Private {
    /// Creates a session with this many subscriptions.
    pub fn new(count: usize) -> Self {
        let names: Vec<_> = (0..count).map(|index| format!("private-{index}")).collect();
        let established = Established::new(true, |session| {
            for name in &names {
                let now = pushest_proto::Instant::ORIGIN;
                session.subscribe(name, &SubscribeOptions::default(), now).expect("there is room");
            }
        });
        let mut private = Self { established, names };
        private.confirm();
        private
    }

    /// Loses the connection and dials again, up to the dial.
    pub fn lose(&mut self) {
        let established = &mut self.established;
        let now = established.now();
        let session = &mut established.session;
        session.handle_close(established.connection, Loss::Reset("reset".into()), now);
        let mut asked = drained(session);
        while asked.connect.is_none() {
            let then = session.poll_timeout().expect("it dials again");
            session.handle_timeout(then);
            asked = drained(session);
        }
        established.connection = asked.connect.expect("it is there");
    }

    /// Opens the connection: each channel is signed for, and its frame taken out.
    pub fn resubscribe(&mut self) {
        let asked = self.established.open(self.established.connection);
        assert_eq!(asked.sent, self.names.len() as u64);
    }

    /// The server confirms each.
    pub fn confirm(&mut self) {
        for name in &self.names {
            assert!(self.established.confirm(name, r#""{}""#).emitted > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_private_channel_is_subscribed_to_again() {
        let mut private = Private::new(100);
        private.lose();
        private.resubscribe();
        private.confirm();
    }

    #[test]
    fn a_channel_is_subscribed_to_and_triggered_on() {
        let mut single = Single::new();
        single.subscribe();
        single.confirm();
        single.trigger();
    }
}
