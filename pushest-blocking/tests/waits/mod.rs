//! How the two clients of this crate are waited for.

mod called;
#[cfg(unix)]
mod own_streams;
#[cfg(feature = "api")]
mod publishing;
mod received;

use std::time::{Duration, Instant};

use pushest_blocking::proto::SocketId;
use pushest_blocking::{
    ChannelName, Client, Config, Connection, Event, Events, FlushError, NotConnected, NotSignedIn,
    Options, RecvError, SubscribeError, SubscribeOptions, Subscription, SubscriptionError,
};
use pushest_conformance::{Waits, driver, met};
use pushest_testkit::conformance::Unmet;

#[cfg(unix)]
use own_streams::own_streams;
#[cfg(not(unix))]
use pushest_conformance::no_connector as own_streams;

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

/// A call that waits carries it.
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
            fn start(config: Config, options: driver::Options) -> Self {
                Self::new(config, options.into())
            }

            fn commands(&self) -> &driver::unstable::Client {
                self.$client.__driver()
            }

            fn subscribe(
                &mut self,
                channel: &str,
                options: &SubscribeOptions,
            ) -> Result<(), SubscribeError> {
                self.$client.subscribe_with(channel, options).map($detach)
            }

            fn connected(&mut self, limit: Duration) -> Result<SocketId, Unmet> {
                match self.$client.connected_timeout(limit) {
                    Err(NotConnected::TimedOut { .. }) => Err(Unmet::TimedOut),
                    connected => met(Some(connected)),
                }
            }

            fn subscribed(&mut self, channel: &str, limit: Duration) -> Result<(), Unmet> {
                let channel = ChannelName::new(channel).expect("it was subscribed to");
                match self.$client.subscribed_timeout(&channel, limit) {
                    Err(
                        SubscriptionError::TimedOut { .. }
                        | SubscriptionError::NotConnected(NotConnected::TimedOut { .. }),
                    ) => Err(Unmet::TimedOut),
                    subscribed => met(Some(subscribed)),
                }
            }

            fn signed_in(&mut self, limit: Duration) -> Result<String, Unmet> {
                match self.$client.signed_in_timeout(limit) {
                    Err(
                        NotSignedIn::TimedOut { .. }
                        | NotSignedIn::NotConnected(NotConnected::TimedOut { .. }),
                    ) => Err(Unmet::TimedOut),
                    signed_in => met(Some(signed_in)),
                }
            }

            fn flush(&mut self, limit: Duration) -> Result<Duration, Unmet> {
                match self.$client.flush_timeout(limit) {
                    Err(FlushError::TimedOut { .. }) => Err(Unmet::TimedOut),
                    flushed => met(Some(flushed)),
                }
            }

            fn recv(&mut self, limit: Duration) -> Result<Option<Event>, Unmet> {
                match self.$events.recv_timeout(limit) {
                    Ok(event) => Ok(Some(event)),
                    Err(RecvError::Timeout) => Err(Unmet::TimedOut),
                    Err(RecvError::Closed) => Ok(None),
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

pushest_conformance::impl_features!(Spawned, Unspawned; connector: own_streams);

waits!(Spawned: client waits, events receives, Subscription::detach, |_: &mut Self, time| std::thread::sleep(time));
waits!(Unspawned: 0 waits, 0 receives, drop, |this: &mut Self, time| this.0.sleep(time));
