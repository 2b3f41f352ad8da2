//! Waiting for what a scenario expects, with one deadline for everything.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pushest_proto::{
    ChannelEvent, Config, ConnectionState, Event, Loss, SocketId, StateChange, SubscribeOptions,
};

use super::driver::{Driver, DriverClient, Settings};

/// Longer than anything here takes, even on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How long a client is let go on between two looks at something.
const STEP: Duration = Duration::from_millis(5);

/// Returns a client that connects.
pub(super) fn started<D: Driver>(config: Config) -> D::Client {
    started_with::<D>(config, Settings::default())
}

/// The same with settings.
pub(super) fn started_with<D: Driver>(config: Config, settings: Settings) -> D::Client {
    let mut client = D::client(config, settings);
    client.connect();
    client
}

/// Returns a client that is connected.
pub(super) fn connected<D: Driver>(config: Config) -> D::Client {
    let mut client = started::<D>(config);
    client.must_connect();
    client
}

/// What scenarios expect of a client: it comes in time, or the scenario fails and says what came
/// instead.
pub(super) trait Expect: DriverClient {
    fn must_connect(&mut self) -> SocketId {
        self.connected(PATIENCE).expect("connected")
    }

    /// Wants a channel, and does not wait for it.
    fn want(&mut self, channel: &str) {
        self.subscribe(channel, &SubscribeOptions::default()).expect("a good channel");
    }

    /// Subscribes to a channel.
    fn must_subscribe(&mut self, channel: &str) {
        self.must_subscribe_as(channel, &SubscribeOptions::default());
    }

    fn must_subscribe_as(&mut self, channel: &str, options: &SubscribeOptions) {
        self.subscribe(channel, options).expect("a good channel");
        self.must_be_subscribed(channel);
    }

    fn must_be_subscribed(&mut self, channel: &str) {
        self.subscribed(channel, PATIENCE).expect("subscribed");
    }

    fn must_flush(&mut self) -> Duration {
        self.flush(PATIENCE).expect("flushed")
    }

    /// The next event.
    fn next(&mut self) -> Event {
        self.recv(PATIENCE).expect("an event in time")
    }

    /// The first event that `pick` picks; those before it are dropped.
    fn wait_for<T>(&mut self, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while let Some(event) = self.recv(deadline.saturating_duration_since(Instant::now())) {
            if let Some(picked) = pick(&event) {
                return picked;
            }
            seen.push(event);
        }
        panic!("it did not come; {:?}; seen: {seen:#?}", self.status())
    }

    /// The next event that a channel carries.
    fn next_of(&mut self, channel: &str) -> ChannelEvent {
        self.wait_for(|event| match event {
            Event::Channel(event) if event.channel() == channel => Some(event.clone()),
            _ => None,
        })
    }

    /// The data of the next event of this name.
    fn next_text(&mut self, name: &str) -> String {
        self.wait_for(|event| match event {
            Event::Channel(event) if event.name() == name => Some(event.text().into_owned()),
            _ => None,
        })
    }

    /// The cause of the next gap of a channel.
    fn next_gap(&mut self, gone: &str) -> Loss {
        self.wait_for(|event| match event {
            Event::Gap { channel, cause, .. } if channel == gone => Some((**cause).clone()),
            _ => None,
        })
    }

    /// The next change to this state.
    fn next_state(&mut self, wanted: ConnectionState) -> StateChange {
        self.wait_for(|event| match event {
            Event::State(change) if change.to == wanted => Some(change.clone()),
            _ => None,
        })
    }

    /// Lets the client go on until something is the case.
    fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "waited for {what}; {:?}", self.status());
            self.sleep(STEP);
        }
    }
}

impl<C: DriverClient> Expect for C {}

/// Waits until something is the case that no client has to do anything for.
pub(super) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for {what}");
        std::thread::sleep(STEP);
    }
}

/// Returns the channel with something of its own at the end, so that scenarios on one server do not
/// meet.
pub(super) fn unique(channel: &str) -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    format!("{channel}-{}-{number}", std::process::id())
}
