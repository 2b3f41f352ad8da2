//! What all tests share: where the server is, and waiting for events instead of sleeping.
#![allow(dead_code)] // Each test binary uses its part.

use std::future::Future;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use pushest_testkit::conformance::Remote;
use pushest_testkit::protocol::App;
use pushest_tokio::{BackoffConfig, Client, Config, ConfigBuilder, Event, Subscription};

/// Longer than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server to test against: anything that has the app `1`.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    /// `pusher://KEY:SECRET@HOST:PORT`.
    pub(crate) fn from_url(url: &str) -> Self {
        let parts = || {
            let (user, server) = url.strip_prefix("pusher://")?.rsplit_once('@')?;
            let ((key, secret), (host, port)) = (user.split_once(':')?, server.rsplit_once(':')?);
            let [key, secret, host] = [key, secret, host].map(str::to_string);
            Some(Self { key, secret, host, port: port.trim_end_matches('/').parse().ok()? })
        };
        parts()
            .unwrap_or_else(|| panic!("{url:?} is not of the form pusher://KEY:SECRET@HOST:PORT"))
    }

    /// The app on it.
    pub(crate) fn app(&self) -> App {
        App::new("1", &*self.key, &*self.secret)
    }

    pub(crate) fn builder(&self) -> ConfigBuilder {
        // No server has to be spared here, and the test should not wait.
        let backoff = BackoffConfig::default()
            .initial(Duration::from_millis(100))
            .maximum(Duration::from_millis(200));
        Config::builder(&self.key).host(&self.host).port(self.port).backoff(backoff)
    }

    pub(crate) fn config(&self) -> Config {
        self.builder().secret(&self.secret).build().expect("a valid configuration")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config())
    }

    /// A client that is connected.
    pub(crate) async fn connected(&self) -> Client {
        let client = self.client();
        within(client.connected()).await.expect("connected");
        client
    }

    /// Publishes as the app's server does.
    pub(crate) async fn publish(&self, channel: &str, event: &str, data: &str) {
        let Self { key, secret, host, port } = self;
        let remote = Remote::from_url(&format!("pusher://{key}:{secret}@{host}:{port}"));
        let [channel, event, data] = [channel, event, data].map(str::to_string);
        let publishing =
            tokio::task::spawn_blocking(move || remote.publish(&channel, &event, &data));
        publishing.await.expect("published");
    }
}

/// The result, in time.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

/// The first event that `pick` picks; those before it are dropped.
pub(crate) async fn wait_for<T>(
    events: &mut (impl Stream<Item = Event> + Unpin),
    mut pick: impl FnMut(&Event) -> Option<T>,
) -> T {
    let mut seen = Vec::new();
    let waiting = async {
        while let Some(event) = events.next().await {
            if let Some(picked) = pick(&event) {
                return Some(picked);
            }
            seen.push(event);
        }
        None
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(Some(picked)) => picked,
        Ok(None) => panic!("the events ended; seen: {seen:#?}"),
        Err(_) => panic!("it did not come; seen: {seen:#?}"),
    }
}

/// The data of the next event of this name.
pub(crate) async fn next_text(subscription: &mut Subscription, name: &str) -> String {
    wait_for(subscription, |event| match event {
        Event::Channel(event) if event.name() == name => Some(event.text().into_owned()),
        _ => None,
    })
    .await
}

/// A subscription that the server has confirmed.
pub(crate) async fn subscribed(client: &Client, channel: &str) -> Subscription {
    let subscription = client.subscribe(channel).expect("a good channel");
    within(subscription.subscribed()).await.expect("subscribed");
    subscription
}

/// The channel with something of its own at the end, so that tests on one server do not meet.
pub(crate) fn unique(channel: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    format!("{channel}-{}-{number}", std::process::id())
}
