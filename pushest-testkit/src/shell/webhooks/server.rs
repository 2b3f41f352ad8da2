//! What a server has for webhooks: whom it tells, and what became of it.

use std::io;
use std::time::Duration;

use super::{WebhookAttempt, WebhookTarget};
use crate::shell::{Server, TimedOut, Until};

/// Webhooks.
impl Server {
    /// Sends webhooks to an app's backend from here on: to a URL, `http://` and an address, or to a
    /// [`WebhookTarget`], which has settings. They are signed, tell in batches what happens, and come
    /// again until they are answered with 2xx ([protocol,
    /// webhooks](pushest_proto::protocol#webhooks)). Called again, it adds a further backend.
    ///
    /// ```
    /// use pushest_testkit::Server;
    ///
    /// let server = Server::start()?;
    /// server.webhooks("http://127.0.0.1:3000/webhooks")?;
    /// // A client subscribes, your backend hears of it, and then:
    /// // server.wait_for_webhooks(1, Duration::from_secs(5))?;
    /// // An async test: server.until_webhooks(1).await;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// If it is no such URL, or if no thread can be started.
    pub fn webhooks(&self, to: impl Into<WebhookTarget>) -> io::Result<()> {
        let backend = to.into().start(&self.app, &self.webhooks)?;
        self.call(move |turn| {
            turn.shared.broker.start_webhooks();
            turn.backends.add(backend);
        });
        Ok(())
    }

    /// Returns the latest 10,000 attempts to deliver a webhook, oldest first.
    #[must_use]
    pub fn webhook_attempts(&self) -> Vec<WebhookAttempt> {
        self.webhooks.attempts()
    }

    /// Blocks until at least `count` webhooks were answered with 2xx since the server was started.
    /// One that a backend has taken twice counts twice.
    ///
    /// # Errors
    /// After `timeout`.
    pub fn wait_for_webhooks(&self, count: u64, timeout: Duration) -> Result<(), TimedOut> {
        self.webhooks.wait(count, timeout)
    }

    /// Returns a future that completes once at least `count` webhooks were answered with 2xx since the server
    /// was started. One that a backend has taken twice counts twice.
    ///
    /// ```
    /// # use pushest_testkit::Server;
    /// # async fn example(server: Server) {
    /// server.until_webhooks(1).await;
    /// assert!(server.webhook_attempts()[0].body.contains("channel_occupied"));
    /// # }
    /// ```
    pub fn until_webhooks(&self, count: u64) -> Until {
        let sent = self.webhooks.clone();
        self.until_named(format!("{count} webhooks that are taken"), move |_| sent.taken() >= count)
    }

    /// Returns a future that completes once an attempt to deliver a webhook fits the condition, which looks at
    /// those of [`webhook_attempts`](Self::webhook_attempts) and then at each further one, also where a
    /// backend refuses it or gives no answer.
    ///
    /// ```
    /// # use pushest_testkit::Server;
    /// # async fn example(server: Server) {
    /// server.until_webhook_attempt(|attempt| attempt.status == Some(500)).await;
    /// server.until_webhook_attempt(|attempt| attempt.attempt == 3).await;
    /// # }
    /// ```
    pub fn until_webhook_attempt(
        &self,
        mut condition: impl FnMut(&WebhookAttempt) -> bool + Send + 'static,
    ) -> Until {
        let (sent, mut seen) = (self.webhooks.clone(), 0);
        self.until_named("an attempt to deliver a webhook that fits".into(), move |_| {
            sent.attempts_since(&mut seen).iter().any(&mut condition)
        })
    }
}
