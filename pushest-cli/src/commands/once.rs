//! What the commands share that do one thing and end.

use std::future::Future;
use std::time::Duration;

use pushest_driver::unstable::Client;
use pushest_driver::{Events, Subscription};
use pushest_proto::{ConnectionState, Event, ServerError, SubscribeOptions};
use tokio::time::{Instant, sleep_until, timeout};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::interruption;
use crate::output::Output;
use crate::route::Routes;
use crate::runtime::Runtime;

/// A client for one task: it tells on standard error what keeps it, and has a limited time.
pub(crate) struct Once<'a> {
    pub(crate) client: Client,
    routes: Routes,
    events: Events,
    output: &'a Output,
    timeout: Duration,
    deadline: Instant,
}

impl<'a> Once<'a> {
    pub(crate) fn connect(
        connection: Connection,
        runtime: Runtime,
        timeout: Duration,
        output: &'a Output,
    ) -> Result<Self, Failure> {
        interruption::watch()?;
        let routes = connection.routes();
        let options = connection.options_for(runtime).start_disconnected();
        let client = runtime.client(connection.config, options)?;
        let events = client.events();
        client.connect();
        let now = Instant::now();
        // A deadline too far away to be told is as good as a very late one.
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(1 << 30));
        Ok(Self { client, routes, events, output, timeout, deadline })
    }

    /// Subscribes, and waits for the server to confirm it. The channel is subscribed to as long as
    /// the answer lives.
    pub(crate) async fn subscribe(
        &mut self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<Subscription, Failure> {
        let subscription = self.client.subscribe_with(channel, options)?;
        let subscribed = subscription.subscribed();
        let (result, _) = self.during(subscribed).await?;
        result.map_err(Failure::failed)?;
        Ok(subscription)
    }

    /// Signs in, and waits for the server to confirm it.
    pub(crate) async fn sign_in(&mut self, user: Option<&str>) -> Result<(), Failure> {
        self.client.sign_in(user).map_err(Failure::input)?;
        let signed_in = self.client.signed_in();
        let (result, _) = self.during(signed_in).await?;
        result.map(drop).map_err(Failure::failed)
    }

    /// Waits for `work`. Returns its result, and the errors that the server reported until then.
    pub(crate) async fn during<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<(T, Vec<ServerError>), Failure> {
        tokio::pin!(work);
        let mut errors = Vec::new();
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => self.note(&event, &mut errors),
                result = &mut work => {
                    self.note_rest(&mut errors).await;
                    return Ok((result, errors));
                }
                () = sleep_until(self.deadline) => {
                    let seconds = self.timeout.as_secs_f64();
                    let status = super::status(&self.client);
                    return Err(Failure::timed_out(format_args!(
                        "timed out after {seconds} s ({status})"
                    )));
                }
            }
        }
    }

    /// Passes events over until one is picked; `None` once it took too long.
    pub(crate) async fn first<T>(
        &mut self,
        within: Duration,
        pick: impl Fn(&Event) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let picked = async {
            while let Some(event) = self.events.recv().await {
                if let Some(picked) = pick(&event) {
                    return Some(picked);
                }
            }
            None
        };
        Ok(timeout(within, picked).await.unwrap_or(None))
    }

    /// Unsubscribes, and says goodbye to the server.
    pub(crate) async fn leave(&mut self, subscription: Subscription) {
        subscription.unsubscribe();
        // Some servers take a lost connection's members out later than those who unsubscribed. If
        // that cannot be waited for, the end of the connection says it, too.
        let flush = self.client.flush();
        let _ = self.during(flush).await;
        self.client.shutdown().await;
    }

    /// What is in the queue already: it came before the work was done.
    async fn note_rest(&mut self, errors: &mut Vec<ServerError>) {
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => self.note(&event, errors),
                () = std::future::ready(()) => return,
            }
        }
    }

    fn note(&self, event: &Event, errors: &mut Vec<ServerError>) {
        match event {
            Event::State(change) if change.to == ConnectionState::Connecting => {
                let route = self.routes.to(&self.client.status().endpoint);
                if self.routes.has_choice(&route) {
                    self.output.status(format_args!("connecting to {route}"));
                }
            }
            Event::State(change) if change.to == ConnectionState::Waiting => {
                self.output.warning(change);
            }
            Event::ServerError(error) => errors.push(error.clone()),
            _ => {}
        }
    }
}
