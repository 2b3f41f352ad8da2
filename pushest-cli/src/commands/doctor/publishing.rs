//! The last steps: an event that is published by the HTTP API, and received as any subscriber would.
//! Which of the two halves fails is what most reports of "connected, subscribed, no events" lack.

use std::sync::Arc;
use std::time::Instant;

use pushest_driver::Subscription;
use pushest_proto::{ChannelName, Event, Loss};
use pushest_tokio::api::{AnswerErrorKind, Publish};
use pushest_tokio::{Api, ApiError, ApiOptions};

use super::Doctor;
use super::diagnosis::Given;
use crate::commands::api::with_headers;
use crate::commands::once::Once;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::Outcome;

const PUBLISH: &str = "publish";
const RECEIVE: &str = "receive";
const EVENT: &str = "pushest-doctor";

/// The API of the connection's app; why there is none, where something was not given.
pub(super) fn api(
    connection: &Connection,
    headers: &[String],
    limit: std::time::Duration,
) -> Result<Api, String> {
    let options = ApiOptions::default().options(connection.options.clone()).timeout(limit);
    let text = |failure: Failure| failure.text().unwrap_or_default().to_owned();
    let options = with_headers(options, headers).map_err(text)?;
    Api::with_options(&connection.config, options).map_err(|error| text(error.into()))
}

/// What became of the event.
enum Arrival {
    Whole,
    Undecryptable(String),
    Lost(Arc<Loss>),
}

impl Doctor<'_> {
    pub(super) async fn publish(
        &mut self,
        once: &mut Once<'_>,
        channels: &[ChannelName],
        subscriptions: &[Subscription],
    ) -> Result<(), Failure> {
        let api = match &self.api {
            Ok(api) => api.clone(),
            Err(why) => {
                self.skip(PUBLISH, why)?;
                return self.skip(RECEIVE, "nothing was published");
            }
        };
        let subscribed = subscriptions.first().map(Subscription::name);
        let Some(channel) = subscribed.or(channels.first()) else {
            return self.skip(PUBLISH, "there is no channel");
        };
        // No other doctor's event is taken for this one.
        let token = format!("{:016x}", fastrand::u64(..));
        let data = serde_json::json!({ "doctor": token }).to_string();
        let begun = Instant::now();
        let published = api.call(Publish::new(channel.as_str(), EVENT, data)).await;
        if let Err(error) = published {
            let hint = hint(&error, self.given);
            self.fail(PUBLISH, format_args!("{channel}: {error}"), hint)?;
            return self.skip(
                RECEIVE,
                match error.may_have_arrived() {
                    true => "whether it was published is not known",
                    false => "nothing was published",
                },
            );
        }
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        let server = api.app().endpoint().authority();
        let id = api.app().id();
        let text =
            format!("{server} has accepted {EVENT} on {channel} for the app {id}, {ms:.1} ms");
        self.ok(PUBLISH, text)?;
        if subscribed.is_none() {
            return self.skip(RECEIVE, "no channel is subscribed to");
        }
        let pick = |event: &Event| match event {
            Event::Channel(event) if event.channel() == channel && event.name() == EVENT => {
                event.text().contains(&token).then_some(Arrival::Whole)
            }
            Event::Undecryptable { channel: on, name, reason }
                if on == channel && **name == *EVENT =>
            {
                Some(Arrival::Undecryptable(reason.to_string()))
            }
            Event::State(change) => change.loss.clone().map(Arrival::Lost),
            _ => None,
        };
        match once.first(self.limit, pick).await? {
            Some(Arrival::Whole) => {
                let ms = begun.elapsed().as_secs_f64() * 1e3;
                self.ok(RECEIVE, format_args!("it arrived, {ms:.1} ms after it was published"))
            }
            Some(Arrival::Undecryptable(reason)) => {
                let hint = "it was sealed with this master key: the endpoint gives out another";
                let hint = if self.asks { Some(hint) } else { None };
                self.fail(RECEIVE, format_args!("it arrived, and {reason}"), hint)
            }
            Some(Arrival::Lost(loss)) => self.fail(RECEIVE, loss, None),
            None => {
                let (limit, key) = (self.limit, &self.key);
                let text = format!(
                    "the server has accepted it, and within {limit:?} it did not arrive at a \
                     subscriber of {channel}"
                );
                let hint = format!(
                    "the publishing half fails: the app {id} may be another than that of the key \
                     {key}, or what answers at {server} another server, or the server's queue or \
                     scaling (Redis) is not running"
                );
                // The summary names what does not work, which is not the step where it shows.
                self.failed.push("publishing");
                self.say(RECEIVE, Outcome::Failed, text, Some(&hint))
            }
        }
    }
}

/// What may help.
fn hint(error: &ApiError, given: Given) -> Option<&'static str> {
    Some(match error {
        ApiError::Connect { .. } => {
            "publishers must reach the HTTP API, too: it is asked at the WebSocket's host and port, \
             or at api-CLUSTER.pusher.com"
        }
        ApiError::NotHttp { .. } => {
            "what answers there is something else than a server of the protocol"
        }
        ApiError::Answer(answer) => match answer.kind {
            // Not by the status: a server may refuse in the body of a 200.
            AnswerErrorKind::Unauthorized => given.either(
                "the app's id, its key and its secret must belong together: --app-id, --key and \
                 --secret",
                "the app's id, its key and its secret must belong together: compare those of --url",
            ),
            AnswerErrorKind::Forbidden => "the app may be disabled, or over its quota",
            AnswerErrorKind::NotFound => given.either(
                "the server has no app of this --app-id, or its HTTP API is behind another --path",
                "the server has no app of the URL's id, or its HTTP API is behind another path than \
                 the URL's",
            ),
            _ => return None,
        },
        _ => return None,
    })
}
