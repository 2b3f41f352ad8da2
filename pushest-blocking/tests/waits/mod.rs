//! How the two clients of this crate are waited for.

mod called;
mod received;

use std::time::{Duration, Instant};

use pushest_blocking::proto::SocketId;
use pushest_blocking::{
    ChannelName, Client, Commands, Config, Connection, Event, Events, NotConnected, Nothing,
    Options, SubscribeError, SubscribeOptions, Subscription,
};
use pushest_conformance::{Waits, met};
use pushest_testkit::conformance::Unmet;

/// A thread carries the connection.
pub(crate) struct Spawned {
    pub(crate) client: Client,
    events: Events,
}

impl Spawned {
    fn new(config: Config, options: Options) -> Self {
        let (client, events) = Connection::with_options(config, options).spawn();
        Self { client, events }
    }
}

/// Whoever waits carries it.
pub(crate) struct Unspawned(pub(crate) Connection);

impl Unspawned {
    fn new(config: Config, options: Options) -> Self {
        Self(Connection::with_options(config, options))
    }
}

/// The names are the same, with a thread and without.
macro_rules! waits {
    ($driver:ident: $client:tt waits, $events:tt receives, $detach:expr, $sleep:expr) => {
        impl Waits for $driver {
            fn start(config: Config, options: Options) -> Self {
                Self::new(config, options)
            }

            fn commands(&self) -> &Commands {
                &self.$client
            }

            fn subscribe(
                &mut self,
                channel: &str,
                options: &SubscribeOptions,
            ) -> Result<(), SubscribeError> {
                self.$client.subscribe_with(channel, options).map($detach)
            }

            fn connected(&mut self, limit: Duration) -> Result<SocketId, Unmet> {
                match self.$client.connected_within(limit) {
                    Err(NotConnected::TimedOut { .. }) => Err(Unmet::TimedOut),
                    connected => met(Some(connected)),
                }
            }

            fn subscribed(&mut self, channel: &str, limit: Duration) -> Result<(), Unmet> {
                let channel = ChannelName::new(channel).expect("it was subscribed to");
                met(self.$client.subscribed_within(&channel, limit))
            }

            fn signed_in(&mut self, limit: Duration) -> Result<String, Unmet> {
                met(self.$client.signed_in_within(limit))
            }

            fn flush(&mut self, limit: Duration) -> Result<Duration, Unmet> {
                met(self.$client.flush_within(limit))
            }

            fn recv(&mut self, limit: Duration) -> Result<Option<Event>, Unmet> {
                match self.$events.recv_timeout(limit) {
                    Ok(event) => Ok(Some(event)),
                    Err(Nothing::Yet) => Err(Unmet::TimedOut),
                    Err(Nothing::More) => Ok(None),
                }
            }

            fn sleep(&mut self, duration: Duration) {
                $sleep(self, duration);
            }

            fn shutdown(&mut self, limit: Duration) -> Result<(), Unmet> {
                let begun = Instant::now();
                self.$client.shutdown();
                if begun.elapsed() <= limit { Ok(()) } else { Err(Unmet::TimedOut) }
            }

            fn drain(&mut self, limit: Duration) -> usize {
                self.$client.drain(limit)
            }
        }
    };
}

pushest_conformance::impl_features!(Spawned, Unspawned);

waits!(Spawned: client waits, events receives, Subscription::detach, |_: &mut Self, time| std::thread::sleep(time));
waits!(Unspawned: 0 waits, 0 receives, drop, |this: &mut Self, time| this.0.sleep(time));
