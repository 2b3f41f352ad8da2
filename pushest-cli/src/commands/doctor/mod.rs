//! `pushest doctor`: what works and what does not, step by step. What it knows of the connection is
//! what the client knows: nothing is dialled beside it.

mod diagnosis;
mod publishing;

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use pushest_driver::Subscription;
use pushest_proto::{
    ChannelKind, ChannelName, ConnectionState, DialFailure, Endpoint, Event, Loss, RequestFailure,
    ServerError, SocketId, SubscribeOptions,
};
use pushest_tokio::Api;
use tokio::time::timeout;

use self::diagnosis::{Given, Step, diagnose};
use super::checks::Checks;
use super::once::Once;
use crate::arguments::DoctorArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Line, Outcome, Output};
use crate::runtime::Runtime;

const CHANNELS: [&str; 3] = ["pushest-doctor", "private-pushest-doctor", "presence-pushest-doctor"];
/// Tried, too, where there is a key for it.
const ENCRYPTED: &str = "private-encrypted-pushest-doctor";
const EVENT: &str = "client-pushest-doctor";
const NOBODY_SIGNS: &str = "neither a secret nor --auth-endpoint was given";
const NOT_CONNECTED: &str = "there is no connection";

pub(crate) async fn run(arguments: &DoctorArguments, output: &Output) -> Result<(), Failure> {
    let limit = arguments.timeout;
    let connection = Connection::impatient(&arguments.connection, limit)?;
    if connection.config.endpoints().len() > 1 {
        return Err(Failure::input("doctor examines one server at a time: give one --host"));
    }
    super::warn_of_near_misses(&arguments.channel, output);
    let checks = Checks::new(&connection);
    let user = match &arguments.user_id {
        Some(id) => checks.user_id(id)?,
        None if connection.has_endpoint => SubscribeOptions::default(),
        None => SubscribeOptions::member(super::random_user()),
    };
    let mut channels = Vec::new();
    match &arguments.channel {
        Some(channel) => channels.push(checks.subscribe(channel, &user)?),
        None => {
            for channel in CHANNELS {
                channels.push(ChannelName::new(channel)?);
            }
            if connection.config.has_master_key() {
                channels.push(ChannelName::new(ENCRYPTED)?);
            }
            if connection.can_sign() {
                checks.subscribe(CHANNELS[2], &user)?;
            }
        }
    }

    let route = connection.routes().to(connection.config.endpoint());
    let mut doctor = Doctor {
        output,
        api: publishing::api(&connection, &arguments.connection.header, limit),
        limit,
        user,
        endpoint: connection.config.endpoint().clone(),
        key: connection.config.key().to_owned(),
        given: Given {
            ca_file: arguments.connection.ca_file.is_some(),
            url: arguments.connection.app.url.is_some(),
        },
        lacks_app_id: connection.config.app_id().is_none(),
        asks: connection.has_endpoint,
        can_sign: connection.can_sign(),
        is_own_choice: arguments.channel.is_some(),
        proxy: route.proxy,
        unix_socket: route.unix_socket,
        failed: Vec::new(),
    };
    // Each wait has its own end.
    let mut once = Once::connect(connection, Runtime::default(), Duration::MAX, output)?;
    let result = doctor.examine(&mut once, &channels).await;
    once.client.shutdown().await;
    result?;
    if doctor.lacks_app_id {
        output.status("the publishing half was not tried: give --app-id");
    }
    match doctor.failed.as_slice() {
        [] => Ok(()),
        [step] => Err(Failure::failed(format_args!("{step} does not work"))),
        steps => Err(Failure::failed(format_args!("these do not work: {}", steps.join(", ")))),
    }
}

struct Doctor<'a> {
    output: &'a Output,
    /// Why there is none, where something for it was not given.
    api: Result<Api, String>,
    limit: Duration,
    user: SubscribeOptions,
    endpoint: Endpoint,
    key: String,
    given: Given,
    /// Without the app's id the HTTP API cannot be called.
    lacks_app_id: bool,
    /// An authorization endpoint signs.
    asks: bool,
    can_sign: bool,
    /// The user named the channel.
    is_own_choice: bool,
    /// The proxy on the way, without its password.
    proxy: Option<String>,
    /// The path of the socket to the server.
    unix_socket: Option<String>,
    failed: Vec<&'static str>,
}

impl Doctor<'_> {
    async fn examine(
        &mut self,
        once: &mut Once<'_>,
        channels: &[ChannelName],
    ) -> Result<(), Failure> {
        let is_connected = self.connect(once).await?;
        let mut subscriptions = Vec::new();
        // Without an authorization no channel tells whether signing works.
        let mut has_signed = !self.asks;
        if !self.can_sign {
            self.skip("sign", NOBODY_SIGNS)?;
        } else if !is_connected {
            self.skip("sign", NOT_CONNECTED)?;
        } else if !self.asks {
            let key = &self.key;
            self.ok(
                "sign",
                format_args!("by the secret given for key {key}; the server judges it"),
            )?;
        } else if !channels.iter().any(|channel| channel.kind().is_signed()) {
            self.skip("sign", "a public channel is not signed")?;
        }
        for channel in channels {
            let step = channel.kind().as_str();
            let is_signed = channel.kind().is_signed();
            if !is_connected || once.client.status().state != ConnectionState::Connected {
                self.skip(step, NOT_CONNECTED)?;
            } else if is_signed && !self.can_sign {
                self.skip(step, NOBODY_SIGNS)?;
            } else {
                let subscription = self.subscribe(once, channel, &mut has_signed).await?;
                subscriptions.extend(subscription);
            }
        }
        self.trigger(once, is_connected, channels, &subscriptions).await?;
        self.publish(once, channels, &subscriptions).await
    }

    /// Returns whether there is a connection.
    async fn connect(&mut self, once: &mut Once<'_>) -> Result<bool, Failure> {
        let pick = |event: &Event| match event {
            Event::State(change) => match (change.to, &change.loss) {
                (ConnectionState::Connected, _) => change.socket_id.clone().map(Ok),
                (_, loss) => loss.clone().map(Err),
            },
            _ => None,
        };
        // A dial and a handshake, each of which the client ends by itself.
        let longest = self.limit.saturating_mul(2).saturating_add(Duration::from_secs(1));
        let outcome: Option<Result<SocketId, Arc<Loss>>> = once.first(longest, pick).await?;
        match outcome {
            Some(Ok(socket_id)) => {
                self.works_before(Step::Handshake)?;
                self.handshake(once, &socket_id).await
            }
            Some(Err(loss)) => {
                let error = once.client.status().last_error;
                self.not_connected(&loss, error.as_ref())?;
                Ok(false)
            }
            None => {
                let error = once.client.status().last_error;
                self.not_connected(&Loss::HandshakeTimeout, error.as_ref())?;
                Ok(false)
            }
        }
    }

    fn not_connected(&mut self, loss: &Loss, error: Option<&ServerError>) -> Result<(), Failure> {
        let diagnosis = diagnose(loss, error, &self.endpoint, self.given);
        let mut text = loss.to_string();
        let is_said =
            |error: &ServerError| !error.message.is_empty() && text.contains(&*error.message);
        if let Some(error) = error.filter(|error| !is_said(error)) {
            text = format!("{text}; the server reported: {error}");
        }
        if diagnosis.is_certain {
            self.works_before(diagnosis.step)?;
        } else {
            let why = match loss {
                Loss::Dial(DialFailure::Headers(_)) => "the request's headers come first",
                _ => "it cannot be told apart from the next step",
            };
            for step in Step::ALL.into_iter().filter(|step| *step < diagnosis.step) {
                self.skip(step.name(), why)?;
            }
        }
        self.fail(diagnosis.step.name(), text, diagnosis.hint)?;
        for step in Step::ALL.into_iter().filter(|step| *step > diagnosis.step) {
            match step {
                Step::Tls if !self.endpoint.is_tls() => self.without_tls()?,
                _ => self.skip(step.name(), format_args!("{} failed", diagnosis.step.name()))?,
            }
        }
        Ok(())
    }

    /// What must have worked for this step to be reached.
    fn works_before(&mut self, end: Step) -> Result<(), Failure> {
        let (host, port) = (self.endpoint.host_with_zone(), self.endpoint.port());
        let is_address = self.endpoint.host().parse::<IpAddr>().is_ok();
        let resolved = if is_address {
            format!("{host} is an address")
        } else {
            format!("{host} has an address")
        };
        let connected = match (&self.unix_socket, &self.proxy) {
            (Some(path), _) => format!("{path} accepts connections"),
            (None, Some(proxy)) => format!("{proxy} connects to {host} on port {port}"),
            (None, None) => format!("{host} accepts connections on port {port}"),
        };
        for step in Step::ALL.into_iter().filter(|step| *step < end) {
            match step {
                Step::Resolve if self.unix_socket.is_some() => {
                    self.skip(step.name(), "the server is reached over a Unix socket")?;
                }
                Step::Resolve if self.proxy.is_some() => {
                    self.skip(step.name(), "the proxy resolves names")?;
                }
                Step::Resolve => self.ok(step.name(), &resolved)?,
                Step::Connect => self.ok(step.name(), &connected)?,
                Step::Tls if !self.endpoint.is_tls() => self.without_tls()?,
                Step::Tls => self.ok(step.name(), "the certificate is accepted")?,
                Step::Upgrade => self.ok(step.name(), "what answers is WebSocket")?,
                Step::Handshake => {}
            }
        }
        Ok(())
    }

    fn without_tls(&self) -> Result<(), Failure> {
        self.skip(Step::Tls.name(), "the address is one without TLS (ws://)")
    }

    async fn handshake(
        &mut self,
        once: &mut Once<'_>,
        socket_id: &SocketId,
    ) -> Result<bool, Failure> {
        let step = Step::Handshake.name();
        let flush = once.client.flush();
        let (pong, _) = once.during(timeout(self.limit, flush)).await?;
        let problem = match pong {
            Ok(Ok(round_trip)) => {
                let ms = round_trip.as_secs_f64() * 1e3;
                self.ok(step, format_args!("socket id {socket_id}, round trip {ms:.1} ms"))?;
                return Ok(true);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no pong to a ping within {:?}", self.limit),
        };
        let text = format!("socket id {socket_id}, but {problem}");
        self.fail(step, &text, None)?;
        Ok(once.client.status().state == ConnectionState::Connected)
    }

    async fn subscribe(
        &mut self,
        once: &mut Once<'_>,
        channel: &ChannelName,
        has_signed: &mut bool,
    ) -> Result<Option<Subscription>, Failure> {
        let (step, is_signed) = (channel.kind().as_str(), channel.kind().is_signed());
        let client = &once.client;
        let subscription = client.subscribe_with(channel.as_str(), &self.user)?;
        let pick = |event: &Event| match event {
            Event::Subscribed { channel: name } if name == channel => Some(Answer::Subscribed),
            Event::SubscriptionFailed { channel: name, reason, .. } if name == channel => {
                Some(Answer::Failed(reason.clone()))
            }
            Event::State(change) => change.loss.clone().map(Answer::Lost),
            _ => None,
        };
        // An authorization, and three times the question.
        let longest = self.limit.saturating_mul(4);
        let answer = once.first(longest, pick).await?.unwrap_or(Answer::None);
        if let Answer::Failed(reason) = &answer
            && is_denied(reason)
        {
            // The endpoint may allow other channels: each has its own answer.
            let other = "name a channel that the endpoint allows: pushest doctor CHANNEL";
            let other = (!self.is_own_choice).then_some(other);
            let hint = diagnosis::denied(reason).or(other);
            self.fail("sign", format_args!("{channel}: {reason}"), hint)?;
            self.skip(step, "sign failed")?;
            return Ok(None);
        }
        if is_signed && !*has_signed {
            *has_signed = true;
            match answer {
                Answer::None | Answer::Lost(_) => {
                    self.skip("sign", "whether the endpoint answered is not known")?;
                }
                _ => self.ok("sign", "by the endpoint for authorizations")?,
            }
        }
        match answer {
            Answer::Subscribed => {
                let is_presence = subscription.name().kind() == ChannelKind::Presence;
                let members = match subscription.members().len() {
                    _ if is_presence && !subscription.members_known() => {
                        ", whose list of members could not be read".to_owned()
                    }
                    0 => String::new(),
                    1 => ", 1 member".to_owned(),
                    count => format!(", {count} members"),
                };
                self.ok(step, format_args!("subscribed to {channel}{members}"))?;
                return Ok(Some(subscription));
            }
            Answer::Failed(reason) => {
                let hint = if self.asks { None } else { diagnosis::refused(&reason, is_signed) };
                self.fail(step, format_args!("{channel}: {reason}"), hint)?;
            }
            Answer::Lost(loss) => self.fail(step, format_args!("{channel}: {loss}"), None)?,
            Answer::None => self.fail(step, format_args!("{channel}: no answer in time"), None)?,
        }
        Ok(None)
    }

    async fn trigger(
        &mut self,
        once: &mut Once<'_>,
        is_connected: bool,
        channels: &[ChannelName],
        subscriptions: &[Subscription],
    ) -> Result<(), Failure> {
        const STEP: &str = "trigger";
        let carries = |channel: &ChannelName| channel.kind().allows_client_events();
        let Some(channel) =
            subscriptions.iter().map(Subscription::name).find(|channel| carries(channel))
        else {
            let why = match channels {
                _ if !is_connected => NOT_CONNECTED.to_owned(),
                _ if !self.can_sign => NOBODY_SIGNS.to_owned(),
                [channel] if !carries(channel) => format!("{channel} carries no client events"),
                _ => "no channel that carries client events is subscribed to".to_owned(),
            };
            return self.skip(STEP, why);
        };
        if let Err(error) = once.client.trigger(channel.as_str(), EVENT, &serde_json::json!({})) {
            return self.fail(STEP, error, None);
        }
        let flush = once.client.flush();
        let (flushed, errors) = once.during(timeout(self.limit, flush)).await?;
        if !errors.is_empty() {
            let hint = diagnosis::refused_event(&errors);
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return self.fail(STEP, format_args!("the server says: {}", texts.join("; ")), hint);
        }
        match flushed {
            Ok(Ok(round_trip)) => {
                let ms = round_trip.as_secs_f64() * 1e3;
                self.ok(
                    STEP,
                    format_args!(
                        "the server has read {EVENT} on {channel} and does not object, round trip \
                         {ms:.1} ms"
                    ),
                )
            }
            Ok(Err(error)) => self.fail(STEP, error, None),
            Err(_) => {
                let limit = self.limit;
                self.fail(STEP, format_args!("no pong within {limit:?}"), None)
            }
        }
    }

    fn ok(&self, step: &'static str, text: impl Display) -> Result<(), Failure> {
        self.say(step, Outcome::Ok, text, None)
    }

    fn skip(&self, step: &'static str, why: impl Display) -> Result<(), Failure> {
        self.say(step, Outcome::Skipped, why, None)
    }

    fn fail(
        &mut self,
        step: &'static str,
        text: impl Display,
        hint: Option<&str>,
    ) -> Result<(), Failure> {
        if !self.failed.contains(&step) {
            self.failed.push(step);
        }
        self.say(step, Outcome::Failed, text, hint)
    }

    fn say(
        &self,
        step: &str,
        result: Outcome,
        text: impl Display,
        hint: Option<&str>,
    ) -> Result<(), Failure> {
        let (text, hint) = (text.to_string(), hint.map(str::to_owned));
        Ok(self.output.line(&Line::Check { step, result, text, hint })?)
    }
}

/// What became of a subscription.
enum Answer {
    Subscribed,
    Failed(RequestFailure),
    Lost(Arc<Loss>),
    None,
}

/// Returns whether the authorizer refused or did not answer, and not the server.
fn is_denied(reason: &RequestFailure) -> bool {
    matches!(
        reason,
        RequestFailure::AuthorizationRefused(_) | RequestFailure::AuthorizationUnavailable(_)
    )
}
