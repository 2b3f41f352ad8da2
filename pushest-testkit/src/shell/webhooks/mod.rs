//! Telling an app's backend what happens ([protocol,
//! webhooks](pushest_proto::protocol#webhooks)): a thread for each backend, which signs, sends, and
//! sends again.

mod post;
mod sender;
mod sent;
mod server;

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use self::post::Url;
use self::sender::Sender;
pub(super) use self::sent::Sent;
pub use self::sent::WebhookAttempt;
use crate::protocol::{App, Broker};
use crate::setters::setters;

/// Where webhooks go, and how they come: what [`Server::webhooks`](crate::Server::webhooks) takes.
///
/// They go out one at a time, in order; a backend that does not answer holds the others up for 10
/// seconds at most, and one that must come again does not.
///
/// ```
/// use std::time::Duration;
/// use pushest_testkit::{Server, WebhookTarget};
///
/// let server = Server::start()?;
/// // What a backend has to cope with: each webhook comes twice.
/// server.webhooks(WebhookTarget::new("http://127.0.0.1:3000/webhooks").twice(true))?;
/// // And what it must refuse: webhooks that are signed with another secret, or an hour old.
/// server.webhooks(WebhookTarget::new("http://127.0.0.1:3000/webhooks").secret("guessed".into()))?;
/// let kept = Duration::from_secs(3600);
/// server.webhooks(WebhookTarget::new("http://127.0.0.1:3000/webhooks").age(kept))?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct WebhookTarget {
    /// The URL, `http://` and an address.
    pub url: String,
    /// How long events are gathered for one webhook, from the first of them on. 10 ms.
    pub batch: Duration,
    /// Maximum number of events in one webhook. 100.
    pub events: usize,
    /// The pause before a webhook comes again for the first time; each further one is twice as
    /// long, 10 seconds at most. 100 ms.
    pub retry: Duration,
    /// How long a webhook is tried. 5 minutes, as the hosted service does.
    pub patience: Duration,
    /// Whether each webhook comes twice, as if the first answer had been lost. By default not.
    pub twice: bool,
    /// How long ago the webhooks say that they were made. Zero.
    pub age: Duration,
    /// The key that the webhooks name; an empty one, the default, is the app's.
    pub key: String,
    secret: Option<String>,
}

impl WebhookTarget {
    /// Creates a target at this URL: `http://`, a host, maybe a port and a path.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            batch: Duration::from_millis(10),
            events: 100,
            retry: Duration::from_millis(100),
            patience: Duration::from_secs(300),
            twice: false,
            age: Duration::ZERO,
            key: String::new(),
            secret: None,
        }
    }

    setters! {
        /// Sets the URL.
        url: String;
        /// Sets how long events are gathered for one webhook.
        batch: Duration;
        /// Sets the maximum number of events in one webhook.
        events: usize;
        /// Sets the pause before a webhook comes again for the first time.
        retry: Duration;
        /// Sets how long a webhook is tried.
        patience: Duration;
        /// Sets whether each webhook comes twice.
        twice: bool;
        /// Sets how long ago the webhooks say that they were made.
        age: Duration;
        /// Sets the key that the webhooks name, instead of the app's.
        key: String;
    }

    /// Sets the secret that the webhooks are signed with, instead of the app's.
    #[must_use]
    pub fn secret(mut self, secret: String) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Starts the thread that sends.
    pub(super) fn start(mut self, app: &App, sent: &Arc<Sent>) -> io::Result<Backend> {
        let url = Url::parse(&self.url).map_err(|problem| {
            let text = format!("{:?} is no URL of webhooks: {problem}", self.url);
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?;
        if self.key.is_empty() {
            self.key.clone_from(&app.key);
        }
        let secret = self.secret.clone().unwrap_or_else(|| app.secret().to_owned());
        let (events, received) = mpsc::channel();
        let sender = Sender::new(url, self, secret, received, sent.clone());
        let thread = thread::Builder::new().name("pushest-webhooks".to_owned());
        // It ends with the server, or when a request that is on its way then is cut.
        thread.spawn(move || sender.run())?;
        Ok(Backend { events })
    }
}

/// A secret stays out.
impl std::fmt::Debug for WebhookTarget {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("WebhookTarget")
            .field("url", &self.url)
            .field("batch", &self.batch)
            .field("events", &self.events)
            .field("retry", &self.retry)
            .field("patience", &self.patience)
            .field("twice", &self.twice)
            .field("age", &self.age)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl From<&str> for WebhookTarget {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for WebhookTarget {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl From<&String> for WebhookTarget {
    fn from(url: &String) -> Self {
        Self::new(url)
    }
}

/// A backend's thread, as the loop sees it.
#[derive(Debug)]
pub(super) struct Backend {
    events: mpsc::Sender<Vec<String>>,
}

/// All backends that are told.
#[derive(Debug, Default)]
pub(super) struct Backends(Vec<Backend>);

impl Backends {
    pub(super) fn add(&mut self, backend: Backend) {
        self.0.push(backend);
    }

    /// Hands over what the broker has kept for them. It never waits.
    pub(super) fn tell(&mut self, broker: &mut Broker) {
        let mut events = Vec::new();
        while let Some(event) = broker.poll_webhook_event() {
            events.push(event);
        }
        if events.is_empty() {
            return;
        }
        // A thread that has ended did so because the server ends.
        self.0.retain(|backend| backend.events.send(events.clone()).is_ok());
    }
}
