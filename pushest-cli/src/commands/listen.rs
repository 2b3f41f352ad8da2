//! `pushest listen`: the events of channels, as they come, over every lost connection.

use std::collections::HashSet;
use std::future::ready;
use std::time::Duration;

use pushest_driver::Events;
use pushest_driver::unstable::Client;
use pushest_proto::{
    ChannelName, ChannelState, ConnectionState, Event, Loss, RequestFailure, ServerError,
    StateChange, SubscribeOptions,
};
use tokio::task::coop::consume_budget;
use tokio::time::{self, interval, sleep};

use super::checks::{Checks, user_data};
use crate::arguments::ListenArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::interruption;
use crate::output::{Line, Output, PATIENCE};
use crate::recording::{FLUSH, Recording};
use crate::route::Routes;

/// The longest name of an event ([protocol, limits](pushest_proto::protocol#limits)).
const EVENT_NAME: usize = 200;

/// Time limit for the closing handshake with a server that gave reason to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

pub(crate) async fn run(arguments: &ListenArguments, output: &Output) -> Result<(), Failure> {
    let connection = Connection::lasting(&arguments.connection, arguments.timeout)?;
    arguments.event.iter().try_for_each(|name| check_event_name(name))?;
    super::warn_of_near_misses(&arguments.channels, output);
    let checks = Checks::new(&connection);
    let options = checks.user(&arguments.user, &arguments.channels)?;
    for channel in &arguments.channels {
        checks.subscribe(channel, &options)?;
    }
    let user = arguments.sign_in.as_deref().map(user_data);
    if let Some(user) = user {
        checks.sign_in(user)?;
    }

    interruption::watch()?;
    let endpoints = connection.config.endpoints().len();
    let routes = connection.routes();
    let mut driver = connection
        .options_for(arguments.runtime)
        .watch_network(arguments.watch_network)
        .start_disconnected();
    let recording = arguments.record.as_deref().map(Recording::create).transpose()?;
    if let Some(recording) = &recording {
        driver = driver.record(recording.sink());
    }
    let client = arguments.runtime.client(connection.config, driver)?;
    let mut events = client.events();
    let wanted = subscribe(&client, &arguments.channels, &options)?;
    if let Some(user) = user {
        client.sign_in(user).map_err(Failure::input)?;
    }
    let mut listener = Listener {
        output,
        client: &client,
        routes,
        endpoints,
        refusals: 0,
        events: &arguments.event,
        remaining: arguments.count,
        wanted,
        signs_in: user.is_some(),
        has_signed_in: false,
        has_connected: false,
        is_connected: false,
        has_pointed: false,
    };
    client.connect();

    let timeout = arguments.timeout;
    let deadline = sleep(timeout.unwrap_or(Duration::MAX));
    tokio::pin!(deadline);
    let mut flush = interval(FLUSH);
    let end = {
        let listening = listener.listen(&mut events);
        tokio::pin!(listening);
        loop {
            tokio::select! {
                biased;
                signal = interruption::first() => break End::Told(Some(signal)),
                () = &mut deadline => break End::Told(None),
                error = output.failed() => break End::Own(Err(error.into())),
                _ = flush.tick(), if recording.is_some() => {
                    if let Some(Err(failure)) = recording.as_ref().map(Recording::flush) {
                        break End::Own(Err(failure));
                    }
                }
                result = &mut listening => break End::Own(result),
            }
        }
    };
    let result = match end {
        End::Own(result) => {
            // A server that has refused may not even answer a close frame.
            let patience = if result.is_ok() { Duration::MAX } else { SHUTDOWN_TIMEOUT };
            let _ = time::timeout(patience, client.shutdown()).await;
            result
        }
        End::Told(signal) => {
            let result = match signal {
                Some(signal) => listener.interrupted(signal),
                None => Err(listener.timed_out(timeout)),
            };
            output.hurry();
            recording.iter().for_each(Recording::hurry);
            // A server that does not say goodbye, too, is not waited for any longer.
            let goodbye = time::timeout(PATIENCE, client.shutdown());
            let (_, ()) = tokio::join!(goodbye, listener.rest(&mut events));
            result
        }
    };
    let recorded = recording.map_or(Ok(()), Recording::finish);
    result.and(recorded)
}

/// What listening ends with.
enum End {
    /// What was wanted came, or cannot come.
    Own(Result<(), Failure>),
    /// By a signal, or else because the time is over.
    Told(Option<u8>),
}

fn check_event_name(name: &str) -> Result<(), Failure> {
    if (1..=EVENT_NAME).contains(&name.chars().count()) {
        return Ok(());
    }
    Err(Failure::input(format_args!(
        "{name:?} is not an event's name: 1 to {EVENT_NAME} characters"
    )))
}

/// Subscribes to every channel for as long as the client lives.
fn subscribe(
    client: &Client,
    channels: &[String],
    options: &SubscribeOptions,
) -> Result<HashSet<ChannelName>, Failure> {
    let subscribe = |channel: &String| {
        let subscription = client.subscribe_with(channel, options)?;
        let name = subscription.name().clone();
        // Everything is read from `events`; a queue of its own would only fill up.
        subscription.detach();
        Ok(name)
    };
    channels.iter().map(subscribe).collect()
}

enum Progress {
    More,
    Done,
}

struct Listener<'a> {
    output: &'a Output,
    client: &'a Client,
    routes: Routes,
    /// How many endpoints there are, and how many attempts in a row were refused.
    endpoints: usize,
    refusals: usize,
    /// Only events of these names count and are printed; without any, all do.
    events: &'a [String],
    /// How many events are still to come; `None` means as many as there are.
    remaining: Option<u64>,
    /// The channels that the server has not refused.
    wanted: HashSet<ChannelName>,
    /// There is more to wait for than channels.
    signs_in: bool,
    has_signed_in: bool,
    has_connected: bool,
    is_connected: bool,
    /// It was said what may tell why there is no connection.
    has_pointed: bool,
}

impl Listener<'_> {
    /// Prints events as they come, no faster than they are read.
    async fn listen(&mut self, events: &mut Events) -> Result<(), Failure> {
        while let Some(event) = events.recv().await {
            if let Progress::Done = self.handle(&event).await? {
                return Ok(());
            }
            // However fast they come, a signal is heard.
            consume_budget().await;
        }
        Err(Failure::failed("the client has ended"))
    }

    /// Prints what had come already, as far as it is still read: the rest is counted.
    async fn rest(&mut self, events: &mut Events) {
        loop {
            let event = tokio::select! {
                biased;
                event = events.recv() => event,
                () = ready(()) => None,
            };
            let Some(event) = event else { return };
            if !matches!(self.handle(&event).await, Ok(Progress::More)) {
                return;
            }
        }
    }

    async fn handle(&mut self, event: &Event) -> Result<Progress, Failure> {
        self.has_signed_in |= matches!(event, Event::SignedIn { .. });
        if let Some(mut line) = Line::of(event) {
            if let Line::Members { channel, known, .. } = &mut line {
                *known = self.client.members_known(channel);
            }
            if line.passes(self.events) {
                self.output.next_line(&line).await?;
                if matches!(event, Event::Channel(_)) {
                    return Ok(self.count());
                }
            }
            return Ok(Progress::More);
        }
        match event {
            Event::State(change) => self.state(change).await?,
            Event::Subscribed { channel } => {
                self.wanted.insert(channel.clone());
                self.output.tell(event).await?;
            }
            Event::SubscriptionFailed { channel, reason, retry_in: None } => {
                self.wanted.remove(channel);
                if self.wanted.is_empty() && !self.signs_in {
                    self.tell_programs(event).await?;
                    return Err(Failure::failed(format_args!("{channel}: {reason}")));
                }
                self.output.tell(event).await?;
            }
            // The next connection tries again.
            Event::SignInFailed { reason: RequestFailure::NoAnswer, .. } if self.has_signed_in => {
                self.output.tell(event).await?;
            }
            Event::SignInFailed { reason, retry_in: None } => {
                self.tell_programs(event).await?;
                return Err(Failure::failed(format_args!("not signed in: {reason}")));
            }
            // What ended the attempt follows as a change of state, in the same words.
            Event::ServerError(error) if self.is_refusal(error) => {}
            Event::ServerError(error) => {
                // A refused subscription follows as an event of its own, and says it all.
                let state =
                    error.channel.as_ref().map(|name| self.client.channel_state(name.as_str()));
                if state != Some(Some(ChannelState::Failed)) {
                    self.output.tell(event).await?;
                }
            }
            event => self.output.tell(event).await?,
        }
        Ok(Progress::More)
    }

    /// Says it to programs alone: people read it as the error that the command ends with.
    async fn tell_programs(&self, event: &Event) -> Result<(), Failure> {
        if let Some(line) = Line::beside(event) {
            self.output.for_programs(&line).await?;
        }
        Ok(())
    }

    /// Whether the server sent this error instead of a handshake, and the attempt ended with it.
    fn is_refusal(&self, error: &ServerError) -> bool {
        let loss = self.client.status().last_loss;
        let code = match loss.as_deref() {
            Some(Loss::Refused { code, .. }) => Some(*code),
            _ => None,
        };
        !self.is_connected && code.is_some() && code == error.code
    }

    fn count(&mut self) -> Progress {
        match &mut self.remaining {
            Some(remaining) => {
                *remaining -= 1;
                if *remaining == 0 { Progress::Done } else { Progress::More }
            }
            None => Progress::More,
        }
    }

    async fn state(&mut self, change: &StateChange) -> Result<(), Failure> {
        self.is_connected = change.to == ConnectionState::Connected;
        let route = self.routes.to(&self.client.status().endpoint);
        let line = Line::state(change, Some(&route));
        let refusal = self.refusal(change);
        match &refusal {
            Some(_) => self.output.for_programs(&line).await?,
            None => self.output.next_line(&line).await?,
        }
        self.has_connected |= self.is_connected;
        let is_lost = matches!(change.to, ConnectionState::Waiting | ConnectionState::Refused);
        if is_lost && !self.has_connected && !self.has_pointed {
            self.has_pointed = true;
            self.output.status("`pushest doctor` with the same options tells which step fails");
        }
        refusal.map_or(Ok(()), Err)
    }

    /// Why there is no point in going on, if there is none.
    fn refusal(&mut self, change: &StateChange) -> Option<Failure> {
        let loss = change.loss.as_ref()?;
        let is_final = match change.to {
            ConnectionState::Refused => true,
            // Before the first connection it is most likely a mistake, if all endpoints do so; later it
            // will pass.
            ConnectionState::Waiting => {
                self.refusals = if loss.is_refusal() { self.refusals + 1 } else { 0 };
                !self.has_connected && self.refusals >= self.endpoints
            }
            _ => false,
        };
        is_final.then(|| Failure::failed(format_args!("refused: {loss}")))
    }

    /// Without a count there is no other end than a signal: then it is the normal one.
    fn interrupted(&self, signal: u8) -> Result<(), Failure> {
        match self.remaining {
            None => Ok(()),
            Some(_) => Err(Failure::Interrupted(signal)),
        }
    }

    fn timed_out(&self, timeout: Option<Duration>) -> Failure {
        let seconds = timeout.unwrap_or_default().as_secs_f64();
        let missing = match self.remaining {
            Some(remaining) => format!("; {remaining} more events were to come"),
            None => String::new(),
        };
        let status = super::status(self.client);
        Failure::timed_out(format_args!("timed out after {seconds} s{missing} ({status})"))
    }
}
